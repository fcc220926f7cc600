"""Engagements and meetings, as pages show them side by side."""

from collections.abc import Callable
from typing import Any, NamedTuple

from rapport.console import words
from rapport.console.guard import Visit
from rapport.console.people import called
from rapport.contract import engagements, meetings
from rapport.contract.kit.method import Method

EXPAND = ["members", "parents", "tags", "artifacts"]
MEETING = "meeting"
# What stands in a cursor for a list that has ended, and between two.
_ENDED, _AND = "-", "."


class Family(NamedTuple):
    """A kind of object that is a touch, and what can be done with it.

    Args:
        name: the field of its answers.
        path: where its pages are.
        get: and what follows are its methods.
    """

    name: str
    path: str
    get: Method
    list: Method
    create: Method
    update: Method
    delete: Method
    restore: Method


ENGAGEMENTS = Family(
    "engagement",
    "/engagements",
    engagements.GET,
    engagements.LIST,
    engagements.CREATE,
    engagements.UPDATE,
    engagements.DELETE,
    engagements.RESTORE,
)
MEETINGS = Family(
    MEETING,
    "/meetings",
    meetings.GET,
    meetings.LIST,
    meetings.CREATE,
    meetings.UPDATE,
    meetings.DELETE,
    meetings.RESTORE,
)
FAMILIES = (ENGAGEMENTS, MEETINGS)


class Parent(NamedTuple):
    """An account or opportunity, by what a link to it needs."""

    id: str
    name: str


class Touch(NamedTuple):
    """What a row shows of an engagement or meeting."""

    kind: str
    title: str
    path: str
    people: list[Any]
    parents: list[Parent]
    tags: list[Any]
    notes: str
    files: int
    date: str
    deleted: str = ""
    deleted_by: Any = None


class Page(NamedTuple):
    """Touches in the order of their dates, and where to go on; empty at the end."""

    touches: list[Touch]
    cursor: str


def touch_of(family: Family, one: Any) -> Touch:
    """A touch, from an answer with everything expanded."""
    return Touch(
        MEETING if family is MEETINGS else one.get("engagement_type", "default"),
        one.get("title") or words.UNTITLED,
        f"{family.path}/{one['display_id']}",
        one.get("members", []),
        [_parent(parent) for parent in parents_of(one)],
        one.get("tags", []),
        one.get("description", ""),
        len(one.get("artifacts", [])),
        one.get("scheduled_date", ""),
        one.get("deleted_date", ""),
        one.get("deleted_by"),
    )


def parents_of(one: Any) -> list[Any]:
    """The accounts and opportunities of an engagement, or of a meeting, which has one at most."""
    return one.get("parents") or ([one["parent"]] if "parent" in one else [])


def _parent(parent: Any) -> Parent:
    if isinstance(parent, str):  # one that is gone stays an id
        return Parent(parent, parent.rpartition("/")[2])
    return Parent(parent["display_id"], str(parent.get("title") or called(parent)))


async def list_page(
    visit: Visit, wanted: dict[str, Any], *, newest_first: bool, limit: int, cursor: str = ""
) -> Page:
    """A page of both kinds by when they were scheduled, of deleted ones by when that was. Each has
    its own keyset: what of a list did not fit is asked again.

    Args:
        visit: whose page it is; a kind that they may not read is left out, if the other may be.
        wanted: filters that both kinds have, and `type`, which only engagements do.
        newest_first: the order.
        limit: how many at most.
        cursor: where the page before ended.
    """
    places = cursor.split(_AND) if cursor else ["", ""]
    lists = [
        await _list(visit, family, wanted, newest_first=newest_first, limit=limit, place=place)
        for family, place in zip(_read(visit, wanted), places, strict=False)
    ]
    rows = sorted(
        (row for one in lists for row in one.rows),
        key=lambda row: row[1].deleted or row[1].date,
        reverse=newest_first,
    )[:limit]
    ends = [await one.end(sum(family is one.family for family, _ in rows)) for one in lists]
    is_over = all(end == _ENDED for end in ends)
    return Page([touch for _, touch in rows], "" if is_over else _AND.join(ends))


def _read(visit: Visit, wanted: dict[str, Any]) -> tuple[Family | None, ...]:
    """The kinds that a page reads, each in its place."""
    kinds = wanted.get("type")
    method = meetings.RESTORE if wanted.get("deleted") else meetings.LIST
    has_meetings = visit.may(method) and (not kinds or MEETING in kinds)
    return (ENGAGEMENTS, MEETINGS if has_meetings else None)


class _List(NamedTuple):
    family: Family | None
    rows: list[tuple[Family, Touch]]
    place: str
    next: str
    place_after: Callable[[int], Any]

    async def end(self, used: int) -> str:
        """Where the next page of this list begins, after so many of its rows."""
        if used == len(self.rows):
            return self.next
        return str(await self.place_after(used)) if used else self.place


async def _list(
    visit: Visit,
    family: Family | None,
    wanted: dict[str, Any],
    *,
    newest_first: bool,
    limit: int,
    place: str,
) -> _List:
    if family is None or place == _ENDED:
        return _List(family, [], place, _ENDED, lambda _: None)
    filters = {name: one for name, one in wanted.items() if family is ENGAGEMENTS or name != "type"}
    by = "deleted_date" if wanted.get("deleted") else "scheduled_date"
    order = f"{by}:{'desc' if newest_first else 'asc'}"
    request = {**filters, "sort_by": [order], "expand": EXPAND}
    if place:
        request["cursor"] = place
    found = await visit.ask(family.list, {**request, "limit": limit})
    rows = [(family, touch_of(family, one)) for one in found[f"{family.name}s"]]

    async def place_after(used: int) -> str:
        again = await visit.ask(family.list, {**request, "limit": used})
        return str(again.get("next_cursor", _ENDED))

    return _List(family, rows, place, found.get("next_cursor", _ENDED), place_after)
