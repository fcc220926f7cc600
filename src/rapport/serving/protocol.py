"""uvicorn's HTTP/1.1 with the API's manners: errors in JSON, a limit on a head's time, an orderly end."""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from rapport.contract.kit.errors import BadRequest
from rapport.http.edge import IS_GONE
from rapport.wire.errors import new_request_id, render

HEAD_SECONDS = 30


class State(ServerState):
    """What a server and its connections know of one another; `is_leaving` once the server is about to stop."""

    def __init__(self) -> None:
        super().__init__()
        self.is_leaving = False


class RapportProtocol(HttpToolsProtocol):
    """One connection."""

    server_state: State
    cycle: RequestResponseCycle | None  # type: ignore[assignment]  # it is None before the first request
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start waiting for the first head."""
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """A request begins: its head may take so long and no longer."""
        super().on_message_begin()
        # A long read looks whether anybody still waits for its answer.
        self.scope[IS_GONE] = self.transport.is_closing  # type: ignore[literal-required]
        self._wait_for_head()

    def on_headers_complete(self) -> None:
        """The head is here.

        Raises:
            ValueError: it gives the body's length in two ways, as smuggled requests do; the parser makes it a 400.
        """
        self._stop_waiting()
        names = {name for name, _ in self.headers}
        if b"content-length" in names and b"transfer-encoding" in names:
            raise ValueError("Content-Length beside Transfer-Encoding")
        before = self.cycle
        super().on_headers_complete()
        if self.server_state.is_leaving:
            # Of requests that came in one go, the last one's answer closes the connection.
            if before is not None and not before.response_started:
                before.keep_alive = True
            self.leave()

    def leave(self) -> None:
        """Make the next answer the last one, and say so in it, so that nobody sends into a closing connection."""
        if self.cycle is not None and not self.cycle.response_started:
            self.cycle.keep_alive = False

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP, and close."""
        status, _, body = render(BadRequest("The request is not well-formed HTTP/1.1.", detail=msg))
        head = (
            f"HTTP/1.1 {status} Bad Request\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nx-request-id: {new_request_id()}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()

    def _wait_for_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _too_slow(self) -> None:
        self._head_timer = None
        if not self.transport.is_closing():
            self.send_400_response(f"The request's head did not arrive within {HEAD_SECONDS} seconds.")
