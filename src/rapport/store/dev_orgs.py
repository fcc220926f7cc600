"""Dev orgs."""

from rapport.store.kit.db import Row, Tx


async def insert(tx: Tx, org: str, name: str, now: int) -> None:
    """Add an org."""
    await tx.run(
        "INSERT INTO orgs (org, name, created_date) VALUES (:org, :name, :now)",
        org=org,
        name=name,
        now=now,
    )


async def all_orgs(tx: Tx) -> list[Row]:
    """(org, name) of every org, the oldest first."""
    return await tx.all("SELECT org, name FROM orgs ORDER BY created_date, org")


async def get(tx: Tx, org: str) -> Row | None:
    """(name, created_date) of an org."""
    return await tx.one("SELECT name, created_date FROM orgs WHERE org = :org", org=org)
