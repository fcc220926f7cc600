"""The dev-users family: the people of the org, who may hold tokens."""

from typing import Annotated, Literal

from msgspec import Meta

from rapport.contract.kit.errors import InvalidId, NotFound
from rapport.contract.kit.fields import (
    DIFFERENCE,
    OURS,
    UNSET,
    CustomFields,
    CustomFieldsFilter,
    CustomFieldsUpdate,
    CustomSchemaSpec,
    DateFilter,
    Email,
    EnumValue,
    Instant,
    Int64,
    Json,
    ListRequest,
    ListResponse,
    Many,
    Name,
    Opaque,
    Request,
    Response,
    Short,
    Shorts,
    UnsetType,
)
from rapport.contract.kit.ids import ArtifactId, DevUserId
from rapport.contract.kit.method import READ, WRITE, Method
from rapport.contract.kit.own_time import OwnTime
from rapport.contract.users import User, UserState, UserSummary

Role = Literal["viewer", "member", "admin"]


JobTitle = Literal[
    "customer_success_manager", "cxo", "designer", "developer", "head_of_support", "operations", "others",
    "product_manager", "qa", "revenue_leader", "support", "tech_lead",
]  # fmt: skip


class JobHistoryItem(Response):
    """A job that a dev user has or had."""

    employment_status: EnumValue | UnsetType = UNSET
    end_date: str | UnsetType = UNSET
    is_current: bool | UnsetType = UNSET
    location: str | UnsetType = UNSET
    start_date: str | UnsetType = UNSET
    title: str | UnsetType = UNSET


class DevUser(User):
    """A dev user."""

    custom_fields: Json | UnsetType = UNSET
    experience_start_date: str | UnsetType = UNSET
    job_history: list[JobHistoryItem] | UnsetType = UNSET
    job_title: Annotated[JobTitle | UnsetType, OURS] = UNSET
    reports_to: UserSummary | UnsetType = UNSET
    role: Annotated[Role | UnsetType, OURS] = UNSET
    subtype: str | UnsetType = UNSET


class DevUsersCreateRequest(OwnTime):
    """A new dev user, who gets in when activated."""

    custom_fields: CustomFields | UnsetType = UNSET
    custom_schema_spec: CustomSchemaSpec | UnsetType = UNSET
    display_name: Annotated[Name | UnsetType, DIFFERENCE] = UNSET
    email: Email
    full_name: Name | UnsetType = UNSET
    reports_to: DevUserId | UnsetType = UNSET
    role: Annotated[
        Role | UnsetType, OURS, Meta(description="What the user may do; `member` without it.")
    ] = UNSET
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


class ExternalIdentityFilter(Request):
    """Who somebody is elsewhere."""

    id: Short | UnsetType = UNSET
    issuer: Short | UnsetType = UNSET


_NONE_HAS = Meta(description="No dev user here has one: none will match.")


class DevUsersListRequest(ListRequest):
    """Which dev users."""

    created_date: DateFilter | UnsetType = UNSET
    custom_fields: CustomFieldsFilter | UnsetType = UNSET
    email: Shorts | UnsetType = UNSET
    external_identity: Annotated[Many[ExternalIdentityFilter] | UnsetType, _NONE_HAS] = UNSET
    modified_date: DateFilter | UnsetType = UNSET
    phone_numbers: Annotated[Shorts | UnsetType, _NONE_HAS] = UNSET
    state: Many[UserState] | UnsetType = UNSET
    timezone: Annotated[Shorts | UnsetType, _NONE_HAS] = UNSET


class DevUsersListResponse(ListResponse):
    """A page of dev users."""

    dev_users: list[DevUser]


class DevUsersSelfRequest(Request):
    """Nothing: the token says who."""


class DevUsersSelfResponse(Response):
    """The caller."""

    dev_user: DevUser


class UpdateJobHistoryItem(Request):
    """A job that a dev user has or had."""

    employment_status: Int64 | UnsetType = UNSET
    end_date: Instant | UnsetType = UNSET
    is_current: bool | UnsetType = UNSET
    location: Short | UnsetType = UNSET
    start_date: Instant | UnsetType = UNSET
    title: Short | UnsetType = UNSET


class DevUsersSelfUpdateRequest(Request):
    """What changes about the caller; what is absent stays."""

    custom_fields: CustomFieldsUpdate | UnsetType = UNSET
    custom_schema_spec: CustomSchemaSpec | UnsetType = UNSET
    display_name: Name | UnsetType = UNSET
    display_picture: Annotated[
        ArtifactId | UnsetType | None, DIFFERENCE, Meta(description="null clears it.")
    ] = UNSET
    experience_start_date: Instant | UnsetType = UNSET
    full_name: Name | UnsetType = UNSET
    job_history: Many[UpdateJobHistoryItem] | UnsetType = UNSET
    job_title: JobTitle | UnsetType = UNSET
    reports_to: DevUserId | UnsetType = UNSET


class DevUsersUpdateRequest(DevUsersSelfUpdateRequest):
    """What changes; what is absent stays."""

    id: DevUserId
    email: Annotated[
        Email | UnsetType, OURS, Meta(description="No other dev user of the org may have it.")
    ] = UNSET
    role: Annotated[
        Role | UnsetType, OURS, Meta(description="The org's last active admin stays one.")
    ] = UNSET


class DevUsersUpdateResponse(Response):
    """The dev user as it is now."""

    dev_user: DevUser


class DevUsersActivateRequest(Request):
    """Whom to let in."""

    id: DevUserId
    groups: Annotated[
        Many[Opaque] | UnsetType, Meta(description="Taken and not kept: there are no groups here.")
    ] = UNSET


class DevUsersActivateResponse(Response):
    """That no invitation was sent, and the dev user as it is now."""

    invite_sent: bool
    dev_user: Annotated[DevUser, OURS]


class DevUsersDeactivateRequest(Request):
    """Whom to keep out, from now on."""

    id: DevUserId


class DevUsersDeactivateResponse(Response):
    """Nothing."""


CREATE = Method(
    "dev-users.create", WRITE, DevUsersCreateRequest, DevUsersCreateResponse,
    "Create a dev user", "dev_user:write", status=201, errors=(InvalidId,),
    example={"email": "ada@example.com", "full_name": "Ada Lovelace", "state": "shadow"},
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
LIST = Method(
    "dev-users.list",
    READ,
    DevUsersListRequest,
    DevUsersListResponse,
    "List dev users",
    "dev_user:read",
)
SELF = Method(
    "dev-users.self",
    READ,
    DevUsersSelfRequest,
    DevUsersSelfResponse,
    "Get the caller's own dev user",
    None,
)
UPDATE = Method(
    "dev-users.update", WRITE, DevUsersUpdateRequest, DevUsersUpdateResponse, "Change a dev user", "dev_user:write",
    errors=(InvalidId,),
)  # fmt: skip
SELF_UPDATE = Method(
    "dev-users.self.update", WRITE, DevUsersSelfUpdateRequest, DevUsersUpdateResponse,
    "Change the caller's own dev user", None, errors=(InvalidId,),
)  # fmt: skip
ACTIVATE = Method(
    "dev-users.activate", WRITE, DevUsersActivateRequest, DevUsersActivateResponse,
    "Let a dev user in", "dev_user:write", errors=(NotFound,),
)  # fmt: skip
DEACTIVATE = Method(
    "dev-users.deactivate", WRITE, DevUsersDeactivateRequest, DevUsersDeactivateResponse,
    "Keep a dev user out", "dev_user:write", errors=(NotFound,),
)  # fmt: skip
