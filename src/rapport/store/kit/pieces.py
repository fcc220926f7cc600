"""A table's rows as texts that stay the same where their rows do, and the rows of such a text.

Where one piece ends and the next begins is decided by the keys at that place alone: a row that is
added, changed or removed changes the piece that it is in. (A piece that grows too long is parted
once more; then those up to the next such place may move.)
"""

import zlib
from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

import msgspec

from rapport.store.kit import contents
from rapport.store.kit.contents import key_of
from rapport.store.kit.db import Bulk, Row, StoredTable

# How many numbers of an org lie in a piece; where a key has none, one key in as many ends one.
_SPAN = 4_096
# After so many bytes of text a piece ends anyway: it is held in memory.
_LONGEST = 8 * 1024 * 1024
_encode = msgspec.json.Encoder().encode
_decode_lines = msgspec.json.Decoder(dict[str, str | int | None]).decode_lines


class Piece(NamedTuple):
    """Some rows, each a JSON object in a line of `text`."""

    rows: Sequence[Row]
    text: bytes


async def pieces(bulk: Bulk, table: StoredTable) -> AsyncIterator[Piece]:
    """Every row of a table, in pieces; in a transaction."""
    cut = Cut(table)
    async for rows in contents.pages(bulk, table):
        for row in rows:
            if (whole := cut.add(row)) is not None:
                yield whole
    if (rest := cut.rest()) is not None:
        yield rest


class Cut:
    """Parts rows that come in the order of their keys."""

    def __init__(self, table: StoredTable) -> None:
        self._table = table
        self._rows: list[Row] = []
        self._text = bytearray()

    def add(self, row: Row) -> Piece | None:
        """Take the next row; the piece that ended before it."""
        whole = self.rest() if self._ends(row) else None
        self._rows.append(row)
        self._text += _encode(dict(zip(self._table.columns, row, strict=True))) + b"\n"
        return whole

    def rest(self) -> Piece | None:
        """What was added since the last piece ended."""
        if not self._rows:
            return None
        piece = Piece(self._rows, bytes(self._text))
        self._rows, self._text = [], bytearray()
        return piece

    def _ends(self, row: Row) -> bool:
        if len(self._text) > _LONGEST:
            return True
        return bool(self._rows) and _part(
            key_of(self._table, self._rows[-1]), key_of(self._table, row)
        )


def _part(before: Row, key: Row) -> bool:
    """Whether a piece ends between two keys."""
    is_numbered = len(key) > 1 and isinstance(key[1], int)
    if is_numbered and before[0] == key[0]:
        return bool(before[1] // _SPAN != key[1] // _SPAN)
    # An org's first number may change, so of numbered rows the org alone decides.
    return zlib.crc32(_encode(key[:1] if is_numbered else key)) % _SPAN == 0


def rows_of(text: bytes, columns: Sequence[str]) -> list[Row]:
    """The rows of a piece, their values in the order of the columns.

    Raises:
        ValueError: it is no piece of such a table.
    """
    try:
        return [tuple(line[name] for name in columns) for line in _decode_lines(text)]
    except KeyError as error:
        raise ValueError(f"a row has no {error}") from None
