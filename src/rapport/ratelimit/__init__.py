"""Rate limits (behaviour: Rate limits): fixed windows, in this process's memory; `shared`
counts for all processes together.
"""

import math
import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

from rapport.contract.kit.errors import TooManyRequests


class Limit(NamedTuple):
    """So many requests in so many seconds."""

    requests: int
    seconds: int


class Usage(NamedTuple):
    """Where a caller stands: `reset` in seconds since 1970."""

    limit: int
    remaining: int
    reset: int

    @property
    def headers(self) -> dict[str, str]:
        """What tells the caller so."""
        return {
            "x-ratelimit-limit": str(self.limit),
            "x-ratelimit-remaining": str(self.remaining),
            "x-ratelimit-reset": str(self.reset),
        }


class Limits(Protocol):
    """Counts requests."""

    async def take(self, caller: tuple[str, str], requests: int = 1) -> Usage:
        """Count requests.

        Raises:
            TooManyRequests: the caller's window is used up.
        """
        ...

    async def close(self) -> None:
        """Let go of what counting takes."""
        ...


class Limiter:
    """Counts requests per caller in windows that start at multiples of their length."""

    def __init__(self, limit: Limit, now: Callable[[], float] = time.time) -> None:
        self._limit = limit
        self._now = now
        self._window = 0
        self._counts: dict[tuple[str, str], int] = {}

    def _turn(self) -> int:
        window = int(self._now()) // self._limit.seconds
        if window != self._window:
            self._window = window
            self._counts.clear()
        return (window + 1) * self._limit.seconds

    async def take(self, caller: tuple[str, str], requests: int = 1) -> Usage:
        """Count requests; see `Limits.take`."""
        reset = self._turn()
        count = self._counts.get(caller, 0)
        if count + requests > self._limit.requests:
            raise refusal(self._limit, reset, self._now())
        self._counts[caller] = count + requests
        return Usage(self._limit.requests, self._limit.requests - count - requests, reset)

    async def close(self) -> None:
        """Nothing is held."""


def refusal(limit: Limit, reset: int, now: float) -> TooManyRequests:
    """The answer to a request too many in a window that ends at `reset`."""
    wait = max(1, math.ceil(reset - now))
    return TooManyRequests(
        f"More than {limit.requests} requests in {limit.seconds} seconds.",
        detail=f"Wait {wait} seconds before the next request.",
        retry_after=wait,
        window=Usage(limit.requests, 0, reset).headers,
    )


def parse_limit(text: str) -> Limit | None:
    """Read `8000/60`, or `off`, which is None.

    Raises:
        ValueError: neither.
    """
    if text == "off":
        return None
    requests, slash, seconds = text.partition("/")
    if not slash or int(requests) < 1 or int(seconds) < 1:
        raise ValueError(text)
    return Limit(int(requests), int(seconds))
