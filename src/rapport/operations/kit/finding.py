"""The tenant's boundary: an id leads to a row of the caller's own org, or to nothing."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from rapport.contract.kit import ids
from rapport.contract.kit.ids import Id
from rapport.operations.kit.context import Context
from rapport.operations.kit.refusals import absent
from rapport.store.kit.db import Tx

F = TypeVar("F")
# A family's `store.get` or `store.lock`.
Get = Callable[[Tx, str, Any], Awaitable[F | None]]


async def find(ctx: Context, id_: Id, get: Get[F]) -> F | None:
    """What an id names, as the family's `get` finds it; None where that is nothing of the
    caller's org.
    """
    if not id_.belongs_to(ctx.org):
        return None
    # Users of all kinds share one table, so that their numbers alone don't tell them apart.
    return await get(ctx.tx, ctx.org, id_.display_id if id_.kind in ids.USERS else id_.number)


async def found(ctx: Context, id_: Id, get: Get[F]) -> F:
    """What an id names, as the family's `get` finds it.

    Raises:
        NotFound: that is nothing of the caller's org.
    """
    row = await find(ctx, id_, get)
    if row is None:
        raise absent(id_)
    return row
