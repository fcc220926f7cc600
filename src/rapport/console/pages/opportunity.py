"""One opportunity: where it stands, when we were in touch about it, with whom."""

from starlette.responses import Response

from rapport.console.address import address
from rapport.console.guard import Visit
from rapport.console.rhythm import Circle
from rapport.console.silence import silence
from rapport.console.story import story_of
from rapport.contract import works

_ROWS = 20


async def show(visit: Visit) -> Response:
    """The page."""
    found = (await visit.ask(works.GET, {"id": visit.request.path_params["id"]}))["work"]
    story = await story_of(visit, Circle({found["id"]: found["id"]}), found["id"], _ROWS)
    only = {"account": [found["display_id"]]}
    closes = found.get("target_close_date")
    return visit.page(
        "opportunity",
        opportunity=found,
        story=story,
        silence=silence(visit.moments, story.rhythm),
        closes=visit.moments.of(closes) if closes else None,
        log=address("/log", only),
        more=address("/", only),
    )
