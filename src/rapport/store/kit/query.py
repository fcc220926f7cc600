"""What lists and counts ask, answered: the one place that puts their SQL together, from our
literals and bound values, and decides which rows are looked at.

A page is found in one of three ways: along the order that is asked for, until it is full; from the
entries that the filters' indexes have in common; or from the rows of the filter that has the
fewest. What each costs is guessed from kept sums, and a guess that was wrong is given up in time.
"""

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import Any, Generic, NamedTuple, TypeVar

from rapport.contract.kit.paging import Cursor, Sort
from rapport.store.kit import counts
from rapport.store.kit.db import Row, Tx
from rapport.store.kit.filters import Filter, sub_select
from rapport.store.kit.keyset import Place
from rapport.store.kit.ways import Ways, carried, in_common, is_once, statement

T = TypeVar("T")
# How far an index is read to learn how many rows a value has, where no sum is kept.
_RARE = 5_000
# Microseconds for a row: fetched by its number; met on a walk, and looked up in the filters'
# tables; read from a filter's index; and read from there for one of several values, which are not
# in order together. Measured at a million rows on SQLite.
_FETCHED, _WALKED, _READ, _MIXED = 8.0, 1.0, 0.4, 1.0
# From how many values on a walk of each takes longer than one of them all.
_ARMS = 32
# A walk may meet so many times the rows that it should, and some more; then the filters have less
# in common than chance would have it, and it is given up.
_PATIENCE, _SOME = 2, 200


class Walk(NamedTuple):
    """Which page of a list is asked for: the one after `cursor` in the order of `sorts`, or
    before it.
    """

    sorts: Sequence[Sort]
    cursor: Cursor | None
    backwards: bool
    limit: int


@dataclass(slots=True)
class Page(Generic[T]):
    """Rows in the order asked for, and the places to go on from."""

    rows: list[T]
    next: Cursor | None
    prev: Cursor | None


async def everything(tx: Tx, where: Filter[T]) -> list[T]:
    """All that match, by number."""
    if where.is_empty:
        return []
    listing = where.listing
    sql = f"SELECT {listing.select} FROM {listing.table} WHERE {where} ORDER BY {listing.last}"  # noqa: S608
    return [listing.make(row) for row in await tx.all(sql, **where.parameters)]


async def numbered(tx: Tx, where: Filter[T], numbers: Sequence[int]) -> list[T]:
    """Those of these numbers that match, by number; none when there are none."""
    wanted = sub_select("number", "numbers", "bigint")
    where.where(f"{where.listing.number} IN ({wanted})", numbers=[(number,) for number in numbers])
    return await everything(tx, where)


# What is known of filters


class Known(NamedTuple):
    """How many rows filters have, by their place among those asked for.

    Args:
        sums: of those for which sums are kept; at most, where a row may have several values.
        few: of the others, as far as they have few.
        merging: those with a sum whose indexes have one order and can be merged, the smallest
            first.
    """

    sums: Mapping[int, int]
    few: Mapping[int, int]
    merging: Sequence[int]

    @property
    def smallest(self) -> tuple[int, int] | None:
        """How many rows the filter with the fewest has, and its place."""
        sizes = {**self.sums, **self.few}
        return min(((number, place) for place, number in sizes.items()), default=None)


async def _known(tx: Tx, where: Filter[Any]) -> Known:
    sums = await _sums(tx, where)
    few = await _few(tx, where, sums)
    merging = [place for place in sums if carried(where, where.asked[place])]
    return Known(sums, few, sorted(merging, key=lambda place: sums[place]))


async def _sums(tx: Tx, where: Filter[Any]) -> dict[int, int]:
    """How many rows each filter has, by its place, for those of which a sum is kept."""
    table = where.listing.counted
    return {
        place: await counts.total(
            tx, where.org, f"{table}.{one.name}", [str(value) for value in one.kept]
        )
        for place, one in enumerate(where.asked)
        if table and one.by.summed
    }


async def _few(tx: Tx, where: Filter[Any], sums: Mapping[int, int]) -> dict[int, int]:
    """How many rows the other filters have, if they are fewer than any that is known: by as much
    of their indexes as it takes.
    """
    fewest, found = min([*sums.values(), _RARE]), {}
    for place, one in enumerate(where.asked):
        entries = one.by.entries(where.listing, one.values)
        if place not in sums and entries:
            sql = f"SELECT count(*) FROM ({entries.numbers} LIMIT :fewest) AS found"  # noqa: S608
            row = await tx.one(sql, fewest=fewest, **where.parameters)
            if row and row[0] < fewest:
                fewest = found[place] = row[0]
    return found


# Counts


async def count(tx: Tx, where: Filter[Any]) -> int:
    """How many match: as the sums say, or what indexes have in common, or among the fewest rows
    that one of the filters has.
    """
    if where.is_empty:
        return 0
    if where.listing.counted and where.is_plain and not where.asked:
        return await counts.total(tx, where.org, where.listing.counted, [""])
    known = await _known(tx, where)
    # A row may have several of a link's values, and is in the sum of each.
    if where.is_plain and len(where.asked) == len(known.sums) == 1 and is_once(where.asked[0]):
        return known.sums[0]
    merging = [where.asked[place] for place in known.merging]
    costs = _costs(where, known, rows=0)
    if merging and costs.merged <= costs.fetched:
        common = in_common(where, merging, without_gone=True)
        sql = f"SELECT count(*) FROM ({common}) AS common"  # noqa: S608  # literals
    else:
        smallest = [where.asked[known.smallest[1]]] if known.smallest else []
        sql = statement(where, smallest, "count(*)")
    row = await tx.one(sql, **where.parameters)
    return int(row[0]) if row else 0


# Costs


