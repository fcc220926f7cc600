"""Webhooks: which programs are told, of what."""

import secrets
from typing import get_args

from starlette.responses import Response

from rapport.console import words
from rapport.console.address import address
from rapport.console.guard import Visit
from rapport.console.refusals import Errors, Typed, said_of
from rapport.console.settings import part
from rapport.contract import webhooks
from rapport.contract.kit.errors import ApiError

FIELDS = {"url": "url", "event_types": "event"}
_ROWS = 50
_NEW = {"url": ""}
# Types by what they are about; those of objects that there are none of here are left out.
_NAMES: tuple[str, ...] = get_args(get_args(webhooks.EventType)[0])
TYPES = {
    word: [
        (f"{kind}_{verb}", verb)
        for verb in words.VERBS
        if f"{kind}_{verb}" in _NAMES
    ]
    for kind, word in words.OBJECTS.items()
}  # fmt: skip


async def show(visit: Visit) -> Response:
    """The page."""
    return await _page(visit, _NEW, {})


async def make(visit: Visit) -> Response:
    """Make a webhook; its page says whether it is active yet."""
    typed = {"url": visit.form.one("url")}
    request = {**typed, "event_types": visit.form.many("event")}
    try:
        made = await visit.ask(webhooks.CREATE, request, key=visit.form.one("key") or None)
    except ApiError as error:
        return await _page(visit, typed, said_of(error, FIELDS), status=error.status)
    return visit.moved(f"/settings/webhooks/{made['webhook']['display_id']}?done")


async def _page(visit: Visit, typed: Typed, errors: Errors, *, status: int = 200) -> Response:
    found = await visit.ask_here(webhooks.LIST, {"limit": _ROWS})
    more = found.get("next_cursor", "")
    return part(
        visit,
        "webhooks",
        status=status,
        typed=typed,
        errors=errors,
        rows=found["webhooks"],
        more=address("/settings/webhooks", {}, cursor=more) if more else "",
        types=TYPES,
        chosen=visit.form.many("event"),
        may_make=visit.may(webhooks.CREATE),
        key=secrets.token_urlsafe(16),
    )
