"""Blobs as files: `<folder>/<org>/<first two characters>/<name>`, written beside and renamed
when whole.
"""

import asyncio
import contextlib
import hashlib
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from pathlib import Path
from typing import BinaryIO

from rapport.blobs import CHUNK, SAVED, BlobMissing, Served, Stored, new_name

_PARTS = ".parts"


class LocalBlobs:
    """Blobs under one folder of this machine. Folders are 0700 and files 0600.

    Reading and writing run in threads: a slow disk delays the transfer that waits for it and
    nothing else.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._parts = folder / _PARTS

    async def put(
        self, org: str, name: str, chunks: AsyncIterator[bytes], _served: Served = SAVED
    ) -> Stored:
        """Store what `chunks` yields; see `Blobs.put`."""
        part = await asyncio.to_thread(_Part, self._parts)
        try:
            async for chunk in _gathered(chunks):
                await asyncio.to_thread(part.write, chunk)
            await asyncio.to_thread(part.keep, self._path(org, name), self._folder)
        finally:
            part.discard()
        return Stored(part.size, part.sha256.hexdigest())

    async def open(self, org: str, name: str, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        """The bytes from `start` up to `stop`; see `Blobs.open`."""
        try:
            file = await asyncio.to_thread(self._path(org, name).open, "rb", buffering=0)
        except FileNotFoundError:
            raise BlobMissing(f"{org}/{name}") from None
        return _read(file, start, stop)

    async def delete(self, org: str, name: str) -> None:
        """Remove a blob; see `Blobs.delete`."""
        await asyncio.to_thread(self._path(org, name).unlink, missing_ok=True)

    async def sizes(self, org: str) -> dict[str, int]:
        """Every blob of an org; see `Blobs.sizes`."""
        return await asyncio.to_thread(dict, _walk(self._folder / org))

    async def tidy(self, org: str) -> None:
        """Remove the org's folders, unless there is something in them; see `Blobs.tidy`."""
        await asyncio.to_thread(self._tidy, self._folder / org)

    async def sweep(self, *, older_than: float = 0.0) -> None:
        """Remove the parts of broken-off writes; see `Blobs.sweep`."""
        await asyncio.to_thread(self._sweep, time.time() - older_than)

    async def url(self, _org: str, _name: str, _seconds: int) -> str | None:
        """None: only this server reads its folder."""
        return None

    @staticmethod
    def _tidy(folder: Path) -> None:
        for empty in (*folder.glob("*"), folder):
            with contextlib.suppress(OSError):
                empty.rmdir()

    def _sweep(self, before: float) -> None:
        for part in self._parts.glob("*"):
            with contextlib.suppress(FileNotFoundError):
                if part.stat().st_mtime <= before:
                    part.unlink()

    def _path(self, org: str, name: str) -> Path:
        if not (org.isalnum() and name.isalnum()):
            raise ValueError(f"{org!r}/{name!r} is no blob's name")
        return self._folder / org / name[:2] / name


class _Part:
    """A file that is being written. It has a name of its own until it is whole."""

    def __init__(self, folder: Path) -> None:
        _make_folders(folder, folder.parent)
        self._path = folder / new_name()
        self._file: BinaryIO = open(  # noqa: SIM115  # `discard` closes it, whatever happens
            self._path, "xb", buffering=0, opener=lambda path, flags: os.open(path, flags, 0o600)
        )
        self.size = 0
        self.sha256 = hashlib.sha256()

    def write(self, chunk: bytes) -> None:
        """Append."""
        self.sha256.update(chunk)
        rest = memoryview(chunk)
        while rest:
            # A disk that fills up takes a part first and refuses the rest.
            rest = rest[self._file.write(rest) :]
        self.size += len(chunk)

    def keep(self, path: Path, root: Path) -> None:
        """Give it its name. The bytes are on disk before the name is, and the name before this
        returns.
        """
        os.fsync(self._file.fileno())
        _make_folders(path.parent, root)
        self._path.rename(path)
        _fsync_folder(path.parent)

    def discard(self) -> None:
        """Close it, and remove it unless it was kept."""
        self._file.close()
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)


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


def _make_folders(folder: Path, root: Path) -> None:
    """Make a folder and those above it up to `root`, each on disk before the next."""
    if folder.is_dir():
        return
    if folder != root:
        _make_folders(folder.parent, root)
    folder.mkdir(mode=0o700, exist_ok=True)
    _fsync_folder(folder.parent)


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


async def _gathered(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in chunks that are worth a thread's while."""
    gathered = bytearray()
    async for chunk in chunks:
        gathered += chunk
        if len(gathered) >= CHUNK:
            yield bytes(gathered)
            gathered.clear()
    if gathered:
        yield bytes(gathered)


async def _read(file: BinaryIO, start: int, stop: int) -> AsyncGenerator[bytes, None]:
    with file:
        while start < stop:
            chunk = await asyncio.to_thread(
                os.pread, file.fileno(), min(CHUNK, stop - start), start
            )
            if not chunk:
                raise EOFError(f"the file ends at {start}, before {stop}")
            yield chunk
            start += len(chunk)
