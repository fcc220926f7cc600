"""SQLite behind the store interface: one writer connection with group commit, readers beside it.

Statements run in the event loop, because a prepared statement on a cached page takes microseconds; the COMMIT, which
waits for the disk, runs in a thread. What arrives meanwhile is the next batch.
"""

import asyncio
import contextlib
import re
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import apsw
import msgspec
import structlog

from rapport.store import migrate, numbers
from rapport.store.db import (
    BEGUN_COPY,
    UNFINISHED,
    Batch,
    CannotOpen,
    Committed,
    EngineFailed,
    Row,
    StoredTable,
    UniqueViolation,
    Value,
    expand_rows,
    unavailable,
    without_locks,
)

R = TypeVar("R")
C = TypeVar("C")

_log = structlog.get_logger("rapport.store")
_UNIQUE = re.compile(r"UNIQUE constraint failed: (.+)")

_CHECKPOINT_PAGES = 4_000
_RESTART_PAGES = 40_000
_RESTART_MILLISECONDS = 200
# How long to leave another program its lock before asking again.
_LOCKED_SECONDS = 0.02
_encode = msgspec.json.Encoder().encode
DIALECT = {"text": "TEXT", "clustered": "WITHOUT ROWID"}


def _json_table(name: str, columns: Sequence[tuple[str, str]], alias: str) -> str:
    picked = ", ".join(f"value ->> {position} AS {column}" for position, (column, _) in enumerate(columns))
    return f"(SELECT {picked} FROM json_each(:{name})) AS {alias}"  # noqa: S608  # names from our own SQL


class SqliteTx:
    """A transaction on one connection. Nothing in it ever waits, so it may run in the event loop."""

    __slots__ = ("_connection", "_statements", "woken")

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._statements: dict[str, tuple[str, frozenset[str]]] = {}
        self.woken: set[str] = set()

    def _execute(self, sql: str, parameters: dict[str, Value]) -> apsw.Cursor:
        prepared = self._statements.get(sql)
        if prepared is None:
            # One writer at a time: nothing else can change a row that this transaction has read.
            prepared = self._statements[sql] = expand_rows(without_locks(sql), _json_table)
        text, lists = prepared
        for name in lists:
            parameters[name] = _encode(parameters[name]).decode()
        try:
            return self._connection.execute(text, parameters)
        except apsw.ConstraintError as error:
            raise _violation(error) from error

    async def all(self, sql: str, **parameters: Value) -> list[Row]:
        """Every row."""
        return self._execute(sql, parameters).fetchall()

    async def one(self, sql: str, **parameters: Value) -> Row | None:
        """The first row, or None."""
        cursor = self._execute(sql, parameters)
        row: Row | None = cursor.fetchone()
        cursor.close()
        return row

    async def run(self, sql: str, **parameters: Value) -> int:
        """Run a statement that changes rows; how many it changed."""
        self._execute(sql, parameters).fetchall()
        return self._connection.changes()

    async def hold(self, names: Sequence[str]) -> None:
        """Nothing: there is one writer."""

    async def take_numbers(self, kind: str, wanted: Mapping[str, int]) -> dict[str, int]:
        """Take numbers from the counters; an undone call gives them back."""
        return await numbers.advance(self, kind, wanted)

    async def reserve_number(self, kind: str, org: str, number: int) -> None:
        """Move a counter."""
        await numbers.advance_to(self, kind, org, number)

    def wake(self, org: str) -> None:
        """Note the org for after the commit."""
        self.woken.add(org)


def _violation(error: apsw.ConstraintError) -> Exception:
    match = _UNIQUE.search(str(error))
    if match is None:
        return error
    columns = [column.strip().split(".") for column in match[1].split(",")]
    return UniqueViolation(columns[0][0], tuple(name for _, name in columns if name != "org"))


def _finish(work: Coroutine[Any, Any, R]) -> R:
    """Run a coroutine that never waits.

    Raises:
        RuntimeError: it waited for something that is not the transaction.
    """
    try:
        work.send(None)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
    work.close()
    raise RuntimeError("work in a transaction may await nothing but the transaction")


