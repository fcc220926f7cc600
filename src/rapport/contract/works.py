"""The works family; opportunities are the only works here."""

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
    CursorField,
    CustomFields,
    CustomFieldsFilter,
    CustomFieldsUpdate,
    CustomSchemaSpec,
    DateFilter,
    EnumValue,
    ExternalRef,
    Instant,
    Int64,
    Json,
    Limit,
    ListResponse,
    Many,
    ModeField,
    Number,
    Opaque,
    Request,
    Response,
    SetTagWithValue,
    Short,
    Shorts,
    SortByField,
    Text,
    Title,
    UnsetType,
)
from rapport.contract.kit.ids import AccountId, OpportunityId, TagId, UserId
from rapport.contract.kit.method import READ, WRITE, Method
from rapport.contract.kit.own_time import OwnTime
from rapport.contract.kit.upserts import upsert_of
from rapport.contract.tags import TagWithValue
from rapport.contract.users import AccountSummary, ArtifactSummary, Atom, UserSummary
from rapport.contract.work_filters import (
    StagedInfoFilter,
    SyncMetadataFilter,
    WorksFilterIssue,
    WorksFilterTicket,
)
from rapport.contract.work_values import ForecastCategory, IssuePriority, ServedWorkType, WorkType


class PartSummary(Response, tag_field="type", tag="product"):
    """A part: Rapport keeps none, so both ids are the text that was sent."""

    display_id: str
    id: str


class StageSummary(Response):
    """A stage as an object of its own: Rapport keeps none, so both ids are the text that was
    sent.
    """

    display_id: str
    id: str


class Stage(Response):
    """Where the work stands."""

    name: str
    stage: StageSummary | UnsetType = UNSET


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
    account: Annotated[AccountSummary | UnsetType, UNTYPED] = UNSET
    owned_by: list[UserSummary]
    stage: Stage | UnsetType = UNSET
    title: str


class Opportunity(Atom, tag_field="type", tag="opportunity"):
    """An opportunity."""

    account: Annotated[AccountSummary | UnsetType, UNTYPED] = UNSET
    amount: Annotated[float | UnsetType, OURS] = UNSET
    annual_contract_value: MoneyValue | UnsetType = UNSET
    applies_to_part: PartSummary | UnsetType = UNSET
    artifacts: list[ArtifactSummary] | UnsetType = UNSET
    body: str | UnsetType = UNSET
    contacts: list[UserSummary] | UnsetType = UNSET
    custom_fields: Json | UnsetType = UNSET
    custom_schema_fragments: list[str] | UnsetType = UNSET
    customer_budget: Annotated[float | UnsetType, OURS] = UNSET
    external_ref: str | UnsetType = UNSET
    forecast_category_v2: EnumValue | UnsetType = UNSET
    owned_by: list[UserSummary]
    priority: Annotated[str | UnsetType, OURS] = UNSET
    probability: Annotated[float | UnsetType, OURS] = UNSET
    reported_by: list[UserSummary] | UnsetType = UNSET
    stage: Stage | UnsetType = UNSET
    subtype: str | UnsetType = UNSET
    tags: list[TagWithValue] | UnsetType = UNSET
    target_close_date: str | UnsetType = UNSET
    title: str
    value: MoneyValue | UnsetType = UNSET


class StageInit(Request):
    """The stage to begin in."""

    id: Opaque | UnsetType = UNSET
    name: Short | UnsetType = UNSET


class StageUpdate(Request):
    """The stage to go to."""

    name: Short | UnsetType = UNSET
    stage: Opaque | UnsetType = UNSET


class WorksCreateRequest(OwnTime):
    """A new opportunity."""

    type: ServedWorkType
    account: AccountId
    amount: Number | UnsetType = UNSET
    annual_contract_value: Money | UnsetType = UNSET
    applies_to_part: Opaque
    artifacts: Artifacts | UnsetType = UNSET
    body: Text | UnsetType = UNSET
    contacts: Many[UserId] | UnsetType = UNSET
    custom_fields: CustomFields | UnsetType = UNSET
    custom_schema_fragments: Many[Opaque] | UnsetType = UNSET
    custom_schema_spec: CustomSchemaSpec | UnsetType = UNSET
    customer_budget: Number | UnsetType = UNSET
    external_ref: ExternalRef | UnsetType = UNSET
    forecast_category: ForecastCategory | UnsetType = UNSET
    forecast_category_v2: Annotated[
        Int64 | UnsetType, Meta(description="Goes before `forecast_category`.")
    ] = UNSET
    owned_by: Many[UserId]
    priority: IssuePriority | UnsetType = UNSET
    probability: Number | UnsetType = UNSET
    reported_by: Many[UserId] | UnsetType = UNSET
    stage: StageInit | UnsetType = UNSET
    stage_validation_options: Many[Literal["allow_non_start"]] | UnsetType = UNSET
    tags: Many[SetTagWithValue] | UnsetType = UNSET
    target_close_date: Instant | UnsetType = UNSET
    title: Title
    value: Money | UnsetType = UNSET


