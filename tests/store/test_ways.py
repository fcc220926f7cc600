"""Whichever way a page or a count is found, it is the same: every way to the rows is made to be the
cheapest in turn, at few rows.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from operator import attrgetter
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rapport.contract.kit.paging import Cursor, Sort
from rapport.store import engagements, meetings
from rapport.store.engagement_links import Related
from rapport.store.engagements import EngagementRow
from rapport.store.kit import filters, query, ways
from rapport.store.kit.db import NO_DATE
from rapport.store.kit.filters import Filter
from rapport.store.kit.query import Walk
from rapport.store.meetings import MeetingRow, Named
from tests.support.engine import Engine, row_of

# What a row costs on each way (fetched, walked, read), how long a walk has patience, and from how
# many on equal rows are many.
COSTS = {
    "walks to the end": (1e9, 1e-9, 1e9, 10**9, 2),
    "walks that are given up, then rows": (1.0, 1e-9, 1e9, 0, 2),
    "walks that are given up, then merging": (1e9, 1e-9, 1.0, 0, 1),
    "rows of the rarest": (1e-9, 1e9, 1e9, 0, 5_000),
    "merging": (1e9, 1e9, 1e-9, 0, 5_000),
}
# Some have a value of a filter, several or none of them; a filter has one value, two or all.
MEMBERS, PARENTS = ("DEVU-1", "REVU-1", "REVU-2"), ("ACC-1", "ACC-2", "OPP-1")
TAGS, KINDS = ("TAG-1", "TAG-2", "TAG-3"), ("call", "email", "offline")
AUTHORS = ("DEVU-1", "DEVU-2")
MOMENTS = (NO_DATE, 0, 1, 2)

Row = TypeVar("Row", EngagementRow, MeetingRow)


def _some(values: Sequence[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), unique=True)


made = st.tuples(
    st.fixed_dictionaries(
        {
            "title": st.sampled_from(("", "a", "b")),
            "created_date": st.sampled_from(MOMENTS[1:]),
            "modified_date": st.sampled_from(MOMENTS[1:]),
            "scheduled_date": st.sampled_from(MOMENTS),
            "engagement_type": st.sampled_from(KINDS),
            "created_by": st.sampled_from(AUTHORS),
        }
    ),
    _some(MEMBERS),
    _some(PARENTS),
    _some(TAGS),
    st.booleans(),
)
asked = st.fixed_dictionaries(
    {},
    optional={
        "engagement_type": _some(KINDS),
        "created_by": _some(AUTHORS),
        "members": _some(MEMBERS),
        "parent": _some(PARENTS),
        "tags": _some(TAGS),
    },
)
ranges = st.dictionaries(
    st.sampled_from(("created_date", "modified_date", "scheduled_date")),
    st.tuples(st.none() | st.just(-1) | st.just(0), st.none() | st.just(2)),
    max_size=1,
)
orders = st.lists(
    st.builds(Sort, st.sampled_from(list(engagements.SORTS)), st.booleans()),
    min_size=1,
    max_size=3,
    unique_by=lambda sort: sort.field,
).map(tuple)


@pytest.fixture(params=COSTS)
def costs(request: pytest.FixtureRequest) -> Iterator[None]:
    fetched, walked, read, patience, large = COSTS[request.param]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(query, "_FETCHED", fetched)
        patch.setattr(query, "_WALKED", walked)
        patch.setattr(query, "_READ", read)
        patch.setattr(query, "_PATIENCE", patience)
        patch.setattr(query, "_SOME", 1)
        patch.setattr(ways, "_LARGE", large)
        patch.setattr(ways, "_SPARE", 1)
        patch.setattr(ways, "_FEW", 1)
        # Two values have a walk each and stand in the statement, three do neither.
        patch.setattr(query, "_ARMS", 2)
        patch.setattr(filters, "_SPELLED_OUT", 2)
        yield


class Org:
    """The engagements of an org: in the store, and as what must be found."""

    def __init__(self, store: Engine, values: Sequence[Any]) -> None:
        self.store, self.org = store, store.new_org()
        self.rows = [row_of(self.org, number, **one[0]) for number, one in enumerate(values, 1)]
        self.links = [
            Related(members=one[1], parents=one[2], tags=[(tag, None) for tag in one[3]])
            for one in values
        ]
        self.live = [not one[4] for one in values]
        store.write(lambda tx: engagements.insert(tx, self.rows, self.links))
        for row, is_live in zip(self.rows, self.live, strict=True):
            if not is_live:
                self._delete(row.number)

    def _delete(self, number: int) -> None:
        self.store.write(lambda tx: engagements.delete(tx, self.org, number, 1, "DEVU-1"))

    def matching(
        self, filters: dict[str, Any], dates: dict[str, Any], *, deleted: bool
    ) -> list[EngagementRow]:
        return [
            row
            for row, links, is_live in zip(self.rows, self.links, self.live, strict=True)
            if is_live != deleted and _matches(row, links, filters) and _is_within(row, dates)
        ]

    def where(
        self, filters: dict[str, Any], dates: dict[str, Any], *, deleted: bool
    ) -> Filter[Any]:
        where = (engagements.deleted if deleted else engagements.live)(self.org)
        for name, values in filters.items():
            where.among(name, values)
        for name, (after, before) in dates.items():
            where.between(name, after, before)
        return where


def _pages(
    store: Engine,
    where: Callable[[], Filter[Any]],
    sorts: Sequence[Sort],
    limit: int,
    *,
    back: bool,
) -> list[int]:
    """All pages' numbers from one end, put together."""
    seen: list[list[int]] = []
    cursor: Cursor | None = None
    while not seen or cursor is not None:
        walk = Walk(sorts, cursor, back, limit)
        page = store.read(lambda tx, walk=walk: query.page(tx, where(), walk))  # type: ignore[misc]
        seen.append([row.number for row in page.rows])
        cursor = page.prev if back else page.next
    return list(itertools.chain(*(reversed(seen) if back else seen)))


