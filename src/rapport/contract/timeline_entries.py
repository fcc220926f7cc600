"""The timeline-entries family: comments on engagements, meetings, accounts and opportunities, and
what was changed by whom.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta

from rapport.contract.kit.errors import (
    ArtifactAlreadyAttachedToAParent,
    Conflict,
    InvalidId,
    NotFound,
)
from rapport.contract.kit.fields import (
    OFTEN_ABSENT,
    OURS,
    UNSET,
    Artifacts,
    CursorField,
    DateTimeFilter,
    ExternalRef,
    Instant,
    Json,
    Limit,
    ListResponse,
    Many,
    ModeField,
    Request,
    Response,
    Text,
    UnsetType,
)
from rapport.contract.kit.ids import ArtifactId, TimelineEntryId, TimelineObjectId, UserId
from rapport.contract.kit.method import READ, WRITE, Method
from rapport.contract.kit.own_time import OwnTime
from rapport.contract.meetings import MeetingSummary
from rapport.contract.users import AccountSummary, ArtifactSummary, Atom
from rapport.contract.works import OpportunitySummary

BodyType = Literal["data", "snap_kit", "snap_widget", "text"]
Collection = Literal["discussions", "events"]
Panel = Literal["alerts", "broadcasts", "customer_chat", "discussions", "events"]
Visibility = Literal["external", "internal", "private", "public"]
ObjectType = Literal["account", "engagement", "meeting", "opportunity"]
Label = Annotated[str, Meta(min_length=1, max_length=64)]
Labels = Annotated[list[Label], Meta(max_length=16)]
# Of what DevRev has and this does not.
Elsewhere = Annotated[str, Meta(max_length=2_048)]
SnapKitBody = Annotated[
    dict[str, Any], Meta(description="Kept and given back as sent; up to 64 KiB of JSON.")
]


class EngagementSummary(Response, tag_field="type", tag="engagement"):
    """An engagement inside another object."""

    display_id: str
    id: str


class FieldValue(Response):
    """A field's value. Long texts stand as their hash and length; the change feed has the whole."""

    type: Literal[
        "bool", "composite", "composite_list", "date_time", "double", "id", "id_list", "int", "string", "string_list",
        "tag_summary_list",
    ]  # fmt: skip
    fields: dict[str, Any] | UnsetType = UNSET
    value: bool | int | float | str | UnsetType = UNSET
    values: list[Any] | UnsetType = UNSET


class FieldDelta(Response):
    """A field before and after; a value that was or is absent is left out."""

    name: str
    new_value: FieldValue | UnsetType = UNSET
    old_value: FieldValue | UnsetType = UNSET


class ObjectCreated(Response):
    """What was made."""

    object: AccountSummary | EngagementSummary | MeetingSummary | OpportunitySummary


class ObjectDeleted(Response):
    """What was deleted."""

    object_id: str


class ObjectUpdated(Response):
    """What was changed."""

    field_deltas: list[FieldDelta]
    object_type: str


class Change(Response):
    """What happened."""

    type: Literal["created", "deleted", "updated"]
    created: ObjectCreated | UnsetType = UNSET
    deleted: ObjectDeleted | UnsetType = UNSET
    updated: ObjectUpdated | UnsetType = UNSET


class Entry(Atom):
    """What comments and changes have in common."""

    labels: list[str] | UnsetType = UNSET
    object: str
    object_display_id: str
    object_type: ObjectType
    panels: list[Panel] | UnsetType = UNSET
    visibility: Visibility


class TimelineChangeEvent(Entry, tag_field="type", tag="timeline_change_event"):
    """A change of the object: `created_by` did it, at `created_date`. It can't be edited."""

    event: Change


class TimelineComment(Entry, tag_field="type", tag="timeline_comment"):
    """A comment."""

    artifacts: list[ArtifactSummary] | UnsetType = UNSET
    body: str | UnsetType = UNSET
    body_type: BodyType
    external_ref: str | UnsetType = UNSET
    private_to: Annotated[list[str] | UnsetType, OURS] = UNSET
    snap_kit_body: Json | UnsetType = UNSET


TimelineEntry = TimelineChangeEvent | TimelineComment


class TimelineEntriesCreateRequest(OwnTime):
    """A new comment."""

    object: TimelineObjectId
    type: Literal["timeline_comment"]
    artifacts: Annotated[
        Artifacts | UnsetType,
        Meta(description="Uploaded artifacts; each has at most one parent, ever."),
    ] = UNSET
    body: Text | UnsetType = UNSET
    body_type: BodyType | UnsetType = UNSET
    collections: Annotated[
        Many[Collection] | UnsetType,
        Meta(description="Panels to stand in; `discussions` without it."),
    ] = UNSET
    expires_at: Annotated[Instant | UnsetType, Meta(description="Taken; nothing expires here.")] = (
        UNSET
    )
    external_ref: Annotated[
        ExternalRef | UnsetType, Meta(description="Unique among the org's comments.")
    ] = UNSET
    labels: Labels | UnsetType = UNSET
    link_previews: Annotated[
        Many[Elsewhere] | UnsetType, Meta(description="Taken; links have no previews here.")
    ] = UNSET
    private_to: Annotated[
        Many[UserId] | UnsetType, Meta(description="Who but its author reads a private comment.")
    ] = UNSET
    snap_kit_body: SnapKitBody | UnsetType = UNSET
    snap_widget_body: Annotated[
        Many[Elsewhere] | UnsetType, Meta(description="Taken; there are no widgets here.")
    ] = UNSET
    visibility: Annotated[
        Visibility | UnsetType,
        Meta(description="`internal` without it; `private` where `private_to` is given."),
    ] = UNSET


