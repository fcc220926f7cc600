"""The store: lanes with group commit, snapshots for readers, many processes at once.

Calls that may run together gather while a lane commits, and are its next transaction. Every other
write is a transaction of its own, a few at a time: the server gathers their commits itself. A write
that lost a race, or that the server undid to resolve a conflict, starts again from the beginning
and so sees who won.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any, Self, TypeVar

import asyncpg

from rapport import metrics
from rapport.contract.kit.errors import ServiceUnavailable
from rapport.logs import get_logger
from rapport.store.kit import numbers
from rapport.store.kit.db import (
    NOBODY,
    STORE_SECONDS,
    Batch,
    CannotOpen,
    Committed,
    Dial,
    Tx,
    UniqueViolation,
    never,
    unavailable,
)
from rapport.store.kit.migrate import NewerDatabase
from rapport.store.postgres import line, schema
from rapport.store.postgres.blocks import Blocks
from rapport.store.postgres.connect import SETTINGS, Connector, Options
from rapport.store.postgres.connections import Connections, Lease
from rapport.store.postgres.driver import (
    DRIVER,
    Unreachable,
    commit,
    plain_transaction,
    roll_back,
    sentence,
    verdict_of,
)
from rapport.store.postgres.patience import Patience
from rapport.store.postgres.replicas import Behind, Replicas
from rapport.store.postgres.tx import READING, WRITING, PooledTx, PostgresTx
from rapport.store.postgres.waiting import Gathered, Waiting

R = TypeVar("R")
C = TypeVar("C")
_log = get_logger("rapport.store")
# Of the connections: how many transactions of calls that run together, and of calls alone.
_LANES = 2
_ALONE = 4
# Up to half of the connections, and no more than three, are for long reads alone, so that they take
# none of a writer's.
_HEAVY = 3
# What a statement of a short read may take, in milliseconds; the read is begun again among the long
# ones then.
_SHORT_MILLISECONDS = 25
# How often a long read looks whether anybody still waits for it.
_GONE_SECONDS = 0.25
_TOGETHER = 256
# Short reads: how many snapshots at a time, and how many calls may share one.
_READERS = 4
_READS_TOGETHER = 16
# A constraint that refused a call may have been set by a racer that the call did not see; not for
# ever, though.
_RACES = 3


class PostgresStore:
    """A PostgreSQL database. Any number of processes may have it open."""

    def __init__(self, options: Options) -> None:
        self._options = options
        connector = Connector(options)
        most = min(_HEAVY, options.connections // 2)
        self._connections = Connections(connector.connect, options.connections - most)
        self._beside = Connections(connector.connect, most)
        # Apart from the others: a transaction that needs numbers would else wait for one that waits
        # for numbers.
        self._counters = Connections(connector.connect, 1)
        self._replicas = (
            Replicas(connector.connect_replica, _HEAVY) if options.replica_url else None
        )
        self._patience = Patience((self._connections, self._beside, self._counters), self._replicas)
        self._blocks = Blocks(self._advance, self._advance_to)
        self._constraints: dict[str, UniqueViolation] = {}
        self._reads: list[Waiting] = []
        self._reading = 0
        self._heavy = asyncio.Semaphore(most)
        self._alone = asyncio.Semaphore(_ALONE)
        self._gathered: dict[Batch[Any, Any], Gathered] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False
        self._committed: list[Committed] = []
        # A pooler gives no connection that could listen.
        self.dial: Dial | None = None if options.pooled else partial(line.dial, connector)
        local = (
            "".join(f"; SET LOCAL {name} = {value}" for name, value in SETTINGS.items())
            if options.pooled
            else ""
        )
        self._begin_write = f"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE{local}"
        self._begin_read = f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY{local}"
        self._begin_short = (
            f"{self._begin_read}; SET LOCAL statement_timeout = {_SHORT_MILLISECONDS}"
        )

    @classmethod
    async def open(cls, options: Options) -> Self:
        """Open a database, migrating it where needed.

        Raises:
            CannotOpen: it can't be reached, is too old, or would not keep what was committed.
            NewerDatabase: a newer program wrote it.
        """
        store = cls(options)
        try:
            async with Lease(store._connections) as connection:
                await schema.check_server(connection)
                await schema.refuse_unfinished(connection)
                await schema.migrate(connection)
                store._constraints = await schema.unique_constraints(connection)
        except (CannotOpen, NewerDatabase):
            await store.close()
            raise
        except (Unreachable, OSError, *DRIVER) as error:
            await store.close()
            raise CannotOpen(f"the database can't be opened: {sentence(error)}") from None
        return store

    # Reading

    async def read(
        self,
        work: Callable[[Tx], Coroutine[Any, Any, R]],
        *,
        deadline: float,
        heavy: bool = False,
        is_gone: Callable[[], bool] = never,
    ) -> R:
        """Run `work` in one snapshot; see `Store.read`."""
        if self._closing:
            raise unavailable("it is being closed")
        waiting = Waiting(work, deadline, asyncio.get_running_loop().create_future(), is_gone)
        if heavy:
            self._start(self._read_heavy(waiting))
        else:
            self._reads.append(waiting)
            if self._reading < _READERS:
                self._reading += 1
                self._start(self._read_lane())
        return await waiting.result("reading")  # type: ignore[no-any-return]

    async def _read_heavy(self, waiting: Waiting) -> None:
        async with self._heavy:
            reading = asyncio.ensure_future(self._read_beside(waiting))
            while not (await asyncio.wait([reading], timeout=_GONE_SECONDS))[0]:
                if waiting.is_gone():
                    reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            waiting.settle(unavailable(NOBODY))

    async def _read_beside(self, waiting: Waiting) -> None:
        if not await self._read_replica(waiting):
            await self._read([waiting], self._beside)

    async def _read_replica(self, waiting: Waiting) -> bool:
        """Read from a standby; False when none is of use now."""
        replicas = self._replicas
        if replicas is None or replicas.is_resting or waiting.is_late():
            return False
        try:
            position = await self._patience.attempt(self._position, waiting.deadline)
        except Exception as error:  # noqa: BLE001  # the caller gets it
            waiting.settle(error)
            return True
        try:
            async with (
                asyncio.timeout(waiting.deadline - time.monotonic()),
                replicas.at(position) as standby,
            ):
                await self._read_on(standby, [waiting])
        except (Behind, TimeoutError, Unreachable, OSError, *DRIVER) as error:
            replicas.failed(error)
            return False
        return True

    async def _position(self, _limit: asyncio.Timeout) -> str:
        """What the primary has on disk: all that anybody was told of."""
        async with Lease(self._connections) as primary, plain_transaction(primary):
            return str(await primary.fetchval("SELECT pg_current_wal_flush_lsn()::text"))

    async def _read_lane(self) -> None:
        """Read for whoever waits, a few at a time in one snapshot: beginning and ending one costs
        more than a look-up.

        It is taken after all of them came, so each sees what was answered before.
        """
        while self._reads:
            await asyncio.sleep(0)
            calls, self._reads = self._reads[:_READS_TOGETHER], self._reads[_READS_TOGETHER:]
            await self._read(calls, self._connections)
        self._reading -= 1

    async def _read(self, calls: Sequence[Waiting], connections: Connections[Any]) -> None:
        is_short = connections is not self._beside
        while calls := [
            waiting
            for waiting in calls
            if not waiting.is_late() and not (is_short and waiting.is_long)
        ]:
            deadline = max(waiting.deadline for waiting in calls)
            try:
                await self._patience.attempt(partial(self._snapshot, calls, connections), deadline)
            except Exception as error:  # noqa: BLE001  # the callers get it
                for waiting in calls:
                    waiting.settle(error)

    async def _snapshot(
        self, calls: Sequence[Waiting], connections: Connections[Any], _limit: asyncio.Timeout
    ) -> None:
        """Read for these calls in one snapshot; those behind one that the database refuses are
        left for another.
        """
        async with Lease(connections) as connection:
            await self._read_on(connection, calls, is_short=connections is not self._beside)

    async def _read_on(
        self, connection: Any, calls: Sequence[Waiting], *, is_short: bool = False
    ) -> None:
        try:
            await connection.execute(self._begin_short if is_short else self._begin_read)
            tx = PostgresTx(connection, READING)
            for waiting in calls:
                if waiting.is_late():
                    continue
                try:
                    waiting.settle(await waiting.call(tx))
                except asyncpg.QueryCanceledError:
                    if not is_short:
                        raise
                    # The others don't wait for it.
                    waiting.is_long = True
                    metrics.LONG_READS.inc()
                    self._start(self._read_heavy(waiting))
                    break
                except Exception as error:  # noqa: BLE001  # the caller gets it
                    if isinstance(error, (*DRIVER, OSError)):
                        self._refuse(waiting, error)
                        break
                    waiting.settle(error)
            await connection.execute("COMMIT")
        except Exception:
            await roll_back(connection)
            raise

    @staticmethod
    def _refuse(waiting: Waiting, error: Exception) -> None:
        """Give a caller what the database said, if it is the caller's own fault.

        Raises:
            Exception: the error, if it is not.
        """
        if isinstance(error, asyncpg.ReadOnlySQLTransactionError):
            waiting.settle(RuntimeError(f"a read must not write: {error}"))
        elif verdict_of(error) is None:
            waiting.settle(error)
        else:
            raise error

    # Writing

    async def write(self, batch: Batch[C, R], call: C, *, deadline: float) -> R:
        """Run one call of a batch; see `Store.write`."""
        if self._closing:
            raise unavailable("it is being closed")
        waiting = Waiting(call, deadline, asyncio.get_running_loop().create_future())
        metrics.WRITES_WAITING.inc()
        waiting.future.add_done_callback(lambda _: metrics.WRITES_WAITING.dec())
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

    def _gather(self, batch: Batch[Any, Any], waiting: Waiting) -> None:
        gathered = self._gathered.setdefault(batch, Gathered())
        gathered.queue.append(waiting)
        if gathered.lanes < _LANES:
            gathered.lanes += 1
            self._start(self._lane(batch, gathered))

    async def _lane(self, batch: Batch[Any, Any], gathered: Gathered) -> None:
        while gathered.queue:
            # One turn of the loop lets every request that has arrived join this transaction.
            await asyncio.sleep(0)
            calls, gathered.queue = gathered.queue[:_TOGETHER], gathered.queue[_TOGETHER:]
            await self._write_together(
                batch, [waiting for waiting in calls if not waiting.is_late()]
            )
        gathered.lanes -= 1
        if not gathered.lanes:
            del self._gathered[batch]

    async def _write_together(self, batch: Batch[Any, Any], calls: Sequence[Waiting]) -> None:
        """Write calls in one transaction, or each in its own where one of them is refused by
        the database.
        """
        if len(calls) > 1:
            deadline = max(waiting.deadline for waiting in calls)
            try:
                results = await self._patience.attempt(
                    lambda limit: self._transaction(
                        batch, [waiting.call for waiting in calls], limit
                    ),
                    deadline,
                )
            except ServiceUnavailable as error:
                results = [error] * len(calls)
            except Exception:  # noqa: BLE001  # whatever one call did, the others must not feel it; it is raised again alone
                results = []
            for waiting, result in zip(calls, results, strict=False):
                waiting.settle(result)
            calls = [] if results else calls
        await asyncio.gather(*(self._write_alone(batch, waiting) for waiting in calls))

    async def _write_alone(self, batch: Batch[Any, Any], waiting: Waiting) -> None:
        async with self._alone:
            if waiting.is_late():
                return
            try:
                results = await self._patience.attempt(
                    lambda limit: self._transaction(batch, [waiting.call], limit),
                    waiting.deadline,
                    races=_RACES,
                )
            except Exception as error:  # noqa: BLE001  # the caller gets it
                waiting.settle(error)
            else:
                waiting.settle(results[0])

    async def _transaction(
        self, batch: Batch[Any, Any], calls: Sequence[Any], limit: asyncio.Timeout
    ) -> Sequence[Any]:
        async with Lease(self._connections) as connection:
            kind = PooledTx if self._options.pooled else PostgresTx
            tx = kind(connection, WRITING, self._blocks, self._constraints)
            try:
                await connection.execute(self._begin_write)
                results = await batch.run(tx, calls)
            except Exception:
                await roll_back(connection)
                raise
            if len(calls) == 1 and isinstance(results[0], Exception):
                await roll_back(connection)
            else:
                with metrics.COMMIT_SECONDS.time():
                    await commit(connection, limit)
                metrics.BATCH_CALLS.observe(len(calls))
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
        """Move counters on in a transaction of its own; it is durable before a number is handed
        out.
        """
        return await self._count(lambda tx: numbers.advance(tx, kind, wanted))

    async def _advance_to(self, kind: str, org: str, number: int) -> None:
        await self._count(lambda tx: numbers.advance_to(tx, kind, org, number))

    async def _count(self, work: Callable[[Tx], Awaitable[R]]) -> R:
        async with Lease(self._counters) as connection:
            try:
                await connection.execute(self._begin_write)
                result = await work(PostgresTx(connection, WRITING))
                await connection.execute("COMMIT")
            except Exception:
                await roll_back(connection)
                raise
            return result

    async def size(self) -> int:
        """The database's bytes, indexes included; see `Store.size`."""

        async def ask(_limit: asyncio.Timeout) -> int:
            async with Lease(self._connections) as connection, plain_transaction(connection):
                return int(await connection.fetchval("SELECT pg_database_size(current_database())"))

        return await self._patience.attempt(ask, time.monotonic() + STORE_SECONDS)

    async def close(self) -> None:
        """Finish what was taken, then close every connection."""
        self._closing = True
        while self._tasks:
            await asyncio.wait(self._tasks)
        await self._connections.close()
        await self._beside.close()
        await self._counters.close()
        if self._replicas is not None:
            await self._replicas.close()
