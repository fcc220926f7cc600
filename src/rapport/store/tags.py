"""Tags."""

from collections.abc import Sequence
from typing import NamedTuple

from rapport.contract.paging import Cursor, Sort
from rapport.store.db import Tx
from rapport.store.query import Filter, Listing, Page, page


class TagRow(NamedTuple):
    """A row. `allowed_values` is a JSON array or None; `document` keeps the rest as JSON."""

    org: str
    number: int
    name: str
    allowed_values: str | None
    created_by: str
    created_date: int
    modified_by: str
    modified_date: int
    document: str


async def insert(tx: Tx, row: TagRow) -> None:
    """Add a tag."""
    await tx.run(
        """
        INSERT INTO tags (org, number, name, allowed_values, created_by, created_date, modified_by, modified_date, document)
        VALUES (:org, :number, :name, :allowed_values, :created_by, :created_date, :modified_by, :modified_date, :document)
        """,
        **row._asdict(),
    )


async def get(tx: Tx, org: str, number: int) -> TagRow | None:
    """A tag."""
    row = await tx.one(
        """
        SELECT org, number, name, allowed_values, created_by, created_date, modified_by, modified_date, document
        FROM tags WHERE org = :org AND number = :number
        """,
        org=org,
        number=number,
    )
    return TagRow(*row) if row else None


SORTS = {"created_date": int, "modified_date": int, "name": str}
_LISTING = Listing(
    select=", ".join(f"t.{column}" for column in TagRow._fields) + " FROM tags t",
    columns={name: f"t.{name}" for name in SORTS},
    number="t.number",
)


def of_org(org: str) -> Filter:
    """The org's tags."""
    where = Filter()
    where.where("t.org = :org", org=org)
    return where


async def listed(
    tx: Tx, where: Filter, sorts: Sequence[Sort], *, cursor: Cursor | None, backwards: bool, limit: int
) -> Page:
    """A page; its rows are `TagRow`."""
    found = await page(tx, _LISTING, where, sorts, cursor=cursor, backwards=backwards, limit=limit)
    found.rows = [TagRow(*row) for row in found.rows]
    return found
