"""Making a store of a backup: to serve it, or to see that it can be done."""

import contextlib
import gzip
import os
import shutil
import tempfile
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from rapport.blobs import Blobs, Served
from rapport.blobs.headers import disposition, safe_type
from rapport.blobs.local import LocalBlobs
from rapport.folder import BLOBS, DATABASE, KEY, CannotStart, make_private
from rapport.settings import Settings
from rapport.store import backup as store
from rapport.store.kit import migrate
from rapport.store.kit.contents import Contents
from rapport.store.kit.copy import CannotCopy
from rapport.store.kit.db import Bulk, CannotOpen, EngineFailed, Row, StoredTable
from rapport.store.kit.pieces import rows_of
from rapport.store.kit.progress import Watch
from rapport.store.postgres.bulk import PostgresBulk
from rapport.store.postgres.urls import masked
from rapport.store.sqlite.bulk import SqliteBulk
from rapport.upkeep import places
from rapport.upkeep.backups import manifest as manifests
from rapport.upkeep.backups import target as targets
from rapport.upkeep.backups.files import Opened, opened
from rapport.upkeep.backups.manifest import Kept, Manifest, Part, PieceKept, SealedManifest
from rapport.upkeep.backups.sealing import Opening, Sealed, keys_of
from rapport.upkeep.backups.target import Damage, Target


class Restored(NamedTuple):
    """What was restored.

    Args:
        name: the backup.
        manifest: what is in it.
        place: where it is now, for people.
    """

    name: str
    manifest: Manifest
    place: str


async def restore(
    settings: Settings,
    place: str,
    wanted: str | None,
    watch: Watch,
    opening: Opening,
    *,
    keeps_webhooks: bool,
) -> Restored:
    """Make a store of a backup in an empty data folder, or an empty database and such a folder.

    Args:
        settings: name both, and where artifacts' bytes go.
        place: the folder or bucket of backups.
        wanted: how the backup's name begins; the newest where it is None.
        watch: is told how far it is.
        opening: opens an encrypted one.
        keeps_webhooks: webhooks go on as they were, rather than wait for somebody to activate them.

    Raises:
        CannotStart: it can't be done. Both places are as they were.
    """
    with _telling(place):
        async with targets.reading(place) as target:
            name, backup = await _checked(target, wanted, watch, opening)
            manifest = backup.manifest
            with _beside(settings.data) as folder:
                blobs = (
                    places.blobs_of(settings)
                    if settings.artifact_store
                    else LocalBlobs(folder / BLOBS)
                )
                async with _opened(settings, folder) as bulk:
                    restoring = _Restoring(backup, watch)
                    await restoring.rows(bulk, blobs, keeps_webhooks=keeps_webhooks)
                    if (key := manifest.key) is not None:
                        _write(folder / KEY, await backup.read(key))
                    if not settings.database_url:
                        await bulk.settle()
                _tidy(folder)
            return Restored(name, manifest, masked(settings.database_url) or str(settings.data))


async def verify(place: str, wanted: str | None, watch: Watch, opening: Opening) -> Restored:
    """Restore a backup into a folder that is thrown away, and compare counts and hashes.

    Raises:
        CannotStart: the backup can't be restored, or can't be here.
    """
    with (
        _telling(place),
        tempfile.TemporaryDirectory(prefix="rapport-verify-") as scratch,
    ):
        async with targets.reading(place) as target:
            name, backup = await _checked(target, wanted, watch, opening)
            bulk = SqliteBulk(Path(scratch) / DATABASE, writes=True)
            try:
                await _Restoring(backup, watch).rows(bulk, None, keeps_webhooks=True)
            finally:
                await bulk.close()
            return Restored(name, backup.manifest, place)


async def _checked(
    target: Target, wanted: str | None, watch: Watch, opening: Opening
) -> tuple[str, Opened]:
    """The name of a backup that this program can restore, and it itself, every file of which is
    what it was.

    Raises:
        CannotStart: it can't.
        Damage: a file is not what it was.
    """
    name = await target.chosen(wanted)
    manifest = await target.manifest(name)
    is_sealed = isinstance(manifest, SealedManifest)
    await target.settle(sealed=is_sealed)
    keys = keys_of(opening, manifest.identity) if isinstance(manifest, SealedManifest) else None
    try:
        backup = await opened(target, name, manifest, keys)
    except Sealed as error:
        raise CannotStart(f"the backup {manifests.short(name)} can't be opened: {error}") from None
    _refuse_newer(name, backup.manifest)
    await check(target, backup.parts, watch)
    return name, backup


async def check(target: Target, parts: Mapping[str, Part], watch: Watch) -> None:
    """See whether every file of a backup is what it was.

    Raises:
        Damage: one is not.
    """
    there = await target.sizes()
    watch.expects(len(parts))
    for file, part in parts.items():
        if there.get(file) != part.bytes:
            raise Damage(
                f"the file {file} has {there[file]} bytes instead of {part.bytes}"
                if file in there
                else f"the file {file} is gone"
            )
        async for _ in await target.open(part):
            pass
        watch.passed("checking files", 1)


