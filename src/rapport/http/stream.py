"""The change feed as server-sent events at `/events`: the same events, rights and numbers as
`events.list`.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import msgspec

from rapport.auth.caller import Caller
from rapport.contract.events import LIST, EventsListRequest
from rapport.contract.kit.errors import ApiError, InvalidField
from rapport.contract.kit.fields import Raw
from rapport.events.bell import Bell
from rapport.operations.kit.invoke import Invoker

PATH = "/events"
# A proxy that hears nothing for a minute closes a connection.
_BEAT_SECONDS = 15
# A reader that takes nothing for so long is let go; it comes back with its number.
_STUCK_SECONDS = 30.0
_AT_ONCE = 50
# What is handed to the connection in one piece, more or less.
_CHUNK_BYTES = 65_536
_HEAD = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
)
Send = Callable[[Any], Awaitable[None]]


class _Page(msgspec.Struct):
    events: list[Raw]
    last: int


class _Numbered(msgspec.Struct):
    sequence: int


_page = msgspec.json.Decoder(_Page).decode
_numbered = msgspec.json.Decoder(_Numbered).decode


class Stream:
    """Streams to readers until they go or the server stops.

    Args:
        invoker: runs `events.list`.
        bell: is closed when the server leaves.
        beat_seconds: how often a reader hears something when nothing happens.
        stuck_seconds: how long a reader may take nothing.
    """

    def __init__(
        self,
        invoker: Invoker,
        bell: Bell,
        *,
        beat_seconds: int = _BEAT_SECONDS,
        stuck_seconds: float = _STUCK_SECONDS,
    ) -> None:
        self._invoker = invoker
        self._bell = bell
        self._beat_seconds = beat_seconds
        self._stuck_seconds = stuck_seconds

    async def serve(
        self,
        request: EventsListRequest,
        who: Callable[[], Awaitable[Caller]],
        receive: Any,
        send: Send,
        headers: dict[str, str],
    ) -> None:
        """Answer one reader.

        Args:
            request: where to begin, and of which kinds.
            who: the caller, asked again and again: a token that was revoked reads on no more.
            receive: says that the reader has gone.
            send: takes the answer.
            headers: of the answer.

        Raises:
            ApiError: the request is refused; nothing was sent yet.
        """
        request.limit = _AT_ONCE
        request.wait = 0
        first = await self._read(await who(), request)
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": [*_HEAD, *raw]})
        streaming = asyncio.create_task(self._stream(self._chunks(first, request, who), send))
        del first  # A page may be large, and a stream long.
        gone = asyncio.create_task(_disconnected(receive))
        try:
            await asyncio.wait((streaming, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (streaming, gone):
                task.cancel()
            await asyncio.gather(streaming, gone, return_exceptions=True)

    async def _stream(self, chunks: AsyncIterator[bytes], send: Send) -> None:
        """Send pages; each is read when the one before has been taken, so that a slow reader
        costs one page.
        """
        async for chunk in chunks:
            async with asyncio.timeout(self._stuck_seconds):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _chunks(
        self, page: _Page, request: EventsListRequest, who: Any
    ) -> AsyncIterator[bytes]:
        for chunk in _chunks(page):
            yield chunk
        while not self._bell.is_closed:
            request.after, request.wait = page.last, self._beat_seconds
            del page
            try:
                page = await self._read(await who(), request)
                await who()  # Who may have lost the right to hear of it while it was waited for.
            except ApiError:
                return  # The reader comes back, and is told what it is.
            for chunk in _chunks(page):
                yield chunk

    async def _read(self, caller: Caller, request: EventsListRequest) -> _Page:
        return _page((await self._invoker.invoke(caller, LIST, request)).body)


def _chunks(page: _Page) -> Iterator[bytes]:
    """A page as it goes out. It has no event names, so that one handler hears of kinds that it
    does not know yet.
    """
    chunk = bytearray()
    for event in page.events:
        chunk += b"id: %d\ndata: %b\n\n" % (_numbered(event).sequence, bytes(event))
        if len(chunk) >= _CHUNK_BYTES:
            yield bytes(chunk)
            chunk.clear()
    # A number alone: what was passed over on the way need not be looked at again by a reader that
    # comes back.
    yield bytes(chunk) + b"id: %d\n\n" % page.last


def last_event_id(header: bytes | None) -> int | None:
    """The number in `Last-Event-ID`; None without one.

    Raises:
        InvalidField: it is no number of this feed.
    """
    if not header:
        return None
    text = header.decode("latin-1")
    if not (text.isascii() and text.isdigit() and int(text) < 2**63):
        raise InvalidField(
            f"Last-Event-ID: {text[:80]!r} is no number of this feed.",
            detail="Send the id of the last event that came, or none.",
            field_name="Last-Event-ID",
        )
    return int(text)


async def _disconnected(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
