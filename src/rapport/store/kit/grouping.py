"""Sums of what a filter lets through, by one key or two.

It reads every row that matches, once.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from rapport.clock import DAY
from rapport.store.kit.db import NO_DATE, Tx
from rapport.store.kit.filters import Filter

# Whole days, and more than there are before 1970: division rounds towards zero on both engines.
_SHIFT = 800_000


class Key(NamedTuple):
    """What rows are grouped by.

    Args:
        column: SQL for the value, in which `{alias}` stands for that of the join.
        join: what has the value where the row does not, such as `JOIN t {alias} ON ...`.
    """

    column: str
    join: str = ""


class Sums(NamedTuple):
    """What rows can be grouped by, and the column with the date that `first`, `last` and `next`
    are of.
    """

    keys: Mapping[str, Key]
    date: str


class Summed(NamedTuple):
    """A group, and how many are in it; dates are microseconds since 1970, where there are any."""

    keys: tuple[str | int, ...]
    number: int
    first: int | None
    last: int | None
    next: int | None


class Offset(NamedTuple):
    """How far local time is from UTC before a moment, in microseconds."""

    before: int
    offset: int


def day_key(date: str, offsets: Sequence[Offset], last: int) -> Key:
    """The number of the local day of a date, in days since 1970.

    Args:
        date: the column.
        offsets: of the zone, in order.
        last: the offset after all of them.
    """
    steps = " ".join(f"WHEN {date} < {one.before} THEN {one.offset}" for one in offsets)
    offset = f"CASE {steps} ELSE {last} END" if steps else str(last)
    return Key(f"(({date} + {offset} + {_SHIFT * DAY}) / {DAY} - {_SHIFT})")


async def span(tx: Tx, where: Filter[Any], date: str) -> tuple[int, int] | None:
    """The earliest and the latest of a date among the rows that match."""
    row = await tx.one(
        f"SELECT min({date}), max({date}) FROM {where.listing.table} "  # noqa: S608  # literals
        f"WHERE {where} AND {date} > {NO_DATE}",
        **where.parameters,
    )
    return None if row is None or row[0] is None else (row[0], row[1])


async def grouped(tx: Tx, where: Filter[Any], sums: Sums, now: int) -> list[Summed]:
    """The groups of the rows that match.

    Args:
        tx: to read in.
        where: which rows.
        sums: what they are grouped by.
        now: what is past is up to then.
    """
    if where.is_empty:
        return []
    date = sums.date
    joins, columns = [], []
    for place, key in enumerate(sums.keys.values()):
        alias = f"grouped_{place}"
        joins.append(key.join.replace("{alias}", alias))
        columns.append(key.column.replace("{alias}", alias))
    past = f"CASE WHEN {date} > {NO_DATE} AND {date} <= :grouped_now THEN {date} END"
    to_come = f"CASE WHEN {date} > :grouped_now THEN {date} END"
    dated = f" AND {date} > {NO_DATE}" if any(date in column for column in columns) else ""
    rows = await tx.all(
        f"""
        SELECT {", ".join(columns)}, count(*), min({past}), max({past}), min({to_come})
        FROM {where.listing.table} {" ".join(joins)} WHERE {where}{dated}
        GROUP BY {", ".join(str(place + 1) for place in range(len(columns)))}
        """,  # noqa: S608  # literals
        grouped_now=now,
        **where.parameters,
    )
    width = len(columns)
    return [Summed(row[:width], *row[width:]) for row in rows]
