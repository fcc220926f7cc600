"""Artifacts, their versions, what they are bound to, and the blobs that hold their bytes."""

from collections.abc import Sequence
from typing import NamedTuple

from rapport.contract.kit.ids import Kind
from rapport.store.kit.db import LostRace, Tx
from rapport.store.kit.filters import Column, Filter, Listing


class ArtifactRow(NamedTuple):
    """A row. `file_type`, `size` and `current_version` are those of the newest uploaded version."""

    org: str
    number: int
    parent: str | None
    file_name: str
    file_type: str | None
    size: int | None
    declared_type: str | None
    configuration_set: str | None
    current_version: int | None
    last_version: int
    created_by: str
    created_date: int
    modified_by: str
    modified_date: int


class VersionRow(NamedTuple):
    """An uploaded version; `blob` is the generated name of its bytes."""

    org: str
    artifact: int
    version: int
    blob: str
    file_type: str
    sniffed_type: str
    size: int
    sha256: str
    prepared_by: str
    uploaded_date: int


class VersionKey(NamedTuple):
    """What names one version of one artifact."""

    org: str
    artifact: int
    version: int


class Uploaded(NamedTuple):
    """What became of an upload; `size` is in bytes, `sha256` in hex."""

    blob: str
    file_type: str
    sniffed_type: str
    size: int
    sha256: str


COLUMNS = ", ".join(ArtifactRow._fields)
_VERSION_COLUMNS = ", ".join(VersionRow._fields)


async def insert(tx: Tx, row: ArtifactRow) -> None:
    """Add an artifact."""
    await tx.run(
        """
        INSERT INTO artifacts (org, number, parent, file_name, file_type, size, declared_type,
                               configuration_set,
                               current_version, last_version, created_by, created_date, modified_by,
                               modified_date)
        VALUES (:org, :number, :parent, :file_name, :file_type, :size, :declared_type,
                :configuration_set,
                :current_version, :last_version, :created_by, :created_date, :modified_by,
                :modified_date)
        """,
        **row._asdict(),
    )


async def get(tx: Tx, org: str, number: int) -> ArtifactRow | None:
    """An artifact."""
    sql = f"SELECT {COLUMNS} FROM artifacts WHERE org = :org AND number = :number"  # noqa: S608
    row = await tx.one(sql, org=org, number=number)
    return ArtifactRow(*row) if row else None


async def lock(tx: Tx, org: str, number: int) -> ArtifactRow | None:
    """An artifact, held against other writers until this transaction ends."""
    sql = f"SELECT {COLUMNS} FROM artifacts WHERE org = :org AND number = :number FOR UPDATE"  # noqa: S608
    row = await tx.one(sql, org=org, number=number)
    return ArtifactRow(*row) if row else None


async def claim(tx: Tx, rows: Sequence[tuple[str, int, str]]) -> None:
    """Bind artifacts to their parents for ever: (org, number, the parent's display id).

    Whatever an artifact can belong to binds it here, so that it has one parent whatever races.

    Raises:
        LostRace: one of them is bound elsewhere, or is gone.
    """
    if not rows:
        return
    claims = sorted(set(rows))
    bound = await tx.run(
        """
        UPDATE artifacts SET parent = r.parent
        FROM rows(:claims, org text, number bigint, parent text) r
        WHERE artifacts.org = r.org AND artifacts.number = r.number
          AND (artifacts.parent IS NULL OR artifacts.parent = r.parent)
        """,
        claims=claims,
    )
    if bound != len(claims):
        raise LostRace


async def adopt(tx: Tx, org: str, number: int, parent: str) -> None:
    """Bind an artifact that has no parent; one that has keeps it."""
    await tx.run(
        "UPDATE artifacts SET parent = :parent WHERE org = :org AND number = :number "
        "AND parent IS NULL",
        org=org,
        number=number,
        parent=parent,
    )


