"""Timelines: comments, and the change events of the objects that they are on."""

from collections.abc import Sequence
from typing import NamedTuple

from rapport.contract.kit import ids
from rapport.store.kit import counts, terms
from rapport.store.kit.db import Row, Tx, Value
from rapport.store.kit.filters import Column, Condition, Date, Filter, Listing
from rapport.store.kit.keyset import Place, beyond, order_by
from rapport.store.kit.query import Page, Walk, numbered, paged


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


async def objects(tx: Tx, org: str) -> list[str]:
    """The display ids of all objects of an org that have comments."""
    rows = await tx.all(
        "SELECT DISTINCT object FROM comments WHERE org = :org ORDER BY object", org=org
    )
    return [object_ for (object_,) in rows]


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


async def purge(tx: Tx, org: str, objects: Sequence[str]) -> None:
    """Remove the comments on objects, named by display ids, that were set aside."""
    gone = await tx.all(
        """
        DELETE FROM deleted_comments
        WHERE org = :org AND object IN (SELECT object FROM rows(:objects, object text))
        RETURNING number
        """,
        org=org,
        objects=[(object_,) for object_ in objects],
    )
    await terms.remove(tx, org, [ids.COMMENT.display_id(number) for (number,) in gone])


# `entry` decides between what happened in the same moment, and is nobody else's.
_COMMENTS = """
    SELECT c.number * 2 + 1 AS entry, c.org, c.number, c.object, c.visibility, c.external_ref,
           c.created_by, c.created_date, c.modified_by, c.modified_date, c.document,
           'commented' AS action
    FROM comments c"""
_CHANGES = """
    SELECT e.seq * 2 AS entry, e.org, e.seq AS number, e.object, 'internal' AS visibility,
           CAST(NULL AS TEXT) AS external_ref, e.actor AS created_by, e.date AS created_date,
           e.actor AS modified_by, e.date AS modified_date, e.deltas AS document, e.action
    FROM events e"""
_SHOWN = "e.kind IN ('account', 'engagement', 'meeting', 'work')"
# One list of both.
_ENTRIES = f"({_COMMENTS} UNION ALL {_CHANGES} WHERE {_SHOWN}) x"
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


# What has a timeline that a roll-up shows: an object, the opportunities of an account, and the
# engagements and meetings of all of these.
_BELOW = """
    SELECT object FROM rows(:parents, object text)
    UNION SELECT 'ENGAGEMENT-' || p.engagement FROM rows(:parents, object text) r
    CROSS JOIN engagement_parents p WHERE p.org = :org AND p.parent = r.object
    UNION SELECT 'MEETING-' || m.number FROM rows(:parents, object text) r
    CROSS JOIN meetings m WHERE m.org = :org AND m.parent = r.object"""
# The same, asked of an entry. Its parents are looked up by the engagement, as they are said here.
_IS_BELOW = """
    (x.object = :object OR x.object IN (SELECT object FROM rows(:parents, object text))
     OR x.object LIKE 'ENGAGEMENT-%' AND EXISTS (
        SELECT 1 FROM engagement_parents p
        WHERE p.org = :org AND p.engagement = CASE WHEN x.object LIKE 'ENGAGEMENT-%'
        THEN CAST(substr(x.object, 12) AS BIGINT) END
        AND NOT (p.parent <> :object
                 AND p.parent NOT IN (SELECT object FROM rows(:parents, object text))))
     OR x.object LIKE 'MEETING-%' AND EXISTS (
        SELECT 1 FROM meetings m
        WHERE m.org = :org AND m.number = CASE WHEN x.object LIKE 'MEETING-%'
        THEN CAST(substr(x.object, 9) AS BIGINT) END
        AND NOT (m.parent <> :object
                 AND m.parent NOT IN (SELECT object FROM rows(:parents, object text)))))"""


class Kinds(NamedTuple):
    """Which entries are asked for."""

    comments: bool = True
    changes: bool = True


async def page(
    tx: Tx, where: Filter[EntryRow], object_: str, walk: Walk, kinds: Kinds, *, rollup: bool
) -> Page[EntryRow]:
    """A page of the timeline of one object, with `rollup` those of its opportunities, engagements
    and meetings too.
    """
    is_driven = False
    if rollup:
        parents = [object_, *await _opportunities(tx, where.org, object_)]
        where.parameters["parents"] = [(parent,) for parent in parents]
        is_driven = await _has_few(tx, where.org, parents, walk.limit)
    if not is_driven:
        where.where(_IS_BELOW if rollup else "x.object = :object", object=object_)
    shown = f" WHERE {_SHOWN}" if rollup and not is_driven else ""
    tables = [f"({_COMMENTS}) x"] * kinds.comments + [f"({_CHANGES}{shown}) x"] * kinds.changes

    async def read(at: Place) -> list[Row]:
        found = [
            row
            for table in tables
            for row in await _entries(tx, where, table, walk, at, is_driven=is_driven)
        ]
        # Two lists, each in order, and no two rows with the same place.
        return sorted(found, reverse=walk.sorts[0].descending != at.back)[: at.most]

    return await paged(EntryRow._make, read, walk)


async def _opportunities(tx: Tx, org: str, object_: str) -> list[str]:
    """The display ids of an account's opportunities."""
    if ids.kind_of(object_) is not ids.ACCOUNT:
        return []
    rows = await tx.all(
        "SELECT number FROM opportunities WHERE org = :org AND account = :account",
        org=org,
        account=ids.number_of(object_),
    )
    return [ids.OPPORTUNITY.display_id(number) for (number,) in rows]


async def _has_few(tx: Tx, org: str, parents: Sequence[str], limit: int) -> bool:
    """Whether the engagements and meetings of these cost less to go through than everybody's
    entries, of which enough are theirs soon if they have many.
    """
    theirs = everybody = 0
    for table in ("engagements", "meetings"):
        theirs += await counts.total(tx, org, f"{table}.parent", parents)
        everybody += await counts.total(tx, org, table, [""])
    return theirs * theirs < limit * everybody


async def _entries(
    tx: Tx, where: Filter[EntryRow], table: str, walk: Walk, at: Place, *, is_driven: bool
) -> list[Row]:
    """The first comments or changes at a place."""
    columns = [(f"x.{name}", walk.sorts[0].descending) for name in ("created_date", "entry")]
    parameters: dict[str, Value] = {**where.parameters, "page_limit": at.most}
    conditions = " AND ".join([str(where), *beyond(columns, at, parameters)])
    order = f"ORDER BY {order_by(columns, back=at.back)} LIMIT :page_limit"
    below, among = "", table
    if is_driven:
        below = f"WITH below (object) AS MATERIALIZED ({_BELOW})"
        among, conditions = f"below CROSS JOIN {table}", f"x.object = below.object AND {conditions}"
    # What decides is in indexes; whole rows are read of the page alone.
    firsts = f"SELECT x.created_date, x.entry, x.number FROM {among} WHERE {conditions} {order}"  # noqa: S608
    return await tx.all(
        f"{below or 'WITH'}{',' if below else ''} firsts AS MATERIALIZED ({firsts}) "  # noqa: S608
        f"SELECT x.created_date, x.entry, {_LISTING.select} FROM firsts CROSS JOIN {table} "
        f"WHERE x.org = :org AND x.number = firsts.number {order}",
        **parameters,
    )
