"""What is new since a page was made: the change feed, for the script of the timeline."""

from starlette.responses import JSONResponse, Response

from rapport.console.guard import Visit
from rapport.console.touches import FAMILIES
from rapport.contract import events
from rapport.contract.kit.errors import ApiError

# A proxy that hears nothing for a minute closes a connection.
_SECONDS = 25
_ADDS = ("engagement_created", "meeting_created", "engagement_restored", "meeting_restored")


async def show(visit: Visit) -> Response:
    """How many were added behind a number of the feed, once there are any or a while has passed,
    and the number to go on from.
    """
    after = visit.request.query_params.get("after", "")
    request = {
        "after": int(after) if after.isdecimal() else 0,
        "kinds": kinds(visit),
        "wait": _SECONDS,
        "limit": 100,
    }
    found = await visit.ask(events.LIST, request)
    added = sum(one["type"] in _ADDS for one in found["events"])
    return JSONResponse(
        {"last": found["last"], "added": added}, headers={"cache-control": "no-store"}
    )


async def place(visit: Visit) -> int | None:
    """Where in the feed a page that is made now begins to wait; None where nobody may hear."""
    if not visit.may(events.LIST):
        return None
    try:
        return int((await visit.ask(events.LIST, {"kinds": kinds(visit), "limit": 1}))["end"])
    except ApiError:
        return None


def kinds(visit: Visit) -> list[str]:
    """The kinds that the timeline shows, of those that the reader may read."""
    return [one.name for one in FAMILIES if visit.may(one.list)]
