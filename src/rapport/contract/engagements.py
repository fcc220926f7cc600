"""The engagements family: one record for each touch with a customer (behaviour: Engagements)."""

from typing import Annotated, Literal, get_args

from msgspec import Meta

from rapport.contract.kit.errors import ArtifactAlreadyAttachedToAParent, InvalidId, NotFound
from rapport.contract.kit.fields import (
    DIFFERENCE,
    ONE_OR_MANY,
    OURS,
    UNSET,
    Artifacts,
    CursorField,
    CustomFields,
    CustomFieldsFilter,
    CustomFieldsUpdate,
    DateTimeFilter,
    ExternalRef,
    HttpUrl,
    IfModifiedDate,
    Instant,
    Json,
    Limit,
    ListResponse,
    Many,
    ModeField,
    Query,
    Raw,
    Request,
    Response,
    SetArtifacts,
    SetTagWithValue,
    Shorts,
    SortByField,
    Text,
    Title,
    UnsetType,
    ours_values,
    stored,
)
from rapport.contract.kit.grouping import (
    GroupsResponse,
    RollupField,
    SortSumsByField,
    TimeZoneField,
)
from rapport.contract.kit.ids import EngagementId, ParentId, TagId, UserId
from rapport.contract.kit.method import READ, WRITE, Method
from rapport.contract.kit.own_time import OwnTime
from rapport.contract.kit.restoring import Missing
from rapport.contract.kit.upserts import upsert_of
from rapport.contract.tags import TagWithValue
from rapport.contract.users import AccountSummary, ArtifactSummary, Atom, UserSummary
from rapport.contract.works import OpportunitySummary

EngagementType = Literal[
    "call",
    "conversation",
    "custom",
    "default",
    "email",
    "linked_in",
    "meeting",
    "offline",
    "survey",
]
# DevRev's filters know four types that its writers don't.
KeptType = Annotated[EngagementType, ours_values("conversation", "custom", "meeting", "survey")]
Expansion = Literal["members", "parents", "tags", "artifacts"]
EXPANSIONS: tuple[Expansion, ...] = get_args(Expansion)
Expand = Annotated[
    Many[Expansion] | UnsetType,
    OURS,
    Meta(description="Which ids come back as summaries; also the header `X-Rapport-Expand`."),
]
Members = Annotated[list[UserId], Meta(min_length=1, max_length=50)]
Parents = Annotated[list[ParentId], Meta(max_length=50)]
Tags = Annotated[list[SetTagWithValue], Meta(max_length=50)]
ParentSummary = AccountSummary | OpportunitySummary


class Engagement(Atom):
    """An engagement. Its ids are plain by default and summaries where `expand` names them."""

    artifacts: Annotated[list[str | ArtifactSummary] | UnsetType, OURS] = UNSET
    custom_fields: Annotated[Json | UnsetType, OURS] = UNSET
    deleted_by: Annotated[UserSummary | UnsetType, OURS] = UNSET
    deleted_date: Annotated[str | UnsetType, OURS] = UNSET
    description: str | UnsetType = UNSET
    engagement_type: Annotated[EngagementType | UnsetType, OURS] = UNSET
    external_ref: Annotated[str | UnsetType, OURS] = UNSET
    external_url: Annotated[str | UnsetType, OURS] = UNSET
    members: Annotated[list[str | UserSummary] | UnsetType, OURS] = UNSET
    parent: Annotated[str | ParentSummary | UnsetType, OURS] = UNSET
    parents: Annotated[list[str | ParentSummary] | UnsetType, OURS] = UNSET
    scheduled_date: Annotated[str | UnsetType, OURS] = UNSET
    tag_values: Annotated[dict[str, str] | UnsetType, OURS] = UNSET
    tags: Annotated[list[str | TagWithValue] | UnsetType, OURS] = UNSET
    title: Annotated[str | UnsetType, OURS] = UNSET


class EngagementsCreateRequest(OwnTime):
    """A new engagement."""

    members: Annotated[Members, Meta(description="The users that took part.")]
    scheduled_date: Annotated[
        Instant, Meta(description="When it was or will be; past and future are both allowed.")
    ]
    title: Title
    engagement_type: KeptType | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    artifacts: Annotated[
        Artifacts | UnsetType,
        Meta(description="Uploaded artifacts; each has at most one parent, ever."),
    ] = UNSET
    custom_fields: Annotated[CustomFields | UnsetType, OURS] = UNSET
    external_ref: Annotated[
        ExternalRef | UnsetType, Meta(description="Unique among the org's live engagements.")
    ] = UNSET
    external_url: HttpUrl | UnsetType = UNSET
    parent: ParentId | UnsetType = UNSET
    parents: Annotated[
        Parents | UnsetType, Meta(description="Together with `parent` the union, `parent` first.")
    ] = UNSET
    tags: Tags | UnsetType = UNSET
    expand: Expand = UNSET


