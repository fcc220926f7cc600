"""What is cleaned up after artifacts: those that nobody holds, versions that wait in vain, loose
blobs, and what is purged with its holder.
"""

from collections.abc import Sequence

from rapport.store.artifacts import COLUMNS, ArtifactRow
from rapport.store.kit.db import Tx


async def orphans(tx: Tx, *, before: int, most: int) -> list[ArtifactRow]:
    """Some of the artifacts that nothing was done with since `before` and that have no parent."""
    rows = await tx.all(
        f"""
        SELECT {COLUMNS} FROM artifacts WHERE parent IS NULL AND modified_date <= :before
        ORDER BY modified_date LIMIT :most FOR UPDATE
        """,  # noqa: S608
        before=before,
        most=most,
    )
    return [ArtifactRow(*row) for row in rows]


async def remove(tx: Tx, keys: Sequence[tuple[str, int]], *, now: int) -> None:
    """Remove artifacts, named by org and number, and their versions; their blobs become loose."""
    await tx.run(
        """
        INSERT INTO loose_blobs (org, blob, due_date)
        SELECT v.org, v.blob, :now FROM rows(:keys, org text, number bigint) r
        JOIN artifact_versions v ON v.org = r.org AND v.artifact = r.number AND v.blob IS NOT NULL
        """,
        keys=keys,
        now=now,
    )
    await tx.run(
        """
        DELETE FROM artifact_versions
        WHERE (org, artifact) IN (SELECT org, number FROM rows(:keys, org text, number bigint))
        """,
        keys=keys,
    )
    await tx.run(
        "DELETE FROM artifacts WHERE (org, number) IN (SELECT org, number "
        "FROM rows(:keys, org text, number bigint))",
        keys=keys,
    )


async def remove_waiting(tx: Tx, *, before: int, most: int) -> int:
    """Remove prepared versions that no bytes came for since `before`, whoever holds their
    artifact; how many.
    """
    return await tx.run(
        """
        DELETE FROM artifact_versions WHERE (org, artifact, version) IN (
            SELECT org, artifact, version FROM artifact_versions
            WHERE uploaded_date IS NULL AND prepared_date <= :before ORDER BY prepared_date
            LIMIT :most)
        AND uploaded_date IS NULL
        """,
        before=before,
        most=most,
    )


async def loosen(tx: Tx, org: str, blob: str, due: int) -> None:
    """Say when a loose blob may be removed."""
    await tx.run(
        "UPDATE loose_blobs SET due_date = :due WHERE org = :org AND blob = :blob",
        org=org,
        blob=blob,
        due=due,
    )


async def due_blobs(tx: Tx, *, now: int, most: int) -> list[tuple[str, str]]:
    """(org, blob) of loose blobs that may be removed."""
    rows = await tx.all(
        "SELECT org, blob FROM loose_blobs WHERE due_date <= :now ORDER BY due_date LIMIT :most",
        now=now,
        most=most,
    )
    return [(org, blob) for org, blob in rows]


async def due_blobs_of(tx: Tx, org: str, *, now: int, most: int) -> list[tuple[str, str]]:
    """(org, blob) of an org's loose blobs that may be removed."""
    rows = await tx.all(
        "SELECT org, blob FROM loose_blobs WHERE org = :org AND due_date <= :now LIMIT :most",
        org=org,
        now=now,
        most=most,
    )
    return [(org, blob) for org, blob in rows]


async def forget_blobs(tx: Tx, blobs: Sequence[tuple[str, str]]) -> None:
    """Forget loose blobs whose bytes are gone."""
    await tx.run(
        "DELETE FROM loose_blobs WHERE (org, blob) IN (SELECT org, blob "
        "FROM rows(:blobs, org text, blob text))",
        blobs=sorted(blobs),
    )


# Purging


async def bound_to(tx: Tx, org: str, holders: Sequence[str]) -> list[int]:
    """The numbers of artifacts that are bound to objects, or to what stands on them."""
    rows = await tx.all(
        """
        SELECT f.number FROM rows(:holders, first text, beyond text) r
        CROSS JOIN artifacts f WHERE f.org = :org AND f.parent = r.first
        UNION SELECT f.number FROM rows(:holders, first text, beyond text) r
        CROSS JOIN artifacts f
        WHERE f.org = :org AND f.parent >= r.first || ':' AND f.parent < r.beyond
        """,
        org=org,
        holders=[(holder, f"{holder};") for holder in holders],
    )
    return sorted(number for (number,) in rows)


async def rescue_pictures(tx: Tx, org: str, numbers: Sequence[int]) -> set[int]:
    """Bind those of these artifacts that show a user to that user instead; which ones."""
    rows = await tx.all(
        """
        UPDATE artifacts SET holder_deleted = NULL, parent = (
            SELECT min(u.display_id) FROM users u WHERE u.org = artifacts.org
            AND u.display_picture = artifacts.number AND u.state <> 'deleted')
        WHERE org = :org AND number IN (SELECT number FROM rows(:numbers, number bigint))
        AND EXISTS (SELECT 1 FROM users u WHERE u.org = artifacts.org
                    AND u.display_picture = artifacts.number AND u.state <> 'deleted')
        RETURNING number
        """,
        org=org,
        numbers=[(number,) for number in numbers],
    )
    return {number for (number,) in rows}
