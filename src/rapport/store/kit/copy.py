"""A whole store from one engine to another, or to the same: begun once, gone on with as often as it
takes, compared.

Rows go table by table in the order of their keys, which is the same on both engines, so that what a
target has of a table is always its beginning, and says by itself where to go on. The source is read
in one transaction, and is so of one moment. It may have changed since a copy was begun: then the
target is taken back to where the two part. No table refers to another one, so neither their order
nor a beginning of one breaks a constraint.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import NamedTuple

from rapport.store.kit import contents, migrate
from rapport.store.kit.contents import Contents, Digest, beyond, key_of, next_rows
from rapport.store.kit.db import BEGUN_COPY, DERIVED, Bulk, Row, StoredTable
from rapport.store.kit.progress import Watch

# Of the engine, and of this module.
_NOT_COPIED = frozenset({"migrations", BEGUN_COPY})
# How many pages of rows are committed together.
_PAGES = 20


class CannotCopy(Exception):
    """This source can't be copied to this target; one sentence says why."""


class Compared(NamedTuple):
    """A table of both stores."""

    table: str
    source: Contents
    target: Contents

    @property
    def is_same(self) -> bool:
        """They hold the same."""
        return self.source == self.target


async def check(source: Bulk) -> None:
    """See whether there is something to copy, before anything is made for it.

    Raises:
        CannotCopy: it is no store, an empty or unfinished one, or one of another version.
        EngineFailed: it can't be read.
    """
    async with source.transaction():
        await tables(source)
        await _identity(source)


async def copy(source: Bulk, target: Bulk, watch: Watch) -> list[Compared]:
    """Copy every row that the target does not have yet, then compare both; `finish` ends the copy.

    Raises:
        CannotCopy: the source is as `check` does not want it, or the target holds something else.
        EngineFailed: one of them can't go on. What is copied stays; the next copy goes on from
            there.
        NewerDatabase: a newer program wrote the target.
    """
    async with source.transaction():
        listed = await tables(source)
        is_begun = await _begin(target, await _identity(source), listed)
        watch.expects(2 * sum([await contents.count(source, table) for table in listed]))
        copying = [_Copying(source, target, table, watch) for table in listed]
        if is_begun:
            # Before anything is added: what has moved from one row to another since may not be
            # there twice.
            for one in copying:
                await one.keep()
        for one in copying:
            await one.add()
    async with target.transaction():
        return [
            Compared(one.table.name, one.digest.contents(), await _read(target, one.table, watch))
            for one in copying
        ]


async def finish(target: Bulk) -> None:
    """Make a copy, whose derived tables have been made anew, a store of its own; it is on disk when
    this returns.

    Raises:
        EngineFailed: it can't be done. The copy is still an unfinished one.
    """
    await target.settle()
    async with target.transaction():
        await target.run(f"DROP TABLE {BEGUN_COPY}")


# Beginning


def _is_copied(table: str) -> bool:
    return table not in _NOT_COPIED and not table.startswith(DERIVED)


async def tables(source: Bulk) -> list[StoredTable]:
    """The tables of a store that a copy and a backup take along; in a transaction.

    Raises:
        CannotCopy: it is no store, or one of another version.
    """
    found = await source.tables()
    names = {table.name for table in found}
    if "migrations" not in names:
        raise CannotCopy(f"there is no store in {source.place}")
    if BEGUN_COPY in names:
        raise CannotCopy(f"{source.place} is itself an unfinished copy")
    [(version,)] = await source.all("SELECT COALESCE(max(version), 0) FROM migrations")
    known = migrate.migrations()[-1].version
    if version != known:
        to_do = (
            "run rapport migrate on it first"
            if version < known
            else "install a newer rapport-server"
        )
        raise CannotCopy(
            f"the store in {source.place} is at version {version} and this program at {known}: "
            f"{to_do}"
        )
    return [table for table in found if _is_copied(table.name)]


async def stored_tables(store: Bulk) -> list[StoredTable]:
    """The same of a store at whatever version; in a transaction."""
    return [table for table in await store.tables() if _is_copied(table.name)]