def _matches(row: EngagementRow, links: Related, filters: dict[str, Any]) -> bool:
    has = {
        "engagement_type": {row.engagement_type},
        "created_by": {row.created_by},
        "members": {*links.members},
        "parent": {*links.parents},
        "tags": {tag for tag, _ in links.tags},
    }
    return all(not values or has[name] & {*values} for name, values in filters.items())


def _is_within(row: EngagementRow, dates: dict[str, Any]) -> bool:
    return all(
        (after is None or getattr(row, name) > after)
        and (before is None or getattr(row, name) < before)
        and (name != "scheduled_date" or getattr(row, name) != NO_DATE)
        for name, (after, before) in dates.items()
    )


def _sorted(rows: Sequence[Row], sorts: Sequence[Sort]) -> list[int]:
    ordered = sorted(rows, key=lambda row: row.number, reverse=sorts[-1].descending)
    for sort in reversed(sorts):
        ordered.sort(key=attrgetter(sort.field), reverse=sort.descending)
    return [row.number for row in ordered]


@pytest.mark.usefixtures("costs")
@settings(max_examples=40)
@given(
    values=st.lists(made, max_size=12),
    filters=asked,
    dates=ranges,
    sorts=orders,
    limit=st.integers(1, 5),
    back=st.booleans(),
    deleted=st.booleans(),
)
def test_every_way_to_a_page_sees_each_row_once_and_in_order(
    store: Engine,
    *,
    values: list[Any],
    filters: dict[str, Any],
    dates: dict[str, Any],
    sorts: tuple[Sort, ...],
    limit: int,
    back: bool,
    deleted: bool,
) -> None:
    org = Org(store, values)
    seen = _pages(
        store, lambda: org.where(filters, dates, deleted=deleted), sorts, limit, back=back
    )
    assert seen == _sorted(org.matching(filters, dates, deleted=deleted), sorts)


@pytest.mark.usefixtures("costs")
@settings(max_examples=30)
@given(values=st.lists(made, max_size=12), filters=asked, dates=ranges, deleted=st.booleans())
def test_every_way_counts_the_same(
    store: Engine,
    *,
    values: list[Any],
    filters: dict[str, Any],
    dates: dict[str, Any],
    deleted: bool,
) -> None:
    org = Org(store, values)
    found = store.read(lambda tx: query.count(tx, org.where(filters, dates, deleted=deleted)))
    assert found == len(org.matching(filters, dates, deleted=deleted))


