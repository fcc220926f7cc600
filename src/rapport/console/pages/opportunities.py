"""Opportunities: what may be sold, in which stage, and when we were last in touch about it."""

from typing import Any

from starlette.responses import Response

from rapport.console import words
from rapport.console.address import address, chosen, without
from rapport.console.guard import Visit
from rapport.console.names import colleagues, named
from rapport.console.rhythm import Circle, Rhythm, around
from rapport.console.silence import Silence, silence
from rapport.contract import accounts, dev_users, works

_ROWS = 25
_FILTERS = ("owner", "account")


async def show(visit: Visit) -> Response:
    """The page, of the filters that its address has."""
    query = visit.request.query_params
    filters = chosen(query, _FILTERS)
    request = {**_wanted(visit, filters), "sort_by": ["created_date:desc"], "limit": _ROWS}
    found = await visit.ask_here(works.LIST, request)
    more = found.get("next_cursor", "")
    return visit.page(
        "opportunities",
        rows=await _rows(visit, found["works"]),
        chosen=filters,
        chips=await _chips(visit, filters),
        people=await colleagues(visit),
        more=address("/opportunities", filters, cursor=more) if more else "",
    )


def _wanted(visit: Visit, filters: dict[str, list[str]]) -> dict[str, Any]:
    """The filters of `works.list` that a view has."""
    wanted: dict[str, Any] = {}
    if owners := filters.get("owner"):
        wanted["owned_by"] = [visit.caller.user_id if one == "me" else one for one in owners]
    if of := filters.get("account"):
        wanted["opportunity"] = {"account": of}
    return wanted


async def _rows(visit: Visit, found: list[Any]) -> list[tuple[Any, Rhythm, Silence]]:
    """Opportunities with when we were in touch about them."""
    own = [one["id"] for one in found]
    rhythms = await around(visit, Circle({one: one for one in own}), own)
    return [
        (one, rhythm, silence(visit.moments, rhythm))
        for one in found
        for rhythm in [rhythms[one["id"]]]
    ]


async def _chips(visit: Visit, filters: dict[str, list[str]]) -> list[tuple[str, str]]:
    """Every filter that is on: what it says, and the address without it."""
    return [
        (await _said(visit, name, value), address("/opportunities", without(filters, name, value)))
        for name, values in filters.items()
        for value in values
    ]


async def _said(visit: Visit, name: str, value: str) -> str:
    if name == "account":
        said = await named(visit, accounts.GET, "account", value)
    else:
        is_me = value == "me"
        said = words.ME if is_me else await named(visit, dev_users.GET, "dev_user", value)
    return words.SAID[name].format(said)
