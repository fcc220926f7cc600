"""Accounts: whom have we neglected?"""

from typing import Any

from starlette.responses import Response

from rapport.console import words
from rapport.console.address import address, chosen, without
from rapport.console.guard import Visit
from rapport.console.names import colleagues, known_tags, named
from rapport.console.rhythm import Day, Rhythm
from rapport.console.silence import Silence, quiet_days, silence
from rapport.console.touches import FAMILIES
from rapport.contract import accounts, dev_users, tags

Row = tuple[Any, Rhythm, Silence]
_ROWS = 25
_FILTERS = ("owner", "tier", "tag")
# How the API sorts for each order.
_ORDERS = {
    "touch": "last_engagement:asc",
    "name": "display_name:asc",
    "new": "created_date:desc",
}


async def show(visit: Visit) -> Response:
    """The page, of the filters and in the order that its address has."""
    query = visit.request.query_params
    orders = _orders(visit)
    filters = chosen(query, _FILTERS)
    wanted = query.get("sort", "")
    sort = wanted if wanted in orders else next(iter(orders))
    request = {**_wanted(visit, filters), "sort_by": [orders[sort]], "limit": _ROWS}
    found = await visit.ask_here(accounts.LIST, request)
    more = found.get("next_cursor", "")
    return visit.page(
        "accounts",
        rows=[_row(visit, one) for one in found["accounts"]],
        sort=sort,
        orders={one: address("/accounts", filters, sort=one) for one in orders},
        chosen=filters,
        chips=await _chips(visit, filters, sort),
        people=await colleagues(visit),
        tags=await known_tags(visit),
        tiers=sorted({one["tier"] for one in found["accounts"] if "tier" in one}),
        more=address("/accounts", filters, sort=sort, cursor=more) if more else "",
    )


def _orders(visit: Visit) -> dict[str, str]:
    """Those that a reader may ask for: touches are for who may read them."""
    if all(visit.may(family.list) for family in FAMILIES):
        return _ORDERS
    return {name: order for name, order in _ORDERS.items() if name != "touch"}


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


def _row(visit: Visit, account: Any) -> Row:
    """An account with when it was in touch, and will be."""
    last, next_ = (
        Day(account[field]) if field in account else None
        for field in ("last_engagement", "next_engagement")
    )
    recent = account.get("engagements_last_30_days", 0)
    rhythm = Rhythm(last, next_, recent, has_more=False)
    return account, rhythm, silence(visit.moments, rhythm, quiet_days(account.get("tier")))


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
