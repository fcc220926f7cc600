"""What stands in an id's place, `email:…`, `ref:…` or `domain:…`, led to what it stands for."""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from operator import attrgetter
from typing import Any

import msgspec
from msgspec import inspect

from rapport.contract.kit.errors import ApiError, as_one
from rapport.contract.kit.fields import UNSET, Request
from rapport.contract.kit.ids import Id, Name
from rapport.operations.kit.refusals import stands_for_several
from rapport.store import names
from rapport.store.kit.db import Tx
from rapport.store.names import NameKey


async def settle(tx: Tx, asked: Sequence[tuple[str, Request]]) -> dict[int, ApiError]:
    """Lead every name of requests to what it stands for, in one statement. What stands for
    nothing leads to an id that nothing has, so that it is answered as an absent id is.

    Names are looked up each time, because a request may be done again after others have changed
    what is there.

    Args:
        tx: where to look.
        asked: orgs, and their requests.

    Returns:
        By position the refusal of a request with a name that stands for several.
    """
    named = [
        (position, org, path, id_, id_.name)
        for position, (org, request) in enumerate(asked)
        if _has_names(request)
        for path, id_ in _names(request)
        if id_.name is not None
    ]
    if not named:
        return {}
    found = await names.find(tx, {key for _, org, _, _, name in named for key in _keys(org, name)})
    problems: dict[int, list[ApiError]] = {}
    for position, org, path, id_, name in named:
        objects = [one for key in _keys(org, name) for one in found.get(key, ())]
        id_.lead_to(objects[0] if objects else None)
        if len(objects) > 1:
            problems.setdefault(position, []).append(stands_for_several(path, id_, objects))
    return {position: as_one(some) for position, some in problems.items()}


def _keys(org: str, name: Name) -> list[NameKey]:
    return [(org, kind, name.scheme, name.value) for kind in name.kinds]


def _has_names(request: Request) -> bool:
    """Whether there is any, found faster than which."""
    for value in _values(type(request))(request):
        if value is not UNSET and value is not None:
            for one in value if type(value) is list else (value,):
                if one.name is not None if isinstance(one, Id) else _has_names(one):
                    return True
    return False


@cache
def _values(request: type[Request]) -> Callable[[Any], tuple[Any, ...]]:
    """What reads those fields of a request that may have ids."""
    fields = _fields_with_ids(request)
    if len(fields) > 1:
        return attrgetter(*fields)
    return lambda one: tuple(getattr(one, name) for name in fields)


def _names(value: Any, path: str = "") -> Iterator[tuple[str, Id]]:
    """The names in a request, each with the path of its field."""
    if isinstance(value, Id):
        if value.name is not None:
            yield path, value
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _names(item, f"{path}[{position}]")
    elif isinstance(value, Request):
        for field in _fields_with_ids(type(value)):
            yield from _names(getattr(value, field), f"{path}.{field}" if path else field)


@cache
def _fields_with_ids(request: type[Request]) -> tuple[str, ...]:
    fields = msgspec.structs.fields(request)
    return tuple(one.name for one in fields if _has_ids(inspect.type_info(one.type)))


def _has_ids(info: inspect.Type) -> bool:
    match info:
        case inspect.CustomType(cls=cls):
            return issubclass(cls, Id)
        case inspect.Metadata(type=inner) | inspect.ListType(item_type=inner):
            return _has_ids(inner)
        case inspect.UnionType(types=types):
            return any(map(_has_ids, types))
        case inspect.StructType(cls=cls):
            return bool(_fields_with_ids(cls))
        case _:
            return False
