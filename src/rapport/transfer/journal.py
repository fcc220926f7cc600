"""What a run of an import did, in files: so that it can be listed, go on, and be taken back.

A run has a folder `IMPORT-<n>`: `run.json` with its figures, `changes.jsonl` with a line for each
object that it touched, and `pending.json` with what it was about to write. The figures say how far
`changes.jsonl` counts: what stands behind that was written by a process that ended, and is cut off.
"""

import contextlib
import fcntl
import os
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import msgspec

from rapport.contract.kit.fields import Json
from rapport.transfer.whole import put

State = Literal["running", "done", "undone"]
_RUN, _CHANGES, _PENDING, _LOCK = "run.json", "changes.jsonl", "pending.json", "lock"


class Run(msgspec.Struct, kw_only=True):
    """A run's figures. They count rows of the sources; `made` what came into being beside them."""

    id: str
    state: State = "running"
    format: str
    sources: list[str]
    mark: str
    started: str
    finished: str = ""
    position: int = 0
    deferred: list[int] = []
    new: int = 0
    changed: int = 0
    same: int = 0
    refused: int = 0
    made: dict[str, int] = {}
    first: dict[str, Json] = {}
    refused_file: str = ""
    changes_bytes: int = 0
    refused_bytes: int = 0
    left: list[Json] = []

    @property
    def read(self) -> int:
        """How many rows were read."""
        return self.new + self.changed + self.same + self.refused


class Change(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What happened to one object.

    Args:
        action: `new`, `changed` or `same` of a row, `made` beside them, `known` of what a row's
            object brought with it.
        family: of the object.
        id: its display id.
        source: that of where it comes from.
        says: the hash of what it said afterwards.
        before: what the changed fields were; null where they were not.
    """

    action: Literal["new", "changed", "same", "made", "known"]
    family: str
    id: str
    source: str = ""
    says: str = ""
    before: Json | None = None


class Pending(msgspec.Struct):
    """What was about to be written behind a position: which objects were not there, and what those
    said that were.
    """

    position: int
    absent: list[str] = []
    before: dict[str, Json] = {}


class InUse(Exception):
    """Another process runs this import."""


class NoSuchRun(Exception):
    """There is no import of this id."""


class Journals:
    """The runs in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def runs(self) -> list[Run]:
        """Every run, the oldest first."""
        found = [
            msgspec.json.decode((path / _RUN).read_bytes(), type=Run)
            for path in self._folder.glob("IMPORT-*")
            if (path / _RUN).exists()
        ]
        return sorted(found, key=lambda run: int(run.id.partition("-")[2]))

    def begin(self, format_: str, sources: Sequence[str], mark: str, now: str) -> "Journal":
        """A journal for sources: of the run that did not end, or a new one."""
        for run in self.runs():
            if run.mark == mark and run.state == "running":
                return Journal(self._folder / run.id, run)
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        number = 1 + max((int(run.id.partition("-")[2]) for run in self.runs()), default=0)
        while True:
            path = self._folder / f"IMPORT-{number}"
            with contextlib.suppress(FileExistsError):
                path.mkdir(mode=0o700)
                break
            number += 1
        run = Run(id=path.name, format=format_, sources=[*sources], mark=mark, started=now)
        return Journal(path, run)

    def of(self, id_: str) -> "Journal":
        """The journal of a run.

        Raises:
            NoSuchRun: there is none.
        """
        for run in self.runs():
            if run.id == id_:
                return Journal(self._folder / id_, run)
        raise NoSuchRun(f"there is no import {id_}: rapport import list names them")


class Journal:
    """One run's; to write to it, enter it.

    Raises:
        InUse: another process has it.
    """

    def __init__(self, folder: Path, run: Run) -> None:
        self.run = run
        self._folder = folder
        self._stack = contextlib.ExitStack()
        self._lines: list[bytes] = []

    def __enter__(self) -> Self:
        lock = self._stack.enter_context((self._folder / _LOCK).open("a"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._stack.close()
            raise InUse(f"another process runs {self.run.id} already") from None
        path = self._folder / _CHANGES
        self._changes = self._stack.enter_context(path.open("ab"))
        self._changes.truncate(self.run.changes_bytes)
        self._changes.seek(0, os.SEEK_END)
        self.keep()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def note(self, change: Change) -> None:
        """Note a change; `keep` writes it."""
        self._lines.append(msgspec.json.encode(change) + b"\n")

    def keep(self) -> None:
        """Write what was noted, and then the figures."""
        self._changes.write(b"".join(self._lines))
        self._lines = []
        self._changes.flush()
        os.fsync(self._changes.fileno())
        self.run.changes_bytes = self._changes.tell()
        put(self._folder / _RUN, msgspec.json.encode(self.run))

    def intend(self, pending: Pending) -> None:
        """Note what is about to be written."""
        put(self._folder / _PENDING, msgspec.json.encode(pending))

    def pending(self) -> Pending:
        """What was about to be written where the run ended."""
        path = self._folder / _PENDING
        if path.exists():
            found = msgspec.json.decode(path.read_bytes(), type=Pending)
            if found.position == self.run.position:
                return found
        return Pending(self.run.position)

    def changes(self) -> Iterator[Change]:
        """Every change, in order."""
        path = self._folder / _CHANGES
        if path.exists():
            with path.open("rb") as file:
                while file.tell() < self.run.changes_bytes:
                    yield msgspec.json.decode(file.readline(), type=Change)

    def back(self) -> Iterator[Change]:
        """Every change, the last one first."""
        places = array("q")
        with (self._folder / _CHANGES).open("rb") as file:
            while (place := file.tell()) < self.run.changes_bytes:
                places.append(place)
                file.readline()
            for place in reversed(places):
                file.seek(place)
                yield msgspec.json.decode(file.readline(), type=Change)


def shown(run: Run) -> Json:
    """A run as it is told."""
    told: Any = msgspec.to_builtins(run)
    hidden = {"mark", "position", "deferred", "changes_bytes", "refused_bytes"}
    return {
        **{name: value for name, value in told.items() if name not in hidden},
        "read": run.read,
    }
