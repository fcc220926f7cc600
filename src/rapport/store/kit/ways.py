"""The ways to the rows of a list: along an order, from what the filters' indexes have in common, or
from the rows of one filter.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rapport.contract.kit.paging import Cursor, Sort
from rapport.store.kit.db import Row, Tx, Value
from rapport.store.kit.filters import Asked, Column, Entries, Filter
from rapport.store.kit.keyset import Columns, Place, beyond, order_by, until

# From how many on rows that are equal in an order's first column are not sorted any more, but read
# along the next column's index.
_LARGE = 5_000
# How many entries beyond a page are read, in case that some of the page's are of deleted rows.
_SPARE = 50
# The same for a walk of each of several values, which goes on where that was too few.
_FEW = 8
# More entries than an index has.
_EVERY = 2**62
# The columns of an order by one field: that and what decides between equals.
_ONE_SORT = 2


def carried(where: Filter[Any], one: Asked) -> Mapping[str, str]:
    """What the index of a filter has beside the number; see `Entries`."""
    entries = one.by.entries(where.listing, one.values)
    return entries.carried if entries else {}


def _is_live(where: Filter[Any], one: Asked) -> bool:
    entries = one.by.entries(where.listing, one.values)
    return entries is not None and entries.all_live


def _arm(where: Filter[Any], entries: Entries, fields: Sequence[str], more: Sequence[str]) -> str:
    """SELECT of some of what an index carries: its first sort field, the number, other fields."""
    first = next(iter(entries.carried))
    columns = [
        f"{entries.carried[first]} AS {first}",
        f"{entries.number} AS number",
        *(f"{entries.carried[name]} AS {name}" for name in fields if name != first),
    ]
    conditions = " AND ".join([entries.scope, *where.within(entries.carried), *more])
    return f"SELECT {', '.join(columns)} FROM {entries.table} WHERE {conditions}"  # noqa: S608  # literals


def in_common(
    where: Filter[Any],
    asked: Sequence[Asked],
    fields: Sequence[str] = (),
    more: Callable[[Entries], Sequence[str]] = lambda _: (),
    *,
    without_gone: bool = False,
) -> str:
    """SELECT of what the indexes of filters have in common, each row once. SQLite merges those of
    one value, since all are in one order.

    Args:
        where: the rows that are asked for.
        asked: filters, each with an index that carries these fields.
        fields: what is wanted beside the first field and the number.
        more: conditions on an index.
        without_gone: leave out what filters lead to, but the list leaves out.
    """
    found = [one.by.entries(where.listing, one.values) for one in asked]
    arms = [entries for entries in found if entries]
    is_live = any(_is_live(where, one) for one in asked)
    selects = [_arm(where, entries, fields, more(entries)) for entries in arms]
    if len(asked) == 1 and not is_once(asked[0]):
        selects = [f"SELECT DISTINCT * FROM ({selects[0]}) AS several"]  # noqa: S608  # literals
    sql = " INTERSECT ".join(selects)
    gone = where.listing.gone
    if without_gone and gone and not is_live:
        sql = f"{sql} EXCEPT {_arm(where, gone, fields, more(gone))}"
    return sql


def is_once(one: Asked) -> bool:
    """No row has two of a filter's values."""
    return len(one.kept) == 1 or isinstance(one.by, Column)


def statement(where: Filter[Any], found: Sequence[Asked], what: str, *more: str) -> str:
    """Select something of the rows that match: of those that filters' indexes lead to, or of
    all.
    """
    listing = where.listing
    conditions = " AND ".join([where.beside(found), *more])
    if not found:
        return f"SELECT {what} FROM {listing.table} WHERE {conditions}"  # noqa: S608  # literals
    numbers = (
        f"SELECT number FROM ({in_common(where, found)}) AS common"  # noqa: S608
        if len(found) > 1
        else _numbers(where, found[0])
    )
    # Neither engine looks for another way through a table that is made first.
    return (
        f"WITH driven (number) AS MATERIALIZED ({numbers}) "  # noqa: S608
        f"SELECT {what} FROM driven CROSS JOIN {listing.table} "
        f"WHERE {listing.number} = driven.number AND {conditions}"
    )


