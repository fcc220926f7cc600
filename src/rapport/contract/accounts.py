"""The accounts family: the customers."""

from typing import Annotated

from msgspec import Meta

from rapport.contract.kit.errors import (
    ArtifactAlreadyAttachedToAParent,
    Conflict,
    InvalidId,
    NotFound,
)
from rapport.contract.kit.fields import (
    OURS,
    UNSET,
    Artifacts,
    CustomFields,
    CustomFieldsFilter,
    CustomFieldsUpdate,
    CustomSchemaSpec,
    DateTimeFilter,
    Domain,
    ExternalRefs,
    Json,
    ListRequest,
    ListResponse,
    Many,
    Name,
    Opaque,
    Request,
    Response,
    SetArtifacts,
    SetTagWithValue,
    SetWebsites,
    Short,
    Shorts,
    Text,
    UnsetType,
    Website,
)
from rapport.contract.kit.ids import AccountId, TagId, UserId
from rapport.contract.kit.method import READ, WRITE, Method
from rapport.contract.kit.own_time import OwnTime
from rapport.contract.kit.upserts import SOME, upsert_of
from rapport.contract.rev_orgs import RevOrg
from rapport.contract.tags import TagWithValue
from rapport.contract.users import ArtifactSummary, Atom, UserSummary


class Account(Atom):
    """An account."""

    artifacts: list[ArtifactSummary] | UnsetType = UNSET
    custom_fields: Json | UnsetType = UNSET
    custom_schema_fragments: list[str] | UnsetType = UNSET
    description: str | UnsetType = UNSET
    display_name: str | UnsetType = UNSET
    domains: list[str] | UnsetType = UNSET
    engagements_last_30_days: Annotated[int | UnsetType, OURS] = UNSET
    external_refs: list[str] | UnsetType = UNSET
    last_engagement: Annotated[str | UnsetType, OURS] = UNSET
    next_engagement: Annotated[str | UnsetType, OURS] = UNSET
    owned_by: list[UserSummary]
    subtype: str | UnsetType = UNSET
    tags: list[TagWithValue] | UnsetType = UNSET
    tier: str | UnsetType = UNSET
    websites: list[str] | UnsetType = UNSET


class AccountsCreateRequest(OwnTime):
    """A new account."""

    artifacts: Artifacts | UnsetType = UNSET
    custom_fields: CustomFields | UnsetType = UNSET
    custom_schema_spec: CustomSchemaSpec | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    display_name: Name
    domains: Many[Domain] | UnsetType = UNSET
    external_refs: Annotated[
        ExternalRefs | UnsetType, Meta(description="Each is unique among the org's accounts.")
    ] = UNSET
    owned_by: Many[UserId] | UnsetType = UNSET
    schema_fragment_ids: Many[Opaque] | UnsetType = UNSET
    tags: Many[SetTagWithValue] | UnsetType = UNSET
    tier: Short | UnsetType = UNSET
    websites: Many[Website] | UnsetType = UNSET


class AccountsCreateResponse(Response):
    """The account that was made, and its first rev org."""

    account: Account
    default_rev_org: RevOrg


AccountsUpsertRequest = upsert_of(
    AccountsCreateRequest, "external_refs", Annotated[ExternalRefs, SOME]
)


class AccountsUpsertResponse(Response):
    """What was made or changed."""

    created: Annotated[bool, Meta(description="False: it was there already.")]
    account: Account


class AccountsGetRequest(Request):
    """Which account."""

    id: AccountId


class AccountsGetResponse(Response):
    """The account."""

    account: Account


class CountFilter(Request):
    """A range of counts; both ends belong to it."""

    min: Annotated[int, Meta(ge=0, le=2**53)] | UnsetType = UNSET
    max: Annotated[int, Meta(ge=0, le=2**53)] | UnsetType = UNSET


