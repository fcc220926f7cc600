"""How a file goes out: its headers, and the one range of it that was asked for."""

import re
import unicodedata
from typing import NamedTuple
from urllib.parse import quote

from rapport.blobs import sniff

_LONGEST = 150
_LONGEST_SUFFIX = 20
_UNSAFE = re.compile(r'[/\\:*?"<>|%]')
# Names that Windows keeps for devices, whatever their extension.
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])\s*(?:\.|$)", re.IGNORECASE)
_RANGE = re.compile(
    r"bytes *= *(?:([0-9]{1,18}) *- *([0-9]{0,18})|- *([0-9]{1,18})) *", re.IGNORECASE
)
_DROPPED = frozenset({"Cc", "Cf", "Zl", "Zp"})
# Format characters that words and emoji are written with: (non-)joiners, and the tags of flags.
_JOINING = re.compile("[\u200c\u200d\U000e0020-\U000e007f]")
_EDGES = ". \u200c\u200d"
# attr-char of RFC 8187; letters and digits are always left as they are.
_PLAIN = "!#$&+-.^_`|~"


_ETAG = re.compile(r'(W/)?("[^"]*")')


class Span(NamedTuple):
    """The bytes from `start` up to `stop`."""

    start: int
    stop: int


class NotSatisfiable(Exception):
    """The range lies behind the file's end."""


def headers_of(name: str, media_type: str, sniffed_type: str) -> dict[str, str]:
    """The headers that make any file safe to serve: it is saved, never run, under a harmless name.

    Args:
        name: as the client gave it.
        media_type: the stored type.
        sniffed_type: what the bytes look like.
    """
    plain = safe_type(media_type)
    headers = {
        "content-type": plain,
        "content-disposition": disposition(name),
        "x-content-type-options": "nosniff",
        "cache-control": "private, no-transform",
        "referrer-policy": "no-referrer",
    }
    if sniff.is_active(plain) or sniff.is_active(sniffed_type):
        headers["content-security-policy"] = "sandbox"
    return headers


def safe_type(media_type: str) -> str:
    """A stored type as it goes out: what is none is unknown."""
    return media_type if sniff.is_media_type(media_type) else sniff.UNKNOWN


def disposition(name: str) -> str:
    """`Content-Disposition: attachment` with the name as RFC 6266 wants it: once in ASCII, once
    in full.
    """
    safe = safe_name(name)
    stem, dot, suffix = _ascii(safe).rpartition(".")
    if dot and not stem.strip(". "):
        stem = "file"
    # Without its accents a name may have become another one.
    plain = safe_name(f"{stem}{dot}{suffix}")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(safe, safe=_PLAIN)}"


def _ascii(name: str) -> str:
    return unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()


def safe_name(name: str) -> str:
    """A name that is no path, no device, no hidden file, and reads as it is."""
    # Control and format characters; among the latter are those that turn the direction of writing.
    kept = "".join(
        one for one in name if _JOINING.fullmatch(one) or unicodedata.category(one) not in _DROPPED
    )
    kept = _UNSAFE.sub("_", kept).strip(_EDGES)
    stem, dot, suffix = kept.rpartition(".")
    has_suffix = dot and len(suffix) <= _LONGEST_SUFFIX
    kept = f"{stem[: _LONGEST - len(suffix)]}.{suffix}" if has_suffix else kept[:_LONGEST]
    kept = kept.strip(_EDGES)
    if _RESERVED.match(kept):
        kept = f"_{kept}"
    return kept or "file"


def names(header: str, etag: str, *, weakly: bool) -> bool:
    """Whether an If-Match or If-None-Match names an entity tag; a weak one counts only where it
    may.
    """
    found = _ETAG.findall(header)
    return header.strip() == "*" or any(tag == etag and (weakly or not weak) for weak, tag in found)


def span_of(header: str | None, size: int) -> Span | None:
    """What a Range header asks for of a file of `size` bytes; None for all of it.

    Several ranges at once, and what is no range, count for none: RFC 9110 lets a server answer the
    whole.

    Raises:
        NotSatisfiable: no byte of the file is in the range.
    """
    found = _RANGE.fullmatch(header.strip()) if header else None
    if found is None:
        return None
    if found[3] is not None:
        length = int(found[3])
        if not length or not size:
            raise NotSatisfiable
        return Span(max(0, size - length), size)
    start = int(found[1])
    last = int(found[2]) if found[2] else size - 1
    if found[2] and last < start:
        return None
    if start >= size:
        raise NotSatisfiable
    return Span(start, min(last + 1, size))
