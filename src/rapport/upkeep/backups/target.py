"""A folder of backups: every file under the SHA-256 of its bytes, and a manifest for each backup.

Files are written beside and renamed when whole, a manifest last of all; what an interrupted backup
leaves is found again by its hash, or pruned.
"""

import contextlib
import fcntl
import hashlib
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from rapport.blobs import BlobMissing
from rapport.blobs.local import LocalBlobs
from rapport.folder import OF_SYSTEMS, CannotStart
from rapport.upkeep.backups import manifest as manifests
from rapport.upkeep.backups.manifest import Manifest

_FILES = "files"
_MANIFESTS = "manifests"
_OURS = frozenset({_FILES, _MANIFESTS, ".parts"})


class Damage(Exception):
    """A file is not what its name says, or is gone; one sentence says which."""


class Target:
    """An open folder of backups."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._blobs = LocalBlobs(place)

    async def sweep(self) -> None:
        """Remove what broken-off writes left."""
        await self._blobs.sweep()

    # Files

    def sizes(self) -> dict[str, int]:
        """Every file, with its size in bytes."""
        return dict(_walk(self.place / _FILES))

    async def put(self, data: bytes) -> str:
        """Keep bytes; their name.

        Raises:
            OSError: they can't be kept.
        """
        name = hashlib.sha256(data).hexdigest()
        await self._blobs.put(_FILES, name, _once(data))
        return name

    async def take(self, name: str, chunks: AsyncIterator[bytes]) -> None:
        """Keep what `chunks` yields, if it is what the name says.

        Raises:
            Damage: it is something else, and was not kept.
            OSError: it can't be kept.
        """
        await self._blobs.put(_FILES, name, checked(name, chunks))

    async def open(self, name: str, size: int) -> AsyncIterator[bytes]:
        """A file's bytes.

        Raises:
            Damage: it is gone; while they are read: they are not what they were.
        """
        try:
            chunks = await self._blobs.open(_FILES, name, 0, size)
        except BlobMissing:
            raise Damage(f"the file {name} is gone") from None
        return checked(name, chunks)

    async def read(self, name: str, size: int) -> bytes:
        """A file as a whole.

        Raises:
            Damage: it is gone, or not what it was.
        """
        return b"".join([chunk async for chunk in await self.open(name, size)])

    async def remove(self, name: str) -> None:
        """Remove a file."""
        await self._blobs.delete(_FILES, name)

    # Backups

    def names(self) -> list[str]:
        """Every backup that was finished, the oldest first."""
        return sorted(name for name, _ in _walk(self.place / _MANIFESTS))

    async def finish(self, manifest: Manifest) -> str:
        """Make what was put a backup; its name.

        Raises:
            OSError: it can't be written.
        """
        name, text = manifests.encode(manifest)
        await self._blobs.put(_MANIFESTS, name, _once(text))
        return name

    def manifest(self, name: str) -> Manifest:
        """What a backup says of itself.

        Raises:
            CannotStart: it is damaged, or a newer program made it.
        """
        try:
            return manifests.decode(name, (self.place / _MANIFESTS / name[:2] / name).read_bytes())
        except OSError as error:
            raise CannotStart(
                f"the backup {manifests.short(name)} can't be read: {error.strerror or error}"
            ) from None

    async def forget(self, name: str) -> None:
        """Make a backup none; its files stay."""
        await self._blobs.delete(_MANIFESTS, name)

    def chosen(self, wanted: str | None) -> str:
        """The backup whose name begins so; the newest where none is wanted.

        Raises:
            CannotStart: there is none, or more than one.
        """
        names = self.names()
        if wanted is None and names:
            return names[-1]
        found = [name for name in names if wanted is not None and name.startswith(wanted)]
        if len(found) != 1:
            what = f"named {wanted}" if wanted else "that was finished"
            several = "more than one backup" if found else "no backup"
            raise CannotStart(f"there is {several} {what} in {self.place}")
        return found[0]


@contextlib.contextmanager
def making(place: Path, *, data: Path) -> Iterator[Target]:
    """Open a folder to back up into, which is made where it is missing.

    Args:
        place: the folder.
        data: the data folder, which may not be in it, nor it in that.

    Raises:
        CannotStart: it can't be used, or another command works in it.
    """
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
    with changing(place) as target:
        yield target


@contextlib.contextmanager
def changing(place: Path) -> Iterator[Target]:
    """Open a folder of backups alone.

    Raises:
        CannotStart: it is none, or can't be used, or another command works in it.
    """
    with _locked(place, fcntl.LOCK_EX) as target:
        yield target


@contextlib.contextmanager
def reading(place: Path) -> Iterator[Target]:
    """Open a folder of backups; nobody prunes it meanwhile.

    Raises:
        CannotStart: it is none, or can't be used, or another command works in it.
    """
    with _locked(place, fcntl.LOCK_SH) as target:
        yield target


@contextlib.contextmanager
def _locked(place: Path, how: int) -> Iterator[Target]:
    try:
        # The folder itself: a file for the lock would lie in it.
        folder = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise CannotStart(f"{place} can't be used: {error.strerror or error}") from None
    try:
        fcntl.flock(folder, how | fcntl.LOCK_NB)
        _refuse_foreign(place)
        yield Target(place)
    except BlockingIOError:
        raise CannotStart(f"another command works in {place}") from None
    finally:
        os.close(folder)


def _refuse_foreign(place: Path) -> None:
    """Refuse a folder that holds something else, which might be somebody's.

    Raises:
        CannotStart: it does.
    """
    if others := {path.name for path in place.iterdir()} - _OURS - OF_SYSTEMS:
        raise CannotStart(
            f"{place} is no folder of backups: it holds {min(others)!r}; name an empty or a new one"
        )


async def checked(name: str, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same chunks.

    Raises:
        Damage: behind the last: they are not what the name says.
    """
    sha256 = hashlib.sha256()
    try:
        async for chunk in chunks:
            sha256.update(chunk)
            yield chunk
    except EOFError:
        raise Damage(f"the file {name} is too short") from None
    if sha256.hexdigest() != name:
        raise Damage(f"the file {name} is not what its name says")


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


def _walk(folder: Path) -> Iterator[tuple[str, int]]:
    """Every file two floors below, with its size."""
    for inner in _entries(folder):
        for file in _entries(Path(inner.path)) if inner.is_dir() else ():
            yield file.name, file.stat().st_size


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    if not folder.exists():
        return []
    with os.scandir(folder) as entries:
        return list(entries)
