"""What a table holds: its rows in the order of their keys, page by page, and their count and hash.

The order and the text of a value are the same on both engines, so that one hash compares two
stores, a store and its copy, a store and a backup.
"""

import hashlib
from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

import msgspec

from rapport.store.kit.db import Bulk, Row, StoredTable, Value

# How many rows are read together; the longest have some hundred kilobytes.
PAGE = 1_000
# One value has one text: JSON, one row in a line.
_encode_lines = msgspec.json.Encoder().encode_lines


class Contents(NamedTuple):
    """How many rows a table has, and the SHA-256 of their text in the order of their keys."""

    rows: int
    sha256: str


class Digest:
    """The contents of a table, while it is read."""

    def __init__(self) -> None:
        self._rows = 0
        self._hash = hashlib.sha256()

    def add(self, rows: Sequence[Row]) -> None:
        """Take in the next rows."""
        self._rows += len(rows)
        self._hash.update(_encode_lines(rows))

    def contents(self) -> Contents:
        """What was taken in."""
        return Contents(self._rows, self._hash.hexdigest())


async def pages(bulk: Bulk, table: StoredTable) -> AsyncIterator[list[Row]]:
    """Every row of a table; in a transaction."""
    after: Row | None = None
    while rows := await next_rows(bulk, table, after):
        yield rows
        after = key_of(table, rows[-1])


async def count(bulk: Bulk, table: StoredTable) -> int:
    """How many rows a table has; in a transaction."""
    [(number,)] = await bulk.all(f'SELECT count(*) FROM "{table.name}"')
    return int(number)


async def next_rows(bulk: Bulk, table: StoredTable, after: Row | None) -> list[Row]:
    """The rows that follow a key, up to `PAGE` of them; in a transaction."""
    where, parameters = beyond(table, after)
    return await bulk.all(
        f'SELECT {_names(table.columns)} FROM "{table.name}"{where} '
        f"ORDER BY {_names(table.key)} LIMIT {PAGE}",
        **parameters,
    )


def beyond(table: StoredTable, after: Row | None) -> tuple[str, dict[str, Value]]:
    """The WHERE clause, with its parameters, of the rows that follow a key."""
    if after is None:
        return "", {}
    parameters: dict[str, Value] = {f"key{place}": value for place, value in enumerate(after)}
    where = f" WHERE ({_names(table.key)}) > ({', '.join(f':{name}' for name in parameters)})"
    return where, parameters


def key_of(table: StoredTable, row: Row) -> Row:
    """The key of a row."""
    return tuple(row[table.columns.index(column)] for column in table.key)


def _names(columns: Sequence[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)
