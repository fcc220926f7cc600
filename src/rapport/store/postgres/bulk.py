"""A whole database at once, for what is no request."""

import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, Self

from rapport.store.kit.db import CannotOpen, EngineFailed, Row, StoredTable, UniqueViolation, Value
from rapport.store.postgres import schema
from rapport.store.postgres.connect import Connector, Options
from rapport.store.postgres.driver import DRIVER, Unreachable, roll_back, sentence
from rapport.store.postgres.tx import BLOBS_LOCK, READING, PostgresTx
from rapport.store.postgres.urls import masked

# An arbitrary number: 'rapport' in ASCII, and one.
_COPY_LOCK = 0x726170706F7275
_BULK = "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"


class PostgresBulk:
    """One connection to a database for work that is no request; see `Bulk`.

    While it may write, another one holds a lock, so that of two copies to one database one is
    refused.
    """

    def __init__(self, options: Options, *, writes: bool) -> None:
        self.place = masked(options.url)
        self._connector = Connector(options)
        self._writes = writes
        self._opened: list[Any] = []
        # A crash may undo the last commits of a copy, and nothing else: it is resumed from where it
        # then is.
        self._sync = "off"

    @classmethod
    async def open(cls, options: Options, *, writes: bool) -> Self:
        """Open a database.

        Raises:
            CannotOpen: it can't be reached, can't be relied on, or another copy writes to it.
        """
        bulk = cls(options, writes=writes)
        try:
            await bulk._open()
        except CannotOpen:
            await bulk.close()
            raise
        except (Unreachable, OSError, *DRIVER) as error:
            await bulk.close()
            raise CannotOpen(
                f"the database {bulk.place} can't be opened: {sentence(error)}"
            ) from None
        return bulk

    async def _open(self) -> None:
        self._connection = await self._connect()
        if self._writes:
            await schema.check_server(self._connection)
            holder = await self._connect()
            await holder.execute(f"BEGIN; {_BULK}")
            if not await holder.fetchval(
                "SELECT pg_try_advisory_xact_lock($1::bigint)", _COPY_LOCK
            ):
                raise CannotOpen(f"another copy writes to {self.place}")

    async def _connect(self) -> Any:
        connection = await self._connector.connect()
        self._opened.append(connection)
        return connection

    @contextlib.contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except (*DRIVER, UniqueViolation, OSError) as error:
            raise EngineFailed(f"{self.place}: {sentence(error)}") from error

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """A transaction that sees one moment; see `Bulk.transaction`."""
        mode = (
            f"READ WRITE; SET LOCAL synchronous_commit = {self._sync}"
            if self._writes
            else "READ ONLY"
        )
        try:
            with self._failing():
                await self._connection.execute(
                    f"BEGIN ISOLATION LEVEL REPEATABLE READ {mode}; {_BULK}"
                )
            yield
            with self._failing():
                await self._connection.execute("COMMIT")
        except Exception:
            await roll_back(self._connection)
            raise
        except BaseException:
            # Interrupted: the server may be in the middle of something that takes its time.
            self._connection.terminate()
            raise

    @property
    def tx(self) -> PostgresTx:
        """The transaction, for what reads in one; see `Bulk.tx`."""
        return PostgresTx(self._connection, READING)

    async def all(self, sql: str, **parameters: Value) -> list[Row]:
        """Every row."""
        with self._failing():
            return await self.tx.all(sql, **parameters)

    async def run(self, sql: str, **parameters: Value) -> None:
        """Run a statement."""
        await self.all(sql, **parameters)

    async def tables(self) -> list[StoredTable]:
        """Every table, by name."""
        rows = await self.all(
            """
            SELECT own.relname::text, array_agg(col.attname::text
            ORDER BY col.attname::text COLLATE "C"), (
                SELECT array_agg(part.attname::text ORDER BY keyed.place) FROM pg_index i
                CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS keyed(number, place)
                JOIN pg_attribute part ON part.attrelid = own.oid AND part.attnum = keyed.number
                WHERE i.indrelid = own.oid AND i.indisprimary
            )
            FROM pg_class own
            JOIN pg_attribute col ON col.attrelid = own.oid AND col.attnum > 0
            AND NOT col.attisdropped
            WHERE own.relkind IN ('r', 'p') AND NOT own.relispartition
              AND own.relnamespace = current_schema()::regnamespace
            GROUP BY own.oid, own.relname
            """
        )
        return sorted(
            StoredTable(name, tuple(columns), tuple(key or ())) for name, columns, key in rows
        )

    async def add(self, table: StoredTable, pages: AsyncIterator[Sequence[Row]]) -> None:
        """Add rows by COPY: the server takes what it was sent while the next rows are read."""
        records = (row async for rows in pages for row in rows)
        with self._failing():
            await self._connection.copy_records_to_table(
                table.name, records=records, columns=table.columns
            )

    async def migrate(self, to: int | None = None) -> None:
        """Make or migrate the store where needed; see `Bulk.migrate`."""
        with self._failing():
            await schema.migrate(self._connection, to)

    async def keep_blobs(self) -> None:
        """Hold a lock on another connection; see `Bulk.keep_blobs`."""
        with self._failing():
            holder = await self._connect()
            await holder.execute(f"BEGIN; {_BULK}")
            await holder.fetchval("SELECT pg_advisory_xact_lock_shared($1::bigint)", BLOBS_LOCK)

    async def settle(self) -> None:
        """Count what is there, so that the first questions are planned for it."""
        self._sync = "on"
        async with self.transaction():
            names = ", ".join(f'"{table.name}"' for table in await self.tables())
            with self._failing():
                await self._connection.execute(f"ANALYZE {names}")

    async def close(self) -> None:
        """Close the connections."""
        for connection in self._opened:
            with contextlib.suppress(*DRIVER, OSError, TimeoutError):
                await connection.close(timeout=1)
