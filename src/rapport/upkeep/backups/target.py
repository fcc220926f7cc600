"""A place of backups, in a folder or in a bucket: files, and a manifest for each backup.

A file is written whole or not at all, a manifest last of all; what an interrupted backup leaves is
found again by its hash, or pruned. Encrypted backups and others never share a place.
"""

import contextlib
import fcntl
import hashlib
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rapport.blobs import BlobMissing, Blobs
from rapport.blobs.local import LocalBlobs
from rapport.folder import OF_SYSTEMS, CannotStart
from rapport.upkeep.backups import lease
from rapport.upkeep.backups import manifest as manifests
from rapport.upkeep.backups.manifest import AnyManifest, Part

if TYPE_CHECKING:
    from rapport.blobs.objects import ObjectBlobs

_PLAIN = "files"
_SEALED = "encrypted"
_MANIFESTS = "manifests"
_OURS = frozenset({_PLAIN, _SEALED, _MANIFESTS, ".parts"})
_SCHEMES = ("s3://", "gs://", "az://")


class Damage(Exception):
    """A file is not what its name says, or is gone; one sentence says which."""


class Written(NamedTuple):
    """A file that was kept: its size in bytes and its SHA-256."""

    size: int
    sha256: str


class Target:
    """An open place of backups; `place` is where it is, for people.

    All that reads or writes raises OSError where the place can't do it.
    """

    def __init__(self, place: str, blobs: Blobs) -> None:
        self.place = place
        self._blobs = blobs
        self._files = _PLAIN

    async def settle(self, *, sealed: bool | None) -> bool:
        """See whether its files are encrypted, and take them to be.

        Args:
            sealed: whether they should be; None for whatever they are.

        Raises:
            CannotStart: they are, and should not be, or the other way round.
        """
        there = [bool(await self._blobs.sizes(kind)) for kind in (_PLAIN, _SEALED)]
        if sealed is True and there[0]:
            raise CannotStart(f"the backups in {self.place} are not encrypted: name another target")
        if sealed is False and there[1]:
            raise CannotStart(
                f"the backups in {self.place} are encrypted: name --encrypt-to or --passphrase-file"
            )
        self._files = _SEALED if (there[1] if sealed is None else sealed) else _PLAIN
        return self._files == _SEALED

    async def sweep(self) -> None:
        """Remove what broken-off writes left."""
        await self._blobs.sweep()

    # Files

    async def sizes(self) -> dict[str, int]:
        """Every file, with its size in bytes."""
        return await self._blobs.sizes(self._files)

    async def put(self, name: str, chunks: AsyncIterator[bytes]) -> Written:
        """Keep what `chunks` yields; whatever that raises is raised here, and nothing is kept."""
        kept = await self._blobs.put(self._files, name, chunks)
        return Written(kept.size, kept.sha256)

    async def open(self, part: Part) -> AsyncIterator[bytes]:
        """A file's bytes.

        Raises:
            Damage: it is gone; while they are read: they are not what they were.
        """
        try:
            chunks = await self._blobs.open(self._files, part.file, 0, part.bytes)
        except BlobMissing:
            raise Damage(f"the file {part.file} is gone") from None
        return checked(part.file, part.sha256, chunks)

    async def read(self, part: Part) -> bytes:
        """A file as a whole.

        Raises:
            Damage: it is gone, or not what it was.
        """
        return b"".join([chunk async for chunk in await self.open(part)])

    async def remove(self, name: str) -> None:
        """Remove a file."""
        await self._blobs.delete(self._files, name)

    # Backups

    async def names(self) -> list[str]:
        """Every backup that was finished, the oldest first."""
        return sorted(await self._blobs.sizes(_MANIFESTS))

    async def finish(self, manifest: AnyManifest) -> str:
        """Make what was put a backup; its name."""
        name, text = manifests.encode(manifest)
        await self._blobs.put(_MANIFESTS, name, once(text))
        return name

    async def manifest(self, name: str) -> AnyManifest:
        """What a backup says of itself.

        Raises:
            CannotStart: it is damaged, or a newer program made it.
        """
        try:
            size = (await self._blobs.sizes(_MANIFESTS))[name]
            chunks = await self._blobs.open(_MANIFESTS, name, 0, size)
            return manifests.decode(name, b"".join([chunk async for chunk in chunks]))
        except (OSError, EOFError, KeyError, BlobMissing) as error:
            why = error.strerror or error if isinstance(error, OSError) else "it is gone"
            raise CannotStart(f"the backup {manifests.short(name)} can't be read: {why}") from None

    async def forget(self, name: str) -> None:
        """Make a backup none; its files stay."""
        await self._blobs.delete(_MANIFESTS, name)

    async def chosen(self, wanted: str | None) -> str:
        """The backup whose name begins so; the newest where none is wanted.

        Raises:
            CannotStart: there is none, or more than one.
        """
        names = await self.names()
        if wanted is None and names:
            return names[-1]
        found = [name for name in names if wanted is not None and name.startswith(wanted)]
        if len(found) != 1:
            what = f"named {wanted}" if wanted else "that was finished"
            several = "more than one backup" if found else "no backup"
            raise CannotStart(f"there is {several} {what} in {self.place}")
        return found[0]


