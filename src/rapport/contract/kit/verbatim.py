"""JSON whose numbers keep the text that they came in: what custom fields are read with, everywhere.

A fraction or an exponent is read as its `Raw` text, which is written as it is. Whole numbers are
plain, because their text is what they are written as anyway; only -0 is not, and it is rare.
"""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw

from rapport.contract.kit.errors import ParseError

_MINUS_ZERO = re.compile(rb"[\[:,\s]-0[\],}\s]")


def number(text: str) -> Raw:
    """The text of a number that is not whole, for `float_hook`.

    Raises:
        ParseError: it is beyond what a 64-bit float holds.
    """
    if not math.isfinite(float(text)):
        raise ParseError(f"The number {text[:80]} is out of range.", detail="Send it as a string.")
    return Raw(text)


_decode = msgspec.json.Decoder(float_hook=number).decode
_raw_fields = msgspec.json.Decoder(dict[str, Raw]).decode


def read(text: bytes) -> Any:
    """Read JSON into plain values and `Raw` numbers; of a name that an object has twice the last
    counts.

    Raises:
        msgspec.DecodeError: not JSON.
        UnicodeDecodeError: not UTF-8.
        ParseError: a number out of range.
    """
    value = _decode(text)
    return _with_minus_zero(text) if has_minus_zero(text) else value


def has_minus_zero(text: bytes) -> bool:
    """Whether a whole number in a JSON text may be -0, whose sign a fast decoder drops."""
    return b"-0" in text and _MINUS_ZERO.search(text) is not None


def _with_minus_zero(text: bytes) -> Any:
    """Read well-formed JSON with the slower parser, which shows the text of whole numbers too."""
    return json.loads(text, parse_float=Raw, parse_int=_whole)


def _whole(text: str) -> Raw | int:
    return Raw(text) if text == "-0" else int(text)


def fields(value: Mapping[str, Any]) -> dict[str, Raw]:
    """The fields of an object, each as the compact JSON that it is kept and answered as."""
    return _raw_fields(msgspec.json.encode(value))


def by_value(value: object) -> Any:
    """A JSON value with numbers by their value, as far as a 64-bit float tells them apart."""
    return msgspec.json.decode(msgspec.json.encode(value))


__all__ = ["Raw", "by_value", "fields", "has_minus_zero", "number", "read"]
