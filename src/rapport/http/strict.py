"""Leaving out of answers what DevRev's do not have, when the server is strict."""

from typing import Any

import msgspec
from msgspec import inspect

from rapport.contract.fields import Response


class AnswerFilter:
    """Takes the fields marked as ours out of one response type's JSON."""

    def __init__(self, response: type[Response]) -> None:
        self._plan = _plan(inspect.type_info(response))

    def __call__(self, body: bytes) -> bytes:
        """The same answer without them."""
        return msgspec.json.encode(_without(msgspec.json.decode(body), self._plan))


# A plan names, for an object's fields, None for one to leave out or the plan of what is in it.
Plan = dict[str, "Plan | None"]


def _plan(info: inspect.Type) -> Plan:
    if isinstance(info, inspect.Metadata):
        document = (info.extra or {}).get("document")
        return _plan(inspect.type_info(document)) if document else _plan(info.type)
    if isinstance(info, inspect.ListType):
        return _plan(info.item_type)
    if isinstance(info, inspect.UnionType):
        plan: Plan = {}
        for member in info.types:
            plan.update(_plan(member))
        return plan
    if not isinstance(info, inspect.StructType):
        return {}
    found: Plan = {}
    for field in info.fields:
        if isinstance(field.type, inspect.Metadata) and (field.type.extra or {}).get("ours"):
            found[field.encode_name] = None
        elif inner := _plan(field.type):
            found[field.encode_name] = inner
    return found


def _without(value: Any, plan: Plan) -> Any:
    if isinstance(value, list):
        return [_without(item, plan) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: _without(item, plan.get(name) or {}) for name, item in value.items() if plan.get(name, plan) is not None
    }
