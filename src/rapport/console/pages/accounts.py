"""Accounts: whom have we neglected?"""

from typing import Any

from starlette.responses import Response

from rapport.console import words
from rapport.console.address import address, chosen, without
from rapport.console.guard import Visit
from rapport.console.names import colleagues, known_tags, named
from rapport.console.rhythm import Rhythm, of_accounts
from rapport.console.silence import Silence, quiet_days, silence
from rapport.contract import accounts, dev_users, tags

Row = tuple[Any, Rhythm, Silence]
_ROWS = 25
_FILTERS = ("owner", "tier", "tag")
# How the API sorts for each order; by touch, the rows of a page are sorted here.
_ORDERS = {
    "touch": "created_date:asc",
    "name": "display_name:asc",
    "new": "created_date:desc",
}


async def show(visit: Visit) -> Response:
    """The page, of the filters and in the order that its address has."""
    query = visit.request.query_params
    filters, sort, cursor = chosen(query, _FILTERS), _sort(query.get("sort")), query.get("cursor")
    request = {**_wanted(visit, filters), "sort_by": [_ORDERS[sort]], "limit": _ROWS}
    found = await visit.ask(accounts.LIST, {**request, "cursor": cursor} if cursor else request)
    rows = await _rows(visit, found["accounts"])
    more = found.get("next_cursor", "")
    return visit.page(
        "accounts",
        rows=sorted(rows, key=_longest_first) if sort == "touch" else rows,
        is_part=bool(more or cursor),
        sort=sort,
        orders={one: address("/accounts", filters, sort=one) for one in _ORDERS},
        chosen=filters,
        chips=await _chips(visit, filters, sort),
        people=await colleagues(visit),
        tags=await known_tags(visit),
        tiers=sorted({one["tier"] for one in found["accounts"] if "tier" in one}),
        more=address("/accounts", filters, sort=sort, cursor=more) if more else "",
    )


def _sort(text: str | None) -> str:
    return text if text in _ORDERS else "touch"


def _wanted(visit: Visit, filters: dict[str, list[str]]) -> dict[str, Any]:
    """The filters of `accounts.list` that a view has."""
    wanted: dict[str, Any] = {}
    if owners := filters.get("owner"):
        wanted["owned_by"] = [visit.caller.user_id if one == "me" else one for one in owners]
    if tiers := filters.get("tier"):
        wanted["tier"] = tiers
    if tagged := filters.get("tag"):
        wanted["tags"] = tagged
    return wanted


async def _rows(visit: Visit, found: list[Any]) -> list[Row]:
    """Accounts with when they were in touch."""
    rhythms = await of_accounts(visit, [one["id"] for one in found])
    return [
        (one, rhythm, silence(visit.moments, rhythm, quiet_days(one.get("tier"))))
        for one in found
        for rhythm in [rhythms[one["id"]]]
    ]


def _longest_first(row: Row) -> str:
    last = row[1].last
    return last.date if last else ""


async def _chips(visit: Visit, filters: dict[str, list[str]], sort: str) -> list[tuple[str, str]]:
    """Every filter that is on: what it says, and the address without it."""
    return [
        (
            await _said(visit, name, value),
            address("/accounts", without(filters, name, value), sort=sort),
        )
        for name, values in filters.items()
        for value in values
    ]


async def _said(visit: Visit, name: str, value: str) -> str:
    if name == "tier":
        return words.SAID["tier"].format(value)
    if name == "tag":
        return words.SAID["tag"].format(await named(visit, tags.GET, "tag", value))
    is_me = value == "me"
    who = words.ME if is_me else await named(visit, dev_users.GET, "dev_user", value)
    return words.SAID["owner"].format(who)
