"""The request of an upsert, made from that of the create: the same fields, of which only what names
the object has to be there.
"""

from functools import cache
from types import new_class
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec
from msgspec import UNSET, Meta, inspect

from rapport.contract.kit.fields import OURS, Request, UnsetType
from rapport.contract.kit.own_time import Dated


def upsert_of(create: type[Request], ref: str, ref_type: Any) -> type[Request]:
    """The request type of a family's upsert.

    Args:
        create: the request type of its create.
        ref: the field that names the object.
        ref_type: of that field, which is required.
    """
    hints = get_type_hints(create, include_extras=True)
    optional = {
        field.name: _unmarked(hints[field.name]) | UnsetType
        for field in msgspec.structs.fields(create)
        if field.name != ref
    }
    body = {
        "__annotations__": {ref: ref_type, **optional},
        "__doc__": "What it shall be: where it is there already, what is absent stays.",
        "__module__": create.__module__,
        **dict.fromkeys(optional, UNSET),
    }
    name = create.__name__.replace("Create", "Upsert")
    base = Dated if issubclass(create, Dated) else Request
    return new_class(name, (base,), exec_body=lambda namespace: namespace.update(body))


def _unmarked(hint: Any) -> Any:
    """A type without the mark that it is ours: that of the method says so for all its fields."""
    if get_origin(hint) is not Annotated:
        return hint
    inner, *marks = get_args(hint)
    kept = [mark for mark in marks if mark != OURS]
    return Annotated[(inner, *kept)] if kept else inner


# Of an array that names the object there is at least one.
SOME = Meta(min_length=1)


@cache
def types_of(request: type[Request]) -> dict[str, inspect.Type]:
    """The types of a request's fields."""
    fields = msgspec.structs.fields(request)
    return {field.name: inspect.type_info(field.type) for field in fields}


@cache
def setters(request: type[Request]) -> dict[str, Any]:
    """Of the fields that an update changes by `{set: …}`, the type of that."""
    found = {}
    for name, info in types_of(request).items():
        for one in info.types if isinstance(info, inspect.UnionType) else (info,):
            if isinstance(one, inspect.StructType) and "set" in one.cls.__struct_fields__:
                found[name] = one.cls
    return found
