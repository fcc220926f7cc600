"""Doing a method in a transaction that is given: the one way in, whoever asks."""

from rapport.auth.caller import authorize
from rapport.contract.kit.fields import Request, Response
from rapport.contract.kit.method import Method
from rapport.operations.kit.context import BATCH_OPERATIONS, OPERATIONS, Call, Context


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
    together = BATCH_OPERATIONS.get(method)
    if together is None:
        return await OPERATIONS[method](ctx, request)
    (result,) = await together(ctx.tx, [Call(ctx.caller, ctx.now, request)])
    if isinstance(result, Exception):
        raise result
    return result