def in_bucket(place: str) -> bool:
    """Whether it is a bucket rather than a folder."""
    return place.startswith(_SCHEMES)


@contextlib.asynccontextmanager
async def making(place: str, *, data: Path) -> AsyncIterator[Target]:
    """Open a place to back up into; a folder is made where it is missing.

    Args:
        place: the folder or bucket.
        data: the data folder, which may not be in it, nor it in that.

    Raises:
        CannotStart: it can't be used, or another command works in it.
    """
    if not in_bucket(place):
        _make(Path(place), data)
    async with changing(place) as target:
        yield target


def _make(place: Path, data: Path) -> None:
    ours, theirs = place.resolve(), data.resolve()
    if ours == theirs or ours in theirs.parents or theirs in ours.parents:
        raise CannotStart(
            f"{place} and the data folder {data} lie in one another: what takes one would take "
            "the backup with it"
        )
    try:
        place.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise CannotStart(f"{place} can't be made: {error.strerror or error}") from None


@contextlib.asynccontextmanager
async def changing(place: str) -> AsyncIterator[Target]:
    """Open a place of backups alone.

    Raises:
        CannotStart: it is none, or can't be used, or another command works in it.
    """
    if not in_bucket(place):
        with _locked(Path(place), fcntl.LOCK_EX) as target:
            yield target
        return
    blobs = await _bucket(place)
    async with lease.leased(blobs, place):
        yield Target(place, blobs)


@contextlib.asynccontextmanager
async def reading(place: str) -> AsyncIterator[Target]:
    """Open a place of backups; nobody prunes a folder meanwhile. A bucket holds nobody up: what is
    pruned there while it is read is told as gone.

    Raises:
        CannotStart: it is none, or can't be used, or another command works in it.
    """
    if in_bucket(place):
        yield Target(place, await _bucket(place))
        return
    with _locked(Path(place), fcntl.LOCK_SH) as target:
        yield target


async def _bucket(place: str) -> "ObjectBlobs":
    """A bucket, which may be empty.

    Raises:
        CannotStart: it can't be used, or holds something else.
    """
    from rapport.blobs.objects import CannotUse, ObjectBlobs  # noqa: PLC0415  # loads what most never need

    try:
        blobs = ObjectBlobs(place, direct=False)
        _refuse_others(place, await blobs.tops() - {lease.NAME})
    except CannotUse as error:
        raise CannotStart(str(error)) from None
    except OSError as error:
        raise CannotStart(f"{place} can't be used: {error}") from None
    return blobs


@contextlib.contextmanager
def _locked(place: Path, how: int) -> Iterator[Target]:
    try:
        # The folder itself: a file for the lock would lie in it.
        folder = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise CannotStart(f"{place} can't be used: {error.strerror or error}") from None
    try:
        fcntl.flock(folder, how | fcntl.LOCK_NB)
        _refuse_others(str(place), {path.name for path in place.iterdir()} - OF_SYSTEMS)
        yield Target(str(place), LocalBlobs(place))
    except BlockingIOError:
        raise CannotStart(f"another command works in {place}") from None
    finally:
        os.close(folder)


def _refuse_others(place: str, names: set[str]) -> None:
    """Refuse a place that holds something else, which might be somebody's.

    Raises:
        CannotStart: it does.
    """
    if others := names - _OURS:
        kind = "place" if in_bucket(place) else "folder"
        raise CannotStart(
            f"{place} is no {kind} of backups: it holds {min(others)!r}; name an empty or a new one"
        )


async def checked(name: str, wanted: str, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same chunks.

    Raises:
        Damage: behind the last: their SHA-256 is not what is wanted.
    """
    sha256 = hashlib.sha256()
    try:
        async for chunk in chunks:
            sha256.update(chunk)
            yield chunk
    except EOFError:
        raise Damage(f"the file {name} is too short") from None
    if sha256.hexdigest() != wanted:
        raise Damage(f"the file {name} is not what it was")


async def once(data: bytes) -> AsyncIterator[bytes]:
    """Bytes as the one chunk of a file."""
    yield data
