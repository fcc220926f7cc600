"""Opportunities, the only works."""

from collections.abc import Sequence
from typing import NamedTuple

from rapport.contract.paging import Cursor, Sort
from rapport.store.db import Tx
from rapport.store.query import Filter, Listing, Page, page


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


async def get(tx: Tx, org: str, number: int) -> OpportunityRow | None:
    """An opportunity."""
    row = await tx.one(
        """
        SELECT org, number, title, account, external_ref, target_close_date,
               created_by, created_date, modified_by, modified_date, document
        FROM opportunities WHERE org = :org AND number = :number
        """,
        org=org,
        number=number,
    )
    return OpportunityRow(*row) if row else None


SORTS = {"created_date": int, "modified_date": int, "target_close_date": int, "title": str}
_LISTING = Listing(
    select=", ".join(f"o.{column}" for column in OpportunityRow._fields) + " FROM opportunities o",
    columns={name: f"o.{name}" for name in SORTS},
    number="o.number",
)


def of_org(org: str) -> Filter:
    """The org's opportunities."""
    where = Filter()
    where.where("o.org = :org", org=org)
    return where


def having_any(where: Filter, field: str, values: Sequence[str]) -> None:
    """Keep those with any of these values in an array field."""
    condition = """EXISTS (SELECT 1 FROM terms t WHERE t.org = o.org AND t.owner = 'OPP-' || o.number
                   AND t.field = 'opportunities.FIELD' AND t.value IN ({values}))"""
    where.any_of(field, values, condition.replace("FIELD", field))


async def listed(
    tx: Tx, where: Filter, sorts: Sequence[Sort], *, cursor: Cursor | None, backwards: bool, limit: int
) -> Page:
    """A page; its rows are `OpportunityRow`."""
    found = await page(tx, _LISTING, where, sorts, cursor=cursor, backwards=backwards, limit=limit)
    found.rows = [OpportunityRow(*row) for row in found.rows]
    return found
