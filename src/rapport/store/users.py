"""Users of every kind, whose families share one table."""

import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from rapport.store import touches
from rapport.store.kit import terms
from rapport.store.kit.db import NO_DATE, Tx
from rapport.store.kit.filters import Column, Condition, Date, Filter, Listing


class UserRow(NamedTuple):
    """A row.

    `document` is the JSON of what the family keeps beside the columns; other users are display ids,
    and `display_picture` is an artifact's number.
    """

    org: str
    display_id: str
    kind: str
    number: int
    display_name: str | None
    full_name: str | None
    email: str | None
    state: str
    role: str | None
    external_ref: str | None
    rev_org: str | None
    created_by: str
    created_date: int
    modified_by: str
    modified_date: int
    document: str
    display_picture: int | None = None
    erased_date: int | None = None


_COLUMNS = ", ".join(UserRow._fields)


def email_key(email: str) -> str:
    """What makes an address the same as another: nothing is folded but composition and case."""
    return unicodedata.normalize("NFC", email).lower()


async def insert(tx: Tx, row: UserRow) -> None:
    """Add a user.

    Raises:
        UniqueViolation: a dev user's email, in whatever case, or a rev user's external_ref is in
            use.
    """
    await tx.run(
        """
        INSERT INTO users (org, display_id, kind, number, display_name, full_name, email, state,
                           role, external_ref,
                           rev_org, created_by, created_date, modified_by, modified_date, document,
                           display_picture, erased_date,
                           email_key)
        VALUES (:org, :display_id, :kind, :number, :display_name, :full_name, :email, :state, :role,
                :external_ref,
                :rev_org, :created_by, :created_date, :modified_by, :modified_date, :document,
                :display_picture, :erased_date,
                :email_key)
        """,
        **row._asdict(),
        email_key=email_key(row.email) if row.email else None,
    )


_GET = f"""
    SELECT {_COLUMNS} FROM users
    WHERE org = :org AND display_id = :display_id AND state <> 'deleted'
"""  # noqa: S608


async def get(tx: Tx, org: str, display_id: str) -> UserRow | None:
    """A user that is not deleted."""
    row = await tx.one(_GET, org=org, display_id=display_id)
    return UserRow(*row) if row else None


async def lock(tx: Tx, org: str, display_id: str) -> UserRow | None:
    """A user that is not deleted, held against other writers until this transaction ends."""
    row = await tx.one(f"{_GET} FOR UPDATE", org=org, display_id=display_id)
    return UserRow(*row) if row else None


async def lock_ever(tx: Tx, org: str, display_id: str) -> UserRow | None:
    """A user, deleted and erased ones too, held against other writers until this transaction
    ends.
    """
    row = await tx.one(
        f"SELECT {_COLUMNS} FROM users WHERE org = :org AND display_id = :display_id FOR UPDATE",  # noqa: S608
        org=org,
        display_id=display_id,
    )
    return UserRow(*row) if row else None


async def update(tx: Tx, row: UserRow) -> None:
    """Write a row anew. A deleted user gives its external_ref and email free.

    Raises:
        UniqueViolation: a dev user's email or a rev user's external_ref is in use.
    """
    was = await tx.one(
        "SELECT rev_org FROM users WHERE org = :org AND display_id = :display_id",
        org=row.org,
        display_id=row.display_id,
    )
    movers = [row.display_id] if was and was[0] != row.rev_org else []
    async with touches.moving(tx, row.org, movers, row.modified_date):
        await _update(tx, row)


async def _update(tx: Tx, row: UserRow) -> None:
    await tx.run(
        """
        UPDATE users SET display_name = :display_name, full_name = :full_name, email = :email,
            state = :state,
               role = :role, external_ref = :external_ref, rev_org = :rev_org,
                   modified_by = :modified_by,
               modified_date = :modified_date, document = :document,
                   display_picture = :display_picture, erased_date = :erased_date,
               email_key = :email_key
        WHERE org = :org AND display_id = :display_id
        """,
        org=row.org,
        display_id=row.display_id,
        display_name=row.display_name,
        full_name=row.full_name,
        email=row.email,
        state=row.state,
        role=row.role,
        external_ref=row.external_ref,
        rev_org=row.rev_org,
        modified_by=row.modified_by,
        modified_date=row.modified_date,
        document=row.document,
        display_picture=row.display_picture,
        erased_date=row.erased_date,
        email_key=email_key(row.email) if row.email else None,
    )


