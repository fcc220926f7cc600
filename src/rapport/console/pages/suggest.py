"""What a field offers while one types: people, accounts, or everything that there is a way to."""

import asyncio
from typing import Any, NamedTuple

from starlette.responses import Response

from rapport.console import words
from rapport.console.address import address
from rapport.console.guard import Visit
from rapport.console.people import suggested
from rapport.console.places import places
from rapport.console.settings import parts
from rapport.contract import rev_users, search
from rapport.contract.engagements import CREATE
from rapport.contract.kit.errors import NotFound

_MOST = 8
# Where each kind of suggestion has its page, before its id.
_WAYS = {
    "account": "/accounts/",
    "dev_user": "/people/",
    "engagement": "/engagements/",
    "meeting": "/meetings/",
    "opportunity": "/opportunities/",
    "rev_user": "/people/",
    "tag": "/?tag=",
}


class Option(NamedTuple):
    """One that may be meant, and what the field says once it is chosen, or the way it leads."""

    value: str
    name: str
    detail: str
    account: str = ""
    way: str = ""


async def people(visit: Visit) -> Response:
    """Those whose name or address begins so."""
    found = await suggested(visit, _asked(visit), ["dev_user", "rev_user"], _MOST)
    return _page(visit, await asyncio.gather(*(_person(visit, one) for one in found)))


async def accounts(visit: Visit) -> Response:
    """Accounts whose name or domain begins so."""
    found = await suggested(visit, _asked(visit), ["account"], _MOST)
    return _page(
        visit, [Option(one["display_id"], one["name"], one.get("detail", "")) for one in found]
    )


async def everything(visit: Visit) -> Response:
    """Places, deeds, and what is called so; the last one searches."""
    asked = _asked(visit)
    found = await suggested(visit, asked, list(_WAYS), _MOST)
    ours = [one for one in _ours(visit) if _begins(one.name, asked)]
    if asked and visit.may(search.CORE):
        way = address("/search", {}, q=asked)
        ours_last = [Option(asked, words.SEARCH_FOR.format(text=asked), words.SEARCH, way=way)]
    else:
        ours_last = []
    return _page(visit, [*ours[:4], *map(_way, found), *ours_last])


def _ours(visit: Visit) -> list[Option]:
    """What one can do and where one can go."""
    go = [Option(one.name, one.name, words.PLACE, way=one.path) for one in places(visit.caller)]
    go += [Option(one.name, one.name, words.SETTINGS, way=one.path) for one in parts(visit)]
    deed = [Option(words.LOG, words.LOG, words.DEED, way="/log")] if visit.may(CREATE) else []
    return [*deed, *go]


def _asked(visit: Visit) -> str:
    return visit.request.query_params.get("q", "").strip()


def _page(visit: Visit, options: list[Option]) -> Response:
    return visit.page("options", options=options)


def _way(one: Any) -> Option:
    detail = " · ".join(filter(None, (words.SUGGESTED[one["type"]], one.get("detail"))))
    way = f"{_WAYS[one['type']]}{one['display_id']}"
    return Option(one["name"], one["name"], detail, way=way)


async def _person(visit: Visit, one: Any) -> Option:
    """A person by their address where they have one; a contact with their account."""
    email = detail if "@" in (detail := one.get("detail", "")) else ""
    account = await _account_of(visit, one) if one["type"] == "rev_user" else ""
    said = " · ".join(filter(None, (detail, account)))
    return Option(email or one["display_id"], one["name"], said, account)


async def _account_of(visit: Visit, one: Any) -> str:
    if not visit.may(rev_users.GET):
        return ""
    try:
        found = (await visit.ask(rev_users.GET, {"id": one["id"]}))["rev_user"]
    except NotFound:
        return ""
    return str(found.get("rev_org", {}).get("display_name", ""))


def _begins(name: str, asked: str) -> bool:
    """Whether each word that was typed begins one of a name's."""
    begun = asked.casefold().split()
    return bool(begun) and all(f" {part}" in f" {name.casefold()}" for part in begun)
