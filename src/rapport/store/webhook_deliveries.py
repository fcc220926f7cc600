"""Deliveries to webhooks: what is to be sent, who sends it right now, and how each attempt went."""

from collections.abc import Sequence
from typing import NamedTuple

from rapport.contract.kit import ids
from rapport.store.events import EventRow
from rapport.store.kit import numbers
from rapport.store.kit.db import Row, Tx
from rapport.store.kit.filters import Column, Date, Filter, Listing
from rapport.store.webhooks import WebhookKey

# An org and a number in it.
DeliveryKey = tuple[str, int]
VERIFY = "verify"
# The wire's three words for the states of a row.
STATES = {
    "pending": ("pending", "sending", "verify", "verifying"),
    "delivered": ("delivered",),
    "failed": ("failed",),
}


class NewDelivery(NamedTuple):
    """A delivery that has no number yet. `object` is a display id; `document` is None where an
    event says it all.
    """

    org: str
    webhook: int
    seq: int
    type: str
    object: str
    document: str | None = None


class DeliveryRow(NamedTuple):
    """A row; the migration says what the columns hold."""

    org: str
    number: int
    webhook: int
    seq: int
    type: str
    object: str
    state: str
    tries: int
    attempts: int
    due: int
    created_date: int
    document: str | None


class AttemptRow(NamedTuple):
    """One try."""

    org: str
    delivery: int
    number: int
    date: int
    duration: int
    http_status: int | None
    answer: str | None
    error: str | None


class Job(NamedTuple):
    """A delivery that is claimed: `due` is when the claim ends. `event` is None where retention
    took it.
    """

    delivery: DeliveryRow
    event: EventRow | None
    url: str
    headers: str
    secret: str
    secret_before: str | None
    secret_changed_date: int | None

    @property
    def key(self) -> WebhookKey:
        """Its webhook."""
        return self.delivery.org, self.delivery.webhook

    @property
    def event_is_there(self) -> bool:
        """What is to be told is still known."""
        return self.delivery.document is not None or (
            self.event is not None and self.event.document is not None
        )


async def add(
    tx: Tx, new: Sequence[NewDelivery], *, now: int, due: int | None = None, tries: int = 0
) -> None:
    """Add deliveries, numbered in this order, due now and untried unless told otherwise."""
    per_org: dict[str, int] = {}
    for one in new:
        per_org[one.org] = per_org.get(one.org, 0) + 1
        tx.wake(one.org)
    next_number = await numbers.take(tx, ids.WEBHOOK_DELIVERY, per_org)
    rows = []
    for one in new:
        rows.append(
            (
                one.org,
                next_number[one.org],
                one.webhook,
                one.seq,
                one.type,
                one.object,
                one.document,
            )
        )
        next_number[one.org] += 1
    await tx.run(
        """
        INSERT INTO webhook_deliveries (org, number, webhook, seq, type, object, state, tries,
                                        attempts, due,
                                        created_date, document)
        SELECT org, number, webhook, seq, type, object,
            CASE WHEN type = 'verify' THEN 'verify' ELSE 'pending' END,
               :tries, 0, :due, :now, document
        FROM rows(:rows, org text, number bigint, webhook bigint, seq bigint, type text,
                  object text, document text)
        """,
        rows=rows,
        now=now,
        due=now if due is None else due,
        tries=tries,
    )


async def cancel(tx: Tx, key: WebhookKey, states: Sequence[str], now: int) -> None:
    """Give up what a webhook has in these states."""
    await tx.run(
        """
        UPDATE webhook_deliveries SET state = 'failed', due = :now
        WHERE org = :org AND webhook = :webhook AND state IN (SELECT state
        FROM rows(:states, state text))
        """,
        org=key[0],
        webhook=key[1],
        states=[(state,) for state in states],
        now=now,
    )


# Claims

