"""A transaction on one connection: statements by name of parameter, unique constraints by their
columns, numbers.
"""

import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from rapport.store.kit import numbers
from rapport.store.kit.db import Positional, Row, UniqueViolation, Value, positional, without_locks
from rapport.store.postgres.blocks import Blocks

# An arbitrary number: 'rapport' in ASCII, and two. Whoever shares it lets no blob be removed.
BLOBS_LOCK = 0x726170706F7276
# More than there are connections of most installations.
_STRIPES = 64


class Statements:
    """Each statement's text rewritten once, for a whole process."""

    def __init__(self, prepare: Callable[[str], str]) -> None:
        self._prepare = prepare
        self._known: dict[str, Positional] = {}

    def __getitem__(self, sql: str) -> Positional:
        statement = self._known.get(sql)
        if statement is None:
            statement = self._known[sql] = positional(self._prepare(sql))
        return statement


WRITING = Statements(lambda sql: sql)
READING = Statements(without_locks)


class PostgresTx:
    """A transaction on one connection."""

    __slots__ = ("_blocks", "_connection", "_constraints", "_statements", "stripe", "woken")

    def __init__(
        self,
        connection: Any,
        statements: Statements,
        blocks: Blocks | None = None,
        constraints: "Mapping[str, UniqueViolation] | None" = None,
    ) -> None:
        self._connection = connection
        self._statements = statements
        self._blocks = blocks
        self._constraints = constraints or {}
        self.stripe = connection.get_server_pid() % _STRIPES
        self.woken: set[str] = set()

    async def all(self, sql: str, **parameters: Value) -> list[Row]:
        """Every row."""
        statement = self._statements[sql]
        try:
            rows = await self._connection.fetch(statement.text, *statement.arguments(parameters))
        except asyncpg.UniqueViolationError as error:
            raise self._violation(error) from error
        return [tuple(row) for row in rows]

    async def one(self, sql: str, **parameters: Value) -> Row | None:
        """The first row, or None."""
        rows = await self.all(sql, **parameters)
        return rows[0] if rows else None

    async def run(self, sql: str, **parameters: Value) -> int:
        """Run a statement that changes rows; how many it changed."""
        statement = self._statements[sql]
        try:
            status = await self._connection.execute(
                statement.text, *statement.arguments(parameters)
            )
        except asyncpg.UniqueViolationError as error:
            raise self._violation(error) from error
        # Such as 'INSERT 0 3' and 'UPDATE 3'.
        return int(status.rpartition(" ")[2])

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A part that is undone alone; see `Tx.savepoint`."""
        await self._connection.execute("SAVEPOINT part")
        try:
            yield
        except Exception:
            await self._connection.execute("ROLLBACK TO SAVEPOINT part")
            raise
        await self._connection.execute("RELEASE SAVEPOINT part")

    async def touch(self) -> None:
        """Write a record of the log that belongs to no table."""
        await self.all("SELECT pg_logical_emit_message(true, 'rapport', '')::text")

    async def hold(self, names: Sequence[str]) -> None:
        """Hold names by advisory locks on their hashes; two names with one hash only wait for
        each other.
        """
        keys = {
            int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
            for name in names
        }
        await self.all(
            "SELECT pg_advisory_xact_lock(key) FROM rows(:keys, key bigint)",
            keys=[(key,) for key in sorted(keys)],
        )

    async def keeps_blobs(self) -> bool:
        """Whether a backup holds the lock that says so."""
        [(is_free,)] = await self.all(
            "SELECT pg_try_advisory_xact_lock(:key::bigint)", key=BLOBS_LOCK
        )
        return not is_free

    async def take_numbers(self, kind: str, wanted: Mapping[str, int]) -> dict[str, int]:
        """Take numbers from this process's blocks; an undone call leaves a gap."""
        return await self._own_blocks().take(kind, wanted)

    async def reserve_number(self, kind: str, org: str, number: int) -> None:
        """Move a counter, at once and for good: what other processes hold of their blocks they
        still hand out.
        """
        await self._own_blocks().reserve(kind, org, number)

    def wake(self, org: str) -> None:
        """Note the org for after the commit."""
        self.woken.add(org)

    def _own_blocks(self) -> Blocks:
        if self._blocks is None:
            raise RuntimeError("a read takes no numbers: it must not write, and here it would")
        return self._blocks

    def _violation(self, error: asyncpg.UniqueViolationError) -> UniqueViolation:
        known = self._constraints.get(error.constraint_name)
        if known is not None:
            return UniqueViolation(known.table, known.columns)
        # Of a migration that another process has run since this one started.
        columns = error.constraint_name.removeprefix(f"uq_{error.table_name}_")
        return UniqueViolation(error.table_name, (columns,))


class PooledTx(PostgresTx):
    """A write through a pooler. It takes numbers itself and holds the counters to its end.

    A connection for numbers could be one that the pooler gives only when this transaction is over.
    """

    __slots__ = ()

    async def keeps_blobs(self) -> bool:
        """Whether a backup holds the lock that says so."""
        [(is_free,)] = await self.all(
            "SELECT pg_try_advisory_xact_lock(:key::bigint)", key=BLOBS_LOCK
        )
        return not is_free

    async def take_numbers(self, kind: str, wanted: Mapping[str, int]) -> dict[str, int]:
        """Take numbers; those of an undone call are not lost."""
        return await numbers.advance(self, kind, wanted)

    async def reserve_number(self, kind: str, org: str, number: int) -> None:
        """Move a counter, for good once this is committed."""
        await numbers.advance_to(self, kind, org, number)
