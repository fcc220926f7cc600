"""Limits that all processes share, counted in Redis or Valkey (6.2 or newer is enough).

A process takes requests from Redis by the block, a hundredth of the limit, so that most of them
wait for no round trip. So a user of several processes may be refused with up to a block for each of
them still unused; never let through above the limit. Without Redis each process counts for itself
until it is back.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from rapport.logs import get_logger
from rapport.ratelimit import Limit, Limiter, Usage, refusal

_PARTS = 100
# How long a request may wait for Redis, and how long after a failure it is left alone, in seconds.
_PATIENCE = 0.25
_AWAY = 5.0
_log = get_logger("rapport.ratelimit")


@dataclass(slots=True)
class _Block:
    """What is left of what was taken from Redis for one caller. `seen`: all that was taken so
    far, by anybody.
    """

    left: int = 0
    seen: int = 0
    spent: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class SharedLimiter:
    """Counts requests per caller in windows that start at multiples of their length, for all
    processes together.

    Args:
        limit: how many in a window.
        url: `redis://`, `rediss://` or `unix://`.
        now: seconds since 1970.
    """

    def __init__(self, limit: Limit, url: str, now: Callable[[], float] = time.time) -> None:
        self._limit = limit
        self._now = now
        self._size = max(1, limit.requests // _PARTS)
        self._redis = Redis.from_url(
            url,
            socket_timeout=_PATIENCE,
            socket_connect_timeout=_PATIENCE,
            retry=Retry(NoBackoff(), 0),
        )
        self._alone = Limiter(limit, now)
        self._window = 0
        self._blocks: dict[tuple[str, str], _Block] = {}
        self._back_at = 0.0
        self._is_away = False

    async def take(self, caller: tuple[str, str], requests: int = 1) -> Usage:
        """Count requests; see `Limits.take`. What a refused batch had of them stays counted."""
        for _ in range(requests - 1):
            await self._take_one(caller)
        return await self._take_one(caller)

    async def _take_one(self, caller: tuple[str, str]) -> Usage:
        if self._now() < self._back_at:
            return await self._alone.take(caller)
        reset = self._turn()
        block = self._blocks.setdefault(caller, _Block())
        try:
            while not block.left:
                if block.spent:
                    raise refusal(self._limit, reset, self._now())
                await self._refill(caller, block, reset)
        except (RedisError, OSError) as error:
            self._gone(error)
            return await self._alone.take(caller)
        block.left -= 1
        return Usage(self._limit.requests, self._limit.requests - block.seen + block.left, reset)

    def _turn(self) -> int:
        window = int(self._now()) // self._limit.seconds
        if window != self._window:
            self._window = window
            self._blocks.clear()
        return (window + 1) * self._limit.seconds

    async def _refill(self, caller: tuple[str, str], block: _Block, reset: int) -> None:
        async with block.lock:
            if block.left or block.spent:
                return  # another request of this caller was first
            key = f"rapport:limit:{caller[0]}:{caller[1]}:{reset}"
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.incrby(key, self._size)
                pipe.expire(key, self._limit.seconds)  # by its own clock, whatever ours says
                count, _ = await pipe.execute()
            before = count - self._size
            block.left = max(0, min(self._size, self._limit.requests - before))
            block.spent = not block.left
            block.seen = min(count, self._limit.requests)
            if self._is_away:
                self._is_away = False
                _log.info("limits_shared_again")

    def _gone(self, error: Exception) -> None:
        self._back_at = self._now() + _AWAY
        if not self._is_away:
            self._is_away = True
            _log.warning("limits_per_process", why=f"Redis is away: {error}")

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()