# (status of a webhook, state of a delivery) that something is done for when it falls due.
_AWAITED = [
    ("active", "pending"),
    ("active", "sending"),
    ("unverified", "verify"),
    ("unverified", "verifying"),
]


async def next_due(tx: Tx, now: int) -> int | None:
    """When the next attempt or challenge falls due that is not due yet; None where there is
    none.
    """
    row = await tx.one(
        """
        SELECT min((SELECT min(d.due) FROM webhook_deliveries d
                    WHERE d.org = w.org AND d.webhook = w.number AND d.state = r.state
                    AND d.due > :now))
        FROM webhooks w JOIN rows(:states, status text, state text) r ON r.status = w.status
        """,
        states=_AWAITED,
        now=now,
    )
    return row[0] if row else None


async def oldest_due(tx: Tx, now: int) -> int | None:
    """Since when the attempt or challenge that waits longest has been due; None where none is."""
    row = await tx.one(
        """
        SELECT min((SELECT min(d.due) FROM webhook_deliveries d
                    WHERE d.org = w.org AND d.webhook = w.number AND d.state = r.state
                    AND d.due <= :now))
        FROM webhooks w JOIN rows(:states, status text, state text) r ON r.status = w.status
        """,
        states=_AWAITED,
        now=now,
    )
    return row[0] if row else None


async def ready(tx: Tx, key: WebhookKey, now: int, most: int) -> int:
    """How many deliveries wait for nothing but their turn, counted up to `most`."""
    row = await tx.one(
        """
        SELECT COUNT(*) FROM (
            SELECT 1 FROM webhook_deliveries
            WHERE org = :org AND webhook = :webhook AND state = 'pending' AND due <= :now
            LIMIT :most) waiting
        """,
        org=key[0],
        webhook=key[1],
        now=now,
        most=most,
    )
    return int(row[0]) if row else 0


async def candidates(
    tx: Tx, key: WebhookKey, state: str, now: int, most: int
) -> list[tuple[int, str]]:
    """(number, object) of what is due in a state, the longest due first."""
    rows = await tx.all(
        """
        SELECT number, object FROM webhook_deliveries
        WHERE org = :org AND webhook = :webhook AND state = :state AND due <= :now
        ORDER BY due, seq LIMIT :most
        """,
        org=key[0],
        webhook=key[1],
        state=state,
        now=now,
        most=most,
    )
    return [(number, object_) for number, object_ in rows]


async def busy_objects(tx: Tx, key: WebhookKey, now: int) -> set[str]:
    """The objects that an attempt is under way for."""
    rows = await tx.all(
        """
        SELECT object FROM webhook_deliveries
        WHERE org = :org AND webhook = :webhook AND state = 'sending' AND due > :now
        """,
        org=key[0],
        webhook=key[1],
        now=now,
    )
    return {object_ for (object_,) in rows}


async def claim(tx: Tx, keys: Sequence[DeliveryKey], *, until: int) -> None:
    """Take (org, number) deliveries until then; the caller holds their webhooks."""
    await tx.run(
        """
        UPDATE webhook_deliveries
        SET state = CASE WHEN type = 'verify' THEN 'verifying' ELSE 'sending' END, due = :until
        FROM rows(:keys, org text, number bigint) r
        WHERE webhook_deliveries.org = r.org AND webhook_deliveries.number = r.number
        """,
        keys=keys,
        until=until,
    )


_DELIVERY = ", ".join(f"d.{column}" for column in DeliveryRow._fields)
_EVENT = ", ".join(f"e.{column}" for column in EventRow._fields)


