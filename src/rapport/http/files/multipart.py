"""A form with one file in it, read as it arrives: the fields first, then the file's bytes as a
stream.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from rapport.contract.kit.errors import (
    BadRequest,
    Forbidden,
    InvalidContentType,
    RequestEntityTooLarge,
)
from rapport.http.asgi import Receive

STALL_SECONDS = 30
FILE = "file"
# All of a form but its file, in bytes. Ours has three short fields; a part's file name may be long.
OVERHEAD = 64 * 1024
_HEADER = 32 * 1024
_MOST_FIELDS = 16
# What a part's bytes may say of themselves: that they are what they are (RFC 7578 section 4.7).
_PLAIN_ENCODINGS = frozenset({"", "7bit", "8bit", "binary"})
# White space that a sender of mail may put behind a boundary, in bytes.
_PADDING = 64
_NOT_A_FORM = "a boundary or a part's headers are malformed or too long"
_DETAIL = "Send multipart/form-data: the fields of form_data as they are, then one part named file."


class _Part(NamedTuple):
    """A part begins."""

    name: str
    content_type: str


class _Parser:
    """Finds parts and their data in the chunks of a body. The file names in a form are never
    looked at.
    """

    def __init__(self, boundary: bytes) -> None:
        self.ended = False
        self._preamble: _Preamble | None = _Preamble(boundary)
        self._found: list[_Part | bytes] = []
        self._headers: dict[bytes, bytes] = {}
        self._name = b""
        self._value = b""
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._headers.clear,
                "on_part_data": lambda data, start, end: self._found.append(data[start:end]),
                "on_header_field": self._header_field,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers_finished,
                "on_end": self._end,
            },
            max_header_size=_HEADER,
        )

    def write(self, chunk: bytes) -> Sequence[_Part | bytes]:
        """Parse the next chunk; what it held, in order.

        Raises:
            FormParserError: malformed.
            InvalidContentType: a part is encoded.
        """
        self._found = []
        if self._preamble is not None:
            chunk = self._preamble.skip(chunk)
            if chunk:
                self._preamble = None
        self._parser.write(chunk)
        return self._found

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        encoding = self._text(b"content-transfer-encoding")
        if encoding.lower() not in _PLAIN_ENCODINGS:
            raise InvalidContentType(
                f"A part's Content-Transfer-Encoding: {encoding[:80]!r} is not taken.",
                detail="Send the file's bytes as they are, without that header.",
                value=encoding,
            )
        self._found.append(
            _Part(options.get(b"name", b"").decode("utf-8", "replace"), self._text(b"content-type"))
        )

    def _text(self, header: bytes) -> str:
        return self._headers.get(header, b"").decode("latin-1").strip()

    def _end(self) -> None:
        self.ended = True


class _Preamble:
    """What stands before the first boundary, which RFC 2046 lets a sender write and a reader
    ignore.
    """

    def __init__(self, boundary: bytes) -> None:
        self._line = b"--" + boundary
        padding = rb"[ \t]{0,%d}" % _PADDING
        self._first = re.compile(
            rb"\r\n" + re.escape(self._line) + rb"(?:(--)|" + padding + rb"(\r\n))"
        )
        self._longest = len(self._line) + _PADDING + 4
        # The body's begin counts for the end of a line.
        self._seen = b"\r\n"

    def skip(self, chunk: bytes) -> bytes:
        """The body from its first boundary on, as much of it as is there."""
        self._seen += chunk
        first = self._first.search(self._seen)
        if first is None:
            self._seen = self._seen[-self._longest :]
            return b""
        return self._line + (first[1] or first[2]) + self._seen[first.end() :]


class Body:
    """A request's body, one message at a time.

    Args:
        receive: ASGI's.
        awaited: the client holds the body back until it is asked for.
    """

    def __init__(self, receive: Receive, *, awaited: bool) -> None:
        self._receive = receive
        self._awaited = awaited
        self.is_whole = False

    async def next(self) -> bytes:
        """The next bytes; `is_whole` when they were the last.

        Raises:
            BadRequest: it broke off, or stalled.
        """
        self._awaited = False
        try:
            async with asyncio.timeout(STALL_SECONDS):
                message = await self._receive()
        except TimeoutError:
            raise BadRequest(
                f"No byte of the upload arrived for {STALL_SECONDS} seconds.",
                detail="Send it again; the URL still counts.",
            ) from None
        if message["type"] == "http.disconnect":
            self.is_whole = True
            raise BadRequest("The upload broke off.", detail="Send it again; the URL still counts.")
        self.is_whole = not message.get("more_body", False)
        chunk: bytes = message.get("body", b"")
        return chunk

    async def drain(self, seconds: float) -> None:
        """Throw away for a while what is still on its way: many clients read no answer before
        they have sent all.
        """
        if self._awaited:
            return
        with contextlib.suppress(TimeoutError, BadRequest):
            async with asyncio.timeout(seconds):
                while not self.is_whole:
                    await self.next()


class Form:
    """An upload: form fields and a file.

    Args:
        body: as it arrives.
        content_type: the request's header.
        max_bytes: how large the file may be.

    Raises:
        InvalidContentType: the body is not multipart/form-data.
        BadRequest: its boundary can't be one.
    """

    def __init__(self, body: Body, content_type: str, max_bytes: int) -> None:
        media_type, options = parse_options_header(content_type)
        boundary = options.get(b"boundary", b"")
        if media_type != b"multipart/form-data" or not boundary:
            raise InvalidContentType(
                f"Content-Type: {content_type[:80]!r} is not multipart/form-data with a boundary.",
                detail=_DETAIL,
                value=content_type,
            )
        try:
            self._parser = _Parser(boundary)
        except FormParserError:
            raise _malformed("its boundary is too long") from None
        self._body = body
        self._max_bytes = max_bytes
        self._beside_file = 0
        self._events = self._parse()
        self.fields: dict[str, str] = {}
        self.file_type = ""

    async def read_fields(self) -> None:
        """Read up to the file's first byte; `fields` and the part's `file_type` are known from then
        on.

        Raises:
            BadRequest: malformed, broken off, or without a file.
            Forbidden: a field is repeated, or there are far too many.
        """
        name = ""
        async for event in self._events:
            if isinstance(event, bytes):
                self.fields[name] += event.decode("utf-8", "replace")
                continue
            name = event.name
            if name == FILE:
                self.file_type = event.content_type
                return
            if name in self.fields or len(self.fields) >= _MOST_FIELDS:
                raise Forbidden(
                    f"The form field {name[:80]!r} is repeated or one too many.", detail=_DETAIL
                )
            self.fields[name] = ""
        raise _malformed(f"there is no part named {FILE}")

    async def file(self) -> AsyncIterator[bytes]:
        """The file's bytes. When this ends the whole form has arrived, and nothing stood behind the
        file.

        Raises:
            BadRequest: malformed or broken off.
            Forbidden: a part follows the file.
            RequestEntityTooLarge: the file is over the limit.
        """
        size = 0
        async for event in self._events:
            if not isinstance(event, bytes):
                raise Forbidden(
                    f"The form field {event.name[:80]!r} stands behind the file.", detail=_DETAIL
                )
            self._beside_file -= len(event)
            size += len(event)
            if size > self._max_bytes:
                raise too_large(self._max_bytes)
            yield event

    async def _parse(self) -> AsyncIterator[_Part | bytes]:
        while not self._body.is_whole:
            chunk = await self._body.next()
            self._beside_file += len(chunk)
            try:
                found = self._parser.write(chunk)
            except FormParserError:
                raise _malformed(_NOT_A_FORM) from None
            for event in found:
                yield event
            if self._beside_file > OVERHEAD:
                raise _malformed(f"there are more than {OVERHEAD} bytes beside the file")
        if not self._parser.ended:
            raise _malformed("it ends before its last boundary")


def too_large(max_bytes: int) -> RequestEntityTooLarge:
    """The refusal of a file over the limit."""
    return RequestEntityTooLarge(
        f"The file is larger than {max_bytes} bytes.",
        detail="Upload a smaller file.",
        max_bytes=max_bytes,
    )


def _malformed(why: str) -> BadRequest:
    return BadRequest(f"The form can't be read: {why}.", detail=_DETAIL)
