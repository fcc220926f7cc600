"""Blobs in a folder: whole or not at all, and on disk before anybody is told."""

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any

import pytest

from rapport.blobs import CHUNK, BlobMissing
from rapport.blobs.local import LocalBlobs

ORG = "ORG2345678"


async def chunks(*parts: bytes | Exception) -> AsyncIterator[bytes]:
    for part in parts:
        if isinstance(part, Exception):
            raise part
        yield part


async def read(blobs: LocalBlobs, name: str, start: int, stop: int) -> bytes:
    return b"".join([chunk async for chunk in await blobs.open(ORG, name, start, stop)])


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture
def blobs(tmp_path: Path) -> LocalBlobs:
    return LocalBlobs(tmp_path / "blobs")


def test_what_breaks_off_leaves_nothing(blobs: LocalBlobs, tmp_path: Path) -> None:
    with pytest.raises(ConnectionResetError):
        run(blobs.put(ORG, "half", chunks(b"x" * CHUNK, ConnectionResetError())))
    assert files(tmp_path) == []
    with pytest.raises(BlobMissing):
        run(blobs.open(ORG, "half", 0, 1))


def test_what_is_cancelled_leaves_nothing(blobs: LocalBlobs, tmp_path: Path) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * CHUNK
            await asyncio.sleep(0.01)

    async def cancelled() -> None:
        async with asyncio.timeout(0.2):
            await blobs.put(ORG, "half", endless())

    with pytest.raises(TimeoutError):
        run(cancelled())
    assert files(tmp_path) == []


def test_a_full_disk_leaves_nothing(
    blobs: LocalBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            run(blobs.put(ORG, "half", chunks(b"x")))
    assert files(tmp_path) == []


def test_bytes_are_synced_before_the_name_and_the_name_before_the_end(
    blobs: LocalBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(blobs.put(ORG, "aafirst", chunks(b"x")))
    steps: list[str] = []
    fsync, rename = os.fsync, Path.rename

    def noted_fsync(descriptor: int) -> None:
        steps.append(
            f"fsync {Path(f'/proc/self/fd/{descriptor}').readlink().relative_to(tmp_path / 'blobs').parts[0]}"
        )
        fsync(descriptor)

    def noted_rename(path: Path, target: Path) -> Path:
        steps.append("rename")
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(Path, "rename", noted_rename)
    run(blobs.put(ORG, "aasecond", chunks(b"x")))
    assert steps == ["fsync .parts", "rename", f"fsync {ORG}"]


def test_folders_and_files_are_for_their_owner_alone(blobs: LocalBlobs, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        run(blobs.put(ORG, "open", chunks(b"x")))
    finally:
        os.umask(before)
    for path in (tmp_path / "blobs").rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600)


def test_deleting_twice_is_no_error(blobs: LocalBlobs, tmp_path: Path) -> None:
    run(blobs.put(ORG, "gone", chunks(b"x")))
    for _ in range(2):
        run(blobs.delete(ORG, "gone"))
    assert files(tmp_path) == []


def test_a_sweep_removes_parts_and_no_blobs(blobs: LocalBlobs, tmp_path: Path) -> None:
    run(blobs.sweep())
    run(blobs.put(ORG, "kept", chunks(b"x")))
    (tmp_path / "blobs" / ".parts" / "left").write_bytes(b"half")
    run(blobs.sweep())
    assert [path.name for path in files(tmp_path)] == ["kept"]
