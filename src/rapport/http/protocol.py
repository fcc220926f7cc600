"""uvicorn's HTTP/1.1 with the API's manners: errors in JSON, a limit on the time that a head may take."""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from rapport.contract.errors import BadRequest
from rapport.http.errors import new_request_id, render

HEAD_SECONDS = 30


class RapportProtocol(HttpToolsProtocol):
    """One connection."""

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
        super().on_headers_complete()

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
