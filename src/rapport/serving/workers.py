"""Several processes that serve on one port: `rapport serve --workers N`, seen from the parent of
them.

The parent takes the port, starts the workers with its own command line and starts new ones for
those that end. It serves nothing itself. On SIGHUP it replaces the workers one after the other,
each by one that serves already: they read settings and certificates anew, and run the program that
is installed then.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from prometheus_client.multiprocess import mark_process_dead

from rapport import metrics
from rapport.folder import CannotStart
from rapport.logs import configure_logs, get_logger
from rapport.serving import listener, notify
from rapport.serving.terminal import Terminal
from rapport.settings import Settings

# How long to wait for the port: workers whose parent was killed need a moment to see it.
_PORT_SECONDS = 5.0
# Between a worker's end and the next one's start, while they end sooner than this after they began.
_DELAYS = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
_SOUND_SECONDS = 30.0
# What a worker may take to end beyond what its settings say.
_SLACK_SECONDS = 10.0

_log = get_logger("rapport.workers")
Say = Callable[[str], None]


class _Worker:
    """A worker process.

    Args:
        number: from 1; the next process in its place has the same.
        process: what runs.
        line: on which it reports.
        say: tells the operator a line.
    """

    def __init__(
        self,
        number: int,
        process: asyncio.subprocess.Process,
        line: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        say: Say,
    ) -> None:
        self.number = number
        self.process = process
        self.is_leaving = False
        self._problem = ""
        self._reports, self._line = line
        self._say = say
        self._began = time.monotonic()
        self._serves: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.ended = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        async for report in self._reports:
            told = json.loads(report)
            if "say" in told:
                self._say(told["say"])
            elif "failed" in told:
                self._problem = told["failed"]
            elif "ready" in told:
                self._serves.set_result(True)
        await self.process.wait()
        self._line.close()
        if not self._serves.done():
            self._serves.set_result(False)

    async def serves(self) -> bool:
        """Wait until it serves; False when it ended instead."""
        return await asyncio.shield(self._serves)

    @property
    def problem(self) -> str:
        """Why it ended."""
        return self._problem or f"a worker ended with code {self.process.returncode}"

    @property
    def was_sound(self) -> bool:
        """Whether it lived for long enough to start the next one at once."""
        return time.monotonic() - self._began > _SOUND_SECONDS

    def retire(self) -> None:
        """Have it take no connections from now on, answer what has begun, and end."""
        self.is_leaving = True
        with contextlib.suppress(OSError):
            self._line.write_eof()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.is_leaving = True
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)


class Workers:
    """The workers, and what happens to them until they stop.

    Args:
        sockets: to serve on; each worker has its own, where there are several.
        count: how many workers.
        stop_seconds: how long a worker may take to end.
        metrics_folder: where each worker keeps what it measures.
        say: tells the operator a line.
        say_ready: called once as many serve as can.
    """

    def __init__(
        self,
        sockets: Sequence[socket.socket],
        count: int,
        *,
        stop_seconds: float,
        metrics_folder: str,
        say: Say,
        say_ready: Callable[[], None],
    ) -> None:
        self._sockets = sockets
        self._count = count
        self._stop_seconds = stop_seconds
        self._metrics_folder = metrics_folder
        self._say = say
        self._say_ready = say_ready
        self._said: set[str] = set()
        self._alive: set[_Worker] = set()
        self._serving: dict[int, _Worker] = {}
        self._failures: dict[int, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._over = asyncio.Event()
        self._renewal_wanted = asyncio.Event()
        self._reason: str | None = None
        self._hurried = False
        self._terminal = Terminal()

    async def run(self) -> None:
        """Serve until a signal says stop.

        Raises:
            CannotStart: no worker is left, and no new one can start.
        """
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._over.set)
        loop.add_signal_handler(signal.SIGINT, self._hurry)
        loop.add_signal_handler(signal.SIGHUP, self._hung_up)
        self._do(self._begin())
        async with notify.watched():
            await self._over.wait()
        notify.stopping()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._end()
        if self._reason is not None:
            raise CannotStart(self._reason)

    # Starting

    async def _begin(self) -> None:
        # One goes first: it migrates, makes the first org or finds what is wrong, once.
        if not await self._start(1):
            return
        others = range(2, self._count + 1)
        started = await asyncio.gather(*(self._start(number) for number in others))
        self._say_ready()
        for number, serves in zip(others, started, strict=True):
            if not serves:
                self._do(self._restart(number))
        self._do(self._renew_when_wanted())

    async def _start(self, number: int) -> bool:
        """Start a worker in an empty place; whether one serves there now."""
        worker = await self._spawn(number)
        if not await worker.serves():
            if not self._serving:
                self._reason = worker.problem
                self._over.set()
            else:
                self._failures[number] = self._failures.get(number, 0) + 1
                _log.error("worker_cannot_start", worker=number, error=worker.problem)
            return False
        if number in self._serving:
            worker.retire()
        else:
            self._place(worker)
        return True

    async def _restart(self, number: int) -> None:
        """Start workers in an empty place until one serves there."""
        while number not in self._serving:
            await asyncio.sleep(_DELAYS[min(self._failures.get(number, 0), len(_DELAYS) - 1)])
            if await self._start(number):
                return

    async def _spawn(self, number: int) -> _Worker:
        ours, theirs = socket.socketpair()
        with theirs:
            line = await asyncio.open_unix_connection(sock=ours)
            kept = [theirs.fileno(), *(taken.fileno() for taken in self._sockets)]
            # A group of its own, so that Ctrl-C comes to the parent alone.
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *sys.orig_argv[1:],
                "--worker",
                ",".join(map(str, [number, *kept])),
                pass_fds=kept,
                env={**os.environ, metrics.FOLDER: self._metrics_folder},
                process_group=0,
                stdin=asyncio.subprocess.DEVNULL,
            )
        worker = _Worker(number, process, line, self._say_once)
        self._alive.add(worker)
        worker.ended.add_done_callback(lambda _: self._bury(worker))
        return worker

    def _bury(self, worker: _Worker) -> None:
        self._alive.discard(worker)
        mark_process_dead(worker.process.pid, self._metrics_folder)  # type: ignore[no-untyped-call]

    def _place(self, worker: _Worker) -> None:
        self._serving[worker.number] = worker
        self._do(self._watch(worker))

    async def _watch(self, worker: _Worker) -> None:
        """Wait for a worker's end, and fill its place when nobody asked for that end."""
        await asyncio.shield(worker.ended)
        if self._serving.get(worker.number) is worker:
            del self._serving[worker.number]
        if worker.is_leaving:
            return
        _log.error("worker_ended", worker=worker.number, code=worker.process.returncode)
        self._failures[worker.number] = (
            0 if worker.was_sound else self._failures.get(worker.number, 0) + 1
        )
        await self._restart(worker.number)

    def _say_once(self, line: str) -> None:
        """Each worker says where its certificates are; the operator need hear it once."""
        if line not in self._said:
            self._said.add(line)
            self._say(line)

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # Renewing

    def _hung_up(self) -> None:
        if self._terminal.is_lost():
            self._hurry()  # as a program does whose terminal was closed
        else:
            self._renewal_wanted.set()

    async def _renew_when_wanted(self) -> None:
        while await self._renewal_wanted.wait():
            self._renewal_wanted.clear()
            await self._renew()

    async def _renew(self) -> None:
        """Put a new worker into each place, one after the other; stop at the first that can't
        start.
        """
        with notify.reload():
            await self._renew_all()

    async def _renew_all(self) -> None:
        for number in sorted(self._serving):
            new = await self._spawn(number)
            if not await new.serves():
                _log.error("renewal_failed", worker=number, error=new.problem)
                return
            old = self._serving.get(number)
            self._place(new)
            if old is not None:
                old.retire()
                await self._wait_for([old])
        _log.info("renewed", workers=len(self._serving))

    # Stopping

    def _hurry(self) -> None:
        """Stop without the drain's delay; the second time, at once."""
        for worker in self._alive:
            if self._hurried:
                worker.send(signal.SIGKILL)
            else:
                worker.retire()
        self._hurried = True
        self._over.set()

    async def _end(self) -> None:
        for worker in self._alive:
            if self._hurried:
                worker.retire()
            else:
                worker.send(signal.SIGTERM)
        await self._wait_for([*self._alive])

    async def _wait_for(self, workers: list[_Worker]) -> None:
        """Wait for the end of some workers, and end them after a while."""
        ends = [worker.ended for worker in workers]
        if ends and (await asyncio.wait(ends, timeout=self._stop_seconds))[1]:
            for worker in workers:
                worker.send(signal.SIGKILL)
            await asyncio.wait(ends)