class WorksCreateResponse(Response):
    """The work that was made."""

    work: Opportunity


WorksUpsertRequest = upsert_of(WorksCreateRequest, "external_ref", ExternalRef)


class WorksUpsertResponse(Response):
    """What was made or changed."""

    created: Annotated[bool, Meta(description="False: it was there already.")]
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
    forecast_category_v2: Many[Int64] | UnsetType = UNSET
    subtype: Shorts | UnsetType = UNSET


class StageFilter(Request):
    """Any of these stages."""

    name: Shorts | UnsetType = UNSET
    stages: Many[Opaque] | UnsetType = UNSET


_NONE_HAS = Meta(description="Nothing here has one: none will match.")


class WorksCountRequest(Request):
    """Which works. Values within a filter are alternatives; all filters must hold."""

    type: Many[WorkType] | UnsetType = UNSET
    actual_close_date: Annotated[DateFilter | UnsetType, _NONE_HAS] = UNSET
    applies_to_part: Many[Opaque] | UnsetType = UNSET
    created_by: Many[UserId] | UnsetType = UNSET
    created_date: DateFilter | UnsetType = UNSET
    custom_fields: CustomFieldsFilter | UnsetType = UNSET
    external_ref: Shorts | UnsetType = UNSET
    issue: WorksFilterIssue | UnsetType = UNSET
    modified_by: Many[UserId] | UnsetType = UNSET
    modified_date: DateFilter | UnsetType = UNSET
    opportunity: WorksFilterOpportunity | UnsetType = UNSET
    owned_by: Many[UserId] | UnsetType = UNSET
    reported_by: Many[UserId] | UnsetType = UNSET
    stage: StageFilter | UnsetType = UNSET
    staged_info: StagedInfoFilter | UnsetType = UNSET
    state: Annotated[Shorts | UnsetType, _NONE_HAS] = UNSET
    sync_metadata: SyncMetadataFilter | UnsetType = UNSET
    tags: Many[TagId] | UnsetType = UNSET
    target_close_date: DateFilter | UnsetType = UNSET
    ticket: WorksFilterTicket | UnsetType = UNSET
    vista: Annotated[Opaque | UnsetType, _NONE_HAS] = UNSET


class WorksCountResponse(Response):
    """How many works match; `has_more` is false, because all are counted."""

    count: int
    has_more: bool


class WorksListRequest(WorksCountRequest):
    """Which works, in which order, from where."""

    cursor: CursorField = UNSET
    limit: Limit | UnsetType = UNSET
    mode: ModeField = UNSET
    sort_by: SortByField = UNSET


class WorksListResponse(ListResponse):
    """A page of works."""

    works: list[Opportunity]


class WorksUpdateArtifacts(Request):
    """`set` replaces the artifacts, then `remove` takes some out, then `add` adds some."""

    add: Artifacts | UnsetType = UNSET
    remove: Artifacts | UnsetType = UNSET
    set: Artifacts | UnsetType = UNSET


class RemoveTag(Request):
    """A tag to take out."""

    id: TagId


class WorksUpdateTags(Request):
    """`set` replaces the tags, then `remove` takes some out, then `add` adds some or changes
    their values.
    """

    add: Many[SetTagWithValue] | UnsetType = UNSET
    remove: Many[RemoveTag] | UnsetType = UNSET
    set: Many[SetTagWithValue] | UnsetType = UNSET


class SetUsers(Request):
    """The users from now on."""

    set: Many[UserId] | UnsetType = UNSET


class SetContacts(Request):
    """The contacts from now on."""

    set: Many[UserId]


class UnresolvedField(Request):
    """A field that a sync could not settle."""

    devrev_field_name: Short | UnsetType = UNSET
    external_display_name: Short | UnsetType = UNSET
    external_field_name: Short | UnsetType = UNSET


class StagedInfoUpdate(Request):
    """What a sync could not settle; nothing is synced here, so this changes nothing."""

    sync_in_unresolved_fields: Many[UnresolvedField] | UnsetType = UNSET
    sync_out_unresolved_fields: Many[UnresolvedField] | UnsetType = UNSET
    unresolved_fields: Shorts | UnsetType = UNSET


