"""Taking connections."""

import asyncio
import contextlib
import errno
import select
import socket
import ssl
from collections.abc import Callable, Sequence

from rapport.logs import get_logger

# So many at the most between two looks at what those who are there already have sent.
_AT_ONCE = 256
# How often to look whether somebody waits for another process.
_SECONDS = 0.05
# How long a connection that was just taken holds up the end.
_OPENING_SECONDS = 0.1
# What there may be no room for, and when to try again.
_FULL = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_FULL_SECONDS = 1.0
_log = get_logger("rapport.http")


class Acceptor:
    """Takes all who wait on a process's own socket, and now and then those who wait for a process
    that is gone or busy.

    The loop's own servers take one connection each time they look, and between two looks a busy
    server answers all whom it has: of 64 who come at once the last would wait for 64 rounds of
    answers to the others.

    The system shares out connections among the sockets of a port, also to one whose process has
    just ended. Whoever is alive takes its own at once; what is taken from others is where somebody
    waited already the last time.

    Args:
        own: the process's socket; it listens.
        others: the sockets of other processes on the same port; they listen.
        protocol: makes what speaks on a connection.
        tls: None for connections without. It may be changed, for connections to come.
    """

    def __init__(
        self,
        own: socket.socket,
        others: Sequence[socket.socket],
        protocol: Callable[[], asyncio.Protocol],
        tls: ssl.SSLContext | None,
    ) -> None:
        self._own = own
        self._others = others
        self._protocol = protocol
        self.tls = tls
        self._loop = asyncio.get_running_loop()
        self._opening: set[asyncio.Task[None]] = set()
        self._waited: list[socket.socket] = []
        self._looking: asyncio.TimerHandle | None = None
        self._resting: asyncio.TimerHandle | None = None
        for listener in (own, *others):
            listener.settimeout(0)
        self._listen()
        if others:
            self._looking = self._loop.call_later(_SECONDS, self._look)

    def close(self) -> None:
        """Take no more."""
        for timer in (self._looking, self._resting):
            if timer is not None:
                timer.cancel()
        if self._own.fileno() != -1:
            self._loop.remove_reader(self._own)
        for listener in (self._own, *self._others):
            listener.close()

    async def emptied(self) -> None:
        """Wait until everybody who was taken has a protocol; let go of those who don't agree on
        TLS soon.
        """
        if self._opening:
            await asyncio.wait(self._opening, timeout=_OPENING_SECONDS)
        for task in self._opening:
            task.cancel()
        await asyncio.gather(*self._opening, return_exceptions=True)

    def _listen(self) -> None:
        self._resting = None
        self._loop.add_reader(self._own, self._take, self._own)

    def _look(self) -> None:
        waiting, _, _ = select.select(self._others, (), (), 0)
        for listener in waiting:
            if listener in self._waited and self._resting is None:
                self._take(listener)
        self._waited = waiting
        self._looking = self._loop.call_later(_SECONDS, self._look)

    def _take(self, listener: socket.socket) -> None:
        for _ in range(_AT_ONCE):
            try:
                connection, _ = listener.accept()
            except OSError as error:  # nobody waits any more, or the one who waited has gone
                if error.errno in _FULL:
                    self._rest(error)
                return
            self._open(connection)

    def _rest(self, error: OSError) -> None:
        """Leave those who wait where they are for a while."""
        _log.warning("connections_wait", why=error.strerror)
        self._loop.remove_reader(self._own)
        self._resting = self._loop.call_later(_FULL_SECONDS, self._listen)

    def _open(self, connection: socket.socket) -> None:
        connection.settimeout(0)
        task = self._loop.create_task(self._speak(connection))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _speak(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):  # who comes without TLS, or goes at once
            await self._loop.connect_accepted_socket(self._protocol, connection, ssl=self.tls)
