"""Whether a store is whole: a table of questions, and what each one finds."""

import contextlib
import hashlib
import os
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

import msgspec

from rapport.blobs import BlobMissing
from rapport.clock import SECOND, format_rfc3339, system_clock
from rapport.folder import BLOBS, DATABASE, KEY, CannotStart, locked
from rapport.settings import Settings
from rapport.store import backup, derived, doctor, indexing
from rapport.store.kit import copy
from rapport.store.kit.copy import CannotCopy
from rapport.store.kit.db import Bulk, CannotOpen, EngineFailed
from rapport.store.postgres.bulk import PostgresBulk
from rapport.store.sqlite.bulk import SqliteBulk
from rapport.upkeep import places

# What a server should at least have left on its disk, in bytes.
_ROOM = 256 * 1024 * 1024
# How far another machine's clock may be ahead, in microseconds.
_AHEAD = 300 * SECOND
_MODES = {"": 0o700, KEY: 0o600, DATABASE: 0o600, BLOBS: 0o700}


class Place(NamedTuple):
    """What is examined; `is_deep` asks for what takes long."""

    settings: Settings
    bulk: Bulk
    is_deep: bool


class Check(NamedTuple):
    """A question.

    Args:
        name: short, for programs.
        question: is answered by yes where nothing is found.
        to_do: what to do where something is.
        find: what is wrong, named for people.
        mend: makes it right, where that can be done without losing anything.
    """

    name: str
    question: str
    to_do: str
    find: Callable[[Place], Awaitable[list[str]]]
    mend: Callable[[Settings], Awaitable[None]] | None = None


class Answered(NamedTuple):
    """What a check found; `is_mended`: it is right now."""

    check: Check
    found: list[str]
    is_mended: bool


async def examine(settings: Settings, *, is_deep: bool, mends: bool) -> list[Answered]:
    """Ask all questions, whether or not the store is served; served, nothing but modes is mended.

    Raises:
        CannotStart: the store can't be opened, or is of another version.
    """
    try:
        async with places.reading(settings) as bulk:
            await copy.check(bulk)
            if is_deep:
                await bulk.keep_blobs()
            async with bulk.transaction():
                place = Place(settings, bulk, is_deep)
                found = [(check, await check.find(place)) for check in CHECKS]
        return [
            Answered(check, one, is_mended=mends and bool(one) and await _mend(check, settings))
            for check, one in found
        ]
    except (CannotCopy, CannotOpen, EngineFailed) as error:
        raise CannotStart(str(error)) from None


async def _mend(check: Check, settings: Settings) -> bool:
    if check.mend is None:
        return False
    await check.mend(settings)
    return True


async def _modes(place: Place) -> list[str]:
    return [str(path) for path, wanted in _private(place.settings) if _is_open(path, wanted)]


async def _close(settings: Settings) -> None:
    for path, wanted in _private(settings):
        if _is_open(path, wanted):
            path.chmod(wanted)


def _private(settings: Settings) -> list[tuple[Path, int]]:
    """What only the server's user should come to, and its mode."""
    paths = [(settings.data / name, mode) for name, mode in _MODES.items()]
    return [(path, mode) for path, mode in paths if path.exists()]


def _is_open(path: Path, wanted: int) -> bool:
    """Whether others may come to what is ours; what a group shares belongs to somebody else."""
    found = path.stat()
    return found.st_uid == os.geteuid() and bool(found.st_mode & 0o777 & ~wanted)


async def _room(place: Place) -> list[str]:
    free = shutil.disk_usage(place.settings.data).free
    return [f"{free:,} bytes are free at {place.settings.data}"] if free < _ROOM else []


async def _key(place: Place) -> list[str]:
    path = place.settings.data / KEY
    return [] if path.exists() else [str(path)]


async def _files(place: Place) -> list[str]:
    blobs, lost = places.blobs_of(place.settings), []
    for file in await backup.files(place.bulk):
        start = 0 if place.is_deep else max(0, file.size - 1)
        sha256 = hashlib.sha256()
        with contextlib.suppress(BlobMissing, EOFError):
            async for chunk in await blobs.open(file.org, file.blob, start, file.size):
                sha256.update(chunk)
            if not place.is_deep or sha256.hexdigest() == file.sha256:
                continue
        lost.append(f"{file.org}/{file.blob} ({file.file_name})")
    return lost


