"""PostgreSQL behind the store interface: lanes with group commit, snapshots for readers, many processes at once.

Calls that may run together gather while a lane commits, and are its next transaction. Every other write is a
transaction of its own, a few at a time: the server gathers their commits itself. A write that lost a race, or that the
server undid to resolve a conflict, starts again from the beginning and so sees who won.
"""

import asyncio
import contextlib
import hashlib
import random
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import partial
from typing import Any, NamedTuple, Self, TypeVar

import asyncpg
import structlog

from rapport.contract.errors import ServiceUnavailable
from rapport.store import migrate, numbers
from rapport.store.blocks import Blocks
from rapport.store.connections import Connections, Lease
from rapport.store.db import (
    BEGUN_COPY,
    UNFINISHED,
    Batch,
    CannotOpen,
    Committed,
    EngineFailed,
    LostRace,
    Positional,
    Row,
    StoredTable,
    Tx,
    UniqueViolation,
    Value,
    positional,
    unavailable,
    without_locks,
)
from rapport.store.hosts import hosts_of, masked
from rapport.store.replicas import Behind, Replicas, plain_transaction

R = TypeVar("R")
C = TypeVar("C")

_log = structlog.get_logger("rapport.store")

DIALECT = {"text": 'TEXT COLLATE "C"', "clustered": ""}
_OLDEST_SERVER = 15
_CONNECT_SECONDS = 2.0
# A host that is silent and not refusing is given this long before the next one is tried beside it.
_NEXT_HOST_SECONDS = 0.3
# A commit is not given up with its callers: it is on its way, and they are told that nobody knows.
_COMMIT_SECONDS = 10.0
CONNECTIONS = 10
# Of the connections: how many transactions of calls that run together, of calls alone, and of long reads.
_LANES = 2
_ALONE = 4
_HEAVY = 3
_TOGETHER = 256
# Short reads: how many snapshots at a time, and how many calls may share one.
_READERS = 4
_READS_TOGETHER = 16
_TRIES = 5
# A constraint that refused a call may have been set by a racer that the call did not see; not for ever, though.
_RACES = 3
_CHANNEL = "rapport_commits"
# What `pg_stat_activity` calls the connection that listens.
LISTENER = "rapport listens"
_SETTINGS = {"statement_timeout": "3000", "idle_in_transaction_session_timeout": "10000", "jit": "off"}
# An arbitrary number: 'rapport' in ASCII.
_MIGRATION_LOCK = 0x726170706F7274
_COPY_LOCK = _MIGRATION_LOCK + 1
# For what a migration changes: milliseconds to wait, and seconds between two tries.
_LOCK_TIMEOUT = 1_000
_LOCK_PAUSE = 2.0


class Options(NamedTuple):
    """How to reach the database.

    Args:
        url: as libpq takes it, with one host or several.
        pooled: a pooler in transaction mode is between: nothing may outlive a transaction on a connection.
        connections: how many to open at the most; one more gives out numbers, and one may listen.
        replica_url: of standbys for long reads, as libpq takes it; there may be three more connections to them.
    """

    url: str
    pooled: bool = False
    connections: int = CONNECTIONS
    replica_url: str = ""


class _Statements:
    """Each statement's text rewritten once, for a whole process."""

    def __init__(self, prepare: Callable[[str], str]) -> None:
        self._prepare = prepare
        self._known: dict[str, Positional] = {}

    def __getitem__(self, sql: str) -> Positional:
        statement = self._known.get(sql)
        if statement is None:
            statement = self._known[sql] = positional(self._prepare(sql))
        return statement


_WRITING = _Statements(lambda sql: sql)
_READING = _Statements(without_locks)


