"""Everything of an org, or some of it, object by object."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from rapport.contract.engagements import EXPANSIONS
from rapport.contract.kit.fields import Json, Raw
from rapport.transfer.asking import MOST_LISTED, Asker, Refused
from rapport.transfer.families import BY_NAME, FAMILIES, HOLDERS, Family

_fields = msgspec.json.Decoder(dict[str, Raw]).decode
_array = msgspec.json.Decoder(list[Raw]).decode
_NOT_FOUND = 404


class Named(msgspec.Struct):
    """What every object has."""

    id: str
    display_id: str


class Wanted(NamedTuple):
    """What goes out.

    Args:
        families: their names.
        where: by family what its list shall be asked beside; the API's filters.
        deleted: what was deleted too.
        events: the change feed too.
        since: only what changed behind this number of the feed.
        expanded: what engagements refer to as summaries rather than as ids, for people to read.
    """

    families: Sequence[str] = tuple(BY_NAME)
    where: Mapping[str, Json] = {}
    deleted: bool = False
    events: bool = False
    since: int | None = None
    expanded: bool = False


class Record(NamedTuple):
    """An object as the API answers it, and the file that it goes into."""

    family: str
    line: bytes


def named(line: bytes) -> Named:
    """The ids of an object."""
    return msgspec.json.decode(line, type=Named)


async def feed_end(asker: Asker) -> int:
    """The number of the feed's newest event."""
    answer: Any = msgspec.json.decode(await asker.ask("events.list", {"limit": 1}))
    return int(answer["end"])


async def records(asker: Asker, wanted: Wanted) -> AsyncIterator[Record]:
    """All that is wanted, family by family."""
    if wanted.since is not None:
        async for record in _changed(asker, wanted, wanted.since):
            yield record
    else:
        for family in FAMILIES:
            if family.name in wanted.families:
                async for line in _family(asker, family, wanted):
                    yield Record(family.name, line)
    if wanted.events:
        async for event in _events(asker, wanted.since):
            yield Record("events", event)


async def _family(asker: Asker, family: Family, wanted: Wanted) -> AsyncIterator[bytes]:
    where = wanted.where.get(family.name, {})
    if wanted.expanded and family.name == "engagements":
        where = {"expand": EXPANSIONS, **where}
    if family.held:
        async for holder in _holders(asker, family.name):
            for line in await _held(asker, family, holder, where):
                yield line
        return
    async for line in pages(asker, family, where):
        yield await _with_default(asker, line) if family.name == "accounts" else line
    if wanted.deleted and family.keeps_deleted:
        async for line in pages(asker, family, {**where, "deleted": True}):
            yield line


async def pages(asker: Asker, family: Family, where: Json) -> AsyncIterator[bytes]:
    """What a family's list answers, the oldest first."""
    request: Json = {"limit": MOST_LISTED, "sort_by": ["created_date:asc"], **where}
    while True:
        answer = _fields(await asker.ask(f"{family.methods}.list", request))
        for line in _array(answer[family.name]):
            yield bytes(line)
        if "next_cursor" not in answer:
            return
        request["cursor"] = msgspec.json.decode(answer["next_cursor"])


async def _with_default(asker: Asker, line: bytes) -> bytes:
    """An account with the id of its default rev org, which comes into being with it."""
    account = _fields(line)
    answer = await asker.ask(
        "rev-orgs.get", {"account": msgspec.json.decode(account["id"], type=str)}
    )
    default = named(bytes(_fields(answer)["rev_org"]))
    return msgspec.json.encode({**account, "default_rev_org": default.id})


async def _holders(asker: Asker, what: str) -> AsyncIterator[str]:
    """The ids of all that may have comments, or at which links may begin."""
    known = await asker.holders(what)
    for id_ in known or ():
        yield id_
    if known is not None:
        return
    for name in HOLDERS[what]:
        async for line in pages(asker, BY_NAME[name], {}):
            yield named(line).id


async def _held(asker: Asker, family: Family, holder: str, where: Json) -> list[bytes]:
    """The comments on an object, or the links that begin at it, the oldest first."""
    only: Json = (
        {"direction": "is_source"} if family.name == "links" else {"collections": ["discussions"]}
    )
    request: Json = {"limit": MOST_LISTED, "object": holder, **only, **where}
    found: list[bytes] = []
    while True:
        answer = _fields(await asker.ask(f"{family.methods}.list", request))
        found += [bytes(line) for line in _array(answer[family.name])]
        if "next_cursor" not in answer:
            return found[::-1]
        request["cursor"] = msgspec.json.decode(answer["next_cursor"])


# What changed


class _Told(msgspec.Struct):
    object: str


class _Feed(msgspec.Struct):
    events: list[Raw]
    last: int
    end: int


async def _events(asker: Asker, since: int | None) -> AsyncIterator[bytes]:
    """The change feed behind a number, or all of it that is kept."""
    request: Json = {"limit": MOST_LISTED}
    if since is not None:
        request["after"] = since
    while True:
        answer = msgspec.json.decode(await asker.ask("events.list", request), type=_Feed)
        for event in answer.events:
            yield bytes(event)
        if answer.last >= answer.end:
            return
        request["after"] = answer.last


async def _changed(asker: Asker, wanted: Wanted, since: int) -> AsyncIterator[Record]:
    """What is there of all that the feed names behind a number, as it is now; of the rest the ids,
    as `gone`.
    """
    seen: set[str] = set()
    async for event in _events(asker, since):
        id_ = msgspec.json.decode(event, type=_Told).object
        family = None if id_ in seen else _family_of(id_)
        seen.add(id_)
        if family is not None and family.name in wanted.families:
            yield await _now(asker, family, id_)


def _family_of(id_: str) -> Family | None:
    """The family of what an event tells of, if it is one that goes out."""
    segment = id_.rpartition(":")[2].partition("/")[0]
    return next((family for family in FAMILIES if family.kind.segment == segment), None)


async def _now(asker: Asker, family: Family, id_: str) -> Record:
    try:
        answer = _fields(await asker.ask(f"{family.methods}.get", {"id": id_}))
    except Refused as refused:
        if refused.status != _NOT_FOUND:
            raise
        return Record("gone", msgspec.json.encode({"type": family.one, "id": id_}))
    line = bytes(answer[family.one])
    return Record(
        family.name, await _with_default(asker, line) if family.name == "accounts" else line
    )