@dataclass(slots=True, eq=False)
class _Waiting:
    batch: Batch[Any, Any]
    call: Any
    deadline: float
    future: asyncio.Future[Any]


class SqliteStore:
    """One SQLite file. Open it once per process, and in one process only."""

    def __init__(self, path: Path, *, sync: str = "full") -> None:
        """Open the file, making or migrating it where needed.

        Args:
            path: of the database file.
            sync: `full`, or `normal`, which may lose the last commits when the machine loses power.

        Raises:
            CannotOpen: it is no database, is broken, or the disk is full or away.
            migrate.NewerDatabase: a newer program wrote it.
        """
        self._path = path
        self._sync = sync
        try:
            self._writer = _connect(path, sync)
            _refuse_unfinished(self._writer, path)
            _migrate(self._writer, path)
        except apsw.Error as error:
            if not _engine_is_gone(error):
                raise
            raise CannotOpen(f"{path} can't be opened: {error}") from error
        wanted = 2 if sync == "full" else 1
        if self._writer.pragma("synchronous") != wanted or self._writer.pragma("journal_mode") != "wal":
            raise RuntimeError("SQLite did not take the durability settings")
        self._writer.set_busy_timeout(0)
        self._writer.set_wal_hook(self._on_wal)
        self._wal_pages = 0
        self._checkpointing = False
        self._writer_tx = SqliteTx(self._writer)
        self._reader = _Reader(path, sync)
        self._heavy = threading.local()
        self._commits = ThreadPoolExecutor(1, thread_name_prefix="commit")
        self._reads = ThreadPoolExecutor(4, thread_name_prefix="read")
        self._queue: list[_Waiting] = []
        self._running: list[_Waiting] = []
        self._committer: asyncio.Task[None] | None = None
        self._watchdog: asyncio.Task[None] | None = None
        self._closing = False
        self._committed: list[Committed] = []

    # Reading

    async def read(self, work: Callable[[Any], Coroutine[Any, Any, R]], *, deadline: float, heavy: bool = False) -> R:
        """Run `work` in one snapshot; see `Store.read`."""
        if heavy:
            loop = asyncio.get_running_loop()
            reading = loop.run_in_executor(self._reads, self._read_in_thread, work, deadline)
            try:
                async with asyncio.timeout(deadline - time.monotonic()):
                    return await reading
            except TimeoutError:
                raise unavailable("reading waited too long") from None
        reader = self._reader
        if not reader.is_open:
            # Everything that is read in this turn of the loop shares a snapshot: taking one costs more than a look-up.
            # What is committed meanwhile is answered, and so asked for again, in a later turn.
            asyncio.get_running_loop().call_soon(reader.end)
        return reader.read(work, deadline)

    def _read_in_thread(self, work: Callable[[Any], Coroutine[Any, Any, R]], deadline: float) -> R:
        reader: _Reader | None = getattr(self._heavy, "reader", None)
        if reader is None:
            reader = self._heavy.reader = _Reader(self._path, self._sync)
        try:
            return reader.read(work, deadline)
        finally:
            reader.end()

    # Writing

    async def write(self, batch: Batch[C, R], call: C, *, deadline: float) -> R:
        """Run one call of a batch; see `Store.write`."""
        if self._closing:
            raise unavailable("it is being closed")
        loop = asyncio.get_running_loop()
        waiting = _Waiting(batch, call, deadline, loop.create_future())
        self._queue.append(waiting)
        if self._committer is None:
            self._committer = loop.create_task(self._commit_all())
        if self._watchdog is None:
            self._watchdog = loop.create_task(self._watch())
        return await waiting.future  # type: ignore[no-any-return]

    async def _commit_all(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._queue:
                # One turn of the loop lets every request that has arrived join this batch.
                await asyncio.sleep(0)
                begun = await self._begin()
                self._refuse_late(self._queue)
                self._running = [waiting for waiting in self._queue if not waiting.future.done()]
                self._queue = []
                outcomes = self._apply(self._running) if begun else self._refuse(self._running)
                if outcomes is None:
                    continue
                try:
                    await loop.run_in_executor(self._commits, self._commit)
                except apsw.Error as error:
                    self._roll_back()
                    _log.error("commit_failed", error=str(error))
                    outcomes = [(waiting, unavailable("it can't write")) for waiting in self._running]
                _settle(outcomes)
                self._running = []
                self._tell()
        finally:
            self._committer = None

    def on_commit(self, call: Committed) -> None:
        """Call this after commits; see `Store.on_commit`."""
        self._committed.append(call)

    def _tell(self) -> None:
        woken, self._writer_tx.woken = self._writer_tx.woken, set()
        if woken:
            for call in self._committed:
                call(woken)

    async def _begin(self) -> bool:
        """Begin a transaction; False when that fails, or when nobody waits for it any more.

        Another program's lock on the file is waited for beside the readers, not in their way.
        """
        while True:
            try:
                self._writer.execute("BEGIN IMMEDIATE")
            except apsw.BusyError:
                self._refuse_late(self._queue)
                if all(waiting.future.done() for waiting in self._queue):
                    return False
                await asyncio.sleep(_LOCKED_SECONDS)
            except apsw.Error as error:
                _log.error("begin_failed", error=str(error))
                return False
            else:
                return True

    @staticmethod
    def _refuse(calls: list[_Waiting]) -> None:
        _settle([(waiting, unavailable("it can't write")) for waiting in calls])

    def _apply(self, calls: list[_Waiting]) -> list[tuple[_Waiting, Any]] | None:
        """Run the statements of all calls in the open transaction; None when it could not be kept."""
        try:
            outcomes: list[tuple[_Waiting, Any]] = []
            for group in _groups(calls):
                outcomes += zip(group, self._apply_group(group), strict=True)
        except apsw.Error as error:
            self._roll_back()
            _log.error("write_failed", error=str(error))
            self._refuse(calls)
            return None
        return outcomes

    def _apply_group(self, group: list[_Waiting]) -> Sequence[Any]:
        batch = group[0].batch
        if len(group) > 1:
            results = self._try(batch, [waiting.call for waiting in group])
            if results is not None:
                return results
        return [self._try_alone(batch, waiting.call) for waiting in group]

    def _try(self, batch: Batch[Any, Any], calls: list[Any]) -> Sequence[Any] | None:
        """Run calls together; None, with nothing written, when they have to go alone."""
        self._writer.execute("SAVEPOINT calls")
        try:
            results: Sequence[Any] = _finish(_awaited(batch.run(self._writer_tx, calls)))
        except apsw.Error as error:
            if _engine_is_gone(error):
                raise
            results = []
        except Exception:  # noqa: BLE001  # whatever one call did, the others must not feel it; it is raised again alone
            results = []
        if not results:
            self._writer.execute("ROLLBACK TO calls")
        self._writer.execute("RELEASE calls")
        return results or None

    def _try_alone(self, batch: Batch[Any, Any], call: Any) -> Any:
        self._writer.execute("SAVEPOINT call")
        try:
            result = _finish(_awaited(batch.run(self._writer_tx, [call])))[0]
        except apsw.Error as error:
            if _engine_is_gone(error):
                raise
            result = error
        except Exception as error:  # noqa: BLE001  # the caller gets it
            result = error
        if isinstance(result, Exception):
            self._writer.execute("ROLLBACK TO call")
        self._writer.execute("RELEASE call")
        return result

    def _commit(self) -> None:
        self._writer.execute("COMMIT")
        if self._wal_pages > _RESTART_PAGES:
            # Readers that always lag keep a passive checkpoint from ever starting the log anew; this waits for them.
            self._writer.set_busy_timeout(_RESTART_MILLISECONDS)
            with contextlib.suppress(apsw.Error):
                self._writer.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_RESTART)
            self._writer.set_busy_timeout(0)
            self._wal_pages = 0

    def _roll_back(self) -> None:
        if self._writer.in_transaction:
            with contextlib.suppress(apsw.Error):
                self._writer.execute("ROLLBACK")

    def _on_wal(self, _connection: apsw.Connection, _database: str, pages: int) -> int:
        self._wal_pages = pages
        if pages >= _CHECKPOINT_PAGES and not self._checkpointing:
            self._checkpointing = True
            self._reads.submit(self._checkpoint)
        return apsw.SQLITE_OK

    def _checkpoint(self) -> None:
        """Move the log's pages into the file; a passive checkpoint stalls nobody."""
        try:
            connection = _connect(self._path, self._sync)
            connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            connection.close()
        except apsw.Error as error:
            _log.warning("checkpoint_failed", error=str(error))
        finally:
            self._checkpointing = False

    async def _watch(self) -> None:
        """Answer 503 for calls whose deadline passes while they wait; one timer for all of them."""
        while True:
            await asyncio.sleep(0.1)
            self._refuse_late([*self._queue, *self._running])

    def _refuse_late(self, calls: Sequence[_Waiting]) -> None:
        now = time.monotonic()
        for waiting in calls:
            if waiting.deadline <= now and not waiting.future.done():
                waiting.future.set_exception(unavailable("the write waited too long"))

    async def close(self) -> None:
        """Finish what was taken, then close every connection."""
        self._closing = True
        if self._committer is not None:
            await self._committer
        if self._watchdog is not None:
            self._watchdog.cancel()
        self._commits.shutdown()
        self._reads.shutdown()
        self._reader.close()
        self._writer.close()


