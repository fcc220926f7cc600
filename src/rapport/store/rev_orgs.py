"""Rev orgs, the workspaces of accounts."""

from collections.abc import Sequence
from typing import NamedTuple

from rapport.contract.kit import ids
from rapport.store import touches
from rapport.store.kit import terms
from rapport.store.kit.db import Tx
from rapport.store.kit.filters import Column, Date, Filter, Listing


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


async def insert(tx: Tx, row: RevOrgRow) -> None:
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


_COLUMNS = ", ".join(RevOrgRow._fields)
_GET = f"SELECT {_COLUMNS} FROM rev_orgs WHERE org = :org AND number = :number"  # noqa: S608  # our own column names


async def get(tx: Tx, org: str, number: int) -> RevOrgRow | None:
    """A rev org."""
    row = await tx.one(_GET, org=org, number=number)
    return RevOrgRow(*row) if row else None


async def lock(tx: Tx, org: str, number: int) -> RevOrgRow | None:
    """A rev org, held against other writers until this transaction ends."""
    row = await tx.one(f"{_GET} FOR UPDATE", org=org, number=number)
    return RevOrgRow(*row) if row else None


async def default_of(tx: Tx, org: str, account: int) -> RevOrgRow | None:
    """An account's default rev org, or its oldest where that is gone; in a write, it stays
    until the end.
    """
    row = await tx.one(
        f"""
        SELECT {_COLUMNS} FROM rev_orgs
        WHERE org = :org AND account = :account ORDER BY is_default DESC, number
        LIMIT 1 FOR KEY SHARE
        """,  # noqa: S608  # our own column names
        org=org,
        account=account,
    )
    return RevOrgRow(*row) if row else None


async def numbers_of(tx: Tx, org: str, account: int) -> list[int]:
    """The numbers of an account's rev orgs, held against other writers until this transaction
    ends.
    """
    rows = await tx.all(
        "SELECT number FROM rev_orgs WHERE org = :org AND account = :account "
        "ORDER BY number FOR UPDATE",
        org=org,
        account=account,
    )
    return [number for (number,) in rows]


async def update(tx: Tx, row: RevOrgRow) -> None:
    """Write a row anew.

    Raises:
        UniqueViolation: its external_ref is in use.
    """
    was = await get(tx, row.org, row.number)
    movers = await _people(tx, row) if was and was.account != row.account else []
    async with touches.moving(tx, row.org, movers, row.modified_date):
        await tx.run(
            """
            UPDATE rev_orgs SET account = :account, display_name = :display_name,
                external_ref = :external_ref,
                                modified_by = :modified_by, modified_date = :modified_date,
                                    document = :document
            WHERE org = :org AND number = :number
            """,
            org=row.org,
            number=row.number,
            account=row.account,
            display_name=row.display_name,
            external_ref=row.external_ref,
            modified_by=row.modified_by,
            modified_date=row.modified_date,
            document=row.document,
        )


async def _people(tx: Tx, row: RevOrgRow) -> list[str]:
    """The display ids of a rev org's users, held against other writers until this transaction
    ends.
    """
    rows = await tx.all(
        "SELECT u.display_id FROM users u WHERE u.org = :org AND u.rev_org = :rev_org "
        "ORDER BY u.display_id FOR UPDATE",
        org=row.org,
        rev_org=ids.REV_ORG.display_id(row.number),
    )
    return [display_id for (display_id,) in rows]


async def delete(tx: Tx, org: str, numbers: Sequence[int]) -> None:
    """Delete rev orgs, which no user may be of any more."""
    await tx.run(
        "DELETE FROM rev_orgs WHERE org = :org AND number IN (SELECT number "
        "FROM rows(:numbers, number bigint))",
        org=org,
        numbers=[(number,) for number in numbers],
    )


SORTS = {"created_date": int, "modified_date": int, "display_name": str}
_LISTING = Listing(
    select=", ".join(f"v.{column}" for column in RevOrgRow._fields),
    table="rev_orgs v",
    scope="v.org = :org",
    number="v.number",
    sorts={name: f"v.{name}" for name in SORTS},
    make=RevOrgRow._make,
    filters={
        "account": Column("v.account", "bigint", indexed=True),
        "created_by": Column("v.created_by", indexed=True),
        "display_name": Column("v.display_name", indexed=True),
        "external_ref": Column("v.external_ref", indexed=True),
        **terms.filters("rev_orgs", "v", "'REV-' || v.number", "custom_fields", "tags"),
    },
    dates={"created_date": Date("v.created_date"), "modified_date": Date("v.modified_date")},
)


def of_org(org: str) -> Filter[RevOrgRow]:
    """The org's rev orgs."""
    return _LISTING.of_org(org)
