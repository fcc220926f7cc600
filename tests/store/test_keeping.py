"""Bytes that nobody needs any more stay for as long as a backup reads."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from rapport.blobs.local import LocalBlobs
from rapport.jobs.clean import Cleaner
from rapport.operations import dev_orgs as operations
from rapport.settings import load
from rapport.store import dev_orgs
from rapport.upkeep import places
from tests.support.engine import DATABASE_URL, Engine


async def _bytes() -> AsyncIterator[bytes]:
    yield b"secret"


@asynccontextmanager
async def _backing_up(store: Engine, folder: Path) -> AsyncIterator[None]:
    """What a backup holds; two may run at once."""
    url = folder / DATABASE_URL
    given = {"data": str(folder), **({"database_url": url.read_text()} if url.exists() else {})}
    async with places.reading(load(given)) as bulk, places.reading(load(given)) as other:
        await bulk.keep_blobs()
        await other.keep_blobs()
        yield


def _loosen(store: Engine, blobs: LocalBlobs, org: str) -> None:
    """Leave a blob that is due."""
    store.run(_put(blobs, org))
    store.write(
        lambda tx: tx.run(
            "INSERT INTO loose_blobs (org, blob, due_date) VALUES (:org, 'b10b', 1)", org=org
        )
    )


async def _put(blobs: LocalBlobs, org: str) -> None:
    await blobs.put(org, "b10b", _bytes())


def test_the_cleaner_lets_bytes_be_until_the_backup_has_ended(
    store: Engine, tmp_path: Path
) -> None:
    blobs, org = LocalBlobs(tmp_path / "blobs"), store.person().org
    cleaner = Cleaner(store.store, blobs, lambda: store.now, orphan_seconds=1)
    _loosen(store, blobs, org)

    async def during() -> int:
        async with _backing_up(store, tmp_path):
            return await cleaner.remove_blobs()

    assert store.run(during()) == 0
    assert len(list((tmp_path / "blobs").rglob("b10b"))) == 1
    assert store.run(cleaner.remove_blobs()) == 1
    assert list((tmp_path / "blobs").rglob("b10b")) == []


def test_so_does_an_orgs_deletion_whose_bytes_the_cleaner_removes_then(
    store: Engine, tmp_path: Path
) -> None:
    blobs, org = LocalBlobs(tmp_path / "blobs"), store.person().org
    cleaner = Cleaner(store.store, blobs, lambda: store.now, orphan_seconds=1)
    _loosen(store, blobs, org)
    store.write(lambda tx: dev_orgs.shut(tx, org, store.now))

    async def during() -> None:
        async with _backing_up(store, tmp_path):
            await operations.clear(store.store, blobs, lambda: store.now, org)

    store.run(during())
    assert store.all("SELECT org FROM orgs") == []
    assert len(list((tmp_path / "blobs").rglob("b10b"))) == 1
    assert store.run(cleaner.remove_blobs()) == 1
    assert list((tmp_path / "blobs").rglob("b10b")) == []
