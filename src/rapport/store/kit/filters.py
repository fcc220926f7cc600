"""What a family's lists can be narrowed by and put in order by: declared once, by the names that
the wire has.

Whoever asks names only those: which column, table or index answers a filter is known here and in
the family's store module, and nowhere above the store. How a question is answered is `query`'s.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from rapport.store.kit.db import NO_DATE, Row, Value

T = TypeVar("T")
# Up to how many values stand in a statement each by itself.
_SPELLED_OUT = 8
# Turns the values that a filter asks for into those that the store holds.
Keep = Callable[[Sequence[Any]], Sequence[str | int]]


class Entries(NamedTuple):
    """An index that leads from an org and a value to rows.

    Args:
        table: what to read, with its alias.
        scope: which of its rows have one of the values that are asked for.
        number: SQL for the listed row's number, in that table.
        carried: sort field -> SQL in that table. The index is in the order of the first of them
            and the number, and has the others too; a row has the same in every filter's table.
        all_live: it has no entry of a row that the list leaves out.
    """

    table: str
    scope: str
    number: str
    carried: Mapping[str, str]
    all_live: bool

    @property
    def numbers(self) -> str:
        """SQL of the numbers."""
        return f"SELECT {self.number} FROM {self.table} WHERE {self.scope}"  # noqa: S608  # literals


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

    def entries(self, listing: "Listing[Any]", values: str) -> Entries | None:
        """The index that leads to such rows; None where there is none."""
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
        carried: what that index has beside; see `Entries`.
    """

    column: str
    sql_type: str = "text"
    kept: Keep = list
    indexed: bool = False
    summed: bool = False
    carried: Mapping[str, str] = field(default_factory=dict)

    def matches(self, values: str) -> str:
        """The column has one of them."""
        return _is_any(self.column, values) if self.indexed else f"{self.column} IN ({values})"

    def entries(self, listing: "Listing[Any]", values: str) -> Entries | None:
        """The column's index."""
        if not self.indexed:
            return None
        scope = f"{listing.scope} AND {self.column} IN ({values})"
        return Entries(listing.table, scope, listing.number, self.carried, all_live=True)


def _is_any(column: str, values: str) -> str:
    """A column has one of the values, said so that SQLite looks at rows that it has found
    otherwise: it would take the value's index for the better way, however many have the value.
    PostgreSQL, which knows how many do, reads it as the plain form.
    """
    return f"NOT {column} NOT IN ({values})"


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
        carried: what that index has beside; see `Entries`.
        all_live: rows that the list leaves out have none there.
    """

    table: str
    leads: str
    column: str
    kept: Keep = list
    sql_type: str = "text"
    number: str = ""
    scope: str = ""
    summed: bool = False
    carried: Mapping[str, str] = field(default_factory=dict)
    all_live: bool = False

    def matches(self, values: str) -> str:
        """One of those rows has one of them."""
        # What carries dates is better met by the row's own key than by the value.
        has = _is_any(self.column, values) if self.carried else f"{self.column} IN ({values})"
        return f"EXISTS (SELECT 1 FROM {self.table} WHERE {self.leads} AND {has})"  # noqa: S608  # literals

    def entries(self, listing: "Listing[Any]", values: str) -> Entries | None:  # noqa: ARG002
        """The other table's index."""
        if not self.number:
            return None
        scope = f"{self.scope} AND {self.column} IN ({values})"
        return Entries(self.table, scope, self.number, self.carried, self.all_live)


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

    def entries(self, listing: "Listing[Any]", values: str) -> Entries | None:  # noqa: ARG002
        """No index has it."""
        return None


@dataclass(frozen=True, slots=True)
class Range:
    """A range of a column of another table, which has an index of it and the listed row's number.
    The listing has the column too, and the range among its conditions.

    Args:
        table: the other table, with an alias.
        scope: which of its rows are meant, with the range.
        number: SQL for the listed row's number there.
    """

    table: str
    scope: str
    number: str
    sql_type: str = "bigint"
    kept: Keep = list
    summed: bool = False

    def matches(self, values: str) -> str:  # noqa: ARG002
        """As the condition says."""
        return "1 = 1"

    def entries(self, listing: "Listing[Any]", values: str) -> Entries | None:  # noqa: ARG002
        """The other table's index."""
        return Entries(self.table, self.scope, self.number, {}, all_live=False)


@dataclass(frozen=True, slots=True)
class Numbered:
    """A filter by the listed rows' own numbers, which were found otherwise."""

    sql_type: str = "bigint"
    kept: Keep = list
    summed: bool = False
    column: str = ""

    def matches(self, values: str) -> str:
        """The number is one of them."""
        return f"{self.column} IN ({values})"

    def entries(self, listing: "Listing[Any]", values: str) -> Entries | None:  # noqa: ARG002
        """The numbers themselves."""
        return Entries(f"({values}) AS chosen", "true", "chosen.number", {}, all_live=False)


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
        gone: like `Entries`, those of rows that the list leaves out though filters lead to them.
        unordered: the sort fields whose order no index has.
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
    gone: Entries | None = None
    unordered: Collection[str] = ()

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
    ranges: list[tuple[str, str]] = field(default_factory=list)
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
            sql = sub_select("value", parameter, by.sql_type)
        self.asked.append(Asked(name, by, sql, kept))

    def only(self, name: str, numbers: Sequence[int]) -> None:
        """Keep rows with these numbers, which a question `name` has found."""
        if not numbers:
            self.nothing()
            return
        self.parameters[name] = [(number,) for number in numbers]
        by, values = Numbered(column=self.listing.number), sub_select("number", name, "bigint")
        self.asked.append(Asked(name, by, values, numbers))

    def between(self, name: str, after: int | None, before: int | None) -> None:
        """Keep rows with the date `name` between the bounds that are given, which are exclusive.

        Rows without the date are left out, even if no bound is given.
        """
        _, optional = self.listing.dates[name]
        if optional:
            self._within(name, "is_none", ">", NO_DATE)
        if after is not None:
            self._within(name, "after", ">", after)
        if before is not None:
            self._within(name, "before", "<", before)

    def _within(self, name: str, end: str, sign: str, date: int) -> None:
        self.ranges.append((name, f"{sign} :{name}_{end}"))
        self.where(f"{self.listing.dates[name].column} {sign} :{name}_{end}")
        self.parameters[f"{name}_{end}"] = date

    def nothing(self) -> None:
        """Let no row through."""
        self.is_empty = True

    @property
    def is_plain(self) -> bool:
        """Nothing but filters by values narrows it."""
        return len(self.conditions) == 1

    def within(self, carried: Mapping[str, str]) -> list[str]:
        """The ranges of dates, of an index that has them."""
        return [f"{carried[name]} {bound}" for name, bound in self.ranges if name in carried]

    def is_within(self, carried: Mapping[str, str]) -> bool:
        """Nothing narrows it but filters by values, and ranges of dates that an index has."""
        return len(self.conditions) == 1 + len(self.within(carried))

    def beside(self, found: Sequence[Asked] = ()) -> str:
        """All conditions, but for the filters by which rows were found."""
        asked = [one.by.matches(one.values) for one in self.asked if one not in found]
        return " AND ".join([*self.conditions, *asked])

    def __str__(self) -> str:
        return self.beside()


def sub_select(column: str, parameter: str, sql_type: str) -> str:
    """SQL of the values of a list parameter."""
    return f"SELECT {column} FROM rows(:{parameter}, {column} {sql_type})"  # noqa: S608  # literals
