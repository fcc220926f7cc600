"""Calls that wait for a transaction, and for their results."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rapport.store.kit.db import never, unavailable


@dataclass(slots=True, eq=False)
class Waiting:
    """A call, and who waits for its result."""

    call: Any
    deadline: float
    future: asyncio.Future[Any]
    is_gone: Callable[[], bool] = never
    is_long: bool = False

    def is_late(self) -> bool:
        """Nobody waits for it any more, or nobody should."""
        return self.future.done() or self.deadline <= time.monotonic() or self.is_gone()

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
class Gathered:
    """The calls of one batch that wait for a lane, and how many lanes it has."""

    queue: list[Waiting] = field(default_factory=list)
    lanes: int = 0
