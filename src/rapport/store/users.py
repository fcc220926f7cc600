"""Users of every kind, whose families share one table."""

from collections.abc import Sequence
from typing import NamedTuple

from rapport.store.kit import terms
from rapport.store.kit.db import Tx
from rapport.store.kit.query import Filter, Listing, Page, Walk, everything, page


class UserRow(NamedTuple):
    """A row.

    `document` is the JSON of what the family keeps beside the columns; other users are display ids, and
    `display_picture` is an artifact's number.
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


_COLUMNS = ", ".join(UserRow._fields)


async def insert(tx: Tx, row: UserRow) -> None:
    """Add a user.

    Raises:
        UniqueViolation: a dev user's email, in whatever case, or a rev user's external_ref is in use.
    """
    await tx.run(
        """
        INSERT INTO users (org, display_id, kind, number, display_name, full_name, email, state, role, external_ref,
                           rev_org, created_by, created_date, modified_by, modified_date, document, display_picture,
                           email_key)
        VALUES (:org, :display_id, :kind, :number, :display_name, :full_name, :email, :state, :role, :external_ref,
                :rev_org, :created_by, :created_date, :modified_by, :modified_date, :document, :display_picture,
                :email_key)
        """,
        **row._asdict(),
        email_key=row.email.casefold() if row.email else None,
    )


_GET = f"SELECT {_COLUMNS} FROM users WHERE org = :org AND display_id = :display_id AND state <> 'deleted'"  # noqa: S608


async def get(tx: Tx, org: str, display_id: str) -> UserRow | None:
    """A user that is not deleted."""
    row = await tx.one(_GET, org=org, display_id=display_id)
    return UserRow(*row) if row else None


async def lock(tx: Tx, org: str, display_id: str) -> UserRow | None:
    """A user that is not deleted, held against other writers until this transaction ends."""
    row = await tx.one(f"{_GET} FOR UPDATE", org=org, display_id=display_id)
    return UserRow(*row) if row else None


async def update(tx: Tx, row: UserRow) -> None:
    """Write a row anew. A deleted user gives its external_ref and email free.

    Raises:
        UniqueViolation: a rev user's external_ref is in use.
    """
    await tx.run(
        """
        UPDATE users SET display_name = :display_name, full_name = :full_name, email = :email, state = :state,
               role = :role, external_ref = :external_ref, rev_org = :rev_org, modified_by = :modified_by,
               modified_date = :modified_date, document = :document, display_picture = :display_picture,
               email_key = :email_key
        WHERE org = :org AND display_id = :display_id
        """,
        org=row.org, display_id=row.display_id, display_name=row.display_name, full_name=row.full_name,
        email=row.email, state=row.state, role=row.role, external_ref=row.external_ref, rev_org=row.rev_org,
        modified_by=row.modified_by, modified_date=row.modified_date, document=row.document,
        display_picture=row.display_picture, email_key=row.email.casefold() if row.email else None,
    )  # fmt: skip


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
    make=UserRow._make,
)


def of_kind(org: str, kind: str) -> Filter:
    """The org's users of one kind that are not deleted."""
    where = Filter()
    where.where("u.org = :org AND u.kind = :kind AND u.state <> 'deleted'", org=org, kind=kind)
    return where


async def listed(tx: Tx, where: Filter, walk: Walk) -> Page[UserRow]:
    """A page of those that match."""
    return await page(tx, _LISTING, where, walk)


def having_any(where: Filter, field: str, values: Sequence[str], *, name: str | None = None) -> None:
    """Keep those with any of these values in an array field; `name` is for its second condition on one field."""
    where.any_of(name or field, terms.kept(values), terms.condition("users", "u.org", "u.display_id", field))


async def all_of(tx: Tx, where: Filter) -> list[UserRow]:
    """All that match, by number."""
    return await everything(tx, _LISTING, where)


async def in_rev_orgs(tx: Tx, org: str, rev_orgs: Sequence[str]) -> list[str]:
    """The display ids of the rev users of rev orgs."""
    rows = await tx.all(
        """
        SELECT display_id FROM users
        WHERE org = :org AND rev_org IN (SELECT rev_org FROM rows(:rev_orgs, rev_org text)) ORDER BY number
        """,
        org=org,
        rev_orgs=[(rev_org,) for rev_org in rev_orgs],
    )
    return [display_id for (display_id,) in rows]


async def leave_rev_orgs(tx: Tx, org: str, users: Sequence[str]) -> None:
    """Let users be without a rev org."""
    await tx.run(
        """
        UPDATE users SET rev_org = NULL
        WHERE org = :org AND display_id IN (SELECT display_id FROM rows(:users, display_id text))
        """,
        org=org,
        users=[(user,) for user in users],
    )


def of_associations(where: Filter, associations: Sequence[str]) -> None:
    """Keep the rev users of any of these accounts and rev orgs, named by display ids."""
    where.any_of(
        "associations",
        associations,
        """EXISTS (SELECT 1 FROM rev_orgs v WHERE v.org = u.org AND v.number = CAST(substr(u.rev_org, 5) AS BIGINT)
           AND (u.rev_org IN ({values}) OR 'ACC-' || v.account IN ({values})))""",
    )
