"""The paging law: whatever the order and the page size, the pages put together are the sorted
list.
"""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rapport.contract.kit.paging import Cursor, Sort, decode_cursor, encode_cursor
from rapport.store import engagements
from rapport.store.engagement_links import Related
from rapport.store.engagements import EngagementRow, Stored
from rapport.store.kit import query
from rapport.store.kit.db import NO_DATE
from rapport.store.kit.query import Page, Walk
from tests.support.engine import Engine, row_of

TITLES = ("", "A", "B", "a", "a b", "ab", "b", "~", "é", "e\u0301", "Ω", "\ufffd", "\U0001f600")
MOMENTS = (NO_DATE, -1, 0, 1, 2**53 + 1, 2**62)

rows_of_orgs = st.lists(
    st.tuples(st.sampled_from(TITLES), *[st.sampled_from(MOMENTS)] * 3), max_size=30
)
orders = st.lists(
    st.builds(Sort, st.sampled_from(list(engagements.SORTS)), st.booleans()),
    min_size=1,
    max_size=4,
    unique_by=lambda sort: sort.field,
).map(tuple)
limits = st.integers(1, 8)


class Walker(NamedTuple):
    """Reads pages of one org in one order."""

    store: Engine
    org: str
    sorts: tuple[Sort, ...]
    limit: int

    def page(self, cursor: Cursor | None, *, backwards: bool) -> Page[Stored]:
        walk = Walk(self.sorts, cursor, backwards, self.limit)
        found = self.store.read(lambda tx: query.page(tx, engagements.live(self.org), walk))
        found.next, found.prev = self.sent(found.next), self.sent(found.prev)
        return found

    def sent(self, cursor: Cursor | None) -> Cursor | None:
        """The cursor as it comes back from a client."""
        if cursor is None:
            return None
        text = encode_cursor("engagements", self.sorts, cursor)
        assert len(text) <= 2048
        return decode_cursor("engagements", self.sorts, engagements.SORTS, text)

    def pages(self, *, backwards: bool) -> Iterator[list[int]]:
        """Page after page from an end, each as the numbers in it."""
        cursor: Cursor | None = None
        while True:
            page = self.page(cursor, backwards=backwards)
            yield [row.number for row in page.rows]
            cursor = page.prev if backwards else page.next
            if cursor is None:
                return


def _row(org: str, number: int, values: tuple[Any, ...]) -> EngagementRow:
    title, created, modified, scheduled = values
    return row_of(
        org,
        number,
        title=title,
        created_date=created,
        modified_date=modified,
        scheduled_date=scheduled,
    )


def _insert(store: Engine, rows: Sequence[EngagementRow]) -> None:
    store.write(lambda tx: engagements.insert(tx, rows, [Related()] * len(rows)))


def _delete(store: Engine, org: str, numbers: Sequence[int]) -> None:
    for number in numbers:
        store.write(lambda tx, number=number: engagements.delete(tx, org, number, 1, "DEVU-1"))  # type: ignore[misc]


def _sorted(rows: Sequence[EngagementRow], sorts: Sequence[Sort]) -> list[int]:
    """Numbers in order: titles by code point, the number last in the last sort's direction."""
    ordered = sorted(rows, key=lambda row: row.number, reverse=sorts[-1].descending)
    for sort in reversed(sorts):
        ordered.sort(key=lambda row, name=sort.field: getattr(row, name), reverse=sort.descending)  # type: ignore[misc]
    # A reversed stable sort keeps equals in their order, which is what the next more important sort
    # needs.
    return [row.number for row in ordered]


@given(values=rows_of_orgs, sorts=orders, limit=limits, backwards=st.booleans())
def test_pages_put_together_are_the_sorted_list(
    store: Engine,
    values: list[tuple[Any, ...]],
    sorts: tuple[Sort, ...],
    limit: int,
    backwards: bool,
) -> None:
    org = store.new_org()
    rows = [_row(org, number, one) for number, one in enumerate(values, 1)]
    _insert(store, rows)
    pages = list(Walker(store, org, sorts, limit).pages(backwards=backwards))
    assert all(len(page) == limit for page in pages[:-1])
    assert len(pages[-1]) <= limit
    if backwards:
        pages.reverse()
    assert list(itertools.chain(*pages)) == _sorted(rows, sorts)


