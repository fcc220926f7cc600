"""How long the store keeps trying, and what it does when the database is away."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from rapport.logs import get_logger
from rapport.store.kit.db import LostRace, UniqueViolation, unavailable
from rapport.store.postgres.connections import Connections
from rapport.store.postgres.driver import OutcomeUnknown, Verdict, reason, sentence, verdict_of
from rapport.store.postgres.replicas import Replicas

R = TypeVar("R")

_log = get_logger("rapport.store")

_TRIES = 5


class Patience:
    """Attempts that are made again while another one may mend it. It says once that the database
    is away, and once that it is back.
    """

    def __init__(self, pools: Sequence[Connections[Any]], replicas: Replicas | None) -> None:
        """Try with these connections.

        Args:
            pools: all of them lead to the primary; the first has those of writes and short reads.
            replicas: told when the primary is lost.
        """
        self._pools = pools
        self._replicas = replicas
        self._is_away = False

    async def attempt(
        self, work: Callable[[asyncio.Timeout], Awaitable[R]], deadline: float, *, races: int = 1
    ) -> R:
        """Attempt something until it works or the database is plainly away, but not beyond a
        deadline.

        Args:
            work: is given its time limit, which it may move.
            deadline: on the monotonic clock, in seconds.
            races: how many attempts may lose one.

        Raises:
            ServiceUnavailable: the database is away, or the deadline has passed.
            Exception: whatever the work raised that another one would not mend.
        """
        tries = 0
        while True:
            tries += 1
            try:
                async with asyncio.timeout(deadline - time.monotonic()) as limit:
                    result = await work(limit)
            except TimeoutError as error:
                # A server that says nothing is as good as lost: what is free leads to it as well.
                self._pools[0].drop_free()
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
        verdict = verdict_of(error)
        if verdict is None:
            raise error
        if verdict is not Verdict.AGAIN:
            self._lost(error)
        if isinstance(error, OutcomeUnknown):
            raise unavailable("whether the write was kept is not known") from error
        if verdict is Verdict.AWAY or tries >= _TRIES:
            raise unavailable(reason(error)) from error

    def _lost(self, error: BaseException) -> None:
        """Let go of the free connections, because one has shown to be lost, and say so once."""
        for pool in self._pools:
            pool.drop_free()
        if self._replicas is not None:
            self._replicas.primary_lost()
        if not self._is_away:
            self._is_away = True
            _log.error("database_away", error=sentence(error))

    def _found(self) -> None:
        if self._is_away:
            self._is_away = False
            _log.info("database_back")
