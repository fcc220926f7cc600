"""Doing a method in a transaction that is given: the one way in, whoever asks."""

from collections.abc import Sequence
from typing import Any

from rapport.auth.caller import authorize
from rapport.contract.kit.fields import Request, Response
from rapport.contract.kit.method import Method
from rapport.operations.kit.context import BATCH_OPERATIONS, OPERATIONS, Call, Context
from rapport.operations.kit.naming import settle
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
    if method in BATCH_OPERATIONS:
        call = Call(ctx.caller, ctx.now, request)
        (result,) = await perform_together(ctx.tx, method, [call])
        if isinstance(result, Exception):
            raise result
        return result
    for refusal in (await settle(ctx.tx, [(ctx.org, request)])).values():
        raise refusal
    return await OPERATIONS[method](ctx, request)


async def perform_together(
    tx: Tx, method: Method, calls: Sequence[Call[Any]]
) -> Sequence[Response | Exception]:
    """Do a method of `BATCH_OPERATIONS` over a list of calls, whose callers may do it; each gets
    its answer or its refusal.
    """
    results: dict[int, Response | Exception] = {
        **await settle(tx, [(call.caller.org, call.request) for call in calls])
    }
    left = [position for position in range(len(calls)) if position not in results]
    done = await BATCH_OPERATIONS[method](tx, [calls[position] for position in left])
    results.update(zip(left, done, strict=True))
    return [results[position] for position in range(len(calls))]
