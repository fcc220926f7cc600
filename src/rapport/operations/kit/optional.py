"""What becomes of what may be absent: UNSET on the wire, NULL in a row, no entry in an array.

| where                             | asked with                | where it is absent             |
| --------------------------------- | ------------------------- | ------------------------------ |
| a field of a request              | `chosen(value, before)`   | `before`; for a new row: None  |
| an array of a request             | `given(values)`           | no values                      |
| a change, `{set: …}`              | `only_set(change)`        | UNSET, for `chosen` or `given` |
| several fields of a request       | `sent(request, *names)`   | not in the dict                |
| a filter, with all that is in it  | `asks(value)`             | False                          |
| a column or array for an answer   | `or_unset(value)`         | UNSET; also for an empty array |
"""

from collections.abc import Sequence
from typing import Any, TypeVar

from rapport.contract.kit.fields import UNSET, Instant, Request, UnsetType

T = TypeVar("T")
B = TypeVar("B")


def chosen(value: T | UnsetType, before: B) -> T | B:
    """What a field has after a request: what was sent, or what it had."""
    return before if isinstance(value, UnsetType) else value


def given(values: Sequence[Any] | UnsetType) -> Sequence[Any]:
    """The values of an array or a filter; none when it is absent."""
    return () if isinstance(values, UnsetType) else values


def only_set(change: Any) -> Any:
    """What `{set}` sets; UNSET when the field or `set` is absent."""
    return change if isinstance(change, UnsetType) else change.set


def sent(request: Request, *names: str) -> dict[str, Any]:
    """Those of a request's fields that it gives; dates as plain numbers, domains as plain texts."""
    values = {name: getattr(request, name) for name in names}
    return {
        name: _as_kept(value) for name, value in values.items() if not isinstance(value, UnsetType)
    }


def _as_kept(value: Any) -> Any:
    match value:
        case Instant():
            return int(value)
        case str():
            return str(value)
    return value


def asks(value: object) -> bool:
    """True for a filter that asks for something: a value, or an object or array with one in it."""
    if isinstance(value, Request):
        return any(asks(getattr(value, name)) for name in value.__struct_fields__)
    if isinstance(value, list):
        return any(asks(one) for one in value)
    return not isinstance(value, UnsetType)


def or_unset(value: Any) -> Any:
    """What the answer shows of an optional column: nothing when it is NULL or an empty array."""
    return UNSET if value is None or value == [] else value
