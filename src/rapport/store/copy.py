"""A whole store from one engine to another, or to the same: begun once, gone on with as often as it takes, compared.

Rows go table by table in the order of their keys, which is the same on both engines, so that what a target has of a
table is always its beginning, and says by itself where to go on. The source is read in one transaction, and is so of
one moment. It may have changed since a copy was begun: then the target is taken back to where the two part.
No table refers to another one, so neither their order nor a beginning of one breaks a constraint.
"""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import msgspec

from rapport.store import migrate
from rapport.store.db import BEGUN_COPY, Bulk, Row, StoredTable, Tx, Value

# Of the engine, and of this module.
_NOT_COPIED = frozenset({"migrations", BEGUN_COPY})
# How many rows are read, written and committed together. The longest are some hundred kilobytes.
_ROWS = 4_000
# One value has one text: JSON, one row in a line.
_encode_lines = msgspec.json.Encoder().encode_lines


class CannotCopy(Exception):
    """This source can't be copied to this target; one sentence says why."""


class Watch(Protocol):
    """Who is told how far a copy is."""

    def expects(self, rows: int) -> None:
        """This many rows are still to pass: each one once when it is copied, and once when it is compared."""
        ...

    def passed(self, table: str, rows: int) -> None:
        """So many more have."""
        ...


class Contents(NamedTuple):
    """What a table holds: how many rows, and the SHA-256 of their text in the order of their keys."""

    rows: int
    sha256: str


class Compared(NamedTuple):
    """A table of both stores."""

    table: str
    source: Contents
    target: Contents

    @property
    def is_same(self) -> bool:
        """They hold the same."""
        return self.source == self.target


class _Digest:
    """What a table holds, while it is read."""

    def __init__(self) -> None:
        self._rows = 0
        self._hash = hashlib.sha256()

    def add(self, rows: Sequence[Row]) -> None:
        """Take in the next rows."""
        self._rows += len(rows)
        self._hash.update(_encode_lines(rows))

    def contents(self) -> Contents:
        """What was taken in."""
        return Contents(self._rows, self._hash.hexdigest())


async def copy(source: Bulk, target: Bulk, watch: Watch) -> list[Compared]:
    """Copy every row that the target does not have yet, then compare both; `finish` ends the copy.

    Raises:
        CannotCopy: the source is of another version, or the target holds something else.
        EngineFailed: one of them can't go on. What is copied stays; the next copy goes on from there.
    """
    async with source.transaction() as mine:
        tables = await _tables(source, mine)
        begun = await _begin(target, await _identity(source, mine), tables)
        watch.expects(2 * sum([await _count(mine, table) for table in tables]))
        copying = [_Copying(mine, target, table, watch) for table in tables]
        if begun:
            # Before anything is added: what has moved from one row to another since may not be there twice.
            for one in copying:
                await one.keep()
        for one in copying:
            await one.add()
    async with target.transaction() as theirs:
        return [
            Compared(one.table.name, one.digest.contents(), await _read(theirs, one.table, watch)) for one in copying
        ]


async def finish(target: Bulk) -> None:
    """Make a copy a store of its own."""
    async with target.transaction() as tx:
        await tx.all(f"DROP TABLE {BEGUN_COPY}")
    await target.settle()


# Beginning


async def _tables(source: Bulk, tx: Tx) -> list[StoredTable]:
    """The source's tables.

    Raises:
        CannotCopy: it is no store, or one of another version.
    """
    tables = await source.tables(tx)
    if "migrations" not in {table.name for table in tables}:
        raise CannotCopy(f"there is no store in {source.place}")
    if BEGUN_COPY in {table.name for table in tables}:
        raise CannotCopy(f"{source.place} is itself an unfinished copy")
    version = await tx.one("SELECT max(version) FROM migrations")
    newest = migrate.migrations()[-1].version
    if version != (newest,):
        raise CannotCopy(
            f"the store in {source.place} is at version {version and version[0]} and this program at {newest}: "
            "run rapport migrate of the newer one of them first"
        )
    return [table for table in tables if table.name not in _NOT_COPIED]


async def _identity(source: Bulk, tx: Tx) -> str:
    """What no two stores have in common: their first org, and when it was made.

    Raises:
        CannotCopy: it has none.
    """
    first = await tx.one("SELECT org, created_date FROM orgs ORDER BY created_date, org LIMIT 1")
    if first is None:
        raise CannotCopy(f"the store in {source.place} is empty")
    return f"{first[0]}/{first[1]}"


