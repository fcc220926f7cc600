"""One person, of a customer's or of the team: when we were in touch, and about what."""

from typing import Any

from starlette.responses import Response

from rapport.console.address import address
from rapport.console.guard import Visit
from rapport.console.names import account_of
from rapport.console.rhythm import Circle
from rapport.console.silence import silence
from rapport.console.story import story_of
from rapport.contract import dev_users, rev_users
from rapport.contract.kit import ids

_ROWS = 20


async def show(visit: Visit) -> Response:
    """The page."""
    person = await _find(visit, visit.request.path_params["id"])
    circle = Circle(members={person["id"]: person["id"]})
    story = await story_of(visit, circle, person["id"], _ROWS)
    account = await account_of(visit, person["rev_org"]["id"]) if "rev_org" in person else None
    return visit.page(
        "person",
        person=person,
        account=account,
        story=story,
        silence=silence(visit.moments, story.rhythm),
        log=_log(person, account),
        more=address("/", {"person": [person["display_id"]]}),
    )


async def _find(visit: Visit, id_: str) -> Any:
    if _is_colleague(id_):
        return (await visit.ask(dev_users.GET, {"id": id_}))["dev_user"]
    return (await visit.ask(rev_users.GET, {"id": id_}))["rev_user"]


def _is_colleague(id_: str) -> bool:
    try:
        return ids.UserId.parse(id_).kind is ids.DEV_USER
    except ValueError:
        return False


def _log(person: Any, account: Any) -> str:
    """The way to the form, filled with the person and the account."""
    who = person.get("email") or person["display_id"]
    of = {"account": [account["display_id"]]} if account else {}
    return address("/log", {"who": [who], **of})
