"""Accounts."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from rapport.contract.kit.paging import Sort
from rapport.store import touches
from rapport.store.kit import terms
from rapport.store.kit.db import Tx
from rapport.store.kit.filters import Asked, Column, Date, Filter, Link, Listing, Range


class AccountRow(NamedTuple):
    """A row. `document` is JSON; users and tags in it are display ids."""

    org: str
    number: int
    display_name: str
    tier: str | None
    created_by: str
    created_date: int
    modified_by: str
    modified_date: int
    document: str


async def insert(tx: Tx, row: AccountRow) -> None:
    """Add an account."""
    await tx.run(
        """
        INSERT INTO accounts (org, number, display_name, tier,
                              created_by, created_date, modified_by, modified_date, document)
        VALUES (:org, :number, :display_name, :tier,
                :created_by, :created_date, :modified_by, :modified_date, :document)
        """,
        **row._asdict(),
    )
    await touches.begin(tx, row.org, row.number)


_GET = """
    SELECT org, number, display_name, tier, created_by, created_date, modified_by, modified_date,
    document
    FROM accounts WHERE org = :org AND number = :number"""


async def get(tx: Tx, org: str, number: int) -> AccountRow | None:
    """An account."""
    row = await tx.one(_GET, org=org, number=number)
    return AccountRow(*row) if row else None


async def lock(tx: Tx, org: str, number: int) -> AccountRow | None:
    """An account, held against other writers until this transaction ends."""
    row = await tx.one(f"{_GET} FOR UPDATE", org=org, number=number)
    return AccountRow(*row) if row else None


async def update(tx: Tx, row: AccountRow) -> None:
    """Write a row anew."""
    await tx.run(
        """
        UPDATE accounts SET display_name = :display_name, tier = :tier, modified_by = :modified_by,
                            modified_date = :modified_date, document = :document
        WHERE org = :org AND number = :number
        """,
        org=row.org,
        number=row.number,
        display_name=row.display_name,
        tier=row.tier,
        modified_by=row.modified_by,
        modified_date=row.modified_date,
        document=row.document,
    )


async def delete(tx: Tx, org: str, number: int) -> None:
    """Delete an account; what belongs to it is the caller's to delete."""
    await tx.run(
        "DELETE FROM accounts WHERE org = :org AND number = :number", org=org, number=number
    )
    await touches.end(tx, org, number)


_OWN = ("created_date", "modified_date", "display_name")
# A sort field or filter by touches -> what is kept of them.
TOUCHED = {
    "last_engagement": "last_date",
    "next_engagement": "next_date",
    "engagements_last_30_days": "recent",
}
OWN_SORTS = {"created_date": int, "modified_date": int, "display_name": str}
SORTS = {**OWN_SORTS, **dict.fromkeys(TOUCHED, int)}
_TERMS = terms.filters(
    "accounts",
    "a",
    "'ACC-' || a.number",
    "custom_fields",
    "domains",
    "external_refs",
    "owned_by",
    "subtype",
    "tags",
    "websites",
)
_LISTING = Listing(
    select=", ".join(f"a.{column}" for column in AccountRow._fields),
    table="accounts a",
    scope="a.org = :org",
    number="a.number",
    sorts={name: f"a.{name}" for name in _OWN},
    make=AccountRow._make,
    filters={
        "created_by": Column("a.created_by", indexed=True),
        "display_name": Column("a.display_name", indexed=True),
        "tier": Column("a.tier", indexed=True),
        **_TERMS,
    },
    dates={"created_date": Date("a.created_date"), "modified_date": Date("a.modified_date")},
)


def _by_own(name: str) -> Link:
    """A filter by a column, whose index is read without what is kept of touches."""
    return Link(
        "accounts x",
        "x.org = a.org AND x.number = a.number",
        f"x.{name}",
        number="x.number",
        scope="x.org = :org",
    )


# In the order of what is kept of touches.
_BY_TOUCH = replace(
    _LISTING,
    table=f"{touches.KEPT} CROSS JOIN accounts a",
    scope=f"{touches.IS_KEPT} AND a.org = k.org AND a.number = k.account",
    number="k.account",
    sorts={**_LISTING.sorts, **{name: f"k.{column}" for name, column in TOUCHED.items()}},
    filters={name: _by_own(name) for name in ("created_by", "display_name", "tier")} | _TERMS,
    dates={
        **_LISTING.dates,
        "last_engagement": Date("k.last_date", optional=True),
        "next_engagement": Date("k.next_date", optional=True),
        "engagements_last_30_days": Date("k.recent"),
    },
)
# In the order of their own columns.
_BY_OWN = replace(
    _BY_TOUCH,
    table=f"accounts a CROSS JOIN {touches.KEPT}",
    scope=f"a.org = :org AND k.org = a.org AND k.account = a.number AND {touches.IS_KEPT}",
    number="a.number",
)
# Those of which nothing is kept that is still so: they are few, and all read.
_RECKONED = replace(
    _BY_TOUCH,
    table=f"{touches.RECKONED} CROSS JOIN accounts a",
    scope="a.org = k.org AND a.number = k.account",
    filters={
        name: replace(by, number="")
        for name, by in _BY_TOUCH.filters.items()
        if isinstance(by, Link)
    },
    unordered=SORTS.keys(),
)


class Between(NamedTuple):
    """A range of a filter by touches; both ends are exclusive."""

    name: str
    after: int | None
    before: int | None


def of_org(org: str) -> Filter[AccountRow]:
    """The org's accounts."""
    return _LISTING.of_org(org)


def listed(
    org: str, sorts: Sequence[Sort], ranges: Sequence[Between], now: int
) -> list[Filter[AccountRow]]:
    """The org's accounts, in parts that have none in common: in one unless they are put in order
    or narrowed by touches, as these are at a moment.
    """
    by_touch = [sort.field in TOUCHED for sort in sorts]
    if not ranges and not any(by_touch):
        return [of_org(org)]
    parts = [(_BY_TOUCH if by_touch[0] else _BY_OWN).of_org(org), _RECKONED.of_org(org)]
    for where in parts:
        where.parameters["now"] = now
        for one in ranges:
            where.between(*one)
    for one in ranges:
        # In its own order the range is where a walk begins and ends.
        if one.name != sorts[0].field:
            parts[0].asked.append(_found_by(parts[0], one.name))
    return parts


def _found_by(where: Filter[AccountRow], name: str) -> Asked:
    """A range, as what leads to accounts where few are in it."""
    bounds = [f"x.{TOUCHED[name]} {bound}" for field, bound in where.ranges if field == name]
    scope = " AND ".join(["x.org = :org", *bounds])
    return Asked(name, Range("derived_rhythms x", scope, "x.account"), "", ())
