"""Rows in pieces: all of them come back, and a change stays in its piece."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapport.store.kit import pieces
from rapport.store.kit.db import Row, StoredTable
from rapport.store.kit.pieces import Cut, Piece, rows_of

_NUMBERED = StoredTable("numbered", ("number", "org", "text"), ("org", "number"))
_NAMED = StoredTable("named", ("name", "org", "text"), ("org", "name"))
_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_ROWS = st.dictionaries(
    st.tuples(st.sampled_from("AB"), st.integers(0, 60)), st.none() | _TEXTS, max_size=60
)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "_SPAN", 4)


def _cut(table: StoredTable, rows: list[Row]) -> list[Piece]:
    cut = Cut(table)
    found = [cut.add(row) for row in rows]
    return [piece for piece in (*found, cut.rest()) if piece is not None]


def _rows(table: StoredTable, found: dict[tuple[str, int], Any]) -> list[Row]:
    return [
        (number if table is _NUMBERED else f"{number:03}", org, text)
        for (org, number), text in sorted(found.items())
    ]


@pytest.mark.parametrize("table", [_NUMBERED, _NAMED])
@given(found=_ROWS)
def test_all_rows_come_back_in_their_order(
    table: StoredTable, found: dict[tuple[str, int], Any]
) -> None:
    rows = _rows(table, found)
    cut = _cut(table, rows)
    assert [row for piece in cut for row in rows_of(piece.text, table.columns)] == rows
    assert all(piece.text.count(b"\n") == len(piece.rows) > 0 for piece in cut)


@pytest.mark.parametrize("table", [_NUMBERED, _NAMED])
@given(found=_ROWS, org=st.sampled_from("AB"), number=st.integers(0, 60), text=_TEXTS)
def test_a_row_that_is_added_or_changed_leaves_all_pieces_but_its_own(
    table: StoredTable, found: dict[tuple[str, int], Any], org: str, number: int, text: str
) -> None:
    before = _cut(table, _rows(table, found))
    after = _cut(table, _rows(table, {**found, (org, number): text}))
    # It may part a piece in two.
    assert len({piece.text for piece in after} - {piece.text for piece in before}) <= 2
    assert len({piece.text for piece in before} - {piece.text for piece in after}) <= 1


def test_a_piece_ends_where_it_grows_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "_SPAN", 1000)
    monkeypatch.setattr(pieces, "_LONGEST", 100)
    cut = _cut(_NUMBERED, [(number, "A", "x" * 40) for number in range(1, 7)])
    assert [len(piece.rows) for piece in cut] == [2, 2, 2]


def test_a_line_that_lacks_a_column_is_refused() -> None:
    with pytest.raises(ValueError, match="a row has no 'text'"):
        rows_of(b'{"org": "A", "number": 1}\n', _NUMBERED.columns)
