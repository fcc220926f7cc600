"""Making a backup, whether or not the store is served."""

import contextlib
import gzip
import hashlib
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
from rapport.upkeep.backups import sealing
from rapport.upkeep.backups import target as targets
from rapport.upkeep.backups.files import Opened, PlainWriter, SealedWriter, Writer, opened
from rapport.upkeep.backups.manifest import (
    FORM,
    FORMAT,
    AnyManifest,
    Damaged,
    Kept,
    Manifest,
    PieceKept,
    SealedManifest,
    TableKept,
)
from rapport.upkeep.backups.sealing import Keys, Seal, Sealed, Wanted
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


async def make(
    settings: Settings,
    place: str,
    watch: Watch,
    clock: Clock = system_clock,
    *,
    encryption: Wanted | None = None,
) -> Made:
    """Back the store up: rows and files as of one moment.

    Args:
        settings: name the store.
        place: the folder or bucket of backups.
        watch: is told how far it is.
        clock: the time.
        encryption: whom it is for; None for whoever can read the place.

    Raises:
        CannotStart: it can't be done; no backup is there that was not there before.
    """
    try:
        async with targets.making(place, data=settings.data) as target:
            await target.settle(sealed=bool(encryption))
            await target.sweep()
            base = await _base(settings, target, encryption)
            async with places.reading(settings) as source:
                await copy.check(source)
                return await _Making(settings, source, base, watch).run(clock)
    except (CannotOpen, CannotCopy, EngineFailed) as error:
        raise CannotStart(str(error)) from None
    except OSError as error:
        raise CannotStart(
            f"the backup can't be written to {place}: {error.strerror or error}"
        ) from None


class _Base(NamedTuple):
    """What a backup is made on.

    Args:
        writer: keeps files.
        there: what lies in the target, with its size in bytes.
        before: what the backup before has; None where there is none, or none that can be used.
        recipients: whom files are for.
    """

    writer: Writer
    there: dict[str, int]
    before: Manifest | None
    recipients: list[str]


async def _base(settings: Settings, target: Target, encryption: Wanted | None) -> _Base:
    there = await target.sizes()
    newest = await _newest(target)
    if not encryption:
        before = newest[1] if newest and isinstance(newest[1], Manifest) else None
        return _Base(PlainWriter(target, there), there, before, [])
    seal = await _seal(target, encryption)
    key = _key_of(settings)
    last = await _last(target, newest, key) if newest and key else None
    if last is not None and last.manifest.recipients != list(seal.recipients):
        last = None  # its files are for others
    own = sealing.own_recipient(key) if key else None
    writer = SealedWriter(target, seal, own, last.parts if last else {})
    return _Base(writer, there, last.manifest if last else None, list(seal.recipients))


async def _newest(target: Target) -> tuple[str, AnyManifest] | None:
    """The newest backup that can be read."""
    for name in reversed(await target.names()):
        with contextlib.suppress(CannotStart):
            return name, await target.manifest(name)
    return None


async def _last(target: Target, newest: tuple[str, AnyManifest], key: bytes) -> Opened | None:
    """The backup before, opened by the data folder's own key; None where that does not open it."""
    with contextlib.suppress(CannotStart, Damage, Sealed):
        return await opened(target, *newest, Keys([sealing.own_secret(key)]))
    return None


async def _seal(target: Target, encryption: Wanted) -> Seal:
    """Whom files are for.

    Raises:
        CannotStart: a recipient is none, or the passphrase is not that of the backups before.
    """
    if encryption.passphrase_file is None:
        return sealing.seal_for(encryption.recipients)
    if encryption.recipients:
        raise CannotStart("--encrypt-to and --passphrase-file can't go together")
    for name in reversed(await target.names()):
        with contextlib.suppress(CannotStart):
            manifest = await target.manifest(name)
            if isinstance(manifest, SealedManifest) and manifest.identity:
                break
    else:
        return sealing.seal_with(encryption.passphrase_file, None)
    return sealing.seal_with(encryption.passphrase_file, manifest.identity)


def _key_of(settings: Settings) -> bytes | None:
    path = settings.data / KEY
    return path.read_bytes() if path.exists() else None


class _Making:
    """A backup on its way."""

    def __init__(self, settings: Settings, source: Bulk, base: _Base, watch: Watch) -> None:
        self._settings = settings
        self._source = source
        self._base = base
        self._watch = watch
        self._there = base.there
        self._pieces, self._kept = _known(base)
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
        key = _key_of(self._settings)
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
            key=None if key is None else await self._put(key),
            recipients=self._base.recipients,
        )
        name = await self._base.writer.finish(manifest)
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
        known = self._pieces.get(sha256)
        if known is None:
            file = self._note(
                await self._base.writer.put(gzip.compress(piece.text, compresslevel=5, mtime=0))
            )
            known = PieceKept(file.file, file.bytes, len(piece.rows), sha256)
            self._pieces[sha256] = known
        return known

    async def _put(self, data: bytes) -> Kept:
        """Keep bytes, unless the backup before had the same."""
        known = self._kept.get(hashlib.sha256(data).hexdigest())
        return known or self._note(await self._base.writer.put(data))

    def _note(self, kept: Kept) -> Kept:
        """Count a file that was kept, if it was not there."""
        if self._there.get(kept.file) != kept.bytes:
            self._there[kept.file] = kept.bytes
            self._written += 1
            self._written_bytes += kept.bytes
        return kept

    async def _files(self, files: list[StoredFile]) -> tuple[list[Kept], list[Damaged]]:
        """Keep artifacts' files, each content once."""
        blobs = places.blobs_of(self._settings)
        self._watch.expects(len(files))
        kept: dict[str, Kept] = {}
        damaged = []
        for file in files:
            try:
                if file.sha256 not in kept:
                    kept[file.sha256] = await self._file(blobs, file)
            except (BlobMissing, Damage):
                damaged.append(Damaged(file.org, file.blob, file.sha256))
            self._watch.passed("backing up files", 1)
        return list(kept.values()), damaged

    async def _file(self, blobs: Blobs, file: StoredFile) -> Kept:
        """Keep a file, unless it is there.

        Raises:
            BlobMissing: the store has lost it.
            Damage: the store has something else in its place.
        """
        if (known := self._kept.get(file.sha256)) is not None:
            return known
        if self._there.get(file.sha256) == file.size:
            return Kept(file.sha256, file.size)
        chunks = await blobs.open(file.org, file.blob, 0, file.size)
        return self._note(await self._base.writer.take(file.sha256, chunks))


def _known(base: _Base) -> tuple[dict[str, PieceKept], dict[str, Kept]]:
    """What is there of the backup before: pieces by the hash of their lines, and files by that of
    their content.
    """
    if (before := base.before) is None:
        return {}, {}
    pieces_kept = [piece for table in before.tables for piece in table.pieces]
    files_kept = [*before.files, *([before.key] if before.key else [])]
    return (
        {one.sha256: one for one in pieces_kept if base.there.get(one.file) == one.bytes},
        {one.content: one for one in files_kept if base.there.get(one.file) == one.bytes},
    )
