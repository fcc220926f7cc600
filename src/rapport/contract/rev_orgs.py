"""The rev-orgs family: the workspaces of accounts."""

from typing import Annotated, Literal

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
    UNTYPED,
    Artifacts,
    CustomFields,
    CustomFieldsFilter,
    CustomFieldsUpdate,
    DateTimeFilter,
    Domain,
    ExternalRef,
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
    Short,
    Shorts,
    Text,
    UnsetType,
)
from rapport.contract.kit.ids import AccountId, RevOrgId, TagId, UserId
from rapport.contract.kit.method import READ, WRITE, Method
from rapport.contract.kit.own_time import OwnTime
from rapport.contract.kit.upserts import upsert_of
from rapport.contract.tags import TagWithValue
from rapport.contract.users import AccountSummary, ArtifactSummary, Atom

Environment = Literal["production", "staging", "test"]


class RevOrg(Atom):
    """A rev org: one workspace of an account."""

    account: Annotated[AccountSummary | UnsetType, UNTYPED] = UNSET
    artifacts: list[ArtifactSummary] | UnsetType = UNSET
    custom_fields: Json | UnsetType = UNSET
    custom_schema_fragments: list[str] | UnsetType = UNSET
    description: str | UnsetType = UNSET
    display_name: str | UnsetType = UNSET
    domain: str | UnsetType = UNSET
    environment: Annotated[str | UnsetType, OURS] = UNSET
    external_ref: str | UnsetType = UNSET
    tags: list[TagWithValue] | UnsetType = UNSET
    tier: Annotated[str | UnsetType, OURS] = UNSET


class RevOrgsCreateRequest(OwnTime):
    """A new rev org."""

    account: AccountId
    artifacts: Artifacts | UnsetType = UNSET
    custom_fields: CustomFields | UnsetType = UNSET
    custom_schema_fragments: Many[Opaque] | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    display_name: Name
    domain: Domain | UnsetType = UNSET
    environment: Environment | UnsetType = UNSET
    external_ref: Annotated[
        ExternalRef | UnsetType, Meta(description="Unique among the org's rev orgs.")
    ] = UNSET
    tags: Many[SetTagWithValue] | UnsetType = UNSET
    tier: Short | UnsetType = UNSET


class RevOrgsCreateResponse(Response):
    """The rev org that was made."""

    rev_org: RevOrg


RevOrgsUpsertRequest = upsert_of(RevOrgsCreateRequest, "external_ref", ExternalRef)


class RevOrgsUpsertResponse(Response):
    """What was made or changed."""

    created: Annotated[bool, Meta(description="False: it was there already.")]
    rev_org: RevOrg


class RevOrgsGetRequest(Request):
    """Which rev org: by its id, or the default one of an account."""

    id: RevOrgId | UnsetType = UNSET
    account: AccountId | UnsetType = UNSET


class RevOrgsGetResponse(Response):
    """The rev org."""

    rev_org: RevOrg


class RevOrgsListRequest(ListRequest):
    """Which rev orgs."""

    account: Many[AccountId] | UnsetType = UNSET
    created_by: Many[UserId] | UnsetType = UNSET
    created_date: DateTimeFilter | UnsetType = UNSET
    custom_field_filter: Annotated[
        Shorts | UnsetType,
        Meta(description="`name:value`, each of which must match; rather use `custom_fields`."),
    ] = UNSET
    custom_fields: CustomFieldsFilter | UnsetType = UNSET
    display_name: Shorts | UnsetType = UNSET
    external_ref: Shorts | UnsetType = UNSET
    modified_date: DateTimeFilter | UnsetType = UNSET
    tags: Many[TagId] | UnsetType = UNSET


class RevOrgsListResponse(ListResponse):
    """A page of rev orgs."""

    rev_orgs: list[RevOrg]


class RevOrgsUpdateRequest(Request):
    """What changes; what is absent stays, and an array replaces the one before."""

    id: RevOrgId
    account: Annotated[
        AccountId | UnsetType, Meta(description="Moves it there; a default rev org stays.")
    ] = UNSET
    artifacts: SetArtifacts | UnsetType = UNSET
    custom_fields: Annotated[CustomFieldsUpdate | UnsetType, OURS] = UNSET
    custom_schema_fragments: Many[Opaque] | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    display_name: Name | UnsetType = UNSET
    domain: Domain | UnsetType = UNSET
    environment: Environment | UnsetType = UNSET
    external_ref: ExternalRef | UnsetType = UNSET
    tags: Many[SetTagWithValue] | UnsetType = UNSET
    tier: Short | UnsetType = UNSET


class RevOrgsUpdateResponse(Response):
    """The rev org as it is now."""

    rev_org: RevOrg


class RevOrgsDeleteRequest(Request):
    """Which rev org. Its rev users stay, without one."""

    id: RevOrgId


class RevOrgsDeleteResponse(Response):
    """Nothing."""


CREATE = Method(
    "rev-orgs.create", WRITE, RevOrgsCreateRequest, RevOrgsCreateResponse, "Create a rev org", "rev_org:write",
    status=201, errors=(InvalidId, ArtifactAlreadyAttachedToAParent, Conflict),
    example={"display_name": "Globex West", "account": "ACC-12345"},
)  # fmt: skip
UPSERT = Method(
    "rev-orgs.upsert", WRITE, RevOrgsUpsertRequest, RevOrgsUpsertResponse,
    "Create a rev org, or change the one with its external_ref", "rev_org:write", status=201,
    status_if_there=200, errors=(InvalidId, ArtifactAlreadyAttachedToAParent, Conflict), ours=True,
    example={"external_ref": "crm-4713", "display_name": "Globex East", "account": "ACC-12345"},
)  # fmt: skip
GET = Method(
    "rev-orgs.get",
    READ,
    RevOrgsGetRequest,
    RevOrgsGetResponse,
    "Get a rev org",
    "rev_org:read",
    errors=(NotFound,),
    example={"account": "ACC-12345"},
)
LIST = Method(
    "rev-orgs.list", READ, RevOrgsListRequest, RevOrgsListResponse, "List rev orgs", "rev_org:read"
)
UPDATE = Method(
    "rev-orgs.update", WRITE, RevOrgsUpdateRequest, RevOrgsUpdateResponse, "Change a rev org", "rev_org:write",
    errors=(InvalidId, ArtifactAlreadyAttachedToAParent, NotFound, Conflict),
    example={"id": "REV-1", "description": "The workspace of the main office."},
)  # fmt: skip
DELETE = Method(
    "rev-orgs.delete", WRITE, RevOrgsDeleteRequest, RevOrgsDeleteResponse, "Delete a rev org", "rev_org:all",
    errors=(NotFound,),
    example={"id": "REV-1"},
)  # fmt: skip