class EngagementsCreateResponse(Response):
    """The engagement that was made."""

    engagement: Annotated[Raw, stored(Engagement)]


EngagementsUpsertRequest = upsert_of(EngagementsCreateRequest, "external_ref", ExternalRef)


class EngagementsUpsertResponse(Response):
    """What was made or changed."""

    created: Annotated[bool, Meta(description="False: it was there already.")]
    engagement: Annotated[Raw, stored(Engagement)]


class EngagementsGetRequest(Request):
    """Which engagement."""

    id: EngagementId
    expand: Expand = UNSET


class EngagementsGetResponse(Response):
    """The engagement."""

    engagement: Annotated[Raw, stored(Engagement)]


class EngagementsDeleteRequest(Request):
    """Which engagement."""

    id: EngagementId


class EngagementsDeleteResponse(Response):
    """Nothing."""


class EngagementsPurgeRequest(Request):
    """Which engagement; it must have been deleted."""

    id: EngagementId


class EngagementsPurgeResponse(Response):
    """Nothing."""


class EngagementsRestoreRequest(Request):
    """Which engagement."""

    id: EngagementId
    expand: Many[Expansion] | UnsetType = UNSET


class EngagementsRestoreResponse(Response):
    """The engagement as it lives again."""

    engagement: Annotated[Raw, stored(Engagement)]
    missing: Annotated[
        list[Missing], Meta(description="What it had and lost, because that is gone since.")
    ]


class SetMembers(Request):
    """The members from now on; not empty."""

    set: Members | UnsetType = UNSET


class SetParents(Request):
    """The parents from now on."""

    set: Parents | UnsetType = UNSET


class SetTags(Request):
    """The tags from now on."""

    set: Tags | UnsetType = UNSET


class EngagementsUpdateRequest(Request):
    """What changes; what is absent stays."""

    id: EngagementId
    artifacts: SetArtifacts | UnsetType = UNSET
    custom_fields: Annotated[CustomFieldsUpdate | UnsetType, OURS] = UNSET
    description: Text | UnsetType = UNSET
    engagement_type: Annotated[EngagementType | UnsetType, OURS] = UNSET
    external_ref: ExternalRef | UnsetType = UNSET
    external_url: HttpUrl | UnsetType = UNSET
    if_modified_date: IfModifiedDate = UNSET
    members: SetMembers | UnsetType = UNSET
    parents: SetParents | UnsetType = UNSET
    scheduled_date: Annotated[Instant | UnsetType | None, Meta(description="null clears it.")] = (
        UNSET
    )
    tags: SetTags | UnsetType = UNSET
    title: Title | UnsetType = UNSET
    expand: Expand = UNSET


class EngagementsUpdateResponse(Response):
    """The engagement as it is now."""

    engagement: Annotated[Raw, stored(Engagement)]


class EngagementsCountRequest(Request):
    """Which engagements. Values within a filter are alternatives; all filters must hold."""

    type: Many[EngagementType] | UnsetType = UNSET
    engagement_type: Annotated[
        Many[EngagementType] | UnsetType, DIFFERENCE, Meta(description="The same as `type`.")
    ] = UNSET
    external_ref: Shorts | UnsetType = UNSET
    members: Annotated[Many[UserId] | UnsetType, Meta(description="Any of these took part.")] = (
        UNSET
    )
    parent: Annotated[
        Many[ParentId] | UnsetType,
        ONE_OR_MANY,
        Meta(description="Any of these accounts and opportunities."),
    ] = UNSET
    created_by: Annotated[Many[UserId] | UnsetType, OURS] = UNSET
    created_date: Annotated[DateTimeFilter | UnsetType, OURS] = UNSET
    custom_fields: Annotated[CustomFieldsFilter | UnsetType, OURS] = UNSET
    modified_date: Annotated[DateTimeFilter | UnsetType, OURS] = UNSET
    query: Annotated[
        Query | UnsetType, OURS, Meta(description="What search.core finds among engagements.")
    ] = UNSET
    scheduled_date: Annotated[DateTimeFilter | UnsetType, OURS] = UNSET
    tags: Annotated[Many[TagId] | UnsetType, OURS, Meta(description="Any of these tags.")] = UNSET
    deleted: Annotated[
        bool | UnsetType,
        OURS,
        Meta(
            description="Those that were deleted in place of those that live; it takes the scope "
            "`engagement:all`."
        ),
    ] = UNSET


