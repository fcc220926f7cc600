"""JSON as it may come in: UTF-8, one value, nothing behind it, nested at most 64 deep
(behaviour: Requests).
"""

from array import array
from itertools import accumulate

import msgspec

from rapport.contract.kit import verbatim
from rapport.contract.kit.errors import ParseError

MOST_NESTED = 64
_STEPS = bytes.maketrans(
    b"[{]}", b"\x01\x01\xff\xff"
)  # one down, one up: 0xFF is -1 in a signed byte
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_DETAIL = "Send one JSON object in UTF-8, with nothing behind it."


def read_json(text: bytes) -> object:
    """Read JSON into plain values, and numbers that are not whole into their `Raw` text.

    Raises:
        ParseError: not JSON, nested too deep, a number out of range, lone surrogates.
    """
    refuse_deep(text)
    try:
        return verbatim.read(text)
    except UnicodeDecodeError:
        reason = "it is not UTF-8"
    except msgspec.MsgspecError as error:
        reason = str(error).removeprefix("JSON is malformed: ")
    raise ParseError(f"The body is not a JSON object: {reason}.", detail=_DETAIL)


def refuse_deep(text: bytes) -> None:
    """Refuse a text whose arrays and objects are nested more than 64 deep, before a recursive
    parser meets it.

    Counting is enough for almost all; only a text with more brackets than that is looked at
    closely.

    Raises:
        ParseError: nested too deep.
    """
    if text.count(b"[") + text.count(b"{") <= MOST_NESTED:
        return
    # Without escapes every quote begins or ends a string, so what is outside strings is every other
    # part.
    outside = b"".join(text.replace(rb"\\", b"").replace(rb"\"", b"").split(b'"')[::2])
    steps = array("b", outside.translate(_STEPS, _NO_BRACKETS))
    if max(accumulate(steps), default=0) > MOST_NESTED:
        raise ParseError(f"The JSON is nested more than {MOST_NESTED} deep.", detail="Flatten it.")


def not_an_object(kind: str) -> ParseError:
    """The refusal of JSON that is no object at its top level."""
    return ParseError(
        f"The body is not a JSON object: it is of the JSON type {kind}.", detail=_DETAIL
    )
