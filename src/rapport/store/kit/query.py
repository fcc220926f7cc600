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
from rapport.store.kit import counts
from rapport.store.kit.db import NO_DATE, Row, Tx, Value

T = TypeVar("T")
# Up to how many rows a page is put together from: beyond, a walk along the order meets them soon
# enough. Both cost about as much at some ten thousand rows in a million.
_RARE = 5_000
# Up to how many values stand in a statement each by itself.
_SPELLED_OUT = 8
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

    @property
    def summed(self) -> bool:
        """How many live rows have a value is kept."""
        ...

    def matches(self, values: str) -> str:
        """SQL that holds for a row with any of `values`: a list of parameters, or a sub-select."""
        ...

    def found(self, listing: "Listing[Any]", values: str) -> str | None:
        """SQL of the numbers of such rows, read from an index; None where none has them."""
        ...


@dataclass(frozen=True, slots=True)
class Column:
    """A filter by a column of the row itself, with its alias.

    Args:
        column: which one.
        sql_type: of its values.
        kept: makes the values that it holds.
        indexed: an index leads from org and value to the rows.
        summed: how many live rows have a value is kept; see `counts`.
    """

    column: str
    sql_type: str = "text"
    kept: Keep = list
    indexed: bool = False
    summed: bool = False

    def matches(self, values: str) -> str:
        """The column has one of them."""
        return f"{self.column} IN ({values})"

    def found(self, listing: "Listing[Any]", values: str) -> str | None:
        """From the column's index."""
        if not self.indexed:
            return None
        return (
            f"SELECT {listing.number} FROM {listing.table} "  # noqa: S608  # literals
            f"WHERE {listing.scope} AND {self.matches(values)}"
        )


@dataclass(frozen=True, slots=True)
class Link:
    """A filter by the rows of another table that lead to a row.

    Args:
        table: the other table, with an alias.
        leads: the condition under which one of its rows leads to the listed one.
        column: the other table's column with the value, indexed by org and value.
        kept: makes the values that the column holds.
        sql_type: of its values.
        number: SQL for the listed row's number, in the other table.
        scope: which of the other table's rows are meant; at least those of `:org`.
        summed: how many live rows have a value is kept; see `counts`.
    """

    table: str
    leads: str
    column: str
    kept: Keep = list
    sql_type: str = "text"
    number: str = ""
    scope: str = ""
    summed: bool = False

    def matches(self, values: str) -> str:
        """One of those rows has one of them."""
        found = f"SELECT 1 FROM {self.table} WHERE {self.leads} AND {self.column} IN ({values})"  # noqa: S608  # literals
        return f"EXISTS ({found})"

    def found(self, listing: "Listing[Any]", values: str) -> str | None:  # noqa: ARG002
        """From the other table's index."""
        if not self.number:
            return None
        return (
            f"SELECT {self.number} FROM {self.table} "  # noqa: S608  # literals
            f"WHERE {self.scope} AND {self.column} IN ({values})"
        )


@dataclass(frozen=True, slots=True)
class Condition:
    """A filter by SQL of a family's own, in which `{values}` stands for the values asked for."""

    sql: str
    kept: Keep = list
    sql_type: str = "text"
    summed: bool = False

    def matches(self, values: str) -> str:
        """The SQL, with the values put in."""
        return self.sql.replace("{values}", values)

    def found(self, listing: "Listing[Any]", values: str) -> str | None:  # noqa: ARG002
        """No index has it."""
        return None


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
        counted: the name of the table under which sums are kept; see `counts`.
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
    counted: str = ""

    def of_org(self, org: str) -> "Filter[T]":
        """The org's rows, to be narrowed."""
        return Filter(self, org, [self.scope], {"org": org})

    @property
    def last(self) -> str:
        """The column that decides between equals."""
        return self.tie or self.number


class Asked(NamedTuple):
    """A filter that is asked for: its wire name, what it goes by, its values as SQL and as such."""

    name: str
    by: By
    values: str
    kept: Sequence[str | int]


@dataclass(slots=True)
class Filter(Generic[T]):
    """The rows of a listing for which all conditions hold.

    `among`, `between` and `nothing` are for everybody. `where` takes SQL, and is for the families'
    store modules alone.
    """

    listing: Listing[T]
    org: str
    conditions: list[str]
    parameters: dict[str, Value]
    asked: list[Asked] = field(default_factory=list)
    is_empty: bool = False

    def where(self, condition: str, **parameters: Value) -> None:
        """Add a condition. Parameter names must be new to this filter."""
        self.conditions.append(condition)
        self.parameters.update(parameters)

    def among(self, name: str, values: Sequence[Any]) -> None:
        """Keep rows with any of these values in the filter `name`; without values, all rows."""
        if not values:
            return
        by = self.listing.filters[name]
        # A filter can be asked for twice, as each custom field is.
        parameter = f"{name}_{len(self.asked)}"
        kept = list(dict.fromkeys(by.kept(values)))
        if len(kept) <= _SPELLED_OUT:
            # PostgreSQL's planner knows how rare a value is that it sees.
            names = [f"{parameter}_{position}" for position in range(len(kept))]
            self.parameters.update(zip(names, kept, strict=True))
            sql = ", ".join(f":{one}" for one in names)
        else:
            self.parameters[parameter] = [(value,) for value in kept]
            sql = _sub_select("value", parameter, by.sql_type)
        self.asked.append(Asked(name, by, sql, kept))

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
        self.is_empty = True

    def beside(self, driver: Asked | None = None) -> str:
        """All conditions, but for what a driver is for."""
        asked = [one.by.matches(one.values) for one in self.asked if one is not driver]
        return " AND ".join([*self.conditions, *asked])

    def __str__(self) -> str:
        return self.beside()


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
    if where.is_empty:
        return []
    listing = where.listing
    sql = f"SELECT {listing.select} FROM {listing.table} WHERE {where} ORDER BY {listing.last}"  # noqa: S608
    return [listing.make(row) for row in await tx.all(sql, **where.parameters)]


