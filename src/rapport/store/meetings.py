"""Meetings."""

import dataclasses
from collections import Counter
from collections.abc import Sequence
from typing import Literal, NamedTuple

from rapport.contract.kit import ids
from rapport.contract.meetings import Channel, State
from rapport.store import touches
from rapport.store.kit import counts, terms
from rapport.store.kit.db import Tx, Value
from rapport.store.kit.deleted import listing_of_deleted
from rapport.store.kit.filters import Column, Date, Filter, Link, Listing
from rapport.store.kit.grouping import Key, Sums


class MeetingRow(NamedTuple):
    """A row. Users and `parent` are display ids; `document` keeps the rest as JSON."""

    org: str
    number: int
    title: str
    channel: Channel
    state: State
    parent: str | None
    organizer: str | None
    external_ref: str | None
    scheduled_date: int
    ended_date: int
    created_by: str
    created_date: int
    modified_by: str
    modified_date: int
    document: str
    deleted_by: str | None = None
    deleted_date: int | None = None

    @property
    def display_id(self) -> str:
        """By which others refer to it."""
        return ids.MEETING.display_id(self.number)


class Named(NamedTuple):
    """What a meeting is found by beside its columns.

    Args:
        members: display ids.
        tags: display ids.
        custom_fields: their terms.
    """

    members: Sequence[str]
    tags: Sequence[str]
    custom_fields: Sequence[str]


async def insert(tx: Tx, row: MeetingRow, named: Named) -> None:
    """Add a meeting.

    Raises:
        UniqueViolation: its external_ref is in use.
    """
    await tx.run(
        """
        INSERT INTO meetings (org, number, title, channel, state, parent, organizer, external_ref,
                              scheduled_date, ended_date,
                              created_by, created_date, modified_by, modified_date, document,
                              deleted_by, deleted_date)
        VALUES (:org, :number, :title, :channel, :state, :parent, :organizer, :external_ref,
                :scheduled_date, :ended_date,
                :created_by, :created_date, :modified_by, :modified_date, :document,
                :deleted_by, :deleted_date)
        """,
        **row._asdict(),
    )
    await _put_terms(tx, row, named)
    await counts.add(tx, Counter(_counted(row, named)))
    parents = [row.parent] if row.parent else []
    dated = touches.Dated(row.org, row.number, row.scheduled_date, [*parents, *named.members])
    await touches.add(tx, "meeting", [dated], row.modified_date)


# What the indexes of filters have beside the number, in the order of the first.
_CARRIED = ("created_date", "modified_date", "scheduled_date", "ended_date", "title")


def _keys(row: MeetingRow) -> tuple[Value, ...]:
    """What those indexes have of a row: its places in lists."""
    return tuple(getattr(row, name) for name in _CARRIED)


async def _put_terms(tx: Tx, row: MeetingRow, named: Named) -> None:
    fields = {f"meetings.{field}": values for field, values in named._asdict().items()}
    await terms.put(tx, row.org, row.display_id, fields)
    await tx.run(
        """
        UPDATE terms SET number = :number, created_date = :created_date,
            modified_date = :modified_date, scheduled_date = :scheduled_date,
            ended_date = :ended_date, title = :title
        WHERE org = :org AND owner = :owner AND field IN ('meetings.members', 'meetings.tags')
        """,
        org=row.org,
        owner=row.display_id,
        number=row.number,
        **dict(zip(_CARRIED, _keys(row), strict=True)),
    )


def _counted(row: MeetingRow, named: Named) -> list[counts.Counted]:
    """The sums that a live meeting is part of."""
    columns = ("channel", "state", "created_by", "parent", "organizer")
    return [
        (row.org, "meetings", ""),
        *(
            (row.org, f"meetings.{column}", value)
            for column in columns
            if (value := getattr(row, column)) is not None
        ),
        *((row.org, "meetings.members", member) for member in named.members),
        *((row.org, "meetings.tags", tag) for tag in named.tags),
    ]


