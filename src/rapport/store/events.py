"""Change events."""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

from rapport.contract.kit import ids
from rapport.contract.kit.ids import Kind
from rapport.store.kit import numbers
from rapport.store.kit.db import Tx

# Not an object of the API: what numbers events, per org.
EVENT = Kind("event", "core", "event", "EVENT")


class EventRow(NamedTuple):
    """A row. `document`, `before` and `deltas` are JSON; the migration says what they hold.
    `imported` is 1 where the object was brought from elsewhere.
    """

    org: str
    seq: int
    kind: str
    action: str
    object: str
    actor: str
    date: int
    document: str | None
    before: str | None
    deltas: str | None
    imported: int | None = None


async def append(tx: Tx, rows: Sequence[EventRow]) -> list[EventRow]:
    """Add events, numbered in this order."""
    per_org: dict[str, int] = {}
    for row in rows:
        per_org[row.org] = per_org.get(row.org, 0) + 1
        tx.wake(row.org)
    # Others who write events of these orgs wait here until this transaction ends: numbers come in
    # the order of commits, so that a reader who has seen one never misses a smaller one.
    next_seq = await numbers.advance(tx, EVENT.name, per_org)
    numbered = []
    for row in rows:
        numbered.append(row._replace(seq=next_seq[row.org]))
        next_seq[row.org] += 1
    await tx.run(
        """
        INSERT INTO events (org, seq, kind, action, object, actor, date, document, before, deltas,
                            imported)
        SELECT org, seq, kind, action, object, actor, date, document, before, deltas, imported
        FROM rows(:rows, org text, seq bigint, kind text, action text, object text, actor text,
                  date bigint,
                  document text, before text, deltas text, imported bigint)
        """,
        rows=numbered,
    )
    return numbered


async def bounds(tx: Tx, org: str) -> tuple[int, int]:
    """The number up to which events are gone, and the newest that a reader may pass; 0 before
    the first.
    """
    row = await tx.one(
        """
        SELECT COALESCE((SELECT floor FROM event_floors WHERE org = :org), 0),
               COALESCE((SELECT max(seq) FROM events WHERE org = :org), 0)
        """,
        org=org,
    )
    floor, newest = row or (0, 0)
    return floor, max(floor, newest)


async def after(
    tx: Tx, org: str, seq: int, kinds: Sequence[str], limit: int, *, reach: int = 2**62
) -> list[EventRow]:
    """The org's first events of these kinds beyond a sequence number, up to another one.

    `append`, `bounds` and this are all that knows of the order: a reader that has passed a number
    has seen all below.
    """
    rows = await tx.all(
        """
        SELECT e.org, e.seq, e.kind, e.action, e.object, e.actor, e.date, e.document, e.before,
        e.deltas, e.imported
        FROM events e
        WHERE e.org = :org AND e.seq > :seq AND e.seq <= :reach AND e.kind IN (SELECT kind
        FROM rows(:kinds, kind text))
        ORDER BY e.seq LIMIT :limit
        """,
        org=org,
        seq=seq,
        reach=reach,
        kinds=[(kind,) for kind in kinds],
        limit=limit,
    )
    return [EventRow(*row) for row in rows]


async def types_after(tx: Tx, org: str, seq: int, limit: int) -> list[tuple[int, str, str, str]]:
    """(seq, kind, action, object) of the org's first events beyond a sequence number, as far as
    a reader may pass.
    """
    _, reach = await bounds(tx, org)
    rows = await tx.all(
        """
        SELECT seq, kind, action, object FROM events
        WHERE org = :org AND seq > :seq AND seq <= :reach ORDER BY seq LIMIT :limit
        """,
        org=org,
        seq=seq,
        reach=reach,
        limit=limit,
    )
    return [(seq, kind, action, object_) for seq, kind, action, object_ in rows]


# Retention

# The kinds that a timeline shows, whose events keep their deltas.
_ON_TIMELINES = "('account', 'engagement', 'meeting', 'work')"


