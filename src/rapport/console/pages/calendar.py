"""Calendar: a month of what I, somebody or everybody took part in or will, day by day."""

from datetime import date, timedelta
from typing import NamedTuple

from starlette.responses import Response

from rapport.console import words
from rapport.console.address import address
from rapport.console.charts import way_of
from rapport.console.guard import Visit
from rapport.console.moments import Moment
from rapport.console.names import colleagues
from rapport.console.sums import sums
from rapport.console.touches import Touch, list_page
from rapport.contract.kit.fields import Json

# Touches of a month that are named, and of a day; the rest is counted.
_NAMED, _PAGE, _A_DAY = 300, 100, 4
_FIRST, _LAST = date(1900, 1, 1), date(2199, 12, 1)


Named = list[tuple[Moment, Touch]]


class Square(NamedTuple):
    """A day: what is on it, how many more there are, and the list of all."""

    day: date
    said: str
    is_today: bool
    is_outside: bool
    touches: Named
    more: int
    way: str


async def show(visit: Visit) -> Response:
    """The page, of the month and the person that its address has."""
    query, today = visit.request.query_params, visit.moments.today()
    month = _month(query.get("month", ""), today)
    person = query.get("person", "me")
    first = month - timedelta(month.weekday())
    end = _next(month)
    days = [first + timedelta(n) for n in range(-(-(end - first).days // 7) * 7)]
    squares = await _squares(visit, month, days, person)
    ways = {"before": _before(month), "now": today.replace(day=1), "next": end}
    return visit.page(
        "calendar",
        heading=f"{words.MONTHS[month.month - 1]} {month.year}",
        weeks=[squares[at : at + 7] for at in range(0, len(squares), 7)],
        person=person,
        month=f"{month:%Y-%m}",
        people=await colleagues(visit),
        ways={
            name: address("/calendar", {}, month=f"{one:%Y-%m}", person=person)
            for name, one in ways.items()
        },
    )


async def _squares(visit: Visit, month: date, days: list[date], person: str) -> list[Square]:
    who = {"": [], "me": [visit.caller.user_id]}.get(person, [person])
    wanted: Json = {"scheduled_date": visit.moments.within(days[0], days[-1])}
    wanted |= {"members": who} if who else {}
    counts = (await sums(visit, ("day",), wanted)).counts
    named = await _touches(visit, wanted)
    today, only = visit.moments.today(), [person] if person else []
    return [
        Square(
            day,
            f"{words.DAYS[day.weekday()]} {day.day} {words.MONTHS[day.month - 1]}",
            is_today=day == today,
            is_outside=day.month != month.month,
            touches=(few := named.get(day, [])[:_A_DAY]),
            more=max(0, counts[str(day),] - len(few)),
            way=way_of(day, day, person=only),
        )
        for day in days
    ]


async def _touches(visit: Visit, wanted: Json) -> dict[date, Named]:
    """The first touches of a month, by day."""
    found: dict[date, Named] = {}
    cursor = ""
    for _ in range(_NAMED // _PAGE):
        page = await list_page(visit, dict(wanted), newest_first=False, limit=_PAGE, cursor=cursor)
        for one in page.touches:
            moment = visit.moments.of(one.date)
            found.setdefault(moment.instant.date(), []).append((moment, one))
        if not (cursor := page.cursor):
            break
    return found


def _month(text: str, today: date) -> date:
    """The first day of the month that an address says; this month where it says none."""
    try:
        return min(max(date.fromisoformat(f"{text}-01"), _FIRST), _LAST)
    except ValueError:
        return today.replace(day=1)


def _next(month: date) -> date:
    return (month + timedelta(31)).replace(day=1)


def _before(month: date) -> date:
    return (month - timedelta(1)).replace(day=1)
