"""Reads a table of rows, each of which becomes an object of one family."""

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from rapport.contract.kit import ids
from rapport.contract.kit.fields import Json
from rapport.transfer import mapping
from rapport.transfer.lines import Lines, TooLong, open_text
from rapport.transfer.mapping import CUSTOM, LEFT_OUT, Map
from rapport.transfer.records import MOST_BYTES, CannotRead, Person, Record

_OWN = frozenset({"created_by", "created_date", "modified_by", "modified_date"})
_REASON = "import_reason"
# By family the fields that stand for who took part and for customers.
_PEOPLE = frozenset({"members"})
_ACCOUNTS = frozenset({"account", "parent", "parents"})
_USERS = frozenset({
    "contacts", "created_by", "modified_by", "organizer", "owned_by", "reported_by", "reports_to",
})  # fmt: skip
# What has nothing else to be told by gets a ref from its cells.
_HASHED = frozenset({"engagements", "meetings", "rev_orgs", "works"})
csv.field_size_limit(MOST_BYTES)


class Table:
    """Reads files with one header each; see `Reader`.

    Args:
        paths: of the files.
        found: the mapping; None for a guess.
        family: what rows become where the mapping does not say.
    """

    suffix = "csv"

    def __init__(self, paths: Sequence[Path], found: Map | None, family: str) -> None:
        self._paths = paths
        self.size = sum(path.stat().st_size for path in paths)
        self.done = 0
        first = found or Map(family=family)
        self._headers = {path: self._header(path, first) for path in paths}
        self.map = found or Map(
            family=family, columns=mapping.guessed(family, self._headers[paths[0]])
        )
        self.dates = bool(_OWN & {*self.map.columns.values(), *self.map.defaults})
        self._fields = mapping.fields_of(self.map.family)

    def _header(self, path: Path, found: Map) -> list[str]:
        file, _ = open_text(path, found.encoding)
        with file:
            lines = Lines(file)
            try:
                header = next(_rows(lines, found), None)
            except (UnicodeError, csv.Error, TooLong):
                raise CannotRead(
                    f"{path} has no header that can be read: name its encoding and delimiter in a "
                    "mapping"
                ) from None
        if not header:
            raise CannotRead(f"{path} has no header")
        return _distinct(header)

    def records(self) -> Iterator[Record]:
        """Every row; see `Reader.records`."""
        row, behind = 0, 0
        for path in self._paths:
            file, encoding = open_text(path, self.map.encoding)
            with file:
                lines = Lines(file)
                try:
                    for cells, problem in _cells(lines, self.map):
                        row += 1
                        self.done = behind + _place(file)
                        yield self._record(row, self._headers[path], cells, problem)
                except UnicodeError as error:
                    raise CannotRead(f"{path} is not {encoding}: {error}") from None
            behind += path.stat().st_size

    def _record(
        self, row: int, header: Sequence[str], cells: Sequence[str], problem: str
    ) -> Record:
        raw = dict(zip(header, cells, strict=False))
        if len(cells) > len(header) and not problem:
            problem = f"The row has {len(cells)} cells, and the header {len(header)}."
        if problem:
            return Record(row, raw, self.map.family, problem=problem)
        return self._read(row, raw)

    def _read(self, row: int, raw: Mapping[str, str]) -> Record:
        fields: Json = {}
        own: Json = {}
        custom: Json = {}
        people: list[Person] = []
        accounts: list[str] = []
        for name, text in self._cells(raw):
            if name.startswith(CUSTOM):
                custom[name.removeprefix(CUSTOM)] = text
            elif name in _PEOPLE:
                people += [Person(one) for one in mapping.parts(text)]
            elif name in _ACCOUNTS:
                accounts += mapping.parts(text)
            else:
                value = self._value(name, text)
                (own if name in _OWN else fields)[name] = value
        if custom:
            fields["custom_fields"] = {**custom, **fields.get("custom_fields", {})}
        if self.map.family in _HASHED and "external_ref" not in fields:
            fields["external_ref"] = f"import:{_hash(raw)}"
        if self.map.family == "works":
            fields = {"type": "opportunity", "applies_to_part": "-", **fields}
        return Record(row, raw, self.map.family, fields, own=own, people=people, accounts=accounts)

    def _cells(self, raw: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        """The fields of a row, with their texts."""
        there = set()
        for header, cell in raw.items():
            name = self.map.columns.get(header, f"{CUSTOM}{header}")
            if header == _REASON or name == LEFT_OUT or not cell:
                continue
            there.add(name)
            yield name, mapping.unsafe(self.map.values.get(name, {}).get(cell, cell))
        for name, text in self.map.defaults.items():
            if name not in there:
                yield name, text

    def _value(self, name: str, text: str) -> Any:
        if name == "tags":
            return [_tag(one) for one in mapping.parts(text)]
        value = mapping.value_of(self._fields[name], text, self.map)
        if name in _OWN and isinstance(value, int):
            return mapping.written(value)
        if name in _USERS:
            return [_user(one) for one in value] if isinstance(value, list) else _user(value)
        return value

    def refused(self, file: BinaryIO, record: Record, reason: str) -> None:
        """Write the row with a column more; see `Reader.refused`."""
        header = self._headers[self._paths[0]]
        columns = [*(one for one in header if one != _REASON), _REASON]
        text = io.StringIO()
        rows = csv.writer(text, delimiter=self.map.delimiter)
        if file.tell() == 0:
            rows.writerow(columns)
        rows.writerow([*(record.raw.get(one, "") for one in columns[:-1]), reason])
        encoding = self.map.encoding or "utf-8"
        file.write(text.getvalue().encode("utf-8" if "16" in encoding else encoding, "replace"))


def _rows(lines: Lines, found: Map) -> Iterator[list[str]]:
    return csv.reader(lines, delimiter=found.delimiter, strict=True)


def _cells(lines: Lines, found: Map) -> Iterator[tuple[list[str], str]]:
    """Every row behind the header: its cells, and what is wrong with it."""
    rows = _rows(lines, found)
    next(rows)
    while True:
        lines.next_row()
        try:
            cells = next(rows, None)
        except TooLong:
            yield [], f"The row is longer than {MOST_BYTES:,} bytes."
            continue
        except csv.Error as error:
            yield ["".join(lines.taken)], f"The row is no CSV: {error}."
            continue
        if cells is None:
            return
        if cells:
            yield cells, ""


def _place(file: Any) -> int:
    """How many bytes of a file were read."""
    return int(file.buffer.tell())


def _distinct(header: Sequence[str]) -> list[str]:
    """Names for all columns; one that stands there twice gets a number."""
    names: list[str] = []
    seen: dict[str, int] = {}
    for place, one in enumerate(header, 1):
        name = one.strip() or f"column {place}"
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return names


def _tag(text: str) -> Json:
    name, equals, value = text.partition("=")
    if ids.is_don(name) or name.startswith(ids.TAG.display_id("")):
        return {"id": name, **({"value": value} if equals else {})}
    return {"name": name, **({"value": value} if equals else {})}


def _user(text: str) -> str:
    """Somebody by their address, if it is one."""
    return f"email:{text}" if "@" in text and ":" not in text else text


def _hash(raw: Mapping[str, str]) -> str:
    cells = [f"{name}\0{text}" for name, text in sorted(raw.items()) if name != _REASON]
    return hashlib.sha256("\0\0".join(cells).encode("utf-8", "surrogatepass")).hexdigest()[:32]