async def by_email(tx: Tx, org: str, email: str) -> UserRow | None:
    """The dev user with this email, in whatever case."""
    row = await tx.one(
        f"SELECT {_COLUMNS} FROM users WHERE org = :org AND kind = 'dev_user' "  # noqa: S608
        "AND email_key = :email_key",
        org=org,
        email_key=email_key(email),
    )
    return UserRow(*row) if row else None


async def first_admin(tx: Tx, org: str) -> UserRow | None:
    """The oldest active admin: who the command line acts as when nobody is named."""
    row = await tx.one(
        f"""
        SELECT {_COLUMNS} FROM users
        WHERE org = :org AND kind = 'dev_user' AND role = 'admin' AND state = 'active'
        ORDER BY number LIMIT 1
        """,  # noqa: S608
        org=org,
    )
    return UserRow(*row) if row else None


async def is_only_admin(tx: Tx, org: str, display_id: str) -> bool:
    """True when the org has no active admin but this one. Nobody else who asks gets an answer
    before this transaction ends, so that of two admins who go at once one sees that the other went.
    """
    await tx.hold([f"admins of {org}"])
    row = await tx.one(
        """
        SELECT 1 FROM users
        WHERE org = :org AND kind = 'dev_user' AND role = 'admin' AND state = 'active'
          AND display_id <> :display_id LIMIT 1
        """,
        org=org,
        display_id=display_id,
    )
    return row is None


SORTS = {
    "created_date": int,
    "modified_date": int,
    "display_name": str,
    "email": str,
    "full_name": str,
}
# Of the accounts and rev orgs, by display id, that a rev user belongs to.
_ASSOCIATED = """EXISTS (
    SELECT 1 FROM rev_orgs v WHERE v.org = u.org AND v.number = CAST(substr(u.rev_org, 5) AS BIGINT)
    AND (u.rev_org IN ({values}) OR 'ACC-' || v.account IN ({values})))"""
_LISTING = Listing(
    select=", ".join(f"u.{column}" for column in UserRow._fields),
    table="users u",
    scope="u.org = :org AND u.state <> 'deleted'",
    number="u.number",
    sorts={
        "created_date": "u.created_date",
        "modified_date": "u.modified_date",
        "display_name": "COALESCE(u.display_name, '')",
        "email": "COALESCE(u.email, '')",
        "full_name": "COALESCE(u.full_name, '')",
    },
    make=UserRow._make,
    filters={
        "associations": Condition(_ASSOCIATED),
        "created_by": Column("u.created_by"),
        "email": Column("u.email_key", kept=lambda emails: [email_key(email) for email in emails]),
        "external_ref": Column("u.external_ref"),
        "rev_org": Column("u.rev_org"),
        "state": Column("u.state"),
        **terms.filters(
            "users", "u", "u.display_id", "custom_fields", "external_refs", "phone_numbers", "tags"
        ),
    },
    dates={"created_date": Date("u.created_date"), "modified_date": Date("u.modified_date")},
    unordered=SORTS.keys() - {"created_date"},
)


# Indexes of users have their kinds.
_OF_KIND = replace(_LISTING, scope=f"{_LISTING.scope} AND u.kind = :kind")


def of_kind(org: str, kind: str) -> Filter[UserRow]:
    """The org's users of one kind that are not deleted."""
    where = _OF_KIND.of_org(org)
    where.parameters["kind"] = kind
    return where


async def in_rev_orgs(tx: Tx, org: str, rev_orgs: Sequence[str]) -> list[str]:
    """The display ids of the rev users of rev orgs."""
    rows = await tx.all(
        """
        SELECT display_id FROM users
        WHERE org = :org AND rev_org IN (SELECT rev_org FROM rows(:rev_orgs, rev_org text))
        ORDER BY number
        """,
        org=org,
        rev_orgs=[(rev_org,) for rev_org in rev_orgs],
    )
    return [display_id for (display_id,) in rows]


async def leave_rev_orgs(tx: Tx, org: str, users: Sequence[str]) -> None:
    """Let users be without a rev org."""
    async with touches.moving(tx, org, users, NO_DATE):
        await tx.run(
            """
            UPDATE users SET rev_org = NULL WHERE org = :org
            AND display_id IN (SELECT display_id FROM rows(:users, display_id text))
            """,
            org=org,
            users=[(user,) for user in users],
        )