class PostgresTx:
    """A transaction on one connection."""

    __slots__ = ("_blocks", "_connection", "_constraints", "_statements", "woken")

    def __init__(
        self,
        connection: Any,
        statements: _Statements,
        blocks: Blocks | None = None,
        constraints: "Mapping[str, UniqueViolation] | None" = None,
    ) -> None:
        self._connection = connection
        self._statements = statements
        self._blocks = blocks
        self._constraints = constraints or {}
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
            status = await self._connection.execute(statement.text, *statement.arguments(parameters))
        except asyncpg.UniqueViolationError as error:
            raise self._violation(error) from error
        # Such as 'INSERT 0 3' and 'UPDATE 3'.
        return int(status.rpartition(" ")[2])

    async def hold(self, names: Sequence[str]) -> None:
        """Hold names by advisory locks on their hashes; two names with one hash only wait for each other."""
        keys = {int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True) for name in names}
        await self.all(
            "SELECT pg_advisory_xact_lock(key) FROM rows(:keys, key bigint)", keys=[(key,) for key in sorted(keys)]
        )

    async def take_numbers(self, kind: str, wanted: Mapping[str, int]) -> dict[str, int]:
        """Take numbers from this process's blocks; an undone call leaves a gap."""
        return await self._own_blocks().take(kind, wanted)

    async def reserve_number(self, kind: str, org: str, number: int) -> None:
        """Move a counter, at once and for good: what other processes hold of their blocks they still hand out."""
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

    async def take_numbers(self, kind: str, wanted: Mapping[str, int]) -> dict[str, int]:
        """Take numbers; those of an undone call are not lost."""
        return await numbers.advance(self, kind, wanted)

    async def reserve_number(self, kind: str, org: str, number: int) -> None:
        """Move a counter, for good once this is committed."""
        await numbers.advance_to(self, kind, org, number)


_DRIVER = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


class _Verdict(Enum):
    """What an error of the driver means."""

    AGAIN = auto()  # the server undid the transaction to resolve a conflict
    LOST = auto()  # the connection is of no use any more; another one may be
    AWAY = auto()  # there is no database to work on


class _Unreachable(Exception):
    """No host takes a connection, or none that may be written to."""


class _OutcomeUnknown(Exception):
    """The connection was lost during a commit."""


@dataclass(slots=True, eq=False)
class _Waiting:
    """A call, and who waits for its result."""

    call: Any
    deadline: float
    future: asyncio.Future[Any]

    def is_late(self) -> bool:
        """Nobody waits for it any more, or nobody should."""
        return self.future.done() or self.deadline <= time.monotonic()

    async def result(self, what: str) -> Any:
        """Wait for the result.

        Raises:
            ServiceUnavailable: the deadline passed first.
            Exception: the result, where it is one.
        """
        try:
            async with asyncio.timeout(self.deadline - time.monotonic()):
                return await self.future
        except TimeoutError:
            raise unavailable(f"{what} waited too long") from None

    def settle(self, result: Any) -> None:
        """Hand over a result, or an exception as one."""
        if self.future.done():
            return
        if isinstance(result, Exception):
            self.future.set_exception(result)
        else:
            self.future.set_result(result)


@dataclass(slots=True, eq=False)
class _Gathered:
    """The calls of one batch that wait for a lane, and how many lanes it has."""

    queue: list[_Waiting] = field(default_factory=list)
    lanes: int = 0


