"""Change events."""

from collections.abc import Sequence
from typing import NamedTuple

from rapport.contract.ids import Kind
from rapport.store import numbers
from rapport.store.db import Tx

# Not an object of the API: what numbers events, per org.
_SEQ = Kind("event", "core", "event", "EVENT")


class EventRow(NamedTuple):
    """A row. `document`, `before` and `deltas` are JSON; the migration says what they hold."""

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


async def append(tx: Tx, rows: Sequence[EventRow]) -> list[EventRow]:
    """Add events, numbered in this order."""
    per_org: dict[str, int] = {}
    for row in rows:
        per_org[row.org] = per_org.get(row.org, 0) + 1
    # Others who write events of these orgs wait here until this transaction ends: numbers come in the order of commits,
    # so that a reader who has seen one never misses a smaller one.
    next_seq = await numbers.advance(tx, _SEQ.name, per_org)
    numbered = []
    for row in rows:
        numbered.append(row._replace(seq=next_seq[row.org]))
        next_seq[row.org] += 1
    await tx.run(
        """
        INSERT INTO events (org, seq, kind, action, object, actor, date, document, before, deltas)
        SELECT org, seq, kind, action, object, actor, date, document, before, deltas
        FROM rows(:rows, org text, seq bigint, kind text, action text, object text, actor text, date bigint,
                  document text, before text, deltas text)
        """,
        rows=numbered,
    )
    return numbered


async def after(tx: Tx, org: str, seq: int, kinds: Sequence[str], limit: int) -> list[EventRow]:
    """The org's first events of these kinds beyond a sequence number."""
    rows = await tx.all(
        """
        SELECT e.org, e.seq, e.kind, e.action, e.object, e.actor, e.date, e.document, e.before, e.deltas
        FROM events e
        WHERE e.org = :org AND e.seq > :seq AND e.kind IN (SELECT kind FROM rows(:kinds, kind text))
        ORDER BY e.seq LIMIT :limit
        """,
        org=org,
        seq=seq,
        kinds=[(kind,) for kind in kinds],
        limit=limit,
    )
    return [EventRow(*row) for row in rows]
