"""What things are called that an address names by their ids, and what there is to choose from."""

from typing import Any

from rapport.console.guard import Visit
from rapport.console.people import called
from rapport.contract import dev_users, rev_orgs, tags
from rapport.contract.kit.errors import NotFound
from rapport.contract.kit.method import Method

_MOST = 100


async def named(visit: Visit, method: Method, field: str, id_: str) -> str:
    """What an object is called; its id where it can't be looked at."""
    if not visit.may(method):
        return id_
    try:
        found = (await visit.ask(method, {"id": id_}))[field]
    except NotFound:
        return id_
    return str(found.get("name") or called(found))


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
