"""Writing the index of words. What is in it is `indexed`'s.

A change of few objects only notes that they changed: the index is written behind it, by whoever
drains, and whoever searches reads what is noted as it is now. A change of many writes the index at
once. An entry that was there before gets its new words and keeps its old ones until its block is
renewed, and is known to be stale, so that what it seems to have is read again. What is purged or
erased goes at once, from the index too.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from rapport.contract.kit import ids
from rapport.store import dev_orgs
from rapport.store.indexed import (
    ANY,
    BY_CODE,
    LINKED,
    NAMED,
    SAID,
    SOURCES,
    Key,
    after,
    display_id_of,
    entries,
    key_of,
    of_rows,
)
from rapport.store.kit import postings
from rapport.store.kit.db import Bulk, Tx
from rapport.store.kit.filters import Entries
from rapport.store.kit.postings import BLOCK, Space, block_of, number_at, place_of

# Entries that have words which their objects lost.
STALE = "\ue005"
# From how many objects on a change writes the index itself.
_MANY = 256
# How many entries are written in one bite behind a change, and how many objects at a first start.
BITE, _FIRST_BITE = 128, BLOCK
# How many of those that refer to an object which was renamed: each bite reads who does.
_RENAMED_BITE = 512
# How many stale entries a block may keep.
_STALE = 64
# What holds the index against others who write it.
_NAME = "derived_search"


class Change(NamedTuple):
    """What happened to an object: its org and display id, and whether its name may be another."""

    org: str
    object: str
    renames: bool = False


# Noting


async def note(tx: Tx, changes: Collection[Change]) -> None:
    """Let objects be found as they are now.

    Args:
        tx: the transaction of the change.
        changes: kinds that are not indexed don't matter. Comments are named behind what they are
            on.
    """
    keys = {key: None for change in changes for key in _keys(change.org, change.object)}
    for change in changes:
        if change.renames and ids.kind_of(change.object) in NAMED:
            keys |= dict.fromkeys(await _renamed(tx, change.org, change.object))
    if len(keys) < _MANY:
        await _pend(tx, [*keys])
        return
    await tx.hold([_NAME])
    await _put(tx, [*keys])


def _keys(org: str, path: str) -> list[Key]:
    holder, _, own = path.rpartition(":")
    kind = ids.kind_of(own)
    if kind is ids.COMMENT and holder and ids.kind_of(holder) in SOURCES:
        key = key_of(org, holder)
        return [key._replace(kind=key.kind + SAID)]
    return [key_of(org, own)] if kind in SOURCES else []


async def _pend(tx: Tx, keys: Sequence[Key]) -> None:
    """Note that objects changed. What is noted already is written again: whoever drains it, and has
    not seen this change, must not take the note away.
    """
    if keys:
        await tx.run(
            """
            INSERT INTO derived_search_pending (org, kind, number)
            SELECT r.org, r.kind, r.number
            FROM rows(:keys, org text, kind bigint, number bigint) r WHERE true
            ON CONFLICT (org, kind, number) DO UPDATE SET number = excluded.number
            """,
            keys=sorted(keys),
        )


async def _renamed(tx: Tx, org: str, display_id: str) -> list[Key]:
    """The keys of what shows an object's name; where they are many, none, and it is noted that the
    object was renamed.
    """
    found: set[Key] = set()
    for kind in LINKED:
        entries, parameters = _linking(org, kind, display_id)
        rows = await tx.all(f"{entries.numbers} LIMIT :most", **parameters, most=_MANY)
        found.update(Key(org, SOURCES[kind].code, number) for (number,) in rows)
        if len(rows) == _MANY:
            break
    else:
        return sorted(found)
    await tx.run(
        """
        INSERT INTO derived_search_renamed (org, object, kind, number) VALUES (:org, :object, 0, 0)
        ON CONFLICT (org, object) DO UPDATE SET kind = 0, number = 0
        """,
        org=org,
        object=display_id,
    )
    return []


async def linked_to(
    tx: Tx, org: str, kind: ids.Kind, display_id: str, *, beyond: int = 0, most: int
) -> list[int]:
    """The numbers of some objects of a kind that refer to another one, from a number on."""
    entries, parameters = _linking(org, kind, display_id)
    rows = await tx.all(
        f"""
        SELECT DISTINCT {entries.number} AS number FROM {entries.table}
        WHERE {entries.scope} AND {entries.number} > :beyond ORDER BY number LIMIT :most
        """,  # noqa: S608  # literals
        **parameters,
        beyond=beyond,
        most=most,
    )
    return [number for (number,) in rows]


def _linking(org: str, kind: ids.Kind, display_id: str) -> tuple[Entries, Mapping[str, str]]:
    """The index by which objects of a kind are found that refer to another one."""
    where = SOURCES[kind].listed(org)
    where.among(NAMED[ids.kind_of(display_id)], [display_id])
    (asked,) = where.asked
    entries = asked.by.entries(where.listing, asked.values)
    if entries is None:
        raise ValueError(f"nothing leads to what refers to {display_id}")
    return entries, where.parameters  # type: ignore[return-value]  # one value and the org


# Writing


async def _put(tx: Tx | Bulk, keys: Sequence[Key]) -> None:
    """Write the entries of what has these keys, as it is now."""
    await _write(tx, keys, await entries(tx, keys))


async def _write(tx: Tx | Bulk, keys: Sequence[Key], words: Mapping[Key, set[str]]) -> None:
    blocks: dict[tuple[Space, int], list[Key]] = {}
    for key in sorted(keys):
        blocks.setdefault((Space(key.org, key.kind), block_of(key.number)), []).append(key)
    for (space, block), some in blocks.items():
        found = (await postings.read(tx, space, [block], [ANY, STALE], []))[block]
        there, stale = found.having(ANY), found.having(STALE)
        if len(stale) >= _STALE:
            await _renew(tx, space, block, stale)
            there -= stale
        added: dict[str, list[int]] = {}
        for key in some:
            place = place_of(key.number)
            if place in there:
                added.setdefault(STALE, []).append(place)
            for word in words.get(key, ()):
                added.setdefault(word, []).append(place)
        if added:
            await postings.add(tx, space, block, added)


async def _renew(tx: Tx | Bulk, space: Space, block: int, stale: set[int]) -> None:
    """Write stale entries anew, without what their objects lost."""
    await postings.take(tx, space, block, stale)
    keys = [Key(*space, number_at(block, place)) for place in sorted(stale)]
    await _write(tx, keys, await entries(tx, keys))


# Draining


async def drain(tx: Tx) -> int:
    """Write some of the entries whose objects changed; how many. 0 when all are as they should."""
    await tx.hold([_NAME])
    rows = await tx.all(
        """
        SELECT org, kind, number FROM derived_search_pending
        ORDER BY org, kind, number LIMIT :most FOR UPDATE SKIP LOCKED
        """,
        most=BITE,
    )
    if not rows:
        return await _drain_renamed(tx)
    # Of an org that is being deleted nothing is written behind its last row.
    living = await dev_orgs.hold(tx, {row[0] for row in rows})
    await _put(tx, [Key(*row) for row in rows if row[0] in living])
    await _drained(tx, rows)
    return len(rows)


async def _drained(tx: Tx, keys: Sequence[Sequence[str | int]]) -> None:
    await tx.run(
        """
        DELETE FROM derived_search_pending WHERE (org, kind, number) IN (
            SELECT org, kind, number FROM rows(:keys, org text, kind bigint, number bigint))
        """,
        keys=keys,
    )


async def _drain_renamed(tx: Tx) -> int:
    row = await tx.one(
        "SELECT org, object, kind, number FROM derived_search_renamed ORDER BY org, object LIMIT 1"
        " FOR UPDATE SKIP LOCKED"
    )
    if row is None:
        return 0
    org, object_, position, beyond = row
    if position == len(LINKED):
        await tx.run(
            "DELETE FROM derived_search_renamed WHERE org = :org AND object = :object",
            org=org,
            object=object_,
        )
        return 1
    kind = LINKED[position]
    numbers = await linked_to(tx, org, kind, object_, beyond=beyond, most=_RENAMED_BITE)
    await _put(tx, [Key(org, SOURCES[kind].code, number) for number in numbers])
    is_done = len(numbers) < _RENAMED_BITE
    await tx.run(
        """
        UPDATE derived_search_renamed SET kind = :kind, number = :number
        WHERE org = :org AND object = :object
        """,
        kind=position + is_done,
        number=0 if is_done else numbers[-1],
        org=org,
        object=object_,
    )
    return 1


# Forgetting


async def forget(tx: Tx, org: str, objects: Sequence[str]) -> None:
    """Take away the words of objects that are purged or erased, of comments on them, and of their
    names wherever these are.
    """
    await tx.hold([_NAME])
    # What lost a name before is stale from then on.
    while await drain(tx):
        pass
    for one in objects:
        if ids.kind_of(one) in SOURCES:
            key = key_of(org, one)
            had = await _take(tx, key)
            await _take(tx, key._replace(kind=key.kind + SAID))
            names = {word for word in had if not postings.is_mark(word)}
            if names and ids.kind_of(one) in NAMED:
                await _forget_names(tx, org, one, names)


async def _take(tx: Tx, key: Key) -> set[str]:
    """Take an entry away; which words it had."""
    space, block, place = Space(key.org, key.kind), block_of(key.number), place_of(key.number)
    found = (await postings.read(tx, space, [block], [ANY], []))[block]
    if place not in found.having(ANY):
        return set()
    return await postings.take(tx, space, block, {place})


async def _forget_names(tx: Tx, org: str, display_id: str, names: set[str]) -> None:
    """Take words of a name from what refers to it, or did before; what has them for another reason
    gets them back.
    """
    for kind in LINKED:
        space = Space(org, SOURCES[kind].code)
        linked: dict[int, set[int]] = {}
        for number in await linked_to(tx, org, kind, display_id, most=2**31):
            linked.setdefault(block_of(number), set()).add(place_of(number))
        last = (await postings.newest(tx, org, [space.kind])).get(space.kind, -1)
        for block in range(last + 1):
            found = (await postings.read(tx, space, [block], [STALE, *names], []))[block]
            named = set().union(*map(found.having, names))
            stale, sure = named & found.having(STALE), named & linked.get(block, set())
            if stale:
                await postings.take(tx, space, block, stale)
            if sure - stale:
                await postings.take(tx, space, block, sure - stale, names)
            await _pend(tx, [Key(*space, number_at(block, place)) for place in stale | sure])


# Making it anew


async def rebuild(bulk: Bulk) -> None:
    """Make the whole index anew; in a transaction."""
    for table in ("", "_pending", "_renamed", "_progress"):
        await bulk.run(f"DELETE FROM derived_search{table}")  # noqa: S608  # our own names
    at: _At | None = _At(0, "", 0)
    while at is not None:
        at, _ = await _bite(bulk, at)


async def is_filled(tx: Tx) -> bool:
    """Whether everything is indexed that was there before the index."""
    return await tx.one("SELECT kind FROM derived_search_progress") is None


async def fill(tx: Tx) -> int:
    """Index the next objects of a store that was there before; how many, 0 when all are."""
    await tx.hold([_NAME])
    row = await tx.one("SELECT kind, org, number FROM derived_search_progress")
    at, done = None if row is None else _At(*row), 0
    while at is not None and not done:
        at, done = await _bite(tx, at)
    if at is None:
        await tx.run("DELETE FROM derived_search_progress")
    else:
        await tx.run(
            "UPDATE derived_search_progress SET kind = :kind, org = :at_org, number = :number",
            kind=at.kind,
            at_org=at.org,
            number=at.number,
        )
    return done


class _At(NamedTuple):
    """How far everything is indexed: up to an org and number of a kind, by its place among them."""

    kind: int
    org: str
    number: int


_ORDER = sorted(BY_CODE)


async def _bite(tx: Tx | Bulk, at: _At) -> tuple[_At | None, int]:
    """Index the next objects. Where to go on, None behind the last; how many these were."""
    source = BY_CODE[_ORDER[at.kind]]
    rows = await after(tx, source, (at.org, at.number), _FIRST_BITE)
    found = await of_rows(tx, source, rows)
    await _write(tx, [one.key for one in found], {one.key: one.words() for one in found})
    if source.has_comments:
        said = await entries(tx, [one.key._replace(kind=source.code + SAID) for one in found])
        await _write(tx, [*said], said)
    if len(rows) == _FIRST_BITE:
        return _At(at.kind, rows[-1][0], rows[-1][1]), len(rows)
    return (_At(at.kind + 1, "", 0) if at.kind + 1 < len(_ORDER) else None), len(rows)


# Reading


async def pending(tx: Tx, org: str) -> set[Key]:
    """The keys of what changed since its entry was written."""
    rows = await tx.all(
        "SELECT org, kind, number FROM derived_search_pending WHERE org = :org", org=org
    )
    return {Key(*row) for row in rows}


async def renamed(tx: Tx, org: str) -> list[str]:
    """The display ids of objects of which not everything that shows them has the new name yet."""
    rows = await tx.all(
        "SELECT object FROM derived_search_renamed WHERE org = :org ORDER BY object", org=org
    )
    return [object_ for (object_,) in rows]


# Looking


async def wrong(bulk: Bulk, *, every: bool) -> list[str]:
    """The objects whose entries are not what their texts say, in the newest blocks or in every one;
    in a transaction.
    """
    if await bulk.all("SELECT object FROM derived_search_renamed LIMIT 1"):
        return []  # Not everything can be right before these are done.
    rows = await bulk.all("SELECT org, kind, number FROM derived_search_pending")
    skipped = {Key(*row) for row in rows}
    found: list[str] = []
    for code, source in BY_CODE.items():
        rows = await bulk.all(f"SELECT x.org, x.number FROM {source.table} WHERE {source.live}")  # noqa: S608
        there = {(org, number) for org, number in rows}
        for kind in (code, *([code + SAID] if source.has_comments else ())):
            for space, block in await _blocks(bulk, kind, there, every=every):
                found += await _wrong_in(bulk, space, block, there, skipped)
    return found


async def _blocks(
    bulk: Bulk, kind: int, there: set[tuple[str, int]], *, every: bool
) -> list[tuple[Space, int]]:
    """The blocks of a kind, in the index or not; the newest of each org, or every one."""
    rows = await bulk.all(
        "SELECT DISTINCT org, block FROM derived_search WHERE kind = :kind", kind=kind
    )
    blocks = sorted({(org, block) for org, block in rows} | {(o, block_of(n)) for o, n in there})
    chosen = blocks if every else {org: (org, block) for org, block in blocks}.values()
    return [(Space(org, kind), block) for org, block in chosen]


async def _wrong_in(
    bulk: Bulk, space: Space, block: int, there: set[tuple[str, int]], skipped: set[Key]
) -> list[str]:
    numbers = [number_at(block, place) for place in range(1, BLOCK + 1)]
    wanted = await entries(bulk, [Key(*space, one) for one in numbers if (space.org, one) in there])
    has: dict[int, set[str]] = {}
    for word, places in await postings.everything(bulk, space, block):
        for place in places:
            has.setdefault(number_at(block, place), set()).add(word)
    return [
        f"{space.org}/{display_id_of(key)}"
        for key in (Key(*space, one) for one in numbers)
        if key not in skipped and not _is_right(wanted.get(key, set()), has.get(key.number, set()))
    ]


def _is_right(wanted: set[str], has: set[str]) -> bool:
    """A stale entry may have more."""
    return wanted <= has if STALE in has else wanted == has
