"""Tags, and the values that each may have."""

import secrets

from starlette.responses import Response

from rapport.console.address import address
from rapport.console.guard import Visit
from rapport.console.refusals import Errors, Typed, said_of
from rapport.console.settings import part
from rapport.contract import tags
from rapport.contract.kit.errors import ApiError

FIELDS = {"name": "name", "description": "description", "allowed_values": "values"}
_ROWS = 100
_NEW = dict.fromkeys(FIELDS.values(), "")


async def show(visit: Visit) -> Response:
    """The page."""
    return await _page(visit, _NEW, {})


async def make(visit: Visit) -> Response:
    """Make a tag."""
    typed = {name: visit.form.one(name) for name in _NEW}
    request = {"name": typed["name"], "allowed_values": values_of(typed)}
    if typed["description"]:
        request["description"] = typed["description"]
    try:
        await visit.ask(tags.CREATE, request, key=visit.form.one("key") or None)
    except ApiError as error:
        return await _page(visit, typed, said_of(error, FIELDS), status=error.status)
    return visit.moved("/settings/tags?done")


def values_of(typed: Typed) -> list[str]:
    """The allowed values that were typed, one a line."""
    return [one.strip() for one in typed["values"].splitlines() if one.strip()]


async def _page(visit: Visit, typed: Typed, errors: Errors, *, status: int = 200) -> Response:
    found = await visit.ask_here(tags.LIST, {"limit": _ROWS})
    more = found.get("next_cursor", "")
    return part(
        visit,
        "tags",
        status=status,
        typed=typed,
        errors=errors,
        rows=found["tags"],
        more=address("/settings/tags", {}, cursor=more) if more else "",
        may_make=visit.may(tags.CREATE),
        may_change=visit.may(tags.UPDATE),
        key=secrets.token_urlsafe(16),
    )
