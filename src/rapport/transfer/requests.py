"""The requests that make what a row is about, or change it."""

from collections.abc import Mapping
from typing import Any

import msgspec

from rapport.clock import format_rfc3339
from rapport.contract.kit.fields import Json, wire_value
from rapport.contract.kit.upserts import setters
from rapport.contract.table import METHODS
from rapport.transfer.families import BY_NAME
from rapport.transfer.records import Record
from rapport.transfer.said import said

_encode = msgspec.json.Encoder(enc_hook=wire_value, order="sorted").encode
# What an update does not take; a row that differs in nothing else is the same.
_ONLY_CREATED = {
    "timeline_entries": frozenset({"object", "type", "collections", "labels", "private_to",
                                   "visibility"}),
    "links": frozenset({"custom_link_type"}),
    "dev_users": frozenset[str](),
    "works": frozenset({"type"}),
}  # fmt: skip
_DATES = frozenset({"scheduled_date", "ended_date", "target_close_date"})


def creates(record: Record) -> list[tuple[str, Json]]:
    """The requests that make what a row is about."""
    methods = BY_NAME[record.family].methods
    fields = {name: value for name, value in record.fields.items() if name != "artifacts"}
    if record.family == "dev_users":
        fields["state"] = "shadow"
    if record.family == "works" and "stage" in fields:
        fields["stage_validation_options"] = ["allow_non_start"]
    requests = [(f"{methods}.create", {**wire(fields), **record.own})]
    state = record.more.get("state")
    if record.family == "dev_users" and state in {"active", "deactivated"}:
        verb = "activate" if state == "active" else "deactivate"
        requests.append((f"{methods}.{verb}", {}))
    if record.is_deleted:
        requests.append((f"{methods}.delete", {}))
    return requests


def wire(fields: Mapping[str, Any]) -> Json:
    """Fields as a request has them: dates are texts there."""
    return {
        name: format_rfc3339(value) if name in _DATES and isinstance(value, int) else value
        for name, value in fields.items()
    }


def differing(record: Record, before: Json) -> Json:
    """The fields in which a row differs from what is there."""
    there = said(record.family, before)
    kept = _ONLY_CREATED.get(record.family, frozenset())
    return {
        name: value
        for name, value in record.fields.items()
        if name not in kept and not _is_same(name, value, there.get(name))
    }


def _is_same(name: str, value: Any, there: Any) -> bool:
    if name == "custom_fields":
        fields = there or {}
        return all(one in fields and _is_equal(value[one], fields[one]) for one in value)
    if name == "tags":
        return sorted(map(_encode, value)) == sorted(map(_encode, there or ()))
    return _is_equal(value, there) or (there is None and value in ("", [], {}))


def _is_equal(one: Any, other: Any) -> bool:
    return bool(one == other) or _encode(one) == _encode(other)


def update(record: Record, before: Json, changes: Json) -> tuple[str, Json]:
    """The request that changes what is there."""
    method = METHODS[f"{BY_NAME[record.family].methods}.update"]
    setter = setters(method.request)
    fields = {
        name: {"set": value} if name in setter else value
        for name, value in wire(changes).items()
        if name != "artifacts"
    }
    return method.name, {"id": before["id"], **fields}
