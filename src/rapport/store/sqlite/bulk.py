"""A whole file at once, for what is no request."""

import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import apsw

from rapport.store.kit.db import CannotOpen, EngineFailed, Row, StoredTable, UniqueViolation, Value
from rapport.store.sqlite import keeping
from rapport.store.sqlite.file import connect, ensure, migrate
from rapport.store.sqlite.tx import SqliteTx

# Pages of the log between two checkpoints, and kibibytes of pages in memory: few and large, because
# nobody waits.
_BULK_PAGES = 40_000
_BULK_CACHE = 262_144


class SqliteBulk:
    """One SQLite file for work that is no request; see `Bulk`."""

    def __init__(self, path: Path, *, writes: bool) -> None:
        """Open the file; to write, making it where it is missing.

        Raises:
            CannotOpen: it is no database, is empty or broken, or the disk is full or away.
        """
        self.place = str(path.parent)
        self._path = path
        ensure(path)
        try:
            # A power cut may undo the last commits of a copy, and nothing else: it is resumed from
            # where it then is.
            self._connection = connect(path, "normal", reader=not writes)
            self._connection.execute(f"PRAGMA cache_size = -{_BULK_CACHE}")
            self._connection.execute(f"PRAGMA wal_autocheckpoint = {_BULK_PAGES}")
        except apsw.Error as error:
            raise CannotOpen(f"{path} can't be opened: {error}") from error
        self.tx = SqliteTx(self._connection)
        self._kept = contextlib.ExitStack()

    @contextlib.contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except (apsw.Error, UniqueViolation) as error:
            raise EngineFailed(f"{self.place}: {error}") from error

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """A transaction that sees one moment; see `Bulk.transaction`."""
        try:
            with self._failing():
                self._connection.execute("BEGIN")
            yield
            with self._failing():
                self._connection.execute("COMMIT")
        finally:
            if self._connection.in_transaction:
                with contextlib.suppress(apsw.Error):
                    self._connection.execute("ROLLBACK")

    async def all(self, sql: str, **parameters: Value) -> list[Row]:
        """Every row."""
        with self._failing():
            return await self.tx.all(sql, **parameters)

    async def run(self, sql: str, **parameters: Value) -> None:
        """Run a statement."""
        with self._failing():
            await self.tx.run(sql, **parameters)

    async def tables(self) -> list[StoredTable]:
        """Every table, by name."""
        rows = await self.all(
            """
            SELECT listed.name, named.name, named.pk FROM sqlite_master listed
            JOIN pragma_table_info(listed.name) named
            WHERE listed.type = 'table' AND listed.name NOT LIKE 'sqlite^_%' ESCAPE '^'
            ORDER BY listed.name, named.name
            """
        )
        found: dict[str, list[tuple[str, int]]] = {}
        for table, column, place in rows:
            found.setdefault(table, []).append((column, place))
        return [
            StoredTable(
                table,
                tuple(column for column, _ in columns),
                tuple(
                    column
                    for place, column in sorted((place, column) for column, place in columns)
                    if place
                ),
            )
            for table, columns in found.items()
        ]

    async def add(self, table: StoredTable, pages: AsyncIterator[Sequence[Row]]) -> None:
        """Add rows one by one: a prepared statement takes them faster than a statement over a
        list reads it.
        """
        names = ", ".join(f'"{column}"' for column in table.columns)
        values = ", ".join("?" for _ in table.columns)
        statement = f'INSERT INTO "{table.name}" ({names}) VALUES ({values})'  # noqa: S608  # names from the schema
        async for rows in pages:
            with self._failing():
                self._connection.executemany(statement, rows)

    async def migrate(self, to: int | None = None) -> None:
        """Make or migrate the store where needed; see `Bulk.migrate`."""
        with self._failing():
            migrate(self._connection, self._path, to)

    async def keep_blobs(self) -> None:
        """Hold a file beside the store; see `Bulk.keep_blobs`."""
        try:
            self._kept.enter_context(keeping.hold(self._path))
        except OSError as error:
            raise EngineFailed(f"{self.place}: {error.strerror or error}") from error

    async def settle(self) -> None:
        """Bring everything from the log into the file."""
        with self._failing():
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)

    async def close(self) -> None:
        """Close the connection, and let go of blobs."""
        self._connection.close()
        self._kept.close()