class EngagementsCountResponse(Response):
    """How many engagements match."""

    count: int


class EngagementsListRequest(EngagementsCountRequest):
    """Which engagements, in which order, from where."""

    cursor: CursorField = UNSET
    limit: Limit | UnsetType = UNSET
    mode: ModeField = UNSET
    sort_by: SortByField = UNSET
    expand: Expand = UNSET


EngagementsKey = Literal[
    "account", "created_by", "day", "member", "month", "opportunity", "tag", "type", "week",
]  # fmt: skip


class EngagementsSummarizeRequest(EngagementsCountRequest):
    """Which engagements, and by what they are summed up."""

    group_by: Annotated[
        Annotated[list[EngagementsKey], Meta(min_length=1, max_length=2)],
        Meta(description="One key or two. What has several values is in the group of each."),
    ]
    rollup: RollupField = UNSET
    time_zone: TimeZoneField = UNSET
    cursor: CursorField = UNSET
    limit: Limit | UnsetType = UNSET
    sort_by: SortSumsByField = UNSET


class EngagementsListResponse(ListResponse):
    """A page of engagements."""

    engagements: Annotated[list[Raw], stored(Engagement)]


CREATE = Method(
    "engagements.create", WRITE, EngagementsCreateRequest, EngagementsCreateResponse,
    "Record an engagement", "engagement:write", status=201, errors=(InvalidId, ArtifactAlreadyAttachedToAParent),
    # The documentation's own example, word for word.
    example={
        "members": ["DEVU-12345"],
        "scheduled_date": "2023-01-01T12:00:00.000Z",
        "title": "Discuss the quarterly roadmap",
    },
)  # fmt: skip
UPSERT = Method(
    "engagements.upsert", WRITE, EngagementsUpsertRequest, EngagementsUpsertResponse,
    "Record an engagement, or change the one with its external_ref", "engagement:write", status=201,
    status_if_there=200, errors=(InvalidId, ArtifactAlreadyAttachedToAParent), ours=True,
    example={
        "external_ref": "telephone:4711",
        "members": ["DEVU-12345"],
        "scheduled_date": "2023-01-01T12:00:00.000Z",
        "title": "Call about the invoice",
    },
)  # fmt: skip
GET = Method(
    "engagements.get", READ, EngagementsGetRequest, EngagementsGetResponse,
    "Get an engagement", "engagement:read", errors=(NotFound,),
    example={"id": "ENGAGEMENT-1"},
)  # fmt: skip
LIST = Method(
    "engagements.list", READ, EngagementsListRequest, EngagementsListResponse,
    "List engagements", "engagement:read",
    example={"members": ["DEVU-12345"], "limit": 3},
)  # fmt: skip
UPDATE = Method(
    "engagements.update", WRITE, EngagementsUpdateRequest, EngagementsUpdateResponse,
    "Change an engagement", "engagement:write", errors=(InvalidId, ArtifactAlreadyAttachedToAParent, NotFound),
    example={"id": "ENGAGEMENT-1", "description": "They want the summary by Friday."},
)  # fmt: skip
DELETE = Method(
    "engagements.delete", WRITE, EngagementsDeleteRequest, EngagementsDeleteResponse,
    "Delete an engagement", "engagement:all", errors=(NotFound,),
    example={"id": "ENGAGEMENT-2"},
)  # fmt: skip
RESTORE = Method(
    "engagements.restore", WRITE, EngagementsRestoreRequest, EngagementsRestoreResponse,
    "Restore a deleted engagement", "engagement:all", errors=(NotFound,), ours=True,
    example={"id": "ENGAGEMENT-3"},
)  # fmt: skip
PURGE = Method(
    "engagements.purge",
    WRITE,
    EngagementsPurgeRequest,
    EngagementsPurgeResponse,
    "Remove a deleted engagement for good",
    "engagement:all",
    errors=(NotFound,),
    ours=True,
    example={"id": "ENGAGEMENT-2"},
)
SUMMARIZE = Method(
    "engagements.summarize",
    READ,
    EngagementsSummarizeRequest,
    GroupsResponse,
    "Sum engagements up",
    "engagement:read",
    ours=True,
    heavy=True,
    example={"group_by": ["account"], "rollup": True, "sort_by": ["last:asc"]},
)
COUNT = Method(
    "engagements.count", READ, EngagementsCountRequest, EngagementsCountResponse,
    "Count engagements", "engagement:read", heavy=True,
    example={"type": ["call"]},
)  # fmt: skip