async def _identity(source: Bulk) -> str:
    """What no two stores have in common: their first org, and when it was made.

    Raises:
        CannotCopy: it has none.
    """
    first = await source.all(
        "SELECT org, created_date FROM orgs ORDER BY created_date, org LIMIT 1"
    )
    if not first:
        raise CannotCopy(f"the store in {source.place} is empty")
    return "/".join(str(value) for value in first[0])


async def _begin(target: Bulk, identity: str, tables: Sequence[StoredTable]) -> bool:
    """Claim the target for a copy of this source; whether one was begun before.

    Raises:
        CannotCopy: it holds something else.
    """
    async with target.transaction():
        # Before it is migrated: it may be somebody's store.
        await _is_begun(target, identity)
    await target.migrate()
    async with target.transaction():
        is_begun = await _is_begun(target, identity)
        theirs = set(await stored_tables(target))
        if odd := theirs.symmetric_difference(tables):
            names = ", ".join(sorted({table.name for table in odd}))
            raise CannotCopy(
                f"FROM and TO differ in their tables ({names}), but a store has its database to "
                "itself"
            )
        if not is_begun:
            await target.run(f"CREATE TABLE {BEGUN_COPY} (source TEXT PRIMARY KEY)")
            await target.run(f"INSERT INTO {BEGUN_COPY} (source) VALUES (:source)", source=identity)
    return is_begun


async def _is_begun(target: Bulk, identity: str) -> bool:
    """Whether the target is an unfinished copy of this source; else it is empty.

    Raises:
        CannotCopy: it is neither.
    """
    names = [table.name for table in await target.tables()]
    if BEGUN_COPY in names:
        if await target.all(f"SELECT source FROM {BEGUN_COPY}") != [(identity,)]:
            raise CannotCopy(f"{target.place} is an unfinished copy of another store")
        return True
    await refuse_used(target, names)
    return False


async def refuse_used(target: Bulk, names: Iterable[str]) -> None:
    """Refuse a store with anything in these tables; in a transaction.

    Raises:
        CannotCopy: a table holds a row.
    """
    for name in names:
        if _is_copied(name) and await target.all(f'SELECT 1 FROM "{name}" LIMIT 1'):
            raise CannotCopy(f"{target.place} holds data already: name an empty place")


# Rows


class _Copying:
    """One table on its way: `after` is the last key that the target has."""

    def __init__(self, source: Bulk, target: Bulk, table: StoredTable, watch: Watch) -> None:
        self.table = table
        self.digest = Digest()
        self._source = source
        self._target = target
        self._watch = watch
        self._after: Row | None = None
        self._is_whole = False

    async def keep(self) -> None:
        """Take the target back to where it parts from the source."""
        same = contents.PAGE
        while same == contents.PAGE:
            rows = await next_rows(self._source, self.table, self._after)
            async with self._target.transaction():
                there = await next_rows(self._target, self.table, self._after)
                same = _common(rows, there)
                self._pass(rows[:same])
                if len(there) > same:
                    where, parameters = beyond(self.table, self._after)
                    await self._target.run(f'DELETE FROM "{self.table.name}"{where}', **parameters)

    async def add(self) -> None:
        """Copy what the target does not have."""
        while not self._is_whole:
            async with self._target.transaction():
                await self._target.add(self.table, self._pages())

    async def _pages(self) -> AsyncIterator[list[Row]]:
        """The next pages, as many as are committed together."""
        for _ in range(_PAGES):
            rows = await next_rows(self._source, self.table, self._after)
            self._pass(rows)
            yield rows
            if len(rows) < contents.PAGE:
                self._is_whole = True
                return

    def _pass(self, rows: Sequence[Row]) -> None:
        if rows:
            self.digest.add(rows)
            self._after = key_of(self.table, rows[-1])
            self._watch.passed(f"copying {self.table.name}", len(rows))


def _common(rows: Sequence[Row], others: Sequence[Row]) -> int:
    """How many rows are the same before the first that is not."""
    pairs = enumerate(zip(rows, others, strict=False))
    return next(
        (place for place, (row, other) in pairs if row != other), min(len(rows), len(others))
    )


async def _read(target: Bulk, table: StoredTable, watch: Watch) -> Contents:
    digest = Digest()
    async for rows in contents.pages(target, table):
        digest.add(rows)
        watch.passed(f"comparing {table.name}", len(rows))
    return digest.contents()