async def _begin(target: Bulk, identity: str, tables: Sequence[StoredTable]) -> bool:
    """Claim the target for a copy of this source; whether one was begun before.

    Raises:
        CannotCopy: it holds something else.
    """
    async with target.transaction() as tx:
        known = await target.tables(tx)
        if {table.name: set(table.columns) for table in known if table.name not in _NOT_COPIED} != {
            table.name: set(table.columns) for table in tables
        }:
            raise CannotCopy(f"{target.place} has other tables than the source")
        if BEGUN_COPY in {table.name for table in known}:
            if await tx.one(f"SELECT source FROM {BEGUN_COPY}") != (identity,):  # noqa: S608  # names of our own
                raise CannotCopy(f"{target.place} is an unfinished copy of another store")
            return True
        for table in tables:
            if await tx.one(f'SELECT 1 FROM "{table.name}" LIMIT 1') is not None:  # noqa: S608  # names of our own
                raise CannotCopy(f"{target.place} holds data already: a copy needs an empty place")
        await tx.all(f"CREATE TABLE {BEGUN_COPY} (source TEXT PRIMARY KEY)")
        await tx.run(f"INSERT INTO {BEGUN_COPY} (source) VALUES (:source)", source=identity)  # noqa: S608  # names of our own
    return False


# Rows


class _Copying:
    """One table on its way: `after` is the last key that the target has."""

    def __init__(self, mine: Tx, target: Bulk, table: StoredTable, watch: Watch) -> None:
        self.table = table
        self.digest = _Digest()
        self._mine = mine
        self._target = target
        self._watch = watch
        self._after: Row | None = None

    async def keep(self) -> None:
        """Take the target back to where it parts from the source."""
        same = _ROWS
        while same == _ROWS:
            rows = await _next(self._mine, self.table, self._after)
            async with self._target.transaction() as theirs:
                there = await _next(theirs, self.table, self._after)
                same = _common(rows, there)
                self._passed(rows[:same])
                if len(there) > same:
                    where, parameters = _beyond(self.table, self._after)
                    await theirs.run(f'DELETE FROM "{self.table.name}"{where}', **parameters)  # noqa: S608  # names of our own

    async def add(self) -> None:
        """Copy what the target does not have."""
        while rows := await _next(self._mine, self.table, self._after):
            async with self._target.transaction() as theirs:
                await self._target.add(theirs, self.table, rows)
            self._passed(rows)

    def _passed(self, rows: Sequence[Row]) -> None:
        if rows:
            self.digest.add(rows)
            self._after = _key(self.table, rows[-1])
            self._watch.passed(self.table.name, len(rows))


def _common(rows: Sequence[Row], others: Sequence[Row]) -> int:
    """How many rows are the same before the first that is not."""
    pairs = enumerate(zip(rows, others, strict=False))
    return next((place for place, (row, other) in pairs if row != other), min(len(rows), len(others)))


async def _read(tx: Tx, table: StoredTable, watch: Watch) -> Contents:
    digest = _Digest()
    after: Row | None = None
    while rows := await _next(tx, table, after):
        digest.add(rows)
        watch.passed(table.name, len(rows))
        after = _key(table, rows[-1])
    return digest.contents()


async def _count(tx: Tx, table: StoredTable) -> int:
    counted = await tx.one(f'SELECT count(*) FROM "{table.name}"')  # noqa: S608  # names of our own
    return int(counted[0]) if counted else 0


async def _next(tx: Tx, table: StoredTable, after: Row | None) -> list[Row]:
    """The rows that follow a key."""
    where, parameters = _beyond(table, after)
    return await tx.all(
        f'SELECT {_names(table.columns)} FROM "{table.name}"{where} ORDER BY {_names(table.key)} LIMIT {_ROWS}',  # noqa: S608  # names of our own
        **parameters,
    )


def _beyond(table: StoredTable, after: Row | None) -> tuple[str, dict[str, Value]]:
    if after is None:
        return "", {}
    parameters: dict[str, Value] = {f"key{place}": value for place, value in enumerate(after)}
    return f" WHERE ({_names(table.key)}) > ({', '.join(f':{name}' for name in parameters)})", parameters


def _key(table: StoredTable, row: Row) -> Row:
    return tuple(row[table.columns.index(column)] for column in table.key)


def _names(columns: Sequence[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)
