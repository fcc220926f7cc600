"""What was deleted: lists of it, made from those of what lives; and what has been so for long."""

import dataclasses
from collections.abc import Collection
from typing import TypeVar

from rapport.store.kit.db import Tx
from rapport.store.kit.filters import By, Column, Link, Listing

T = TypeVar("T")


def listing_of_deleted(
    live: Listing[T], alias: str, counted: str, *, unordered: Collection[str]
) -> Listing[T]:
    """How the deleted rows of a family are listed, which are put in order by `deleted_date` too.

    Args:
        live: how those are listed that live.
        alias: of the family's table.
        counted: under which name the deleted ones are counted.
        unordered: the sort fields whose order no index has for deleted ones.
    """
    return dataclasses.replace(
        live,
        scope=f"{alias}.org = :org AND {alias}.deleted_date IS NOT NULL",
        sorts={"deleted_date": f"{alias}.deleted_date", **live.sorts},
        counted=counted,
        gone=None,
        unordered=unordered,
        filters={name: _of_deleted(by) for name, by in live.filters.items()},
    )


def _of_deleted(by: By) -> By:
    """A filter without what is kept of live ones, or for their sake: indexes and sums. Links of
    deleted ones stand among those of live ones, so that their order is of no use.
    """
    if isinstance(by, Column):
        return dataclasses.replace(by, indexed=False, summed=False, carried={})
    if isinstance(by, Link):
        return dataclasses.replace(by, summed=False, carried={}, all_live=False)
    return by


async def long_deleted(tx: Tx, table: str, *, before: int, most: int) -> list[tuple[str, int]]:
    """(org, number) of some of a family's rows that were deleted by then, held against other
    writers.
    """
    rows = await tx.all(
        f"""
        SELECT x.org, x.number FROM orgs o CROSS JOIN {table} x
        WHERE x.org = o.org AND x.deleted_date <= :before AND o.deleted_date IS NULL
        LIMIT :most FOR UPDATE OF x
        """,  # noqa: S608  # our own names
        before=before,
        most=most,
    )
    return [(org, number) for org, number in rows]
