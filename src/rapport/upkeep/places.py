"""Where a store's rows and bytes are, by the settings."""

import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from rapport.blobs import Blobs
from rapport.blobs.local import LocalBlobs
from rapport.folder import BLOBS, DATABASE, CannotStart, has_store
from rapport.settings import Settings
from rapport.store.kit.db import Bulk
from rapport.store.sqlite.bulk import SqliteBulk

if TYPE_CHECKING:
    from rapport.store.postgres.connect import Options

# PostgreSQL's driver is loaded where the store is there alone: it takes time to start.
# ruff: noqa: PLC0415


def blobs_of(settings: Settings) -> Blobs:
    """Where artifacts' bytes are.

    Raises:
        CannotStart: the object store can't be used.
    """
    if not settings.artifact_store:
        return LocalBlobs(settings.data / BLOBS)
    from rapport.blobs.objects import CannotUse, ObjectBlobs  # what most servers never need

    try:
        return ObjectBlobs(settings.artifact_store, direct=settings.artifact_direct)
    except CannotUse as error:
        raise CannotStart(str(error)) from None


def database_of(settings: Settings) -> "Options":
    """The database on PostgreSQL."""
    from rapport.store.postgres.connect import Options

    return Options(settings.database_url, settings.database_pooler == "transaction")


@contextlib.asynccontextmanager
async def reading(settings: Settings) -> AsyncIterator[Bulk]:
    """Open the store to read, whether or not it is served.

    Raises:
        CannotOpen: the engine does not open.
        CannotStart: there is no store.
    """
    bulk: Bulk
    if settings.database_url:
        from rapport.store.postgres.bulk import PostgresBulk

        bulk = await PostgresBulk.open(database_of(settings), writes=False)
    elif has_store(settings.data):
        bulk = SqliteBulk(settings.data / DATABASE, writes=False)
    else:
        raise CannotStart(f"there is no store in {settings.data}")
    try:
        yield bulk
    finally:
        await bulk.close()