class PostgresStore:
    """A PostgreSQL database. Any number of processes may have it open."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._hosts = hosts_of(options.url)
        self._connections = Connections(self._connect, options.connections)
        # Apart from the others: a transaction that needs numbers would else wait for one that waits for numbers.
        self._counters = Connections(self._connect, 1)
        self._replicas = Replicas(self._connect_replica, _HEAVY) if options.replica_url else None
        self._blocks = Blocks(self._advance, self._advance_to)
        self._constraints: dict[str, UniqueViolation] = {}
        self._reads: list[_Waiting] = []
        self._reading = 0
        self._heavy = asyncio.Semaphore(_HEAVY)
        self._alone = asyncio.Semaphore(_ALONE)
        self._gathered: dict[Batch[Any, Any], _Gathered] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_away = False
        self._closing = False
        self._committed: list[Committed] = []
        local = "".join(f"; SET LOCAL {name} = {value}" for name, value in _SETTINGS.items()) if options.pooled else ""
        self._begin_write = f"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE{local}"
        self._begin_read = f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY{local}"

    @classmethod
    async def open(cls, options: Options) -> Self:
        """Open a database, migrating it where needed.

        Raises:
            CannotOpen: it can't be reached, is too old, or would not keep what was committed.
            migrate.NewerDatabase: a newer program wrote it.
        """
        store = cls(options)
        try:
            async with Lease(store._connections) as connection:
                await _check_server(connection)
                await _refuse_unfinished(connection)
                await _migrate(connection)
                store._constraints = await _unique_constraints(connection)
        except (CannotOpen, migrate.NewerDatabase):
            await store.close()
            raise
        except (_Unreachable, OSError, *_DRIVER) as error:
            await store.close()
            raise CannotOpen(f"the database can't be opened: {_sentence(error)}") from None
        return store

    # Connecting

    async def _connect(self, name: str = "rapport") -> Any:
        """Connect to the host that answered last time, else to the first that answers now.

        Args:
            name: what the connection is called in `pg_stat_activity`.

        Raises:
            _Unreachable: none does.
        """
        url, connection = await self._reach(self._hosts, "read-write", name)
        self._hosts.sort(key=lambda host: host != url)
        return connection

    async def _connect_replica(self) -> Any:
        """Connect to a standby, whichever it is.

        Raises:
            _Unreachable: there is none.
        """
        hosts = hosts_of(self._options.replica_url)
        random.shuffle(hosts)
        return (await self._reach(hosts, "standby", "rapport"))[1]

    async def _reach(self, hosts: Sequence[str], wanted: str, name: str) -> tuple[str, Any]:
        """Connect to the first host that answers and is what its URL asks for; without a word there, what is wanted.

        Raises:
            _Unreachable: none does.
        """
        tries = [asyncio.ensure_future(self._connect_to(url, wanted, name, turn)) for turn, url in enumerate(hosts)]
        failures: list[Exception] = []
        connection = None
        try:
            for one in asyncio.as_completed(tries):
                try:
                    url, connection = await one
                except Exception as error:  # noqa: BLE001  # each host may fail in a way of its own
                    failures.append(error)
                else:
                    return url, connection
        finally:
            await _end(tries, connection)
        raise _Unreachable("; ".join(_sentence(error) for error in failures))

    async def _connect_to(self, url: str, wanted: str, name: str, turn: int) -> tuple[str, Any]:
        await asyncio.sleep(turn * _NEXT_HOST_SECONDS)
        options: dict[str, Any] = {} if "target_session_attrs=" in url else {"target_session_attrs": wanted}
        if self._options.pooled:
            options["statement_cache_size"] = 0
        else:
            options["statement_cache_size"] = 500
            options["server_settings"] = {**_SETTINGS, "application_name": name}
        return url, await asyncpg.connect(url, timeout=_CONNECT_SECONDS, **options)

    async def dial(self, hear: Callable[[str], None], lost: Callable[[str], None]) -> "PostgresLine":
        """Open a line between the processes of this database; see `events.relay`."""
        connection = await self._connect(LISTENER)
        connection.add_termination_listener(lambda _: lost("its connection was closed"))
        try:
            await connection.add_listener(_CHANNEL, lambda _connection, _process, _channel, text: hear(text))
        except BaseException:
            connection.terminate()
            raise
        return PostgresLine(connection)

    def _lost(self, error: BaseException) -> None:
        """Let go of the free connections, because one has shown to be lost, and say so once."""
        self._connections.drop_free()
        self._counters.drop_free()
        if self._replicas is not None:
            self._replicas.primary_lost()
        if not self._is_away:
            self._is_away = True
            _log.error("database_away", error=_sentence(error))

    def _found(self) -> None:
        if self._is_away:
            self._is_away = False
            _log.info("database_back")

    # Trying

    async def _patiently(
        self, attempt: Callable[[asyncio.Timeout], Awaitable[R]], deadline: float, *, races: int = 1
    ) -> R:
        """Attempt something until it works or the database is plainly away, but not beyond a deadline.

        Args:
            attempt: is given its time limit, which it may move.
            deadline: on the monotonic clock, in seconds.
            races: how many attempts may lose one.

        Raises:
            ServiceUnavailable: the database is away, or the deadline has passed.
            Exception: whatever the attempt raised that another one would not mend.
        """
        tries = 0
        while True:
            tries += 1
            try:
                async with asyncio.timeout(deadline - time.monotonic()) as limit:
                    result = await attempt(limit)
            except TimeoutError as error:
                # A server that says nothing is as good as lost: what is free leads to it as well.
                self._connections.drop_free()
                raise unavailable("the database did not answer in time") from error
            except (UniqueViolation, LostRace):
                if tries >= races:
                    raise
            except Exception as error:  # noqa: BLE001  # looked at closely
                self._look_at(error, tries)
            else:
                self._found()
                return result

    def _look_at(self, error: Exception, tries: int) -> None:
        """Return when another attempt is worth it.

        Raises:
            ServiceUnavailable: the database is at fault, and it is not.
            Exception: the error, where it is the attempt's own.
        """
        verdict = _verdict(error)
        if verdict is None:
            raise error
        if verdict is not _Verdict.AGAIN:
            self._lost(error)
        if isinstance(error, _OutcomeUnknown):
            raise unavailable("whether the write was kept is not known") from error
        if verdict is _Verdict.AWAY or tries >= _TRIES:
            raise unavailable("the database can't do it now") from error

    # Reading

    async def read(self, work: Callable[[Tx], Coroutine[Any, Any, R]], *, deadline: float, heavy: bool = False) -> R:
        """Run `work` in one snapshot; see `Store.read`."""
        if self._closing:
            raise unavailable("it is being closed")
        waiting = _Waiting(work, deadline, asyncio.get_running_loop().create_future())
        if heavy:
            self._start(self._read_heavy(waiting))
        else:
            self._reads.append(waiting)
            if self._reading < _READERS:
                self._reading += 1
                self._start(self._read_lane())
        return await waiting.result("reading")  # type: ignore[no-any-return]

    async def _read_heavy(self, waiting: _Waiting) -> None:
        async with self._heavy:
            if self._replicas is None or not await self._read_replica(self._replicas, waiting):
                await self._read([waiting])

    async def _read_replica(self, replicas: Replicas, waiting: _Waiting) -> bool:
        """Read from a standby; False when none is of use now."""
        if replicas.rest or waiting.is_late():
            return False
        try:
            async with asyncio.timeout(waiting.deadline - time.monotonic()):
                # What the primary has on disk is all that anybody was told of.
                async with Lease(self._connections) as primary, plain_transaction(primary):
                    position = await primary.fetchval("SELECT pg_current_wal_flush_lsn()::text")
                async with replicas.at(position) as standby:
                    await self._read_on(standby, [waiting])
        except (Behind, TimeoutError, _Unreachable, OSError, *_DRIVER) as error:
            replicas.failed(error)
            return False
        return True

    async def _read_lane(self) -> None:
        """Read for whoever waits, a few at a time in one snapshot: beginning and ending one costs more than a look-up.

        It is taken after all of them came, so each sees what was answered before.
        """
        while self._reads:
            await asyncio.sleep(0)
            calls, self._reads = self._reads[:_READS_TOGETHER], self._reads[_READS_TOGETHER:]
            await self._read(calls)
        self._reading -= 1

    async def _read(self, calls: Sequence[_Waiting]) -> None:
        while calls := [waiting for waiting in calls if not waiting.is_late()]:
            deadline = max(waiting.deadline for waiting in calls)
            try:
                await self._patiently(partial(self._snapshot, calls), deadline)
            except Exception as error:  # noqa: BLE001  # the callers get it
                for waiting in calls:
                    waiting.settle(error)

    async def _snapshot(self, calls: Sequence[_Waiting], _limit: asyncio.Timeout) -> None:
        """Read for these calls in one snapshot; those behind one that the database refuses are left for another."""
        async with Lease(self._connections) as connection:
            await self._read_on(connection, calls)

    async def _read_on(self, connection: Any, calls: Sequence[_Waiting]) -> None:
        try:
            await connection.execute(self._begin_read)
            tx = PostgresTx(connection, _READING)
            for waiting in calls:
                if waiting.is_late():
                    continue
                try:
                    waiting.settle(await waiting.call(tx))
                except Exception as error:  # noqa: BLE001  # the caller gets it
                    if isinstance(error, (*_DRIVER, OSError)):
                        self._refuse(waiting, error)
                        break
                    waiting.settle(error)
            await connection.execute("COMMIT")
        except Exception:
            await _roll_back(connection)
            raise

    @staticmethod
    def _refuse(waiting: _Waiting, error: Exception) -> None:
        """Give a caller what the database said, if it is the caller's own fault.

        Raises:
            Exception: the error, if it is not.
        """
        if isinstance(error, asyncpg.ReadOnlySQLTransactionError):
            waiting.settle(RuntimeError(f"a read must not write: {error}"))
        elif _verdict(error) is None:
            waiting.settle(error)
        else:
            raise error

    # Writing

    async def write(self, batch: Batch[C, R], call: C, *, deadline: float) -> R:
        """Run one call of a batch; see `Store.write`."""
        if self._closing:
            raise unavailable("it is being closed")
        waiting = _Waiting(call, deadline, asyncio.get_running_loop().create_future())
        if batch.together:
            self._gather(batch, waiting)
        else:
            self._start(self._write_alone(batch, waiting))
        return await waiting.result("the write")  # type: ignore[no-any-return]

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it whatever becomes of its caller."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _gather(self, batch: Batch[Any, Any], waiting: _Waiting) -> None:
        gathered = self._gathered.setdefault(batch, _Gathered())
        gathered.queue.append(waiting)
        if gathered.lanes < _LANES:
            gathered.lanes += 1
            self._start(self._lane(batch, gathered))

    async def _lane(self, batch: Batch[Any, Any], gathered: _Gathered) -> None:
        while gathered.queue:
            # One turn of the loop lets every request that has arrived join this transaction.
            await asyncio.sleep(0)
            calls, gathered.queue = gathered.queue[:_TOGETHER], gathered.queue[_TOGETHER:]
            await self._write_together(batch, [waiting for waiting in calls if not waiting.is_late()])
        gathered.lanes -= 1
        if not gathered.lanes:
            del self._gathered[batch]

    async def _write_together(self, batch: Batch[Any, Any], calls: Sequence[_Waiting]) -> None:
        """Write calls in one transaction, or each in its own where one of them is refused by the database."""
        if len(calls) > 1:
            deadline = max(waiting.deadline for waiting in calls)
            try:
                results = await self._patiently(
                    lambda limit: self._transaction(batch, [waiting.call for waiting in calls], limit), deadline
                )
            except ServiceUnavailable as error:
                results = [error] * len(calls)
            except Exception:  # noqa: BLE001  # whatever one call did, the others must not feel it; it is raised again alone
                results = []
            for waiting, result in zip(calls, results, strict=False):
                waiting.settle(result)
            calls = [] if results else calls
        await asyncio.gather(*(self._write_alone(batch, waiting) for waiting in calls))

    async def _write_alone(self, batch: Batch[Any, Any], waiting: _Waiting) -> None:
        async with self._alone:
            if waiting.is_late():
                return
            try:
                results = await self._patiently(
                    lambda limit: self._transaction(batch, [waiting.call], limit), waiting.deadline, races=_RACES
                )
            except Exception as error:  # noqa: BLE001  # the caller gets it
                waiting.settle(error)
            else:
                waiting.settle(results[0])

    async def _transaction(self, batch: Batch[Any, Any], calls: Sequence[Any], limit: asyncio.Timeout) -> Sequence[Any]:
        async with Lease(self._connections) as connection:
            kind = PooledTx if self._options.pooled else PostgresTx
            tx = kind(connection, _WRITING, self._blocks, self._constraints)
            try:
                await connection.execute(self._begin_write)
                results = await batch.run(tx, calls)
            except Exception:
                await _roll_back(connection)
                raise
            if len(calls) == 1 and isinstance(results[0], Exception):
                await _roll_back(connection)
            else:
                await _commit(connection, limit)
                self._tell(tx.woken)
            return results

    def on_commit(self, call: Committed) -> None:
        """Call this after commits; see `Store.on_commit`."""
        self._committed.append(call)

    def _tell(self, woken: set[str]) -> None:
        if woken:
            for call in self._committed:
                call(woken)

    async def _advance(self, kind: str, wanted: Mapping[str, int]) -> Mapping[str, int]:
        """Move counters on in a transaction of its own; it is durable before a number is handed out."""
        return await self._count(lambda tx: numbers.advance(tx, kind, wanted))

    async def _advance_to(self, kind: str, org: str, number: int) -> None:
        await self._count(lambda tx: numbers.advance_to(tx, kind, org, number))

    async def _count(self, work: Callable[[Tx], Awaitable[R]]) -> R:
        async with Lease(self._counters) as connection:
            try:
                await connection.execute(self._begin_write)
                result = await work(PostgresTx(connection, _WRITING))
                await connection.execute("COMMIT")
            except Exception:
                await _roll_back(connection)
                raise
            return result

    async def close(self) -> None:
        """Finish what was taken, then close every connection."""
        self._closing = True
        while self._tasks:
            await asyncio.wait(self._tasks)
        await self._connections.close()
        await self._counters.close()
        if self._replicas is not None:
            await self._replicas.close()


class PostgresLine:
    """A connection of its own that listens. A notification in a write's transaction would let no two commit at once."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def send(self, text: str) -> None:
        """Say something of less than 8,000 bytes."""
        await self._connection.execute("SELECT pg_notify($1, $2)", _CHANNEL, text)

    async def close(self) -> None:
        """End the connection."""
        self._connection.terminate()


