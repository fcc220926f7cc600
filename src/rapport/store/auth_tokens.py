"""Tokens: only their hashes are kept."""

from typing import NamedTuple

from rapport.store.kit.db import Tx


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


class TokenRow(NamedTuple):
    """A row. `user_id` is the display id of whom the token speaks for."""

    org: str
    number: int
    user_id: str
    scope: str
    name: str
    token_type: str
    client_id: str | None
    created_by: str
    created_date: int
    modified_by: str
    modified_date: int
    expires_date: int
    revoked_date: int | None


_COLUMNS = """org, number, user_id, scope, name, token_type, client_id, created_by, created_date,
    COALESCE(modified_by, created_by), COALESCE(modified_date, created_date), expires_date,
        revoked_date"""
_MODIFIED = """modified_by = :by, modified_date = CASE WHEN COALESCE(modified_date,
                                                                     created_date) >= :now
    THEN COALESCE(modified_date, created_date) + 1000 ELSE :now END"""


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


async def insert(tx: Tx, row: TokenRow, token_hash: str) -> None:
    """Add a token."""
    await tx.run(
        """
        INSERT INTO tokens (org, number, hash, user_id, scope, name, token_type, client_id,
                            created_by, created_date,
                            modified_by, modified_date, expires_date, revoked_date)
        VALUES (:org, :number, :hash, :user_id, :scope, :name, :token_type, :client_id, :created_by,
                :created_date,
                :modified_by, :modified_date, :expires_date, :revoked_date)
        """,
        **row._asdict(),
        hash=token_hash,
    )


async def get(tx: Tx, org: str, number: int, *, hold: bool = False) -> TokenRow | None:
    """A token, revoked and expired ones too; `hold` keeps other writers off until this
    transaction ends.
    """
    sql = f"SELECT {_COLUMNS} FROM tokens WHERE org = :org AND number = :number"  # noqa: S608
    row = await tx.one(f"{sql} FOR UPDATE" if hold else sql, org=org, number=number)
    return TokenRow(*row) if row else None


async def listed(
    tx: Tx,
    org: str,
    *,
    user_id: str | None = None,
    token_type: str | None = None,
    client_id: str | None = None,
) -> list[TokenRow]:
    """An org's tokens, the newest first; narrowed by what is not None."""
    asked = {"org": org, "user_id": user_id, "token_type": token_type, "client_id": client_id}
    given = {column: value for column, value in asked.items() if value is not None}
    where = " AND ".join(f"{column} = :{column}" for column in given)
    sql = f"SELECT {_COLUMNS} FROM tokens WHERE {where} ORDER BY number DESC"  # noqa: S608  # our own columns
    rows = await tx.all(sql, **given)
    return [TokenRow(*row) for row in rows]


async def rename(tx: Tx, org: str, number: int, *, name: str, by: str, now: int) -> None:
    """Say what a token is for."""
    sql = f"UPDATE tokens SET name = :name, {_MODIFIED} WHERE org = :org AND number = :number"  # noqa: S608
    await tx.run(sql, org=org, number=number, name=name, by=by, now=now)


async def revoke(tx: Tx, org: str, number: int, *, by: str, now: int) -> bool:
    """Revoke a token; False when there is none that is not revoked."""
    sql = f"""
        UPDATE tokens SET revoked_date = :now, {_MODIFIED}
        WHERE org = :org AND number = :number AND revoked_date IS NULL
        """  # noqa: S608
    return await tx.run(sql, org=org, number=number, by=by, now=now) == 1


async def numbers_of(tx: Tx, org: str, user_id: str) -> list[int]:
    """The numbers of a user's tokens, revoked and expired ones too."""
    rows = await tx.all(
        "SELECT number FROM tokens WHERE org = :org AND user_id = :user_id ORDER BY number",
        org=org,
        user_id=user_id,
    )
    return [number for (number,) in rows]


async def remove(tx: Tx, org: str, user_id: str) -> None:
    """Remove a user's tokens and what they are called."""
    await tx.run(
        "DELETE FROM tokens WHERE org = :org AND user_id = :user_id", org=org, user_id=user_id
    )


async def revoke_type(tx: Tx, org: str, user_id: str, token_type: str, *, now: int) -> None:
    """Revoke a user's tokens of one type, in their own name."""
    sql = f"""
        UPDATE tokens SET revoked_date = :now, {_MODIFIED}
        WHERE org = :org AND user_id = :by AND token_type = :token_type AND revoked_date IS NULL
        """  # noqa: S608
    await tx.run(sql, org=org, by=user_id, token_type=token_type, now=now)
