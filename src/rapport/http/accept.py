"""Connections that wait for a process which is gone or busy."""

import asyncio
import contextlib
import select
import socket
import ssl
from collections.abc import Callable, Sequence

_SECONDS = 0.05


class Relief:
    """Takes what waits on the sockets of other processes, now and then.

    The system shares out connections among the sockets, also to one whose process has just ended. Whoever is alive
    takes its own at once; what is taken here is where somebody waited already the last time.

    Args:
        listeners: the sockets; they listen.
        protocol: makes what speaks on a connection.
        tls: None for connections without.
    """

    def __init__(
        self, listeners: Sequence[socket.socket], protocol: Callable[[], asyncio.Protocol], tls: ssl.SSLContext | None
    ) -> None:
        self._listeners = listeners
        self._protocol = protocol
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self._opening: set[asyncio.Task[None]] = set()
        for listener in listeners:
            listener.settimeout(0)
        self._waited: list[socket.socket] = []
        self._timer = self._loop.call_later(_SECONDS, self._look)

    def close(self) -> None:
        """Take no more."""
        self._timer.cancel()
        for listener in self._listeners:
            listener.close()

    async def wait_closed(self) -> None:
        """Let go of those who have not even agreed on TLS."""
        for task in self._opening:
            task.cancel()
        await asyncio.gather(*self._opening, return_exceptions=True)

    def _look(self) -> None:
        waiting, _, _ = select.select(self._listeners, (), (), 0)
        for listener in waiting:
            if listener in self._waited:
                self._take(listener)
        self._waited = waiting
        self._timer = self._loop.call_later(_SECONDS, self._look)

    def _take(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):  # nobody waits any more, or there is no room for another
            while True:
                self._open(listener.accept()[0])

    def _open(self, connection: socket.socket) -> None:
        connection.settimeout(0)
        task = self._loop.create_task(self._speak(connection))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _speak(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):  # who comes without TLS, or goes at once
            await self._loop.connect_accepted_socket(self._protocol, connection, ssl=self._tls)
