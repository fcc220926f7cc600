"""Searching: a page of what has some words, and what begins so.

By relevance a search is a list of lists: of what has the words in its name, then of the rest, then
of what only comments find. In each of them every kind is read by its numbers, newest first, and the
kinds are merged by their dates; a cursor is a place in one of the lists, with how far each kind was
read. By a date it is one list.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from rapport.clock import format_rfc3339
from rapport.contract import search as contract
from rapport.contract.kit import ids
from rapport.contract.kit.fields import UNSET, Response, UnsetType
from rapport.contract.kit.paging import Cursor, Sort, decode_cursor, encode_cursor
from rapport.operations.kit.context import Context, handles
from rapport.operations.kit.optional import chosen, given
from rapport.operations.kit.searching import may_read, meaning, nothing_meant
from rapport.operations.kit.snippets import snippet
from rapport.store import search as store
from rapport.store import summaries
from rapport.store.indexed import BY_CODE, SOURCES, Comment, Texts, texts
from rapport.store.kit.asking import Phrase, beginnings
from rapport.store.kit.db import Tx
from rapport.store.looking import ALL, COMMENTS, NAMES, REST, Looking, Meaning

_COMMENTS = 5
# Beyond every number of an object.
_LAST = 2**62
# What DevRev's namespaces lack.
_OURS = frozenset({ids.ENGAGEMENT, ids.MEETING})


class _Place(NamedTuple):
    """What was found: in which list, its date, minus its kind's number, and its own."""

    which: int
    date: int
    rank: int
    number: int


# Where a search is read from, in the values of a cursor: downwards what comes behind it, upwards
# what comes before.
_Cut = tuple[int, ...]


class _Search(Protocol):
    """A search in its order."""

    @property
    def fields(self) -> Sequence[str]:
        """What the values of a cut are."""
        ...

    def end(self, *, down: bool) -> _Cut:
        """Where a reader begins."""
        ...

    async def read(self, cut: _Cut, most: int, *, down: bool) -> list[_Place]:
        """The first places beyond a cut, as a reader meets them."""
        ...

    def beyond(self, cut: _Cut, place: _Place, *, down: bool) -> _Cut:
        """The cut behind the next place that a reader meets."""
        ...


_LISTS = (NAMES, REST, COMMENTS)


@dataclass(slots=True)
class _ByRelevance:
    """A cut is one of the lists, and of each kind the number that comes before it."""

    looking: Sequence[Looking]

    @property
    def fields(self) -> Sequence[str]:
        return ("which", *(one.source.kind.name for one in self.looking))

    def end(self, *, down: bool) -> _Cut:
        return self._edge(0 if down else len(_LISTS) - 1, down=down)

    def _edge(self, which: int, *, down: bool) -> _Cut:
        return (which, *(_LAST if down else 1 for _ in self.looking))

    async def read(self, cut: _Cut, most: int, *, down: bool) -> list[_Place]:
        found: list[_Place] = []
        for which in range(cut[0], len(_LISTS)) if down else range(cut[0], -1, -1):
            at = cut if which == cut[0] else self._edge(which, down=down)
            found += await self._merged(which, at, most - len(found), down=down)
            if len(found) >= most:
                break
        return found

    async def _merged(self, which: int, at: _Cut, most: int, *, down: bool) -> list[_Place]:
        """The next places of a list; of each kind by its numbers, whatever its dates."""
        kinds: list[list[_Place]] = []
        for one, number in zip(self.looking, at[1:], strict=True):
            if one.can_find(_LISTS[which]):
                start = number if down else number - 1
                rows = await one.dated(_LISTS[which], start, most, rising=not down)
                rank = -one.source.code
                kinds.append([_Place(which, date, rank, of) for date, of in reversed(rows)])
        found: list[_Place] = []
        while len(found) < most and (left := [some for some in kinds if some]):
            choose = max if down else min
            found.append(choose(left, key=lambda some: some[-1][1:3]).pop())
        return found

    def beyond(self, cut: _Cut, place: _Place, *, down: bool) -> _Cut:
        at = list(cut if place.which == cut[0] else self._edge(place.which, down=down))
        codes = [one.source.code for one in self.looking]
        at[1 + codes.index(-place.rank)] = place.number if down else place.number + 1
        return tuple(at)


@dataclass(slots=True)
class _ByDate:
    """A cut is a date, a kind and a number."""

    looking: Sequence[Looking]
    date: str

    @property
    def fields(self) -> Sequence[str]:
        return ("date", "rank", "number")

    def end(self, *, down: bool) -> _Cut:
        return (_LAST, 0, 0) if down else (-_LAST, 0, 0)

    async def read(self, cut: _Cut, most: int, *, down: bool) -> list[_Place]:
        date, rank, number = cut
        found: list[_Place] = []
        for one in self.looking:
            # What is of another kind stands wholly before or behind this one on the same date.
            own = -one.source.code
            edge = number if own == rank else (_LAST if own < rank else 0)
            start = (date, edge if down else edge - 1)
            rows = await one.sorted_by(self.date, start, most, rising=not down)
            found += [_Place(0, at, own, of) for at, of in rows]
        return sorted(found, reverse=down)[:most]

    def beyond(self, cut: _Cut, place: _Place, *, down: bool) -> _Cut:  # noqa: ARG002
        return (place.date, place.rank, place.number if down else place.number + 1)


