"""Filters, order and cursors: the one place that puts SQL together, from our literals and bound
values.

A family declares in its `Listing` what its rows can be narrowed by and put in order by, each by the
name that the wire has for it. Whoever asks names only those: which column, table or index answers a
filter is known here and in the family's store module, and nowhere above the store.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from rapport.contract.kit.paging import Cursor, Sort
from rapport.store.kit.db import NO_DATE, Row, Tx, Value

T = TypeVar("T")
# Turns the values that a filter asks for into those that the store holds.
Keep = Callable[[Sequence[Any]], Sequence[str | int]]


class By(Protocol):
    """What a filter goes by."""

    @property
    def sql_type(self) -> str:
        """Of the values that the store holds."""
        ...

    @property
    def kept(self) -> Keep:
        """Makes those of the ones asked for."""
        ...

    def matches(self, values: str) -> str:
        """SQL that holds for a row with any of `values`, which is a sub-select."""
        ...


@dataclass(frozen=True, slots=True)
class Column:
    """A filter by a column of the row itself, with its alias."""

    column: str
    sql_type: str = "text"
    kept: Keep = list

    def matches(self, values: str) -> str:
        """The column has one of them."""
        return f"{self.column} IN ({values})"


@dataclass(frozen=True, slots=True)
class Link:
    """A filter by the rows of another table that lead to a row.

    Args:
        table: the other table, with an alias.
        leads: the condition under which one of its rows leads to the listed one.
        column: the other table's column with the value, indexed by org and value.
        kept: makes the values that the column holds.
    """

    table: str
    leads: str
    column: str
    kept: Keep = list
    sql_type: str = "text"

    def matches(self, values: str) -> str:
        """One of those rows has one of them."""
        found = f"SELECT 1 FROM {self.table} WHERE {self.leads} AND {self.column} IN ({values})"  # noqa: S608  # literals
        return f"EXISTS ({found})"


@dataclass(frozen=True, slots=True)
class Condition:
    """A filter by SQL of a family's own, in which `{values}` stands for the values asked for."""

    sql: str
    kept: Keep = list
    sql_type: str = "text"

    def matches(self, values: str) -> str:
        """The SQL, with the values put in."""
        return self.sql.replace("{values}", values)


class Date(NamedTuple):
    """A column with dates. An optional one is `NO_DATE` where a row has none."""

    column: str
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """How a family is listed.

    Args:
        select: the statement's columns.
        table: its FROM clause.
        scope: the condition that all rows of a list fulfil, at least `org = :org`.
        number: the column with the number that ids have.
        sorts: wire name of a sort field -> column. NULL must not occur in them.
        make: turns a row of `select` into what is handed out.
        filters: wire name of a filter -> what it goes by.
        dates: wire name of a filter for a range of dates -> its column.
        tie: the column that decides between equals; the number unless told otherwise.
    """

    select: str
    table: str
    scope: str
    number: str
    sorts: Mapping[str, str]
    make: Callable[[Row], T]
    filters: Mapping[str, By] = field(default_factory=dict)
    dates: Mapping[str, Date] = field(default_factory=dict)
    tie: str = ""

    def of_org(self, org: str) -> "Filter[T]":
        """The org's rows, to be narrowed."""
        return Filter(self, [self.scope], {"org": org})

    @property
    def last(self) -> str:
        """The column that decides between equals."""
        return self.tie or self.number


@dataclass(slots=True)
class Filter(Generic[T]):
    """The rows of a listing for which all conditions hold.

    `among`, `between` and `nothing` are for everybody. `where` takes SQL, and is for the families'
    store modules alone.
    """

    listing: Listing[T]
    conditions: list[str]
    parameters: dict[str, Value]

    def where(self, condition: str, **parameters: Value) -> None:
        """Add a condition. Parameter names must be new to this filter."""
        self.conditions.append(condition)
        self.parameters.update(parameters)

    def among(self, name: str, values: Sequence[Any]) -> None:
        """Keep rows with any of these values in the filter `name`; without values, all rows."""
        if values:
            by = self.listing.filters[name]
            # A filter can be asked for twice, as each custom field is.
            parameter = f"{name}_{len(self.conditions)}"
            rows = _sub_select("value", parameter, by.sql_type)
            self.where(by.matches(rows), **{parameter: [(value,) for value in by.kept(values)]})

    def between(self, name: str, after: int | None, before: int | None) -> None:
        """Keep rows with the date `name` between the bounds that are given, which are exclusive.

        Rows without the date are left out, even if no bound is given.
        """
        column, optional = self.listing.dates[name]
        if optional:
            self.where(f"{column} > :{name}_is_none", **{f"{name}_is_none": NO_DATE})
        if after is not None:
            self.where(f"{column} > :{name}_after", **{f"{name}_after": after})
        if before is not None:
            self.where(f"{column} < :{name}_before", **{f"{name}_before": before})

    def nothing(self) -> None:
        """Let no row through."""
        self.where("1 = 0")

    def __str__(self) -> str:
        return " AND ".join(self.conditions)