class Costs(NamedTuple):
    """Microseconds to find rows from the filter with the fewest, and by merging all filters'
    indexes; infinite where there is no such way.
    """

    fetched: float
    merged: float


def _costs(where: Filter[Any], known: Known, rows: float) -> Costs:
    """What the ways cost, with so many rows that are fetched after merging."""
    fetched = known.smallest[0] * _FETCHED if known.smallest else math.inf
    if not known.merging or len(known.merging) < len(where.asked):
        return Costs(fetched, math.inf)
    if not where.is_within(carried(where, where.asked[known.merging[0]])):
        return Costs(fetched, math.inf)
    read = sum(
        number * (_READ if len(where.asked[place].kept) == 1 else _MIXED)
        for place, number in known.sums.items()
    )
    return Costs(fetched, read + rows * _FETCHED)


# Pages

# Reads rows at a place; None where it was given up.
Read = Callable[[Place], Awaitable[list[Row] | None]]


async def page(tx: Tx, where: Filter[T], walk: Walk) -> Page[T]:
    """Read one page by keyset.

    The selected rows begin with the sort columns and the number, which the cursors are made of.
    """
    if where.is_empty:
        return Page([], None, None)
    return await paged(where.listing.make, await _reading(tx, where, walk), walk)


async def page_of(tx: Tx, parts: Sequence[Filter[T]], walk: Walk) -> Page[T]:
    """The same of several listings together, which make the same rows, and have none in common."""
    reads = [await _reading(tx, where, walk) for where in parts if not where.is_empty]
    if len(reads) < len(parts):
        return Page([], None, None)

    async def read(at: Place) -> list[Row]:
        rows = [row for one in reads for row in await one(at)]
        orders = [sort.descending for sort in walk.sorts]
        for place, descending in reversed([*enumerate([*orders, orders[-1]])]):
            rows.sort(key=itemgetter(place), reverse=descending != at.back)
        return rows[: at.most]

    return await paged(parts[0].listing.make, read, walk)


async def paged(
    make: Callable[[Row], T], read: Callable[[Place], Awaitable[list[Row]]], walk: Walk
) -> Page[T]:
    """The page of what reads rows in the order of a walk; they begin with its columns."""
    cursor, backwards, width = walk.cursor, walk.backwards, len(walk.sorts) + 1
    rows = await read(Place(cursor, backwards, walk.limit + 1))
    more = len(rows) > walk.limit
    rows = rows[: walk.limit]
    if backwards:
        rows.reverse()
    if rows:
        first, last = Cursor(rows[0][:width]), Cursor(rows[-1][:width])
    else:
        # The rows at and beyond the cursor are gone: the way back starts with the cursor's own
        # place.
        first = last = Cursor(cursor.key if cursor else (), inclusive=True)
    near = last if backwards else first
    behind = cursor is not None and bool(await read(Place(near, not backwards, 1)))
    has_next, has_prev = (behind, more) if backwards else (more, behind)
    made = [make(row[width:]) for row in rows]
    return Page(made, last if has_next else None, first if has_prev else None)


async def _reading(
    tx: Tx, where: Filter[Any], walk: Walk
) -> Callable[[Place], Awaitable[list[Row]]]:
    """What reads the rows of a page: the way that should cost least, and where that is given up
    another one.
    """
    ways = await _ways(Ways(tx, where, walk.sorts), walk.limit + 1)

    async def read(at: Place) -> list[Row]:
        for way in ways:
            if (rows := await way(at)) is not None:
                return rows
        raise AssertionError("the last way is never given up")

    return read


async def _ways(ways: Ways, most: int) -> Sequence[Read]:
    """The ways to try, one after the other; only the last one goes to the end."""
    where, fields = ways.where, [sort.field for sort in ways.sorts]
    alone = where.asked[0] if len(where.asked) == 1 else None
    if alone and len(alone.kept) <= _ARMS and fields == [*carried(where, alone)][:1]:
        return [partial(ways.led, alone, None)]
    known = await _known(ways.tx, where)
    if known.smallest is None:
        return [partial(ways.walked, None)]
    if not known.sums:
        return [partial(ways.fetched, [where.asked[known.smallest[1]]])]
    total = await counts.total(ways.tx, where.org, where.listing.counted, [""])
    return _cheapest(ways, known, max(1, total), most)


def _share(number: int, total: int) -> float:
    """Of all rows those that a filter has, of which there is at least one."""
    return min(max(1, number), total) / total


def _cheapest(ways: Ways, known: Known, total: int, most: int) -> Sequence[Read]:
    """A walk that should fill the page before another way would have; that other way."""
    where, fields = ways.where, [sort.field for sort in ways.sorts]
    merging = [where.asked[place] for place in known.merging]
    names = [*carried(where, merging[0])] if merging else []
    is_carried = {*fields} <= {*names}
    matching = total * math.prod(_share(number, total) for number in known.sums.values())
    costs = _costs(where, known, 0 if is_carried else matching)
    if costs.merged <= costs.fetched:
        exact: Read = partial(ways.merged if is_carried else ways.fetched, merging)
    else:
        place = known.smallest[1] if known.smallest else 0
        exact = partial(ways.fetched, [where.asked[place]])
    one = merging[0] if fields == names[:1] else None
    if one and len(one.kept) <= _ARMS:
        met = most * max(1, known.sums[known.merging[0]]) / matching
        bound, cost = int(met * _PATIENCE) + _SOME, met * _FETCHED
        attempt: Read = partial(ways.led, one, bound)
    else:
        met = most * total / matching
        bound, cost = int(met * _PATIENCE) + _SOME, met * _WALKED
        attempt = partial(ways.walked, bound)
    if min(costs) > total * _WALKED:
        return [partial(ways.walked, None)]
    return [exact] if min(costs) < cost else [attempt, exact]
