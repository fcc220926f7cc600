"""Sessions of the console, and the links that open one: only their hashes are kept."""

from typing import NamedTuple

from rapport.store.kit.db import Tx


class SessionRow(NamedTuple):
    """A row. `token` is the number of the token that opened it, None where a link did."""

    hash: str
    org: str
    user_id: str
    token: int | None
    created_date: int
    seen_date: int


class SessionOwner(NamedTuple):
    """What a session's hash leads to; the token's columns are None where there is no token."""

    org: str
    user_id: str
    token: int | None
    created_date: int
    seen_date: int
    state: str
    role: str | None
    scope: str | None
    expires_date: int | None
    revoked_date: int | None


class Invited(NamedTuple):
    """Whom a link signs in, and until when."""

    org: str
    user_id: str
    due_date: int
    state: str
    name: str | None
    email: str | None
    org_name: str


async def find(tx: Tx, session_hash: str) -> SessionOwner | None:
    """The session with this hash, with its user and its token."""
    row = await tx.one(
        """
        SELECT s.org, s.user_id, s.token, s.created_date, s.seen_date, u.state, u.role,
               t.scope, t.expires_date, t.revoked_date
        FROM sessions s
        JOIN users u ON u.org = s.org AND u.display_id = s.user_id
        LEFT JOIN tokens t ON t.org = s.org AND t.number = s.token
        WHERE s.hash = :hash
        """,
        hash=session_hash,
    )
    return SessionOwner(*row) if row else None


async def insert(tx: Tx, row: SessionRow) -> None:
    """Add a session."""
    await tx.run(
        """
        INSERT INTO sessions (hash, org, user_id, token, created_date, seen_date)
        VALUES (:hash, :org, :user_id, :token, :created_date, :seen_date)
        """,
        **row._asdict(),
    )


async def touch(tx: Tx, session_hash: str, now: int) -> None:
    """Note that a session was used."""
    await tx.run(
        "UPDATE sessions SET seen_date = :now WHERE hash = :hash", hash=session_hash, now=now
    )


async def remove(tx: Tx, session_hash: str) -> None:
    """End a session."""
    await tx.run("DELETE FROM sessions WHERE hash = :hash", hash=session_hash)


async def remove_of(tx: Tx, org: str, user_id: str) -> None:
    """End every session of a user."""
    await tx.run(
        "DELETE FROM sessions WHERE org = :org AND user_id = :user_id", org=org, user_id=user_id
    )


async def forget(tx: Tx, *, seen_before: int, due_before: int, most: int) -> int:
    """Remove sessions that nobody used since, and links that have run out; how many."""
    sessions = await tx.run(
        """
        DELETE FROM sessions WHERE hash IN (
            SELECT hash FROM sessions WHERE seen_date < :before ORDER BY seen_date LIMIT :most)
        """,
        before=seen_before,
        most=most,
    )
    links = await tx.run(
        """
        DELETE FROM login_links WHERE hash IN (
            SELECT hash FROM login_links WHERE due_date < :before LIMIT :most)
        """,
        before=due_before,
        most=most,
    )
    return sessions + links


async def invite(tx: Tx, link_hash: str, org: str, user_id: str, due_date: int) -> None:
    """Add a link that signs a user in."""
    await tx.run(
        """
        INSERT INTO login_links (hash, org, user_id, due_date)
        VALUES (:hash, :org, :user_id, :due_date)
        """,
        hash=link_hash,
        org=org,
        user_id=user_id,
        due_date=due_date,
    )


async def invited(tx: Tx, link_hash: str) -> Invited | None:
    """Whom a link signs in."""
    row = await tx.one(
        """
        SELECT l.org, l.user_id, l.due_date, u.state, COALESCE(u.full_name, u.display_name),
               u.email, o.name
        FROM login_links l
        JOIN users u ON u.org = l.org AND u.display_id = l.user_id
        JOIN orgs o ON o.org = l.org AND o.deleted_date IS NULL
        WHERE l.hash = :hash
        """,
        hash=link_hash,
    )
    return Invited(*row) if row else None


async def use(tx: Tx, link_hash: str) -> bool:
    """Use a link up; False where somebody else has."""
    return await tx.run("DELETE FROM login_links WHERE hash = :hash", hash=link_hash) == 1
