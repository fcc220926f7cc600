"""Numbers for ids: per org and kind, never used twice."""

from collections.abc import Mapping

from rapport.contract.kit.ids import Kind
from rapport.store.kit.db import Tx


async def take(tx: Tx, kind: Kind, wanted: Mapping[str, int]) -> dict[str, int]:
    """Take `wanted[org]` numbers of a kind in each org; the first of each run of numbers is
    answered.
    """
    return await tx.take_numbers(kind.name, wanted)


async def take_one(tx: Tx, kind: Kind, org: str) -> int:
    """Take one number."""
    return (await tx.take_numbers(kind.name, {org: 1}))[org]


async def reserve(tx: Tx, kind: Kind, org: str, number: int) -> None:
    """See to it that no number up to this one is given out; for data that brings its own
    numbers to a new org.
    """
    await tx.reserve_number(kind.name, org, number)


# What an engine does for them


async def advance(tx: Tx, kind: str, wanted: Mapping[str, int]) -> dict[str, int]:
    """Move the counters of a kind on by `wanted[org]`, and hold them; the first of each run of
    numbers is answered.
    """
    rows = await tx.all(
        """
        INSERT INTO counters (org, kind, last)
        SELECT org, :kind, wanted FROM rows(:wanted, org text, wanted bigint) WHERE true
        ON CONFLICT (org, kind) DO UPDATE SET last = counters.last + excluded.last
        RETURNING org, last
        """,
        kind=kind,
        wanted=sorted(wanted.items()),
    )
    return {org: last - wanted[org] + 1 for org, last in rows}


async def advance_to(tx: Tx, kind: str, org: str, number: int) -> None:
    """Move a counter on to `number`, if it is not there yet."""
    await tx.run(
        """
        INSERT INTO counters (org, kind, last) VALUES (:org, :kind, :number)
        ON CONFLICT (org, kind) DO UPDATE SET last = excluded.last
        WHERE counters.last < excluded.last
        """,
        org=org,
        kind=kind,
        number=number,
    )
