"""The language of searches (behaviour: Search): what a query asks for, as data.

Words are all wanted; `OR` between two makes them alternatives; quotes make a phrase, a `*` behind a
word a beginning, a `-` before either what may not be there. Filters narrow all of it, wherever they
stand; several of one name are alternatives, as in lists.
"""

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from rapport.clock import DAY, SECOND
from rapport.store.kit.words import asked

FILTERS = ("from", "type", "tag", "after", "before")
_PART = re.compile(
    r"(?P<minus>-?)(?:(?P<name>[A-Za-z]+):)?(?:\"(?P<quoted>[^\"]*)(?:\"|$)|(?P<bare>[^\s\"]+))"
    r"(?P<star>\*?)"
)
_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)


class Phrase(NamedTuple):
    """Words that stand one after the other; of the last one maybe only the beginning."""

    words: tuple[str, ...]
    is_begun: bool = False


class Clause(NamedTuple):
    """Phrases of which one has to be there, or, where it is unwanted, may not."""

    phrases: tuple[Phrase, ...]
    is_unwanted: bool = False


class Narrowing(NamedTuple):
    """What a filter says. `is_unwanted`: what it fits is left out."""

    value: str
    is_unwanted: bool = False


@dataclass(slots=True)
class Asking:
    """A query: all clauses have to hold, and the filters of each name.

    `after` is the first moment that is meant, `before` the first that no longer is.
    """

    clauses: list[Clause] = field(default_factory=list)
    filters: dict[str, list[Narrowing]] = field(default_factory=dict)
    after: int | None = None
    before: int | None = None

    @property
    def wanted(self) -> list[Clause]:
        """What has to be there."""
        return [one for one in self.clauses if not one.is_unwanted]

    @property
    def unwanted(self) -> list[Clause]:
        """What may not."""
        return [one for one in self.clauses if one.is_unwanted]


class NothingAsked(ValueError):
    """A query that says nothing of what it wants."""


def parse(text: str) -> Asking:
    """Read a query.

    Raises:
        NothingAsked: it has no word and no filter, or only what is unwanted.
    """
    asking = Asking()
    is_or = False
    for part in _parts(text):
        if part[0] == "OR" and part.re is _BARE_OR:
            is_or = True
            continue
        is_alternative, is_or = is_or, False
        if _narrow(asking, part):
            continue
        phrase = _phrase(part)
        if phrase is None:
            continue
        clause = Clause((phrase,), bool(part["minus"]))
        last = asking.clauses[-1] if asking.clauses else clause
        if is_alternative and asking.clauses and not (clause.is_unwanted or last.is_unwanted):
            asking.clauses[-1] = Clause(tuple(dict.fromkeys((*last.phrases, phrase))))
        else:
            asking.clauses.append(clause)
    asking.clauses = list(dict.fromkeys(asking.clauses))
    narrowed = any(not one.is_unwanted for some in asking.filters.values() for one in some)
    if not (asking.wanted or narrowed or asking.after is not None or asking.before is not None):
        raise NothingAsked(text)
    return asking


_BARE_OR = re.compile(r"OR(?!\S)")
_SPACE = re.compile(r"[\s\0]+")


def _parts(text: str) -> Iterator[re.Match[str]]:
    place = 0
    while place < len(text):
        space = _SPACE.match(text, place)
        if space is not None:
            place = space.end()
            continue
        part = _BARE_OR.match(text, place) or _PART.match(text, place)
        if part is None:
            place += 1
            continue
        yield part
        place = part.end()


def _value(part: re.Match[str]) -> str:
    return part["quoted"] if part["quoted"] is not None else part["bare"]


def _narrow(asking: Asking, part: re.Match[str]) -> bool:
    """Take a part as a filter; False where it is none."""
    name, value = (part["name"] or "").lower(), _value(part)
    if name not in FILTERS or not value.strip():
        return False
    if name in {"after", "before"}:
        day = _day(value)
        if day is None or part["minus"]:
            return False
        if name == "after":
            asking.after = max(asking.after or day + DAY, day + DAY)
        else:
            asking.before = min(asking.before if asking.before is not None else day, day)
        return True
    asking.filters.setdefault(name, []).append(Narrowing(value, bool(part["minus"])))
    return True


def _day(text: str) -> int | None:
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    try:
        date = dt.date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return None
    return (date.toordinal() - dt.date(1970, 1, 1).toordinal()) * 86_400 * SECOND


def _phrase(part: re.Match[str]) -> Phrase | None:
    """The words of a part; None where it has none. An unknown `x:` is one of them."""
    value = _value(part)
    is_starred = bool(part["star"]) or (part["bare"] or "").endswith("*")
    return phrase_of(f"{part['name']}:{value}" if part["name"] else value, is_begun=is_starred)


def phrase_of(text: str, *, is_begun: bool = False) -> Phrase | None:
    """The words that a text asks for; None where it has none."""
    words, is_single = asked(text)
    return Phrase(tuple(words), is_begun or is_single) if words else None


def beginnings(text: str) -> Sequence[Clause]:
    """What somebody asks for who has not finished writing: every word, the last as a beginning."""
    parts = [part for part in (phrase_of(one) for one in text.split()) if part is not None]
    if parts:
        parts[-1] = Phrase(parts[-1].words, is_begun=True)
    return [Clause((part,)) for part in parts]
