"""What a backup and its restoring need of a whole store beside the rows of its tables."""

from collections.abc import AsyncIterator, Callable
from typing import NamedTuple

from rapport.store import derived
from rapport.store.kit import contents
from rapport.store.kit import copy as copies
from rapport.store.kit.contents import Contents, Digest
from rapport.store.kit.db import BEGUN_COPY, Bulk, Row, StoredTable


class StoredFile(NamedTuple):
    """An artifact's file: where its bytes are, what they are, and how they are served."""

    org: str
    blob: str
    sha256: str
    size: int
    media_type: str
    file_name: str


async def files(bulk: Bulk) -> list[StoredFile]:
    """Every file that an artifact has, by hash; in a transaction."""
    rows = await bulk.all(
        """
        SELECT v.org, v.blob, v.sha256, v.size, v.file_type, a.file_name FROM artifact_versions v
        JOIN artifacts a ON a.org = v.org AND a.number = v.artifact
        WHERE v.blob IS NOT NULL ORDER BY v.sha256, v.org, v.blob
        """
    )
    return [StoredFile(*row) for row in rows]


# Restoring

# The rows of a table, a page at a time.
Pages = Callable[[StoredTable], AsyncIterator[list[Row]]]


async def refuse_foreign(bulk: Bulk) -> None:
    """Refuse what can't be restored into, before it is even migrated; in a transaction.

    Raises:
        CannotCopy: it holds something.
    """
    tables = [table.name for table in await bulk.tables()]
    if BEGUN_COPY in tables:
        raise copies.CannotCopy(f"{bulk.place} holds an unfinished copy: name an empty place")
    await copies.refuse_used(bulk, tables)


async def load(bulk: Bulk, wanted: dict[str, Contents], pages: Pages) -> None:
    """Fill an empty store, and compare what it then has with what is wanted; in a transaction.

    Raises:
        CannotCopy: it holds something, has other tables, or is not what was wanted afterwards.
    """
    tables = {table.name: table for table in await copies.stored_tables(bulk)}
    await copies.refuse_used(bulk, tables)
    if odd := tables.keys() ^ wanted.keys():
        raise copies.CannotCopy(f"its tables are not this program's: {', '.join(sorted(odd))}")
    for name, table in tables.items():
        await bulk.add(table, pages(table))
        if await _contents(bulk, table) != wanted[name]:
            raise copies.CannotCopy(f"what was restored of {name} is not what was backed up")


async def _contents(bulk: Bulk, table: StoredTable) -> Contents:
    digest = Digest()
    async for rows in contents.pages(bulk, table):
        digest.add(rows)
    return digest.contents()


async def unverify(bulk: Bulk) -> None:
    """Let no webhook send anything before its receiver was asked again; in a transaction."""
    await bulk.run("UPDATE webhooks SET status = 'unverified' WHERE status = 'active'")
    await bulk.run(
        "UPDATE webhook_deliveries SET state = 'failed' WHERE state IN ('verify', 'verifying')"
    )


async def begin(bulk: Bulk) -> None:
    """Mark a store as one that nobody may serve yet; in a transaction."""
    await bulk.run(f"CREATE TABLE {BEGUN_COPY} (source TEXT PRIMARY KEY)")


async def finish(bulk: Bulk) -> None:
    """Make what is derived, and take the mark away; in a transaction."""
    await derived.make(bulk)
    await bulk.run(f"DROP TABLE IF EXISTS {BEGUN_COPY}")