async def numbered(tx: Tx, where: Filter[T], numbers: Sequence[int]) -> list[T]:
    """Those of these numbers that match, by number; none when there are none."""
    wanted = _sub_select("number", "numbers", "bigint")
    where.where(f"{where.listing.number} IN ({wanted})", numbers=[(number,) for number in numbers])
    return await everything(tx, where)


async def count(tx: Tx, where: Filter[Any]) -> int:
    """How many match: as the sums say, or among the fewest rows that one of the filters has."""
    if where.is_empty:
        return 0
    is_plain = len(where.conditions) == 1
    if where.listing.counted and is_plain and not where.asked:
        return await counts.total(tx, where.org, where.listing.counted, [""])
    sums = await _sums(tx, where)
    if is_plain and len(where.asked) == 1 and len(sums) == 1:
        return next(iter(sums.values()))
    driver = where.asked[min(sums, key=lambda place: sums[place])] if sums else None
    driver = driver or await _rarest(tx, where, sums)
    row = await tx.one(_statement(where, driver, "count(*)"), **where.parameters)
    return int(row[0]) if row else 0


async def _sums(tx: Tx, where: Filter[Any]) -> dict[int, int]:
    """How many rows each filter has, by its place, for those of which a sum is kept."""
    table = where.listing.counted
    return {
        place: await counts.total(
            tx, where.org, f"{table}.{one.name}", [str(value) for value in one.kept]
        )
        for place, one in enumerate(where.asked)
        # A row may have several of a link's values, and is in the sum of each.
        if table and one.by.summed and (len(one.kept) == 1 or isinstance(one.by, Column))
    }


async def _rarest(tx: Tx, where: Filter[Any], sums: Mapping[int, int]) -> Asked | None:
    """The filter with the fewest rows, if those are few: as a sum says, or by as much of its index
    as it takes to know.
    """
    fewest, rarest = _RARE, None
    for place, one in enumerate(where.asked):
        found = one.by.found(where.listing, one.values)
        if found is None:
            continue
        number = sums.get(place)
        if number is None:
            sql = f"SELECT count(*) FROM ({found} LIMIT :fewest) AS found"  # noqa: S608  # literals
            row = await tx.one(sql, fewest=fewest, **where.parameters)
            number = int(row[0]) if row else 0
        if number < fewest:
            fewest, rarest = number, one
    return rarest


def _statement(where: Filter[Any], driver: Asked | None, what: str, *more: str) -> str:
    """Select something of the rows that match: of those that a driver's index has, or of all."""
    listing = where.listing
    conditions = " AND ".join([where.beside(driver), *more])
    if driver is None:
        return f"SELECT {what} FROM {listing.table} WHERE {conditions}"  # noqa: S608  # literals
    found = driver.by.found(listing, driver.values)
    # Neither engine looks for another way through a table that is made first.
    return (
        f"WITH driven (number) AS MATERIALIZED (SELECT DISTINCT * FROM ({found}) AS found) "  # noqa: S608
        f"SELECT {what} FROM driven CROSS JOIN {listing.table} "
        f"WHERE {listing.number} = driven.number AND {conditions}"
    )


async def page(tx: Tx, where: Filter[T], walk: Walk) -> Page[T]:
    """Read one page by keyset.

    The selected rows begin with the sort columns and the number, which the cursors are made of.
    """
    if where.is_empty:
        return Page([], None, None)
    listing, cursor, backwards = where.listing, walk.cursor, walk.backwards
    columns = [(listing.sorts[sort.field], sort.descending) for sort in walk.sorts]
    columns.append((listing.last, walk.sorts[-1].descending))
    keys = ", ".join(column for column, _ in columns)
    width = len(columns)

    driver = await _rarest(tx, where, await _sums(tx, where))

    async def fetch(start: Cursor | None, *, back: bool, most: int) -> list[Row]:
        parameters: dict[str, Any] = dict(where.parameters)
        more = [] if start is None else [_beyond(columns, start, parameters, back=back)]
        order = ", ".join(
            f"{column} {'DESC' if descending != back else 'ASC'}" for column, descending in columns
        )
        found = _statement(where, driver, f"{keys}, {listing.select}", *more)
        return await tx.all(
            f"{found} ORDER BY {order} LIMIT :page_limit", page_limit=most, **parameters
        )

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
