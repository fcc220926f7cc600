"""What a change event changed, as the API writes it: each field's value before and after, with
its type.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rapport.contract.kit.fields import UNSET, Json, Raw, UnsetType
from rapport.contract.kit.ids import is_don
from rapport.contract.timeline_entries import FieldDelta, FieldValue

_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_SCALARS: dict[type, Any] = {bool: "bool", int: "int", Raw: "double"}


def field_deltas(deltas: Mapping[str, Sequence[Any]]) -> list[FieldDelta]:
    """The deltas of an event, `{field: [before, after]}`."""
    return [
        FieldDelta(name=name, old_value=_value(old), new_value=_value(new))
        for name, (old, new) in deltas.items()
    ]


def _value(value: Any) -> FieldValue | UnsetType:
    """A JSON value with its type; objects that are known by an id are that id."""
    match value:
        case None:
            return UNSET
        case str():
            return _text(value)
        case list():
            return _list(value)
        case {"id": str() as id_}:
            return FieldValue(type="id", value=id_)
        case dict():
            return FieldValue(type="composite", fields=_fields(value))
    return FieldValue(type=_SCALARS[type(value)], value=value)


def _text(text: str) -> FieldValue:
    if is_don(text):
        return FieldValue(type="id", value=text)
    return FieldValue(type="date_time" if _DATE.fullmatch(text) else "string", value=text)


def _list(values: Sequence[Any]) -> FieldValue:
    if values and all(isinstance(value, dict) and "tag" in value for value in values):
        tags = [{"tag_id": value["tag"]["id"], "name": value["tag"]["name"]} for value in values]
        return FieldValue(type="tag_summary_list", values=tags)
    plain = [
        value["id"] if isinstance(value, dict) and "id" in value else value for value in values
    ]
    if all(isinstance(value, str) for value in plain):
        are_ids = bool(plain) and all(is_don(value) for value in plain)
        return FieldValue(type="id_list" if are_ids else "string_list", values=plain)
    objects = [value if isinstance(value, dict) else {"value": value} for value in plain]
    return FieldValue(
        type="composite_list", values=[{"fields": _fields(value)} for value in objects]
    )


def _fields(fields: Json) -> Json:
    found = {name: _value(value) for name, value in fields.items()}
    return {name: value for name, value in found.items() if value is not UNSET}
