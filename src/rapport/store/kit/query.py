"""Filters, order and cursors: the one place where SQL is put together, from our own literals and bound values."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

from rapport.contract.kit.paging import Cursor, Sort
from rapport.store.kit.db import Row, Tx, Value

T = TypeVar("T")


@dataclass(slots=True)
class Filter:
    """Conditions that must all hold."""

    conditions: list[str] = field(default_factory=list)
    parameters: dict[str, Value] = field(default_factory=dict)

    def where(self, condition: str, **parameters: Value) -> None:
        """Add a condition. Parameter names must be new to this filter."""
        self.conditions.append(condition)
        self.parameters.update(parameters)

    def any_of(self, name: str, values: Sequence[str | int], condition: str, sql_type: str = "text") -> None:
        """Add `condition`, whose `{values}` becomes a sub-select of `values`. Without values nothing is added."""
        if values:
            rows = f"SELECT value FROM rows(:{name}, value {sql_type})"  # noqa: S608  # both are literals of callers
            self.where(condition.replace("{values}", rows), **{name: [(value,) for value in values]})

    def numbered(self, column: str, numbers: Sequence[int]) -> None:
        """Keep those with one of these numbers; none when there are none."""
        wanted = f"{column} IN (SELECT number FROM rows(:numbers, number bigint))"  # noqa: S608  # a caller's literal
        self.where(wanted, numbers=[(number,) for number in numbers])

    def between(self, column: str, after: int | None, before: int | None) -> None:
        """Add the bounds that are given; both are exclusive."""
        if after is not None:
            self.where(f"{column} > :{_plain(column)}_after", **{f"{_plain(column)}_after": after})
        if before is not None:
            self.where(f"{column} < :{_plain(column)}_before", **{f"{_plain(column)}_before": before})

    def __str__(self) -> str:
        return " AND ".join(self.conditions)


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """How a family is listed.

    Args:
        select: the statement's columns and FROM clause, without WHERE.
        columns: wire name of a sort field -> column. NULL must not occur in them.
        number: the column that decides between equals.
        make: turns a row of `select` into what is handed out.
    """

    select: str
    columns: Mapping[str, str]
    number: str
    make: Callable[[Row], T]


class Walk(NamedTuple):
    """Which page of a list is asked for: the one after `cursor` in the order of `sorts`, or before it."""

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


async def everything(tx: Tx, listing: Listing[T], where: Filter) -> list[T]:
    """All that match, by number."""
    rows = await tx.all(f"SELECT {listing.select} WHERE {where} ORDER BY {listing.number}", **where.parameters)
    return [listing.make(row) for row in rows]


async def page(tx: Tx, listing: Listing[T], where: Filter, walk: Walk) -> Page[T]:
    """Read one page by keyset.

    The selected rows begin with the sort columns and the number, which the cursors are made of.
    """
    cursor, backwards = walk.cursor, walk.backwards
    columns = [(listing.columns[sort.field], sort.descending) for sort in walk.sorts]
    columns.append((listing.number, walk.sorts[-1].descending))
    keys = ", ".join(column for column, _ in columns)
    width = len(columns)

    async def fetch(start: Cursor | None, *, back: bool, most: int, what: str) -> list[Row]:
        parameters: dict[str, Any] = dict(where.parameters)
        conditions = list(where.conditions)
        if start is not None:
            conditions.append(_beyond(columns, start, parameters, back=back))
        order = ", ".join(f"{column} {'DESC' if descending != back else 'ASC'}" for column, descending in columns)
        sql = f"SELECT {what} {listing.select} WHERE {' AND '.join(conditions)} ORDER BY {order} LIMIT :page_limit"
        return await tx.all(sql, page_limit=most, **parameters)

    rows = await fetch(cursor, back=backwards, most=walk.limit + 1, what=f"{keys}, ")
    more = len(rows) > walk.limit
    rows = rows[: walk.limit]
    if backwards:
        rows.reverse()
    if rows:
        first, last = Cursor(rows[0][:width]), Cursor(rows[-1][:width])
    else:
        # The rows at and beyond the cursor are gone: the way back starts with the cursor's own place.
        first = last = Cursor(cursor.key if cursor else (), inclusive=True)
    near = last if backwards else first
    behind = cursor is not None and bool(await fetch(near, back=not backwards, most=1, what=f"{keys}, "))
    has_next, has_prev = (behind, more) if backwards else (more, behind)
    made = [listing.make(row[width:]) for row in rows]
    return Page(made, last if has_next else None, first if has_prev else None)


def _beyond(columns: Sequence[tuple[str, bool]], start: Cursor, parameters: dict[str, Any], *, back: bool) -> str:
    """Rows after `start` in the order of `columns`, or before it when `back`."""
    names = [f"key_{position}" for position in range(len(columns))]
    parameters.update(zip(names, start.key, strict=True))
    if len({descending for _, descending in columns}) == 1:
        sign = "<" if columns[0][1] != back else ">"
        left = ", ".join(column for column, _ in columns)
        right = ", ".join(f":{name}" for name in names)
        return f"({left}) {sign}{'=' if start.inclusive else ''} ({right})"
    steps = []
    for position, (column, descending) in enumerate(columns):
        equal = [f"{other} = :{name}" for (other, _), name in zip(columns[:position], names, strict=False)]
        steps.append(" AND ".join([*equal, f"{column} {'<' if descending != back else '>'} :{names[position]}"]))
    if start.inclusive:
        steps.append(" AND ".join(f"{column} = :{name}" for (column, _), name in zip(columns, names, strict=True)))
    column, descending = columns[0]
    # The bound on the first column repeats what the steps say, so that its index can be used.
    return f"{column} {'<' if descending != back else '>'}= :{names[0]} AND (({') OR ('.join(steps)}))"


def _plain(column: str) -> str:
    return column.replace(".", "_")