@given(values=rows_of_orgs, sorts=orders, limit=limits, backwards=st.booleans())
def test_the_way_back_from_any_page_is_the_page_before_it(
    store: Engine,
    values: list[tuple[Any, ...]],
    sorts: tuple[Sort, ...],
    limit: int,
    backwards: bool,
) -> None:
    org = store.new_org()
    _insert(store, [_row(org, number, one) for number, one in enumerate(values, 1)])
    walker = Walker(store, org, sorts, limit)
    page = walker.page(None, backwards=backwards)
    assert (page.next if backwards else page.prev) is None
    while (on := page.prev if backwards else page.next) is not None:
        following = walker.page(on, backwards=backwards)
        back = following.next if backwards else following.prev
        assert back is not None
        assert walker.page(back, backwards=not backwards).rows == page.rows
        page = following


changes = st.lists(
    st.tuples(
        st.lists(st.tuples(st.sampled_from(TITLES), *[st.sampled_from(MOMENTS)] * 3), max_size=3),
        st.lists(st.integers(1, 30), max_size=4),
    ),
    max_size=12,
)


@settings(max_examples=60)
@given(values=rows_of_orgs, sorts=orders, limit=limits, backwards=st.booleans(), between=changes)
def test_a_walk_sees_what_existed_all_along_exactly_once(
    store: Engine,
    *,
    values: list[tuple[Any, ...]],
    sorts: tuple[Sort, ...],
    limit: int,
    backwards: bool,
    between: list[tuple[list[tuple[Any, ...]], list[int]]],
) -> None:
    org = store.new_org()
    rows = [_row(org, number, one) for number, one in enumerate(values, 1)]
    _insert(store, rows)
    gone: set[int] = set()
    seen: list[int] = []
    numbers = itertools.count(len(rows) + 1)
    steps = iter(between)
    for page in Walker(store, org, sorts, limit).pages(backwards=backwards):
        seen += reversed(page) if backwards else page
        come, go = next(steps, ([], []))
        fresh = [_row(org, next(numbers), one) for one in come]
        _insert(store, fresh)
        rows += fresh
        gone.update(go)
        _delete(store, org, go)
    order = _sorted(rows, sorts)
    if backwards:
        order.reverse()
    assert len(seen) == len(set(seen))
    assert seen == [number for number in order if number in set(seen)], "a page was out of order"
    assert set(range(1, len(values) + 1)) - gone <= set(seen)


def test_a_page_whose_rows_are_all_gone_leads_back_to_those_before_it(store: Engine) -> None:
    org = store.new_org()
    _insert(store, [_row(org, number, ("x", number, 0, 0)) for number in range(1, 11)])
    walker = Walker(store, org, (Sort("created_date", descending=False),), 3)
    first = walker.page(None, backwards=False)
    _delete(store, org, range(4, 11))
    page = walker.page(first.next, backwards=False)
    assert (page.rows, page.next) == ([], None)
    assert page.prev is not None
    assert [row.number for row in walker.page(page.prev, backwards=True).rows] == [1, 2, 3]


@pytest.mark.parametrize("backwards", [False, True])
def test_a_list_of_nothing_is_one_empty_page_without_cursors(
    store: Engine, backwards: bool
) -> None:
    page = Walker(store, store.new_org(), (Sort("title", descending=True),), 5).page(
        None, backwards=backwards
    )
    assert (page.rows, page.next, page.prev) == ([], None, None)


def test_another_orgs_rows_and_deleted_ones_are_never_on_a_page(store: Engine) -> None:
    org, other = store.new_org(), store.new_org()
    _insert(store, [_row(org, number, ("x", 0, 0, 0)) for number in (1, 2, 3)])
    _insert(store, [_row(other, number, ("x", 0, 0, 0)) for number in (1, 2, 3, 4)])
    _delete(store, org, [2])
    assert list(
        Walker(store, org, (Sort("title", descending=False),), 2).pages(backwards=False)
    ) == [[1, 3]]
