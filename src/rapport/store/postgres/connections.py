"""A list of free connections, for whatever can be opened, ended and found to be closed."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar


class Connection(Protocol):
    """What a list needs to know of its connections."""

    def is_closed(self) -> bool:
        """It was ended, or its other end went away."""
        ...

    def is_in_transaction(self) -> bool:
        """Something was begun on it that is not over."""
        ...

    def terminate(self) -> None:
        """End it at once."""
        ...

    async def close(self, *, timeout: float) -> None:  # noqa: ASYNC109  # the driver's own signature
        """End it in good order."""
        ...


C = TypeVar("C", bound=Connection)


class Connections(Generic[C]):
    """Up to `most` connections. The last one given back is the first one taken, so that few are
    used when few do.

    Args:
        connect: opens one.
        most: how many there may be.
    """

    def __init__(self, connect: Callable[[], Awaitable[C]], most: int) -> None:
        self._connect = connect
        self._most = most
        self._open = 0
        self._is_closed = False
        self._free: list[C] = []
        self._waiting: deque[asyncio.Future[C | None]] = deque()

    async def take(self) -> C:
        """A free connection, a new one, or the first that is given back.

        Raises:
            Exception: whatever opening one raised.
        """
        while True:
            while self._free:
                connection = self._free.pop()
                if not connection.is_closed():
                    return connection
                self._open -= 1
            if self._open < self._most:
                return await self._opened()
            given = await self._given()
            if given is not None:
                return given

    async def _opened(self) -> C:
        self._open += 1
        try:
            return await self._connect()
        except BaseException:
            self._lost()
            raise

    async def _given(self) -> C | None:
        """What the next one to end its work leaves: its connection, or room for a new one."""
        future: asyncio.Future[C | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                # It came in the same turn in which nobody wanted it any more.
                connection = future.result()
                if connection is None:
                    self._wake(None)
                else:
                    self.give(connection)
            raise

    def give(self, connection: C) -> None:
        """Give one back. One that is closed, or in the middle of something, is ended."""
        if self._is_closed or connection.is_closed() or connection.is_in_transaction():
            self.drop(connection)
        elif not self._wake(connection):
            self._free.append(connection)

    def drop(self, connection: C) -> None:
        """End one, whatever it is doing."""
        connection.terminate()
        self._lost()

    def drop_free(self) -> None:
        """End all that are free: where one is lost, the others are."""
        free, self._free = self._free, []
        for connection in free:
            self.drop(connection)

    def _lost(self) -> None:
        self._open -= 1
        self._wake(None)

    def _wake(self, connection: C | None) -> bool:
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(connection)
                return True
        return False

    async def close(self) -> None:
        """End all that are free, in good order; the others are ended when they are given back."""
        self._is_closed = True
        free, self._free = self._free, []
        self._open -= len(free)
        await asyncio.gather(
            *(connection.close(timeout=1) for connection in free), return_exceptions=True
        )


class Lease(Generic[C]):
    """A connection for as long as a block lasts; one that is left in the middle of something is
    ended.
    """

    def __init__(self, connections: Connections[C]) -> None:
        self._connections = connections

    async def __aenter__(self) -> C:
        self._connection = await self._connections.take()
        return self._connection

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> Self | None:
        if error is None or isinstance(error, Exception):
            self._connections.give(self._connection)
        else:
            # Cancelled: an answer may still be under way on it.
            self._connections.drop(self._connection)
        return None
