"""Profile: what I am called, which zone times are in, whether single keys do something."""

from functools import cache
from zoneinfo import available_timezones

from starlette.responses import Response

from rapport.console import words
from rapport.console.guard import KEYS_COOKIE, OWN_ZONE_COOKIE, Visit
from rapport.console.refusals import Errors, Typed, said_of
from rapport.console.settings import part
from rapport.console.view import keep
from rapport.contract import dev_users
from rapport.contract.kit.errors import ApiError

_FIELDS = {"display_name": "name", "full_name": "full_name"}


async def home(visit: Visit) -> Response:
    """From the settings to the first of their parts."""
    return visit.moved("/settings/profile")


async def show(visit: Visit) -> Response:
    """The page."""
    reader, cookies = visit.reader or {}, visit.request.cookies
    typed = {
        "name": reader.get("display_name", ""),
        "full_name": reader.get("full_name", ""),
        "zone": cookies.get(OWN_ZONE_COOKIE, ""),
        "keys": "" if cookies.get(KEYS_COOKIE) == "off" else "on",
    }
    return _page(visit, typed, {})


async def save(visit: Visit) -> Response:
    """Keep it: the name with the user, the rest in the browser."""
    typed = {name: visit.form.one(name) for name in ("name", "full_name", "zone", "keys")}
    if visit.reader is not None:
        try:
            await visit.ask(dev_users.SELF_UPDATE, _changes(visit, typed))
        except ApiError as error:
            return _page(visit, typed, said_of(error, _FIELDS), status=error.status)
    answer = visit.moved("/settings/profile?done")
    keep(answer, OWN_ZONE_COOKIE, typed["zone"] if typed["zone"] in _zones() else "")
    keep(answer, KEYS_COOKIE, "" if typed["keys"] else "off")
    return answer


def _changes(visit: Visit, typed: Typed) -> dict[str, str]:
    """The names that are not as they were."""
    return {
        name: typed[field]
        for name, field in _FIELDS.items()
        if typed[field] != visit.reader.get(name, "")
    }


def _page(visit: Visit, typed: Typed, errors: Errors, *, status: int = 200) -> Response:
    return part(visit, "profile", status=status, typed=typed, errors=errors, zones=_zones())


@cache
def _zones() -> dict[str, str]:
    names = sorted(available_timezones())
    return {"": words.ZONE_OF_BROWSER, **{one: one.replace("_", " ") for one in names}}
