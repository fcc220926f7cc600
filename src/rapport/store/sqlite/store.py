"""The store: one writer connection with group commit, readers beside it.

Statements run in the event loop, because a prepared statement on a cached page takes microseconds;
the COMMIT, which waits for the disk, runs in a thread. What arrives meanwhile is the next batch. A
read that turns out to be long is begun again in a thread, so that nobody waits for another's
question.
"""

import asyncio
import contextlib
import math
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import apsw

from rapport import metrics
from rapport.contract.kit.errors import ServiceUnavailable
from rapport.logs import get_logger
from rapport.store.kit.db import NOBODY, Batch, Committed, Dial, never, unavailable
from rapport.store.sqlite.file import connect, engine_is_gone, open_writer
from rapport.store.sqlite.tx import SqliteTx, finish

R = TypeVar("R")
C = TypeVar("C")

_log = get_logger("rapport.store")

_CHECKPOINT_PAGES = 4_000
_RESTART_PAGES = 40_000
_RESTART_MILLISECONDS = 200
# What a read may take of the event loop; beyond it is begun again in a thread.
_LOOP_SECONDS = 0.002
# How many reads may run in threads; the others wait for one of them, until their deadlines.
_READERS = 4
# After how many steps of SQLite's a read looks at the clock: some tenths of a millisecond in the
# loop. In a thread each look may wait for the interpreter.
_LOOP_STEPS = 4_000
_THREAD_STEPS = 200_000
# How long to leave another program its lock before asking again.
_LOCKED_SECONDS = 0.02


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
            CannotOpen: it is no database, is empty, broken or read-only, or the disk is full or
                away.
            NewerDatabase: a newer program wrote it.
        """
        self._path = path
        self._sync = sync
        self._writer = open_writer(path, sync)
        self._writer.set_busy_timeout(0)
        self._writer.set_wal_hook(self._on_wal)
        self._wal_pages = 0
        self._checkpointing = False
        self._writer_tx = SqliteTx(self._writer)
        self._reader = _Reader(path, sync, _LOOP_STEPS)
        self._threads = threading.local()
        self._commits = ThreadPoolExecutor(1, thread_name_prefix="commit")
        self._checkpoints = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._reads = ThreadPoolExecutor(_READERS, thread_name_prefix="read")
        self._queue: list[_Waiting] = []
        self._running: list[_Waiting] = []
        metrics.WRITES_WAITING.set_function(lambda: len(self._queue) + len(self._running))
        self._committer: asyncio.Task[None] | None = None
        self._watchdog: asyncio.Task[None] | None = None
        self._closing = False
        self._committed: list[Committed] = []
        self._problem = ""
        self.dial: Dial | None = None

    # Reading

    async def read(
        self,
        work: Callable[[Any], Coroutine[Any, Any, R]],
        *,
        deadline: float,
        heavy: bool = False,
        is_gone: Callable[[], bool] = never,
    ) -> R:
        """Run `work` in one snapshot; see `Store.read`."""
        if not heavy:
            with contextlib.suppress(_TooLong):
                return self._read_in_loop(work)
            metrics.LONG_READS.inc()
        reading = asyncio.get_running_loop().run_in_executor(
            self._reads, self._read_in_thread, work, deadline, is_gone
        )
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                return await reading
        except TimeoutError:
            raise unavailable("reading waited too long") from None

    def _read_in_loop(self, work: Callable[[Any], Coroutine[Any, Any, R]]) -> R:
        """Read at once.

        Raises:
            _TooLong: it takes longer than the loop has for it.
        """
        reader = self._reader
        if not reader.is_open:
            # Everything that is read in this turn of the loop shares a snapshot: taking one costs
            # more than a look-up. What is committed meanwhile is answered, and so asked for again,
            # in a later turn.
            asyncio.get_running_loop().call_soon(reader.end)
        return reader.read(work, time.monotonic() + _LOOP_SECONDS, never)

    def _read_in_thread(
        self,
        work: Callable[[Any], Coroutine[Any, Any, R]],
        deadline: float,
        is_gone: Callable[[], bool],
    ) -> R:
        reader: _Reader | None = getattr(self._threads, "reader", None)
        if reader is None:
            reader = self._threads.reader = _Reader(self._path, self._sync, _THREAD_STEPS)
        try:
            return reader.read(work, deadline, is_gone)
        except _TooLong as error:
            raise unavailable(NOBODY if is_gone() else "reading took too long") from error
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
                if not begun:
                    self._refuse(self._running)
                    continue
                metrics.BATCH_CALLS.observe(len(self._running))
                outcomes = self._apply(self._running)
                if outcomes is None:
                    continue
                try:
                    await loop.run_in_executor(self._commits, self._commit)
                except apsw.Error as error:
                    self._roll_back()
                    self._failed("commit_failed", error)
                    outcomes = [(waiting, self._cannot_write()) for waiting in self._running]
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
                self._failed("begin_failed", error)
                return False
            else:
                return True

    def _failed(self, what: str, error: apsw.Error) -> None:
        self._problem = str(error)
        _log.error(what, error=self._problem)

    def _cannot_write(self) -> ServiceUnavailable:
        return unavailable(f"it can't write ({self._problem})")

    def _refuse(self, calls: list[_Waiting]) -> None:
        _settle([(waiting, self._cannot_write()) for waiting in calls])

    def _apply(self, calls: list[_Waiting]) -> list[tuple[_Waiting, Any]] | None:
        """Run the statements of all calls in the open transaction; None when it could not be
        kept.
        """
        try:
            outcomes: list[tuple[_Waiting, Any]] = []
            for group in _groups(calls):
                outcomes += zip(group, self._apply_group(group), strict=True)
        except apsw.Error as error:
            self._roll_back()
            self._failed("write_failed", error)
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
            results: Sequence[Any] = finish(_awaited(batch.run(self._writer_tx, calls)))
        except apsw.Error as error:
            if engine_is_gone(error):
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
            result = finish(_awaited(batch.run(self._writer_tx, [call])))[0]
        except apsw.Error as error:
            if engine_is_gone(error):
                raise
            result = error
        except Exception as error:  # noqa: BLE001  # the caller gets it
            result = error
        if isinstance(result, Exception):
            self._writer.execute("ROLLBACK TO call")
        self._writer.execute("RELEASE call")
        return result

    def _commit(self) -> None:
        with metrics.COMMIT_SECONDS.time():
            self._writer.execute("COMMIT")
        if self._wal_pages > _RESTART_PAGES:
            # Readers that always lag keep a passive checkpoint from ever starting the log anew;
            # this waits for them.
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
        metrics.WAL_PAGES.set(pages)
        if pages >= _CHECKPOINT_PAGES and not self._checkpointing:
            self._checkpointing = True
            self._checkpoints.submit(self._checkpoint)
        return apsw.SQLITE_OK

    def _checkpoint(self) -> None:
        """Move the log's pages into the file; a passive checkpoint stalls nobody."""
        try:
            connection = connect(self._path, self._sync)
            with metrics.CHECKPOINT_SECONDS.time():
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

    async def size(self) -> int:
        """The file's and its log's bytes; see `Store.size`."""
        files = (self._path, self._path.with_name(f"{self._path.name}-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    async def close(self) -> None:
        """Finish what was taken, then close every connection."""
        self._closing = True
        if self._committer is not None:
            await self._committer
        if self._watchdog is not None:
            self._watchdog.cancel()
        self._commits.shutdown()
        self._checkpoints.shutdown()
        self._reads.shutdown()
        self._reader.close()
        self._writer.close()


class _TooLong(Exception):
    """A read was stopped: its time is over, or nobody waits for it."""


class _Reader:
    """A connection that reads, and the snapshot that it holds."""

    def __init__(self, path: Path, sync: str, steps: int) -> None:
        self._connection = connect(path, sync, reader=True)
        self._tx = SqliteTx(self._connection)
        self._until = math.inf
        self._is_gone = never
        self._connection.set_progress_handler(self._is_over, steps)
        self.is_open = False

    def _is_over(self) -> bool:
        return time.monotonic() > self._until or self._is_gone()

    def read(
        self,
        work: Callable[[Any], Coroutine[Any, Any, R]],
        until: float,
        is_gone: Callable[[], bool],
    ) -> R:
        """Run `work` in the snapshot, taking one if there is none; `end` lets go of it.

        Raises:
            _TooLong: it took beyond `until`, or nobody waits for it any more.
            ServiceUnavailable: the file can't be read.
        """
        try:
            if not self.is_open:
                self._connection.execute("BEGIN")
                self.is_open = True
            self._until, self._is_gone = until, is_gone
            return finish(work(self._tx))
        except apsw.InterruptError as error:
            raise _TooLong from error
        except (apsw.FullError, apsw.IOError, apsw.CantOpenError, apsw.BusyError) as error:
            self.end()
            raise unavailable("it can't read") from error
        finally:
            # What begins and ends a snapshot is never stopped.
            self._until, self._is_gone = math.inf, never

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
