"""The rev-users family: the customers' people."""

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
    Email,
    ExternalRef,
    ExternalRefs,
    Json,
    ListRequest,
    ListResponse,
    Many,
    Name,
    Opaque,
    PhoneNumber,
    Request,
    Response,
    SetArtifacts,
    SetOpaque,
    SetTagWithValue,
    Shorts,
    Text,
    UnsetType,
)
from rapport.contract.kit.ids import (
    AccountId,
    ArtifactId,
    AssociationId,
    RevOrgId,
    RevUserId,
    TagId,
    UserId,
)
from rapport.contract.kit.method import READ, WRITE, Method
from rapport.contract.kit.own_time import OwnTime
from rapport.contract.kit.upserts import upsert_of
from rapport.contract.tags import TagWithValue
from rapport.contract.users import ArtifactSummary, RevOrgSummary, User


class RevUser(User):
    """A rev user."""

    artifacts: list[ArtifactSummary] | UnsetType = UNSET
    custom_fields: Json | UnsetType = UNSET
    custom_schema_fragments: list[str] | UnsetType = UNSET
    description: str | UnsetType = UNSET
    external_ref: str | UnsetType = UNSET
    external_refs: list[str] | UnsetType = UNSET
    is_verified: bool | UnsetType = UNSET
    rev_org: RevOrgSummary | UnsetType = UNSET
    subtype: str | UnsetType = UNSET
    tags: list[TagWithValue] | UnsetType = UNSET


class RevUsersCreateRequest(OwnTime):
    """A new rev user."""

    account: AccountId | UnsetType = UNSET
    artifacts: Artifacts | UnsetType = UNSET
    custom_fields: CustomFields | UnsetType = UNSET
    custom_schema_fragments: Many[Opaque] | UnsetType = UNSET
    custom_schema_spec: CustomSchemaSpec | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    display_name: Name | UnsetType = UNSET
    display_picture: ArtifactId | UnsetType = UNSET
    email: Email | UnsetType = UNSET
    external_ref: Annotated[
        ExternalRef | UnsetType, Meta(description="Unique among the org's rev users.")
    ] = UNSET
    external_refs: ExternalRefs | UnsetType = UNSET
    phone_numbers: Many[PhoneNumber] | UnsetType = UNSET
    rev_org: RevOrgId | UnsetType = UNSET
    tags: Many[SetTagWithValue] | UnsetType = UNSET


class RevUsersCreateResponse(Response):
    """The rev user that was made."""

    rev_user: RevUser


RevUsersUpsertRequest = upsert_of(RevUsersCreateRequest, "external_ref", ExternalRef)


class RevUsersUpsertResponse(Response):
    """What was made or changed."""

    created: Annotated[bool, Meta(description="False: it was there already.")]
    rev_user: RevUser


class RevUsersGetRequest(Request):
    """Which rev user."""

    id: RevUserId


class RevUsersGetResponse(Response):
    """The rev user."""

    rev_user: RevUser


class RevUsersListRequest(ListRequest):
    """Which rev users."""

    associations: Annotated[
        Many[AssociationId] | UnsetType, Meta(description="Of any of these accounts and rev orgs.")
    ] = UNSET
    created_by: Many[UserId] | UnsetType = UNSET
    created_date: DateTimeFilter | UnsetType = UNSET
    custom_fields: CustomFieldsFilter | UnsetType = UNSET
    email: Shorts | UnsetType = UNSET
    external_ref: Shorts | UnsetType = UNSET
    external_refs: Shorts | UnsetType = UNSET
    is_verified: bool | UnsetType = UNSET
    modified_date: DateTimeFilter | UnsetType = UNSET
    phone_numbers: Shorts | UnsetType = UNSET
    rev_org: Many[RevOrgId] | UnsetType = UNSET
    tags: Many[TagId] | UnsetType = UNSET


class RevUsersListResponse(ListResponse):
    """A page of rev users."""

    rev_users: list[RevUser]


class RevUsersUpdateRequest(Request):
    """What changes; what is absent stays, and an array replaces the one before."""

    id: RevUserId
    account: Annotated[
        AccountId | UnsetType,
        OURS,
        Meta(description="Without `rev_org`, they join the account's default one."),
    ] = UNSET
    artifacts: SetArtifacts | UnsetType = UNSET
    custom_fields: CustomFieldsUpdate | UnsetType = UNSET
    custom_schema_fragments: SetOpaque | UnsetType = UNSET
    custom_schema_spec: CustomSchemaSpec | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    display_name: Name | UnsetType = UNSET
    display_picture: Annotated[
        ArtifactId | UnsetType | None, Meta(description="null clears it.")
    ] = UNSET
    email: Email | UnsetType = UNSET
    external_ref: ExternalRef | UnsetType = UNSET
    external_refs: ExternalRefs | UnsetType = UNSET
    phone_numbers: Many[PhoneNumber] | UnsetType = UNSET
    rev_org: Annotated[RevOrgId | UnsetType, OURS] = UNSET
    tags: Many[SetTagWithValue] | UnsetType = UNSET


class RevUsersUpdateResponse(Response):
    """The rev user as it is now."""

    rev_user: RevUser


class RevUsersDeleteRequest(Request):
    """Which rev user: one who is no member of an engagement or meeting, and organizes none."""

    id: RevUserId


class RevUsersDeleteResponse(Response):
    """Nothing."""


CREATE = Method(
    "rev-users.create", WRITE, RevUsersCreateRequest, RevUsersCreateResponse,
    "Create a rev user", "rev_user:write", status=201,
    errors=(InvalidId, ArtifactAlreadyAttachedToAParent, Conflict),
    example={"display_name": "Grace Hopper", "email": "grace@example.com", "account": "ACC-12345"},
)  # fmt: skip
UPSERT = Method(
    "rev-users.upsert", WRITE, RevUsersUpsertRequest, RevUsersUpsertResponse,
    "Create a rev user, or change the one with its external_ref", "rev_user:write", status=201,
    status_if_there=200, errors=(InvalidId, ArtifactAlreadyAttachedToAParent, Conflict), ours=True,
    example={"external_ref": "crm-4712", "display_name": "Ada Lovelace", "account": "ACC-12345"},
)  # fmt: skip
GET = Method(
    "rev-users.get",
    READ,
    RevUsersGetRequest,
    RevUsersGetResponse,
    "Get a rev user",
    "rev_user:read",
    errors=(NotFound,),
    example={"id": "REVU-1"},
)
LIST = Method(
    "rev-users.list",
    READ,
    RevUsersListRequest,
    RevUsersListResponse,
    "List rev users",
    "rev_user:read",
)
UPDATE = Method(
    "rev-users.update", WRITE, RevUsersUpdateRequest, RevUsersUpdateResponse, "Change a rev user", "rev_user:write",
    errors=(InvalidId, ArtifactAlreadyAttachedToAParent, NotFound, Conflict),
    example={"id": "REVU-1", "phone_numbers": ["+15550100"]},
)  # fmt: skip
DELETE = Method(
    "rev-users.delete", WRITE, RevUsersDeleteRequest, RevUsersDeleteResponse, "Delete a rev user", "rev_user:all",
    errors=(NotFound,),
    example={"id": "REVU-1"},
)  # fmt: skip
