"""Writing what goes out into a folder: JSON Lines, CSV or iCalendar, and a manifest behind all."""

import contextlib
import hashlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol

import msgspec

from rapport import __version__
from rapport.clock import Clock, format_rfc3339
from rapport.contract.kit.fields import Json
from rapport.store.kit.progress import Watch
from rapport.transfer import csv_out, ics_out
from rapport.transfer.asking import Asker
from rapport.transfer.export import Wanted, feed_end, named, records
from rapport.transfer.whole import put

MANIFEST = "manifest.json"
FILES = "files"
FORMATS = ("csv", "ics", "jsonl")


class CannotExport(Exception):
    """Nothing can go out; one sentence says why."""


class Writer(Protocol):
    """Writes the objects of one family."""

    def write(self, line: bytes) -> bool:
        """Write one object; False where the format has no place for it."""
        ...

    def end(self) -> None:
        """Write what comes behind all of them."""
        ...


class Form(NamedTuple):
    """How objects are written.

    Args:
        format: one of `FORMATS`.
        bom: CSV begins with a byte order mark, for Excel.
        files: the bytes of artifacts too.
    """

    format: str = "jsonl"
    bom: bool = False
    files: bool = True


class _Lines:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, line: bytes) -> bool:
        """Write a line."""
        self._file.write(line + b"\n")
        return True

    def end(self) -> None:
        """Nothing comes behind."""


def _writer(form: Form, family: str, file: BinaryIO) -> Writer:
    makers: dict[str, Callable[[], Writer]] = {
        "csv": lambda: csv_out.Rows(file, family, bom=form.bom),
        "ics": lambda: ics_out.Calendar(file),
        "jsonl": lambda: _Lines(file),
    }
    return makers[form.format]()


async def export(
    asker: Asker, folder: Path, wanted: Wanted, form: Form, *, watch: Watch, clock: Clock
) -> Json:
    """Write what is wanted into a new or empty folder; the manifest, which stands there once all
    else does.

    Raises:
        CannotExport: it can't be written.
        Refused: the caller may not read it.
    """
    try:
        _prepare(folder)
        with contextlib.ExitStack() as stack:
            going = _Export(asker, folder, wanted, form, watch=watch, stack=stack)
            return await going.run(clock)
    except OSError as error:
        raise CannotExport(f"{folder} can't be written: {error.strerror or error}") from None


def _prepare(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise CannotExport(f"{folder} is not empty: name a new or an empty folder")


class _Export:
    """An export on its way."""

    def __init__(
        self,
        asker: Asker,
        folder: Path,
        wanted: Wanted,
        form: Form,
        *,
        watch: Watch,
        stack: contextlib.ExitStack,
    ) -> None:
        self._asker = asker
        self._folder = folder
        self._wanted = wanted
        self._form = form
        self._watch = watch
        self._stack = stack
        self._counts: Counter[str] = Counter()
        self._writers: dict[str, Writer] = {}
        self._files: set[str] = set()

    async def run(self, clock: Clock) -> Json:
        """Write all of it."""
        # Before anything is read: what changes meanwhile comes again with the next --since.
        sequence, began = await feed_end(self._asker), clock()
        async for family, line in records(self._asker, self._wanted):
            if family == "artifacts" and self._form.files and self._form.format == "jsonl":
                line = await self._with_file(line)  # noqa: PLW2901  # the same object
            self._counts[family] += self._writer(family).write(line)
            self._watch.passed(f"exporting {family}", 1)
        for writer in self._writers.values():
            writer.end()
        self._stack.close()
        return self._finish(sequence, began)

    def _writer(self, family: str) -> Writer:
        if family not in self._writers:
            path = self._folder / f"{family}.{self._form.format}"
            file = self._stack.enter_context(path.open("xb"))
            self._writers[family] = _writer(self._form, family, file)
        return self._writers[family]

    async def _with_file(self, line: bytes) -> bytes:
        """An artifact with the hash of its bytes, which are put beside, each content once."""
        part = self._folder / FILES / ".part"
        part.parent.mkdir(exist_ok=True)
        digest = hashlib.sha256()
        size = 0
        with part.open("wb") as file:
            async for chunk in self._asker.bytes_of(named(line).id):
                digest.update(chunk)
                size += file.write(chunk)
        artifact: Any = msgspec.json.decode(line)
        if not size and "size" not in artifact["file"]:  # nothing was ever uploaded
            part.unlink()
            return line
        part.rename(part.with_name(digest.hexdigest()))
        self._files.add(digest.hexdigest())
        return msgspec.json.encode({**artifact, "sha256": digest.hexdigest()})

    def _finish(self, sequence: int, began: int) -> Json:
        manifest: Json = {
            "format": self._form.format,
            "created": format_rfc3339(began),
            "program": __version__,
            "sequence": sequence,
            "since": self._wanted.since,
            "deleted": self._wanted.deleted,
            "where": dict(self._wanted.where),
            "counts": {name: self._counts[name] for name in sorted(self._counts)},
            "files": len(self._files),
        }
        text = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
        put(self._folder / MANIFEST, text + b"\n")
        return manifest
