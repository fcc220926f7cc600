"""The dev-users family: the people of the org, who may hold tokens."""

from typing import Annotated, Literal

from msgspec import Meta

from rapport.contract.errors import NotFound
from rapport.contract.fields import (
    DIFFERENCE,
    OURS,
    UNSET,
    CustomFields,
    DateTimeFilter,
    Email,
    Json,
    ListRequest,
    ListResponse,
    Many,
    Name,
    Request,
    Response,
    Short,
    Shorts,
    UnsetType,
)
from rapport.contract.ids import DevUserId
from rapport.contract.method import READ, WRITE, Method
from rapport.contract.users import User, UserState, UserSummary

Role = Literal["viewer", "member", "admin"]


class DevUser(User):
    """A dev user."""

    custom_fields: Json | UnsetType = UNSET
    reports_to: UserSummary | UnsetType = UNSET
    role: Annotated[Role | UnsetType, OURS] = UNSET


class CustomSchemaSpec(Request):
    """Which schemas an object's custom fields follow; kept out, since Rapport has no schemas."""

    apps: Shorts | UnsetType = UNSET
    subtype: Short | UnsetType = UNSET
    tenant_fragment: bool | UnsetType = UNSET
    validate_required_fields: bool | UnsetType = UNSET


class DevUsersCreateRequest(Request):
    """A new dev user, who gets in when activated."""

    custom_fields: CustomFields | UnsetType = UNSET
    display_name: Annotated[Name | UnsetType, DIFFERENCE] = UNSET
    email: Email
    full_name: Name | UnsetType = UNSET
    reports_to: DevUserId | UnsetType = UNSET
    role: Annotated[Role | UnsetType, OURS, Meta(description="What the user may do; `member` without it.")] = UNSET
    state: Literal["shadow"]


class DevUsersCreateResponse(Response):
    """The dev user that was made."""

    dev_user: DevUser


class DevUsersGetRequest(Request):
    """Which dev user."""

    id: DevUserId


class DevUsersGetResponse(Response):
    """The dev user."""

    dev_user: DevUser


class DevUsersListRequest(ListRequest):
    """Which dev users."""

    created_date: DateTimeFilter | UnsetType = UNSET
    email: Shorts | UnsetType = UNSET
    modified_date: DateTimeFilter | UnsetType = UNSET
    state: Many[UserState] | UnsetType = UNSET


class DevUsersListResponse(ListResponse):
    """A page of dev users."""

    dev_users: list[DevUser]


class DevUsersSelfRequest(Request):
    """Nothing: the token says who."""


class DevUsersSelfResponse(Response):
    """The caller."""

    dev_user: DevUser


CREATE = Method(
    "dev-users.create", WRITE, DevUsersCreateRequest, DevUsersCreateResponse,
    "Create a dev user", "dev_user:write", status=201,
)  # fmt: skip
GET = Method(
    "dev-users.get",
    READ,
    DevUsersGetRequest,
    DevUsersGetResponse,
    "Get a dev user",
    "dev_user:read",
    errors=(NotFound,),
)
LIST = Method("dev-users.list", READ, DevUsersListRequest, DevUsersListResponse, "List dev users", "dev_user:read")
SELF = Method("dev-users.self", READ, DevUsersSelfRequest, DevUsersSelfResponse, "Get the caller's own dev user", None)