@handles(contract.CORE)
async def core(ctx: Context, request: contract.SearchCoreRequest) -> contract.SearchCoreResponse:
    """A page of what a query finds."""
    asked = await meaning(ctx, request.query)
    kinds = _kinds(ctx, request.namespaces)
    looking = [await store.looking(ctx.tx, asked, kind) for kind in kinds]
    sort, order = chosen(request.sort_by, "relevance"), chosen(request.sort_order, "desc")
    search: _Search = (
        _ByRelevance(looking)
        if sort == "relevance"
        else _ByDate([one for one in looking if one.can_find(ALL)], sort)
    )
    places, cursors = await _page(search, request, f"search.core {sort} {order}")
    results = await _results(ctx, asked, looking, places)
    return contract.SearchCoreResponse(results=results, **cursors)


def _kinds(ctx: Context, namespaces: Sequence[contract.Namespace] | UnsetType) -> list[ids.Kind]:
    """The kinds that are meant and that the caller may read."""
    wanted = set(given(namespaces))
    return [
        kind
        for kind in store.FOUND
        if (not wanted or kind.name in wanted)
        and may_read(ctx, kind)
        and not (ctx.tools.is_strict and kind in _OURS)
    ]


async def _page(
    search: _Search, request: contract.SearchCoreRequest, name: str
) -> tuple[list[_Place], dict[str, str]]:
    """The places of a page in their order, and its cursors where there is more."""
    is_back, limit = request.mode == "before", chosen(request.limit, contract.DEFAULT_LIMIT)
    down = (request.sort_order == "asc") == is_back
    sorts = [Sort(field, descending=True) for field in search.fields[:-1]]
    start, has_start = search.end(down=down), not isinstance(request.cursor, UnsetType)
    if not isinstance(request.cursor, UnsetType):
        types = dict.fromkeys(search.fields, int)
        start = tuple(map(int, decode_cursor(name, sorts, types, request.cursor).key))
    places = await search.read(start, limit + 1, down=down)
    has_more, places = len(places) > limit, places[:limit]
    end = start
    for place in places:
        end = search.beyond(end, place, down=down)
    has_less = has_start and bool(await search.read(start, 1, down=not down))
    ends = [("next_cursor", has_more, end), ("prev_cursor", has_less, start)]
    if is_back:
        places.reverse()
        ends = [("prev_cursor", has_more, end), ("next_cursor", has_less, start)]
    return places, {
        key: encode_cursor(name, sorts, Cursor(cut)) for key, is_there, cut in ends if is_there
    }


# What is answered


async def _results(
    ctx: Context, asked: Meaning, looking: Sequence[Looking], places: Sequence[_Place]
) -> list[contract.SearchResult]:
    """What stands at these places, as it is answered."""
    tx, org = ctx.tx, ctx.org
    numbers: dict[ids.Kind, list[int]] = {}
    for place in places:
        numbers.setdefault(_kind(place), []).append(place.number)
    shown: dict[str, Any] = {}
    read: dict[str, Texts] = {}
    for kind, some in numbers.items():
        shown |= await _shown(tx, org, kind, some)
        for one in await texts(tx, SOURCES[kind], [(org, number) for number in some]):
            read[kind.display_id(one.key.number)] = one
    phrases = [phrase for clause in asked.asking.wanted for phrase in clause.phrases]
    comments: dict[str, list[contract.CommentSearchSummary]] = {}
    for look in looking:
        kind = look.source.kind
        on = [kind.display_id(number) for number in numbers.get(kind, ())]
        comments |= await _comments(ctx, await look.comments(on), phrases)
    return [
        _result(_kind(place), shown[own], read[own], comments.get(own, []), phrases)
        for place in places
        if (own := _display_id(place)) in shown and own in read
    ]


def _kind(place: _Place) -> ids.Kind:
    return BY_CODE[-place.rank].kind


def _display_id(place: _Place) -> str:
    return _kind(place).display_id(place.number)


_SHOWN: Mapping[ids.Kind, Any] = {
    ids.ACCOUNT: summaries.accounts,
    ids.ENGAGEMENT: summaries.engagements,
    ids.MEETING: summaries.meetings,
    ids.OPPORTUNITY: summaries.opportunities,
    ids.REV_ORG: summaries.rev_orgs,
}


