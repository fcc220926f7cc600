"""What stands in a server's tables, read beside it."""

import asyncio
from collections.abc import Mapping

from rapport.folder import DATABASE
from rapport.store.kit.db import Bulk, Row
from rapport.store.postgres.bulk import PostgresBulk
from rapport.store.postgres.connect import Options
from rapport.store.sqlite.bulk import SqliteBulk
from tests.support.server import Server


def rows_of(server: Server, org: str) -> Mapping[str, list[Row]]:
    """The rows that an org, named by its display id, has in each table that has a column for it."""
    return asyncio.run(_rows_of(server, org.removeprefix("DEV-")))


async def _rows_of(server: Server, org: str) -> Mapping[str, list[Row]]:
    bulk: Bulk = (
        await PostgresBulk.open(Options(server.database_url), writes=False)
        if server.database_url
        else SqliteBulk(server.data / DATABASE, writes=False)
    )
    async with bulk.transaction():
        found = {
            table.name: sorted(
                await bulk.all(f'SELECT * FROM "{table.name}" WHERE org = :org', org=org), key=str
            )
            for table in await bulk.tables()
            if "org" in table.columns
        }
    await bulk.close()
    return found
