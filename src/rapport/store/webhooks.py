"""Webhooks: whom to tell, and how far they were told."""

from collections.abc import Sequence
from typing import NamedTuple

from rapport.store.kit.db import Tx
from rapport.store.kit.filters import Column, Filter, Listing

# An org and a number in it.
WebhookKey = tuple[str, int]


class WebhookRow(NamedTuple):
    """A row. `event_types` and `headers` are JSON arrays; it is told nothing before
    `resting_until`.
    """

    org: str
    number: int
    url: str
    status: str
    event_types: str
    headers: str
    secret: str
    secret_before: str | None
    secret_changed_date: int | None
    position: int
    created_by: str
    created_date: int
    modified_by: str
    modified_date: int
    resting_until: int | None = None


_COLUMNS = """org, number, url, status, event_types, headers, secret, secret_before,
    secret_changed_date, position,
    created_by, created_date, modified_by, modified_date, resting_until"""
_GET = f"SELECT {_COLUMNS} FROM webhooks WHERE org = :org AND number = :number"  # noqa: S608  # our own columns


async def insert(tx: Tx, row: WebhookRow) -> None:
    """Add a webhook."""
    await tx.run(
        f"""
        INSERT INTO webhooks ({_COLUMNS}, succeeded_date)
        VALUES (:org, :number, :url, :status, :event_types, :headers, :secret, :secret_before,
                :secret_changed_date,
                :position, :created_by, :created_date, :modified_by, :modified_date,
                :resting_until, 0)
        """,  # noqa: S608  # our own columns
        **row._asdict(),
    )


async def get(tx: Tx, org: str, number: int) -> WebhookRow | None:
    """A webhook."""
    row = await tx.one(_GET, org=org, number=number)
    return WebhookRow(*row) if row else None


async def lock(tx: Tx, org: str, number: int) -> WebhookRow | None:
    """A webhook, held against other writers until this transaction ends."""
    row = await tx.one(f"{_GET} FOR UPDATE", org=org, number=number)
    return WebhookRow(*row) if row else None


async def lock_free(tx: Tx, org: str, number: int) -> WebhookRow | None:
    """The same; None, without waiting, where another writer holds it."""
    row = await tx.one(f"{_GET} FOR UPDATE SKIP LOCKED", org=org, number=number)
    return WebhookRow(*row) if row else None


async def update(tx: Tx, row: WebhookRow) -> None:
    """Write a row anew. Another URL has not asked for the rest that the one before asked for."""
    await tx.run(
        """
        UPDATE webhooks SET url = :url, status = :status, event_types = :event_types,
            headers = :headers,
            secret = :secret, secret_before = :secret_before,
                secret_changed_date = :secret_changed_date,
            position = :position, modified_by = :modified_by, modified_date = :modified_date,
            resting_until = CASE WHEN url = :url THEN resting_until END
        WHERE org = :org AND number = :number
        """,
        org=row.org,
        number=row.number,
        url=row.url,
        status=row.status,
        event_types=row.event_types,
        headers=row.headers,
        secret=row.secret,
        secret_before=row.secret_before,
        secret_changed_date=row.secret_changed_date,
        position=row.position,
        modified_by=row.modified_by,
        modified_date=row.modified_date,
    )


async def delete(tx: Tx, org: str, number: int) -> None:
    """Delete a webhook; what was delivered stays until retention takes it."""
    await tx.run(
        "DELETE FROM webhooks WHERE org = :org AND number = :number", org=org, number=number
    )


SORTS = {"created_date": int}
_LISTING = Listing(
    select=", ".join(f"w.{column}" for column in WebhookRow._fields),
    table="webhooks w",
    scope="w.org = :org",
    number="w.number",
    sorts={name: f"w.{name}" for name in SORTS},
    make=WebhookRow._make,
    filters={"status": Column("w.status")},
)


def of_org(org: str) -> Filter[WebhookRow]:
    """The org's webhooks."""
    return _LISTING.of_org(org)


# What the delivery does


async def with_work(tx: Tx, now: int) -> list[WebhookKey]:
    """The webhooks that something is to be done for: events to look at, attempts or challenges
    that are due.
    """
    rows = await tx.all(
        """
        SELECT w.org, w.number FROM webhooks w
        WHERE w.status = 'active' AND COALESCE(w.resting_until, 0) <= :now AND (
            w.event_types <> '[]' AND EXISTS (SELECT 1 FROM events e WHERE e.org = w.org
            AND e.seq > w.position)
            OR EXISTS (
                SELECT 1 FROM webhook_deliveries d
                WHERE d.org = w.org AND d.webhook = w.number AND d.state IN ('pending', 'sending')
                AND d.due <= :now))
        OR w.status = 'unverified' AND EXISTS (
            SELECT 1 FROM webhook_deliveries d
            WHERE d.org = w.org AND d.webhook = w.number AND d.state IN ('verify', 'verifying')
            AND d.due <= :now)
        ORDER BY w.org, w.number
        """,
        now=now,
    )
    return [(org, number) for org, number in rows]


async def move(tx: Tx, rows: Sequence[tuple[str, int, int]]) -> None:
    """Note how far (org, number, seq) webhooks have looked."""
    await tx.run(
        """
        UPDATE webhooks SET position = r.seq FROM rows(:rows, org text, number bigint, seq bigint) r
        WHERE webhooks.org = r.org AND webhooks.number = r.number
        """,
        rows=rows,
    )


async def note_success(tx: Tx, keys: Sequence[WebhookKey], now: int) -> None:
    """Note that these receivers took something."""
    await tx.run(
        """
        UPDATE webhooks SET succeeded_date = :now FROM rows(:keys, org text, number bigint) r
        WHERE webhooks.org = r.org AND webhooks.number = r.number
        """,
        keys=keys,
        now=now,
    )


async def rest(tx: Tx, key: WebhookKey, *, url: str, until: int) -> None:
    """Leave a receiver alone, if this still is its URL."""
    await tx.run(
        """
        UPDATE webhooks SET resting_until = :until
        WHERE org = :org AND number = :number AND url = :url
        AND COALESCE(resting_until, 0) < :until
        """,
        org=key[0],
        number=key[1],
        url=url,
        until=until,
    )


async def next_rested(tx: Tx, now: int) -> int | None:
    """When the next rest ends; None where no receiver has one."""
    row = await tx.one(
        "SELECT min(resting_until) FROM webhooks WHERE status = 'active' AND resting_until > :now",
        now=now,
    )
    return row[0] if row else None


async def degrade(tx: Tx, key: WebhookKey, *, url: str, since: int, now: int) -> bool:
    """Give an active webhook up that goes to this URL and took nothing since then; whether that
    was so.
    """
    changed = await tx.run(
        """
        UPDATE webhooks SET status = 'unverified', degraded_date = :now
        WHERE org = :org AND number = :number AND status = 'active' AND url = :url
        AND succeeded_date < :since
        """,
        org=key[0],
        number=key[1],
        url=url,
        since=since,
        now=now,
    )
    return changed == 1


async def activate(tx: Tx, key: WebhookKey) -> int | None:
    """Make a webhook that was verified active; since when it was degraded, if it was."""
    row = await tx.one(
        "SELECT degraded_date FROM webhooks WHERE org = :org AND number = :number FOR UPDATE",
        org=key[0],
        number=key[1],
    )
    await tx.run(
        """
        UPDATE webhooks SET status = 'active', degraded_date = NULL
        WHERE org = :org AND number = :number AND status = 'unverified'
        """,
        org=key[0],
        number=key[1],
    )
    return row[0] if row else None
