"""The parts of the settings, of which everybody sees those that they may look at."""

from typing import Any, NamedTuple

from starlette.responses import Response

from rapport.console import words
from rapport.console.guard import Visit
from rapport.contract import auth_tokens, dev_orgs, dev_users, tags, webhooks
from rapport.contract.kit.method import Method


class Part(NamedTuple):
    """A part; `method` is what nobody may do who does not see it."""

    name: str
    path: str
    method: Method | None = None


_PARTS = (
    Part(words.PROFILE, "/settings/profile"),
    Part(words.TOKENS, "/settings/tokens", auth_tokens.LIST),
    Part(words.WEBHOOKS, "/settings/webhooks", webhooks.LIST),
    Part(words.MEMBERS, "/settings/people", dev_users.LIST),
    Part(words.TAGS, "/settings/tags", tags.LIST),
    Part(words.ORGANISATION, "/settings/organisation", dev_orgs.GET),
    Part(words.HEALTH, "/settings/health"),
)


def parts(visit: Visit) -> list[Part]:
    """Those that somebody sees."""
    return [one for one in _PARTS if one.method is None or visit.may(one.method)]


def part(visit: Visit, name: str, **shown: Any) -> Response:
    """A page of the settings, beside the way to the other parts."""
    notice = words.SAVED if "done" in visit.request.query_params else ""
    return visit.page(name, **{"parts": parts(visit), "notice": notice, "errors": {}, **shown})
