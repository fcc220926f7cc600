"""Opportunities, the only works."""

from collections.abc import Sequence
from typing import NamedTuple

from rapport.store.kit import terms
from rapport.store.kit.db import Row, Tx
from rapport.store.kit.query import Filter, Listing, Page, Walk, everything, page


class OpportunityRow(NamedTuple):
    """A row. `account` is the account's number; `document` is a `summaries.OpportunityDocument`."""

    org: str
    number: int
    title: str
    account: int
    external_ref: str | None
    target_close_date: int
    created_by: str
    created_date: int
    modified_by: str
    modified_date: int
    document: str


async def insert(tx: Tx, row: OpportunityRow) -> None:
    """Add an opportunity."""
    await tx.run(
        """
        INSERT INTO opportunities (org, number, title, account, external_ref, target_close_date,
                                   created_by, created_date, modified_by, modified_date, document)
        VALUES (:org, :number, :title, :account, :external_ref, :target_close_date,
                :created_by, :created_date, :modified_by, :modified_date, :document)
        """,
        **row._asdict(),
    )


_GET = """
    SELECT org, number, title, account, external_ref, target_close_date,
           created_by, created_date, modified_by, modified_date, document
    FROM opportunities WHERE org = :org AND number = :number"""


async def get(tx: Tx, org: str, number: int) -> OpportunityRow | None:
    """An opportunity."""
    row = await tx.one(_GET, org=org, number=number)
    return OpportunityRow(*row) if row else None


async def lock(tx: Tx, org: str, number: int) -> OpportunityRow | None:
    """An opportunity, held against other writers until this transaction ends."""
    row = await tx.one(f"{_GET} FOR UPDATE", org=org, number=number)
    return OpportunityRow(*row) if row else None


async def update(tx: Tx, row: OpportunityRow) -> None:
    """Write a row anew."""
    await tx.run(
        """
        UPDATE opportunities SET title = :title, account = :account, target_close_date = :target_close_date,
                                 modified_by = :modified_by, modified_date = :modified_date, document = :document
        WHERE org = :org AND number = :number
        """,
        org=row.org, number=row.number, title=row.title, account=row.account, target_close_date=row.target_close_date,
        modified_by=row.modified_by, modified_date=row.modified_date, document=row.document,
    )  # fmt: skip


async def delete(tx: Tx, org: str, number: int) -> None:
    """Delete an opportunity."""
    await tx.run("DELETE FROM opportunities WHERE org = :org AND number = :number", org=org, number=number)


async def count(tx: Tx, where: Filter) -> int:
    """How many there are."""
    row: Row | None = await tx.one(f"SELECT count(*) FROM opportunities o WHERE {where}", **where.parameters)  # noqa: S608
    return int(row[0]) if row else 0


SORTS = {"created_date": int, "modified_date": int, "target_close_date": int, "title": str}
_LISTING = Listing(
    select=", ".join(f"o.{column}" for column in OpportunityRow._fields) + " FROM opportunities o",
    columns={name: f"o.{name}" for name in SORTS},
    number="o.number",
    make=OpportunityRow._make,
)


def of_org(org: str) -> Filter:
    """The org's opportunities."""
    where = Filter()
    where.where("o.org = :org", org=org)
    return where


def having_any(where: Filter, field: str, values: Sequence[str], *, name: str | None = None) -> None:
    """Keep those with any of these values in an array field; `name` is for its second condition on one field."""
    where.any_of(
        name or field, terms.kept(values), terms.condition("opportunities", "o.org", "'OPP-' || o.number", field)
    )


async def listed(tx: Tx, where: Filter, walk: Walk) -> Page[OpportunityRow]:
    """A page of those that match."""
    return await page(tx, _LISTING, where, walk)


async def all_of(tx: Tx, where: Filter) -> list[OpportunityRow]:
    """All that match, by number."""
    return await everything(tx, _LISTING, where)
