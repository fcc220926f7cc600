"""Tokens: only their hashes are kept."""

from typing import NamedTuple

from rapport.store.db import Row, Tx


class TokenOwner(NamedTuple):
    """What a token's hash leads to."""

    org: str
    number: int
    scope: str
    expires_date: int
    revoked_date: int | None
    user_id: str
    state: str
    role: str | None


async def find(tx: Tx, token_hash: str) -> TokenOwner | None:
    """The token with this hash, with its user."""
    row = await tx.one(
        """
        SELECT t.org, t.number, t.scope, t.expires_date, t.revoked_date, t.user_id, u.state, u.role
        FROM tokens t JOIN users u ON u.org = t.org AND u.display_id = t.user_id
        WHERE t.hash = :hash
        """,
        hash=token_hash,
    )
    return TokenOwner(*row) if row else None


async def insert(
    tx: Tx, *, org: str, number: int, token_hash: str, user_id: str, scope: str, name: str, by: str, now: int, expires: int
) -> None:
    """Add a token of a user."""
    await tx.run(
        """
        INSERT INTO tokens (org, number, hash, user_id, scope, name, created_by, created_date, expires_date)
        VALUES (:org, :number, :hash, :user_id, :scope, :name, :by, :now, :expires)
        """,
        org=org, number=number, hash=token_hash, user_id=user_id, scope=scope, name=name, by=by, now=now, expires=expires,
    )  # fmt: skip


async def listed(tx: Tx, org: str, user_id: str | None) -> list[Row]:
    """(number, user_id, scope, name, created_date, expires_date, revoked_date) of an org's or a user's tokens."""
    return await tx.all(
        """
        SELECT number, user_id, scope, name, created_date, expires_date, revoked_date FROM tokens
        WHERE org = :org AND (CAST(:user_id AS TEXT) IS NULL OR user_id = :user_id) ORDER BY number
        """,
        org=org,
        user_id=user_id,
    )


async def revoke(tx: Tx, org: str, number: int, now: int) -> bool:
    """Revoke a token; False when there is none that lives."""
    sql = "UPDATE tokens SET revoked_date = :now WHERE org = :org AND number = :number AND revoked_date IS NULL"
    return await tx.run(sql, org=org, number=number, now=now) == 1
