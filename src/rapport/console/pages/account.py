"""One account: who it is, when we were in touch, with whom, and about what."""

from typing import Any

from starlette.responses import Response

from rapport.console.address import address
from rapport.console.guard import Visit
from rapport.console.rhythm import Rhythm, circle_of, of_people, walk
from rapport.console.silence import Silence, quiet_days, silence
from rapport.console.story import story_of
from rapport.contract import accounts, rev_users, works

_ROWS, _PEOPLE, _OPPORTUNITIES = 20, 12, 12


async def show(visit: Visit) -> Response:
    """The page."""
    found = (await visit.ask(accounts.GET, {"id": visit.request.path_params["id"]}))["account"]
    circle = await circle_of(visit, [found["id"]])
    story = await story_of(visit, circle, found["id"], _ROWS)
    people, is_all = await walk(
        visit, rev_users.LIST, "rev_users", {"associations": [found["id"]]}, most=_PEOPLE
    )
    sold, is_all_sold = await walk(
        visit,
        works.LIST,
        "works",
        {"opportunity": {"account": [found["id"]]}},
        most=_OPPORTUNITIES,
    )
    quiet, only = quiet_days(found.get("tier")), {"account": [found["display_id"]]}
    return visit.page(
        "account",
        account=found,
        story=story,
        silence=silence(visit.moments, story.rhythm, quiet),
        log=address("/log", only),
        more=address("/", only),
        people=await _people(visit, people, quiet),
        sold=sold,
        all_sold="" if is_all_sold else address("/opportunities", only),
        all_people="" if is_all else address("/people", only),
    )


async def _people(visit: Visit, people: list[Any], quiet: int) -> list[tuple[Any, Rhythm, Silence]]:
    rhythms = await of_people(visit, [one["id"] for one in people])
    return [
        (one, rhythm, silence(visit.moments, rhythm, quiet))
        for one in people
        for rhythm in [rhythms[one["id"]]]
    ]
