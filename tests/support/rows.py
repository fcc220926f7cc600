"""What stands in a server's tables, read beside it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from rapport.folder import DATABASE
from rapport.store.kit.db import Bulk, Row
from rapport.store.postgres.bulk import PostgresBulk
from rapport.store.postgres.connect import Options
from rapport.store.sqlite.bulk import SqliteBulk
from tests.support.server import Server


def rows_of(server: Server, org: str) -> Mapping[str, list[Row]]:
    """The rows that an org, named by its display id, has in each table that has a column for it."""
    return asyncio.run(_rows_of(server, org.removeprefix("DEV-")))


@contextlib.asynccontextmanager
async def tables_of(data: Path, url: str | None) -> AsyncIterator[Bulk]:
    """A server's store, in a transaction that reads it."""
    bulk: Bulk = (
        await PostgresBulk.open(Options(url), writes=False)
        if url
        else SqliteBulk(data / DATABASE, writes=False)
    )
    try:
        async with bulk.transaction():
            yield bulk
    finally:
        await bulk.close()


async def _rows_of(server: Server, org: str) -> Mapping[str, list[Row]]:
    async with tables_of(server.data, server.database_url) as bulk:
        return {
            table.name: sorted(
                await bulk.all(f'SELECT * FROM "{table.name}" WHERE org = :org', org=org), key=str
            )
            for table in await bulk.tables()
            if "org" in table.columns
        }
