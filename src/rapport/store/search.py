"""Searching: what a query means, what it keeps of a list, and what begins as somebody writes."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from rapport.contract.kit import ids
from rapport.store import indexed, indexing
from rapport.store.indexed import (
    ANY,
    AUTHOR,
    BY_CODE,
    KEY,
    SAID,
    SOURCES,
    TAGGED,
    TITLE,
    TYPE,
    Source,
    Texts,
)
from rapport.store.kit import postings
from rapport.store.kit.asking import Asking, Clause, Narrowing, phrase_of
from rapport.store.kit.db import Tx
from rapport.store.kit.filters import Filter
from rapport.store.kit.words import fold, words
from rapport.store.looking import ALL, Looking, Meaning
from rapport.store.matching import Group, Judged

FOUND = tuple(SOURCES)
ENGAGEMENT_TYPES = frozenset(
    {"call", "conversation", "custom", "default", "email", "linked_in", "meeting", "offline",
     "survey"}
)  # fmt: skip
# How many objects are read together.
_SLICE = 64


def by_id(org: str, text: str) -> tuple[ids.Kind, int] | None:
    """Kind and number of an id of the org; None where a text is none."""
    try:
        id_ = ids.Id.parse(text)
    except ValueError:
        return None
    return (id_.kind, id_.number) if id_.belongs_to(org) and id_.kind in SOURCES else None


async def understand(tx: Tx, org: str, me: str, asking: Asking, *, reads_comments: bool) -> Meaning:
    """Look up what a query means.

    Args:
        tx: a snapshot.
        org: whose.
        me: the display id of who asks.
        asking: the query.
        reads_comments: who asks may read comments.
    """
    codes = [code + more for code in BY_CODE for more in (0, SAID)]
    meaning = Meaning(
        org=org,
        me=me,
        asking=asking,
        people={},
        tagged={},
        reads_comments=reads_comments,
        pending=await indexing.pending(tx, org),
        renamed=(),
        is_renaming=False,
        newest=await postings.newest(tx, org, codes),
    )
    renamed = await indexing.renamed(tx, org)
    filters = asking.filters
    return meaning._replace(
        people={one: await _people(tx, meaning, one.value) for one in filters.get("from", ())},
        tagged={one: await _tags(tx, meaning, one.value) for one in filters.get("tag", ())},
        renamed=[one for one in renamed if await _is_named(tx, org, one, asking)],
        is_renaming=bool(renamed),
    )


async def _is_named(tx: Tx, org: str, display_id: str, asking: Asking) -> bool:
    """Whether an object has a name now that has anything which a query asks for."""
    source = SOURCES[ids.kind_of(display_id)]
    found = await indexed.texts(tx, source, [(org, ids.number_of(display_id))])
    judged = Judged(title for one in found for title in one.title)
    return any(judged.has(phrase) for clause in asking.wanted for phrase in clause.phrases)


async def _people(tx: Tx, meaning: Meaning, value: str) -> list[str]:
    """The display ids of those whom `from:` means."""
    named = by_id(meaning.org, value)
    if named is not None and named[0] in ids.USERS:
        return [named[0].display_id(named[1])]
    return [
        indexed.display_id_of(one.key)
        for kind in ids.USERS
        for one in await _having(tx, meaning, kind, value)
        if "@" not in value or any(fold(key) == fold(value) for key in one.keys)
    ]


async def _tags(tx: Tx, meaning: Meaning, value: str) -> list[str]:
    """The display ids of the tags that `tag:` means."""
    return [
        indexed.display_id_of(one.key)
        for one in await _having(tx, meaning, ids.TAG, value)
        if value.endswith("*") or words(one.title[0]) == words(value)
    ]


async def _having(tx: Tx, meaning: Meaning, kind: ids.Kind, value: str) -> list[Texts]:
    """The objects of a kind with a value in their names; an address in what they are known by."""
    phrase = phrase_of(value, is_begun=value.endswith("*"))
    if phrase is None:
        return []
    before = (KEY,) if "@" in value else (TITLE,)
    looking = Looking(tx, meaning, SOURCES[kind], [Group([phrase], before=before)])
    numbers = await looking.numbers(ALL)
    return await indexed.texts(tx, SOURCES[kind], [(meaning.org, one) for one in numbers])


async def looking(tx: Tx, meaning: Meaning, kind: ids.Kind) -> "Looking":
    """What finds objects of a kind by a query."""
    source, asking = SOURCES[kind], meaning.asking
    groups = [Group(clause.phrases, is_unwanted=clause.is_unwanted) for clause in asking.clauses]
    filters = [
        await _filter(tx, meaning, source, name, some)
        for name, narrowings in asking.filters.items()
        for is_unwanted in (False, True)
        if (some := [one for one in narrowings if one.is_unwanted == is_unwanted])
    ]
    return Looking(tx, meaning, source, [*groups, *filters])


async def _filter(
    tx: Tx, meaning: Meaning, source: Source, name: str, some: Sequence[Narrowing]
) -> Group:
    is_unwanted = some[0].is_unwanted
    if name == "type":
        return Group(marks=[*_types(source, some)], is_unwanted=is_unwanted)
    if name == "tag":
        tags = [TAGGED + one for each in some for one in meaning.tagged[each]]
        return Group(marks=tags, is_unwanted=is_unwanted)
    people = list(dict.fromkeys(one for each in some for one in meaning.people[each]))
    numbers = await _with_members(tx, source, meaning.org, people) if source.is_linked else ()
    authors = [AUTHOR + one for one in people]
    return Group(marks=authors, numbers=numbers, people=people, is_unwanted=is_unwanted)


def _types(source: Source, some: Sequence[Narrowing]) -> Iterable[str]:
    for one in some:
        value = one.value.lower()
        if value == source.kind.name:
            yield ANY
        elif source.kind is ids.ENGAGEMENT and value in ENGAGEMENT_TYPES:
            yield TYPE + value


async def _with_members(tx: Tx, source: Source, org: str, people: Sequence[str]) -> Collection[int]:
    """The numbers of what has one of these people as a member."""
    where = source.listed(org)
    where.among("members", people)
    if not where.asked:
        return ()
    (asked,) = where.asked
    entries = asked.by.entries(where.listing, asked.values)
    rows = await tx.all(entries.numbers, **where.parameters) if entries else []
    return {number for (number,) in rows}


# Lists


async def narrow(
    tx: Tx, where: Filter[Any], meaning: Meaning, kind: ids.Kind, *, gone: bool
) -> None:
    """Keep of a kind's listing what a query finds.

    Args:
        tx: a snapshot.
        where: the listing.
        meaning: of the query.
        kind: which.
        gone: it is a list of what was deleted, which no index has.
    """
    look = await looking(tx, meaning, kind)
    dates = look.rows()
    for condition in dates.conditions[1:]:
        where.where(condition)
    where.parameters |= {
        name: value for name, value in dates.parameters.items() if name.startswith("query_")
    }
    where.only("query", await (_gone(tx, where, look) if gone else look.numbers(ALL)))


async def _gone(tx: Tx, where: Filter[Any], look: Looking) -> list[int]:
    """The numbers of the deleted objects that a query finds, each of which is read."""
    number, table = where.listing.number, where.listing.table
    sql = f"SELECT {number} FROM {table} WHERE {where.listing.scope}"  # noqa: S608  # literals
    found: list[int] = []
    numbers = [(where.org, one) for (one,) in await tx.all(sql, org=where.org)]
    for start in range(0, len(numbers), _SLICE):
        some = numbers[start : start + _SLICE]
        live = "x.deleted_date IS NOT NULL"
        read = await indexed.texts(tx, look.source, some, live=live)
        found += [one.key.number for one in read if look.class_of(one) is not None]
    return found


# Suggesting

# How many of those that begin so are compared by when they were last used.
_COMPARED = 300


async def suggested(
    tx: Tx, meaning: Meaning, clauses: Sequence[Clause], kind: ids.Kind
) -> list[tuple[int, int]]:
    """(last use, number) of objects of a kind that are named or known so: by the newest engagement
    that refers to them, 0 where none does.
    """
    groups = [Group(clause.phrases, before=(TITLE, KEY)) for clause in clauses]
    look = Looking(tx, meaning, SOURCES[kind], groups)
    numbers = await look.numbers(ALL, most=_COMPARED)
    if not numbers or kind not in _USED:
        return [(number if kind in indexed.LINKED else 0, number) for number in numbers]
    return await tx.all(
        f"SELECT {_USED[kind]} AS used, x.number FROM rows(:numbers, number bigint) x",  # noqa: S608
        org=meaning.org,
        numbers=[(number,) for number in numbers],
    )


def _used(table: str, column: str, prefix: str) -> str:
    return (
        f"COALESCE((SELECT l.engagement FROM {table} l "  # noqa: S608  # literals
        f"WHERE l.org = :org AND l.{column} = '{prefix}' || x.number "
        "ORDER BY l.created_date DESC, l.engagement DESC LIMIT 1), 0)"
    )


_USED = {
    **{kind: _used("engagement_members", "member", kind.display_id("")) for kind in ids.USERS},
    ids.ACCOUNT: _used("engagement_parents", "parent", ids.ACCOUNT.display_id("")),
    ids.OPPORTUNITY: _used("engagement_parents", "parent", ids.OPPORTUNITY.display_id("")),
    ids.TAG: _used("engagement_tags", "tag", ids.TAG.display_id("")),
}
