"""Backs the store up from time to time, in one process of many at a time."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable

from rapport.clock import SECOND, Clock
from rapport.logs import get_logger
from rapport.store import schedules
from rapport.store.kit.db import Store, Tx, alone
from rapport.store.schedules import BACKUP, Course

# How long a process has the work after it was last heard of, in microseconds, and how often it is
# heard of, in seconds.
_LEASE = 60 * SECOND
_HEARTBEAT = 15.0
# How often each process looks whether a backup is due, and after how long one that failed is tried
# again, both in seconds.
_LOOK = 30.0
_AGAIN = 900.0
_log = get_logger("rapport.backup")


class BackupFailed(Exception):
    """A backup was not made; one sentence says why."""


class Backups:
    """The server's backups.

    Args:
        store: says when the last one was.
        clock: the time.
        every: how many seconds lie between two.
        back_up: makes one; raises BackupFailed.
    """

    def __init__(
        self, store: Store, clock: Clock, every: float, back_up: Callable[[], Awaitable[None]]
    ) -> None:
        self._store = store
        self._clock = clock
        self._every = every
        self._back_up = back_up
        self._name = secrets.token_hex(8)

    async def run(self) -> None:
        """Look again and again."""
        while True:
            try:
                await self.turn()
            except Exception:  # noqa: BLE001  # the store is away: the next look tries again
                _log.exception("backup_schedule_failed")
            await asyncio.sleep(min(_LOOK, self._every))

    async def turn(self) -> bool:
        """Make a backup if one is due and nobody makes it; whether one was tried."""
        if not await alone(self._store, self._take):
            return False
        began = self._clock()
        try:
            async with self._held():
                await self._back_up()
        except BackupFailed as error:
            problem = str(error)
            _log.error("backup_failed", error=problem)
            await alone(self._store, lambda tx: self._fail(tx, problem))
        except BaseException:
            await alone(self._store, lambda tx: schedules.release(tx, BACKUP, self._name))
            raise
        else:
            await alone(
                self._store, lambda tx: schedules.succeed(tx, BACKUP, self._name, began=began)
            )
        return True

    async def _take(self, tx: Tx) -> bool:
        now = self._clock()
        course = await schedules.lock(tx, BACKUP, now=now)
        if course is None or now < self._due(course):
            return False
        await schedules.hold(tx, BACKUP, self._name, until=now + _LEASE)
        return True

    def _due(self, course: Course) -> int:
        """When the next one is due."""
        if course.is_failing:
            return (course.failed or 0) + round(min(self._every, _AGAIN) * SECOND)
        return 0 if course.succeeded is None else course.succeeded + round(self._every * SECOND)

    async def _fail(self, tx: Tx, problem: str) -> None:
        await schedules.fail(tx, BACKUP, self._name, ended=self._clock(), problem=problem)

    @contextlib.asynccontextmanager
    async def _held(self) -> AsyncIterator[None]:
        """Have the work for as long as the block lasts."""
        heartbeat = asyncio.create_task(self._beat())
        try:
            yield
        finally:
            heartbeat.cancel()
            await asyncio.gather(heartbeat, return_exceptions=True)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(_HEARTBEAT)
            # A store that is away now may be there for the next.
            with contextlib.suppress(Exception):
                await alone(self._store, self._keep)

    async def _keep(self, tx: Tx) -> bool:
        return await schedules.keep(tx, BACKUP, self._name, until=self._clock() + _LEASE)