async def _recount(settings: Settings) -> None:
    """Make sums, touches and the index of words anew. In a folder nobody may serve meanwhile; a
    database itself refuses it where somebody changes the same.

    Raises:
        CannotStart: a server has the folder.
        EngineFailed: somebody changes them.
    """
    with locked(settings.data, shared=bool(settings.database_url)):
        bulk: Bulk = (
            await PostgresBulk.open(places.database_of(settings), writes=True)
            if settings.database_url
            else SqliteBulk(settings.data / DATABASE, writes=True)
        )
        try:
            await derived.rebuild(bulk)
            await bulk.settle()
        finally:
            await bulk.close()


async def _documents(place: Place) -> list[str]:
    return await doctor.documents(place.bulk)


async def _references(place: Place) -> list[str]:
    return await doctor.references(place.bulk)


async def _places(place: Place) -> list[str]:
    return await doctor.places(place.bulk)


async def _orgs(place: Place) -> list[str]:
    return await doctor.orgs(place.bulk)


async def _links(place: Place) -> list[str]:
    return await doctor.links(place.bulk)


async def _clock(place: Place) -> list[str]:
    now, newest = system_clock(), await doctor.newest(place.bulk)
    if newest <= now + _AHEAD:
        return []
    return [
        f"the newest event is of {format_rfc3339(newest)}, and here it is {format_rfc3339(now)}"
    ]


async def _backups(place: Place) -> list[str]:
    """What is wrong with the backups that the server should make, if it should."""
    settings, course = place.settings, await doctor.backups(place.bulk)
    if not settings.backup_to:
        return []
    if course.is_failing:
        return [course.problem or "the last one failed"]
    age = system_clock() - (course.succeeded or 0)
    if age <= 2 * settings.backup_every * SECOND:
        return []
    if course.succeeded is None:
        return ["there is none"]
    return [f"the last one is of {format_rfc3339(course.succeeded)}"]


async def _counters(place: Place) -> list[str]:
    return await doctor.counters(place.bulk)


async def _touches(place: Place) -> list[str]:
    return await doctor.touches(place.bulk)


async def _sums(place: Place) -> list[str]:
    return await doctor.sums(place.bulk)


async def _search(place: Place) -> list[str]:
    try:
        return await indexing.wrong(place.bulk, every=place.is_deep)
    except msgspec.DecodeError:
        return []  # What can't be read is named where documents are asked about.


_FROM_BACKUP = "restore a backup into another folder and compare; keep this store as it is"
_STOPPED = "stop the server; rapport doctor --fix"
CHECKS = [
    Check("modes", "Can nobody else read the data folder?", "rapport doctor --fix", _modes, _close),
    Check("room", "Is there room on the disk?", "make some, or move the data folder", _room),
    Check("key", "Is the key of signed URLs there?", f"take {KEY} from a backup", _key),
    Check("orgs", "Does every row belong to an org?", _FROM_BACKUP, _orgs),
    Check("documents", "Do documents say what their rows do?", _FROM_BACKUP, _documents),
    Check("references", "Is everything there that is referred to?", _FROM_BACKUP, _references),
    Check("places", "Do links stand where their engagements do?", _FROM_BACKUP, _places),
    Check("links", "Is there what links join?", _FROM_BACKUP, _links),
    Check("counters", "Are the next numbers new?", _FROM_BACKUP, _counters),
    Check("sums", "Are sums what there is?", _STOPPED, _sums, _recount),
    Check("touches", "Are touches of accounts what there is?", _STOPPED, _touches, _recount),
    Check("search", "Does a search find what texts say?", _STOPPED, _search, _recount),
    Check("clock", "Is the clock right?", "set it; what was written keeps its dates", _clock),
    Check("backups", "Are backups made as they should be?", "the server's log says more", _backups),
    Check("files", "Are the bytes of all files there?", "take them from a backup", _files),
]  # fmt: skip
