"""Upserts: what has a ref is changed, and what nothing has it is made; of whatever kind it is.

Each is done by its family's own create or update. Until the transaction ends nobody else gets
beyond the look for the same ref, so that of many who ask at once one makes it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from rapport.contract.kit import ids
from rapport.contract.kit.errors import (
    ApiError,
    Conflict,
    MissingRequiredField,
    NotFound,
    raise_all,
)
from rapport.contract.kit.fields import UNSET, Request, Response
from rapport.contract.kit.method import Method
from rapport.contract.kit.own_time import FIELDS as OWN_TIME
from rapport.contract.kit.upserts import setters, types_of
from rapport.operations.kit.context import (
    BATCH_OPERATIONS,
    Call,
    Context,
    handles,
    handles_batch,
)
from rapport.operations.kit.perform import perform, perform_together
from rapport.operations.kit.refusals import SEVERAL, quoted
from rapport.store import names
from rapport.store.kit.db import LostRace, Tx

Fields = dict[str, Any]
# Whose, and which ref.
RefKey = tuple[str, str]


def _same(fields: Fields) -> Fields:
    return fields


class _Family(NamedTuple):
    kind: ids.Kind
    upsert: Method
    create: Method
    update: Method
    sort_out: Callable[[Fields], Fields]


def upserts(
    kind: ids.Kind,
    upsert: Method,
    create: Method,
    update: Method,
    *,
    sort_out: Callable[[Fields], Fields] = _same,
) -> None:
    """Have a family's upsert done by its create and update.

    Args:
        kind: of the family's objects.
        upsert: the method.
        create: makes what is not there.
        update: changes what is.
        sort_out: a create's fields as the update calls them, where these differ by more than a
            `{set: …}` around an array.
    """
    family = _Family(kind, upsert, create, update, sort_out)

    async def one(ctx: Context, request: Any) -> Response:
        return await _one(ctx, family, request)

    async def together(tx: Tx, calls: Sequence[Call[Any]]) -> Sequence[Response | Exception]:
        return await _together(tx, family, calls)

    if create in BATCH_OPERATIONS:
        handles_batch(upsert)(together)
    else:
        handles(upsert)(one)


async def _one(ctx: Context, family: _Family, request: Request) -> Response:
    keys = _keys(ctx.org, request)
    there = await _look(ctx.tx, family, keys)
    found = list(dict.fromkeys(id_ for key in keys for id_ in there.get(key, ())))
    if len(found) > 1:
        raise _several(_refs(request), found)
    try:
        if found:
            return await _change(ctx, family, request, found[0])
        made = await perform(ctx, family.create, _create(family, request))
    except (Conflict, NotFound) as error:
        # Who makes or deletes without an upsert was faster; it is to be looked at anew.
        raise LostRace from error
    return _answer(family, made, created=True)


async def _together(
    tx: Tx, family: _Family, calls: Sequence[Call[Any]]
) -> Sequence[Response | Exception]:
    """Make in one go what is not there, and change the rest one by one. A call for the same ref as
    another before it waits for that one.
    """
    keys = [_keys(call.caller.org, call.request)[0] for call in calls]
    there = await _look(tx, family, keys)
    results: dict[int, Response | Exception] = {}
    new: list[tuple[int, Call[Any]]] = []
    waiting: list[int] = []
    seen: set[RefKey] = set()
    for position, (call, key) in enumerate(zip(calls, keys, strict=True)):
        if key in seen:
            waiting.append(position)
            continue
        seen.add(key)
        try:
            if key in there:
                ctx = Context(call.caller, call.now, tx)
                results[position] = await _change(ctx, family, call.request, there[key][0])
            else:
                request = _create(family, call.request)
                new.append((position, Call(call.caller, call.now, request)))
        except NotFound as error:
            raise LostRace from error
        except ApiError as error:
            results[position] = error
    made = await perform_together(tx, family.create, [call for _, call in new])
    for (position, _), answer in zip(new, made, strict=True):
        results[position] = (
            answer if isinstance(answer, Exception) else _answer(family, answer, created=True)
        )
    if waiting:
        later = await _together(tx, family, [calls[position] for position in waiting])
        results.update(zip(waiting, later, strict=True))
    return [results[position] for position in range(len(calls))]


def _refs(request: Any) -> list[str]:
    """The refs that a request names its object by: one, or of an account several."""
    return [request.external_ref] if hasattr(request, "external_ref") else request.external_refs


def _keys(org: str, request: Request) -> list[RefKey]:
    return [(org, ref) for ref in _refs(request)]


async def _look(tx: Tx, family: _Family, keys: Sequence[RefKey]) -> Mapping[RefKey, Sequence[str]]:
    """The display ids of what has these refs, which nobody else looks for meanwhile."""
    kind = family.kind
    await tx.hold(["\0".join((kind.name, *key)) for key in keys])
    found = await names.find(tx, {(org, kind, "ref", ref) for org, ref in keys})
    return {(org, ref): objects for (org, _, _, ref), objects in found.items()}


def _several(refs: Sequence[str], found: Sequence[str]) -> Conflict:
    return Conflict(
        f"{', '.join(map(quoted, refs[:SEVERAL]))} stand for several: "
        f"{', '.join(found[:SEVERAL])}.",
        detail="Update the one that is meant, or give refs that only one of them has.",
    )


def _given(request: Request) -> Fields:
    values = {name: getattr(request, name) for name in request.__struct_fields__}
    return {name: value for name, value in values.items() if value is not UNSET}


def _create(family: _Family, request: Request) -> Request:
    """The create that makes it.

    Raises:
        MissingRequiredField: a field that it has to have was not given.
    """
    given = _given(request)
    raise_all(
        [
            _missing(field.name)
            for field in msgspec.structs.fields(family.create.request)
            if field.required and field.name not in given
        ]
    )
    return family.create.request(**given)


def _missing(name: str) -> MissingRequiredField:
    return MissingRequiredField(
        f"{name} is required, because nothing has this ref yet.",
        detail=f"Send {name}.",
        field_name=name,
    )


async def _change(ctx: Context, family: _Family, request: Request, id_: str) -> Response:
    given = _given(request)
    fields = family.sort_out({name: given[name] for name in given if name not in OWN_TIME})
    set_by = setters(family.update.request)
    values = {
        name: set_by[name](set=value) if name in set_by else value for name, value in fields.items()
    }
    id_type: Any = types_of(family.update.request)["id"]
    change = family.update.request(id=id_type.cls.parse(id_), **values)
    try:
        answer = await perform(ctx, family.update, change)
    except ApiError as error:
        raise _as_sent(error) from error
    return _answer(family, answer, created=False)


def _as_sent(error: ApiError) -> ApiError:
    """A refusal of an update, its fields named as in the upsert, which has no `{set: …}`."""
    renamed = _renamed(error)
    renamed.violations = [_renamed(one) for one in error.violations]
    return renamed


def _renamed(error: ApiError) -> ApiError:
    path = error.field_name
    if ".set" not in path:
        return error
    plain = path.replace(".set", "", 1)
    message = error.message.replace(path, plain, 1)
    fields = {**error.fields, "field_name": plain}
    return type(error)(message, detail=error.detail, **fields)


def _answer(family: _Family, answer: Response, *, created: bool) -> Response:
    (name,) = (name for name in family.upsert.response.__struct_fields__ if name != "created")
    return family.upsert.response(created=created, **{name: getattr(answer, name)})