async def hide(tx: Tx, org: str, holders: Sequence[str], *, hidden: bool) -> None:
    """Hide what is bound to deleted objects, or show it again; holders as artifacts name them."""
    await tx.run(
        "UPDATE artifacts SET holder_deleted = :hidden WHERE org = :org AND parent IN "
        "(SELECT parent FROM rows(:holders, parent text))",
        org=org,
        hidden=1 if hidden else None,
        holders=[(holder,) for holder in holders],
    )


# Versions


async def add_version(tx: Tx, key: VersionKey, by: str, now: int) -> None:
    """Add a version whose bytes are still to come."""
    await tx.run(
        """
        INSERT INTO artifact_versions (org, artifact, version, prepared_by, prepared_date)
        VALUES (:org, :artifact, :version, :by, :now)
        """,
        by=by,
        now=now,
        **key._asdict(),
    )
    await tx.run(
        """
        UPDATE artifacts SET last_version = :version, modified_by = :by,
            modified_date = CASE WHEN modified_date >= :now THEN modified_date + 1000 ELSE :now END
        WHERE org = :org AND number = :artifact AND last_version < :version
        """,
        by=by,
        now=now,
        **key._asdict(),
    )


async def version(tx: Tx, key: VersionKey) -> VersionRow | None:
    """An uploaded version."""
    row = await tx.one(
        f"""
        SELECT {_VERSION_COLUMNS} FROM artifact_versions
        WHERE org = :org AND artifact = :artifact AND version = :version
        AND uploaded_date IS NOT NULL
        """,  # noqa: S608
        **key._asdict(),
    )
    return VersionRow(*row) if row else None


async def prepared_by(tx: Tx, key: VersionKey) -> str:
    """Who prepared a version; nobody when it is gone."""
    row = await tx.one(
        "SELECT prepared_by FROM artifact_versions WHERE org = :org AND artifact = :artifact "
        "AND version = :version",
        **key._asdict(),
    )
    return str(row[0]) if row else ""


async def file_name(tx: Tx, org: str, number: int) -> str:
    """The name that an artifact was prepared with."""
    row = await tx.one(
        "SELECT file_name FROM artifacts WHERE org = :org AND number = :number",
        org=org,
        number=number,
    )
    return str(row[0]) if row else ""


async def begin_upload(tx: Tx, key: VersionKey, blob: str, due: int) -> bool:
    """Note the blob that is going to be written for a version; False when the version waits for no
    bytes.

    Args:
        tx: to write in.
        key: the version.
        blob: the new blob's name.
        due: when the blob may be removed, should nothing come of it.
    """
    begun = await tx.run(
        """
        INSERT INTO loose_blobs (org, blob, due_date)
        SELECT org, :blob, :due FROM artifact_versions
        WHERE org = :org AND artifact = :artifact AND version = :version AND uploaded_date IS NULL
        """,
        blob=blob,
        due=due,
        **key._asdict(),
    )
    return begun == 1


async def declared_type(tx: Tx, org: str, number: int) -> str | None:
    """The type that an artifact was prepared with."""
    row = await tx.one(
        "SELECT declared_type FROM artifacts WHERE org = :org AND number = :number",
        org=org,
        number=number,
    )
    return row[0] if row else None


async def finish_upload(tx: Tx, key: VersionKey, uploaded: Uploaded, now: int) -> None:
    """Give a version its bytes.

    Raises:
        LostRace: it has some already, or it or the blob is gone.
    """
    # Two versions that come at once must not both show themselves as the newest.
    await lock(tx, key.org, key.artifact)
    held = await tx.run(
        "DELETE FROM loose_blobs WHERE org = :org AND blob = :blob", org=key.org, blob=uploaded.blob
    )
    filled = await tx.run(
        """
        UPDATE artifact_versions SET blob = :blob, file_type = :file_type,
            sniffed_type = :sniffed_type, size = :size,
            sha256 = :sha256, uploaded_date = :now
        WHERE org = :org AND artifact = :artifact AND version = :version AND uploaded_date IS NULL
        """,
        now=now,
        **key._asdict(),
        **uploaded._asdict(),
    )
    if (held, filled) != (1, 1):
        raise LostRace
    await _show_newest(tx, key.org, key.artifact, now)


