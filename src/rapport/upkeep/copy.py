"""Copying a store to another place: what opens both, and what lies beside their rows."""

import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

from rapport.blobs.local import LocalBlobs
from rapport.folder import BLOBS, DATABASE, KEY, CannotStart, has_store, locked, make_private
from rapport.setting_rules import read_path
from rapport.settings import load
from rapport.store import derived
from rapport.store.kit import copy as rows
from rapport.store.kit.copy import CannotCopy, Compared
from rapport.store.kit.db import Bulk, CannotOpen, EngineFailed
from rapport.store.kit.migrate import NewerDatabase
from rapport.store.kit.progress import Watch
from rapport.store.postgres.bulk import PostgresBulk
from rapport.store.postgres.connect import Options
from rapport.store.sqlite.bulk import SqliteBulk


class Copied(NamedTuple):
    """What a copy did.

    Args:
        source: as people see it, as is `target`.
        target: the other place.
        tables: every table of both.
        files: how many artifacts' files the target has from the source.
        left: what is not copied and where it has to be, for people; may be empty.
    """

    source: str
    target: str
    tables: list[Compared]
    files: int
    left: str

    @property
    def is_same(self) -> bool:
        """Both places hold the same."""
        return all(table.is_same for table in self.tables)


async def copy(source: str, target: str, watch: Watch, config: str | None = None) -> Copied:
    """Copy a store; each place is a data folder or a URL of PostgreSQL.

    Of a folder, nobody else may have it open: not a server, which would go on writing. A database
    is read as of one moment, whoever writes to it. Between two folders, the artifacts' bytes and
    the key of signed URLs go along.

    Raises:
        CannotStart: it can't be done, or not now; what is copied stays, and the next copy goes on
            from there.
    """
    folders = _folder(source), _folder(target)
    if source == target or (
        folders[0] and folders[1] and folders[0].resolve() == folders[1].resolve()
    ):
        raise CannotStart("FROM and TO are the same place")
    try:
        async with _open(source, folders[0], config, writes=False) as mine:
            await rows.check(mine)
            async with _open(target, folders[1], config, writes=True) as theirs:
                tables = await rows.copy(mine, theirs, watch)
                files = (
                    await _copy_files(folders[0], folders[1], watch)
                    if folders[0] and folders[1]
                    else 0
                )
                copied = Copied(mine.place, theirs.place, tables, files, _left(*folders))
                if copied.is_same:
                    await derived.rebuild(theirs)
                    await rows.finish(theirs)
                return copied
    except (CannotOpen, NewerDatabase, CannotCopy, EngineFailed) as error:
        raise CannotStart(str(error)) from None


def _folder(place: str) -> Path | None:
    """The place, if it is a folder.

    Raises:
        CannotStart: it is a URL, and not PostgreSQL's, or no path.
    """
    scheme, is_url, _ = place.partition("://")
    if not is_url:
        try:
            return read_path(place)
        except ValueError:
            raise CannotStart(f"{place!r} is no data folder") from None
    if scheme not in {"postgresql", "postgres"}:
        raise CannotStart(
            f"a copy can't go to or from {scheme}: name a data folder, or a postgresql:// URL"
        )
    return None


def _left(source: Path | None, target: Path | None) -> str:
    """What a copy to or from a database leaves to the operator."""
    if source and not target:
        return (
            f"secret.key and the artifacts' bytes stay in {source}: serve the database with "
            f"--data {source}."
        )
    if target and not source:
        return (
            "secret.key and blobs/ are in the data folder with which the database was served: "
            f"unless it is {target}, "
            f"bring them there."
        )
    return ""


@contextlib.asynccontextmanager
async def _open(
    place: str, folder: Path | None, config: str | None, *, writes: bool
) -> AsyncIterator[Bulk]:
    with contextlib.ExitStack() as stack:
        if folder is None:
            bulk: Bulk = await PostgresBulk.open(_options(place, config), writes=writes)
        else:
            if not writes and not has_store(folder):
                raise CannotStart(f"there is no store in {folder}")
            stack.enter_context(locked(folder, shared=False))
            bulk = SqliteBulk(folder / DATABASE, writes=writes)
            for file in folder.glob(f"{DATABASE}*"):
                make_private(file, 0o600)
        try:
            yield bulk
        finally:
            await bulk.close()


def _options(url: str, config: str | None) -> Options:
    settings = load(
        {"database_url": url, "config": config}, only=("database_url", "database_pooler")
    )
    return Options(settings.database_url, settings.database_pooler == "transaction")


async def _copy_files(source: Path, target: Path, watch: Watch) -> int:
    """Copy the key of signed URLs and the artifacts' bytes that the target does not have yet; how
    many files it has.

    Raises:
        CannotStart: a file can't be read or written.
    """
    mine, theirs = LocalBlobs(source / BLOBS), LocalBlobs(target / BLOBS)
    try:
        files = _kept_files(source / BLOBS)
        watch.expects(len(files))
        _copy_key(source / KEY, target / KEY)
        for file in files:
            path = file.relative_to(source)
            # A file has its name once it is whole, and never changes.
            if not (target / path).exists():
                org, name = path.parts[1], path.name
                await theirs.put(org, name, await mine.open(org, name, 0, file.stat().st_size))
            watch.passed("copying files", 1)
    except OSError as error:
        raise CannotStart(
            f"a file can't be copied from {source} to {target}: {error.strerror or error}"
        ) from None
    return len(files)


def _kept_files(folder: Path) -> list[Path]:
    """Every file that has its name.

    Raises:
        OSError: a folder can't be looked into.
    """

    def fail(error: OSError) -> None:
        raise error

    return (
        sorted(
            Path(place, name)
            for place, _, names in os.walk(folder, onerror=fail)
            for name in names
            if len(Path(place, name).relative_to(folder).parts) == 3  # noqa: PLR2004  # org, two characters, name
        )
        if folder.exists()
        else []
    )


def _copy_key(source: Path, target: Path) -> None:
    """Copy the key, over the one that a refused start may have made."""
    if source.exists():
        part = target.with_name(f"{target.name}.part")
        with open(part, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(source.read_bytes())
            file.flush()
            os.fsync(file.fileno())
        part.rename(target)
