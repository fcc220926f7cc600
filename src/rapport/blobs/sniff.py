"""Media types: what a file's first bytes say, what a header may say, and which types a browser
would run.
"""

import codecs
import re

# How much of a file `sniff` looks at, in bytes.
HEAD = 1024
UNKNOWN = "application/octet-stream"
_MEDIA_TYPE = re.compile(
    r"[\w!#$&^.+-]+/[\w!#$&^.+-]+(?: *; *[\w!#$&^.+-]+=(?:[\w!#$&^.+-]+|\"[ !#-\[\]-~]*\"))*",
    re.ASCII,
)
_MAGIC = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (8, b"WAVE", "audio/wav"),
    (8, b"AVI ", "video/x-msvideo"),
    (4, b"ftypheic", "image/heic"),
    (4, b"ftypavif", "image/avif"),
    (4, b"ftypM4A", "audio/mp4"),
    (4, b"ftypqt", "video/quicktime"),
    (4, b"ftyp", "video/mp4"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"PK\x05\x06", "application/zip"),
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (257, b"ustar", "application/x-tar"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"OggS", "audio/ogg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (0, b"{\\rtf", "application/rtf"),
)
_HTML = re.compile(
    rb"<(?:!doctype "
    rb"html|html|head|body|script|iframe|h1|div|font|table|a|style|title|b|br|p|!--)[\s>]",
    re.IGNORECASE,
)
_ACTIVE = re.compile(
    r"[/+.-](?:x?html|xml|svg|xslt?|dtd|mhtml)$|script|/(?:x-)?(?:sh|csh|bat|perl|php|python|httpd-php)$|^multipart/|^message/"
)
_CONTROL = bytes(byte for byte in range(32) if byte not in b"\t\n\x0c\r\x1b")


def sniff(head: bytes) -> str:
    """The media type that a file's first `HEAD` bytes look like."""
    for offset, magic, media_type in _MAGIC:
        if head.startswith(magic, offset):
            return media_type
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text[:5].lower() == b"<?xml":
        return "image/svg+xml" if b"<svg" in text.lower() else "text/xml"
    if text[:4].lower() == b"<svg":
        return "image/svg+xml"
    if _HTML.match(text + b" "):
        return "text/html"
    return _text_type(head)


def _text_type(head: bytes) -> str:
    """Plain text has no control characters and is UTF-8, but for a character that the head's
    end cuts through.
    """
    if not head or len(head.translate(None, _CONTROL)) != len(head):
        return UNKNOWN
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head, final=len(head) < HEAD)
    except UnicodeDecodeError:
        return UNKNOWN
    return "text/plain"


def is_media_type(text: str) -> bool:
    """True for what may stand in a Content-Type header."""
    return len(text) <= HEAD and _MEDIA_TYPE.fullmatch(text) is not None


def is_active(media_type: str) -> bool:
    """True for types that a browser would run rather than show: HTML, SVG, XML, scripts."""
    return _ACTIVE.search(media_type.partition(";")[0].strip().lower()) is not None
