"""How many touches there were, by week, kind or person: from what the API sums up."""

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from rapport.console.guard import Visit
from rapport.console.touches import MEETING
from rapport.contract import engagements, meetings
from rapport.contract.kit.fields import Json
from rapport.contract.kit.method import Method

Keys = tuple[str, ...]
Counts = Counter[Keys]
_METHODS: tuple[tuple[Method, str], ...] = (
    (engagements.SUMMARIZE, ""),
    (meetings.SUMMARIZE, MEETING),
)
_PAGE = 100
# A year of days, or half a year of weeks with every kind, are a few pages.
_PAGES = 8


class Sums(NamedTuple):
    """Counts by keys, and whether there are no others."""

    counts: Counts
    is_whole: bool


async def sums(
    visit: Visit,
    keys: Keys,
    wanted: Json,
    *,
    sort_by: str = "",
    is_over: Callable[[Any], bool] = lambda _: False,
) -> Sums:
    """How many engagements and meetings there are, by keys such as `week` and `type`.

    Args:
        visit: whose; what they may not read is not counted.
        keys: one or two; `type` of every meeting is that it is one.
        wanted: filters that both have.
        sort_by: in which order groups come; the largest first without it.
        is_over: whether a group and those behind it in that order are none that are wanted.
    """
    found, is_whole = Counter[Keys](), True
    for method, kind in _METHODS:
        if not visit.may(method):
            continue
        own = [key for key in keys if not kind or key != "type"]
        request = {**wanted, "group_by": own, "time_zone": visit.moments.zone, "limit": _PAGE}
        groups, is_all = await _groups(visit, method, request | _sort(sort_by), is_over)
        is_whole = is_whole and is_all
        for group in groups:
            by = {"type": kind, **group["by"]}
            found[tuple(by[key] for key in keys)] += group["count"]
    return Sums(found, is_whole)


def _sort(text: str) -> Json:
    """The order that is asked for, if one is."""
    return {"sort_by": [text]} if text else {}


async def _groups(
    visit: Visit, method: Method, request: Json, is_over: Callable[[Any], bool]
) -> tuple[list[Any], bool]:
    """The groups of some pages, and whether those are all."""
    found: list[Any] = []
    for _ in range(_PAGES):
        page = await visit.ask(method, request)
        wanted = [one for one in page["groups"] if not is_over(one["by"])]
        found += wanted
        if "next_cursor" not in page or len(wanted) < len(page["groups"]):
            return found, True
        request = {**request, "cursor": page["next_cursor"]}
    return found, False
