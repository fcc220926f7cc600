"""What the head of a request may be: how large, and how framed (RFC 9112). Nothing here looks at who sends it."""

from rapport.contract.kit.errors import (
    ApiError,
    BadRequest,
    HeadTooLarge,
    MethodNotAllowed,
    TargetTooLong,
)

MAX_HEAD = 64 * 1024
MAX_FIELDS = 256

Field = tuple[bytes, bytes]


def check(method: bytes, target: bytes, fields: list[Field]) -> None:
    """See that a head can be taken.

    Raises:
        ApiError: it can't.
    """
    if method == b"CONNECT":
        raise MethodNotAllowed("CONNECT is for proxies, and this is none.", allow="GET, POST")
    line = len(method) + len(target) + len("  HTTP/1.1\r\n\r\n")
    if line + sum(len(name) + len(value) + len(": \r\n") for name, value in fields) > MAX_HEAD:
        raise too_large(target)
    _check_lengths(fields)


def text(method: bytes, target: bytes, version: str, fields: list[Field]) -> bytes:
    """A head as it is sent."""
    lines = (b"%b %b HTTP/%b" % (method, target, version.encode()), *map(b": ".join, fields), b"", b"")
    return b"\r\n".join(lines)


def too_large(target: bytes) -> ApiError:
    """The refusal of a head of more than `MAX_HEAD` bytes: by its target where that is most of them."""
    if len(target) > MAX_HEAD // 2:
        return TargetTooLong(
            f"The URL is too long: a request's head may have {MAX_HEAD} bytes, its URL included.",
            detail="Send a POST: it takes the same fields from its JSON body.",
        )
    return HeadTooLarge(
        f"The request's head is larger than {MAX_HEAD} bytes.", detail="Send fewer or shorter header fields."
    )


def too_many_fields() -> ApiError:
    """The refusal of a head of more than `MAX_FIELDS` fields."""
    return HeadTooLarge(f"The request's head has more than {MAX_FIELDS} fields.", detail="Send fewer header fields.")


def trailer_too_large() -> ApiError:
    """The refusal of more than `MAX_HEAD` bytes of a body that are none of its content."""
    return HeadTooLarge(
        f"The body's trailer and framing are larger than {MAX_HEAD} bytes.",
        detail="Send no trailer: none of its fields counts.",
    )


def _check_lengths(fields: list[Field]) -> None:
    """See that the body's length is given in one way.

    Raises:
        BadRequest: it is given in two, as smuggled requests do.
    """
    names = {name for name, _ in fields}
    if b"content-length" in names and b"transfer-encoding" in names:
        raise BadRequest("Content-Length came beside Transfer-Encoding.", detail="Send one of them.")