class AccountsListRequest(ListRequest):
    """Which accounts. They are also sorted by `last_engagement`, `next_engagement` and
    `engagements_last_30_days`, which are of engagements and meetings of the account, of its
    opportunities and of its people; without one comes before all dates.
    """

    created_by: Many[UserId] | UnsetType = UNSET
    created_date: DateTimeFilter | UnsetType = UNSET
    custom_fields: CustomFieldsFilter | UnsetType = UNSET
    display_name: Shorts | UnsetType = UNSET
    domains: Shorts | UnsetType = UNSET
    engagements_last_30_days: Annotated[
        CountFilter | UnsetType, OURS, Meta(description="How many are past, and not longer ago.")
    ] = UNSET
    external_refs: Shorts | UnsetType = UNSET
    last_engagement: Annotated[
        DateTimeFilter | UnsetType, OURS, Meta(description="When the last one was that is past.")
    ] = UNSET
    modified_date: DateTimeFilter | UnsetType = UNSET
    next_engagement: Annotated[
        DateTimeFilter | UnsetType, OURS, Meta(description="When the next one is to be.")
    ] = UNSET
    owned_by: Many[UserId] | UnsetType = UNSET
    stage: Annotated[
        Many[Opaque] | UnsetType, Meta(description="Accounts have no stages here: none will match.")
    ] = UNSET
    subtype: Shorts | UnsetType = UNSET
    tags: Many[TagId] | UnsetType = UNSET
    tier: Shorts | UnsetType = UNSET
    websites: Shorts | UnsetType = UNSET


class AccountsListResponse(ListResponse):
    """A page of accounts."""

    accounts: list[Account]


class AccountsUpdateRequest(Request):
    """What changes; what is absent stays, and an array replaces the one before."""

    id: AccountId
    artifacts: SetArtifacts | UnsetType = UNSET
    custom_fields: CustomFieldsUpdate | UnsetType = UNSET
    custom_schema_spec: CustomSchemaSpec | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    display_name: Name | UnsetType = UNSET
    domains: Many[Domain] | UnsetType = UNSET
    external_refs: ExternalRefs | UnsetType = UNSET
    owned_by: Many[UserId] | UnsetType = UNSET
    schema_fragment_ids: Many[Opaque] | UnsetType = UNSET
    tags: Many[SetTagWithValue] | UnsetType = UNSET
    tier: Annotated[Short | UnsetType | None, Meta(description="null clears it.")] = UNSET
    websites: SetWebsites | UnsetType = UNSET


class AccountsUpdateResponse(Response):
    """The account as it is now."""

    account: Account


class AccountsDeleteRequest(Request):
    """Which account: one without engagements, meetings and opportunities. Its rev orgs go with it."""

    id: AccountId


class AccountsDeleteResponse(Response):
    """Nothing."""


CREATE = Method(
    "accounts.create", WRITE, AccountsCreateRequest, AccountsCreateResponse,
    "Create an account and its default rev org", "account:write", status=201,
    errors=(InvalidId, ArtifactAlreadyAttachedToAParent, Conflict),
    example={"display_name": "Globex", "domains": ["globex.example"], "tier": "enterprise"},
)  # fmt: skip
UPSERT = Method(
    "accounts.upsert", WRITE, AccountsUpsertRequest, AccountsUpsertResponse,
    "Create an account, or change the one with any of its external_refs", "account:write", status=201,
    status_if_there=200, errors=(InvalidId, ArtifactAlreadyAttachedToAParent, Conflict), ours=True,
    example={"external_refs": ["crm-4711"], "display_name": "Initech", "tier": "enterprise"},
)  # fmt: skip
GET = Method(
    "accounts.get",
    READ,
    AccountsGetRequest,
    AccountsGetResponse,
    "Get an account",
    "account:read",
    errors=(NotFound,),
)
LIST = Method(
    "accounts.list",
    READ,
    AccountsListRequest,
    AccountsListResponse,
    "List accounts",
    "account:read",
    example={"limit": 3, "sort_by": ["created_date:desc"]},
)
UPDATE = Method(
    "accounts.update", WRITE, AccountsUpdateRequest, AccountsUpdateResponse, "Change an account", "account:write",
    errors=(InvalidId, ArtifactAlreadyAttachedToAParent, NotFound, Conflict),
    example={"id": "ACC-12345", "tier": "growth", "websites": {"set": ["https://globex.example"]}},
)  # fmt: skip
DELETE = Method(
    "accounts.delete", WRITE, AccountsDeleteRequest, AccountsDeleteResponse, "Delete an account", "account:all",
    errors=(NotFound,),
    example={"id": "ACC-12345"},
)  # fmt: skip
