"""Timeline: every touch by its date, what is coming apart and on top."""

import re
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from rapport.console import words
from rapport.console.guard import Visit
from rapport.console.people import CannotTell, called, find_account
from rapport.console.touches import list_page
from rapport.contract import accounts, dev_users, rev_users, tags, works
from rapport.contract.kit.errors import InvalidId, NotFound
from rapport.contract.kit.method import Method

_ROWS = 40
_COMING = 6
# What a view's address may say; a form and its chips have them in this order.
_FILTERS = ("kind", "person", "account", "tag", "days")
_DELETED = re.compile(r"ENGAGEMENT-[0-9]+|MEETING-[0-9]+")
# How an object is asked for what it is called, by the first letters of its id.
_NAMED: dict[str, tuple[Method, str]] = {
    "DEVU": (dev_users.GET, "dev_user"),
    "REVU": (rev_users.GET, "rev_user"),
    "ACC": (accounts.GET, "account"),
    "OPP": (works.GET, "work"),
    "TAG": (tags.GET, "tag"),
}

Chosen = dict[str, list[str]]


async def show(visit: Visit) -> Response:
    """The page, of the filters and from the cursor that its address has."""
    query = visit.request.query_params
    chosen = {
        name: [one for one in query.getlist(name) if one]
        for name in _FILTERS
        if any(query.getlist(name))
    }
    problem = await _resolve_account(visit, chosen)
    wanted, now = _wanted(visit, chosen), visit.moments.at_present().machine
    dates = wanted.pop("scheduled_date", {})
    cursor = query.get("cursor", "")
    past = await list_page(
        visit,
        {**wanted, "scheduled_date": {**dates, "before": now}},
        newest_first=True,
        limit=_ROWS,
        cursor=cursor,
    )
    ahead = {**wanted, "scheduled_date": {"after": now}}
    coming = (
        [] if cursor else (await list_page(visit, ahead, newest_first=False, limit=_COMING)).touches
    )
    of = visit.moments.of
    return visit.page(
        "timeline",
        days=list(visit.moments.by_day((of(one.date), one) for one in past.touches)),
        coming=[(of(one.date), one) for one in coming],
        chips=[
            (await _said(visit, name, values), _address({**chosen, name: []}))
            for name, values in chosen.items()
        ],
        chosen=chosen,
        problem=problem,
        people=await _colleagues(visit),
        tags=await _tags(visit),
        more=_address(chosen, past.cursor) if past.cursor else "",
        deleted=_deleted(query.get("deleted", "")),
        saved="saved" in query,
    )


async def _resolve_account(visit: Visit, chosen: Chosen) -> str:
    """Put ids for accounts that were typed by name; what can't be told is said and left out."""
    try:
        found = [
            one for text in chosen.get("account", []) for one in await find_account(visit, text)
        ]
    except CannotTell as error:
        del chosen["account"]
        return str(error)
    if found:
        chosen["account"] = found
    return ""


def _deleted(text: str) -> str:
    """The path of what was deleted just now and can be restored, if the address says a sane one."""
    if not _DELETED.fullmatch(text):
        return ""
    return f"/engagements/{text}" if text.startswith("E") else f"/meetings/{text}"


def _wanted(visit: Visit, chosen: Chosen) -> dict[str, Any]:
    """The filters that a view has, as the lists take them."""
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


async def _said(visit: Visit, name: str, values: list[str]) -> str:
    """What a chip says, such as `Kind: Call, Meeting`."""
    if name == "days":
        return words.SPANS.get(values[0], words.ONLY_DAYS)
    if name == "kind":
        named = [words.KINDS_BY_NAME.get(one, one) for one in values]
        return f"{words.FILTERS[name]}: {', '.join(named)}"
    named = [words.ME if one == "me" else await _named(visit, one) for one in values]
    return f"{words.FILTERS[name]}: {', '.join(named)}"


async def _named(visit: Visit, value: str) -> str:
    """What an object is called; its id where it can't be looked at."""
    method, field = _NAMED.get(value.partition("-")[0].upper(), (None, ""))
    if method is None or not visit.may(method):
        return value
    try:
        found = (await visit.ask(method, {"id": value}))[field]
    except (NotFound, InvalidId):
        return value
    return str(found.get("name") or found.get("title") or called(found))


async def _colleagues(visit: Visit) -> list[Any]:
    if not visit.may(dev_users.LIST):
        return []
    found = await visit.ask(dev_users.LIST, {"limit": 100, "state": ["active"]})
    return list(found["dev_users"])


async def _tags(visit: Visit) -> list[Any]:
    if not visit.may(tags.LIST):
        return []
    return list((await visit.ask(tags.LIST, {"limit": 100}))["tags"])


def _address(chosen: Chosen, cursor: str = "") -> str:
    pairs = [(name, value) for name, values in chosen.items() for value in values]
    query = urlencode([*pairs, ("cursor", cursor)] if cursor else pairs)
    return f"/?{query}" if query else "/"
