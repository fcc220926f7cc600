"""A request's bytes into its struct. The fast decoder says yes or no; on a no, a slower walk
says what is wrong.
"""

import re
from collections.abc import Collection
from functools import cache
from typing import Any

import msgspec

from rapport.contract.kit.errors import BadRequest, raise_all
from rapport.contract.kit.fields import CUSTOM_FIELDS_BYTES, Request
from rapport.contract.kit.verbatim import has_minus_zero, number
from rapport.wire.json_text import not_an_object, read_json, refuse_deep
from rapport.wire.places import place_of
from rapport.wire.query import read_query
from rapport.wire.violations import json_type, violations

_SPACE = b" \t\r\n"
_NUL = rb"\u0000"  # The one way to write it: JSON refuses the bare character.
_MAYBE_BIG = re.compile(rb"[0-9]{19}")


class RequestDecoder:
    """Reads one request type, in its POST and its GET form.

    Args:
        request_type: the contract's struct. Every text, array and number in it is bounded.
        strict: refuse what is ours and the differences of real clients (`RAPPORT_STRICT=1`).

    Raises:
        TypeError: the struct leaves a size unbounded or has a type that is not known here.
    """

    def __init__(self, request_type: type[Request], *, strict: bool) -> None:
        self._type = request_type
        self._strict = strict
        self._root = place_of(request_type)
        self._free_form = [name for name, place in self._root.fields.items() if place.free_form]
        self._fast = msgspec.json.Decoder(request_type, dec_hook=_custom, float_hook=number)
        # The fast decoder knows nothing of strictness. Strict servers serve tests, so there it is
        # simply not asked.
        self._is_fast = not (strict and self._root.has_ours)

    @property
    def free_form(self) -> Collection[str]:
        """The fields that take any JSON object."""
        return self._free_form

    def from_body(self, body: bytes) -> Request:
        """Read a JSON body; an empty one is `{}`.

        Raises:
            ParseError: no JSON object, nested more than 64 deep, a number out of range, lone
                surrogates.
            FieldError: the first shape violation in the contract's field order, with up to 100 as
                its `violations`.
        """
        refuse_deep(body)
        if self._is_fast and _NUL not in body:
            try:
                request = self._fast.decode(body)
            except ValueError:
                pass
            else:
                if not self._free_form or self._is_plain(body, request):
                    return request
        value = read_json(body) if body.strip(_SPACE) else {}
        if not isinstance(value, dict):
            raise not_an_object(json_type(value))
        return self._read(value, set())

    def _is_plain(self, body: bytes, request: Request) -> bool:
        """What stands in free-form objects is as the fast decoder read it, and needs no closer
        look.
        """
        given = [
            value
            for name in self._free_form
            if (value := getattr(request, name)) is not msgspec.UNSET
        ]
        return not given or (all(map(_is_small, given)) and not has_minus_zero(body))

    def from_query(self, query: bytes) -> Request:
        """Read a query string, as bytes without the `?`.

        Raises:
            ParseError: bytes that are not UTF-8.
            FieldError: as from a body; `InvalidField` also for a single value that comes more than
                once.
        """
        value, repeated = read_query(query, self._root)
        if self._is_fast and not (repeated or self._free_form or b"%00" in query):
            try:
                return msgspec.convert(value, self._type, dec_hook=_custom, strict=True)
            except ValueError:
                pass
        return self._read(value, repeated)

    def _read(self, value: dict[str, object], repeated: set[str]) -> Request:
        clean, problems = violations(self._root, value, strict=self._strict, repeated=repeated)
        raise_all(problems)
        try:
            return msgspec.convert(clean, self._type, dec_hook=_custom, strict=True)
        except ValueError:
            # Tests hold that what the walk finds clean converts; should that ever fail, it is still
            # no 500.
            raise BadRequest(
                "The request does not have the shape that this method takes.",
                detail="Compare it with the reference.",
            ) from None


def _custom(wanted: Any, value: object) -> object:
    """Read an id, a date-time or a URL of the contract."""
    if not isinstance(value, str):
        raise ValueError(value)  # noqa: TRY004  msgspec's hook speaks ValueError
    return wanted.parse(value)


def _is_small(free_form: Any) -> bool:
    """A free-form object that needs no closer look: 64 KiB at most and no number that may be
    over 64 bits.
    """
    encoded = msgspec.json.encode(free_form)
    return len(encoded) <= CUSTOM_FIELDS_BYTES and not _MAYBE_BIG.search(encoded)


@cache
def decoder_of(request_type: type[Request]) -> RequestDecoder:
    """The decoder of a request type for those who know the server as it is: the program's own
    commands, jobs and pages, and what stands in a batch.
    """
    return RequestDecoder(request_type, strict=False)
