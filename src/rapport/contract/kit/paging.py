"""Sort orders and cursors (behaviour: Lists): opaque to clients, tied to the list and sort that
made them.
"""

import base64
import binascii
import zlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from rapport.contract.kit.errors import ValueNotPermitted
from rapport.contract.kit.fields import bad_cursor

CursorKey = tuple[int | str, ...]


class Sort(NamedTuple):
    """One part of a sort order: the wire's field name and its direction."""

    field: str
    descending: bool

    def __str__(self) -> str:
        return f"{self.field}:{'desc' if self.descending else 'asc'}"


def parse_sort(sort_by: Sequence[str], allowed: Sequence[str], default: Sort) -> tuple[Sort, ...]:
    """Read `sort_by`; without entries, the default.

    Raises:
        ValueNotPermitted: an entry is not `<field>:<asc|desc>` of an allowed field, or a field
            comes twice.
    """
    sorts: list[Sort] = []
    for position, entry in enumerate(sort_by):
        field, _, direction = entry.partition(":")
        twice = any(field == sort.field for sort in sorts)
        if field not in allowed or direction not in {"asc", "desc"} or twice:
            reason = "names a field twice" if twice else "must be <field>:asc or <field>:desc"
            raise ValueNotPermitted(
                f"sort_by[{position}]: {entry[:80]!r} {reason}.",
                detail="Use each field at most once, with its direction.",
                field_name=f"sort_by[{position}]",
                reason=reason,
                allowed_values=[f"{name}:{way}" for name in allowed for way in ("asc", "desc")],
            )
        sorts.append(Sort(field, direction == "desc"))
    return tuple(sorts) or (default,)


class Cursor(NamedTuple):
    """A place in a list: the sort values and the number of the row at it.

    `inclusive` counts that row in: so a walk can turn round at a row that is gone.
    """

    key: CursorKey
    inclusive: bool = False


def encode_cursor(list_name: str, sorts: Sequence[Sort], cursor: Cursor) -> str:
    """Write a cursor; the longest sort values take less than a request's cursor may have
    (`CURSOR_LENGTH`).
    """
    body = msgspec.msgpack.encode(
        [_signature(list_name, sorts), cursor.inclusive, list(cursor.key)]
    )
    return base64.urlsafe_b64encode(zlib.crc32(body).to_bytes(4, "big") + body).decode().rstrip("=")


def decode_cursor(
    list_name: str, sorts: Sequence[Sort], types: Mapping[str, type], text: str
) -> Cursor:
    """Read a cursor that `encode_cursor` wrote for the same list and sort.

    Raises:
        InvalidField: it did not.
    """
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        crc, body = raw[:4], raw[4:]
        signature, inclusive, key = msgspec.msgpack.decode(
            body, type=tuple[str, bool, list[int | str]]
        )
    except (ValueError, binascii.Error):
        raise bad_cursor() from None
    wanted = [types[sort.field] for sort in sorts] + [int]
    if (
        zlib.crc32(body).to_bytes(4, "big") != crc
        or signature != _signature(list_name, sorts)
        or [type(value) for value in key] != wanted
        or any(isinstance(value, int) and not -(2**63) <= value < 2**63 for value in key)
    ):
        raise bad_cursor()
    return Cursor(tuple(key), inclusive)


def _signature(list_name: str, sorts: Sequence[Sort]) -> str:
    return " ".join([list_name, *map(str, sorts)])
