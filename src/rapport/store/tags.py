"""Tags."""

from collections.abc import Sequence
from typing import NamedTuple

from rapport.contract.kit import ids
from rapport.store.kit import counts
from rapport.store.kit.db import Tx
from rapport.store.kit.filters import Column, Filter, Listing


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
        INSERT INTO tags (org, number, name, allowed_values,
                          created_by, created_date, modified_by, modified_date, document)
        VALUES (:org, :number, :name, :allowed_values,
                :created_by, :created_date, :modified_by, :modified_date, :document)
        """,
        **row._asdict(),
    )


_GET = """
    SELECT org, number, name, allowed_values, created_by, created_date, modified_by, modified_date,
    document
    FROM tags WHERE org = :org AND number = :number"""


async def get(tx: Tx, org: str, number: int) -> TagRow | None:
    """A tag."""
    row = await tx.one(_GET, org=org, number=number)
    return TagRow(*row) if row else None


async def lock(tx: Tx, org: str, number: int) -> TagRow | None:
    """A tag, held against other writers until this transaction ends."""
    row = await tx.one(f"{_GET} FOR UPDATE", org=org, number=number)
    return TagRow(*row) if row else None


async def update(tx: Tx, row: TagRow) -> None:
    """Write a row anew."""
    await tx.run(
        """
        UPDATE tags SET name = :name, allowed_values = :allowed_values, modified_by = :modified_by,
                        modified_date = :modified_date, document = :document
        WHERE org = :org AND number = :number
        """,
        org=row.org,
        number=row.number,
        name=row.name,
        allowed_values=row.allowed_values,
        modified_by=row.modified_by,
        modified_date=row.modified_date,
        document=row.document,
    )


async def delete(tx: Tx, org: str, number: int) -> None:
    """Delete a tag, its terms and sums; the documents that name it are the caller's to write."""
    await tx.run("DELETE FROM tags WHERE org = :org AND number = :number", org=org, number=number)
    # By their key, since SQLite would rather look through the org's terms than go by value alone.
    await tx.run(
        """
        DELETE FROM terms WHERE (org, owner, field, position) IN (
            SELECT t.org, t.owner, t.field, t.position FROM terms t
            WHERE t.org = :org AND t.value = :tag
            AND t.field IN (SELECT field FROM rows(:fields, field text)))
        """,
        org=org,
        tag=ids.TAG.display_id(number),
        fields=[(f"{table}.tags",) for table in CARRIERS],
    )
    await counts.forget(tx, org, "meetings.tags", ids.TAG.display_id(number))


# The tables whose documents name tags.
CARRIERS = ("accounts", "meetings", "opportunities", "rev_orgs", "users")


async def carriers(tx: Tx, org: str, tag: str, table: str) -> list[tuple[str, str]]:
    """(display id, document) of the live objects of one of `CARRIERS` that have a tag; they are
    held.
    """
    rows = await tx.all(_CARRIERS[table], org=org, tag=tag, field=f"{table}.tags")
    return [(owner, document) for owner, document in rows]


async def put_documents(tx: Tx, org: str, table: str, rows: Sequence[tuple[str, str]]) -> None:
    """Write (display id, document) of objects of one of `CARRIERS`."""
    await tx.run(_PUT_DOCUMENTS[table], rows=[(org, *row) for row in rows])


_OWNERS = {
    "accounts": "x.number = CAST(substr({id}, 5) AS BIGINT)",
    "meetings": "x.number = CAST(substr({id}, 9) AS BIGINT) AND x.deleted_date IS NULL",
    "opportunities": "x.number = CAST(substr({id}, 5) AS BIGINT)",
    "rev_orgs": "x.number = CAST(substr({id}, 5) AS BIGINT)",
    "users": "x.display_id = {id}",
}
_CARRIERS = {
    table: f"""
        SELECT t.owner, x.document FROM terms t JOIN {table} x ON x.org = t.org
        AND {owner.format(id="t.owner")}
        WHERE t.org = :org AND t.field = :field AND t.value = :tag ORDER BY t.owner FOR UPDATE
        """  # noqa: S608  # our own table names
    for table, owner in _OWNERS.items()
}
_PUT_DOCUMENTS = {
    table: f"""
        UPDATE {table} AS x SET document = r.document FROM rows(:rows, org text, display_id text,
                                                                document text) r
        WHERE x.org = r.org AND {owner.format(id="r.display_id")}
        """  # noqa: S608  # our own table names
    for table, owner in _OWNERS.items()
}


SORTS = {"created_date": int, "modified_date": int, "name": str}
_LISTING = Listing(
    select=", ".join(f"t.{column}" for column in TagRow._fields),
    table="tags t",
    scope="t.org = :org",
    number="t.number",
    sorts={name: f"t.{name}" for name in SORTS},
    make=TagRow._make,
    filters={"name": Column("t.name", indexed=True)},
)


def of_org(org: str) -> Filter[TagRow]:
    """The org's tags."""
    return _LISTING.of_org(org)
