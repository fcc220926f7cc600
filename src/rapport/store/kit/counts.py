"""Sums that are kept, so that counting needs no counting: how many rows have a value in a field.

They are written in the transaction of what they count, and so are exact. On PostgreSQL each
connection adds to rows of its own (`stripe`), or every commit would wait for the one before it; the
sum is that of all stripes.
"""

from collections.abc import Mapping, Sequence

from rapport.store.kit.db import Tx

# (org, field, value): the field is '<table>.<field>'; all rows of a table are under its name and an
# empty value.
Counted = tuple[str, str, str]


async def add(tx: Tx, changes: Mapping[Counted, int]) -> None:
    """Add to sums; in one order, so that two transactions never wait for each other both ways."""
    rows = [(*key, change) for key, change in sorted(changes.items()) if change]
    if rows:
        await tx.run(
            """
            INSERT INTO derived_counts (org, field, value, stripe, number)
            SELECT r.org, r.field, r.value, :stripe, r.number
            FROM rows(:rows, org text, field text, value text, number bigint) r WHERE true
            ON CONFLICT (org, field, value, stripe)
            DO UPDATE SET number = derived_counts.number + excluded.number
            """,
            rows=rows,
            stripe=tx.stripe,
        )


async def total(tx: Tx, org: str, field: str, values: Sequence[str]) -> int:
    """How many there are with each of these values, together."""
    row = await tx.one(
        """
        SELECT CAST(COALESCE(sum(number), 0) AS BIGINT) FROM derived_counts
        WHERE org = :org AND field = :field AND value IN (SELECT v FROM rows(:names, v text))
        """,
        org=org,
        field=field,
        names=[(value,) for value in dict.fromkeys(values)],
    )
    return int(row[0]) if row else 0


async def forget(tx: Tx, org: str, field: str, value: str) -> None:
    """Let go of a value that nothing has any more."""
    await tx.run(
        "DELETE FROM derived_counts WHERE org = :org AND field = :field AND value = :value",
        org=org,
        field=field,
        value=value,
    )
