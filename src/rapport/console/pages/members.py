"""People and roles: who is in the org, what each may do; a new one gets a link to hand over."""

import secrets
from typing import Any

from starlette.responses import Response

from rapport.console.address import address
from rapport.console.guard import Visit
from rapport.console.refusals import Errors, Typed, said_of
from rapport.console.settings import part
from rapport.contract import auth_tokens, dev_users
from rapport.contract.kit.errors import ApiError

_ROWS = 50
_FIELDS = {"email": "email", "full_name": "full_name", "role": "role"}
_NEW = {"email": "", "full_name": "", "role": "member"}


async def show(visit: Visit) -> Response:
    """The page."""
    return await _page(visit, _NEW, {})


async def add(visit: Visit) -> Response:
    """Add somebody, let them in, and show the link that they sign in with."""
    typed = {name: visit.form.one(name) for name in _NEW}
    request = {name: text for name, text in typed.items() if text}
    key = visit.form.one("key")
    try:
        made = await visit.ask(dev_users.CREATE, {**request, "state": "shadow"}, key=key or None)
        await visit.ask(dev_users.ACTIVATE, {"id": made["dev_user"]["id"]})
    except ApiError as error:
        return await _page(visit, typed, said_of(error, _FIELDS), status=error.status)
    return await _page(visit, _NEW, {}, invited=made["dev_user"])


def may_invite(visit: Visit) -> bool:
    """Whether they may sign others in: an admin without bounds, since a session by a link has all
    the rights of its user.
    """
    return visit.caller.role == "admin" and not visit.caller.scope and visit.may(auth_tokens.CREATE)


async def _page(
    visit: Visit, typed: Typed, errors: Errors, *, status: int = 200, invited: Any = None
) -> Response:
    request = {"limit": _ROWS, "sort_by": ["created_date:asc"]}
    found = await visit.ask_here(dev_users.LIST, request)
    more = found.get("next_cursor", "")
    link = await visit.link_for(invited["display_id"]) if invited and may_invite(visit) else ""
    return part(
        visit,
        "members",
        status=status,
        is_secret=bool(link),
        typed=typed,
        errors=errors,
        rows=found["dev_users"],
        more=address("/settings/people", {}, cursor=more) if more else "",
        may_add=visit.may(dev_users.CREATE),
        may_change=visit.may(dev_users.UPDATE),
        key=secrets.token_urlsafe(16),
        link=link,
        invited=invited,
    )
