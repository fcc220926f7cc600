"""Users of every kind, whose families share one table."""

from collections.abc import Sequence
from typing import NamedTuple

from rapport.contract.paging import Cursor, Sort
from rapport.store.db import Tx
from rapport.store.query import Filter, Listing, Page, page


class UserRow(NamedTuple):
    """A row. `document` is the JSON of what the family keeps beside the columns; other users are display ids."""

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


_COLUMNS = ", ".join(UserRow._fields)


async def insert(tx: Tx, row: UserRow) -> None:
    """Add a user.

    Raises:
        UniqueViolation: a dev user's email, in whatever case, or a rev user's external_ref is in use.
    """
    await tx.run(
        """
        INSERT INTO users (org, display_id, kind, number, display_name, full_name, email, state, role, external_ref,
                           rev_org, created_by, created_date, modified_by, modified_date, document, email_key)
        VALUES (:org, :display_id, :kind, :number, :display_name, :full_name, :email, :state, :role, :external_ref,
                :rev_org, :created_by, :created_date, :modified_by, :modified_date, :document, :email_key)
        """,
        **row._asdict(),
        email_key=row.email.casefold() if row.email else None,
    )


async def get(tx: Tx, org: str, display_id: str) -> UserRow | None:
    """A user that is not deleted."""
    row = await tx.one(
        f"SELECT {_COLUMNS} FROM users WHERE org = :org AND display_id = :display_id AND state <> 'deleted'",  # noqa: S608
        org=org,
        display_id=display_id,
    )
    return UserRow(*row) if row else None


async def by_email(tx: Tx, org: str, email: str) -> UserRow | None:
    """The dev user with this email, in whatever case."""
    row = await tx.one(
        f"SELECT {_COLUMNS} FROM users WHERE org = :org AND kind = 'dev_user' AND email_key = :email_key",  # noqa: S608
        org=org,
        email_key=email.casefold(),
    )
    return UserRow(*row) if row else None


async def first_admin(tx: Tx, org: str) -> UserRow | None:
    """The oldest active admin: who the command line acts as when nobody is named."""
    row = await tx.one(
        f"""
        SELECT {_COLUMNS} FROM users
        WHERE org = :org AND kind = 'dev_user' AND role = 'admin' AND state = 'active' ORDER BY number LIMIT 1
        """,  # noqa: S608
        org=org,
    )
    return UserRow(*row) if row else None


async def set_state(tx: Tx, org: str, display_id: str, *, state: str, role: str | None, by: str, now: int) -> None:
    """Set a user's state and role."""
    await tx.run(
        """
        UPDATE users SET state = :state, role = :role, modified_by = :by,
            modified_date = CASE WHEN modified_date >= :now THEN modified_date + 1000 ELSE :now END
        WHERE org = :org AND display_id = :display_id
        """,
        org=org,
        display_id=display_id,
        state=state,
        role=role,
        by=by,
        now=now,
    )


SORTS = {"created_date": int, "modified_date": int, "display_name": str, "email": str, "full_name": str}
_LISTING = Listing(
    select=", ".join(f"u.{column}" for column in UserRow._fields) + " FROM users u",
    columns={
        "created_date": "u.created_date",
        "modified_date": "u.modified_date",
        "display_name": "COALESCE(u.display_name, '')",
        "email": "COALESCE(u.email, '')",
        "full_name": "COALESCE(u.full_name, '')",
    },
    number="u.number",
)


def of_kind(org: str, kind: str) -> Filter:
    """The org's users of one kind that are not deleted."""
    where = Filter()
    where.where("u.org = :org AND u.kind = :kind AND u.state <> 'deleted'", org=org, kind=kind)
    return where


async def listed(
    tx: Tx, where: Filter, sorts: Sequence[Sort], *, cursor: Cursor | None, backwards: bool, limit: int
) -> Page:
    """A page; its rows are `UserRow`."""
    found = await page(tx, _LISTING, where, sorts, cursor=cursor, backwards=backwards, limit=limit)
    found.rows = [UserRow(*row) for row in found.rows]
    return found


def having_any(where: Filter, field: str, values: Sequence[str]) -> None:
    """Keep those with any of these values in an array field."""
    condition = """EXISTS (SELECT 1 FROM terms t WHERE t.org = u.org AND t.owner = u.display_id
                   AND t.field = 'users.FIELD' AND t.value IN ({values}))"""
    where.any_of(field, values, condition.replace("FIELD", field))


async def all_of(tx: Tx, where: Filter) -> list[UserRow]:
    """All that match, by number."""
    columns = ", ".join(f"u.{column}" for column in UserRow._fields)
    rows = await tx.all(f"SELECT {columns} FROM users u WHERE {where} ORDER BY u.number", **where.parameters)  # noqa: S608
    return [UserRow(*row) for row in rows]
