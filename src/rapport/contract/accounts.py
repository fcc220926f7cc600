"""The accounts family: the customers."""

from rapport.contract.errors import Conflict, InvalidId, NotFound
from rapport.contract.fields import (
    UNSET,
    CustomFields,
    DateTimeFilter,
    Json,
    ListRequest,
    ListResponse,
    Many,
    Name,
    Opaque,
    Request,
    Response,
    SetTagWithValue,
    Short,
    Shorts,
    Text,
    UnsetType,
)
from rapport.contract.ids import AccountId, TagId, UserId
from rapport.contract.method import READ, WRITE, Method
from rapport.contract.tags import TagWithValue
from rapport.contract.users import Atom, UserSummary


class AccountSummary(Response, tag_field="type", tag="account"):
    """An account inside another object."""

    display_id: str
    id: str
    display_name: str | UnsetType = UNSET


class Account(Atom):
    """An account."""

    custom_fields: Json | UnsetType = UNSET
    description: str | UnsetType = UNSET
    display_name: str | UnsetType = UNSET
    domains: list[str] | UnsetType = UNSET
    external_refs: list[str] | UnsetType = UNSET
    owned_by: list[UserSummary]
    tags: list[TagWithValue] | UnsetType = UNSET
    tier: str | UnsetType = UNSET
    websites: list[str] | UnsetType = UNSET


class RevOrg(Atom):
    """A rev org: one workspace of an account."""

    account: AccountSummary | UnsetType = UNSET
    description: str | UnsetType = UNSET
    display_name: str | UnsetType = UNSET
    external_ref: str | UnsetType = UNSET


class AccountsCreateRequest(Request):
    """A new account."""

    custom_fields: CustomFields | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    display_name: Name
    domains: Shorts | UnsetType = UNSET
    external_refs: Shorts | UnsetType = UNSET
    owned_by: Many[UserId] | UnsetType = UNSET
    schema_fragment_ids: Many[Opaque] | UnsetType = UNSET
    tags: Many[SetTagWithValue] | UnsetType = UNSET
    tier: Short | UnsetType = UNSET
    websites: Shorts | UnsetType = UNSET


class AccountsCreateResponse(Response):
    """The account that was made, and its first rev org."""

    account: Account
    default_rev_org: RevOrg


class AccountsGetRequest(Request):
    """Which account."""

    id: AccountId


class AccountsGetResponse(Response):
    """The account."""

    account: Account


class AccountsListRequest(ListRequest):
    """Which accounts."""

    created_by: Many[UserId] | UnsetType = UNSET
    created_date: DateTimeFilter | UnsetType = UNSET
    display_name: Shorts | UnsetType = UNSET
    domains: Shorts | UnsetType = UNSET
    external_refs: Shorts | UnsetType = UNSET
    modified_date: DateTimeFilter | UnsetType = UNSET
    owned_by: Many[UserId] | UnsetType = UNSET
    tags: Many[TagId] | UnsetType = UNSET
    tier: Shorts | UnsetType = UNSET
    websites: Shorts | UnsetType = UNSET


class AccountsListResponse(ListResponse):
    """A page of accounts."""

    accounts: list[Account]


CREATE = Method(
    "accounts.create", WRITE, AccountsCreateRequest, AccountsCreateResponse,
    "Create an account and its default rev org", "account:write", status=201, errors=(InvalidId, Conflict),
)  # fmt: skip
GET = Method(
    "accounts.get", READ, AccountsGetRequest, AccountsGetResponse, "Get an account", "account:read", errors=(NotFound,)
)
LIST = Method("accounts.list", READ, AccountsListRequest, AccountsListResponse, "List accounts", "account:read")
