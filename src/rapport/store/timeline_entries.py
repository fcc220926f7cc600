"""Timelines: comments, and the change events of the objects that they are on."""

from collections.abc import Sequence
from typing import NamedTuple

from rapport.contract.kit import ids
from rapport.store.kit import terms
from rapport.store.kit.db import Tx
from rapport.store.kit.query import Column, Condition, Date, Filter, Listing, numbered


class CommentRow(NamedTuple):
    """A comment. `object` is a display id; `document` keeps the rest as JSON."""

    org: str
    number: int
    object: str
    visibility: str
    external_ref: str | None
    created_by: str
    created_date: int
    modified_by: str
    modified_date: int
    document: str


class EntryRow(NamedTuple):
    """A row of a timeline: a comment, or a change, of which `document` has the deltas.

    `action` is `commented`, or what was done to the object; `number` is the comment's or the
    event's.
    """

    org: str
    number: int
    object: str
    visibility: str
    external_ref: str | None
    created_by: str
    created_date: int
    modified_by: str
    modified_date: int
    document: str | None
    action: str


async def insert(tx: Tx, row: CommentRow) -> None:
    """Add a comment.

    Raises:
        UniqueViolation: its external_ref is in use.
    """
    await tx.run(
        """
        INSERT INTO comments (org, number, object, visibility, external_ref,
                              created_by, created_date, modified_by, modified_date, document)
        VALUES (:org, :number, :object, :visibility, :external_ref,
                :created_by, :created_date, :modified_by, :modified_date, :document)
        """,
        **row._asdict(),
    )


async def lock(tx: Tx, org: str, number: int) -> CommentRow | None:
    """A comment, held against other writers until this transaction ends."""
    row = await tx.one(
        """
        SELECT org, number, object, visibility, external_ref, created_by, created_date, modified_by,
        modified_date,
               document
        FROM comments WHERE org = :org AND number = :number FOR UPDATE
        """,
        org=org,
        number=number,
    )
    return CommentRow(*row) if row else None


async def update(tx: Tx, row: CommentRow) -> None:
    """Write a row anew.

    Raises:
        UniqueViolation: its external_ref is in use.
    """
    await tx.run(
        """
        UPDATE comments SET external_ref = :external_ref, modified_by = :modified_by,
            modified_date = :modified_date,
                            document = :document
        WHERE org = :org AND number = :number
        """,
        org=row.org,
        number=row.number,
        external_ref=row.external_ref,
        modified_by=row.modified_by,
        modified_date=row.modified_date,
        document=row.document,
    )


async def numbers_of(tx: Tx, org: str, objects: Sequence[str]) -> list[int]:
    """The numbers of all comments on objects, named by display ids."""
    rows = await tx.all(
        """
        SELECT number FROM comments
        WHERE org = :org AND object IN (SELECT object FROM rows(:objects, object text))
        ORDER BY number
        """,
        org=org,
        objects=[(object_,) for object_ in objects],
    )
    return [number for (number,) in rows]


async def delete(tx: Tx, org: str, numbers: Sequence[int]) -> None:
    """Delete comments. Their artifacts stay bound to them."""
    await tx.run(
        "DELETE FROM comments WHERE org = :org AND number IN (SELECT number "
        "FROM rows(:numbers, number bigint))",
        org=org,
        numbers=[(number,) for number in numbers],
    )
    await terms.remove(tx, org, [ids.COMMENT.display_id(number) for number in numbers])


_COLUMNS = ", ".join(CommentRow._fields)


async def set_aside(tx: Tx, org: str, object_: str) -> None:
    """Keep the comments on an object where nothing finds them."""
    await tx.run(
        f"""
        INSERT INTO deleted_comments ({_COLUMNS}) SELECT {_COLUMNS} FROM comments
        WHERE org = :org AND object = :object
        """,  # noqa: S608  # our own names
        org=org,
        object=object_,
    )
    await tx.run(
        "DELETE FROM comments WHERE org = :org AND object = :object", org=org, object=object_
    )


