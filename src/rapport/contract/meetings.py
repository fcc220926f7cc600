"""The meetings family: who met, where and about what (behaviour: Meetings)."""

from typing import Annotated, Literal

from msgspec import Meta

from rapport.contract.engagements import Expansion, ParentSummary
from rapport.contract.kit.errors import ArtifactAlreadyAttachedToAParent, InvalidId, NotFound
from rapport.contract.kit.fields import (
    ONE_OR_MANY,
    OURS,
    UNSET,
    Artifacts,
    CursorField,
    CustomFields,
    CustomFieldsFilter,
    CustomFieldsUpdate,
    CustomSchemaSpec,
    DateFilter,
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
    Request,
    Response,
    SetArtifacts,
    SetTagWithValue,
    Short,
    Shorts,
    SortByField,
    Text,
    Title,
    UnsetType,
)
from rapport.contract.kit.grouping import (
    GroupsResponse,
    RollupField,
    SortSumsByField,
    TimeZoneField,
)
from rapport.contract.kit.ids import ArtifactId, LinkEndpointId, MeetingId, ParentId, TagId, UserId
from rapport.contract.kit.method import READ, WRITE, Method
from rapport.contract.kit.own_time import OwnTime
from rapport.contract.kit.restoring import Missing
from rapport.contract.kit.upserts import upsert_of
from rapport.contract.tags import TagWithValue
from rapport.contract.users import ArtifactSummary, Atom, UserSummary
from rapport.contract.work_filters import SyncMetadataFilter

Channel = Literal["amazon_connect", "google_meet", "offline", "other", "teams", "zoom"]
Direction = Literal["incoming", "internal", "outgoing"]
State = Literal[
    "canceled",
    "completed",
    "no_show",
    "ongoing",
    "rejected",
    "rescheduled",
    "scheduled",
    "waiting",
]
Expand = Annotated[
    Many[Expansion] | UnsetType,
    OURS,
    Meta(description="Changes nothing: what a meeting refers to always comes as summaries."),
]
Members = Annotated[list[UserId], Meta(min_length=1, max_length=800)]
Tags = Many[SetTagWithValue]
_NONE_HAS = Meta(description="No meeting here has one: none will match.")
_CLEARS = Meta(description="null clears it.")
_NOT_KEPT = Meta(description="Taken, and not kept: meetings have no schemas here.")
_ATTACHED = Meta(description="An uploaded artifact, which has at most one parent, ever.")
_ENDED = Meta(description="Not before `scheduled_date`.")


class MeetingSummary(Response, tag_field="type", tag="meeting"):
    """A meeting inside another object."""

    display_id: str
    id: str
    title: str | UnsetType = UNSET


class Meeting(Atom):
    """A meeting."""

    artifacts: list[ArtifactSummary] | UnsetType = UNSET
    channel: Channel
    custom_fields: Json | UnsetType = UNSET
    deleted_by: Annotated[UserSummary | UnsetType, OURS] = UNSET
    deleted_date: Annotated[str | UnsetType, OURS] = UNSET
    description: str | UnsetType = UNSET
    ended_date: str | UnsetType = UNSET
    external_ref: str | UnsetType = UNSET
    external_url: str | UnsetType = UNSET
    members: list[UserSummary]
    organizer: UserSummary | UnsetType = UNSET
    parent: ParentSummary | UnsetType = UNSET
    recording: ArtifactSummary | UnsetType = UNSET
    recording_url: str | UnsetType = UNSET
    scheduled_date: str | UnsetType = UNSET
    state: State
    tags: list[TagWithValue] | UnsetType = UNSET
    title: str
    transcript: ArtifactSummary | UnsetType = UNSET


class MeetingsCreateRequest(OwnTime):
    """A new meeting."""

    artifacts: Artifacts | UnsetType = UNSET
    channel: Channel
    custom_fields: CustomFields | UnsetType = UNSET
    custom_schema_spec: Annotated[CustomSchemaSpec | UnsetType, _NOT_KEPT] = UNSET
    description: Text | UnsetType = UNSET
    ended_date: Annotated[Instant | UnsetType, _ENDED] = UNSET
    external_ref: Annotated[
        ExternalRef | UnsetType, Meta(description="Unique among the org's live meetings.")
    ] = UNSET
    external_url: HttpUrl | UnsetType = UNSET
    members: Annotated[Members, Meta(description="The users that took or will take part.")]
    organizer: UserId | UnsetType = UNSET
    parent: ParentId | UnsetType = UNSET
    recording: Annotated[ArtifactId | UnsetType, _ATTACHED] = UNSET
    recording_url: HttpUrl | UnsetType = UNSET
    scheduled_date: Instant | UnsetType = UNSET
    state: State
    tags: Tags | UnsetType = UNSET
    title: Title
    transcript: Annotated[ArtifactId | UnsetType, _ATTACHED] = UNSET
    expand: Expand = UNSET


