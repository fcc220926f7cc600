"""The rev-users family: the customers' people."""

from rapport.contract.errors import Conflict, InvalidId, NotFound
from rapport.contract.fields import (
    UNSET,
    CustomFields,
    DateTimeFilter,
    Email,
    ExternalRef,
    Json,
    ListRequest,
    ListResponse,
    Many,
    Name,
    Request,
    Response,
    SetTagWithValue,
    Shorts,
    Text,
    UnsetType,
)
from rapport.contract.ids import AccountId, RevOrgId, RevUserId, TagId, UserId
from rapport.contract.method import READ, WRITE, Method
from rapport.contract.tags import TagWithValue
from rapport.contract.users import RevOrgSummary, User


class RevUser(User):
    """A rev user."""

    custom_fields: Json | UnsetType = UNSET
    description: str | UnsetType = UNSET
    external_ref: str | UnsetType = UNSET
    external_refs: list[str] | UnsetType = UNSET
    is_verified: bool | UnsetType = UNSET
    rev_org: RevOrgSummary | UnsetType = UNSET
    tags: list[TagWithValue] | UnsetType = UNSET


class RevUsersCreateRequest(Request):
    """A new rev user."""

    account: AccountId | UnsetType = UNSET
    custom_fields: CustomFields | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    display_name: Name | UnsetType = UNSET
    email: Email | UnsetType = UNSET
    external_ref: ExternalRef | UnsetType = UNSET
    external_refs: Shorts | UnsetType = UNSET
    phone_numbers: Shorts | UnsetType = UNSET
    rev_org: RevOrgId | UnsetType = UNSET
    tags: Many[SetTagWithValue] | UnsetType = UNSET


class RevUsersCreateResponse(Response):
    """The rev user that was made."""

    rev_user: RevUser


class RevUsersGetRequest(Request):
    """Which rev user."""

    id: RevUserId


class RevUsersGetResponse(Response):
    """The rev user."""

    rev_user: RevUser


class RevUsersListRequest(ListRequest):
    """Which rev users."""

    created_by: Many[UserId] | UnsetType = UNSET
    created_date: DateTimeFilter | UnsetType = UNSET
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


CREATE = Method(
    "rev-users.create", WRITE, RevUsersCreateRequest, RevUsersCreateResponse,
    "Create a rev user", "rev_user:write", status=201, errors=(InvalidId, Conflict),
)  # fmt: skip
GET = Method(
    "rev-users.get",
    READ,
    RevUsersGetRequest,
    RevUsersGetResponse,
    "Get a rev user",
    "rev_user:read",
    errors=(NotFound,),
)
LIST = Method("rev-users.list", READ, RevUsersListRequest, RevUsersListResponse, "List rev users", "rev_user:read")
