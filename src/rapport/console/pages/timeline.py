"""Timeline: every touch by its date, what is coming apart and on top."""

import re
from datetime import date, timedelta
from typing import Any

from starlette.responses import Response

from rapport.console import words
from rapport.console.address import address, chosen
from rapport.console.guard import Visit
from rapport.console.moments import long_day
from rapport.console.names import colleagues, known_tags, named_by_id
from rapport.console.pages import live
from rapport.console.people import CannotTell, find_account
from rapport.console.touches import list_page

_ROWS = 40
_COMING = 6
# So far from the ends of time every zone's days are.
_YEAR = timedelta(366)
# What a view's address may say; a form and its chips have them in this order.
_FILTERS = ("kind", "person", "account", "tag", "days", "from", "to")
_DELETED = re.compile(r"ENGAGEMENT-[0-9]+|MEETING-[0-9]+")


async def show(visit: Visit) -> Response:
    """The page, of the filters and from the cursor that its address has."""
    query = visit.request.query_params
    filters = chosen(query, _FILTERS)
    problem = await _resolve_account(visit, filters)
    wanted, now = _wanted(visit, filters), visit.moments.at_present().machine
    dates: dict[str, str] = wanted.pop("scheduled_date", {})
    cursor = query.get("cursor", "")
    # Before the lists are read, so that nothing falls between.
    place = None if cursor else await live.place(visit)
    past = await list_page(
        visit,
        {**wanted, "scheduled_date": {**dates, "before": min(now, dates.get("before", now))}},
        newest_first=True,
        limit=_ROWS,
        cursor=cursor,
    )
    ahead = {**wanted, "scheduled_date": {**dates, "after": max(now, dates.get("after", now))}}
    coming = (
        [] if cursor else (await list_page(visit, ahead, newest_first=False, limit=_COMING)).touches
    )
    of = visit.moments.of
    return visit.page(
        "timeline",
        days=list(visit.moments.by_day((of(one.date), one) for one in past.touches)),
        coming=[(of(one.date), one) for one in coming],
        chips=[
            (await _said(visit, name, values), address("/", {**filters, name: []}))
            for name, values in filters.items()
        ],
        chosen=filters,
        problem=problem,
        people=await colleagues(visit),
        tags=await known_tags(visit),
        more=address("/", filters, cursor=past.cursor) if past.cursor else "",
        deleted=_deleted(query.get("deleted", "")),
        saved="saved" in query,
        place=place,
        view=address("", filters),
    )


async def _resolve_account(visit: Visit, filters: dict[str, list[str]]) -> str:
    """Put ids for accounts that were typed by name; what can't be told is said and left out."""
    try:
        found = [
            one for text in filters.get("account", []) for one in await find_account(visit, text)
        ]
    except CannotTell as error:
        del filters["account"]
        return str(error)
    if found:
        filters["account"] = found
    return ""


def _deleted(text: str) -> str:
    """The path of what was deleted just now and can be restored, if the address says a sane one."""
    if not _DELETED.fullmatch(text):
        return ""
    return f"/engagements/{text}" if text.startswith("E") else f"/meetings/{text}"


def _wanted(visit: Visit, filters: dict[str, list[str]]) -> dict[str, Any]:
    """The filters that a view has, as the lists take them."""
    wanted: dict[str, Any] = {}
    if kinds := [kind for kind in filters.get("kind", []) if kind in words.KINDS]:
        wanted["type"] = kinds
    if people := filters.get("person"):
        wanted["members"] = [visit.caller.user_id if one == "me" else one for one in people]
    if parents := filters.get("account"):
        wanted["parent"] = parents
    if tagged := filters.get("tag"):
        wanted["tags"] = tagged
    if dates := _dates(visit, filters):
        wanted["scheduled_date"] = dates
    return wanted


def _dates(visit: Visit, filters: dict[str, list[str]]) -> dict[str, str]:
    """The instants between which a view is: whole days, or so many back from now."""
    first, last = (day_of(filters.get(name, [""])[0]) for name in ("from", "to"))
    if first or last:
        return visit.moments.within(first or date.min + _YEAR, last or date.max - _YEAR)
    days = filters.get("days", [""])[0]
    return {"after": visit.moments.before(int(days))} if days in words.SPANS else {}


def day_of(text: str) -> date | None:
    """The day that an address says; None where it says none that is."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if date.min + _YEAR <= day <= date.max - _YEAR else None


async def _said(visit: Visit, name: str, values: list[str]) -> str:
    """What a chip says, such as `Kind: Call, Meeting`."""
    if name == "days":
        return words.SPANS.get(values[0], words.ONLY_DAYS)
    if name in words.RANGE:
        day = day_of(values[0])
        return words.RANGE[name].format(day=long_day(day) if day else values[0])
    if name == "kind":
        named = [words.KINDS_BY_NAME.get(one, one) for one in values]
        return f"{words.FILTERS[name]}: {', '.join(named)}"
    named = [words.ME if one == "me" else await named_by_id(visit, one) for one in values]
    return f"{words.FILTERS[name]}: {', '.join(named)}"