async def _shown(
    tx: Tx, org: str, kind: ids.Kind, numbers: Sequence[int]
) -> Mapping[str, Response]:
    """Summaries by display id."""
    if kind in ids.USERS:
        found = await summaries.users(tx, [(org, kind.display_id(one)) for one in numbers])
        return {display_id: user for (_, display_id), user in found.items()}
    if kind is ids.TAG:
        return await summaries.tags(tx, org, [kind.display_id(one) for one in numbers])
    shown: Mapping[str, Response] = await _SHOWN[kind](tx, org, numbers)
    return shown


async def _comments(
    ctx: Context, found: Sequence[Comment], phrases: Sequence[Phrase]
) -> dict[str, list[contract.CommentSearchSummary]]:
    """The newest comments by which objects are found, by display id."""
    by_object: dict[str, list[Comment]] = {}
    for one in found:
        if len(some := by_object.setdefault(one.object, [])) < _COMMENTS:
            some.append(one)
    people = await summaries.users(
        ctx.tx, [(ctx.org, one.created_by) for some in by_object.values() for one in some]
    )
    return {
        on: [_comment(ctx.org, one, people.get((ctx.org, one.created_by)), phrases) for one in some]
        for on, some in by_object.items()
    }


def _comment(
    org: str, one: Comment, author: Any, phrases: Sequence[Phrase]
) -> contract.CommentSearchSummary:
    own, on = ids.COMMENT.display_id(one.number), ids.don_of(one.object, org)
    return contract.CommentSearchSummary(
        comment=contract.TimelineCommentSummary(
            display_id=own, id=ids.don_of(ids.path(one.object, own), org)
        ),
        created_by=author or UNSET,
        created_date=format_rfc3339(one.created_date),
        object=on,
        snippet=snippet([one.body], phrases) or UNSET,
    )


_RESULTS: Mapping[ids.Kind, tuple[Any, str]] = {
    ids.ACCOUNT: (contract.AccountSearchSummary, "account"),
    ids.ENGAGEMENT: (contract.EngagementSearchSummary, "engagement"),
    ids.MEETING: (contract.MeetingSearchSummary, "meeting"),
    ids.OPPORTUNITY: (contract.WorkSearchSummary, "work"),
    ids.REV_ORG: (contract.OrgSearchSummary, "org"),
    ids.TAG: (contract.TagSearchSummary, "tag"),
}


def _result(
    kind: ids.Kind,
    summary: Any,
    texts: Texts,
    comments: list[contract.CommentSearchSummary],
    phrases: Sequence[Phrase],
) -> contract.SearchResult:
    own = snippet([*texts.body, *texts.keys, *texts.title], phrases)
    if own is None and comments:
        own = comments[0].snippet or None
    common: dict[str, Any] = {
        "modified_date": format_rfc3339(texts.modified_date),
        "snippet": own or (texts.title[0][:160] if texts.title else UNSET),
    }
    if SOURCES[kind].has_comments:
        common["comments"] = comments or UNSET
    answer, field = _RESULTS.get(kind, (contract.UserSearchSummary, "user"))
    found: contract.SearchResult = answer(**{field: summary}, **common)
    return found


# Suggesting


@handles(contract.SUGGEST)
async def suggest(
    ctx: Context, request: contract.SearchSuggestRequest
) -> contract.SearchSuggestResponse:
    """What begins so: the one with this id, then what was used last."""
    kinds = _kinds(ctx, request.namespaces)
    limit = chosen(request.limit, contract.DEFAULT_SUGGESTIONS)
    clauses = beginnings(request.query)
    found: list[tuple[int, int, ids.Kind]] = []
    if clauses:
        known = await nothing_meant(ctx)
        for kind in kinds:
            rows = await store.suggested(ctx.tx, known, clauses, kind)
            found += [(used, number, kind) for used, number in rows]
    named = store.by_id(ctx.org, request.query.strip())
    if named is not None and named[0] in kinds:
        found.append((_LAST, named[1], named[0]))
    found.sort(key=lambda one: (-one[0], -one[1], SOURCES[one[2]].code))
    chosen_: dict[str, tuple[ids.Kind, int]] = {}
    for _, number, kind in found:
        chosen_.setdefault(kind.display_id(number), (kind, number))
    return contract.SearchSuggestResponse(
        suggestions=await _suggestions(ctx, list(chosen_.values())[:limit])
    )


async def _suggestions(
    ctx: Context, places: Sequence[tuple[ids.Kind, int]]
) -> list[contract.Suggestion]:
    read: dict[str, Texts] = {}
    for kind in dict.fromkeys(kind for kind, _ in places):
        numbers = [(ctx.org, number) for one, number in places if one is kind]
        for one in await texts(ctx.tx, SOURCES[kind], numbers):
            read[kind.display_id(one.key.number)] = one
    return [
        contract.Suggestion(
            type=kind.name,  # type: ignore[arg-type]  # the kinds that are found are namespaces
            id=ids.don(kind, ctx.org, number),
            display_id=own,
            name=(read[own].title or read[own].keys or [own])[0],
            detail=next(iter(read[own].keys), UNSET),
        )
        for kind, number in places
        if (own := kind.display_id(number)) in read
    ]
