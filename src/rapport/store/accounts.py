"""Accounts and their rev orgs."""

from collections.abc import Sequence
from typing import NamedTuple

from rapport.contract.paging import Cursor, Sort
from rapport.store.db import Tx
from rapport.store.query import Filter, Listing, Page, page


class AccountRow(NamedTuple):
    """A row. `document` is JSON; users and tags in it are display ids."""

    org: str
    number: int
    display_name: str
    tier: str | None
    created_by: str
    created_date: int
    modified_by: str
    modified_date: int
    document: str


class RevOrgRow(NamedTuple):
    """A row; `account` is the account's number."""

    org: str
    number: int
    account: int
    is_default: int
    display_name: str
    external_ref: str | None
    created_by: str
    created_date: int
    modified_by: str
    modified_date: int
    document: str


async def insert(tx: Tx, row: AccountRow) -> None:
    """Add an account."""
    await tx.run(
        """
        INSERT INTO accounts (org, number, display_name, tier, created_by, created_date, modified_by, modified_date, document)
        VALUES (:org, :number, :display_name, :tier, :created_by, :created_date, :modified_by, :modified_date, :document)
        """,
        **row._asdict(),
    )


async def insert_rev_org(tx: Tx, row: RevOrgRow) -> None:
    """Add a rev org.

    Raises:
        UniqueViolation: its external_ref is in use.
    """
    await tx.run(
        """
        INSERT INTO rev_orgs (org, number, account, is_default, display_name, external_ref,
                              created_by, created_date, modified_by, modified_date, document)
        VALUES (:org, :number, :account, :is_default, :display_name, :external_ref,
                :created_by, :created_date, :modified_by, :modified_date, :document)
        """,
        **row._asdict(),
    )


async def default_rev_org(tx: Tx, org: str, account: int) -> int | None:
    """The number of an account's first rev org."""
    row = await tx.one(
        "SELECT number FROM rev_orgs WHERE org = :org AND account = :account ORDER BY is_default DESC, number LIMIT 1",
        org=org,
        account=account,
    )
    return row[0] if row else None


async def get(tx: Tx, org: str, number: int) -> AccountRow | None:
    """An account."""
    row = await tx.one(
        """
        SELECT org, number, display_name, tier, created_by, created_date, modified_by, modified_date, document
        FROM accounts WHERE org = :org AND number = :number
        """,
        org=org,
        number=number,
    )
    return AccountRow(*row) if row else None


SORTS = {"created_date": int, "modified_date": int, "display_name": str}
_LISTING = Listing(
    select=", ".join(f"a.{column}" for column in AccountRow._fields) + " FROM accounts a",
    columns={name: f"a.{name}" for name in SORTS},
    number="a.number",
)


def of_org(org: str) -> Filter:
    """The org's accounts."""
    where = Filter()
    where.where("a.org = :org", org=org)
    return where


def having_any(where: Filter, field: str, values: Sequence[str]) -> None:
    """Keep those with any of these values in an array field."""
    condition = """EXISTS (SELECT 1 FROM terms t WHERE t.org = a.org AND t.owner = 'ACC-' || a.number
                   AND t.field = 'accounts.FIELD' AND t.value IN ({values}))"""
    where.any_of(field, values, condition.replace("FIELD", field))


async def listed(
    tx: Tx, where: Filter, sorts: Sequence[Sort], *, cursor: Cursor | None, backwards: bool, limit: int
) -> Page:
    """A page; its rows are `AccountRow`."""
    found = await page(tx, _LISTING, where, sorts, cursor=cursor, backwards=backwards, limit=limit)
    found.rows = [AccountRow(*row) for row in found.rows]
    return found