@pytest.mark.usefixtures("costs")
def test_what_was_changed_is_found_at_its_new_place_by_every_filter(store: Engine) -> None:
    values = [
        ({"title": title, "created_by": "DEVU-1"}, ["DEVU-1"], ["ACC-1"], ["TAG-1"], False)
        for title in "abc"
    ]
    org = Org(store, values)
    before = org.rows[0]
    after = before._replace(title="z", scheduled_date=9, modified_date=9)
    store.write(lambda tx: engagements.update(tx, before, after))
    filters = [
        ("members", "DEVU-1"),
        ("parent", "ACC-1"),
        ("tags", "TAG-1"),
        ("created_by", "DEVU-1"),
    ]
    for (name, value), field in itertools.product(
        filters, ("title", "scheduled_date", "modified_date")
    ):
        sorts = (Sort(field, descending=True),)
        where = partial(org.where, {name: [value]}, {}, deleted=False)
        seen = _pages(store, where, sorts, 2, back=False)
        assert seen[0] == 1, (name, field)


held = st.tuples(
    st.fixed_dictionaries(
        {
            "title": st.sampled_from(("", "a", "b")),
            "created_date": st.sampled_from(MOMENTS[1:]),
            "ended_date": st.sampled_from(MOMENTS),
            "channel": st.sampled_from(("zoom", "other")),
            "parent": st.none() | st.sampled_from(PARENTS),
            "organizer": st.none() | st.sampled_from(AUTHORS),
        }
    ),
    _some(MEMBERS),
    _some(TAGS),
    # As it is, deleted, or at another place.
    st.sampled_from(("kept", "deleted", "moved")),
)


def _meeting(org: str, number: int, fields: dict[str, Any]) -> MeetingRow:
    return MeetingRow(
        org=org,
        number=number,
        state="scheduled",
        external_ref=None,
        scheduled_date=0,
        created_by="DEVU-1",
        modified_by="DEVU-1",
        modified_date=0,
        document="{}",
        **fields,
    )


def _hold(store: Engine, org: str, values: list[Any]) -> list[tuple[MeetingRow, Named]]:
    """Write meetings; those that live."""
    found = []
    for number, (fields, members, tags, then) in enumerate(values, 1):
        row, named = _meeting(org, number, fields), Named(members, tags, [])
        store.write(lambda tx: meetings.insert(tx, row, named))  # noqa: B023
        moved = row._replace(title="c", modified_date=1, ended_date=3)
        if then == "deleted":
            store.write(lambda tx: meetings.delete(tx, row, named, 1, "DEVU-1"))  # noqa: B023
            continue
        if then == "moved":
            store.write(lambda tx: meetings.update(tx, (row, named), (moved, named)))  # noqa: B023
        found.append((moved if then == "moved" else row, named))
    return found


@pytest.mark.usefixtures("costs")
@settings(max_examples=25)
@given(
    values=st.lists(held, max_size=8),
    filters=st.fixed_dictionaries(
        {},
        optional={
            "channel": _some(("zoom", "other")),
            "members": _some(MEMBERS),
            "organizer": _some(AUTHORS),
            "parent": _some(PARENTS),
            "tags": _some(TAGS),
        },
    ),
    sorts=st.lists(
        st.builds(Sort, st.sampled_from(list(meetings.SORTS)), st.booleans()),
        min_size=1,
        max_size=2,
        unique_by=lambda sort: sort.field,
    ).map(tuple),
    back=st.booleans(),
)
def test_every_way_to_meetings_sees_each_once_and_in_order(
    store: Engine,
    values: list[Any],
    filters: dict[str, list[str]],
    sorts: tuple[Sort, ...],
    *,
    back: bool,
) -> None:
    org = store.new_org()
    live = _hold(store, org, values)

    def where() -> Filter[Any]:
        asked = meetings.live(org)
        for name, wanted in filters.items():
            asked.among(name, wanted)
        return asked

    def has(row: MeetingRow, named: Named, name: str) -> set[Any]:
        return {*getattr(named, name)} if name in Named._fields else {getattr(row, name)}

    rows = [
        row
        for row, named in live
        if all(not wanted or has(row, named, name) & {*wanted} for name, wanted in filters.items())
    ]
    assert _pages(store, where, sorts, 2, back=back) == _sorted(rows, sorts)
    assert store.read(lambda tx: query.count(tx, where())) == len(rows)
