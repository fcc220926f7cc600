"""Tables that are made from others: copies and backups leave them out, and they are made anew.

Their names begin with `derived_`, so that the catalogue alone tells them. (A full-text index of
SQLite is several tables, which all have its name in front.)
"""

from collections.abc import Awaitable, Callable

from rapport.store import engagements
from rapport.store.kit.db import Bulk

# Each makes one of them anew from nothing but stored tables, in the transaction that it is called
# in.
REBUILDS: list[Callable[[Bulk], Awaitable[None]]] = [engagements.recount]


async def rebuild(bulk: Bulk) -> None:
    """Make them all anew, in one transaction.

    Raises:
        EngineFailed: it can't be done.
    """
    async with bulk.transaction():
        for make in REBUILDS:
            await make(bulk)