async def delete_version(tx: Tx, row: VersionRow, now: int, by: str) -> None:
    """Remove an uploaded version; its bytes go soon after."""
    key = VersionKey(row.org, row.artifact, row.version)
    await tx.run(
        "INSERT INTO loose_blobs (org, blob, due_date) VALUES (:org, :blob, :now)",
        org=row.org,
        blob=row.blob,
        now=now,
    )
    await tx.run(
        "DELETE FROM artifact_versions WHERE org = :org AND artifact = :artifact "
        "AND version = :version",
        **key._asdict(),
    )
    await _show_newest(tx, row.org, row.artifact, now, by=by)


async def _show_newest(tx: Tx, org: str, number: int, now: int, by: str | None = None) -> None:
    """Let the artifact's row say what its newest uploaded version is; none is left after the
    last was deleted.
    """
    newest = await tx.one(
        """
        SELECT version, file_type, size, uploaded_date, prepared_by FROM artifact_versions
        WHERE org = :org AND artifact = :number AND uploaded_date IS NOT NULL ORDER BY version DESC
        LIMIT 1
        """,
        org=org,
        number=number,
    )
    version_number, file_type, size, uploaded, prepared_by = newest or (None, None, None, None, by)
    await tx.run(
        """
        UPDATE artifacts SET current_version = :version,
            file_type = COALESCE(:file_type, declared_type), size = :size,
            uploaded_date = :uploaded, modified_by = :by,
            modified_date = CASE WHEN modified_date >= :now THEN modified_date + 1000 ELSE :now END
        WHERE org = :org AND number = :number
        """,
        org=org,
        number=number,
        version=version_number,
        file_type=file_type,
        size=size,
        uploaded=uploaded,
        by=by or prepared_by,
        now=now,
    )


# Lists

SORTS = {"created_date": int, "modified_date": int}
_LISTING = Listing(
    select=", ".join(f"f.{column}" for column in ArtifactRow._fields),
    table="artifacts f",
    scope="f.org = :org",
    number="f.number",
    sorts={name: f"f.{name}" for name in SORTS},
    make=ArtifactRow._make,
    filters={
        "id": Column("f.number", "bigint", indexed=True),
        "parent_id": Column("f.parent", indexed=True),
    },
    unordered={"modified_date"},
)


def of_org(org: str) -> Filter[ArtifactRow]:
    """The org's artifacts."""
    return _LISTING.of_org(org)


def seen_by(org: str, user: str, *, deleted: Sequence[Kind]) -> Filter[ArtifactRow]:
    """Those that a user may see: what is on a comment is for whoever sees the comment, and for
    who made it; what is on something deleted of these kinds, for those who may see them deleted.
    """
    where = of_org(org)
    seen = [f"f.parent LIKE '{kind.display_id('%')}'" for kind in deleted]
    where.where(f"({' OR '.join(['f.holder_deleted IS NULL', *seen])})")
    where.where(
        """
        (f.parent IS NULL OR f.parent NOT LIKE '%:COMMENT-%' OR f.created_by = :me OR EXISTS (
            SELECT 1 FROM comments c
            WHERE c.org = f.org AND c.object || ':COMMENT-' || CAST(c.number AS TEXT) = f.parent
            AND (c.visibility <> 'private' OR c.created_by = :me OR EXISTS (
                SELECT 1 FROM terms t WHERE t.org = c.org AND t.owner = 'COMMENT-' || c.number
                AND t.field = 'comments.private_to' AND t.value = :me))))
        """,
        me=user,
    )
    return where


async def storage_bytes(tx: Tx) -> dict[str, int]:
    """What the bytes of each org's artifacts come to, all versions counted; orgs without any
    are left out.
    """
    rows = await tx.all(
        "SELECT org, CAST(SUM(size) AS BIGINT) FROM artifact_versions "
        "WHERE uploaded_date IS NOT NULL GROUP BY org"
    )
    return {org: size for org, size in rows}  # noqa: C416  # a row is a tuple of anything


async def all_bytes(tx: Tx) -> int:
    """What the bytes of all orgs' artifacts come to."""
    return sum((await storage_bytes(tx)).values())
