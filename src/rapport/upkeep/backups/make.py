"""Making a backup, whether or not the store is served."""

import gzip
import hashlib
from pathlib import Path
from typing import NamedTuple

from rapport import __version__
from rapport.blobs import BlobMissing, Blobs
from rapport.clock import Clock, format_rfc3339, system_clock
from rapport.folder import KEY, CannotStart
from rapport.settings import Settings
from rapport.store import backup as store
from rapport.store.backup import StoredFile
from rapport.store.kit import contents, copy, migrate
from rapport.store.kit.contents import Digest
from rapport.store.kit.copy import CannotCopy
from rapport.store.kit.db import Bulk, CannotOpen, EngineFailed, StoredTable
from rapport.store.kit.pieces import Piece, pieces
from rapport.store.kit.progress import Watch
from rapport.upkeep import places
from rapport.upkeep.backups import target as targets
from rapport.upkeep.backups.manifest import (
    FORM,
    FORMAT,
    Damaged,
    Kept,
    Manifest,
    PieceKept,
    TableKept,
)
from rapport.upkeep.backups.target import Damage, Target


class Made(NamedTuple):
    """What a backup did.

    Args:
        name: the backup's.
        manifest: what is in it.
        written: how many files were new, without the manifest.
        written_bytes: their size.
    """

    name: str
    manifest: Manifest
    written: int
    written_bytes: int


async def make(settings: Settings, place: Path, watch: Watch, clock: Clock = system_clock) -> Made:
    """Back the store up into a folder: rows and files as of one moment.

    Raises:
        CannotStart: it can't be done; no backup is there that was not there before.
    """
    try:
        with targets.making(place, data=settings.data) as target:
            await target.sweep()
            async with places.reading(settings) as source:
                await copy.check(source)
                return await _Making(settings, source, target, watch).run(clock)
    except (CannotOpen, CannotCopy, EngineFailed) as error:
        raise CannotStart(str(error)) from None
    except OSError as error:
        raise CannotStart(
            f"the backup can't be written to {place}: {error.strerror or error}"
        ) from None


class _Making:
    """A backup on its way."""

    def __init__(self, settings: Settings, source: Bulk, target: Target, watch: Watch) -> None:
        self._settings = settings
        self._source = source
        self._target = target
        self._watch = watch
        self._there = target.sizes()
        self._known = _known(target, self._there)
        self._written = 0
        self._written_bytes = 0

    async def run(self, clock: Clock) -> Made:
        # Before the moment: what is removed from then on stays until this is over.
        await self._source.keep_blobs()
        async with self._source.transaction():
            created = clock()
            listed = await copy.tables(self._source)
            self._watch.expects(
                sum([await contents.count(self._source, table) for table in listed])
            )
            tables = [await self._table(table) for table in listed]
            files = await store.files(self._source)
        kept, damaged = await self._files(files)
        manifest = Manifest(
            format=FORMAT,
            form=FORM,
            created=format_rfc3339(created),
            program=__version__,
            schema=migrate.newest(),
            engine="postgresql" if self._settings.database_url else "sqlite",
            tables=tables,
            files=kept,
            damaged=damaged,
            key=await self._key(self._settings.data / KEY),
        )
        name = await self._target.finish(manifest)
        return Made(name, manifest, self._written, self._written_bytes)

    async def _table(self, table: StoredTable) -> TableKept:
        digest, kept = Digest(), []
        async for piece in pieces(self._source, table):
            digest.add(piece.rows)
            kept.append(await self._piece(piece))
            self._watch.passed(f"backing up {table.name}", len(piece.rows))
        columns, key = list(table.columns), list(table.key)
        return TableKept(table.name, columns, key, *digest.contents(), kept)

    async def _piece(self, piece: Piece) -> PieceKept:
        """Keep a piece, unless the backup before had the same."""
        sha256 = hashlib.sha256(piece.text).hexdigest()
        known = self._known.get(sha256)
        if known is None:
            file = await self._put(gzip.compress(piece.text, compresslevel=5, mtime=0))
            known = PieceKept(file.file, file.bytes, len(piece.rows), sha256)
            self._known[sha256] = known
        return known

    async def _put(self, data: bytes) -> Kept:
        name = hashlib.sha256(data).hexdigest()
        if self._there.get(name) != len(data):
            await self._target.put(data)
            self._note(name, len(data))
        return Kept(name, len(data))

    def _note(self, name: str, size: int) -> None:
        self._there[name] = size
        self._written += 1
        self._written_bytes += size

    async def _files(self, files: list[StoredFile]) -> tuple[list[Kept], list[Damaged]]:
        """Keep artifacts' files, each content once."""
        blobs = places.blobs_of(self._settings)
        self._watch.expects(len(files))
        kept: dict[str, Kept] = {}
        damaged = []
        for file in files:
            try:
                await self._file(blobs, file)
                kept[file.sha256] = Kept(file.sha256, file.size)
            except (BlobMissing, Damage):
                damaged.append(Damaged(file.org, file.blob, file.sha256))
            self._watch.passed("backing up files", 1)
        return list(kept.values()), damaged

    async def _file(self, blobs: Blobs, file: StoredFile) -> None:
        """Keep a file that is not there yet.

        Raises:
            BlobMissing: the store has lost it.
            Damage: the store has something else in its place.
        """
        if self._there.get(file.sha256) != file.size:
            chunks = await blobs.open(file.org, file.blob, 0, file.size)
            await self._target.take(file.sha256, chunks)
            self._note(file.sha256, file.size)

    async def _key(self, path: Path) -> Kept | None:
        """Keep the key of signed URLs, if there is one."""
        return await self._put(path.read_bytes()) if path.exists() else None


def _known(target: Target, there: dict[str, int]) -> dict[str, PieceKept]:
    """The pieces of the newest backup that can be read, by the hash of their lines."""
    for name in reversed(target.names()):
        try:
            manifest = target.manifest(name)
        except CannotStart:
            continue
        return {
            piece.sha256: piece
            for table in manifest.tables
            for piece in table.pieces
            if there.get(piece.file) == piece.bytes
        }
    return {}