def _sub_select(column: str, parameter: str, sql_type: str) -> str:
    return f"SELECT {column} FROM rows(:{parameter}, {column} {sql_type})"  # noqa: S608  # literals


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
    listing = where.listing
    sql = f"SELECT {listing.select} FROM {listing.table} WHERE {where} ORDER BY {listing.last}"  # noqa: S608
    return [listing.make(row) for row in await tx.all(sql, **where.parameters)]


async def numbered(tx: Tx, where: Filter[T], numbers: Sequence[int]) -> list[T]:
    """Those of these numbers that match, by number; none when there are none."""
    wanted = _sub_select("number", "numbers", "bigint")
    where.where(f"{where.listing.number} IN ({wanted})", numbers=[(number,) for number in numbers])
    return await everything(tx, where)


async def count(tx: Tx, where: Filter[Any]) -> int:
    """How many match."""
    sql = f"SELECT count(*) FROM {where.listing.table} WHERE {where}"  # noqa: S608  # literals
    row = await tx.one(sql, **where.parameters)
    return int(row[0]) if row else 0


async def page(tx: Tx, where: Filter[T], walk: Walk) -> Page[T]:
    """Read one page by keyset.

    The selected rows begin with the sort columns and the number, which the cursors are made of.
    """
    listing, cursor, backwards = where.listing, walk.cursor, walk.backwards
    columns = [(listing.sorts[sort.field], sort.descending) for sort in walk.sorts]
    columns.append((listing.last, walk.sorts[-1].descending))
    keys = ", ".join(column for column, _ in columns)
    width = len(columns)

    async def fetch(start: Cursor | None, *, back: bool, most: int) -> list[Row]:
        parameters: dict[str, Any] = dict(where.parameters)
        conditions = list(where.conditions)
        if start is not None:
            conditions.append(_beyond(columns, start, parameters, back=back))
        order = ", ".join(
            f"{column} {'DESC' if descending != back else 'ASC'}" for column, descending in columns
        )
        sql = (
            f"SELECT {keys}, {listing.select} FROM {listing.table} "  # noqa: S608  # literals
            f"WHERE {' AND '.join(conditions)} ORDER BY {order} LIMIT :page_limit"
        )
        return await tx.all(sql, page_limit=most, **parameters)

    rows = await fetch(cursor, back=backwards, most=walk.limit + 1)
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
    behind = cursor is not None and bool(await fetch(near, back=not backwards, most=1))
    has_next, has_prev = (behind, more) if backwards else (more, behind)
    made = [listing.make(row[width:]) for row in rows]
    return Page(made, last if has_next else None, first if has_prev else None)


def _beyond(
    columns: Sequence[tuple[str, bool]], start: Cursor, parameters: dict[str, Any], *, back: bool
) -> str:
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
        equal = [
            f"{other} = :{name}"
            for (other, _), name in zip(columns[:position], names, strict=False)
        ]
        steps.append(
            " AND ".join(
                [*equal, f"{column} {'<' if descending != back else '>'} :{names[position]}"]
            )
        )
    if start.inclusive:
        steps.append(
            " AND ".join(
                f"{column} = :{name}" for (column, _), name in zip(columns, names, strict=True)
            )
        )
    column, descending = columns[0]
    # The bound on the first column repeats what the steps say, so that its index can be used.
    return (
        f"{column} {'<' if descending != back else '>'}= :{names[0]} AND (({') OR ('.join(steps)}))"
    )
