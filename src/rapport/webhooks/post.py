"""One POST to a receiver over HTTP/1.1: bounded in time and size, never redirected, dialled where
`reach` allows.

Clients for general use resolve names behind one's back, follow redirects and proxy variables, and
decode what they read. A delivery needs none of it, and each of it would be a way around the check
of where it goes.
"""

import asyncio
import os
import socket
import ssl
import time
from collections.abc import Mapping
from typing import NamedTuple, cast
from urllib.parse import urlsplit

import httptools

from rapport.webhooks.reach import Reach, Target, Unreachable

# What is read of an answer, in bytes; behind that its status alone decides.
_MOST = 64 * 1024
# Less than the five seconds after which most servers close what is idle.
_IDLE_SECONDS = 4.0
_IDLE_PER_HOST = 16
_FIRST_FINAL = 200


class Outcome(NamedTuple):
    """How an attempt went: `status` and the first bytes of the answer, or `error`. `milliseconds`
    is what it took.

    `retry_after` is that header of the answer, as it came.
    """

    status: int | None
    answer: bytes
    error: str | None
    milliseconds: int
    retry_after: str | None = None


class Reply(NamedTuple):
    """A receiver's answer. `reusable`: its connection may carry another request."""

    status: int
    answer: bytes
    retry_after: str | None
    reusable: bool


class _NoReply(Exception):
    """The connection ended or said nonsense. `unused`: it was closed in good order before a
    byte of an answer came.
    """

    def __init__(self, why: str, *, unused: bool = False) -> None:
        super().__init__(why)
        self.unused = unused


class Poster:
    """Sends deliveries, keeping connections open for the next ones.

    Args:
        reach: where they may go.
    """

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._idle: dict[tuple[str, str, int], list[_Connection]] = {}
        self._tls: ssl.SSLContext | None = None

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, *, seconds: float
    ) -> Outcome:
        """Send a body once. Whatever happens is an outcome.

        Args:
            url: where to.
            headers: beside those that frame the request.
            body: what to send.
            seconds: for everything, from the look-up of the name to the end of the answer.
        """
        began = time.monotonic()
        reply, error = None, None
        try:
            async with asyncio.timeout(seconds):
                reply = await self._exchange(url, _request(url, headers, body))
        except TimeoutError:
            error = f"no answer within {seconds:g} s"
        except (Unreachable, _NoReply) as problem:
            error = str(problem)
        except ssl.SSLError as problem:
            error = f"TLS failed: {problem.reason or problem}"
        except OSError as problem:
            error = (
                f"the connection failed: {os.strerror(problem.errno) if problem.errno else problem}"
            )
        took = round((time.monotonic() - began) * 1000)
        if reply is None:
            return Outcome(None, b"", error, took)
        return Outcome(reply.status, reply.answer, None, took, reply.retry_after)

    async def _exchange(self, url: str, request: bytes) -> Reply:
        targets = await self._reach.targets(url)
        kept = self._kept(url, targets)
        if kept is not None:
            try:
                return self._keep(url, kept, await kept.exchange(request))
            except _NoReply as problem:
                if not problem.unused:
                    raise
                # The receiver closed it while it was idle. An event may come twice, as every
                # receiver is told.
        connection = await self._connect(url, targets)
        return self._keep(url, connection, await connection.exchange(request))

    def _kept(self, url: str, targets: list[Target]) -> "_Connection | None":
        """An open connection to where the URL leads now."""
        addresses = {target.address[:2] for target in targets}
        idle = self._idle.get(_origin(url), [])
        while idle:
            connection = idle.pop()
            if connection.target.address[:2] in addresses and connection.fresh:
                return connection
            connection.close()
        return None

    def _keep(self, url: str, connection: "_Connection", reply: Reply) -> Reply:
        idle = self._idle.setdefault(_origin(url), [])
        if reply.reusable and len(idle) < _IDLE_PER_HOST:
            connection.idle_since = time.monotonic()
            idle.append(connection)
        else:
            connection.close()
        return reply

    async def _connect(self, url: str, targets: list[Target]) -> "_Connection":
        """Dial one address after the other; each gets its share of the time that is left."""
        loop = asyncio.get_running_loop()
        parts = urlsplit(url)
        tls = self._context() if parts.scheme.lower() == "https" else None
        problem: OSError = OSError("there is no address")
        for target in targets:
            plain = socket.socket(target.family, socket.SOCK_STREAM)
            plain.setblocking(False)  # noqa: FBT003  # the standard library's own
            try:
                await loop.sock_connect(plain, target.address)
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                _, connection = await loop.create_connection(
                    lambda target=target: _Connection(target),
                    sock=plain,
                    ssl=tls,
                    server_hostname=parts.hostname if tls else None,
                )
            except OSError as error:
                plain.close()
                problem = error
            except BaseException:
                plain.close()
                raise
            else:
                return connection
        raise problem

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls

    def close(self) -> None:
        """Close what is idle."""
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
        self._idle.clear()


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    return parts.scheme.lower(), parts.hostname or "", parts.port or 0


