"""uvicorn's server with a stop that nobody notices who comes through a proxy or to another
worker.
"""

import asyncio
import contextlib
import signal
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Sequence

import uvicorn

from rapport.folder import CannotStart
from rapport.logs import get_logger
from rapport.serving.accept import Acceptor
from rapport.serving.protocol import RapportProtocol, State
from rapport.serving.terminal import Terminal

# How long a connection may be silent before a worker that others replace closes it: whoever has
# just sent a request, or is about to, still gets its answer.
_LINGER_SECONDS = 1.0
_log = get_logger("rapport.http")


class Server(uvicorn.Server):
    """A server that leaves in steps. A signal that it obeyed is not raised once more: a clean stop
    exits with 0.

    First `/readyz` says that it leaves, long polls and streams end, and every answer closes its
    connection. Then, at once or after a while, it takes no connections any more. At last it ends,
    when every request is answered.

    Args:
        config: uvicorn's.
        state: shared with the application and every connection.
        others: sockets of other processes, on the same port.
        drain_delay: how many seconds it goes on taking connections after SIGTERM.
        say_ready: called once it serves.
        say_leaving: called once it is about to leave.
        read_tls: reads the certificate anew.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        state: State,
        *,
        others: Sequence[socket.socket],
        drain_delay: float,
        say_ready: Callable[[], None],
        say_leaving: Callable[[], None],
        read_tls: Callable[[], ssl.SSLContext | None],
    ) -> None:
        super().__init__(config)
        self.server_state = self._state = state
        self._others = others
        self._drain_delay = drain_delay
        self._say_ready = say_ready
        self._say_leaving = say_leaving
        self._read_tls = read_tls
        self._terminal = Terminal()
        self._until: float | None = None
        self._acceptors: list[Acceptor] = []

    def leave(self) -> None:
        """Stop, but take connections for as long as a proxy needs to notice; a second call
        changes nothing.
        """
        if self._drain_delay:
            self._begin_to_leave(self._drain_delay)
        else:
            self.should_exit = True

    def retire(self) -> None:
        """Stop, and take no connections from now on: others do, or the port is to be free."""
        for acceptor in self._acceptors:
            acceptor.close()
        self._begin_to_leave(_LINGER_SECONDS)

    def hang_up(self) -> None:
        """Show new connections the certificate that is in place now; end as programs do whose
        terminal was closed.
        """
        if self._terminal.is_lost():
            self.handle_exit(signal.SIGINT, None)
            return
        try:
            self.config.ssl = self._read_tls()
        except CannotStart as error:
            _log.error("renewal_failed", error=str(error))
            return
        for acceptor in self._acceptors:
            acceptor.tls = self.config.ssl
        _log.info("renewed")

    def _begin_to_leave(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        self._until = until if self._until is None else min(self._until, until)
        self._let_go()

    def _let_go(self) -> None:
        """Make every answer the last one of its connection, and end what would wait for events
        to come.
        """
        if not self._state.is_leaving:
            self._state.is_leaving = True
            for connection in self._state.connections:
                connection.leave()  # type: ignore[union-attr]  # each is a RapportProtocol
            self._say_leaving()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Say that it serves once it does: connections are taken and signals are obeyed from
        then on.
        """
        await super().startup([])
        self._acceptors = [
            Acceptor(own, self._others, self._protocol, self.config.ssl) for own in sockets or ()
        ]
        self._say_ready()

    def _protocol(self) -> asyncio.Protocol:
        return RapportProtocol(self.config, self._state, self.lifespan.state)

    async def on_tick(self, counter: int) -> bool:
        """Whether it is time to end; asked ten times a second."""
        if self._until is not None and time.monotonic() >= self._until:
            self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no connections, answer what has begun, close every connection."""
        self._let_go()
        for acceptor in self._acceptors:
            acceptor.close()
            await acceptor.emptied()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave on SIGTERM, and without a delay on SIGINT; a second SIGINT stops at once. SIGHUP
        ends nothing, to the end of the process.
        """
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.leave)
        loop.add_signal_handler(signal.SIGINT, self.handle_exit, signal.SIGINT, None)
        loop.add_signal_handler(signal.SIGHUP, self.hang_up)
        yield
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
