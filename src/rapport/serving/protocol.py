"""uvicorn's HTTP/1.1 with the API's manners: errors in JSON, bounds of a head, an orderly end."""

import asyncio
import enum
from http import HTTPStatus
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from rapport.contract.kit.errors import ApiError, BadRequest
from rapport.http import head
from rapport.http.edge import IS_GONE
from rapport.wire.errors import render, request_id

HEAD_SECONDS = 30
# How long to throw away what a refused client still sends: cut off, it might never read why.
_LINGER_SECONDS = 1.0


class State(ServerState):
    """What a server and its connections know of one another; `is_leaving` once the server is
    about to stop.
    """

    def __init__(self) -> None:
        super().__init__()
        self.is_leaving = False


class _Part(enum.Enum):
    """What of a request comes next; a trailer is part of the body."""

    NOTHING = enum.auto()
    HEAD = enum.auto()
    BODY = enum.auto()


class RapportProtocol(HttpToolsProtocol):
    """One connection."""

    server_state: State
    cycle: RequestResponseCycle | None  # type: ignore[assignment]  # it is None before the first request
    url = b""
    _part = _Part.NOTHING
    # Bytes since the last request ended, or since the body's content last grew.
    _pending = 0
    _refusal: ApiError | None = None
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start waiting for the first head."""
        super().connection_made(transport)
        self.headers = []
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, of a head no more than it may still have; throw away what follows a refusal."""
        self._unset_keepalive_if_required()
        while data and self._refusal is None:
            size = len(data) if self._part is _Part.BODY else head.MAX_HEAD - self._pending
            data = self._read(data[:size]) + data[size:]
        if self._part is _Part.NOTHING and self._refusal is None and self._is_idle():
            # Empty lines before a head take of its time.
            self._wait_for_head()

    def _read(self, piece: bytes) -> bytes:
        """Parse some bytes; what is to be parsed next in their place."""
        self._pending += len(piece)
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade as upgrade:
            return self._stay(piece[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            self._refuse(_refusal_of(error))
        else:
            if self._pending >= head.MAX_HEAD:
                in_body = self._part is _Part.BODY
                self._refuse(head.trailer_too_large() if in_body else head.too_large(self.url))
        return b""

    def _stay(self, rest: bytes) -> bytes:
        """A head that offers another protocol, without the offer, and what came behind it.

        The parser would take that for the other protocol's, and so the body be lost.
        """
        plain = head.text(
            self.parser.get_method(),
            self.url,
            self.parser.get_http_version(),
            [field for field in self.headers if field[0] != b"upgrade"],
        )
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
        self._pending = 0
        return plain + rest

    def on_message_begin(self) -> None:
        """A request begins: its head may take so long and no longer."""
        super().on_message_begin()
        # A long read looks whether anybody still waits for its answer.
        self.scope[IS_GONE] = self.transport.is_closing  # type: ignore[literal-required]
        self._part = _Part.HEAD
        self._wait_for_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field of the head. A trailer's comes here too, and must never count as one.

        Raises:
            HeadTooLarge: it is one too many.
        """
        if self._part is not _Part.HEAD:
            return
        super().on_header(name, value)
        if len(self.headers) > head.MAX_FIELDS:
            raise head.too_many_fields()

    def on_headers_complete(self) -> None:
        """The head is here.

        Raises:
            ApiError: it can't be taken, whoever sent it.
        """
        version = self.parser.get_http_version()
        self.url = head.check(self.parser.get_method(), self.url, version, self.headers)
        if self.parser.should_upgrade():
            return
        self._stop_waiting()
        self._part = _Part.BODY
        self._pending = 0
        self.expect_100_continue &= version != "1.0"
        before = self.cycle
        super().on_headers_complete()
        if self.server_state.is_leaving:
            # Of requests that came in one go, the last one's answer closes the connection.
            if before is not None and not before.response_started:
                before.keep_alive = True
            self.leave()

    def on_body(self, body: bytes) -> None:
        """Some of the body's content is here."""
        self._pending = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is here."""
        if self.parser.should_upgrade():
            return
        super().on_message_complete()
        self._part = _Part.NOTHING
        self._pending = 0
        self.headers = []

    def on_response_complete(self) -> None:
        """Go on with the next request, or with the refusal of what came after this one."""
        is_last = not self.pipeline
        super().on_response_complete()
        if is_last and self._refusal is not None and not self.transport.is_closing():
            self._say(self._refusal)

    def leave(self) -> None:
        """Make the next answer the last one, and say so in it, so that nobody sends into a
        closing connection.
        """
        if self.cycle is not None and not self.cycle.response_started:
            self.cycle.keep_alive = False

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        super()._start_asgi_task(
            cycle, _unchunked(cycle, app) if cycle.scope["http_version"] == "1.0" else app
        )

    def _refuse(self, error: ApiError) -> None:
        """Read no more: answer what can't be read once all before it is answered, and close."""
        self._refusal = error
        self._stop_waiting()
        if self._part is _Part.BODY:
            self._break_off(error)
        elif self._is_idle():
            self._say(error)

    def _break_off(self, error: ApiError) -> None:
        """End the request whose body can't be read on."""
        assert self.cycle is not None  # noqa: S101  # a body has a head, which made it
        if self.pipeline:
            self.pipeline.popleft()  # it has not begun, and now the refusal has its turn
            return
        self.cycle.disconnected = True
        self.cycle.message_event.set()
        if self.cycle.response_started:  # a request has one answer
            self.transport.close()
        else:
            self._say(error)

    def _say(self, error: ApiError) -> None:
        self._unset_keepalive_if_required()
        status, more, body = render(error)
        lines = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
            "content-type: application/json",
            f"content-length: {len(body)}",
            f"x-request-id: {request_id(dict(self.headers))}",
            *(f"{name}: {value}" for name, value in more.items()),
            "connection: close",
        )
        self.transport.write("\r\n".join((*lines, "", "")).encode() + body)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(_LINGER_SECONDS, self.transport.close)

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

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
            self._refuse(
                _malformed(f"The request's head did not arrive within {HEAD_SECONDS} seconds.")
            )


def _unchunked(cycle: RequestResponseCycle, app: Any) -> Any:
    """An application whose answer ends with the connection where it does not say its length."""

    async def call(scope: Any, receive: Any, send: Any) -> None:
        is_open = False

        async def plain(message: Any) -> None:
            nonlocal is_open
            if message["type"] == "http.response.start":
                is_open = all(name.lower() != b"content-length" for name, _ in message["headers"])
                cycle.chunked_encoding = False if is_open else None
            elif is_open:
                cycle.expected_content_length = len(message.get("body", b""))
            await send(message)

        await app(scope, receive, plain)

    return call


def _refusal_of(error: httptools.HttpParserError) -> ApiError:
    if isinstance(error.__context__, ApiError):
        return error.__context__  # which a callback raised
    if str(error).startswith("Invalid `Transfer-Encoding`"):
        return head.unknown_coding()
    return _malformed(str(error))


def _malformed(detail: str) -> ApiError:
    return BadRequest("The request is not well-formed HTTP/1.1.", detail=detail)