class MeetingsCreateResponse(Response):
    """The meeting that was made."""

    meeting: Meeting


MeetingsUpsertRequest = upsert_of(MeetingsCreateRequest, "external_ref", ExternalRef)


class MeetingsUpsertResponse(Response):
    """What was made or changed."""

    created: Annotated[bool, Meta(description="False: it was there already.")]
    meeting: Meeting


class MeetingsGetRequest(Request):
    """Which meeting."""

    id: MeetingId
    expand: Expand = UNSET


class MeetingsGetResponse(Response):
    """The meeting."""

    meeting: Meeting


class MeetingsDeleteRequest(Request):
    """Which meeting."""

    id: MeetingId


class MeetingsDeleteResponse(Response):
    """Nothing."""


class MeetingsPurgeRequest(Request):
    """Which meeting; it must have been deleted."""

    id: MeetingId


class MeetingsPurgeResponse(Response):
    """Nothing."""


class MeetingsRestoreRequest(Request):
    """Which meeting."""

    id: MeetingId
    expand: Many[Expansion] | UnsetType = UNSET


class MeetingsRestoreResponse(Response):
    """The meeting as it lives again."""

    meeting: Meeting
    missing: Annotated[
        list[Missing], Meta(description="What it had and lost, because that is gone since.")
    ]


class SetMeetingMembers(Request):
    """The members from now on; not empty."""

    set: Members | UnsetType = UNSET


class SetMeetingTags(Request):
    """The tags from now on."""

    set: Tags | UnsetType = UNSET


class MeetingsUpdateRequest(Request):
    """What changes; what is absent stays."""

    id: MeetingId
    artifacts: SetArtifacts | UnsetType = UNSET
    channel: Channel | UnsetType = UNSET
    custom_fields: CustomFieldsUpdate | UnsetType = UNSET
    custom_schema_spec: Annotated[CustomSchemaSpec | UnsetType, _NOT_KEPT] = UNSET
    description: Text | UnsetType = UNSET
    ended_date: Annotated[Instant | UnsetType | None, _CLEARS] = UNSET
    external_ref: ExternalRef | UnsetType = UNSET
    external_url: HttpUrl | UnsetType = UNSET
    if_modified_date: IfModifiedDate = UNSET
    members: SetMeetingMembers | UnsetType = UNSET
    organizer: UserId | UnsetType = UNSET
    parent: Annotated[ParentId | UnsetType, OURS] = UNSET
    recording: Annotated[ArtifactId | UnsetType | None, _CLEARS] = UNSET
    recording_url: HttpUrl | UnsetType = UNSET
    scheduled_date: Annotated[Instant | UnsetType | None, _CLEARS] = UNSET
    state: State | UnsetType = UNSET
    tags: SetMeetingTags | UnsetType = UNSET
    title: Title | UnsetType = UNSET
    transcript: Annotated[ArtifactId | UnsetType, _ATTACHED] = UNSET
    expand: Expand = UNSET


class MeetingsUpdateResponse(Response):
    """The meeting as it is now."""

    meeting: Meeting


class MeetingsFilterLink(Request):
    """A link that goes out from a meeting; what is left out may be anything."""

    link_type: Short | UnsetType = UNSET
    target: LinkEndpointId | UnsetType = UNSET
    target_object_type: Annotated[
        Short | UnsetType, Meta(description="What the target is, such as `opportunity`.")
    ] = UNSET


class MeetingsCountRequest(Request):
    """Which meetings. Values within a filter are alternatives; all filters must hold."""

    channel: Many[Channel] | UnsetType = UNSET
    created_by: Many[UserId] | UnsetType = UNSET
    created_date: DateFilter | UnsetType = UNSET
    custom_fields: CustomFieldsFilter | UnsetType = UNSET
    direction: Annotated[Many[Direction] | UnsetType, _NONE_HAS] = UNSET
    ended_date: DateFilter | UnsetType = UNSET
    external_ref: Shorts | UnsetType = UNSET
    links: Annotated[
        Many[MeetingsFilterLink] | UnsetType, Meta(description="Those with any of these links.")
    ] = UNSET
    members: Annotated[Many[UserId] | UnsetType, Meta(description="Any of these took part.")] = (
        UNSET
    )
    modified_date: DateFilter | UnsetType = UNSET
    organizer: Many[UserId] | UnsetType = UNSET
    query: Annotated[
        Query | UnsetType, OURS, Meta(description="What search.core finds among meetings.")
    ] = UNSET
    parent: Annotated[
        Many[ParentId] | UnsetType,
        ONE_OR_MANY,
        Meta(description="Any of these accounts and opportunities."),
    ] = UNSET
    scheduled_date: DateFilter | UnsetType = UNSET
    state: Many[State] | UnsetType = UNSET
    subtype: Annotated[Shorts | UnsetType, _NONE_HAS] = UNSET
    sync_metadata: Annotated[SyncMetadataFilter | UnsetType, _NONE_HAS] = UNSET
    tags: Annotated[Many[TagId] | UnsetType, Meta(description="Any of these tags.")] = UNSET
    deleted: Annotated[
        bool | UnsetType,
        OURS,
        Meta(
            description="Those that were deleted in place of those that live; it takes the scope "
            "`meeting:all`."
        ),
    ] = UNSET


