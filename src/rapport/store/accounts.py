"""Accounts."""

from typing import NamedTuple

from rapport.store.kit import terms
from rapport.store.kit.db import Tx
from rapport.store.kit.filters import Column, Date, Filter, Listing


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


async def insert(tx: Tx, row: AccountRow) -> None:
    """Add an account."""
    await tx.run(
        """
        INSERT INTO accounts (org, number, display_name, tier,
                              created_by, created_date, modified_by, modified_date, document)
        VALUES (:org, :number, :display_name, :tier,
                :created_by, :created_date, :modified_by, :modified_date, :document)
        """,
        **row._asdict(),
    )


_GET = """
    SELECT org, number, display_name, tier, created_by, created_date, modified_by, modified_date,
    document
    FROM accounts WHERE org = :org AND number = :number"""


async def get(tx: Tx, org: str, number: int) -> AccountRow | None:
    """An account."""
    row = await tx.one(_GET, org=org, number=number)
    return AccountRow(*row) if row else None


async def lock(tx: Tx, org: str, number: int) -> AccountRow | None:
    """An account, held against other writers until this transaction ends."""
    row = await tx.one(f"{_GET} FOR UPDATE", org=org, number=number)
    return AccountRow(*row) if row else None


async def update(tx: Tx, row: AccountRow) -> None:
    """Write a row anew."""
    await tx.run(
        """
        UPDATE accounts SET display_name = :display_name, tier = :tier, modified_by = :modified_by,
                            modified_date = :modified_date, document = :document
        WHERE org = :org AND number = :number
        """,
        org=row.org,
        number=row.number,
        display_name=row.display_name,
        tier=row.tier,
        modified_by=row.modified_by,
        modified_date=row.modified_date,
        document=row.document,
    )


async def delete(tx: Tx, org: str, number: int) -> None:
    """Delete an account; what belongs to it is the caller's to delete."""
    await tx.run(
        "DELETE FROM accounts WHERE org = :org AND number = :number", org=org, number=number
    )


SORTS = {"created_date": int, "modified_date": int, "display_name": str}
_LISTING = Listing(
    select=", ".join(f"a.{column}" for column in AccountRow._fields),
    table="accounts a",
    scope="a.org = :org",
    number="a.number",
    sorts={name: f"a.{name}" for name in SORTS},
    make=AccountRow._make,
    filters={
        "created_by": Column("a.created_by", indexed=True),
        "display_name": Column("a.display_name", indexed=True),
        "tier": Column("a.tier", indexed=True),
        **terms.filters(
            "accounts",
            "a",
            "'ACC-' || a.number",
            "custom_fields",
            "domains",
            "external_refs",
            "owned_by",
            "subtype",
            "tags",
            "websites",
        ),
    },
    dates={"created_date": Date("a.created_date"), "modified_date": Date("a.modified_date")},
)


def of_org(org: str) -> Filter[AccountRow]:
    """The org's accounts."""
    return _LISTING.of_org(org)