_CLEARS = Meta(description="null clears it.")


class WorksUpdateRequest(Request):
    """What changes; what is absent stays."""

    id: OpportunityId
    type: ServedWorkType | UnsetType = UNSET
    account: AccountId | UnsetType = UNSET
    amount: Annotated[Number | UnsetType | None, _CLEARS] = UNSET
    annual_contract_value: Money | UnsetType = UNSET
    applies_to_part: Opaque | UnsetType = UNSET
    artifacts: WorksUpdateArtifacts | UnsetType = UNSET
    body: Text | UnsetType = UNSET
    contacts: SetContacts | UnsetType = UNSET
    custom_fields: CustomFieldsUpdate | UnsetType = UNSET
    custom_schema_fragments: Many[Opaque] | UnsetType = UNSET
    custom_schema_spec: CustomSchemaSpec | UnsetType = UNSET
    customer_budget: Annotated[Number | UnsetType | None, _CLEARS] = UNSET
    forecast_category: Annotated[ForecastCategory | UnsetType, OURS] = UNSET
    forecast_category_v2: Annotated[
        Int64 | UnsetType, Meta(description="Goes before `forecast_category`.")
    ] = UNSET
    owned_by: SetUsers | UnsetType = UNSET
    priority: Annotated[IssuePriority | UnsetType, OURS] = UNSET
    probability: Annotated[Number | UnsetType | None, _CLEARS] = UNSET
    reported_by: SetUsers | UnsetType = UNSET
    stage: StageUpdate | UnsetType = UNSET
    stage_validation_options: Many[Literal["allow_invalid_transition"]] | UnsetType = UNSET
    staged_info: StagedInfoUpdate | UnsetType = UNSET
    tags: WorksUpdateTags | UnsetType = UNSET
    target_close_date: Annotated[Instant | UnsetType | None, _CLEARS] = UNSET
    title: Title | UnsetType = UNSET
    value: Money | UnsetType = UNSET


class WorksUpdateResponse(Response):
    """The work as it is now."""

    work: Opportunity


class WorksDeleteRequest(Request):
    """Which work: one without engagements and meetings."""

    id: OpportunityId


class WorksDeleteResponse(Response):
    """Nothing."""


CREATE = Method(
    "works.create", WRITE, WorksCreateRequest, WorksCreateResponse,
    "Create an opportunity", "work:write", status=201, errors=(InvalidId, ArtifactAlreadyAttachedToAParent),
    example={
        "type": "opportunity",
        "title": "Renewal for next year",
        "account": "ACC-12345",
        "applies_to_part": "PROD-1",
        "owned_by": ["DEVU-12345"],
    },
)  # fmt: skip
UPSERT = Method(
    "works.upsert", WRITE, WorksUpsertRequest, WorksUpsertResponse,
    "Create an opportunity, or change the one with its external_ref", "work:write", status=201,
    status_if_there=200, errors=(InvalidId, ArtifactAlreadyAttachedToAParent, Conflict), ours=True,
    example={
        "external_ref": "crm-4714",
        "type": "opportunity",
        "title": "Renewal for next year",
        "account": "ACC-12345",
        "applies_to_part": "PROD-1",
        "owned_by": ["DEVU-12345"],
    },
)  # fmt: skip
GET = Method(
    "works.get",
    READ,
    WorksGetRequest,
    WorksGetResponse,
    "Get a work",
    "work:read",
    errors=(NotFound,),
    example={"id": "OPP-1"},
)
LIST = Method(
    "works.list",
    READ,
    WorksListRequest,
    WorksListResponse,
    "List works",
    "work:read",
    example={"type": ["opportunity"], "limit": 3},
)
UPDATE = Method(
    "works.update", WRITE, WorksUpdateRequest, WorksUpdateResponse, "Change a work", "work:write",
    errors=(InvalidId, ArtifactAlreadyAttachedToAParent, NotFound),
    example={
        "id": "OPP-1",
        "stage": {"name": "negotiation"},
        "tags": {"add": [{"id": "TAG-12345"}]},
    },
)  # fmt: skip
DELETE = Method(
    "works.delete",
    WRITE,
    WorksDeleteRequest,
    WorksDeleteResponse,
    "Delete a work",
    "work:all",
    errors=(NotFound,),
    example={"id": "OPP-1"},
)
COUNT = Method(
    "works.count",
    READ,
    WorksCountRequest,
    WorksCountResponse,
    "Count works",
    "work:read",
    heavy=True,
)