class TimelineEntriesCreateResponse(Response):
    """The comment that was made."""

    timeline_entry: TimelineEntry


class TimelineEntriesGetRequest(Request):
    """Which entry."""

    id: TimelineEntryId
    external_ref: Annotated[ExternalRef | UnsetType, Meta(description="Has to be the entry's.")] = (
        UNSET
    )


class TimelineEntriesGetResponse(Response):
    """The entry."""

    timeline_entry: TimelineEntry


class TimelineEntriesListRequest(Request):
    """Whose timeline, and what of it."""

    object: TimelineObjectId
    collections: Annotated[
        Many[Collection] | UnsetType,
        Meta(description="`discussions` are comments, `events` changes."),
    ] = UNSET
    created_date: DateTimeFilter | UnsetType = UNSET
    cursor: CursorField = UNSET
    labels: Annotated[Many[Label] | UnsetType, Meta(description="Comments with any of these.")] = (
        UNSET
    )
    limit: Limit | UnsetType = UNSET
    mode: ModeField = UNSET
    panels: Many[Panel] | UnsetType = UNSET
    rollup: Annotated[
        bool | UnsetType,
        OURS,
        Meta(
            description="With the timelines of the account's or opportunity's engagements, meetings and opportunities."
        ),
    ] = UNSET
    visibility: Many[Visibility] | UnsetType = UNSET


class TimelineEntriesListResponse(ListResponse):
    """A page of the timeline, the newest first."""

    timeline_entries: list[TimelineEntry]


class TimelineEntriesUpdateArtifacts(Request):
    """`set` replaces the artifacts, then `remove` takes some out, then `add` adds some."""

    add: Annotated[list[ArtifactId], Meta(max_length=10)] | UnsetType = UNSET
    remove: Annotated[list[ArtifactId], Meta(max_length=10)] | UnsetType = UNSET
    set: Artifacts | UnsetType = UNSET


class TimelineEntriesUpdateLinkPreviews(Request):
    """Taken; links have no previews here."""

    add: Many[Elsewhere] | UnsetType = UNSET
    remove: Many[Elsewhere] | UnsetType = UNSET
    set: Many[Elsewhere] | UnsetType = UNSET


class TimelineEntriesUpdateRequest(Request):
    """What changes of a comment; what is absent stays."""

    id: TimelineEntryId
    type: Annotated[Literal["timeline_comment"] | UnsetType, OFTEN_ABSENT] = UNSET
    artifacts: TimelineEntriesUpdateArtifacts | UnsetType = UNSET
    body: Text | UnsetType = UNSET
    body_type: BodyType | UnsetType = UNSET
    external_ref: Annotated[ExternalRef | UnsetType | None, Meta(description="null clears it.")] = (
        UNSET
    )
    link_previews: TimelineEntriesUpdateLinkPreviews | UnsetType = UNSET
    snap_kit_body: SnapKitBody | UnsetType = UNSET


class TimelineEntriesUpdateResponse(Response):
    """The comment as it is now."""

    timeline_entry: TimelineEntry


class TimelineEntriesDeleteRequest(Request):
    """Which comment."""

    id: TimelineEntryId


class TimelineEntriesDeleteResponse(Response):
    """Nothing."""


CREATE = Method(
    "timeline-entries.create", WRITE, TimelineEntriesCreateRequest, TimelineEntriesCreateResponse,
    "Comment on an object", "timeline_entry:write", status=201,
    errors=(InvalidId, ArtifactAlreadyAttachedToAParent, Conflict),
    example={"object": "ENGAGEMENT-1", "type": "timeline_comment", "body": "They want two years."},
)  # fmt: skip
GET = Method(
    "timeline-entries.get", READ, TimelineEntriesGetRequest, TimelineEntriesGetResponse,
    "Get a comment or change", "timeline_entry:read", errors=(NotFound,),
    example={"id": "COMMENT-1"},
)  # fmt: skip
LIST = Method(
    "timeline-entries.list", READ, TimelineEntriesListRequest, TimelineEntriesListResponse,
    "List an object's timeline", "timeline_entry:read", errors=(NotFound,), heavy=True,
    example={"object": "ENGAGEMENT-1", "limit": 3},
)  # fmt: skip
UPDATE = Method(
    "timeline-entries.update", WRITE, TimelineEntriesUpdateRequest, TimelineEntriesUpdateResponse,
    "Change a comment", "timeline_entry:write", errors=(InvalidId, ArtifactAlreadyAttachedToAParent, Conflict),
    example={"id": "COMMENT-1", "type": "timeline_comment", "body": "They want three years."},
)  # fmt: skip
DELETE = Method(
    "timeline-entries.delete", WRITE, TimelineEntriesDeleteRequest, TimelineEntriesDeleteResponse,
    "Delete a comment", "timeline_entry:all", errors=(InvalidId,),
    example={"id": "COMMENT-1"},
)  # fmt: skip
