"""What is wrong with a request, all of it at once: the slow walk that runs beside the fast
decoder (behaviour: Errors).
"""

import re
from collections.abc import Collection
from contextlib import suppress
from typing import Any

import msgspec
from msgspec import inspect

from rapport.contract.kit.errors import (
    ApiError,
    InvalidEnumValue,
    InvalidField,
    MissingRequiredField,
    ParseError,
    UnexpectedJsonType,
    ValueNotPermitted,
)
from rapport.contract.kit.fields import (
    CUSTOM_FIELDS_BYTES,
    EMAIL,
    PHONE_NUMBER,
    VISIBLE,
    SetTagWithValue,
)
from rapport.contract.kit.ids import Id
from rapport.contract.kit.verbatim import by_value
from rapport.wire.places import Place

MOST_VIOLATIONS = 100
_SHOWN = 80  # characters of a value that a message repeats
_PATTERNS = {
    VISIBLE: ("must not be blank", "Send a text that can be seen."),
    EMAIL: (
        "must be an email address",
        "Write it as name@example.com, without characters that can't be seen.",
    ),
    PHONE_NUMBER: (
        "must be a phone number",
        "Write it as +49 30 123, without characters that can't be seen.",
    ),
}
_ARTICLES = {
    "array": "an array",
    "bool": "a bool",
    "null": "null",
    "number": "a number",
    "object": "an object",
    "string": "a string",
}


def violations(
    place: Place, value: object, *, strict: bool, repeated: Collection[str] = ()
) -> tuple[object, list[ApiError]]:
    """Walk over a plain decoded request.

    Args:
        place: its contract.
        value: what was decoded, nested at most 64 deep.
        strict: refuse what is ours, and the differences of real clients.
        repeated: paths of single values that a query gave more than once.

    Returns:
        The value with the differences of real clients put right, and its problems in the contract's
        field order, the first 100 of them.

    Raises:
        ParseError: a whole number in a free-form object doesn't fit into 64 bits.
    """
    walk = _Walk(strict=strict, repeated=frozenset(repeated))
    with suppress(_EnoughError):
        value = walk.value(place, value, "")
    return value, walk.problems


def json_type(value: object) -> str:
    """The JSON type of a decoded value."""
    match value:
        case None:
            return "null"
        case bool():
            return "bool"
        case str():
            return "string"
        case list():
            return "array"
        case dict():
            return "object"
        case _:
            return "number"


class _EnoughError(Exception):
    """The hundredth problem: nobody reads more."""


class _Walk:
    def __init__(self, *, strict: bool, repeated: frozenset[str]) -> None:
        self.problems: list[ApiError] = []
        self._strict = strict
        self._repeated = repeated

    def value(self, place: Place, value: object, path: str) -> object:
        """Note what is wrong with a value; give it back with the differences of real clients
        put right.
        """
        value = _plain(value)
        if path in self._repeated:
            self._say(_repeated(path))
            return value
        if not self._strict:
            value = _lenient(place, value)
        arm = place.arms.get(json_type(value))
        if arm is None:
            self._say(_wrong_type(place, value, path))
        elif isinstance(value, str):
            self._text(place, arm, value, path)
        elif isinstance(value, list) and isinstance(arm, inspect.ListType) and place.items:
            return self._array(arm, place.items, value, path)
        elif isinstance(value, dict):
            return (
                self._free_form(value, path)
                if place.free_form
                else self._object(place, value, path)
            )
        elif isinstance(arm, inspect.IntType | inspect.FloatType):
            self._number(arm, value, path)
        return value

    def _object(self, place: Place, value: dict[str, object], path: str) -> dict[str, object]:
        kept = dict(value)
        for name, inner in place.fields.items():
            inner_path = f"{path}.{name}" if path else name
            if name not in value:
                if inner.required or (inner.often_absent and self._strict):
                    self._say(_missing(inner_path))
            elif inner.ours and self._strict:
                self._say(_not_devrevs(inner_path))
            else:
                kept[name] = self._field(inner, value[name], inner_path)
        for name in value:
            if name not in place.fields:
                self._say(
                    _unknown(
                        f"{path}.{name[:_SHOWN]}" if path else name[:_SHOWN],
                        place,
                        strict=self._strict,
                    )
                )
        return kept

    def _field(self, place: Place, value: object, path: str) -> object:
        if place.is_raw:
            return msgspec.Raw(msgspec.json.encode(value))
        return self.value(place, value, path)

    def _array(
        self, arm: inspect.ListType, items: Place, value: list[object], path: str
    ) -> list[object]:
        low, high = arm.min_length or 0, arm.max_length or 0
        if not low <= len(value) <= high:
            span = _span(low, high)
            self._say(
                _not_permitted(
                    path, f"[{len(value)} items]", f"must have {span} items", f"Send {span} items."
                )
            )
        return [
            self.value(items, item, f"{path}[{position}]")
            for position, item in enumerate(value[:high])
        ]

    def _text(self, place: Place, arm: inspect.Type, value: str, path: str) -> None:
        if "\0" in value:
            self._say(_nul(path, value))
        elif isinstance(arm, inspect.LiteralType):
            allowed = [
                str(one) for one in arm.values if not (self._strict and one in place.ours_values)
            ]
            if value not in allowed:
                self._say(_no_such_value(path, value, allowed))
        elif isinstance(arm, inspect.CustomType):
            self._custom_text(arm.cls, value, path)
        elif isinstance(arm, inspect.StrType):
            self._plain_text(arm, value, path)

    def _custom_text(self, custom: Any, value: str, path: str) -> None:
        try:
            read = custom.parse(value)
        except ValueError:
            self._say(custom.problem(value, path))
        else:
            if self._strict and isinstance(read, Id) and read.name is not None:
                self._say(custom.problem(value, path))

    def _plain_text(self, arm: inspect.StrType, value: str, path: str) -> None:
        low, high = arm.min_length or 0, arm.max_length or 0
        if not low <= len(value) <= high:
            span = _span(low, high)
            detail = f"Send {span} characters; these are {len(value)}."
            self._say(_not_permitted(path, _shown(value), f"must have {span} characters", detail))
        elif arm.pattern is not None and not re.search(arm.pattern, value):
            self._say(_not_permitted(path, _shown(value), *_PATTERNS[arm.pattern]))

    def _number(self, arm: inspect.IntType | inspect.FloatType, value: Any, path: str) -> None:
        low, high = arm.ge or 0, arm.le or 0
        if isinstance(arm, inspect.IntType) and not isinstance(value, int):
            reason = "must be a whole number"
            self._say(
                _not_permitted(
                    path, _shown(value), reason, "Write it without a fraction or an exponent."
                )
            )
        elif not low <= value <= high:
            self._say(
                _not_permitted(
                    path,
                    _shown(value),
                    f"must be {low} to {high}",
                    f"Send a number from {low} to {high}.",
                )
            )

    def _free_form(self, value: dict[str, object], path: str) -> dict[str, object]:
        if len(msgspec.json.encode(value)) > CUSTOM_FIELDS_BYTES:
            reason = f"must have at most {CUSTOM_FIELDS_BYTES} bytes as compact JSON"
            self._say(_not_permitted(path, _shown(value), reason, "Send less of it."))
        self._anything(value, path)
        return value

    def _anything(self, value: object, path: str) -> None:
        if isinstance(value, str) and "\0" in value:
            self._say(_nul(path, value))
        elif isinstance(value, list):
            for position, item in enumerate(value):
                self._anything(item, f"{path}[{position}]")
        elif isinstance(value, dict):
            for name, item in value.items():
                if "\0" in name:
                    self._say(_nul(path, name))
                self._anything(item, f"{path}.{name[:_SHOWN]}")
        elif isinstance(value, int) and not -(2**63) <= value < 2**64:
            raise ParseError(
                f"The number {str(value)[:_SHOWN]} doesn't fit into 64 bits.",
                detail="Send it as a string.",
            )

    def _say(self, problem: ApiError) -> None:
        self.problems.append(problem)
        if len(self.problems) == MOST_VIOLATIONS:
            raise _EnoughError