async def jobs(tx: Tx, keys: Sequence[DeliveryKey]) -> list[Job]:
    """What is to be sent for (org, number) deliveries."""
    rows = await tx.all(
        f"""
        SELECT {_DELIVERY}, w.url, w.headers, w.secret, w.secret_before, w.secret_changed_date,
            {_EVENT}
        FROM rows(:keys, org text, number bigint) r
        JOIN webhook_deliveries d ON d.org = r.org AND d.number = r.number
        JOIN webhooks w ON w.org = d.org AND w.number = d.webhook
        LEFT JOIN events e ON e.org = d.org AND e.seq = d.seq AND d.document IS NULL
        """,  # noqa: S608  # our own columns
        keys=keys,
    )
    return [_job(row) for row in rows]


def _job(row: Row) -> Job:
    width = len(DeliveryRow._fields)
    webhook, event = row[width : width + 5], row[width + 5 :]
    return Job(
        DeliveryRow(*row[:width]), EventRow(*event) if event[0] is not None else None, *webhook
    )


# What came of it


async def keep_attempts(tx: Tx, rows: Sequence[AttemptRow]) -> None:
    """Keep what attempts came to. One that two processes made, because a claim ran out, is kept
    once; one whose delivery was purged meanwhile is not.
    """
    await tx.run(
        """
        INSERT INTO webhook_attempts (org, delivery, number, date, duration, http_status, answer,
                                      error)
        SELECT org, delivery, number, date, duration, http_status, answer, error
        FROM rows(:rows, org text, delivery bigint, number bigint, date bigint, duration bigint,
                  http_status bigint,
                  answer text, error text) r
        WHERE EXISTS (SELECT 1 FROM webhook_deliveries d
                      WHERE d.org = r.org AND d.number = r.delivery)
        ON CONFLICT (org, delivery, number) DO NOTHING
        """,
        rows=rows,
    )


class Settled(NamedTuple):
    """What a claimed delivery is from now on. `claim` is when its claim ended or would have."""

    org: str
    number: int
    claim: int
    state: str
    tries: int
    due: int


async def settle(tx: Tx, rows: Sequence[Settled]) -> None:
    """Let go of claims. What somebody else has claimed or given up meanwhile stays theirs,
    unless it arrived.
    """
    await tx.run(
        """
        UPDATE webhook_deliveries SET state = r.state, tries = r.tries, attempts = attempts + 1,
            due = r.due
        FROM rows(:rows, org text, number bigint, claim bigint, state text, tries bigint,
                  due bigint) r
        WHERE webhook_deliveries.org = r.org AND webhook_deliveries.number = r.number
          AND (r.state = 'delivered' OR webhook_deliveries.due = r.claim
               AND webhook_deliveries.state IN ('sending', 'verifying'))
        """,
        rows=rows,
    )


async def lock(tx: Tx, org: str, number: int) -> DeliveryRow | None:
    """A delivery, held against other writers until this transaction ends."""
    row = await tx.one(
        f"SELECT {_DELIVERY} FROM webhook_deliveries d WHERE d.org = :org "  # noqa: S608
        "AND d.number = :number FOR UPDATE",
        org=org,
        number=number,
    )
    return DeliveryRow(*row) if row else None


async def revive(tx: Tx, key: WebhookKey, *, since: int, now: int) -> None:
    """Let what failed since then be tried again."""
    await tx.run(
        """
        UPDATE webhook_deliveries SET state = 'pending', tries = 0, due = :now
        WHERE org = :org AND webhook = :webhook AND state = 'failed' AND due >= :since
        AND type <> 'verify'
        """,
        org=key[0],
        webhook=key[1],
        since=since,
        now=now,
    )


# Looking back


SORTS = {"created_date": int}
_LISTING = Listing(
    select=_DELIVERY,
    table="webhook_deliveries d",
    scope="d.org = :org",
    number="d.number",
    sorts={"created_date": "d.created_date"},
    make=DeliveryRow._make,
    filters={
        "event_type": Column("d.type"),
        "status": Column(
            "d.state", kept=lambda words: [state for word in words for state in STATES[word]]
        ),
        "webhook": Column("d.webhook", "bigint"),
    },
    dates={"created_date": Date("d.created_date")},
)


