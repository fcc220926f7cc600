"""Which column of a table is which field: guessed, or as a file says."""

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import inspect

from rapport.clock import format_rfc3339
from rapport.contract.kit import verbatim
from rapport.contract.kit.fields import Instant
from rapport.contract.kit.upserts import types_of
from rapport.contract.table import METHODS
from rapport.transfer.families import BY_NAME
from rapport.transfer.records import CannotRead

LEFT_OUT = "-"
_Unset: Any = type(inspect.type_info(msgspec.UnsetType))
CUSTOM = "custom_fields."
FAMILIES = ("accounts", "engagements", "meetings", "rev_orgs", "rev_users", "tags", "works")
# What programs call a field of ours.
_CALLED = {
    "accounts": {"name": "display_name", "company": "display_name", "company_name": "display_name",
                 "domain": "domains", "website": "websites", "owner": "owned_by"},
    "engagements": {"subject": "title", "date": "scheduled_date", "start": "scheduled_date",
                    "when": "scheduled_date", "type": "engagement_type", "kind": "engagement_type",
                    "notes": "description", "body": "description", "participants": "members",
                    "attendees": "members", "email": "members", "account": "parent",
                    "company": "parent", "url": "external_url"},
    "meetings": {"subject": "title", "date": "scheduled_date", "start": "scheduled_date",
                 "end": "ended_date", "notes": "description", "participants": "members",
                 "attendees": "members", "account": "parent", "company": "parent",
                 "status": "state", "url": "external_url"},
    "rev_orgs": {"name": "display_name"},
    "rev_users": {"name": "display_name", "full_name": "display_name", "phone": "phone_numbers",
                  "email_address": "email", "company": "account", "company_name": "account"},
    "tags": {},
    "works": {"name": "title", "owner": "owned_by", "close_date": "target_close_date",
              "company": "account"},
}  # fmt: skip
# Columns of our own export that a new object gets from who makes it, or that are reckoned.
_OURS = frozenset(
    {"id", "display_id", "deleted_by", "deleted_date", "is_verified", "last_engagement",
     "next_engagement", "engagements_last_30_days"}
)  # fmt: skip
_WORD = re.compile(r"[^a-z0-9]+")


