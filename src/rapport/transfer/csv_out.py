"""CSV: a file for each family, a row for each object, a column for each field."""

import csv
import io
from functools import cache
from typing import Any, BinaryIO

import msgspec

from rapport.contract import (
    accounts,
    artifacts,
    dev_users,
    engagements,
    links,
    meetings,
    rev_orgs,
    rev_users,
    tags,
    timeline_entries,
    works,
)
from rapport.contract.kit import verbatim

_SHAPES: dict[str, type[msgspec.Struct]] = {
    "accounts": accounts.Account,
    "artifacts": artifacts.Artifact,
    "dev_users": dev_users.DevUser,
    "engagements": engagements.Engagement,
    "links": links.Link,
    "meetings": meetings.Meeting,
    "rev_orgs": rev_orgs.RevOrg,
    "rev_users": rev_users.RevUser,
    "tags": tags.Tag,
    "timeline_entries": timeline_entries.TimelineComment,
    "works": works.Opportunity,
}
_EVENTS = ("type", "id", "sequence", "timestamp", "actor", "object")
# Programs take a text that begins so for a formula, or hide the first sign of it.
_RISKY = ("=", "+", "-", "@", "\t", "\r", "'")
BOM = "\ufeff"
# The fields that come first; the others follow by name.
_FIRST = ("id", "display_id", "external_ref", "title", "display_name", "name")


@cache
def columns(family: str) -> tuple[str, ...]:
    """The columns of a family's file."""
    if family not in _SHAPES:
        return _EVENTS
    shown = msgspec.structs.fields(_SHAPES[family])
    # A tag's value stands beside its name.
    fields = [field.encode_name for field in shown if field.name != "tag_values"]
    first = [name for name in _FIRST if name in fields]
    return (*first, *sorted(set(fields) - set(first)))


class Rows:
    """Writes rows.

    Args:
        file: to write to.
        family: whose objects come.
        bom: begin with a byte order mark.
    """

    def __init__(self, file: BinaryIO, family: str, *, bom: bool) -> None:
        self._file = file
        self._columns = columns(family)
        self._text = io.StringIO()
        self._csv = csv.writer(self._text)
        self._file.write(BOM.encode() if bom else b"")
        self._row(list(self._columns))

    def write(self, line: bytes) -> bool:
        """Write an object's row."""
        fields: Any = verbatim.read(line)
        self._row([cell(fields.get(name), name) for name in self._columns])
        return True

    def _row(self, cells: list[str]) -> None:
        self._csv.writerow(cells)
        self._file.write(self._text.getvalue().encode())
        self._text.seek(0)
        self._text.truncate()

    def end(self) -> None:
        """Nothing comes behind."""


def cell(value: Any, name: str = "") -> str:
    """A value as a cell: of what the object refers to its address or its id, several parted by
    `;`.
    """
    if isinstance(value, str):
        return safe(value)
    if isinstance(value, list):
        return safe(";".join(part(_plain(one)) for one in value))
    if isinstance(value, dict) and name not in {"custom_fields", "snap_kit_body"}:
        return safe(_plain(value))
    return "" if value is None else _json(value)


def safe(text: str) -> str:
    """A text that no program takes for a formula."""
    return f"'{text}" if text.startswith(_RISKY) else text


def part(text: str) -> str:
    """One of several texts in a cell."""
    return text.replace("\\", "\\\\").replace(";", "\\;")


def _plain(value: Any) -> str:
    if not isinstance(value, dict):
        return value if isinstance(value, str) else _json(value)
    if isinstance(value.get("tag"), dict):  # a tag with its value here
        own = f"={value['value']}" if "value" in value else ""
        return f"{value['tag']['name']}{own}"
    for name in ("email", "display_id", "name"):
        if isinstance(value.get(name), str):
            return str(value[name])
    return _json(value)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
