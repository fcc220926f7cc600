"""The works family; opportunities are the only works here."""

from typing import Annotated, Literal

from msgspec import Meta

from rapport.contract.accounts import AccountSummary
from rapport.contract.errors import InvalidId, NotFound
from rapport.contract.fields import (
    UNSET,
    CustomFields,
    DateTimeFilter,
    ExternalRef,
    Instant,
    Json,
    ListRequest,
    ListResponse,
    Many,
    Opaque,
    Request,
    Response,
    SetTagWithValue,
    Short,
    Shorts,
    Text,
    Title,
    UnsetType,
)
from rapport.contract.ids import AccountId, OpportunityId, TagId, UserId
from rapport.contract.method import READ, WRITE, Method
from rapport.contract.tags import TagWithValue
from rapport.contract.users import Atom, UserSummary

WorkType = Literal["issue", "opportunity", "task", "ticket"]


class PartSummary(Response, tag_field="type", tag="product"):
    """A part: Rapport keeps none, so both ids are the text that was sent."""

    display_id: str
    id: str


class Stage(Response):
    """Where the work stands."""

    name: str


class Money(Request):
    """An amount as decimal text and its currency."""

    amount: Short
    currency: Short


class MoneyValue(Response):
    """An amount as decimal text and its currency."""

    amount: str
    currency: str


class OpportunitySummary(Response, tag_field="type", tag="opportunity"):
    """An opportunity inside another object."""

    display_id: str
    id: str
    account: AccountSummary | UnsetType = UNSET
    owned_by: list[UserSummary]
    stage: Stage | UnsetType = UNSET
    title: str


class Opportunity(Atom, tag_field="type", tag="opportunity"):
    """An opportunity."""

    account: AccountSummary | UnsetType = UNSET
    annual_contract_value: MoneyValue | UnsetType = UNSET
    applies_to_part: PartSummary | UnsetType = UNSET
    body: str | UnsetType = UNSET
    contacts: list[UserSummary] | UnsetType = UNSET
    custom_fields: Json | UnsetType = UNSET
    external_ref: str | UnsetType = UNSET
    owned_by: list[UserSummary]
    reported_by: list[UserSummary] | UnsetType = UNSET
    stage: Stage | UnsetType = UNSET
    tags: list[TagWithValue] | UnsetType = UNSET
    target_close_date: str | UnsetType = UNSET
    title: str
    value: MoneyValue | UnsetType = UNSET


class StageInit(Request):
    """The stage to begin in."""

    name: Short | UnsetType = UNSET


class WorksCreateRequest(Request):
    """A new opportunity."""

    type: Annotated[WorkType, Meta(description="`opportunity`; the other types are not permitted here.")]
    account: AccountId
    annual_contract_value: Money | UnsetType = UNSET
    applies_to_part: Opaque
    body: Text | UnsetType = UNSET
    contacts: Many[UserId] | UnsetType = UNSET
    custom_fields: CustomFields | UnsetType = UNSET
    external_ref: ExternalRef | UnsetType = UNSET
    owned_by: Many[UserId]
    reported_by: Many[UserId] | UnsetType = UNSET
    stage: StageInit | UnsetType = UNSET
    tags: Many[SetTagWithValue] | UnsetType = UNSET
    target_close_date: Instant | UnsetType = UNSET
    title: Title
    value: Money | UnsetType = UNSET


class WorksCreateResponse(Response):
    """The work that was made."""

    work: Opportunity


class WorksGetRequest(Request):
    """Which work."""

    id: OpportunityId


class WorksGetResponse(Response):
    """The work."""

    work: Opportunity


class WorksFilterOpportunity(Request):
    """Filters for opportunities."""

    account: Many[AccountId] | UnsetType = UNSET
    contacts: Many[UserId] | UnsetType = UNSET


class WorksListRequest(ListRequest):
    """Which works."""

    type: Many[WorkType] | UnsetType = UNSET
    created_by: Many[UserId] | UnsetType = UNSET
    created_date: DateTimeFilter | UnsetType = UNSET
    external_ref: Shorts | UnsetType = UNSET
    modified_by: Many[UserId] | UnsetType = UNSET
    modified_date: DateTimeFilter | UnsetType = UNSET
    opportunity: WorksFilterOpportunity | UnsetType = UNSET
    owned_by: Many[UserId] | UnsetType = UNSET
    reported_by: Many[UserId] | UnsetType = UNSET
    tags: Many[TagId] | UnsetType = UNSET
    target_close_date: DateTimeFilter | UnsetType = UNSET


class WorksListResponse(ListResponse):
    """A page of works."""

    works: list[Opportunity]


CREATE = Method(
    "works.create", WRITE, WorksCreateRequest, WorksCreateResponse,
    "Create an opportunity", "work:write", status=201, errors=(InvalidId,),
)  # fmt: skip
GET = Method("works.get", READ, WorksGetRequest, WorksGetResponse, "Get a work", "work:read", errors=(NotFound,))
LIST = Method("works.list", READ, WorksListRequest, WorksListResponse, "List works", "work:read")
