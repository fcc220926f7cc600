"""What the head of a request may be, whoever sends it: how large, and how framed (RFC 9112)."""

import re

from rapport.contract.kit.errors import (
    ApiError,
    BadRequest,
    HeadTooLarge,
    MethodNotAllowed,
    TargetTooLong,
    UnknownCoding,
)

MAX_HEAD = 64 * 1024
MAX_FIELDS = 256
_HOST = re.compile(rb"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{0,5})?")
_ABSOLUTE = re.compile(rb"(?i:https?)://([^/?#]*)(.*)", re.DOTALL)
# Those of one value: of two, the last would count here, and perhaps the first for a proxy.
_SINGLE = frozenset(
    {b"authorization", b"content-type", b"idempotency-key", b"last-event-id", b"x-devrev-version"}
)

Field = tuple[bytes, bytes]


def check(method: bytes, target: bytes, version: str, fields: list[Field]) -> bytes:
    """See that a head can be taken; its target as path and query.

    The host of a target that has one takes the place of `Host` in the fields.

    Raises:
        ApiError: it can't.
    """
    _check_size(method, target, fields)
    if version not in {"1.0", "1.1"}:
        raise BadRequest(f"HTTP/{version} is not spoken here.", detail="Speak HTTP/1.1.")
    _check_framing(version, fields)
    _check_host(version, fields)
    _check_single(fields)
    return _origin_form(method, target, fields)


def _check_size(method: bytes, target: bytes, fields: list[Field]) -> None:
    line = len(method) + len(target) + len("  HTTP/1.1\r\n\r\n")
    if line + sum(len(name) + len(value) + len(":\r\n") for name, value in fields) > MAX_HEAD:
        raise too_large(target)


def _check_framing(version: str, fields: list[Field]) -> None:
    coding = [value for name, value in fields if name == b"transfer-encoding"]
    if not coding:
        return
    if version == "1.0":
        raise BadRequest(
            "Transfer-Encoding came in HTTP/1.0.", detail="Send Content-Length, or speak HTTP/1.1."
        )
    if [value.lower() for value in coding] != [b"chunked"]:
        raise unknown_coding()
    if any(name == b"content-length" for name, _ in fields):
        # So do smuggled requests.
        raise BadRequest(
            "Content-Length came beside Transfer-Encoding.", detail="Send one of them."
        )


def _check_host(version: str, fields: list[Field]) -> None:
    hosts = [value for name, value in fields if name == b"host"]
    if len(hosts) > 1:
        raise BadRequest("Host came more than once.", detail="Send it once.")
    if not hosts and version == "1.1":
        raise BadRequest("There is no Host.", detail="Send one, as HTTP/1.1 wants.")
    for host in hosts:
        _check_name(host)


def _check_name(host: bytes) -> None:
    if not _HOST.fullmatch(host):
        shown = host[:80].decode("latin-1")
        raise BadRequest(
            f"{shown!r} is no host.", detail="Send its name or address, and the port if it has one."
        )


def _check_single(fields: list[Field]) -> None:
    first: dict[bytes, bytes] = {}
    for name, value in fields:
        if name in _SINGLE and first.setdefault(name, value) != value:
            shown = name.decode().title()
            raise BadRequest(
                f"{shown} came more than once, with different values.", detail="Send it once."
            )


def _origin_form(method: bytes, target: bytes, fields: list[Field]) -> bytes:
    if method == b"CONNECT" or (method, target) == (b"OPTIONS", b"*"):
        # To what is behind a proxy, or of the server as a whole.
        raise MethodNotAllowed(f"{method.decode()} is not for this server.", allow="GET, POST")
    if target.startswith(b"/"):
        return target
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None:
        raise BadRequest(
            "The request's target is no path.", detail="Send a path that begins with a slash."
        )
    host, rest = absolute.groups()
    _check_name(host)
    fields[:] = [field for field in fields if field[0] != b"host"]
    fields.append((b"host", host))
    return rest if rest.startswith(b"/") else b"/" + rest


def text(method: bytes, target: bytes, version: str, fields: list[Field]) -> bytes:
    """A head as it is sent."""
    lines = (
        b"%b %b HTTP/%b" % (method, target, version.encode()),
        *map(b":".join, fields),
        b"",
        b"",
    )
    return b"\r\n".join(lines)


def too_large(target: bytes) -> ApiError:
    """The refusal of a head over `MAX_HEAD` bytes: by its target where that is most of them."""
    if len(target) > MAX_HEAD // 2:
        return TargetTooLong(
            f"The URL is too long: a request's head may have {MAX_HEAD} bytes, its URL included.",
            detail="Send a POST: it takes the same fields from its JSON body.",
        )
    return HeadTooLarge(
        f"The request's head is larger than {MAX_HEAD} bytes.",
        detail="Send fewer or shorter header fields.",
    )


def too_many_fields() -> ApiError:
    """The refusal of a head of more than `MAX_FIELDS` fields."""
    return HeadTooLarge(
        f"The request's head has more than {MAX_FIELDS} fields.", detail="Send fewer header fields."
    )


def trailer_too_large() -> ApiError:
    """The refusal of more than `MAX_HEAD` bytes of a body that are none of its content."""
    return HeadTooLarge(
        f"The body's trailer and framing are larger than {MAX_HEAD} bytes.",
        detail="Send no trailer: none of its fields counts.",
    )


def unknown_coding() -> ApiError:
    """The refusal of a `Transfer-Encoding` that is not `chunked` alone."""
    return UnknownCoding(
        "This Transfer-Encoding is not taken.", detail="Send chunked alone, or Content-Length."
    )
