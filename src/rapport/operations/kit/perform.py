"""Doing a method in a transaction that is given: the one way in, whoever asks."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from rapport.auth.caller import authorize
from rapport.contract.kit.errors import ApiError
from rapport.contract.kit.fields import Request, Response
from rapport.contract.kit.method import Method
from rapport.operations.kit.context import BATCH_OPERATIONS, OPERATIONS, Call, Context
from rapport.operations.kit.naming import settle
from rapport.operations.kit.own_time import own_times
from rapport.store.kit.db import Tx


async def perform(ctx: Context, method: Method, request: Request) -> Response:
    """Do a method as the caller, in the context's transaction; several may share it.

    What a refused method wrote before it was refused is still there: who goes on in the same
    transaction undoes it, to a savepoint.

    Args:
        ctx: who asks, when, and in which transaction; scope and role are checked here.
        method: which one.
        request: of the method's request type.

    Raises:
        ApiError: the refusal.
    """
    authorize(ctx.caller, method)
    call = Call(ctx.caller, ctx.now, request)
    if method in BATCH_OPERATIONS:
        (result,) = await perform_together(ctx.tx, method, [call])
        if isinstance(result, Exception):
            raise result
        return result
    (ready,) = await _ready(ctx.tx, [call])
    if isinstance(ready, ApiError):
        raise ready
    return await OPERATIONS[method](replace(ctx, own=ready.own), request)


async def perform_together(
    tx: Tx, method: Method, calls: Sequence[Call[Any]]
) -> Sequence[Response | Exception]:
    """Do a method of `BATCH_OPERATIONS` over a list of calls, whose callers may do it; each gets
    its answer or its refusal.
    """
    ready = await _ready(tx, calls)
    good = [call for call in ready if isinstance(call, Call)]
    done = iter(await BATCH_OPERATIONS[method](tx, good))
    return [next(done) if isinstance(call, Call) else call for call in ready]


async def _ready(tx: Tx, calls: Sequence[Call[Any]]) -> list[Call[Any] | ApiError]:
    """What every method does first: lead names to what they stand for, and read the own time."""
    refused = await settle(tx, [(call.caller.org, call.request) for call in calls])
    refused_too, own = await own_times(tx, calls)
    refused = {**refused_too, **refused}
    return [
        refused.get(position) or (replace(call, own=own[position]) if position in own else call)
        for position, call in enumerate(calls)
    ]