# Under which name deleted ones are counted.
_DELETED = "meetings.deleted"
COUNTED = """
    SELECT org, 'meetings.deleted', '', 0, count(*) FROM meetings
    WHERE deleted_date IS NOT NULL GROUP BY org UNION ALL
    SELECT org, 'meetings', '', 0, count(*) FROM meetings
    WHERE deleted_date IS NULL GROUP BY org UNION ALL
    SELECT org, 'meetings.channel', channel, 0, count(*) FROM meetings
    WHERE deleted_date IS NULL GROUP BY org, channel UNION ALL
    SELECT org, 'meetings.state', state, 0, count(*) FROM meetings
    WHERE deleted_date IS NULL GROUP BY org, state UNION ALL
    SELECT org, 'meetings.created_by', created_by, 0, count(*) FROM meetings
    WHERE deleted_date IS NULL GROUP BY org, created_by UNION ALL
    SELECT org, 'meetings.parent', parent, 0, count(*) FROM meetings
    WHERE deleted_date IS NULL AND parent IS NOT NULL GROUP BY org, parent UNION ALL
    SELECT org, 'meetings.organizer', organizer, 0, count(*) FROM meetings
    WHERE deleted_date IS NULL AND organizer IS NOT NULL GROUP BY org, organizer UNION ALL
    SELECT org, field, value, 0, count(*) FROM terms
    WHERE field IN ('meetings.members', 'meetings.tags') AND number IS NOT NULL
    GROUP BY org, field, value
"""
_SELECT = """
    SELECT org, number, title, channel, state, parent, organizer, external_ref,
           scheduled_date, ended_date,
           created_by, created_date, modified_by, modified_date, document, deleted_by, deleted_date
    FROM meetings WHERE org = :org AND number = :number"""
_GET = f"{_SELECT} AND deleted_date IS NULL"
_GET_DELETED = f"{_SELECT} AND deleted_date IS NOT NULL"


async def get(tx: Tx, org: str, number: int) -> MeetingRow | None:
    """A live meeting."""
    row = await tx.one(_GET, org=org, number=number)
    return MeetingRow(*row) if row else None


async def lock(tx: Tx, org: str, number: int) -> MeetingRow | None:
    """A live meeting, held against other writers until this transaction ends."""
    row = await tx.one(f"{_GET} FOR UPDATE", org=org, number=number)
    return MeetingRow(*row) if row else None


async def lock_deleted(tx: Tx, org: str, number: int) -> MeetingRow | None:
    """A deleted meeting, held against other writers until this transaction ends."""
    row = await tx.one(f"{_GET_DELETED} FOR UPDATE", org=org, number=number)
    return MeetingRow(*row) if row else None


async def update(tx: Tx, before: tuple[MeetingRow, Named], after: tuple[MeetingRow, Named]) -> None:
    """Write a live meeting anew, which was `before` until now.

    Raises:
        UniqueViolation: its external_ref is in use.
    """
    row, _ = after
    is_elsewhere = _place(*before) != _place(*after)
    keys = [(row.org, row.number)] if is_elsewhere else []
    async with touches.following(tx, "meeting", keys, row.modified_date):
        await _update(tx, before, after)


def _place(row: MeetingRow, named: Named) -> tuple[Value | Sequence[str], ...]:
    """What decides whose touch a meeting is, and when."""
    return row.scheduled_date, row.parent, named.members


async def _update(
    tx: Tx, before: tuple[MeetingRow, Named], after: tuple[MeetingRow, Named]
) -> None:
    row, named = after
    await tx.run(
        """
        UPDATE meetings SET title = :title, channel = :channel, state = :state,
            organizer = :organizer, parent = :parent, external_ref = :external_ref,
            scheduled_date = :scheduled_date, ended_date = :ended_date,
            modified_by = :modified_by, modified_date = :modified_date, document = :document
        WHERE org = :org AND number = :number
        """,
        org=row.org,
        number=row.number,
        title=row.title,
        channel=row.channel,
        state=row.state,
        organizer=row.organizer,
        parent=row.parent,
        external_ref=row.external_ref,
        scheduled_date=row.scheduled_date,
        ended_date=row.ended_date,
        modified_by=row.modified_by,
        modified_date=row.modified_date,
        document=row.document,
    )
    if named != before[1] or _keys(row) != _keys(before[0]):
        await _put_terms(tx, row, named)
    changes = Counter(_counted(*after))
    changes.subtract(_counted(*before))
    await counts.add(tx, changes)


async def delete(tx: Tx, row: MeetingRow, named: Named, now: int, by: str) -> None:
    """Mark a live meeting as deleted. Its document keeps all that it was."""
    async with touches.following(tx, "meeting", [(row.org, row.number)], now):
        await tx.run(
            """
            UPDATE meetings SET deleted_date = :now, deleted_by = :by
            WHERE org = :org AND number = :number
            """,
            org=row.org,
            number=row.number,
            now=now,
            by=by,
        )
    # Live ones alone have places in lists.
    await tx.run(
        """
        UPDATE terms SET number = NULL, created_date = NULL, modified_date = NULL,
            scheduled_date = NULL, ended_date = NULL, title = NULL
        WHERE org = :org AND owner = :owner
        """,
        org=row.org,
        owner=row.display_id,
    )
    sums = dict.fromkeys(_counted(row, named), -1)
    await counts.add(tx, {**sums, (row.org, _DELETED, ""): 1})


