"""Which objects of a kind have what a query asks for, in the order of their numbers.

The index leads to objects that may have it. Of most it is sure; those whose entries are stale, or
that a phrase is asked of, are read, and so is what changed behind the index. Comments are always
read, because not everybody may read each.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from rapport.contract.kit.paging import Cursor
from rapport.store import indexed, indexing
from rapport.store.indexed import ANY, KEY, SAID, TITLE, Comment, Key, Source, Texts
from rapport.store.indexing import STALE
from rapport.store.kit import postings
from rapport.store.kit.asking import Asking, Narrowing
from rapport.store.kit.db import Tx
from rapport.store.kit.filters import Filter
from rapport.store.kit.keyset import Place, beyond, order_by
from rapport.store.kit.postings import BLOCK, Found, Space, block_of, number_at, place_of
from rapport.store.matching import (
    Group,
    Judged,
    common,
    having_any,
    is_there,
    needed,
    places_in,
    says,
    within,
)

# Which of what a query finds is meant: by its name alone, by the rest of its words, by comments.
NAMES, REST, COMMENTS, ALL = "names", "rest", "comments", "all"
# How many blocks are read first; then more and more of them, up to so many.
_FIRST, _MOST = 2, 64
# How many objects are read together.
_SLICE = 64


class Meaning(NamedTuple):
    """A query, with what it means looked up.

    Args:
        org: whose objects.
        me: the display id of who asks.
        asking: what is asked.
        people: for each `from` the display ids of those who are meant.
        tagged: for each `tag` those of the tags.
        reads_comments: comments may be read, where they are not private.
        pending: what changed behind the index.
        renamed: the objects whose new names not all have that refer to them, and that have a name
            with anything that is asked for.
        is_renaming: there are objects of which not everything has the new name.
        newest: the last block of each kind's index.
    """

    org: str
    me: str
    asking: Asking
    people: Mapping[Narrowing, Sequence[str]]
    tagged: Mapping[Narrowing, Sequence[str]]
    reads_comments: bool
    pending: Collection[Key]
    renamed: Sequence[str]
    is_renaming: bool
    newest: Mapping[int, int]


@dataclass(slots=True)
class _Block:
    """What the index says of a block, as places: what has the words, what has them in its name,
    what has a comment with them; and of which of the first two it is not sure.
    """

    whole: set[int] = field(default_factory=set)
    names: set[int] = field(default_factory=set)
    said: set[int] = field(default_factory=set)
    unsure: set[int] = field(default_factory=set)

    def candidates(self, which: str) -> set[int]:
        """What may be meant."""
        if which == NAMES:
            return self.names | self.unsure
        if which == REST:
            return self.whole - (self.names - self.unsure)
        if which == COMMENTS:
            return self.said - (self.whole - self.unsure)
        return self.whole | self.said


class Looking:
    """Finds the objects of a kind that have what is asked for.

    Args:
        tx: a snapshot.
        meaning: of the query.
        source: of the kind.
        groups: what has to be there, and what may not.
    """

    def __init__(self, tx: Tx, meaning: Meaning, source: Source, groups: Sequence[Group]) -> None:
        self.source = source
        self.meaning = meaning
        self._tx = tx
        self._wanted = [one for one in groups if not one.is_unwanted]
        self._unwanted = [one for one in groups if one.is_unwanted]
        self._is_exact = all(one.is_exact for one in groups)
        code = source.code
        self._said = self._what_is_said()
        self._pending = {one.number for one in meaning.pending if one.kind == code}
        self._discussed = {one.number for one in meaning.pending if one.kind == code + SAID}
        self._known: dict[int, str | None] = {}

    def _what_is_said(self) -> list[Group]:
        """What a comment has to say; nothing where comments don't count."""
        if not (self.source.has_comments and self.meaning.reads_comments):
            return []
        return [Group(clause.phrases) for clause in self.meaning.asking.wanted]

    @property
    def _last(self) -> int:
        """The last block that may have anything."""
        newest, code = self.meaning.newest, self.source.code
        said = [newest.get(code + SAID, -1)] if self._said else []
        changed = [block_of(number) for number in self._pending | self._discussed]
        return max(newest.get(code, -1), *said, *changed, -1)

    def can_find(self, which: str) -> bool:
        """Whether there may be anything at all."""
        if which == COMMENTS:
            return bool(self._said) and (
                bool(self._discussed or self._pending)
                or self.source.code + SAID in self.meaning.newest
            )
        return self._last >= 0

    async def numbers(
        self, which: str, beyond: int | None = None, *, rising: bool = False, most: int = 2**62
    ) -> list[int]:
        """The numbers of the first that are found beyond one, in their order or against it."""
        found: list[int] = []
        for blocks in self._chunks(beyond, rising=rising):
            read = await self._read(blocks, which)
            for block in blocks:
                of = read[block]
                places = sorted(of.candidates(which), reverse=not rising)
                if beyond is not None and block == block_of(beyond):
                    edge = place_of(beyond)
                    places = [one for one in places if (one > edge if rising else one < edge)]
                step = _SLICE if of.said or of.unsure else BLOCK
                for start in range(0, len(places), step):
                    found += await self._found_at(block, places[start : start + step], of, which)
                    if len(found) >= most:
                        return found[:most]
        return found

    async def _found_at(
        self, block: int, places: Sequence[int], of: _Block, which: str
    ) -> list[int]:
        """The numbers of those places of a block that are found."""
        classes = await self._classes(block, places, of)
        return [
            number_at(block, place)
            for place in places
            if (class_ := classes[place]) is not None and which in (ALL, class_)
        ]

    def _chunks(self, beyond: int | None, *, rising: bool) -> Iterable[Sequence[int]]:
        """The blocks beyond a number, some at a time."""
        last = self._last
        if rising:
            order = range(0 if beyond is None else block_of(beyond + 1), last + 1)
        else:
            order = range(last if beyond is None else min(last, block_of(beyond)), -1, -1)
        start, size = 0, _FIRST
        while start < len(order):
            yield order[start : start + size]
            start, size = start + size, min(_MOST, size * 4)

    async def _read(self, blocks: Sequence[int], which: str) -> dict[int, _Block]:
        """What the index says of blocks."""
        found = {block: _Block() for block in blocks}
        own = await self._found(Space(self.meaning.org, self.source.code), blocks, which)
        for block, words_ in own.items():
            of = found[block]
            stale = words_.having(STALE)
            if which != NAMES:
                of.whole = self._having(words_, block, stale)
            if which in (NAMES, REST):
                of.names = self._having(words_, block, stale, before=(TITLE,))
            may = of.names if which == NAMES else of.whole
            of.unsure = may & stale if self._is_exact else set(may)
        if which in (COMMENTS, ALL) and self._said:
            space = Space(self.meaning.org, self.source.code + SAID)
            exact, begun = needed(self._said, ("",))
            said = await postings.read(self._tx, space, blocks, exact, begun)
            for block, words_ in said.items():
                found[block].said = common(words_, self._said, block)
        await self._correct(found)
        return found

    async def _found(self, space: Space, blocks: Sequence[int], which: str) -> dict[int, Found]:
        before = {NAMES: [(TITLE,)], REST: [("",), (TITLE,)]}.get(which, [("",)])
        exact, begun = {STALE}, set[str]()
        for one in before:
            words_, beginnings = needed([*self._wanted, *self._unwanted], one)
            exact |= words_
            begun |= beginnings
        if not self._wanted:
            exact.add(ANY)
        if self._unwanted:
            words_, beginnings = needed(self._unwanted, ("",))
            exact |= words_
            begun |= beginnings
        return await postings.read(self._tx, space, blocks, exact, begun)

    def _having(
        self, words_: Found, block: int, stale: set[int], before: Sequence[str] = ("",)
    ) -> set[int]:
        """The places that may have what is wanted, and don't surely have what is not."""
        wanted = [within(one, before) for one in self._wanted]
        found = common(words_, wanted, block) if wanted else words_.having(ANY)
        for group in self._unwanted:
            if found and group.is_exact:
                found = found - (having_any(words_, group, block) - stale)
        return found

    async def _correct(self, found: Mapping[int, _Block]) -> None:
        """Let what the index can't know be read."""
        for block, place in places_in(self._pending, found):
            for some in (found[block].whole, found[block].names, found[block].unsure):
                some.add(place)
        for block, place in places_in(self._discussed, found):
            found[block].said.add(place)
        if self.source.is_linked and self.meaning.is_renaming:
            for block, place in places_in(await self._renamed(found), found):
                found[block].whole.add(place)
            for of in found.values():
                of.unsure = of.whole | of.names

    async def _renamed(self, blocks: Iterable[int]) -> list[int]:
        """The numbers in some blocks of what refers to objects that have a new name."""
        some = [*blocks]
        first, last = min(some) * BLOCK, (max(some) + 1) * BLOCK
        org, kind = self.meaning.org, self.source.kind
        return [
            number
            for one in self.meaning.renamed
            for number in await indexing.linked_to(
                self._tx, org, kind, one, beyond=first, most=last - first
            )
        ]

    # Reading objects

    async def _classes(
        self, block: int, places: Sequence[int], of: _Block
    ) -> dict[int, str | None]:
        """Whether places are found by their names, by their rest, by comments, or not at all."""
        found: dict[int, str | None] = {
            place: NAMES if place in of.names else REST if place in of.whole else None
            for place in places
        }
        if unsure := [place for place in places if place in of.unsure]:
            judged = await self._judged([number_at(block, place) for place in unsure])
            found |= {place: judged[number_at(block, place)] for place in unsure}
        said = [place for place in places if found[place] is None and place in of.said]
        if said:
            numbers = {number_at(block, place): place for place in said}
            found |= {numbers[one]: COMMENTS for one in await self._discussing([*numbers])}
        return found

    async def _texts(self, numbers: Sequence[int]) -> list[Texts]:
        keys = [(self.meaning.org, number) for number in numbers]
        return await indexed.texts(self._tx, self.source, keys)

    async def _judged(self, numbers: Sequence[int]) -> dict[int, str | None]:
        new = [number for number in numbers if number not in self._known]
        self._known |= dict.fromkeys(new)
        if new:
            self._known |= {one.key.number: self.class_of(one) for one in await self._texts(new)}
        return {number: self._known[number] for number in numbers}

    def class_of(self, one: Texts) -> str | None:
        """How an object is found by its own texts; None where it is not."""
        parts = {
            "": Judged((*one.title, *one.keys, *one.body, *one.names)),
            TITLE: Judged(one.title),
            KEY: Judged(one.keys),
        }
        if not all(is_there(group, one, parts) for group in self._wanted):
            return None
        if any(is_there(group, one, parts) for group in self._unwanted):
            return None
        named = [within(group, (TITLE,)) for group in self._wanted]
        return NAMES if all(is_there(group, one, parts) for group in named) else REST

    async def _discussing(self, numbers: Sequence[int]) -> set[int]:
        """Those of objects that are found by comments."""
        fit = {one.key.number for one in await self._texts(numbers) if self._may_be_discussed(one)}
        names = {self.source.kind.display_id(number): number for number in numbers if number in fit}
        return {names[one.object] for one in await self.comments([*names])}

    def _may_be_discussed(self, one: Texts) -> bool:
        """Whether an object has what filters want, and not what is unwanted."""
        parts = {"": Judged((*one.title, *one.keys, *one.body, *one.names))}
        filters = [group for group in self._wanted if not group.phrases]
        return all(is_there(group, one, parts) for group in filters) and not any(
            is_there(group, one, parts) for group in self._unwanted
        )

    async def comments(self, objects: Sequence[str]) -> list[Comment]:
        """The comments by which objects are found, named by display ids; the newest first."""
        if not self._said or not objects:
            return []
        org, me = self.meaning.org, self.meaning.me
        found = await indexed.comments(self._tx, [(org, one) for one in objects])
        hidden = [
            one.number for one in found if one.visibility == "private" and one.created_by != me
        ]
        shown = await _private_to(self._tx, org, me, hidden) if hidden else set()
        clauses = self.meaning.asking.clauses
        return [
            one
            for one in found
            if (one.number not in hidden or one.number in shown) and says(one, clauses)
        ]

    # Rows

    def rows(self) -> Filter[Any]:
        """The listing of what may be found, by its dates."""
        where, asking, date = self.source.listed(self.meaning.org), self.meaning.asking, ""
        date = self.source.date
        if asking.after is not None:
            where.where(f"{date} >= :query_after", query_after=asking.after)
        if asking.before is not None:
            where.where(f"{date} < :query_before", query_before=asking.before)
        return where

    async def dated(
        self, which: str, start: int | None, most: int, *, rising: bool
    ) -> list[tuple[int, int]]:
        """(created date, number) of the next that are found beyond a number, by their numbers."""
        found: list[tuple[int, int]] = []
        while len(found) < most:
            some = await self.numbers(which, start, rising=rising, most=most)
            found += await self._dates(some, rising=rising) if some else []
            if len(some) < most:
                break
            start = some[-1]
        return found[:most]

    async def _dates(self, numbers: Sequence[int], *, rising: bool) -> list[tuple[int, int]]:
        where = self.rows()
        listing = where.listing
        where.where(
            f"{listing.number} IN (SELECT number FROM rows(:numbers, number bigint))",  # noqa: S608
            numbers=[(number,) for number in numbers],
        )
        rows = await self._tx.all(
            f"SELECT {listing.sorts['created_date']}, {listing.number} "  # noqa: S608  # literals
            f"FROM {listing.table} WHERE {where}",
            **where.parameters,
        )
        return sorted(
            ((date, number) for date, number in rows), key=lambda row: row[1], reverse=not rising
        )

    async def sorted_by(
        self, date: str, cursor: tuple[int, int] | None, most: int, *, rising: bool
    ) -> list[tuple[int, int]]:
        """(date, number) of the next that are found beyond such a place, by a date."""
        numbers = await self.numbers(ALL)
        where = self.rows()
        listing = where.listing
        where.where(
            f"{listing.number} IN (SELECT number FROM rows(:numbers, number bigint))",  # noqa: S608
            numbers=[(number,) for number in numbers],
        )
        columns = [(listing.sorts[date], not rising), (listing.number, not rising)]
        at = Place(Cursor(cursor) if cursor else None, back=False, most=most)
        parameters = dict(where.parameters)
        conditions = " AND ".join([str(where), *beyond(columns, at, parameters)])
        return await self._tx.all(
            f"SELECT {columns[0][0]}, {listing.number} FROM {listing.table} "  # noqa: S608
            f"WHERE {conditions} ORDER BY {order_by(columns, back=False)} LIMIT :most",
            **parameters,
            most=most,
        )


async def _private_to(tx: Tx, org: str, me: str, numbers: Sequence[int]) -> set[int]:
    """Those of private comments that somebody may read whose they are not."""
    rows = await tx.all(
        """
        SELECT r.number FROM rows(:numbers, number bigint) r CROSS JOIN terms p
        WHERE p.org = :org AND p.owner = 'COMMENT-' || r.number
        AND p.field = 'comments.private_to' AND p.value = :me
        """,
        org=org,
        me=me,
        numbers=[(number,) for number in numbers],
    )
    return {number for (number,) in rows}