async def bring_back(tx: Tx, org: str, object_: str) -> tuple[list[int], list[int]]:
    """Put back the comments on an object that were set aside: their numbers, and the numbers of
    those that lost their external_ref to another comment meanwhile.
    """
    taken = await tx.all(
        """
        SELECT d.number FROM deleted_comments d
        JOIN comments c ON c.org = d.org AND c.external_ref = d.external_ref
        WHERE d.org = :org AND d.object = :object AND d.external_ref IS NOT NULL ORDER BY d.number
        """,
        org=org,
        object=object_,
    )
    await tx.run(
        """
        UPDATE deleted_comments SET external_ref = NULL
        WHERE org = :org AND number IN (SELECT number FROM rows(:taken, number bigint))
        """,
        org=org,
        taken=taken,
    )
    await tx.run(
        f"""
        INSERT INTO comments ({_COLUMNS}) SELECT {_COLUMNS} FROM deleted_comments
        WHERE org = :org AND object = :object
        """,  # noqa: S608  # our own names
        org=org,
        object=object_,
    )
    back = await tx.all(
        "DELETE FROM deleted_comments WHERE org = :org AND object = :object RETURNING number",
        org=org,
        object=object_,
    )
    return sorted(number for (number,) in back), [number for (number,) in taken]


# One list of both. `entry` decides between what happened in the same moment, and is nobody else's.
_ENTRIES = """(
    SELECT c.number * 2 + 1 AS entry, c.org, c.number, c.object, c.visibility, c.external_ref,
        c.created_by,
           c.created_date, c.modified_by, c.modified_date, c.document, 'commented' AS action
    FROM comments c
    UNION ALL
    SELECT e.seq * 2, e.org, e.seq, e.object, 'internal', NULL, e.actor, e.date, e.actor, e.date,
        e.deltas,
           e.action
    FROM events e WHERE e.kind IN ('account', 'engagement', 'meeting', 'work')) x"""
_HAS_TERM = """EXISTS (SELECT 1 FROM terms t WHERE t.org = x.org
AND t.owner = 'COMMENT-' || x.number
               AND t.field = 'comments.{field}' AND t.value IN ({{values}}))"""
_LABELS = f"x.action = 'commented' AND {_HAS_TERM.format(field='labels')}"
# Every change stands in the panel `events`.
_PANELS = f"""((x.action = 'commented' AND {_HAS_TERM.format(field="panels")})
    OR (x.action <> 'commented' AND 'events' IN ({{values}})))"""
SORTS = {"created_date": int}
_LISTING = Listing(
    select=", ".join(f"x.{column}" for column in EntryRow._fields),
    table=_ENTRIES,
    scope="x.org = :org",
    number="x.number",
    sorts={"created_date": "x.created_date"},
    make=EntryRow._make,
    filters={
        "labels": Condition(_LABELS, terms.kept),
        "panels": Condition(_PANELS, terms.kept),
        "visibility": Column("x.visibility"),
    },
    dates={"created_date": Date("x.created_date")},
    tie="x.entry",
)


def seen_by(org: str, user: str) -> Filter[EntryRow]:
    """The entries of an org that a user may see: not others' private comments, unless it is
    named in them.
    """
    where = _LISTING.of_org(org)
    where.where(
        """
        (x.visibility <> 'private' OR x.created_by = :me OR EXISTS (
            SELECT 1 FROM terms t WHERE t.org = x.org AND t.owner = 'COMMENT-' || x.number
            AND t.field = 'comments.private_to' AND t.value = :me))
        """,
        me=user,
    )
    return where


async def comments_of(tx: Tx, org: str, numbers: Sequence[int]) -> list[EntryRow]:
    """Comments by number, whoever may see them."""
    where = _LISTING.of_org(org)
    comments(where)
    return await numbered(tx, where, numbers)


def comments(where: Filter[EntryRow]) -> None:
    """Keep comments."""
    where.where("x.action = 'commented'")


def changes(where: Filter[EntryRow]) -> None:
    """Keep changes."""
    where.where("x.action <> 'commented'")


# An object, and the opportunities of the account that it is.
_WITH_OPPORTUNITIES = """SELECT object FROM rows(:objects, object text) UNION ALL
    SELECT 'OPP-' || o.number FROM opportunities o WHERE o.org = :org AND o.account = :account"""


def on(where: Filter[EntryRow], object_: str, *, rollup: bool) -> None:
    """Keep the entries of one object, with `rollup` those of its opportunities, engagements and
    meetings too.
    """
    if not rollup:
        where.where("x.object = :object", object=object_)
        return
    where.where(
        f"""
        x.object IN (
            {_WITH_OPPORTUNITIES}
            UNION ALL
            SELECT 'ENGAGEMENT-' || p.engagement FROM engagement_parents p
            WHERE p.org = :org AND p.parent IN ({_WITH_OPPORTUNITIES})
            UNION ALL
            SELECT 'MEETING-' || m.number FROM meetings m
            WHERE m.org = :org AND m.parent IN ({_WITH_OPPORTUNITIES}))
        """,  # noqa: S608  # our own literal
        objects=[(object_,)],
        account=ids.number_of(object_) if ids.kind_of(object_) is ids.ACCOUNT else 0,
    )