async def forget(tx: Tx, *, before: int, most: int) -> int:
    """Let some of an org's first events go, as far as they are from before a date; how many.

    What is left of a feed is so always whole. Events that timelines show lose only what the feed
    needs.
    """
    org, floor = await _first_old(tx, before)
    rows = await tx.all(
        "SELECT seq, date FROM events WHERE org = :org AND seq > :floor ORDER BY seq LIMIT :most",
        org=org,
        floor=floor,
        most=most,
    )
    old = [(org, seq) for seq, _ in itertools.takewhile(lambda row: row[1] <= before, rows)]
    if not old:
        return 0
    await tx.run(
        """
        INSERT INTO event_floors (org, floor) VALUES (:org, :floor)
        ON CONFLICT (org) DO UPDATE SET floor = excluded.floor
        """,
        org=org,
        floor=old[-1][1],
    )
    await tx.run(
        f"""
        UPDATE events SET document = NULL, before = NULL
        WHERE kind IN {_ON_TIMELINES} AND (org, seq) IN (SELECT org, seq
        FROM rows(:old, org text, seq bigint))
        """,  # noqa: S608  # our own literal
        old=old,
    )
    await tx.run(
        f"""
        DELETE FROM events
        WHERE kind NOT IN {_ON_TIMELINES} AND (org, seq) IN (SELECT org, seq
        FROM rows(:old, org text, seq bigint))
        """,  # noqa: S608  # our own literal
        old=old,
    )
    return len(old)


async def _first_old(tx: Tx, before: int) -> tuple[str, int]:
    """An org whose first event is from before a date, and the number up to which its feed has
    gone already.
    """
    row = await tx.one(
        """
        SELECT o.org, COALESCE(f.floor, 0) FROM orgs o LEFT JOIN event_floors f ON f.org = o.org
        WHERE (SELECT e.date FROM events e WHERE e.org = o.org AND e.seq > COALESCE(f.floor, 0)
               ORDER BY e.seq LIMIT 1) <= :before AND o.deleted_date IS NULL
        ORDER BY o.org LIMIT 1 FOR KEY SHARE OF o
        """,
        before=before,
    )
    return (row[0], row[1]) if row else ("", 0)


# Purging


async def told_of(tx: Tx, org: str, objects: Sequence[str]) -> list[int]:
    """The numbers of the events of objects, of what stands on them, and of links that show them.

    Args:
        tx: to read in.
        org: whose.
        objects: display ids.
    """
    rows = await tx.all(
        """
        SELECT e.seq FROM rows(:objects, first text, beyond text, mark text) r
        CROSS JOIN events e WHERE e.org = :org AND e.object = r.first
        UNION SELECT e.seq FROM rows(:objects, first text, beyond text, mark text) r
        CROSS JOIN events e
        WHERE e.org = :org AND e.object >= r.first || ':' AND e.object < r.beyond
        UNION SELECT e.seq FROM rows(:objects, first text, beyond text, mark text) r
        CROSS JOIN events e WHERE e.org = :org AND e.kind = 'link'
        AND (e.document LIKE r.mark OR e.before LIKE r.mark)
        """,
        org=org,
        # What stands on an object has its display id in front, and `;` is what follows `:`.
        objects=[(one, f"{one};", f'%"{ids.don_of(one, org)}"%') for one in objects],
    )
    return [seq for (seq,) in rows]


async def purge(tx: Tx, org: str, seqs: Sequence[int]) -> None:
    """Remove events, whoever would still have read them."""
    await tx.run(
        "DELETE FROM events WHERE org = :org AND seq IN (SELECT seq FROM rows(:seqs, seq bigint))",
        org=org,
        seqs=[(seq,) for seq in seqs],
    )


# Erasing


async def showing(tx: Tx, org: str, display_id: str) -> list[EventRow]:
    """All events that show an object, such as a user who made or changed what they are about."""
    rows = await tx.all(
        """
        SELECT e.org, e.seq, e.kind, e.action, e.object, e.actor, e.date, e.document, e.before,
        e.deltas
        FROM events e
        WHERE e.org = :org AND (e.object = :object OR e.document LIKE :mark OR e.before LIKE :mark
                                OR e.deltas LIKE :mark)
        ORDER BY e.seq
        """,
        org=org,
        object=display_id,
        mark=f'%"{ids.don_of(display_id, org)}"%',
    )
    return [EventRow(*row) for row in rows]


async def rewrite(tx: Tx, rows: Sequence[EventRow]) -> None:
    """Write anew what events show."""
    await tx.run(
        """
        UPDATE events SET document = r.document, before = r.before, deltas = r.deltas
        FROM rows(:rows, org text, seq bigint, document text, before text, deltas text) r
        WHERE events.org = r.org AND events.seq = r.seq
        """,
        rows=[(row.org, row.seq, row.document, row.before, row.deltas) for row in rows],
    )