def _plain(value: object) -> object:
    """A number by its value: only those within free-form objects keep their text."""
    return by_value(value) if isinstance(value, msgspec.Raw) else value


def _lenient(place: Place, value: object) -> object:
    if isinstance(value, str) and "string" not in place.arms:
        if place.one_or_many:
            return [value]
        arm = place.arms.get("object")
        if isinstance(arm, inspect.StructType) and arm.cls is SetTagWithValue:
            return {"id": value}
    if isinstance(value, list) and place.array_is_set:
        return {"set": value}
    return value


def _shown(value: object) -> str:
    """A value as a message repeats it: short, on one line."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return repr(value[:_SHOWN])
        case list():
            return "[…]"
        case dict():
            return "{…}"
        case _:
            return repr(value)[:_SHOWN]


def _span(low: int, high: int) -> str:
    """How many there may be; of no number can there be fewer than none."""
    return f"{low} to {high}" if low else f"at most {high}"


def _missing(path: str) -> ApiError:
    return MissingRequiredField(f"{path} is required.", detail=f"Send {path}.", field_name=path)


def _wrong_type(place: Place, value: object, path: str) -> ApiError:
    actual = json_type(value)
    wanted = " or ".join(_ARTICLES[name] for name in place.arms)
    return UnexpectedJsonType(
        f"{path}: {_shown(value)} is not {wanted}.",
        detail=f"Send {wanted}"
        + (", or leave it out." if value is None and not place.required else "."),
        field_name=path,
        expected=place.expected,
        actual=actual,
    )


def _no_such_value(path: str, value: str, allowed: list[str]) -> ApiError:
    return InvalidEnumValue(
        f"{path}: {_shown(value)} is not an allowed value.",
        detail=f"Use one of: {', '.join(allowed)}.",
        field_name=path,
        value=value,
        allowed_values=allowed,
    )


def _not_permitted(path: str, shown: str, reason: str, detail: str) -> ApiError:
    return ValueNotPermitted(
        f"{path}: {shown} {reason}.", detail=detail, field_name=path, reason=reason
    )


def _nul(path: str, value: str) -> ApiError:
    return _not_permitted(
        path, _shown(value), "must not contain the character U+0000", "Take the character out."
    )


def _unknown(path: str, place: Place, *, strict: bool) -> ApiError:
    known = [name for name, one in place.fields.items() if not (one.ours and strict)]
    return InvalidField(
        f"{path!r} is not a field here.",
        detail=f"Take it out; the fields here are: {', '.join(known)}."
        if known
        else "Take it out; there are none here.",
        field_name=path,
    )


def _not_devrevs(path: str) -> ApiError:
    return InvalidField(
        f"{path} is not a field of DevRev's, and this server is strict.",
        detail="Take it out, or run the server without RAPPORT_STRICT.",
        field_name=path,
    )


def _repeated(path: str) -> ApiError:
    return InvalidField(
        f"{path} came more than once.", detail="Send it once; it takes one value.", field_name=path
    )
