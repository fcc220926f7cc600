"""What is made once, beside the event loop, when it is first asked for."""

import asyncio
from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Once(Generic[T]):
    """A value that a thread makes at the first ask.

    Args:
        make: makes it.
        needs: what it is made of.
    """

    def __init__(self, make: Callable[..., T], *needs: "Once[Any]") -> None:
        self._make = make
        self._needs = needs
        self._made: asyncio.Task[T] | None = None

    async def get(self) -> T:
        """The value; whoever comes while it is being made waits for the same one."""
        if self._made is None:
            self._made = asyncio.create_task(self._run())
        # One that goes away does not take the value from the others.
        return await asyncio.shield(self._made)

    async def _run(self) -> T:
        try:
            return await asyncio.to_thread(self._make, *[await one.get() for one in self._needs])
        except BaseException:
            # The next ask tries again: there may be a file to open then.
            self._made = None
            raise
