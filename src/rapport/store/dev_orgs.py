"""Dev orgs. One that is being deleted is to everybody as if it were gone."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from rapport.store.kit.db import Row, Tx


class OrgRow(NamedTuple):
    """A row; `modified_by` is a display id, and None as long as nobody changed it."""

    org: str
    name: str
    created_date: int
    modified_by: str | None
    modified_date: int


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
    return await tx.all(
        "SELECT org, name FROM orgs WHERE deleted_date IS NULL ORDER BY created_date, org"
    )


_GET = """
    SELECT org, name, created_date, modified_by, COALESCE(modified_date, created_date) FROM orgs
    WHERE org = :org AND deleted_date IS NULL
"""


async def get(tx: Tx, org: str) -> OrgRow | None:
    """An org."""
    row = await tx.one(_GET, org=org)
    return OrgRow(*row) if row else None


async def lock(tx: Tx, org: str) -> OrgRow | None:
    """An org that nobody writes to until this transaction ends; those who do are waited for."""
    row = await tx.one(f"{_GET} FOR UPDATE", org=org)
    return OrgRow(*row) if row else None


async def lock_name(tx: Tx, org: str) -> OrgRow | None:
    """An org that nobody else renames until this transaction ends; others may write to it."""
    await tx.hold([f"name of {org}"])
    return await get(tx, org)


async def hold(tx: Tx, orgs: Collection[str]) -> set[str]:
    """Those of these orgs that are there, held against deletion until this transaction ends.

    Whoever writes rows of an org holds it, so that none come after its last.
    """
    rows = await tx.all(
        """
        SELECT o.org FROM orgs o
        WHERE o.org IN (SELECT org FROM rows(:orgs, org text)) AND o.deleted_date IS NULL
        ORDER BY o.org FOR KEY SHARE OF o
        """,
        orgs=[(org,) for org in sorted(orgs)],
    )
    return {org for (org,) in rows}


async def rename(tx: Tx, row: OrgRow) -> None:
    """Write an org's name, and who gave it."""
    await tx.run(
        """
        UPDATE orgs SET name = :name, modified_by = :modified_by, modified_date = :modified_date
        WHERE org = :org
        """,
        org=row.org,
        name=row.name,
        modified_by=row.modified_by,
        modified_date=row.modified_date,
    )


# Deletion

# What has rows of orgs, with their keys beside `org`, but for `loose_blobs`, which the cleaner
# empties. The cleaner may still be at work in the org: the events that it tells, and the counters
# that number them, go behind what they are about.
TABLES = {
    "tokens": "number",
    "sessions": "hash",
    "login_links": "hash",
    "webhooks": "number",
    "webhook_deliveries": "number",
    "webhook_attempts": "delivery, number",
    "idempotency_keys": "user_id, method, key",
    "artifacts": "number",
    "artifact_versions": "artifact, version",
    "engagement_members": "engagement, position",
    "engagement_parents": "engagement, position",
    "engagement_tags": "engagement, position",
    "engagement_artifacts": "engagement, position",
    "engagements": "number",
    "meetings": "number",
    "comments": "number",
    "deleted_comments": "number",
    "links": "number",
    "deleted_links": "number",
    "terms": "owner, field, position",
    "opportunities": "number",
    "rev_orgs": "number",
    "accounts": "number",
    "tags": "number",
    "users": "display_id",
    "derived_counts": "field, value, stripe",
    "derived_rhythms": "account",
    "derived_search": "kind, block, head",
    "derived_search_pending": "kind, number",
    "derived_search_renamed": "object",
    "derived_touches": "account, date, kind, number",
    "events": "seq",
    "event_floors": "org",
    "counters": "kind",
}


async def shut(tx: Tx, org: str, now: int) -> None:
    """Let nobody in any more; the caller holds the org. Its rows go by `clear`."""
    await tx.run("UPDATE orgs SET deleted_date = :now WHERE org = :org", org=org, now=now)
    for table in ("tokens", "webhooks"):
        await tx.run(f"DELETE FROM {table} WHERE org = :org", org=org)  # noqa: S608  # our own names
    # Who listens looks again, and is let in no more.
    tx.wake(org)


async def shut_orgs(tx: Tx) -> list[str]:
    """The orgs that are on their way out."""
    rows = await tx.all("SELECT org FROM orgs WHERE deleted_date IS NOT NULL ORDER BY org")
    return [org for (org,) in rows]


async def clear(tx: Tx, org: str, table: str, *, now: int, most: int) -> int:
    """Remove some rows that an org which was shut has in a table; how many. Blobs that go with them
    become loose.
    """
    key = TABLES[table]
    delete = f"""
        DELETE FROM {table} WHERE org = :org AND ({key}) IN (
            SELECT {key} FROM {table} WHERE org = :org ORDER BY {key} LIMIT :most)
        """  # noqa: S608  # our own names
    if table != "artifact_versions":
        return await tx.run(delete, org=org, most=most)
    # What was removed says it: an upload may have ended since anybody looked.
    gone = await tx.all(f"{delete} RETURNING blob", org=org, most=most)
    await _loosen(tx, [(org, blob, now) for (blob,) in gone if blob is not None])
    return len(gone)


async def _loosen(tx: Tx, blobs: Sequence[tuple[str, str, int]]) -> None:
    """Note (org, blob, due date) of blobs whose versions are gone."""
    await tx.run(
        """
        INSERT INTO loose_blobs (org, blob, due_date)
        SELECT org, blob, due FROM rows(:blobs, org text, blob text, due bigint)
        """,
        blobs=blobs,
    )


async def forget(tx: Tx, org: str) -> None:
    """Remove the org's own row."""
    await tx.run("DELETE FROM orgs WHERE org = :org", org=org)