async def restore(tx: Tx, row: MeetingRow, named: Named) -> None:
    """Let a deleted meeting, which is held, live again as `row` has it.

    Raises:
        UniqueViolation: its external_ref is in use.
    """
    async with touches.following(tx, "meeting", [(row.org, row.number)], row.modified_date):
        await tx.run(
            """
            UPDATE meetings SET deleted_date = NULL, deleted_by = NULL, parent = :parent,
                organizer = :organizer, modified_by = :modified_by, modified_date = :modified_date,
                document = :document
            WHERE org = :org AND number = :number
            """,
            org=row.org,
            number=row.number,
            parent=row.parent,
            organizer=row.organizer,
            modified_by=row.modified_by,
            modified_date=row.modified_date,
            document=row.document,
        )
        await _put_terms(tx, row, named)
    sums = dict.fromkeys(_counted(row, named), 1)
    await counts.add(tx, {**sums, (row.org, _DELETED, ""): -1})


async def purge(tx: Tx, org: str, numbers: Sequence[int]) -> None:
    """Remove deleted meetings, which are held, for good."""
    await tx.run(
        """
        DELETE FROM meetings
        WHERE org = :org AND number IN (SELECT number FROM rows(:keys, number bigint))
        """,
        org=org,
        keys=[(number,) for number in numbers],
    )
    await terms.remove(tx, org, [ids.MEETING.display_id(number) for number in numbers])
    await counts.add(tx, {(org, _DELETED, ""): -len(numbers)})


async def deleted_among(tx: Tx, org: str, display_ids: Sequence[str]) -> set[str]:
    """Those of these meetings, given by display id, that are deleted and can come back."""
    rows = await tx.all(
        """
        SELECT m.number FROM meetings m
        WHERE m.org = :org AND m.number IN (SELECT number FROM rows(:numbers, number bigint))
        AND m.deleted_date IS NOT NULL
        """,
        org=org,
        numbers=[(number,) for number in ids.numbers_of(ids.MEETING, display_ids)],
    )
    return {ids.MEETING.display_id(number) for (number,) in rows}


async def by_external_ref(tx: Tx, org: str, external_ref: str) -> int | None:
    """The number of the live meeting that has an external_ref."""
    row = await tx.one(
        """
        SELECT number FROM meetings
        WHERE org = :org AND external_ref = :external_ref AND deleted_date IS NULL
        """,
        org=org,
        external_ref=external_ref,
    )
    return None if row is None else int(row[0])


async def holding(
    tx: Tx, org: str, field: Literal["members", "organizer", "parent"], id_: str
) -> int:
    """How many live meetings have this member, organizer or parent."""
    return await counts.total(tx, org, f"meetings.{field}", [id_])


SORTS = {
    "created_date": int,
    "ended_date": int,
    "modified_date": int,
    "scheduled_date": int,
    "title": str,
}
_LINKED = "l.org = m.org AND l.source = 'MEETING-' || m.number"


def _by_links(column: str) -> Link:
    return Link(
        "links l",
        _LINKED,
        f"l.{column}",
        number="CAST(substr(l.source, 9) AS BIGINT)",
        scope="l.org = :org AND l.source_kind = 'meeting'",
    )


def _by_terms(field: str) -> Link:
    """By terms that have a meeting's places in lists; those of deleted ones have none."""
    has = f"t.field = 'meetings.{field}' AND t.number IS NOT NULL"
    return Link(
        "terms t",
        f"t.org = m.org AND t.owner = 'MEETING-' || m.number AND {has}",
        "t.value",
        number="t.number",
        scope=f"t.org = :org AND {has}",
        summed=True,
        carried={name: f"t.{name}" for name in _CARRIED},
        all_live=True,
    )


def _by_column(name: str) -> Column:
    return Column(f"m.{name}", indexed=True, summed=True, carried=_OWN)