def _verdict(error: Exception) -> _Verdict | None:
    """What an error of the driver means; None for an error that is somebody's mistake."""
    if isinstance(error, _Unreachable):
        return _Verdict.AWAY
    if isinstance(error, (OSError, _OutcomeUnknown)):
        return _Verdict.LOST
    state: str | None = getattr(error, "sqlstate", None)
    if state is None:
        # Of the driver itself: a connection that was closed under it, while it waited or in the middle of something.
        closed = isinstance(error, asyncpg.InterfaceError) and "closed" in str(error)
        return _Verdict.LOST if closed or isinstance(error, asyncpg.InternalClientError) else None
    if state in _AGAIN or isinstance(error, asyncpg.InvalidCachedStatementError):
        return _Verdict.AGAIN
    if state in _LOST or state[:2] == "08":
        return _Verdict.LOST
    return _Verdict.AWAY if state in _AWAY or state[:2] in _AWAY_CLASSES else None


# Serialisation, deadlock; a statement that a pooler does not know.
_AGAIN = frozenset({"40001", "40P01", "26000"})
# Shut down, crashed, starting up, dropped, idle for too long; and a server that became a standby.
_LOST = frozenset({"57P01", "57P02", "57P03", "57P04", "57P05", "25P03", "25006"})
# A statement or a lock that took too long.
_AWAY = frozenset({"57014", "55P03"})
# No resources (disk, memory, connections), an error of the machine, rights that were taken away, no such database.
_AWAY_CLASSES = frozenset({"53", "58", "28", "3D"})


