"""Leaving out of answers what DevRev's do not have, when the server is strict."""

from typing import Any

import msgspec
from msgspec import inspect

from rapport.contract.kit import verbatim
from rapport.contract.kit.fields import Response


class AnswerFilter:
    """Takes the fields marked as ours out of one response type's JSON."""

    def __init__(self, response: type[Response]) -> None:
        self._plan = _plan(inspect.type_info(response))

    def __call__(self, body: bytes) -> bytes:
        """The same answer without them."""
        return msgspec.json.encode(_without(verbatim.read(body), self._plan))


# A plan names, for an object's fields, None for one to leave out or the plan of what is in it.
Plan = dict[str, "Plan | None"]


def _plan(info: inspect.Type) -> Plan:
    match info:
        case inspect.Metadata(extra={"document": document}):
            return _plan(inspect.type_info(document))
        case inspect.Metadata(type=inner, extra={"untyped": True}):
            return {**_plan(inner), "type": None}
        case inspect.Metadata(type=inner) | inspect.ListType(item_type=inner):
            return _plan(inner)
        case inspect.UnionType(types=members):
            return {name: plan for member in members for name, plan in _plan(member).items()}
        case inspect.StructType(fields=fields):
            plans = {
                field.encode_name: None if _is_ours(field.type) else _plan(field.type)
                for field in fields
            }
            return {name: plan for name, plan in plans.items() if plan is None or plan}
        case _:
            return {}


def _is_ours(info: inspect.Type) -> bool:
    return isinstance(info, inspect.Metadata) and bool((info.extra or {}).get("ours"))


def _without(value: Any, plan: Plan) -> Any:
    if isinstance(value, list):
        return [_without(item, plan) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: _without(item, plan.get(name) or {})
        for name, item in value.items()
        if plan.get(name, plan) is not None
    }
