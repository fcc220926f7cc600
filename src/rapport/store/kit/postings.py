"""The index of words, in one ordinary table: which objects of a kind have a word.

Numbers are indexed in blocks of neighbours. A row has the words of a block that begin with the same
letters, and behind each word the places in the block that have it, as distances from one to the
next: one letter for each, so that UTF-8 spends a byte on most. Blocks are read newest first or
oldest first, so that an answer comes in order and ends where a page is full.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

from rapport.store.kit.db import Bulk, Tx

# How many numbers are a block. What holds a distance has to be fewer than letters before the
# surrogates.
BLOCK = 4_096
# What stands between a word and its places: no distance and no word is so written.
_BETWEEN = "\1"
_LETTERS = [chr(distance + 1) for distance in range(BLOCK + 1)]
_DISTANCES = {letter: distance for distance, letter in enumerate(_LETTERS)}
# What marks begin with: letters for private use, which no text's word has.
_FIRST_MARK, _LAST_MARK = "\ue001", "\ue0ff"
# Scripts from here on have so many letters that one of them tells enough.
_MANY_LETTERS = "\u2e80"
_LAST_LETTER = "\U0010ffff"


class Space(NamedTuple):
    """Whose numbers are indexed: an org's, of a kind that has a number of its own in the index."""

    org: str
    kind: int


def block_of(number: int) -> int:
    """The block that a number is in."""
    return (number - 1) // BLOCK


def place_of(number: int) -> int:
    """A number's place in its block, from 1."""
    return (number - 1) % BLOCK + 1


def number_at(block: int, place: int) -> int:
    """The number at a place of a block."""
    return block * BLOCK + place


def is_mark(word: str) -> bool:
    """Whether no text has a word, but for what stands behind its first letter."""
    return _FIRST_MARK <= word[:1] <= _LAST_MARK


def head_of(word: str) -> str:
    """The letters by which a word's row is found."""
    start = 1 if is_mark(word) else 0
    return word[: start + (1 if word[start : start + 1] >= _MANY_LETTERS else 2)]


def _packed(places: Iterable[int], last: int = 0) -> str:
    return "".join(_LETTERS[after - before] for before, after in pairwise((last, *places)))


def places(packed: str) -> set[int]:
    """The places behind a word."""
    return set(accumulate(map(_DISTANCES.__getitem__, packed)))


def _added(packed: str, more: Sequence[int]) -> str:
    """The places behind a word, and more of them, which are sorted."""
    last = sum(map(_DISTANCES.__getitem__, packed))
    if more[0] > last:
        return packed + _packed(more, last)
    return _packed(sorted(places(packed).union(more)))


def _cell(words: Mapping[str, str]) -> str:
    return _BETWEEN.join(part for pair in words.items() for part in pair)


def _words(cell: str) -> dict[str, str]:
    parts = cell.split(_BETWEEN)
    return dict(zip(parts[::2], parts[1::2], strict=True))


class Found:
    """What was read of a block."""

    __slots__ = ("_words",)

    def __init__(self) -> None:
        self._words: dict[str, str] = {}

    def add(self, cell: str) -> None:
        """Take in a row."""
        self._words |= _words(cell)

    def having(self, word: str) -> set[int]:
        """The places that have a word."""
        packed = self._words.get(word)
        return places(packed) if packed else set()

    def beginning(self, letters: str) -> set[int]:
        """The places that have a word that begins so."""
        found = [places(of) for word, of in self._words.items() if word.startswith(letters)]
        return set().union(*found)

    def common(self, words: Collection[str]) -> set[int]:
        """The places that have all of some words; the rarest first."""
        packed = sorted((self._words.get(word, "") for word in words), key=len)
        found = places(packed[0])
        for more in packed[1:]:
            if not found:
                break
            found.intersection_update(accumulate(map(_DISTANCES.__getitem__, more)))
        return found


