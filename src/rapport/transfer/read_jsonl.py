"""Reads what `rapport export --format jsonl` wrote."""

from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from rapport.contract.kit import verbatim
from rapport.contract.kit.fields import Json
from rapport.contract.kit.ids import number_of
from rapport.transfer.families import FAMILIES
from rapport.transfer.lines import byte_lines
from rapport.transfer.records import MOST_BYTES, CannotRead, File, Record
from rapport.transfer.said import said, short

_OWN = ("created_by", "created_date", "modified_by", "modified_date")
_FILES = ("recording", "transcript", "display_picture")
_TOO_LONG = f"The row is longer than {MOST_BYTES:,} bytes."


class JsonLines:
    """Reads a folder; see `Reader`."""

    dates = True
    suffix = "jsonl"

    def __init__(self, folder: Path) -> None:
        """Look into the folder.

        Raises:
            CannotRead: there is nothing of an export.
        """
        self._folder = folder
        self._paths = [
            (family.name, path)
            for family in FAMILIES
            if family.name != "artifacts" and (path := folder / f"{family.name}.jsonl").exists()
        ]
        if folder.is_file() and folder.suffix == ".jsonl":
            name = folder.name.partition(".")[0]
            self._paths = [(one.name, folder) for one in FAMILIES if one.name == name]
            self._folder = folder.parent
        if folder.is_file() and not self._paths:  # refused rows, of which each says its family
            self._paths = [("engagements", folder)]
        if not self._paths:
            raise CannotRead(f"{folder} has no <family>.jsonl of an export")
        self.size = sum(path.stat().st_size for _, path in self._paths)
        self.done = 0
        self._artifacts = _Artifacts(self._folder)

    def records(self) -> Iterator[Record]:
        """Every object, family by family; see `Reader.records`."""
        row = 0
        for family, path in self._paths:
            with path.open("rb") as file:
                for line in byte_lines(file):
                    row += 1
                    self.done += MOST_BYTES if line is None else len(line)
                    yield self._record(row, family, line)

    def _record(self, row: int, family: str, line: bytes | None) -> Record:
        if line is None:
            return Record(row, "", family, problem=_TOO_LONG)
        text = line.decode(errors="replace").rstrip("\r\n")
        try:
            found = verbatim.read(line)
            return self._of(row, found.get("_family", family), text, found)
        except (ValueError, RecursionError, KeyError, TypeError, AttributeError, IndexError):
            return Record(row, text, family, problem="The line is no object of an export.")

    def _of(self, row: int, family: str, text: str, found: Json) -> Record:
        files = [file for one in found.get("artifacts", ()) if (file := self._artifacts.of(one))]
        fields = said(family, found)
        if files:
            fields["artifacts"] = [[file.name, file.size] for file in files]
        return Record(
            row,
            text,
            family,
            fields,
            source=short(found["id"]),
            own={name: _own(found[name]) for name in _OWN if name in found},
            files=files,
            is_deleted="deleted_date" in found,
            more=self._more(family, found),
        )

    def _more(self, family: str, found: Json) -> Json:
        more: Json = {
            name: file
            for name in _FILES
            if name in found and (file := self._artifacts.of(found[name]))
        }
        if family == "accounts" and "default_rev_org" in found:
            more["default_rev_org"] = short(found["default_rev_org"])
        if family == "dev_users":
            more["state"] = found.get("state")
        return more

    def refused(self, file: BinaryIO, record: Record, reason: str) -> None:
        """Write the line with a field more; see `Reader.refused`."""
        try:
            found = verbatim.read(record.raw.encode())
        except ValueError:
            found = {"line": record.raw}
        file.write(msgspec.json.encode({"_family": record.family, **found, "_reason": reason}))
        file.write(b"\n")


def _own(value: Any) -> Any:
    return short(value) if isinstance(value, dict) else value


class _Artifacts:
    """Where in a file of artifacts each of them stands, and its bytes beside."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / "artifacts.jsonl"
        self._places = array("q")
        if self._path.exists():
            self._read()

    def _read(self) -> None:
        place = 0
        with self._path.open("rb") as file:
            for line in byte_lines(file):
                if line is None:
                    raise CannotRead(f"{self._path} has a line of more than {MOST_BYTES:,} bytes")
                number = number_of(msgspec.json.decode(line)["display_id"])
                self._places.extend([-1] * (number + 1 - len(self._places)))
                self._places[number] = place
                place += len(line)

    def of(self, value: Any) -> File | None:
        """The file that an artifact is, named by id or summary; None where its bytes are not
        there.
        """
        number = number_of(short(value))
        if number >= len(self._places) or self._places[number] < 0:
            return None
        with self._path.open("rb") as file:
            file.seek(self._places[number])
            found = msgspec.json.decode(file.readline())
        path = self._folder / "files" / str(found.get("sha256", ""))
        if "sha256" not in found or not path.is_file():
            return None
        told = found["file"]
        return File(
            told["name"], told.get("type", ""), path.stat().st_size, lambda: path.open("rb")
        )