def _numbers(where: Filter[Any], one: Asked) -> str:
    """SELECT of the numbers of a filter's rows, each once."""
    entries = one.by.entries(where.listing, one.values)
    if entries is None:
        raise ValueError(f"no index leads to the rows of {one.name}")
    # With one value, a row comes twice only where other things than filters' values lead to it. The
    # plus keeps SQLite from going through all links in the order of their key, unsorted.
    single = is_once(one) and (entries.carried or entries.table == where.listing.table)
    number = entries.number if single else f"DISTINCT +{entries.number}"
    return f"SELECT {number} FROM {entries.table} WHERE {entries.scope}"  # noqa: S608  # literals


@dataclass(frozen=True, slots=True)
class Ways:
    """Reads the rows that match in one order, from any place in it.

    Args:
        tx: the transaction.
        where: which rows.
        sorts: the order.
    """

    tx: Tx
    where: Filter[Any]
    sorts: Sequence[Sort]

    @property
    def columns(self) -> Columns:
        """The columns of the order; what decides between equals is the last."""
        listing = self.where.listing
        return self._in(listing.sorts, listing.last)

    def _in(self, names: Mapping[str, str], last: str) -> Columns:
        """The order in another table's columns."""
        columns = [(names[sort.field], sort.descending) for sort in self.sorts]
        return [*columns, (last, self.sorts[-1].descending)]

    def _what(self, columns: Columns) -> str:
        """The columns of the order, which cursors are made of, and those of a row."""
        return ", ".join([*(column for column, _ in columns), self.where.listing.select])

    async def _run(
        self, sql: str, columns: Columns, at: Place, parameters: Mapping[str, Value]
    ) -> list[Row]:
        """Run a statement in the order of columns."""
        return await self.tx.all(
            f"{sql} ORDER BY {order_by(columns, back=at.back)} LIMIT :page_limit",
            **{**self.where.parameters, **parameters, "page_limit": at.most},
        )

    async def _far(
        self,
        rows: str,
        columns: Columns,
        at: Place,
        parameters: Mapping[str, Value],
        far: int | None,
    ) -> Row | None:
        """The columns of the row that is so far away, if there is one."""
        if far is None:
            return None
        keys = ", ".join(column for column, _ in columns)
        return await self.tx.one(
            f"SELECT {keys} FROM {rows} "  # noqa: S608  # literals
            f"ORDER BY {order_by(columns, back=at.back)} LIMIT 1 OFFSET :far",
            **{**self.where.parameters, **parameters, "far": far},
        )

    async def fetched(self, asked: Sequence[Asked], at: Place) -> list[Row]:
        """From the rows that filters' indexes lead to."""
        parameters: dict[str, Value] = {}
        more = beyond(self.columns, at, parameters)
        sql = statement(self.where, asked, self._what(self.columns), *more)
        return await self._run(sql, self.columns, at, parameters)

    async def merged(self, asked: Sequence[Asked], at: Place) -> list[Row]:
        """From the first entries that filters' indexes have in common, which carry the order."""
        # To leave out what is gone costs more than to read some more: little is, as a rule.
        rows = await self._firsts(asked, at, _SPARE, without_gone=False)
        if len(rows) < at.most and not any(_is_live(self.where, one) for one in asked):
            rows = await self._firsts(asked, at, 0, without_gone=True)
        return rows

    async def _firsts(
        self, asked: Sequence[Asked], at: Place, spare: int, *, without_gone: bool
    ) -> list[Row]:
        """The rows of the first entries, and of so many spare ones."""
        listing, parameters = self.where.listing, dict[str, Value]()
        fields = [sort.field for sort in self.sorts]
        own = self._in({name: name for name in fields}, "number")

        def more(entries: Entries) -> list[str]:
            return beyond(self._in(entries.carried, entries.number), at, parameters)

        common = in_common(self.where, asked, fields, more, without_gone=without_gone)
        if fields != [*carried(self.where, asked[0])][:1]:
            # Merged in the indexes' order and sorted then: SQLite would sort each of them first.
            # A limit keeps it from walking the whole order for the entries of one.
            limit, parameters["every"] = " LIMIT :every" * (len(asked) == 1), _EVERY
            common = f"SELECT * FROM ({common}{limit}) AS common"  # noqa: S608  # literals
        parameters["firsts"] = at.most + spare
        firsts = f"{common} ORDER BY {order_by(own, back=at.back)} LIMIT :firsts"
        sql = (
            f"WITH firsts AS MATERIALIZED ({firsts}) "  # noqa: S608  # literals
            f"SELECT {self._what(self.columns)} FROM firsts CROSS JOIN {listing.table} "
            f"WHERE {listing.number} = firsts.number AND {listing.scope}"
        )
        return await self._run(sql, self.columns, at, parameters)

    async def led(self, one: Asked, bound: int | None, at: Place) -> list[Row] | None:
        """Along the index of a filter, which is in the order asked for; None where there are no
        full `most` among its first `bound` entries.
        """
        if len(one.kept) > 1:
            return await self._led_by_several(one, bound, at)
        listing, parameters = self.where.listing, dict[str, Value]()
        entries = one.by.entries(listing, one.values)
        if entries is None:
            return None
        columns = self._in(entries.carried, entries.number)
        more = [entries.scope, *self.where.within(entries.carried)]
        more += beyond(columns, at, parameters)
        rows = f"{entries.table} WHERE {' AND '.join(more)}"
        end = await self._far(rows, columns, at, parameters, bound)
        more += until(columns, end, at, parameters)
        tables = listing.table
        if entries.table != listing.table:
            tables = f"{entries.table} CROSS JOIN {listing.table}"
            more.append(f"{listing.number} = {entries.number}")
        conditions = " AND ".join([self.where.beside([one]), *more])
        sql = f"SELECT {self._what(columns)} FROM {tables} WHERE {conditions}"  # noqa: S608
        found = await self._run(sql, columns, at, parameters)
        return None if end and len(found) < at.most else found

    async def _led_by_several(self, one: Asked, bound: int | None, at: Place) -> list[Row] | None:
        """Along the index of a filter for each of its values, merged: some entries at a time, and
        more each time.
        """
        rows: list[Row] = []
        met, some, start = 0, at.most + _FEW, at
        while bound is None or met < bound:
            keys = await self._nearest(one, start._replace(most=some))
            rows += await self._with_numbers(one, [key[-1] for key in keys], at)
            if len(rows) >= at.most or len(keys) < some:
                return rows[: at.most]
            met, some, start = met + some, some * 2, start._replace(start=Cursor(keys[-1]))
        return None

    async def _nearest(self, one: Asked, at: Place) -> list[Row]:
        """The places of the first entries that a filter's values have, each once."""
        arms, parameters = [], dict[str, Value]()
        own = self._in({self.sorts[0].field: self.sorts[0].field}, "number")
        for position, value in enumerate(one.kept):
            name = f"arm_{position}"
            parameters[name] = value
            entries = one.by.entries(self.where.listing, f":{name}")
            if entries:
                columns = self._in(entries.carried, entries.number)
                arm = _arm(self.where, entries, (), beyond(columns, at, parameters))
                arms.append(
                    f"SELECT * FROM ({arm} ORDER BY {order_by(columns, back=at.back)} "  # noqa: S608
                    f"LIMIT :page_limit) AS {name}"
                )
        sql = f"SELECT DISTINCT * FROM ({' UNION ALL '.join(arms)}) AS arms"  # noqa: S608
        return await self._run(sql, own, at, parameters)

    async def _with_numbers(self, one: Asked, numbers: Sequence[int], at: Place) -> list[Row]:
        """Those rows of the ones with these numbers that match."""
        listing = self.where.listing
        sql = (
            f"SELECT {self._what(self.columns)} FROM rows(:met, number bigint) met "  # noqa: S608
            f"CROSS JOIN {listing.table} "
            f"WHERE {listing.number} = met.number AND {self.where.beside([one])}"
        )
        every = at._replace(most=len(numbers))
        return await self._run(sql, self.columns, every, {"met": [(one,) for one in numbers]})

    async def walked(self, bound: int | None, at: Place) -> list[Row] | None:
        """Along the order; None where there are no full `most` among its first `bound` rows."""
        listing, parameters = self.where.listing, dict[str, Value]()
        is_unordered = self.sorts[0].field in listing.unordered
        is_grouped = len(self.sorts) > 1 and not is_unordered
        # Groups of equals are read whole, or not at all.
        columns, near = (self.columns[:1], at.at_first()) if is_grouped else (self.columns, at)
        more = beyond(columns, near, parameters, "near")
        rows = f"{listing.table} WHERE {' AND '.join([listing.scope, *more])}"
        far = None if is_unordered else bound
        end = await self._far(rows, columns, at, parameters, far)
        more = until(columns, end, at, parameters)
        read = self._grouped if is_grouped else self._sorted
        found = await read(self.columns, more, at, parameters)
        return None if end and len(found) < at.most else found

    async def _sorted(
        self, columns: Columns, more: Sequence[str], at: Place, parameters: Mapping[str, Value]
    ) -> list[Row]:
        """In the order of columns, as the engine does it."""
        parameters = dict(parameters)
        conditions = [*more, *beyond(columns, at, parameters)]
        sql = statement(self.where, [], self._what(self.columns), *conditions)
        return await self._run(sql, columns, at, parameters)

    async def _grouped(
        self, columns: Columns, more: Sequence[str], at: Place, parameters: Mapping[str, Value]
    ) -> list[Row]:
        """In the order of columns, by the first one's index: few equals in it are sorted, many
        are read along the next column's index.
        """
        if len(columns) == _ONE_SORT:
            return await self._sorted(columns, more, at, parameters)
        (column, descending), rest = columns[0], columns[1:]
        depth = len(self.columns) - len(columns)
        ahead = "<" if descending != at.back else ">"
        rows: list[Row] = []
        if at.start and await self._is_large(column, at.start.key[0]):
            value = at.start.key[0]
            equal, kept = self._equal(column, value, depth)
            inner = at._replace(start=Cursor(at.start.key[1:], at.start.inclusive))
            rows = await self._grouped(rest, [*more, equal], inner, {**parameters, **kept})
            at = at._replace(start=None, most=at.most - len(rows))
            more = [*more, f"{column} {ahead} :passed_{depth}"]
            parameters = {**parameters, f"passed_{depth}": value}
        if not at.most:
            return rows
        edge = await self._edge(columns, more, at, parameters)
        if edge is None:
            return rows + await self._sorted(columns, more, at, parameters)
        is_large = await self._is_large(column, edge)
        sign = ("<" if ahead == ">" else ">") + ("" if is_large else "=")
        found = await self._sorted(
            columns,
            [*more, f"{column} {sign} :edge_{depth}"],
            at,
            {**parameters, f"edge_{depth}": edge},
        )
        rows += found
        if is_large:
            equal, kept = self._equal(column, edge, depth)
            inner = Place(None, at.back, at.most - len(found))
            rows += await self._grouped(rest, [*more, equal], inner, {**parameters, **kept})
        return rows

    @staticmethod
    def _equal(column: str, value: Value, depth: int) -> tuple[str, dict[str, Value]]:
        """A group's condition, of which SQLite makes no way to its rows; see `filters`."""
        return f"NOT {column} <> :group_{depth}", {f"group_{depth}": value}

    async def _edge(
        self, columns: Columns, more: Sequence[str], at: Place, parameters: Mapping[str, Value]
    ) -> Value:
        """What the last row of a page that were in the order of the first column alone has in
        it; None where there are fewer rows.
        """
        parameters = dict(parameters)
        conditions = [self.where.beside(), *more, *beyond(columns, at, parameters)]
        rows = f"{self.where.listing.table} WHERE {' AND '.join(conditions)}"
        found = await self._far(rows, columns[:1], at, parameters, at.most - 1)
        return found[0] if found else None

    async def _is_large(self, column: str, value: Value) -> bool:
        """Whether very many rows have this value."""
        listing = self.where.listing
        row = await self.tx.one(
            f"SELECT count(*) FROM (SELECT 1 FROM {listing.table} "  # noqa: S608  # literals
            f"WHERE {listing.scope} AND {column} = :value LIMIT :large) AS equals",
            **{**self.where.parameters, "value": value, "large": _LARGE},
        )
        return row is not None and row[0] >= _LARGE
