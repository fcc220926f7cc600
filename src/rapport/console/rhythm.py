"""When we were in touch with accounts and people, and when we will be, from what the API lists.

The touches of an account include its opportunities' and its people's, each once.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from rapport.console.guard import Visit
from rapport.console.touches import FAMILIES, Touch, parents_of, touch_of
from rapport.contract import rev_orgs, rev_users, works
from rapport.contract.kit.fields import Json
from rapport.contract.kit.method import Method

Order = Literal["asc", "desc"]
RECENT_DAYS = 30
# The longest page of a list, and the values that one filter takes.
PAGE, VALUES = 100, 200
# Of a busy account's touches the newest are read in order; of many accounts' at once they are not,
# so only so many are asked for together, and so many of their touches.
_TOGETHER, _TOUCHES = 5, 50
# How many opportunities or people are read.
_MOST = 200


class Day(NamedTuple):
    """When a touch is, where no more is shown of it."""

    date: str


class Rhythm(NamedTuple):
    """Of an account or person, around now.

    Args:
        last: the newest touch that is past.
        next: the first that is planned.
        recent: how many there were of late.
        has_more: there were more than were counted.
    """

    last: Touch | Day | None
    next: Touch | Day | None
    recent: int
    has_more: bool


class Circle(NamedTuple):
    """Whose touches are whose: the owner of each parent and of each member, all by their DONs."""

    parents: Mapping[str, str] = {}
    members: Mapping[str, str] = {}

    def of(self, owner: str) -> "Circle":
        """What is one owner's."""
        return Circle(
            {one: whose for one, whose in self.parents.items() if whose == owner},
            {one: whose for one, whose in self.members.items() if whose == owner},
        )


class Edge(NamedTuple):
    """Where to look for one touch: the first in an order of those between two dates."""

    dates: Json
    order: Order


class Found(NamedTuple):
    """Touches in an order.

    Args:
        touches: by owner and path.
        whole_since: of the newest first, how far back there are no others; empty for all of time.
    """

    touches: dict[str, dict[str, Touch]]
    whole_since: str

    def since(self, owner: str, date: str) -> tuple[int, bool]:
        """How many an owner had since a date, and whether there may have been more."""
        newer = [one for one in self.touches.get(owner, {}).values() if one.date >= date]
        return len(newer), self.whole_since > date


async def circle_of(visit: Visit, accounts: Sequence[str]) -> Circle:
    """Accounts with their opportunities and people."""
    sold, _ = await walk(visit, works.LIST, "works", {"opportunity": {"account": accounts}})
    orgs, _ = await walk(visit, rev_orgs.LIST, "rev_orgs", {"account": accounts})
    account_of = {one["id"]: one["account"]["id"] for one in orgs}
    people = [
        one
        for some in _some(account_of)
        for one in (await walk(visit, rev_users.LIST, "rev_users", {"rev_org": some}))[0]
    ]
    return Circle(
        {one: one for one in accounts} | {one["id"]: one["account"]["id"] for one in sold},
        {one["id"]: account_of[one["rev_org"]["id"]] for one in people},
    )


async def of_people(visit: Visit, people: Sequence[str]) -> dict[str, Rhythm]:
    """The rhythms of dev users and rev users, by their DONs."""
    return await around(visit, Circle(members={one: one for one in people}), people)


async def around(visit: Visit, circle: Circle, owners: Sequence[str]) -> dict[str, Rhythm]:
    """Each owner's last and next touch, and how many there were of late.

    One list of all of them has most of it; who is missing there is looked for alone.
    """
    now = visit.moments.at_present().machine
    past = await within(visit, circle, {"before": now}, "desc")
    coming = await within(visit, circle, {"after": now}, "asc")
    last = await _firsts(visit, circle, owners, past, Edge({"before": now}, "desc"))
    next_ = await _firsts(visit, circle, owners, coming, Edge({"after": now}, "asc"))
    sums = {one: past.since(one, visit.moments.before(RECENT_DAYS)) for one in owners}
    return {one: Rhythm(last[one], next_[one], *sums[one]) for one in owners}


async def within(
    visit: Visit, circle: Circle, dates: Json, order: Order, *, most: int = _TOUCHES
) -> Found:
    """The touches between two dates, of each kind at most so many."""
    dated = {"scheduled_date": dates, "sort_by": [f"scheduled_date:{order}"]}
    asked = [
        (family, walk(visit, family.list, f"{family.name}s", {field: some, **dated}, most=most))
        for family in FAMILIES
        for field, ids in (("parent", circle.parents), ("members", circle.members))
        for some in _some(ids, _TOGETHER)
    ]
    answers = await asyncio.gather(*(one for _, one in asked))
    touches: dict[str, dict[str, Touch]] = {}
    for (family, _), (rows, _) in zip(asked, answers, strict=True):
        for row in rows:
            touch = touch_of(family, row)
            for owner in _owners(circle, row):
                touches.setdefault(owner, {})[touch.path] = touch
    ends = [rows[-1]["scheduled_date"] for rows, is_whole in answers if not is_whole]
    return Found(touches, max(ends, default=""))


async def edge(visit: Visit, circle: Circle, at: Edge) -> Touch | None:
    """The touch at an edge of all that there are."""
    found = await within(visit, circle, at.dates, at.order, most=1)
    return _first((one for ones in found.touches.values() for one in ones.values()), at.order)


async def walk(
    visit: Visit, method: Method, field: str, request: Json, *, most: int = _MOST
) -> tuple[list[Any], bool]:
    """What a list has, up to so many, and whether that is all; nothing where the reader may not
    read it.
    """
    if not visit.may(method):
        return [], True
    rows: list[Any] = []
    request = {**request, "limit": min(most, PAGE)}
    while len(rows) < most:
        page = await visit.ask(method, request)
        rows += page[field]
        if "next_cursor" not in page:
            return rows, True
        request["cursor"] = page["next_cursor"]
    return rows, False


async def _firsts(
    visit: Visit, circle: Circle, owners: Sequence[str], found: Found, at: Edge
) -> dict[str, Touch | None]:
    """Each owner's touch at an edge: among what was found, else of all that there are."""
    firsts = {one: _first(found.touches.get(one, {}).values(), at.order) for one in owners}
    sought = [one for one, first in firsts.items() if first is None and found.whole_since]
    answers = await asyncio.gather(*(edge(visit, circle.of(one), at) for one in sought))
    return firsts | dict(zip(sought, answers, strict=True))


def _first(touches: Iterable[Touch], order: Order) -> Touch | None:
    choose = min if order == "asc" else max
    return choose(touches, key=lambda one: one.date, default=None)


def _owners(circle: Circle, row: Json) -> set[str]:
    owned = [circle.parents.get(_id(one)) for one in parents_of(row)]
    owned += [circle.members.get(_id(one)) for one in row["members"]]
    return {one for one in owned if one is not None}


def _id(one: Any) -> str:
    return str(one["id"] if isinstance(one, dict) else one)


def _some(ids: Iterable[str], most: int = VALUES) -> Iterable[list[str]]:
    every = list(ids)
    return (every[at : at + most] for at in range(0, len(every), most))
