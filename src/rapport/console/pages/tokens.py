"""Tokens: one's own, what each may, until when; a new one is shown once."""

from starlette.responses import Response

from rapport.console import words
from rapport.console.guard import Visit
from rapport.console.refusals import Errors, Typed, said_of
from rapport.console.settings import part
from rapport.contract import auth_tokens
from rapport.contract.kit import ids
from rapport.contract.kit.errors import ApiError

_FIELDS = {"token_hint": "hint", "scope": "scopes", "expires_in": "days"}
_NEW = {"hint": "", "scopes": "", "days": "90"}


async def show(visit: Visit) -> Response:
    """The page."""
    return await _page(visit, _NEW, {})


async def make(visit: Visit) -> Response:
    """Make a token; this answer alone has it."""
    typed = {name: visit.form.one(name) for name in _NEW}
    if not typed["days"].isdecimal():
        return await _page(visit, typed, {"days": words.NO_NUMBER}, status=400)
    request = {"token_hint": typed["hint"], "expires_in": int(typed["days"])}
    if typed["scopes"]:
        request["scope"] = typed["scopes"]
    try:
        made = await visit.ask(auth_tokens.CREATE, request)
    except ApiError as error:
        return await _page(visit, typed, said_of(error, _FIELDS), status=error.status)
    return await _page(visit, _NEW, {}, made=made["access_token"])


async def revoke(visit: Visit) -> Response:
    """Revoke a token; the session that it opened ends with it."""
    await visit.ask(auth_tokens.DELETE, {"token_id": visit.form.one("token")})
    return visit.moved("/settings/tokens?done")


async def back(visit: Visit) -> Response:
    """To the page, from the address of a deed."""
    return visit.moved("/settings/tokens")


async def _page(
    visit: Visit, typed: Typed, errors: Errors, *, status: int = 200, made: str = ""
) -> Response:
    of, own = visit.moments.of, visit.caller.token
    found = await visit.ask(auth_tokens.LIST, {})
    return part(
        visit,
        "tokens",
        status=status,
        is_secret=bool(made),
        typed=typed,
        errors=errors,
        made=made,
        rows=[
            (
                one,
                of(one["issued_at"]),
                of(one["expires_at"]),
                own is not None and one["display_id"] == ids.AUTH_TOKEN.display_id(own),
            )
            for one in found["tokens"]
        ],
        may_make=visit.may(auth_tokens.CREATE),
        may_revoke=visit.may(auth_tokens.DELETE),
    )