def _sentence(error: BaseException) -> str:
    """An error in one line; a URL never stands in it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}".rstrip(".")
    if isinstance(error, FileNotFoundError) and error.filename is None:
        return "a file or a socket that the URL names does not exist"
    return (str(error).partition("\n")[0] or type(error).__name__).rstrip(".")


async def _roll_back(connection: Any) -> None:
    """Undo what was begun; a connection on which that fails is of no use any more."""
    try:
        await connection.execute("ROLLBACK")
    except (*_DRIVER, OSError):
        connection.terminate()


async def _commit(connection: Any, limit: asyncio.Timeout) -> None:
    """Commit, and know that it is.

    Raises:
        _OutcomeUnknown: the server was lost before it said so.
        RuntimeError: the transaction was undone, though nobody said so before.
    """
    limit.reschedule(asyncio.get_running_loop().time() + _COMMIT_SECONDS)
    try:
        status = await connection.execute("COMMIT")
    except Exception as error:
        if _verdict(error) is _Verdict.AGAIN:
            raise
        connection.terminate()
        raise _OutcomeUnknown(_sentence(error)) from error
    if status != "COMMIT":
        raise RuntimeError(f"the transaction ended in {status}: something in it failed and was passed over")


async def _end(tries: Sequence["asyncio.Future[tuple[str, Any]]"], chosen: Any) -> None:
    """End the attempts to connect that are not needed, and what they brought."""
    for one in tries:
        one.cancel()
    for outcome in await asyncio.gather(*tries, return_exceptions=True):
        if isinstance(outcome, tuple) and outcome[1] is not chosen:
            outcome[1].terminate()


async def _check_server(connection: Any) -> None:
    """Refuse a server that this program can't rely on.

    Raises:
        CannotOpen: it is too old, does not store Unicode, or confirms commits that it may lose.
    """
    await connection.execute("BEGIN")
    rows = await connection.fetch("""
        SELECT name, setting FROM pg_settings
        WHERE name IN ('server_version_num', 'server_encoding', 'synchronous_commit', 'fsync')
    """)
    await connection.execute("COMMIT")
    settings = dict(rows)
    version = int(settings["server_version_num"]) // 10_000
    if version < _OLDEST_SERVER:
        raise CannotOpen(f"the database is PostgreSQL {version}, but Rapport needs {_OLDEST_SERVER} or newer")
    if settings["server_encoding"] != "UTF8":
        raise CannotOpen(f"the database stores text as {settings['server_encoding']}: make one with ENCODING 'UTF8'")
    if settings["synchronous_commit"] == "off":
        raise CannotOpen("synchronous_commit is off, so what was answered could be lost: set it to on for the database")
    if settings["fsync"] == "off":
        _log.warning("fsync_is_off", warning="the database may lose what was answered when the machine loses power")


async def _unique_constraints(connection: Any) -> dict[str, UniqueViolation]:
    """Table and columns of each unique index, by its name; a partition's are its whole table's."""
    await connection.execute("BEGIN")
    rows = await connection.fetch("""
        SELECT named.relname::text, own.relname::text, array_agg(col.attname::text ORDER BY part.place)
        FROM pg_index i
        JOIN pg_class named ON named.oid = i.indexrelid
        JOIN pg_class own ON own.oid = COALESCE(pg_partition_root(i.indrelid), i.indrelid)
        CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS part(number, place)
        JOIN pg_attribute col ON col.attrelid = i.indrelid AND col.attnum = part.number AND col.attname <> 'org'
        WHERE i.indisunique AND own.relnamespace = current_schema()::regnamespace
        GROUP BY 1, 2
    """)
    await connection.execute("COMMIT")
    return {name: UniqueViolation(table, tuple(columns)) for name, table, columns in rows}


async def _migrate(connection: Any) -> None:
    """Run the migrations that are missing, each in one transaction; of several processes one runs each.

    A step that waits for a lock holds up everybody who comes after it, so it waits a second at a time.
    """
    waited = False
    while True:
        try:
            if not await _migrate_once(connection):
                return
        except asyncpg.LockNotAvailableError:
            await connection.execute("ROLLBACK")
            if not waited:
                _log.warning("migration_waits", warning="others use what it changes")
            waited = True
            await asyncio.sleep(_LOCK_PAUSE)


async def _migrate_once(connection: Any) -> bool:
    """Run the first migration that is missing; False when there is none."""
    await connection.execute("BEGIN; SET LOCAL statement_timeout = 0")
    await connection.fetch("SELECT pg_advisory_xact_lock($1::bigint)", _MIGRATION_LOCK)
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS migrations (version BIGINT PRIMARY KEY, compatible BIGINT NOT NULL)"
    )
    version, compatible = await connection.fetchrow(
        "SELECT COALESCE(max(version), 0), COALESCE(max(compatible), 0) FROM migrations"
    )
    migrate.check(version, compatible)
    step = next(iter(migrate.pending(version)), None)
    if step is not None:
        await connection.execute(f"SET LOCAL lock_timeout = {_LOCK_TIMEOUT}")
        await connection.execute(step.sql.format(**DIALECT))
        await connection.execute("INSERT INTO migrations VALUES ($1, $2)", step.version, step.compatible)
    await connection.execute("COMMIT")
    return step is not None


async def _refuse_unfinished(connection: Any) -> None:
    """Refuse a store that is not whole yet.

    Raises:
        CannotOpen: it is an unfinished copy.
    """
    await connection.execute("BEGIN")
    unfinished = await connection.fetchval("SELECT to_regclass($1::text) IS NOT NULL", BEGUN_COPY)
    await connection.execute("COMMIT")
    if unfinished:
        raise CannotOpen(f"the database can't be opened: {UNFINISHED}")


# Whole stores

_BULK = "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"


class PostgresBulk:
    """One connection to a database for work that is no request; see `Bulk`.

    While it may write, another one holds a lock, so that of two copies to one database one is refused.
    """

    def __init__(self, options: Options, *, writes: bool) -> None:
        self.place = masked(options.url)
        self._store = PostgresStore(options)
        self._writes = writes
        self._opened: list[Any] = []
        # A crash may undo the last commits of a copy, and nothing else: it is resumed from where it then is.
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
        except (_Unreachable, OSError, *_DRIVER) as error:
            await bulk.close()
            raise CannotOpen(f"the database {bulk.place} can't be opened: {_sentence(error)}") from None
        return bulk

    async def _open(self) -> None:
        self._connection = await self._connect()
        if self._writes:
            await _check_server(self._connection)
            holder = await self._connect()
            await holder.execute(f"BEGIN; {_BULK}")
            if not await holder.fetchval("SELECT pg_try_advisory_xact_lock($1::bigint)", _COPY_LOCK):
                raise CannotOpen(f"another copy writes to {self.place}")

    async def _connect(self) -> Any:
        connection = await self._store._connect()  # noqa: SLF001  # of several hosts, the same one
        self._opened.append(connection)
        return connection

    @contextlib.contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except (*_DRIVER, UniqueViolation, OSError) as error:
            raise EngineFailed(f"{self.place}: {_sentence(error)}") from error

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """A transaction that sees one moment; see `Bulk.transaction`."""
        mode = f"READ WRITE; SET LOCAL synchronous_commit = {self._sync}" if self._writes else "READ ONLY"
        try:
            with self._failing():
                await self._connection.execute(f"BEGIN ISOLATION LEVEL REPEATABLE READ {mode}; {_BULK}")
            yield
            with self._failing():
                await self._connection.execute("COMMIT")
        except BaseException:
            await _roll_back(self._connection)
            raise

    async def all(self, sql: str, **parameters: Value) -> list[Row]:
        """Every row."""
        with self._failing():
            return await PostgresTx(self._connection, _READING).all(sql, **parameters)

    async def run(self, sql: str, **parameters: Value) -> None:
        """Run a statement."""
        await self.all(sql, **parameters)

    async def tables(self) -> list[StoredTable]:
        """Every table, by name."""
        rows = await self.all(
            """
            SELECT own.relname::text, array_agg(col.attname::text ORDER BY col.attname::text COLLATE "C"), (
                SELECT array_agg(part.attname::text ORDER BY keyed.place) FROM pg_index i
                CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS keyed(number, place)
                JOIN pg_attribute part ON part.attrelid = own.oid AND part.attnum = keyed.number
                WHERE i.indrelid = own.oid AND i.indisprimary
            )
            FROM pg_class own
            JOIN pg_attribute col ON col.attrelid = own.oid AND col.attnum > 0 AND NOT col.attisdropped
            WHERE own.relkind IN ('r', 'p') AND NOT own.relispartition
              AND own.relnamespace = current_schema()::regnamespace
            GROUP BY own.oid, own.relname
            """
        )
        return sorted(StoredTable(name, tuple(columns), tuple(key or ())) for name, columns, key in rows)

    async def add(self, table: StoredTable, pages: AsyncIterator[Sequence[Row]]) -> None:
        """Add rows by COPY: the server takes what it was sent while the next rows are read."""
        records = (row async for rows in pages for row in rows)
        with self._failing():
            await self._connection.copy_records_to_table(table.name, records=records, columns=table.columns)

    async def migrate(self) -> None:
        """Make or migrate the store where needed; see `Bulk.migrate`."""
        with self._failing():
            await _migrate(self._connection)

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
            with contextlib.suppress(*_DRIVER, OSError, TimeoutError):
                await connection.close(timeout=1)