class Map(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A mapping.

    Args:
        family: of what rows become.
        columns: by header the field; `custom_fields.<name>` for what is kept beside, `-` for what
            is left out.
        defaults: fields that a row gets which has none.
        values: by field what its cells mean, such as `Phone` a `call`.
        encoding: of the file; empty for what it shows itself.
        delimiter: between cells.
        zone: of dates without one.
        date_format: of dates that are not ISO 8601, as Python's strptime reads it.
    """

    family: str = "engagements"
    columns: dict[str, str] = {}
    defaults: dict[str, str] = {}
    values: dict[str, dict[str, str]] = {}
    encoding: str = ""
    delimiter: str = ","
    zone: str = "UTC"
    date_format: str = ""


def load(path: Path) -> Map:
    """Read a mapping.

    Raises:
        CannotRead: it is none.
    """
    try:
        found = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Map)
    except (OSError, ValueError) as error:
        raise CannotRead(f"the mapping {path} can't be read: {error}") from None
    check(found)
    return found


def check(found: Map) -> None:
    """Refuse a mapping that says what can't be.

    Raises:
        CannotRead: it does.
    """
    if found.family not in FAMILIES:
        raise CannotRead(f"family: {found.family!r} is none of {', '.join(FAMILIES)}")
    known = fields_of(found.family)
    for name in [*found.columns.values(), *found.defaults, *found.values]:
        if name not in known and name != LEFT_OUT and not name.startswith(CUSTOM):
            raise CannotRead(f"{found.family} have no field {name!r}")
    if len(found.delimiter) != 1:
        raise CannotRead(f"delimiter: {found.delimiter!r} is not one character")
    zone_of(found.zone)


def zone_of(name: str) -> tzinfo:
    """A time zone.

    Raises:
        CannotRead: there is none of this name.
    """
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        raise CannotRead(f"there is no time zone {name!r}") from None


@cache
def fields_of(family: str) -> Mapping[str, inspect.Type]:
    """The fields that a row may have, with their types."""
    found = dict(types_of(METHODS[f"{BY_NAME[family].methods}.create"].request))
    return {name: _inner(one) for name, one in found.items() if name not in {"expand", "type"}}


def _inner(info: inspect.Type) -> inspect.Type:
    """A type without what may stand in its place."""
    if isinstance(info, inspect.Metadata):
        return _inner(info.type)
    if isinstance(info, inspect.UnionType):
        return next(
            _inner(one) for one in info.types if not isinstance(one, _Unset | inspect.NoneType)
        )
    return info


def guessed(family: str, headers: Sequence[str]) -> dict[str, str]:
    """By header the field that it most likely is; each field once."""
    known, called = fields_of(family), _CALLED[family]
    columns: dict[str, str] = {}
    for header in headers:
        word = _WORD.sub("_", header.strip().lower()).strip("_")
        field = word if word in known else called.get(word, "")
        if word in _OURS:
            columns[header] = LEFT_OUT
        elif field in known and field not in columns.values():
            columns[header] = field
        else:
            columns[header] = f"{CUSTOM}{header}"
    # Ours say the same twice.
    fields = set(columns.values())
    if {"parent", "parents"} <= fields:
        columns = {one: LEFT_OUT if to == "parent" else to for one, to in columns.items()}
    return columns


def toml(found: Map) -> str:
    """A mapping as its file."""
    plain = msgspec.to_builtins(found)
    lines = [
        "# Which column is which field; custom_fields.<name> is kept beside, - is left out.",
        *(f"{name} = {_quoted(value)}" for name, value in plain.items() if isinstance(value, str)),
    ]
    for table in ("columns", "defaults"):
        lines += ["", f"[{table}]"]
        lines += [f"{_quoted(one)} = {_quoted(to)}" for one, to in plain[table].items()]
    for field, values in plain["values"].items():
        lines += ["", f"[values.{_quoted(field)}]"]
        lines += [f"{_quoted(one)} = {_quoted(to)}" for one, to in values.items()]
    return "\n".join([*lines, ""])


def _quoted(text: str) -> str:
    """A text in TOML; its escapes are those of JSON but for one."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


# Cells


def value_of(kind: inspect.Type, text: str, found: Map) -> Any:
    """A cell as a field of a type takes it; what can't be read so stays text, so that the server
    says what is wrong with it.
    """
    if isinstance(kind, inspect.ListType):
        return [value_of(_inner(kind.item_type), one, found) for one in parts(text)]
    if isinstance(kind, inspect.CustomType):
        return moment(text, found) if kind.cls is Instant else text
    if isinstance(kind, inspect.StrType | inspect.LiteralType):
        return text
    if isinstance(kind, inspect.BoolType) and text.lower() in {"true", "false"}:
        return text.lower() == "true"
    try:
        return verbatim.read(text.encode())
    except (ValueError, RecursionError):
        return text


_PARTS = re.compile(r"(?:[^;\\]|\\.)+", re.DOTALL)


def parts(text: str) -> list[str]:
    """The texts of a cell, parted by `;`."""
    found = (re.sub(r"\\([;\\])", r"\1", one).strip() for one in _PARTS.findall(text))
    return [one for one in found if one]


def moment(text: str, found: Map) -> Any:
    """A date as microseconds since 1970; a text that is none stays one."""
    try:
        read = (
            datetime.strptime(text, found.date_format)  # noqa: DTZ007  # its zone is put in below
            if found.date_format
            else datetime.fromisoformat(text.strip())
        )
        if read.tzinfo is None:
            read = read.replace(tzinfo=zone_of(found.zone))
        return int((read.astimezone(UTC) - _EPOCH).total_seconds()) * 1_000_000 + read.microsecond
    except (ValueError, OverflowError):
        return text


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def unsafe(text: str) -> str:
    """A text without the `'` that export puts before what looks like a formula."""
    is_put = text[:1] == "'" and text[1:2] in {"=", "+", "-", "@", "\t", "\r", "'"}
    return text[1:] if is_put else text


def written(micros: int) -> str:
    """A date as requests have it."""
    return format_rfc3339(micros)