async def read(
    tx: Tx | Bulk, space: Space, blocks: Sequence[int], words: Iterable[str], begun: Iterable[str]
) -> dict[int, Found]:
    """Of blocks the rows of words, and of all words that begin so."""
    heads = {(head_of(word), head_of(word)) for word in words}
    # What begins so shortly has the heads of all that go on.
    heads |= {
        (head_of(one), head_of(one) + ("" if head_of(one + "00") == head_of(one) else _LAST_LETTER))
        for one in begun
    }
    found = {block: Found() for block in blocks}
    rows = await tx.all(
        """
        SELECT x.block, x.words
        FROM rows(:wanted, block bigint, first text, last text) r CROSS JOIN derived_search x
        WHERE x.org = :org AND x.kind = :kind AND x.block = r.block
        AND x.head >= r.first AND x.head <= r.last
        """,
        org=space.org,
        kind=space.kind,
        wanted=[(block, first, last) for block in blocks for first, last in sorted(heads)],
    )
    for block, cell in rows:
        found[block].add(cell)
    return found


async def newest(tx: Tx, org: str, kinds: Sequence[int]) -> dict[int, int]:
    """The last block of each of these kinds that has any."""
    rows = await tx.all(
        """
        SELECT r.kind, (SELECT max(x.block) FROM derived_search x
                        WHERE x.org = :org AND x.kind = r.kind)
        FROM rows(:kinds, kind bigint) r
        """,
        org=org,
        kinds=[(kind,) for kind in kinds],
    )
    return {kind: block for kind, block in rows if block is not None}


# Writing


async def add(tx: Tx | Bulk, space: Space, block: int, words: Mapping[str, Sequence[int]]) -> None:
    """Let places of a block, sorted, have words too."""
    cells = await _cells(tx, space, block, sorted({head_of(word) for word in words}))
    for word, more in words.items():
        cell = cells.setdefault(head_of(word), {})
        cell[word] = _added(cell.get(word, ""), more)
    await _write(tx, space, block, cells)


async def take(
    tx: Tx | Bulk, space: Space, block: int, gone: set[int], words: Collection[str] | None = None
) -> set[str]:
    """Let places of a block have none of some words any more, or no words at all; which words any
    of them had.
    """
    heads = None if words is None else sorted({head_of(word) for word in words})
    changed: dict[str, dict[str, str]] = {}
    had: set[str] = set()
    for head, cell in (await _cells(tx, space, block, heads)).items():
        for word in cell if words is None else words & cell.keys():
            there = places(cell[word])
            if not gone.isdisjoint(there):
                had.add(word)
                changed.setdefault(head, dict(cell))[word] = _packed(sorted(there - gone))
    await _write(tx, space, block, changed)
    return had


async def everything(tx: Tx | Bulk, space: Space, block: int) -> list[tuple[str, set[int]]]:
    """The words of a block, and the places of each."""
    cells = await _cells(tx, space, block, None)
    return [(word, places(of)) for cell in cells.values() for word, of in cell.items()]


async def _cells(
    tx: Tx | Bulk, space: Space, block: int, heads: Sequence[str] | None
) -> dict[str, dict[str, str]]:
    """Rows of a block by their heads: those of some heads, or all."""
    if heads is None:
        rows = await tx.all(
            """
            SELECT head, words FROM derived_search
            WHERE org = :org AND kind = :kind AND block = :block
            """,
            **space._asdict(),
            block=block,
        )
    else:
        rows = await tx.all(
            """
            SELECT x.head, x.words FROM rows(:heads, head text) r CROSS JOIN derived_search x
            WHERE x.org = :org AND x.kind = :kind AND x.block = :block AND x.head = r.head
            """,
            **space._asdict(),
            block=block,
            heads=[(head,) for head in heads],
        )
    return {head: _words(cell) for head, cell in rows}


async def _write(
    tx: Tx | Bulk, space: Space, block: int, cells: Mapping[str, Mapping[str, str]]
) -> None:
    kept = {
        head: {word: packed for word, packed in cell.items() if packed}
        for head, cell in cells.items()
    }
    await tx.run(
        """
        INSERT INTO derived_search (org, kind, block, head, words)
        SELECT :org, :kind, :block, r.head, r.words FROM rows(:cells, head text, words text) r
        WHERE true
        ON CONFLICT (org, kind, block, head) DO UPDATE SET words = excluded.words
        """,
        **space._asdict(),
        block=block,
        cells=sorted((head, _cell(cell)) for head, cell in kept.items() if cell),
    )
    if empty := [(head,) for head, cell in kept.items() if not cell]:
        await tx.run(
            """
            DELETE FROM derived_search WHERE org = :org AND kind = :kind AND block = :block
            AND head IN (SELECT head FROM rows(:empty, head text))
            """,
            **space._asdict(),
            block=block,
            empty=empty,
        )
