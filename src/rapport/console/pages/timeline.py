"""Timeline: every touch by its date, what is coming apart and on top."""

from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from rapport.console import words
from rapport.console.guard import Visit
from rapport.contract import accounts, dev_users, engagements, rev_users, tags
from rapport.contract.kit.errors import NotFound
from rapport.contract.kit.method import Method

_ROWS = 40
_COMING = 5
_EXPAND = ["members", "parents", "tags"]
# What a view's address may say; a form and its chips have them in this order.
_FILTERS = ("kind", "person", "account", "tag", "days")


async def show(visit: Visit) -> Response:
    """The page, of the filters and from the cursor that its address has."""
    query = visit.request.query_params
    chosen = {name: query.getlist(name) for name in _FILTERS if any(query.getlist(name))}
    wanted = _wanted(visit, chosen)
    now = visit.moments.at_present().machine
    past = await _engagements(
        visit,
        {**wanted, "scheduled_date": {**wanted.get("scheduled_date", {}), "before": now}},
        order="scheduled_date:desc",
        limit=_ROWS,
        cursor=query.get("cursor", ""),
    )
    coming: list[Any] = []
    if not query.get("cursor"):
        ahead = {**wanted, "scheduled_date": {"after": now}}
        found = await _engagements(visit, ahead, order="scheduled_date:asc", limit=_COMING)
        coming = found["engagements"]
    moments = visit.moments
    rows = [(moments.of(one["scheduled_date"]), one) for one in past["engagements"]]
    return visit.page(
        "timeline",
        days=list(moments.by_day(rows)),
        coming=[(moments.of(one["scheduled_date"]), one) for one in coming],
        chips=await _chips(visit, chosen),
        chosen=chosen,
        people=await _colleagues(visit),
        tags=await _tags(visit),
        more=_address(chosen, past["next_cursor"]) if past.get("next_cursor") else "",
        is_first=not query.get("cursor"),
        deleted=query.get("deleted", ""),
    )


def _wanted(visit: Visit, chosen: dict[str, list[str]]) -> dict[str, Any]:
    """The filters of `engagements.list` that a view has."""
    wanted: dict[str, Any] = {}
    if kinds := [kind for kind in chosen.get("kind", []) if kind in words.KINDS]:
        wanted["type"] = kinds
    if people := chosen.get("person"):
        wanted["members"] = [visit.caller.user_id if one == "me" else one for one in people]
    if parents := chosen.get("account"):
        wanted["parent"] = parents
    if tagged := chosen.get("tag"):
        wanted["tags"] = tagged
    days = chosen.get("days", [""])[0]
    if days in words.SPANS:
        wanted["scheduled_date"] = {"after": visit.moments.before(int(days))}
    return wanted


async def _engagements(
    visit: Visit, wanted: dict[str, Any], *, order: str, limit: int, cursor: str = ""
) -> Any:
    request = {**wanted, "sort_by": [order], "limit": limit, "expand": _EXPAND}
    if cursor:
        request["cursor"] = cursor
    return await visit.ask(engagements.LIST, request)


async def _chips(visit: Visit, chosen: dict[str, list[str]]) -> list[tuple[str, str]]:
    """Every filter that is on: what it says, and the address without it."""
    chips = []
    for name, values in chosen.items():
        for value in values:
            kept = {
                other: [one for one in ones if (other, one) != (name, value)]
                for other, ones in chosen.items()
            }
            chips.append((await _said(visit, name, value), _address(kept)))
    return chips


async def _said(visit: Visit, name: str, value: str) -> str:
    if name == "kind":
        return f"Kind: {words.KINDS_BY_NAME.get(value, value)}"
    if name == "days":
        return words.SPANS.get(value, words.ONLY_DAYS)
    if name == "person":
        return "Person: me" if value == "me" else f"Person: {await _person(visit, value)}"
    if name == "account":
        return f"Account: {await _named(visit, accounts.GET, 'account', value)}"
    return f"Tag: {await _named(visit, tags.GET, 'tag', value)}"


async def _person(visit: Visit, value: str) -> str:
    if value.startswith("DEVU-"):
        return await _named(visit, dev_users.GET, "dev_user", value)
    return await _named(visit, rev_users.GET, "rev_user", value)


async def _named(visit: Visit, method: Method, field: str, value: str) -> str:
    """What an object is called; its id where it can't be looked at."""
    if not visit.may(method):
        return value
    try:
        found = (await visit.ask(method, {"id": value}))[field]
    except NotFound:
        return value
    return str(found.get("display_name") or found.get("full_name") or found.get("name") or value)


async def _colleagues(visit: Visit) -> list[Any]:
    if not visit.may(dev_users.LIST):
        return []
    found = await visit.ask(dev_users.LIST, {"limit": 100, "state": ["active"]})
    return list(found["dev_users"])


async def _tags(visit: Visit) -> list[Any]:
    return (await visit.ask(tags.LIST, {"limit": 100}))["tags"] if visit.may(tags.LIST) else []


def _address(chosen: dict[str, list[str]], cursor: str = "") -> str:
    pairs = [(name, value) for name, values in chosen.items() for value in values]
    query = urlencode([*pairs, ("cursor", cursor)] if cursor else pairs)
    return f"/?{query}" if query else "/"
