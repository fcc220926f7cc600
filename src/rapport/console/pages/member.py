"""One of the team, as an admin sees them: name, role, in or out, a link to sign in."""

from typing import Any

from starlette.responses import Response

from rapport.console.guard import Visit
from rapport.console.pages.members import may_invite
from rapport.console.refusals import Errors, Typed, said_of
from rapport.console.settings import part
from rapport.contract import dev_users
from rapport.contract.kit.errors import ApiError, Forbidden
from rapport.contract.kit.method import Method

_FIELDS = {"full_name": "full_name", "email": "email", "role": "role"}


async def show(visit: Visit) -> Response:
    """The page."""
    visit.need(dev_users.UPDATE)
    found = await _find(visit)
    return _page(visit, found, _typed(found), {})


async def save(visit: Visit) -> Response:
    """Save what was changed."""
    found = await _find(visit)
    typed, before = {name: visit.form.one(name) for name in _FIELDS}, _typed(found)
    changes = {name: text for name, text in typed.items() if text != before[name]}
    try:
        await visit.ask(dev_users.UPDATE, {"id": found["id"], **changes})
    except ApiError as error:
        return _page(visit, found, typed, said_of(error, _FIELDS), status=error.status)
    return visit.moved(f"{_way(visit)}?done")


async def activate(visit: Visit) -> Response:
    """Let them in."""
    return await _do(visit, dev_users.ACTIVATE)


async def deactivate(visit: Visit) -> Response:
    """Keep them out; their sessions end."""
    return await _do(visit, dev_users.DEACTIVATE)


async def invite(visit: Visit) -> Response:
    """Show a new link that signs them in once.

    Raises:
        Forbidden: who asks may not act for others.
    """
    found = await _find(visit)
    if not may_invite(visit):
        raise Forbidden("This takes an admin without bounds.", detail="Ask one for a link.")
    link = await visit.link_for(found["display_id"])
    return _page(visit, found, _typed(found), {}, link=link)


async def back(visit: Visit) -> Response:
    """To the page, from the address of a deed."""
    return visit.moved(_way(visit))


async def _do(visit: Visit, method: Method) -> Response:
    found = await _find(visit)
    try:
        await visit.ask(method, {"id": found["id"]})
    except ApiError as error:
        return _page(visit, found, _typed(found), said_of(error, _FIELDS), status=error.status)
    return visit.moved(f"{_way(visit)}?done")


async def _find(visit: Visit) -> Any:
    return (await visit.ask(dev_users.GET, {"id": visit.request.path_params["id"]}))["dev_user"]


def _typed(found: Any) -> Typed:
    return {name: found.get(name, "") for name in _FIELDS}


def _way(visit: Visit) -> str:
    return f"/settings/people/{visit.request.path_params['id']}"


def _page(
    visit: Visit, found: Any, typed: Typed, errors: Errors, *, status: int = 200, link: str = ""
) -> Response:
    return part(
        visit,
        "member",
        status=status,
        is_secret=bool(link),
        member=found,
        typed=typed,
        errors=errors,
        link=link,
        may_invite=may_invite(visit),
    )
