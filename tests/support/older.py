"""Stores as older programs wrote them, of `tests/upgrade/kept`."""

import gzip
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from rapport.folder import DATABASE
from rapport.store.kit import migrate
from rapport.store.kit.db import Bulk, Row
from rapport.store.postgres.bulk import PostgresBulk
from rapport.store.postgres.connect import Options
from rapport.store.sqlite.bulk import SqliteBulk
from tests.upgrade.keep import KEPT

FILES = sorted(KEPT.iterdir())


class Kept(NamedTuple):
    """A store: its last migration, its tables' columns and rows, what it answered to what."""

    version: int
    tables: dict[str, Any]
    answers: list[tuple[str, dict[str, Any], dict[str, Any]]]


def read(file: Path) -> Kept:
    """A store that was kept."""
    return Kept(**json.loads(gzip.decompress(file.read_bytes())))


async def write(kept: Kept, data: Path, url: str | None = None) -> None:
    """Make it again, in a new data folder or an empty database."""
    data.mkdir(mode=0o700)
    bulk: Bulk = (
        SqliteBulk(data / DATABASE, writes=True)
        if url is None
        else await PostgresBulk.open(Options(url), writes=True)
    )
    try:
        with pytest.MonkeyPatch.context() as patch:
            known = [one for one in migrate.migrations() if one.version <= kept.version]
            patch.setattr(migrate, "migrations", lambda: known)
            await bulk.migrate()
        async with bulk.transaction():
            for table in await bulk.tables():
                if table.name != "migrations":
                    await bulk.add(table, _pages(table.columns, kept.tables[table.name]))
    finally:
        await bulk.close()


async def _pages(columns: Sequence[str], table: dict[str, Any]) -> AsyncIterator[Sequence[Row]]:
    """A table's rows, with their values in the order of `columns`."""
    if table["rows"]:
        places = [table["columns"].index(column) for column in columns]
        yield [tuple(row[place] for place in places) for row in table["rows"]]
