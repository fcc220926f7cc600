"""The events family: the change feed, which misses nothing and tells nothing twice."""

from typing import Annotated, Literal

from msgspec import Meta

from rapport.contract.kit.fields import (
    UNSET,
    Limit,
    Many,
    Raw,
    Request,
    Response,
    UnsetType,
    stored,
)
from rapport.contract.kit.method import READ, Method

EventKind = Literal[
    "account", "artifact", "dev_org", "dev_user", "engagement", "link", "meeting", "rev_org", "rev_user", "tag",
    "timeline_entry", "user", "webhook", "work",
]  # fmt: skip
KINDS: tuple[EventKind, ...] = EventKind.__args__  # type: ignore[attr-defined]
MOST_SECONDS = 30
Sequence = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class Event(Response):
    """What happened to one object.

    Under the name that `type` gives stands the object as it was answered then, and as `old_…` what
    it was before.
    """

    type: Annotated[
        str,
        Meta(
            description="`<kind>_created`, `<kind>_updated`, `<kind>_deleted`, `<kind>_restored` or "
            "`<kind>_purged`; `user_erased` of a person of whatever kind."
        ),
    ]
    id: str
    sequence: Annotated[int, Meta(description="Only grows; what to go on from.")]
    timestamp: str
    imported: Annotated[
        bool | UnsetType,
        Meta(description="True of what was brought from elsewhere, with its dates."),
    ] = UNSET
    actor: Annotated[str, Meta(description="Who did it.")]
    object: Annotated[str, Meta(description="The id of the object.")]


class EventsListRequest(Request):
    """Where to go on from."""

    after: Annotated[
        Sequence | UnsetType,
        Meta(description="The `last` of the answer before; without it, the oldest kept."),
    ] = UNSET
    kinds: Annotated[
        Many[EventKind] | UnsetType, Meta(description="Without it, all that the token may read.")
    ] = UNSET
    limit: Limit | UnsetType = UNSET
    wait: Annotated[
        Annotated[int, Meta(ge=0, le=MOST_SECONDS)] | UnsetType,
        Meta(description="How many seconds to wait for an event where there is none yet."),
    ] = UNSET


class EventsListResponse(Response):
    """Events in the order in which they were committed."""

    events: Annotated[list[Raw], stored(Event)]
    last: Annotated[
        int, Meta(description="The `after` to go on with, whatever was left out on the way.")
    ]
    end: Annotated[
        int, Meta(description="The newest event's number; when `last` is less, there is more.")
    ]


LIST = Method(
    "events.list", READ, EventsListRequest, EventsListResponse, "Read the change feed", "event:read", ours=True,
    heavy=True, waits=True,
    example={"limit": 3},
)  # fmt: skip
