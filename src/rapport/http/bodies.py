"""What a request brings: its version, the type of its content, its body."""

import asyncio
from urllib.parse import unquote

from rapport.contract.kit.errors import (
    BadRequest,
    InvalidApiVersion,
    InvalidContentType,
    InvalidField,
    RequestEntityTooLarge,
)
from rapport.contract.kit.method import MAX_BODY, VERSIONS
from rapport.http.asgi import Headers, Receive
from rapport.wire.errors import too_large

BODY_SECONDS = 30


def check_version(headers: Headers) -> None:
    """See that the version of the API that a request asks for is known, if it asks for one.

    Raises:
        InvalidApiVersion: it is not.
    """
    sent = headers.get(b"x-devrev-version")
    if sent is not None and sent.decode("latin-1") not in VERSIONS:
        version = sent.decode("latin-1")
        raise InvalidApiVersion(
            f"X-Devrev-Version: there is no version {version[:80]!r}.",
            detail=f"Send {' or '.join(VERSIONS)}, or leave the header out.",
            value=version,
        )


def check_content(headers: Headers) -> None:
    """See that a body is said to be JSON in UTF-8, if anything is said of it.

    Raises:
        InvalidContentType: it is said to be something else.
    """
    encoding = headers.get(b"content-encoding")
    if encoding is not None:
        raise _content_type(
            f"Content-Encoding: {encoding.decode('latin-1')[:80]!r} is not taken.", encoding
        )
    sent = headers.get(b"content-type")
    if sent is None:
        return
    media_type, _, parameters = sent.decode("latin-1").partition(";")
    charset = parameters.replace(" ", "").lower()
    utf8 = "charset=" not in charset or any(
        f"charset={name}" in charset for name in ("utf-8", '"utf-8"', "utf8")
    )
    if media_type.strip().lower() != "application/json" or not utf8:
        raise _content_type(f"Content-Type: {sent.decode('latin-1')[:80]!r} is not taken.", sent)


def _content_type(message: str, value: bytes) -> InvalidContentType:
    return InvalidContentType(
        message,
        detail="Send JSON in UTF-8, as application/json, not compressed.",
        value=value.decode("latin-1"),
    )


def in_the_query(query: bytes) -> InvalidField:
    """The refusal of a POST whose fields came in its query."""
    name = unquote(query.partition(b"&")[0].partition(b"=")[0].decode("latin-1"))[:80]
    return InvalidField(
        f"{name!r} came in the query.",
        detail="A POST takes its fields from its JSON body.",
        field_name=name,
    )


async def refuse_body(receive: Receive, headers: Headers, out: dict[str, str]) -> None:
    """See that a GET has no body, or an empty one.

    Raises:
        InvalidField: it has one.
    """
    framed = b"content-length" in headers or b"transfer-encoding" in headers
    if framed and await read_body(receive, headers, out):
        raise InvalidField(
            "A GET came with a body.",
            detail="It takes its fields from its query.",
            field_name="body",
        )


async def read_body(
    receive: Receive, headers: Headers, out: dict[str, str], *, most: int = MAX_BODY
) -> bytes:
    """Read a body of up to so many bytes within 30 seconds.

    Raises:
        RequestEntityTooLarge: it says that it is larger, or is.
        BadRequest: it did not arrive in time, or not whole.
    """
    length = headers.get(b"content-length")
    if length is not None and int(length) > most:
        raise _too_large(out, most)
    if length == b"0":
        return b""
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise BadRequest("The body broke off.", detail="Send the whole body.")
                chunk: bytes = message.get("body", b"")
                size += len(chunk)
                if size > most:
                    raise _too_large(out, most)
                chunks.append(chunk)
                if not message.get("more_body", False):
                    return b"".join(chunks)
    except TimeoutError:
        out["connection"] = "close"
        raise BadRequest(
            f"The body did not arrive within {BODY_SECONDS} seconds.",
            detail="Send it faster, or in a new request.",
        ) from None


def _too_large(out: dict[str, str], most: int) -> RequestEntityTooLarge:
    out["connection"] = "close"
    return too_large(most)