_OWN = {name: f"m.{name}" for name in _CARRIED}
_LISTING = Listing(
    select=", ".join(f"m.{column}" for column in MeetingRow._fields),
    table="meetings m",
    scope="m.org = :org AND m.deleted_date IS NULL",
    number="m.number",
    sorts={name: f"m.{name}" for name in SORTS},
    make=MeetingRow._make,
    counted="meetings",
    filters={
        "channel": _by_column("channel"),
        "created_by": _by_column("created_by"),
        "external_ref": Column("m.external_ref", indexed=True),
        "linked_from": _by_links("source_kind"),
        "linked_to": _by_links("target"),
        "members": _by_terms("members"),
        "organizer": _by_column("organizer"),
        "parent": _by_column("parent"),
        "state": _by_column("state"),
        "tags": _by_terms("tags"),
        **terms.filters("meetings", "m", "'MEETING-' || m.number", "custom_fields"),
    },
    dates={
        "created_date": Date("m.created_date"),
        "ended_date": Date("m.ended_date", optional=True),
        "modified_date": Date("m.modified_date"),
        "scheduled_date": Date("m.scheduled_date", optional=True),
    },
)


def sums(*, rollup: bool) -> Sums:
    """What meetings are summed up by."""
    keys = {
        "account": _ACCOUNTS_ROLLED_UP if rollup else _parents(ids.ACCOUNT),
        "channel": Key("m.channel"),
        "created_by": Key("m.created_by"),
        "member": _terms("members"),
        "opportunity": _parents(ids.OPPORTUNITY),
        "state": Key("m.state"),
        "tag": _terms("tags"),
    }
    return Sums(keys, "m.scheduled_date")


def _terms(field: str) -> Key:
    on = "{alias}.org = m.org AND {alias}.owner = 'MEETING-' || m.number"
    return Key(
        "{alias}.value", f"JOIN terms {{alias}} ON {on} AND {{alias}}.field = 'meetings.{field}'"
    )


def _parents(kind: ids.Kind) -> Key:
    return Key(
        "{alias}.parent",
        "JOIN meetings {alias} ON {alias}.org = m.org AND {alias}.number = m.number "
        f"AND {{alias}}.parent LIKE '{kind.display_id('%')}'",
    )


_ACCOUNTS_ROLLED_UP = Key(
    "{alias}.account",
    """
    JOIN (
        SELECT p.number, p.parent AS account FROM meetings p
        WHERE p.org = :org AND p.parent LIKE 'ACC-%'
        UNION SELECT p.number, 'ACC-' || o.account FROM meetings p
        JOIN opportunities o ON o.org = p.org AND o.number = CAST(substr(p.parent, 5) AS BIGINT)
        WHERE p.org = :org AND p.parent LIKE 'OPP-%'
        UNION SELECT CAST(substr(t.owner, 9) AS BIGINT), 'ACC-' || v.account FROM terms t
        JOIN users u ON u.org = t.org AND u.display_id = t.value
        JOIN rev_orgs v ON v.org = u.org AND v.number = CAST(substr(u.rev_org, 5) AS BIGINT)
        WHERE t.org = :org AND t.field = 'meetings.members'
    ) {alias} ON {alias}.number = m.number
    """,
)


DATES = tuple(_LISTING.dates)


def live(org: str) -> Filter[MeetingRow]:
    """The org's live meetings."""
    return _LISTING.of_org(org)


DELETED_SORTS = {"deleted_date": int, **SORTS}
_DELETED_LISTING = listing_of_deleted(
    dataclasses.replace(
        _LISTING,
        filters={
            **_LISTING.filters,
            **terms.filters("meetings", "m", "'MEETING-' || m.number", "members", "tags"),
        },
    ),
    "m",
    _DELETED,
    unordered=SORTS.keys(),
)


def deleted(org: str) -> Filter[MeetingRow]:
    """The org's deleted meetings."""
    return _DELETED_LISTING.of_org(org)


class LinkAsked(NamedTuple):
    """A link that goes out from a meeting; None stands for anything. `target` is a display id."""

    link_type: str | None
    target: str | None
    target_kind: str | None


def linked(where: Filter[MeetingRow], asked: Sequence[LinkAsked]) -> None:
    """Keep meetings with any of these links; without links, all."""
    if not asked:
        return
    # What an index finds; the condition beside it says which of those links are meant.
    targets = [link.target for link in asked if link.target is not None]
    if len(targets) == len(asked):
        where.among("linked_to", targets)
    else:
        where.among("linked_from", [ids.MEETING.name])
    parameters: dict[str, Value] = {}
    meant = []
    for place, link in enumerate(asked):
        fields = {key: value for key, value in link._asdict().items() if value is not None}
        parameters |= {f"{key}_of_{place}": value for key, value in fields.items()}
        meant.append(" AND ".join(["1 = 1", *(f"l.{key} = :{key}_of_{place}" for key in fields)]))
    any_ = " OR ".join(f"({one})" for one in meant)
    where.where(f"EXISTS (SELECT 1 FROM links l WHERE {_LINKED} AND ({any_}))", **parameters)  # noqa: S608  # literals
