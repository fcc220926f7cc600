"""Answers kept under their idempotency keys."""

from collections.abc import Sequence

from rapport.store.kit.db import Tx

# What makes a key unique: org, user_id, method, key.
KeyRow = tuple[str, str, str, str]


async def find(tx: Tx, keys: Sequence[KeyRow], *, since: int) -> dict[KeyRow, tuple[str, str]]:
    """(request hash, answer) of those keys that were used since then."""
    rows = await tx.all(
        """
        SELECT i.org, i.user_id, i.method, i.key, i.request_hash, i.answer
        FROM rows(:keys, org text, user_id text, method text, key text) r
        JOIN idempotency_keys i ON i.org = r.org AND i.user_id = r.user_id AND i.method = r.method
        AND i.key = r.key
        WHERE i.created_date > :since
        """,
        keys=list(keys),
        since=since,
    )
    return {row[:4]: (row[4], row[5]) for row in rows}


async def keep(
    tx: Tx, rows: Sequence[tuple[str, str, str, str, str, str]], *, now: int, since: int
) -> None:
    """Keep answers: (org, user_id, method, key, request hash, answer). A key from before
    `since` may be taken over.
    """
    await tx.run(
        """
        DELETE FROM idempotency_keys WHERE created_date <= :since
        AND (org, user_id, method, key) IN
            (SELECT org, user_id, method, key FROM rows(:rows, org text, user_id text, method text,
                                                        key text))
        """,
        rows=[row[:4] for row in rows],
        since=since,
    )
    await tx.run(
        """
        INSERT INTO idempotency_keys (org, user_id, method, key, request_hash, answer, created_date)
        SELECT org, user_id, method, key, request_hash, answer, :now
        FROM rows(:rows, org text, user_id text, method text, key text, request_hash text,
                  answer text)
        """,
        rows=sorted(rows),
        now=now,
    )


async def forget(tx: Tx, *, since: int, most: int) -> int:
    """Remove some of the keys from before `since`; how many."""
    return await tx.run(
        """
        DELETE FROM idempotency_keys WHERE (org, user_id, method, key) IN (
            SELECT org, user_id, method, key FROM idempotency_keys WHERE created_date <= :since
            LIMIT :most)
        """,
        since=since,
        most=most,
    )


async def purge(tx: Tx, org: str, marks: Sequence[str], *, answer: str) -> None:
    """Put something else in place of the answers in which one of these texts stands."""
    await tx.run(
        """
        UPDATE idempotency_keys SET answer = :answer WHERE org = :org AND EXISTS (
            SELECT 1 FROM rows(:marks, mark text) r WHERE idempotency_keys.answer LIKE r.mark)
        """,
        org=org,
        answer=answer,
        marks=[(f"%{mark}%",) for mark in marks],
    )


async def showing(tx: Tx, org: str, mark: str) -> list[tuple[str, str, str, str]]:
    """(user_id, method, key, answer) of the answers in which a text stands."""
    rows = await tx.all(
        """
        SELECT user_id, method, key, answer FROM idempotency_keys
        WHERE org = :org AND answer LIKE :mark
        """,
        org=org,
        mark=f"%{mark}%",
    )
    return [(user_id, method, key, answer) for user_id, method, key, answer in rows]


async def rewrite(tx: Tx, org: str, rows: Sequence[tuple[str, str, str, str]]) -> None:
    """Write answers anew: (user_id, method, key, answer)."""
    await tx.run(
        """
        UPDATE idempotency_keys SET answer = r.answer
        FROM rows(:rows, user_id text, method text, key text, answer text) r
        WHERE idempotency_keys.org = :org AND idempotency_keys.user_id = r.user_id
        AND idempotency_keys.method = r.method AND idempotency_keys.key = r.key
        """,
        org=org,
        rows=rows,
    )