@contextlib.contextmanager
def _telling(place: str) -> Iterator[None]:
    """Say of all that may go wrong what it is about."""
    try:
        yield
    except Damage as error:
        raise CannotStart(f"the backup in {place} is damaged: {error}") from None
    except (CannotOpen, CannotCopy, EngineFailed) as error:
        raise CannotStart(str(error)) from None
    except OSError as error:
        raise CannotStart(
            f"the backup in {place} can't be restored: {error.strerror or error}"
            f"{f' ({error.filename})' if error.filename else ''}"
        ) from None


def _refuse_newer(name: str, manifest: Manifest) -> None:
    """Refuse what only a newer program can restore.

    Raises:
        CannotStart: it is such.
    """
    if manifest.schema > migrate.newest():
        raise CannotStart(
            f"the backup {manifests.short(name)} was made by Rapport {manifest.program}, whose "
            f"store is at version {manifest.schema}, and this program knows {migrate.newest()}: "
            "install a newer rapport-server"
        )


@contextlib.contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    """A folder that becomes this one at the end, unless the block raises.

    Raises:
        CannotStart: there is something in the folder already.
        OSError: it can't be made.
    """
    _refuse_used(folder)
    whole = folder.absolute()
    whole.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{whole.name}.restoring-", dir=whole.parent))
    try:
        yield beside
        _refuse_used(folder)
        beside.rename(whole)
        _sync(whole.parent)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _tidy(folder: Path) -> None:
    """Leave what a server leaves: the store, and not its copy from before a migration."""
    for file in folder.glob(f"{DATABASE}.before-*"):
        file.unlink()
    for file in folder.glob(f"{DATABASE}*"):
        make_private(file, 0o600)


def _refuse_used(folder: Path) -> None:
    if not folder.exists():
        return
    if not folder.is_dir() or any(folder.iterdir()):
        raise CannotStart(f"{folder} is not empty: name a new folder with --data")
    if folder.is_mount():
        raise CannotStart(
            f"{folder} is a volume of its own, which no other folder can become: name a new folder "
            "in it with --data"
        )


@contextlib.asynccontextmanager
async def _opened(settings: Settings, folder: Path) -> AsyncIterator[Bulk]:
    bulk: Bulk = (
        await PostgresBulk.open(places.database_of(settings), writes=True)
        if settings.database_url
        else SqliteBulk(folder / DATABASE, writes=True)
    )
    try:
        yield bulk
    finally:
        await bulk.close()


def _write(path: Path, data: bytes) -> None:
    """Make a file that only its owner can read, and that is on disk."""
    with open(path, "xb", opener=partial(os.open, mode=0o600)) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


class _Restoring:
    """Rows on their way back."""

    def __init__(self, backup: Opened, watch: Watch) -> None:
        self._backup = backup
        self._manifest = manifest = backup.manifest
        self._watch = watch
        self._tables = {table.name: table for table in manifest.tables}

    async def rows(self, bulk: Bulk, blobs: Blobs | None, *, keeps_webhooks: bool) -> None:
        """Fill an empty store, and the place of its artifacts' bytes.

        One transaction does it all, unless the store has to be brought to today from an older
        version: then it is marked as unfinished until that is done.

        Raises:
            CannotCopy: it is not empty, or not what it has to be afterwards.
            Damage: a file is not what it was.
            EngineFailed: it can't go on.
        """
        is_old = self._manifest.schema < migrate.newest()
        self._watch.expects(self._manifest.rows)
        async with bulk.transaction():
            await store.refuse_foreign(bulk)
        await bulk.migrate(self._manifest.schema)
        async with bulk.transaction():
            await store.load(bulk, self._wanted(), self._pages)
            if blobs is not None:
                await self._files(await store.files(bulk), blobs)
            if not keeps_webhooks:
                await store.unverify(bulk)
            await (store.begin if is_old else store.finish)(bulk)
        if is_old:
            await bulk.migrate()
            async with bulk.transaction():
                await store.finish(bulk)

    def _wanted(self) -> dict[str, Contents]:
        return {name: Contents(one.rows, one.sha256) for name, one in self._tables.items()}

    async def _pages(self, table: StoredTable) -> AsyncIterator[list[Row]]:
        for piece in self._tables[table.name].pieces:
            rows = await self._rows_of(piece, table)
            self._watch.passed(f"restoring {table.name}", len(rows))
            yield rows

    async def _rows_of(self, piece: PieceKept, table: StoredTable) -> list[Row]:
        try:
            text = gzip.decompress(await self._backup.read(Kept(piece.file, piece.bytes)))
            return rows_of(text, table.columns)
        except (ValueError, EOFError, zlib.error) as error:
            raise Damage(f"the file {piece.file} is no piece of {table.name}: {error}") from None

    async def _files(self, files: list[store.StoredFile], blobs: Blobs) -> None:
        """Bring artifacts' bytes, but for those that the store had lost itself."""
        there = {file.content: file for file in self._manifest.files}
        self._watch.expects(len(files))
        for file in files:
            if file.sha256 in there:
                chunks = await self._backup.open(there[file.sha256])
                served = Served(safe_type(file.media_type), disposition(file.file_name))
                await blobs.put(file.org, file.blob, chunks, served)
            self._watch.passed("restoring files", 1)
