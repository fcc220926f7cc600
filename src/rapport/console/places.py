"""The places that the navigation leads to, of which everybody sees those that they may look at."""

from typing import NamedTuple

from rapport.auth.caller import Caller
from rapport.console import words
from rapport.console.api import may
from rapport.contract import engagements, search, works
from rapport.contract.kit.method import Method


class Place(NamedTuple):
    """A page that the navigation leads to.

    Args:
        name: in words.
        path: where it is.
        icon: its picture's name.
        method: what nobody may do who does not see the place; None where everybody sees it.
        is_first: it has a place of its own on a phone, where the rest stand under More.
    """

    name: str
    path: str
    icon: str
    method: Method | None = None
    is_first: bool = False


_PLACES = (
    Place(words.TIMELINE, "/", "timeline", is_first=True),
    Place(words.ACCOUNTS, "/accounts", "accounts", is_first=True),
    Place(words.PEOPLE, "/people", "people", is_first=True),
    Place(words.SEARCH, "/search", "search", search.CORE),
    Place(words.OPPORTUNITIES, "/opportunities", "opportunities", works.LIST),
    Place(words.CALENDAR, "/calendar", "meeting", engagements.LIST),
    Place(words.OVERVIEW, "/overview", "overview", engagements.SUMMARIZE),
    Place(words.TRASH, "/trash", "trash", engagements.RESTORE),
    Place(words.SETTINGS, "/settings", "settings"),
)


def places(caller: Caller) -> list[Place]:
    """Those that somebody sees."""
    return [one for one in _PLACES if one.method is None or may(caller, one.method)]
