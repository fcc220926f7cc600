"""Values of webhooks, each with what is refused: headers of deliveries, secrets, URLs."""

import base64
import binascii
import re
from typing import Self
from urllib.parse import urlsplit

from rapport.contract.kit.errors import ApiError, ValueNotPermitted
from rapport.contract.kit.fields import HttpUrl

# RFC 9110's token, and what its field values may hold but for tabs and bytes beyond ASCII.
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
_HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,2046}[\x21-\x7e])?|")
# What a request is framed and routed by, and what is signed, is not the client's to say.
_RESERVED = frozenset(
    [
        "accept-encoding",
        "connection",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "x-devrev-signature",
    ]
)
_RESERVED_PREFIXES = ("content-", "proxy-", "webhook-")
_SECRET_BYTES = range(8, 33)
_HOST = re.compile(r"(?:[a-z0-9._-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?")


class HeaderName(str):
    """The name of a header that a client may add to deliveries."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Check that it is one.

        Raises:
            ValueError: it is none, or is not the client's to set.
        """
        name = text.lower()
        if not _TOKEN.fullmatch(text) or name in _RESERVED or name.startswith(_RESERVED_PREFIXES):
            raise ValueError(text)
        return cls(text)

    @classmethod
    def problem(cls, text: str, field_name: str) -> ApiError:
        """What is wrong with a text that `parse` refused."""
        return _not_permitted(
            field_name,
            text,
            "must be a header that deliveries do not set themselves",
            "Use letters, digits and hyphens; Host, Content-*, Webhook-*, Proxy-* and "
            "X-DevRev-Signature are set here.",
        )

    @classmethod
    def schema(cls) -> dict[str, object]:
        """The JSON Schema of the field."""
        kept = "|".join(sorted(_RESERVED))
        return {
            "type": "string",
            "minLength": 1,
            "maxLength": 128,
            "examples": ["X-Team"],
            "pattern": rf"^(?!(?i:{kept})$)(?!(?i:content-|proxy-|webhook-))"
            r"[!#$%&'*+.^_`|~0-9A-Za-z-]+$",
        }


class HeaderValue(str):
    """The value of a header that a client adds to deliveries: one line of ASCII that can be
    seen.
    """

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Check that it is one.

        Raises:
            ValueError: it is none.
        """
        if not _HEADER_VALUE.fullmatch(text):
            raise ValueError(text)
        return cls(text)

    @classmethod
    def problem(cls, _text: str, field_name: str) -> ApiError:
        """What is wrong with a text that `parse` refused; a value may be a password, so it is
        not repeated.
        """
        return _not_permitted(
            field_name,
            "…",
            "must be one line of up to 2048 ASCII characters, without spaces around it",
            "Take line breaks and other control characters out.",
        )

    @classmethod
    def schema(cls) -> dict[str, object]:
        """The JSON Schema of the field."""
        return {
            "type": "string",
            "maxLength": 2048,
            "pattern": r"^([!-~]([ -~]*[!-~])?)?$",
            "examples": ["blue"],
        }


class Secret(str):
    """What deliveries are signed with: plain base64 of 8 to 32 bytes."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Check that it is one.

        Raises:
            ValueError: it is none.
        """
        try:
            key = base64.b64decode(text, validate=True)
        except binascii.Error:
            raise ValueError(text) from None
        # b64decode takes what encodes differently, and then a receiver's own check would fail.
        if len(key) not in _SECRET_BYTES or base64.b64encode(key).decode() != text:
            raise ValueError(text)
        return cls(text)

    @classmethod
    def problem(cls, _text: str, field_name: str) -> ApiError:
        """What is wrong with a text that `parse` refused, which is not repeated."""
        return _not_permitted(
            field_name,
            "…",
            "must be plain base64 of 8 to 32 bytes",
            "Leave it out, and one is made here.",
        )

    @classmethod
    def schema(cls) -> dict[str, object]:
        """The JSON Schema of the field."""
        return {
            "type": "string",
            "format": "byte",
            "minLength": 12,
            "maxLength": 44,
            "pattern": "^(?!.{10}==$)(?!.{43}[^=]$)(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{4}|"
            "[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=|[A-Za-z0-9+/][AQgw]==)$",
            "examples": ["c3VwZXItc2VjcmV0LWtleS0yNGJ5"],
        }


class WebhookUrl(HttpUrl):
    """Where deliveries go: an absolute http(s) URL without credentials and fragment."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Check that it is one; whether it may be dialled is not the wire's matter.

        Raises:
            ValueError: it is none.
        """
        url = super().parse(text)
        parts = urlsplit(text)
        # No browser's tolerance: what is a host to one parser and a path to another is refused.
        if "@" in parts.netloc or "#" in text or not text.isascii():
            raise ValueError(text)
        if not _HOST.fullmatch(parts.netloc.lower()):
            raise ValueError(text)
        return url

    @classmethod
    def problem(cls, text: str, field_name: str) -> ApiError:
        """What is wrong with a text that `parse` refused."""
        # Whoever puts a password into a URL does not want to see it again.
        reason = (
            "must be an absolute http(s) URL in ASCII, of up to 2048 characters, without "
            "credentials and fragment"
        )
        shown = "…" if "@" in text else text
        return _not_permitted(
            field_name, shown, reason, "Write it such as https://example.com/hooks/rapport."
        )

    @classmethod
    def schema(cls) -> dict[str, object]:
        """The JSON Schema of the field."""
        return {
            "type": "string",
            "format": "uri",
            "pattern": r"^[Hh][Tt][Tt][Pp][Ss]?://[^@#\\<>\"^`\s]+$",
            "maxLength": 2048,
            "examples": ["https://hooks.invalid/rapport"],
        }


def _not_permitted(field_name: str, text: str, reason: str, detail: str) -> ValueNotPermitted:
    return ValueNotPermitted(
        f"{field_name}: {text[:80]!r} {reason}.",
        detail=detail,
        field_name=field_name,
        reason=reason,
    )