def of_org(org: str) -> Filter[DeliveryRow]:
    """The org's deliveries."""
    return _LISTING.of_org(org)


async def attempts_of(tx: Tx, keys: Sequence[DeliveryKey]) -> dict[DeliveryKey, list[AttemptRow]]:
    """The attempts of (org, number) deliveries, in order."""
    rows = await tx.all(
        """
        SELECT a.org, a.delivery, a.number, a.date, a.duration, a.http_status, a.answer, a.error
        FROM rows(:keys, org text, number bigint) r
        JOIN webhook_attempts a ON a.org = r.org AND a.delivery = r.number
        ORDER BY a.org, a.delivery, a.number
        """,
        keys=keys,
    )
    found: dict[DeliveryKey, list[AttemptRow]] = {}
    for attempt in map(AttemptRow._make, rows):
        found.setdefault((attempt.org, attempt.delivery), []).append(attempt)
    return found


async def send_again(tx: Tx, keys: Sequence[DeliveryKey], now: int) -> int:
    """Let (org, number) deliveries be sent again, whatever came of them; how many it is.

    Those that an attempt is under way for, that only verify, or whose event retention took, are
    left alone.
    """
    for org, _ in keys:
        tx.wake(org)
    return await tx.run(
        """
        UPDATE webhook_deliveries SET state = 'pending', tries = 0, due = :now
        FROM rows(:keys, org text, number bigint) r
        WHERE webhook_deliveries.org = r.org AND webhook_deliveries.number = r.number
          AND webhook_deliveries.state IN ('pending', 'delivered', 'failed')
          AND webhook_deliveries.type <> 'verify'
          AND (webhook_deliveries.document IS NOT NULL OR EXISTS (
              SELECT 1 FROM events e
              WHERE e.org = webhook_deliveries.org AND e.seq = webhook_deliveries.seq
              AND e.document IS NOT NULL))
        """,
        keys=keys,
        now=now,
    )


async def forget(tx: Tx, *, before: int, most: int) -> int:
    """Forget deliveries that were made before then, some orgs' oldest first; how many."""
    rows = await tx.all(
        """
        SELECT d.org, d.number FROM orgs o CROSS JOIN webhook_deliveries d
        WHERE d.org = o.org AND d.created_date < :before LIMIT :most
        """,
        before=before,
        most=most,
    )
    if rows:
        for table, column in (("webhook_attempts", "delivery"), ("webhook_deliveries", "number")):
            await tx.run(
                f"""
                DELETE FROM {table}
                WHERE (org, {column}) IN (SELECT org, number
                FROM rows(:keys, org text, number bigint))
                """,  # noqa: S608  # our own names
                keys=rows,
            )
    return len(rows)


async def purge(tx: Tx, org: str, seqs: Sequence[int]) -> None:
    """Remove what webhooks were told of events, or would have been, and what they answered."""
    rows = await tx.all(
        """
        DELETE FROM webhook_deliveries
        WHERE org = :org AND seq IN (SELECT seq FROM rows(:seqs, seq bigint)) RETURNING number
        """,
        org=org,
        seqs=[(seq,) for seq in seqs],
    )
    await tx.run(
        """
        DELETE FROM webhook_attempts
        WHERE org = :org AND delivery IN (SELECT number FROM rows(:gone, number bigint))
        """,
        org=org,
        gone=rows,
    )


async def forget_answers(tx: Tx, org: str, seqs: Sequence[int]) -> None:
    """Let go of what receivers answered when they were told of events."""
    await tx.run(
        """
        UPDATE webhook_attempts SET answer = NULL
        WHERE org = :org AND delivery IN (
            SELECT d.number FROM webhook_deliveries d
            WHERE d.org = :org AND d.seq IN (SELECT seq FROM rows(:seqs, seq bigint)))
        """,
        org=org,
        seqs=[(seq,) for seq in seqs],
    )
