"""Tables that are made from others: copies and backups leave them out, and they are made anew.

Their names begin with `derived_`, so that the catalogue alone tells them. (A full-text index of
SQLite is several tables, which all have its name in front.)
"""

from collections import Counter
from collections.abc import Awaitable, Callable

from rapport.store import engagements, indexing, meetings, touches
from rapport.store.kit import counts
from rapport.store.kit.db import Bulk

_COUNTED = f"{engagements.COUNTED} UNION ALL {meetings.COUNTED}"


async def recount(bulk: Bulk) -> None:
    """Make the sums anew; in a transaction."""
    await bulk.run("DELETE FROM derived_counts")
    await bulk.run(f"INSERT INTO derived_counts (org, field, value, stripe, number) {_COUNTED}")


async def miscounted(bulk: Bulk) -> dict[counts.Counted, tuple[int, int]]:
    """The sums that are not what there is, each with what it says and what there is; in a
    transaction.
    """
    kept: Counter[counts.Counted] = Counter()
    for *key, number in await bulk.all("SELECT org, field, value, number FROM derived_counts"):
        kept[tuple(key)] += number
    real = Counter({tuple(key): number for *key, _, number in await bulk.all(_COUNTED)})
    return {key: (kept[key], real[key]) for key in kept | real if kept[key] != real[key]}


# Each makes one of them anew from nothing but stored tables, in the transaction that it is called
# in.
REBUILDS: list[Callable[[Bulk], Awaitable[None]]] = [recount, touches.rebuild, indexing.rebuild]


async def rebuild(bulk: Bulk) -> None:
    """Make them all anew, in one transaction.

    Raises:
        EngineFailed: it can't be done.
    """
    async with bulk.transaction():
        await make(bulk)


async def make(bulk: Bulk) -> None:
    """Make them all anew; in a transaction."""
    for rebuild_one in REBUILDS:
        await rebuild_one(bulk)