def serve(settings: Settings, *, say: Say) -> None:
    """Serve with several worker processes until a signal says stop.

    Args:
        settings: in force; `workers` is more than 1.
        say: tells the operator a line.

    Raises:
        CannotStart: it can't.
    """
    configure_logs()
    count = settings.workers
    if not settings.database_url:
        raise CannotStart(
            f"workers is {count}, but only one process can write a SQLite file: leave it at 1, or "
            "set RAPPORT_DATABASE_URL to use PostgreSQL"
        )
    given = listener.inherited()
    taken = given or listener.bind(settings.host, settings.port, patience=_PORT_SECONDS)
    for warning in _warnings(settings):
        _log.warning("setting", warning=warning)
    host, port = taken.getsockname()[:2]
    url = listener.url(settings, host, port)

    def say_ready() -> None:
        say(f"Rapport serves {url} with {count} workers (reference: /docs)")
        notify.ready()

    stop_seconds = (
        settings.drain_delay + settings.drain_seconds + settings.webhook_timeout + _SLACK_SECONDS
    )
    # Of sockets of our own, those who wait at the end would be refused, and whoever holds the one
    # that was given does not know them.
    divided = [given] if given else listener.divided(taken, count)
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(each) for each in divided]
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="rapport-metrics-"))
        workers = Workers(
            sockets,
            count,
            stop_seconds=stop_seconds,
            metrics_folder=folder,
            say=say,
            say_ready=say_ready,
        )
        asyncio.run(workers.run())
    _log.info("stopped")


def _warnings(settings: Settings) -> list[str]:
    warnings = list(settings.warnings)
    if settings.rate_limit and not settings.redis_url:
        warnings.append(
            f"each of the {settings.workers} workers counts requests for itself: "
            "RAPPORT_REDIS_URL makes them count together"
        )
    return warnings