class MeetingsCountResponse(Response):
    """How many meetings match."""

    count: int


class MeetingsListRequest(MeetingsCountRequest):
    """Which meetings, in which order, from where."""

    cursor: CursorField = UNSET
    limit: Limit | UnsetType = UNSET
    mode: ModeField = UNSET
    sort_by: SortByField = UNSET
    expand: Expand = UNSET


MeetingsKey = Literal[
    "account", "channel", "created_by", "day", "member", "month", "opportunity", "state", "tag", "week",
]  # fmt: skip


class MeetingsSummarizeRequest(MeetingsCountRequest):
    """Which meetings, and by what they are summed up."""

    group_by: Annotated[
        Annotated[list[MeetingsKey], Meta(min_length=1, max_length=2)],
        Meta(description="One key or two. What has several values is in the group of each."),
    ]
    rollup: RollupField = UNSET
    time_zone: TimeZoneField = UNSET
    cursor: CursorField = UNSET
    limit: Limit | UnsetType = UNSET
    sort_by: SortSumsByField = UNSET


class MeetingsListResponse(ListResponse):
    """A page of meetings."""

    meetings: list[Meeting]


CREATE = Method(
    "meetings.create",
    WRITE,
    MeetingsCreateRequest,
    MeetingsCreateResponse,
    "Record or plan a meeting",
    "meeting:write",
    status=201,
    errors=(InvalidId, ArtifactAlreadyAttachedToAParent),
    example={
        "channel": "zoom",
        "members": ["DEVU-12345"],
        "parent": "ACC-12345",
        "scheduled_date": "2023-01-01T12:00:00.000Z",
        "ended_date": "2023-01-01T12:45:00.000Z",
        "state": "completed",
        "title": "Quarterly review",
    },
)
UPSERT = Method(
    "meetings.upsert",
    WRITE,
    MeetingsUpsertRequest,
    MeetingsUpsertResponse,
    "Record or plan a meeting, or change the one with its external_ref",
    "meeting:write",
    status=201,
    status_if_there=200,
    errors=(InvalidId, ArtifactAlreadyAttachedToAParent),
    ours=True,
    example={
        "channel": "zoom",
        "external_ref": "calendar:4711",
        "members": ["DEVU-12345"],
        "scheduled_date": "2023-01-01T12:00:00.000Z",
        "state": "scheduled",
        "title": "Quarterly review",
    },
)
GET = Method(
    "meetings.get",
    READ,
    MeetingsGetRequest,
    MeetingsGetResponse,
    "Get a meeting",
    "meeting:read",
    errors=(NotFound,),
    example={"id": "MEETING-1"},
)
LIST = Method(
    "meetings.list",
    READ,
    MeetingsListRequest,
    MeetingsListResponse,
    "List meetings",
    "meeting:read",
    example={"state": ["scheduled", "completed"], "limit": 3},
)
UPDATE = Method(
    "meetings.update",
    WRITE,
    MeetingsUpdateRequest,
    MeetingsUpdateResponse,
    "Change a meeting",
    "meeting:write",
    errors=(InvalidId, ArtifactAlreadyAttachedToAParent, NotFound),
    example={"id": "MEETING-1", "state": "completed"},
)
DELETE = Method(
    "meetings.delete",
    WRITE,
    MeetingsDeleteRequest,
    MeetingsDeleteResponse,
    "Delete a meeting",
    "meeting:all",
    errors=(NotFound,),
    example={"id": "MEETING-2"},
)
RESTORE = Method(
    "meetings.restore",
    WRITE,
    MeetingsRestoreRequest,
    MeetingsRestoreResponse,
    "Restore a deleted meeting",
    "meeting:all",
    errors=(NotFound,),
    ours=True,
    example={"id": "MEETING-3"},
)
PURGE = Method(
    "meetings.purge",
    WRITE,
    MeetingsPurgeRequest,
    MeetingsPurgeResponse,
    "Remove a deleted meeting for good",
    "meeting:all",
    errors=(NotFound,),
    ours=True,
    example={"id": "MEETING-2"},
)
SUMMARIZE = Method(
    "meetings.summarize",
    READ,
    MeetingsSummarizeRequest,
    GroupsResponse,
    "Sum meetings up",
    "meeting:read",
    ours=True,
    heavy=True,
    example={"group_by": ["month"], "time_zone": "Europe/Berlin"},
)
COUNT = Method(
    "meetings.count",
    READ,
    MeetingsCountRequest,
    MeetingsCountResponse,
    "Count meetings",
    "meeting:read",
    heavy=True,
    example={"channel": ["zoom"]},
)
