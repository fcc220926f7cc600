"""What things are called that an address names by their ids, and what there is to choose from."""

from typing import Any

from rapport.console.guard import Visit
from rapport.console.people import called
from rapport.contract import accounts, dev_users, rev_orgs, rev_users, tags, works
from rapport.contract.kit import ids
from rapport.contract.kit.errors import InvalidId, NotFound
from rapport.contract.kit.method import Method

_MOST = 100
# How an object is asked for what it is called, by the first letters of its id.
_BY_LETTERS: dict[str, tuple[Method, str]] = {
    "DEVU": (dev_users.GET, "dev_user"),
    "REVU": (rev_users.GET, "rev_user"),
    "ACC": (accounts.GET, "account"),
    "OPP": (works.GET, "work"),
    "TAG": (tags.GET, "tag"),
}


async def named(visit: Visit, method: Method, field: str, id_: str) -> str:
    """What an object is called; its id where it can't be looked at."""
    if not visit.may(method):
        return id_
    try:
        found = (await visit.ask(method, {"id": id_}))[field]
    except (NotFound, InvalidId):
        return id_
    return str(found.get("name") or found.get("title") or called(found))


async def named_by_id(visit: Visit, id_: str) -> str:
    """The same for a display id of any kind that views are narrowed by."""
    method, field = _BY_LETTERS.get(id_.partition("-")[0].upper(), (None, ""))
    return id_ if method is None else await named(visit, method, field, id_)


def short_id(id_: str) -> str:
    """The display id of a long one; its last part where it is of a kind that has none."""
    try:
        return ids.Id.parse(id_).display_id
    except ValueError:
        return id_.rpartition("/")[2]


async def colleagues(visit: Visit) -> list[Any]:
    """Active dev users to choose from."""
    if not visit.may(dev_users.LIST):
        return []
    found = await visit.ask(dev_users.LIST, {"limit": _MOST, "state": ["active"]})
    return list(found["dev_users"])


async def known_tags(visit: Visit) -> list[Any]:
    """Tags to choose from."""
    return (await visit.ask(tags.LIST, {"limit": _MOST}))["tags"] if visit.may(tags.LIST) else []


async def account_of(visit: Visit, rev_org: str) -> Any:
    """The account of a rev org, as a summary; None where it can't be looked at."""
    if not visit.may(rev_orgs.GET):
        return None
    return (await visit.ask(rev_orgs.GET, {"id": rev_org}))["rev_org"].get("account")
