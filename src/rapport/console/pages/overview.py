"""Overview: touches by week and kind, a year of days, who of the team did what, most and least."""

from collections import Counter
from datetime import date, timedelta
from typing import Any, NamedTuple

from starlette.responses import Response

from rapport.console import words
from rapport.console.address import address
from rapport.console.charts import Bars, Heat, bars, heat, way_of
from rapport.console.guard import Visit
from rapport.console.names import colleagues
from rapport.console.people import called
from rapport.console.sums import Counts, sums
from rapport.contract import accounts
from rapport.contract.kit import ids

_WEEKS, _YEAR_WEEKS = 26, 53
_WEEK = timedelta(7)
_FEW = 8


class Cell(NamedTuple):
    """A number, and the list behind it."""

    number: int
    way: str


class Worker(NamedTuple):
    """What one of the team took part in: by kind, in all, and in all of the period before."""

    person: Any
    cells: dict[str, Cell]
    all: Cell
    before: Cell


async def show(visit: Visit) -> Response:
    """The page, of the period that its address has."""
    days = visit.request.query_params.get("days", "28")
    days = days if days in words.PERIODS else "28"
    team = await _team(visit, int(days))
    return visit.page(
        "overview",
        weeks=await _weeks(visit),
        year=await _year(visit),
        team=team,
        kinds=[one for one in words.KINDS if any(row.cells[one].number for row in team)],
        **await _touched(visit, int(days)),
        days=days,
        periods={one: address("/overview", {}, days=one) for one in words.PERIODS},
    )


async def _weeks(visit: Visit) -> Bars:
    today = visit.moments.today()
    monday = today - timedelta(today.weekday())
    first = monday - _WEEK * (_WEEKS - 1)
    wanted = {"scheduled_date": visit.moments.past_within(first, today)}
    found = await sums(visit, ("week", "type"), wanted)
    return bars(found.counts, [first + _WEEK * number for number in range(_WEEKS)])


async def _year(visit: Visit) -> Heat:
    today = visit.moments.today()
    first = today - timedelta(today.weekday()) - _WEEK * (_YEAR_WEEKS - 1)
    found = await sums(visit, ("day",), {"scheduled_date": visit.moments.past_within(first, today)})
    counts = {date.fromisoformat(day): count for (day,), count in found.counts.items()}
    return heat(counts, first, today)


async def _team(visit: Visit, days: int) -> list[Worker]:
    """The team by how much each took part, the busiest first."""
    today = visit.moments.today()
    now = (today - timedelta(days - 1), today)
    then = (today - timedelta(2 * days - 1), today - timedelta(days))
    found, before = await _by_member(visit, *now), await _by_member(visit, *then)
    people = {one["id"]: one for one in await colleagues(visit)}
    totals: Counter[str] = Counter()
    for (member, _), count in found.items():
        totals[member] += count
    shown = sorted(
        (one for one in people if totals[one] or any(who == one for who, _ in before)),
        key=lambda one: (-totals[one], called(people[one])),
    )
    return [_worker(people[one], found, before, now, then) for one in shown]


async def _by_member(visit: Visit, first: date, last: date) -> Counts:
    """Of colleagues alone: their ids come before those of contacts."""

    def is_over(by: Any) -> bool:
        return ids.UserId.parse(by["member"]).kind is not ids.DEV_USER

    wanted = {"scheduled_date": visit.moments.past_within(first, last)}
    found = await sums(visit, ("member", "type"), wanted, sort_by="member:asc", is_over=is_over)
    return found.counts


def _worker(
    person: Any,
    found: Counts,
    before: Counts,
    now: tuple[date, date],
    then: tuple[date, date],
) -> Worker:
    own, name = person["id"], [person["display_id"]]
    cells = {
        str(kind): Cell(found[own, kind], way_of(*now, person=name, kind=[kind]))
        for kind in words.KINDS
    }
    earlier = sum(count for (who, _), count in before.items() if who == own)
    return Worker(
        person,
        cells,
        Cell(sum(one.number for one in cells.values()), way_of(*now, person=name)),
        Cell(earlier, way_of(*then, person=name)),
    )


async def _touched(visit: Visit, days: int) -> dict[str, Any]:
    """The accounts that were touched most, and least of those that were; the least only where all
    are known.
    """
    today = visit.moments.today()
    dates = visit.moments.past_within(today - timedelta(days - 1), today)
    found = await sums(visit, ("account",), {"scheduled_date": dates, "rollup": True})
    order = sorted(found.counts.items(), key=lambda one: (-one[1], one[0]))
    ends = {"most": order[:_FEW], "least": order[_FEW:][::-1][:_FEW] if found.is_whole else []}
    return {
        name: [(await _account(visit, of), count) for (of,), count in ones]
        for name, ones in ends.items()
    }


async def _account(visit: Visit, id_: str) -> Any:
    """What is shown of an account; its id where it can't be looked at."""
    if not visit.may(accounts.GET):
        return id_
    return (await visit.ask(accounts.GET, {"id": id_}))["account"]