class _Reader:
    """A connection that reads, and the snapshot that it holds."""

    def __init__(self, path: Path, sync: str) -> None:
        self._connection = _connect(path, sync, reader=True)
        self._tx = SqliteTx(self._connection)
        self._deadline = 0.0
        self._connection.set_progress_handler(lambda: time.monotonic() > self._deadline, 20_000)
        self.is_open = False

    def read(self, work: Callable[[Any], Coroutine[Any, Any, R]], deadline: float) -> R:
        """Run `work` in the snapshot, taking one if there is none; `end` lets go of it."""
        self._deadline = deadline
        try:
            if not self.is_open:
                self._connection.execute("BEGIN")
                self.is_open = True
            return _finish(work(self._tx))
        except apsw.InterruptError as error:
            self.end()
            raise unavailable("reading took too long") from error
        except (apsw.FullError, apsw.IOError, apsw.CantOpenError, apsw.BusyError) as error:
            self.end()
            raise unavailable("it can't read") from error

    def end(self) -> None:
        """Let go of the snapshot."""
        if self.is_open:
            self.is_open = False
            with contextlib.suppress(apsw.Error):
                self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the connection."""
        self.end()
        self._connection.close()


async def _awaited(work: Any) -> Any:
    return await work


def _groups(calls: list[_Waiting]) -> list[list[_Waiting]]:
    """Calls of one batch that may run together, in the order in which the first of each arrived."""
    groups: dict[int, list[_Waiting]] = {}
    for position, waiting in enumerate(calls):
        key = id(waiting.batch) if waiting.batch.together else -position - 1
        groups.setdefault(key, []).append(waiting)
    return list(groups.values())


def _settle(outcomes: Sequence[tuple[_Waiting, Any]]) -> None:
    for waiting, result in outcomes:
        if waiting.future.done():
            continue
        if isinstance(result, Exception):
            waiting.future.set_exception(result)
        else:
            waiting.future.set_result(result)


def _engine_is_gone(error: apsw.Error) -> bool:
    """The disk or the file, and not this statement, is at fault."""
    return isinstance(error, _GONE)


_GONE = (apsw.FullError, apsw.IOError, apsw.ReadOnlyError, apsw.CorruptError, apsw.NotADBError, apsw.CantOpenError,
         apsw.BusyError)  # fmt: skip


def _connect(path: Path, sync: str, *, reader: bool = False) -> apsw.Connection:
    connection = apsw.Connection(str(path), statementcachesize=500)
    connection.set_busy_timeout(2_000)
    for pragma in ("journal_mode = WAL", f"synchronous = {sync}", "wal_autocheckpoint = 0", "cache_size = -32768",
                   "temp_store = MEMORY", "foreign_keys = ON"):  # fmt: skip
        connection.execute(f"PRAGMA {pragma}")
    if reader:
        connection.execute("PRAGMA query_only = ON")
    return connection


def _migrate(connection: apsw.Connection, path: Path) -> None:
    connection.execute(
        "CREATE TABLE IF NOT EXISTS migrations (version INTEGER PRIMARY KEY, compatible INTEGER NOT NULL)"
    )
    row = connection.execute("SELECT max(version), max(compatible) FROM migrations").fetchone()
    version, compatible = (row[0] or 0, row[1] or 0) if row else (0, 0)
    migrate.check(version, compatible)
    pending = migrate.pending(version)
    if version and pending:
        _back_up(connection, path.with_name(f"{path.name}.before-{pending[-1].version}"))
    for step in pending:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(step.sql.format(**DIALECT))
        connection.execute("INSERT INTO migrations VALUES (?, ?)", (step.version, step.compatible))
        connection.execute("COMMIT")


def _refuse_unfinished(connection: apsw.Connection, path: Path) -> None:
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (BEGUN_COPY,)).fetchone():
        connection.close()
        raise CannotOpen(f"{path} can't be opened: {UNFINISHED}")


def _back_up(connection: apsw.Connection, path: Path) -> None:
    target = apsw.Connection(str(path))
    with target.backup("main", connection, "main") as backup:
        backup.step(-1)
    target.close()


# Whole stores

# Pages of the log between two checkpoints, and kibibytes of pages in memory: few and large, because nobody waits.
_BULK_PAGES = 40_000
_BULK_CACHE = 262_144


class SqliteBulk:
    """One SQLite file for work that is no request; see `Bulk`."""

    def __init__(self, path: Path, *, writes: bool) -> None:
        """Open the file; to write, making it where it is missing.

        Raises:
            CannotOpen: it is no database, is broken, or the disk is full or away.
        """
        self.place = str(path.parent)
        self._path = path
        try:
            # A power cut may undo the last commits of a copy, and nothing else: it is resumed from where it then is.
            self._connection = _connect(path, "normal", reader=not writes)
            self._connection.execute(f"PRAGMA cache_size = -{_BULK_CACHE}")
            self._connection.execute(f"PRAGMA wal_autocheckpoint = {_BULK_PAGES}")
        except apsw.Error as error:
            raise CannotOpen(f"{path} can't be opened: {error}") from error
        self._tx = SqliteTx(self._connection)

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
            return await self._tx.all(sql, **parameters)

    async def run(self, sql: str, **parameters: Value) -> None:
        """Run a statement."""
        with self._failing():
            await self._tx.run(sql, **parameters)

    async def tables(self) -> list[StoredTable]:
        """Every table, by name."""
        rows = await self.all(
            """
            SELECT listed.name, named.name, named.pk FROM sqlite_master listed JOIN pragma_table_info(listed.name) named
            WHERE listed.type = 'table' AND listed.name NOT LIKE 'sqlite^_%' ESCAPE '^' ORDER BY listed.name, named.name
            """
        )
        found: dict[str, list[tuple[str, int]]] = {}
        for table, column, place in rows:
            found.setdefault(table, []).append((column, place))
        return [
            StoredTable(
                table,
                tuple(column for column, _ in columns),
                tuple(column for place, column in sorted((place, column) for column, place in columns) if place),
            )
            for table, columns in found.items()
        ]

    async def add(self, table: StoredTable, pages: AsyncIterator[Sequence[Row]]) -> None:
        """Add rows one by one: a prepared statement takes them faster than a statement over a list reads it."""
        names = ", ".join(f'"{column}"' for column in table.columns)
        values = ", ".join("?" for _ in table.columns)
        statement = f'INSERT INTO "{table.name}" ({names}) VALUES ({values})'  # noqa: S608  # names from the schema
        async for rows in pages:
            with self._failing():
                self._connection.executemany(statement, rows)

    async def migrate(self) -> None:
        """Make or migrate the store where needed; see `Bulk.migrate`."""
        with self._failing():
            _migrate(self._connection, self._path)

    async def settle(self) -> None:
        """Bring everything from the log into the file."""
        with self._failing():
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)

    async def close(self) -> None:
        """Close the connection."""
        self._connection.close()
