"""What a query asks for, met in the words of the index and in texts that are read."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from rapport.store.indexed import ANY, Comment, Texts
from rapport.store.kit.asking import Clause, Phrase
from rapport.store.kit.postings import Found, block_of, place_of
from rapport.store.kit.words import GAP, words


class Group(NamedTuple):
    """Phrases and marks of which one has to be there; none of them where they are unwanted.

    Args:
        phrases: what stands in texts.
        marks: what entries have beside their words.
        numbers: those of the objects that have one of `people` as a member.
        people: display ids.
        is_unwanted: nothing of it may be there.
        before: the marks before words of those parts of an entry in which the phrases count.
    """

    phrases: Sequence[Phrase] = ()
    marks: Sequence[str] = ()
    numbers: Collection[int] = ()
    people: Sequence[str] = ()
    is_unwanted: bool = False
    before: Sequence[str] = ("",)

    @property
    def is_exact(self) -> bool:
        """Whether the index knows it without the texts: it knows no order of words."""
        return all(len(phrase.words) == 1 for phrase in self.phrases)


class Judged:
    """Texts, as whoever reads them sees which words stand in them."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._words = GAP.join(f" {' '.join(words(text))} " for text in texts)

    def has(self, phrase: Phrase) -> bool:
        """Whether they have a phrase."""
        return f" {' '.join(phrase.words)}{'' if phrase.is_begun else ' '}" in self._words


def places_in(numbers: Iterable[int], blocks: Collection[int]) -> list[tuple[int, int]]:
    """Block and place of those numbers that are in some blocks."""
    return [
        (block, place_of(number)) for number in numbers if (block := block_of(number)) in blocks
    ]


def within(group: Group, before: Sequence[str]) -> Group:
    """A group whose phrases count in some parts alone, unless it says itself in which."""
    return group._replace(before=before) if group.before == ("",) else group


def needed(groups: Sequence[Group], before: Sequence[str]) -> tuple[set[str], set[str]]:
    """The words of the index that groups ask for, and the beginnings of words."""
    exact: set[str] = set()
    begun: set[str] = set()
    for group in (within(one, before) for one in groups):
        exact.update(group.marks)
        for phrase in group.phrases:
            for part in group.before:
                whole = phrase.words[:-1] if phrase.is_begun else phrase.words
                exact.update(part + word for word in whole)
                if phrase.is_begun:
                    begun.add(part + phrase.words[-1])
    return exact, begun


def common(words_: Found, groups: Sequence[Group], block: int) -> set[int]:
    """The places that may have all groups."""
    plain = [one for one in groups if _is_plain(one)]
    found: set[int] | None = None
    if plain:
        (before,) = plain[0].before
        found = words_.common([before + word for one in plain for word in one.phrases[0].words])
    for group in groups:
        if found is not None and not found:
            break
        if not _is_plain(group):
            some = having_any(words_, group, block)
            found = some if found is None else found & some
    return found or set()


def _is_plain(group: Group) -> bool:
    """Whether it asks for nothing but some words."""
    alone = len(group.phrases) == 1 and not group.marks and not group.numbers
    return alone and len(group.before) == 1 and not group.phrases[0].is_begun


def having_any(words_: Found, group: Group, block: int) -> set[int]:
    """The places that may have something of a group."""
    found = {place_of(number) for number in group.numbers if block_of(number) == block}
    for mark in group.marks:
        found |= words_.having(mark)
    for phrase in group.phrases:
        for part in group.before:
            if not phrase.is_begun:
                found |= words_.common([part + word for word in phrase.words])
                continue
            some = words_.beginning(part + phrase.words[-1])
            for word in phrase.words[:-1]:
                some &= words_.having(part + word)
            found |= some
    return found


def is_there(group: Group, one: Texts, parts: Mapping[str, Judged]) -> bool:
    """Whether an object has something of a group."""
    if ANY in group.marks or not set(group.people).isdisjoint(one.linked):
        return True
    if not set(group.marks).isdisjoint(one.marks):
        return True
    return any(parts[part].has(phrase) for phrase in group.phrases for part in group.before)


def says(one: Comment, clauses: Sequence[Clause]) -> bool:
    """Whether a comment has all that is wanted by itself, and nothing that is not."""
    judged = Judged(one.texts())
    return all(
        any(judged.has(phrase) for phrase in clause.phrases) != clause.is_unwanted
        for clause in clauses
    )
