"""Runs of imports: which sources, by which reader, with which journal."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from rapport.clock import Clock, format_rfc3339
from rapport.store.kit.progress import Watch
from rapport.transfer.asking import Taker
from rapport.transfer.engine import Engine, Options
from rapport.transfer.journal import Journals, Run
from rapport.transfer.mapping import Map
from rapport.transfer.read_csv import Table
from rapport.transfer.read_jsonl import JsonLines
from rapport.transfer.read_mail import Mail
from rapport.transfer.records import CannotRead, Reader
from rapport.transfer.undo import Undo

FORMATS = ("csv", "eml", "jsonl", "mbox")
_ENDS = 65_536


class Wanted(NamedTuple):
    """What comes in.

    Args:
        sources: files, or the folder of an export.
        format: one of `FORMATS`.
        map: of a table; None for a guess.
        family: what a table's rows become where the mapping does not say.
        options: how rows are taken.
        refused: the file of refused rows; None for one beside the first source.
    """

    sources: Sequence[Path]
    format: str
    map: Map | None = None
    family: str = "engagements"
    options: Options = Options()
    refused: Path | None = None


def reader_of(wanted: Wanted) -> Reader:
    """What reads the sources.

    Raises:
        CannotRead: they can't be read.
    """
    for source in wanted.sources:
        if not source.exists():
            raise CannotRead(f"there is no {source}")
    if wanted.format == "csv":
        return Table(wanted.sources, wanted.map, wanted.family)
    if wanted.format in {"eml", "mbox"}:
        return Mail(wanted.sources, many=wanted.format == "mbox")
    if len(wanted.sources) != 1:
        raise CannotRead("jsonl takes one folder, or one file, at a time")
    return JsonLines(wanted.sources[0])


def mark(wanted: Wanted, whose: str) -> str:
    """What a run is known again by: the same sources for the same place, taken in the same way."""
    digest = hashlib.sha256(f"{whose}\0{wanted.format}\0{wanted.map}\0{wanted.options}".encode())
    for source in wanted.sources:
        for path in sorted(source.glob("*.jsonl")) if source.is_dir() else [source]:
            size = path.stat().st_size
            digest.update(f"\0{path.resolve()}\0{size}\0".encode())
            with path.open("rb") as file:
                digest.update(file.read(_ENDS))
                file.seek(max(size - _ENDS, 0))
                digest.update(file.read(_ENDS))
    return digest.hexdigest()


async def run(
    taker: Taker,
    reader: Reader,
    wanted: Wanted,
    journals: Journals,
    *,
    whose: str,
    watch: Watch,
    clock: Clock,
) -> Run:
    """Take what sources hold, or go on where this ended before.

    Raises:
        CannotRead: a source can't be read any further.
        InUse: another process does it.
        NotAllowed: the caller may not.
        Refused: the caller may not read what is there.
        Unreachable: there is no answer; the same again goes on.
    """
    names = [str(source) for source in wanted.sources]
    known = mark(wanted, whose)
    with journals.begin(wanted.format, names, known, format_rfc3339(clock())) as journal:
        refused = wanted.refused or _refused_file(wanted.sources[0], journal.run.id, reader.suffix)
        await Engine(taker, reader, journal, refused, wanted.options, watch=watch).run()
        journal.run.state = "done"
        journal.run.finished = format_rfc3339(clock())
        journal.keep()
    return journal.run


def _refused_file(source: Path, id_: str, suffix: str) -> Path:
    return source.resolve().with_name(f"{source.resolve().stem}.{id_}.refused.{suffix}")


async def undo(taker: Taker, journals: Journals, id_: str, *, watch: Watch) -> Undo:
    """Take a run back.

    Raises:
        InUse: another process works on it.
        NoSuchRun: there is none.
        Unreachable: there is no answer; the same again goes on.
    """
    with journals.of(id_) as journal:
        undone = Undo(taker, journal, watch=watch)
        await undone.run()
        journal.run.state = "undone"
        journal.keep()
    return undone