def _request(url: str, headers: Mapping[str, str], body: bytes) -> bytes:
    parts = urlsplit(url)
    path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
    lines = [f"POST {path} HTTP/1.1", f"host: {parts.netloc}", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


class _Connection(asyncio.Protocol):
    """A connection that carries one exchange after the other."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.idle_since = 0.0
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Reply] | None = None
        self._begin()

    def _begin(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._read = 0
        self._answer = bytearray()
        self._retry_after: str | None = None
        self._framed = False
        self._in_body = False

    @property
    def fresh(self) -> bool:
        """It is open, and was used a short while ago."""
        is_open = self._transport is not None and not self._transport.is_closing()
        return is_open and time.monotonic() - self.idle_since < _IDLE_SECONDS

    async def exchange(self, request: bytes) -> Reply:
        """Send a request and wait for its answer.

        Raises:
            _NoReply: none came.
        """
        assert self._transport is not None  # noqa: S101  # set before create_connection returns
        self._begin()
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        try:
            return await self._waiting
        except BaseException:
            self._transport.abort()
            raise
        finally:
            self._waiting = None

    def close(self) -> None:
        """Close it."""
        if self._transport is not None:
            self._transport.close()

    # What the transport calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name

    def data_received(self, data: bytes) -> None:
        """Some of an answer came."""
        if self._waiting is None:
            self.close()  # nobody asked
            return
        self._read += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail("the answer is not HTTP/1.1")
            return
        if self._read > _MOST:
            if self._in_body:
                self._reply(reusable=False)
            else:
                self._fail("the head of the answer does not end")

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed: by now the answer is there, or ends here, or will not come."""
        if self._in_body and not self._framed and exc is None:
            self._reply(reusable=False)
        elif exc is not None:
            self._fail(f"the connection failed: {exc}")
        else:
            self._fail("the connection was closed before the answer ended", unused=not self._read)

    # What the parser calls

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header of the answer."""
        self._framed |= name.lower() in {b"content-length", b"transfer-encoding"}
        if name.lower() == b"retry-after":
            self._retry_after = value.decode("latin-1").strip()

    def on_headers_complete(self) -> None:
        """The head ends; that of an interim answer is followed by another one."""
        self._in_body = self._parser.get_status_code() >= _FIRST_FINAL

    def on_body(self, body: bytes) -> None:
        """Some of the body."""
        self._answer += body[: _MOST - len(self._answer)]

    def on_message_complete(self) -> None:
        """The answer ends."""
        if self._in_body:
            self._reply(reusable=self._parser.should_keep_alive())
        self._framed = False

    def _reply(self, *, reusable: bool) -> None:
        if self._waiting is not None and not self._waiting.done():
            status, answer = self._parser.get_status_code(), bytes(self._answer)
            self._waiting.set_result(Reply(status, answer, self._retry_after, reusable))

    def _fail(self, why: str, *, unused: bool = False) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(_NoReply(why, unused=unused))
