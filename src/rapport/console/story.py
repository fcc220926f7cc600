"""The story of an account or a person: first, last and next touch, sums, and what came last."""

from typing import Any, NamedTuple

from rapport.console.guard import Visit
from rapport.console.moments import Day
from rapport.console.rhythm import VALUES, Circle, Edge, Found, Rhythm, around, edge, within
from rapport.console.touches import Touch, list_page

_SEASON_DAYS = 90
_WEEKS = 26
# How many of a few parents' or members' touches are counted before more is all that is said.
_COUNTED = 200


class Story(NamedTuple):
    """Of one account or person.

    Args:
        first: the oldest touch.
        rhythm: the last, the next, and how many in 30 days.
        season: how many in 90 days.
        has_more: there were more in 90 days than were counted.
        weeks: how many in each of the last weeks, the present one last; only as far back as all
            were counted.
        days: the last touches, under their days.
    """

    first: Touch | None
    rhythm: Rhythm
    season: int
    has_more: bool
    weeks: list[int]
    days: list[Day]


async def story_of(visit: Visit, circle: Circle, owner: str, rows: int) -> Story:
    """An owner's story with so many of the last touches."""
    now = visit.moments.at_present().machine
    past = await within(visit, circle, {"before": now}, "desc", most=_COUNTED)
    return Story(
        await edge(visit, circle, Edge({"before": now}, "asc")),
        (await around(visit, circle, [owner]))[owner],
        *past.since(owner, visit.moments.before(_SEASON_DAYS)),
        _weeks(visit, past, owner),
        await _latest(visit, circle, {"before": now}, rows),
    )


def _weeks(visit: Visit, past: Found, owner: str) -> list[int]:
    """Counted from what was read anyway."""
    found = list(past.touches.get(owner, {}).values())
    weeks = list[int]()
    for back in range(_WEEKS):
        first, end = visit.moments.week(back)
        if first < past.whole_since:
            break
        weeks.insert(0, sum(first <= one.date < end for one in found))
    return weeks


async def _latest(visit: Visit, circle: Circle, dates: Any, most: int) -> list[Day]:
    touches: dict[str, Touch] = {}
    for field, ids in (("parent", circle.parents), ("members", circle.members)):
        if ids:
            wanted = {field: [*ids][:VALUES], "scheduled_date": dates}
            page = await list_page(visit, wanted, newest_first=True, limit=most)
            touches |= {one.path: one for one in page.touches}
    newest = sorted(touches.values(), key=lambda one: one.date, reverse=True)[:most]
    return list(visit.moments.by_day((visit.moments.of(one.date), one) for one in newest))
