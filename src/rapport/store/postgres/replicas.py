"""Standbys for long reads.

A read sees everything that was answered before it, by whichever process: it waits until the standby
has replayed what the primary has on disk, or goes to the primary.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from rapport.logs import get_logger
from rapport.store.postgres.connections import Connections, Lease
from rapport.store.postgres.driver import plain_transaction

_log = get_logger("rapport.store")

# So long a read waits for a standby; one that is further behind is not asked for a while, as one
# that is away.
_PATIENCE_SECONDS = 0.3
_REST_SECONDS = 5.0
# A standby may have followed a primary that is no more, and hold what the next one never had, until
# it is told so.
_FAILOVER_SECONDS = 60.0
_REPLAYED = "SELECT pg_last_wal_replay_lsn() >= $1::text::pg_lsn"


class Behind(Exception):
    """The standby has not replayed what it should."""


class Replicas:
    """The standbys of one primary.

    Args:
        connect: opens a connection to one of them.
        most: how many connections there may be.
    """

    def __init__(self, connect: Callable[[], Awaitable[Any]], most: int) -> None:
        self._connections = Connections(connect, most)
        self._resting_until = 0.0
        self._is_away = False

    @property
    def is_resting(self) -> bool:
        """They are not to be asked now."""
        return time.monotonic() < self._resting_until

    @contextlib.asynccontextmanager
    async def at(self, position: str) -> AsyncIterator[Any]:
        """A connection to a standby that has replayed the primary's log up to a position.

        Raises:
            Behind: none has in time.
            Exception: whatever connecting and asking raised.
        """
        async with Lease(self._connections) as connection:
            async with plain_transaction(connection):
                await _replayed(connection, position)
            yield connection
        if self._is_away:
            self._is_away = False
            _log.info("replica_back")

    def failed(self, error: Exception) -> None:
        """One was of no use: let them rest, and say so once."""
        self._connections.drop_free()
        self._rest(_REST_SECONDS)
        if not self._is_away:
            self._is_away = True
            _log.warning(
                "replica_away", error=str(error).partition("\n")[0] or type(error).__name__
            )

    def primary_lost(self) -> None:
        """There may be another primary now."""
        self._rest(_FAILOVER_SECONDS)

    def _rest(self, seconds: float) -> None:
        self._resting_until = max(self._resting_until, time.monotonic() + seconds)

    async def close(self) -> None:
        """Close every connection."""
        await self._connections.close()


async def _replayed(connection: Any, position: str) -> None:
    """Wait until it is.

    Raises:
        Behind: it is not in time.
    """
    until, pause = time.monotonic() + _PATIENCE_SECONDS, 0.002
    while not await connection.fetchval(_REPLAYED, position):
        if time.monotonic() + pause > until:
            raise Behind(f"it is more than {_PATIENCE_SECONDS} seconds behind")
        await asyncio.sleep(pause)
        pause *= 2
