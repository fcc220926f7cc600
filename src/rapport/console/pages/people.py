"""People: everyone outside whom we know, or everyone on the team, with when we were in touch."""

import asyncio
from typing import Any

from starlette.responses import Response

from rapport.console import words
from rapport.console.address import address, chosen, without
from rapport.console.guard import Visit
from rapport.console.names import account_of, known_tags, named
from rapport.console.rhythm import Rhythm, of_people
from rapport.console.silence import Silence, silence
from rapport.contract import accounts, dev_users, rev_users, tags

_ROWS = 25
_FILTERS = ("account", "tag")
_METHODS = {"contacts": (rev_users.LIST, "rev_users"), "team": (dev_users.LIST, "dev_users")}


async def show(visit: Visit) -> Response:
    """The page, of the filters that its address has; the team has none."""
    query = visit.request.query_params
    who = "team" if query.get("who") == "team" else "contacts"
    filters = {} if who == "team" else chosen(query, _FILTERS)
    method, field = _METHODS[who]
    request = {**_wanted(filters), "sort_by": ["created_date:desc"], "limit": _ROWS}
    found = await visit.ask_here(method, request)
    more = found.get("next_cursor", "")
    return visit.page(
        "people",
        rows=await _rows(visit, found[field]),
        who=who,
        chosen=filters,
        chips=await _chips(visit, filters),
        tags=[] if who == "team" else await known_tags(visit),
        more=address("/people", filters, who=query.get("who", ""), cursor=more) if more else "",
    )


def _wanted(filters: dict[str, list[str]]) -> dict[str, Any]:
    """The filters of `rev-users.list` that a view has."""
    names = {"account": "associations", "tag": "tags"}
    return {names[name]: values for name, values in filters.items()}


async def _rows(visit: Visit, found: list[Any]) -> list[tuple[Any, Any, Rhythm, Silence]]:
    """People, each with the account and with when they were in touch."""
    rhythms = await of_people(visit, [one["id"] for one in found])
    orgs = {one["rev_org"]["id"] for one in found if "rev_org" in one}
    answers = await asyncio.gather(*(account_of(visit, org) for org in orgs))
    by_org = dict(zip(orgs, answers, strict=True))
    return [
        (one, by_org.get(one.get("rev_org", {}).get("id")), rhythm, silence(visit.moments, rhythm))
        for one in found
        for rhythm in [rhythms[one["id"]]]
    ]


async def _chips(visit: Visit, filters: dict[str, list[str]]) -> list[tuple[str, str]]:
    """Every filter that is on: what it says, and the address without it."""
    return [
        (await _said(visit, name, value), address("/people", without(filters, name, value)))
        for name, values in filters.items()
        for value in values
    ]


async def _said(visit: Visit, name: str, value: str) -> str:
    if name == "tag":
        return words.SAID["tag"].format(await named(visit, tags.GET, "tag", value))
    return words.SAID["account"].format(await named(visit, accounts.GET, "account", value))
