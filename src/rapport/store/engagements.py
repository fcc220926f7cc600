"""Engagements: a row, and the document that is answered."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from rapport.contract.kit import ids
from rapport.store import touches
from rapport.store.engagement_links import LINKS, PLACES, Carried, Related, add_links, move_links
from rapport.store.kit import counts, terms
from rapport.store.kit.db import NO_DATE, Tx
from rapport.store.kit.deleted import listing_of_deleted
from rapport.store.kit.filters import Column, Date, Entries, Filter, Link, Listing
from rapport.store.kit.grouping import Key, Sums


class EngagementRow(NamedTuple):
    """A row as it is written. Users are display ids; `document` is JSON without created_by and
    modified_by.
    """

    org: str
    number: int
    title: str
    engagement_type: str
    external_ref: str | None
    scheduled_date: int
    created_by: str
    created_date: int
    modified_by: str
    modified_date: int
    document: str

    @property
    def carried(self) -> Carried:
        """What its links have of it."""
        return Carried(
            self.org,
            self.number,
            self.created_date,
            self.modified_date,
            self.scheduled_date,
            self.title,
        )


class Stored(NamedTuple):
    """An engagement as it is read for an answer."""

    number: int
    created_by: str
    modified_by: str
    document: str
    deleted_by: str | None = None
    deleted_date: int | None = None


async def insert(tx: Tx, rows: Sequence[EngagementRow], links: Sequence[Related]) -> None:
    """Add engagements with their links; `links[i]` are those of `rows[i]`.

    Raises:
        UniqueViolation: an external_ref is in use.
        LostRace: an artifact got another parent since it was looked up.
    """
    await tx.run(
        """
        INSERT INTO engagements (org, number, title, engagement_type, external_ref, scheduled_date,
                                 created_by, created_date, modified_by, modified_date, document)
        SELECT org, number, title, engagement_type, external_ref, scheduled_date,
               created_by, created_date, modified_by, modified_date, document
        FROM rows(:rows, org text, number bigint, title text, engagement_type text,
                  external_ref text,
                  scheduled_date bigint, created_by text, created_date bigint, modified_by text,
                  modified_date bigint, document text)
        """,
        rows=rows,
    )
    await add_links(tx, [row.carried for row in rows], links)
    added: Counter[counts.Counted] = Counter()
    for row, link in zip(rows, links, strict=True):
        added.update(_counted(row, link))
    await counts.add(tx, added)
    await touches.add(
        tx,
        "engagement",
        [
            touches.Dated(row.org, row.number, row.scheduled_date, [*link.parents, *link.members])
            for row, link in zip(rows, links, strict=True)
        ],
        now=max((row.modified_date for row in rows), default=0),
    )


def _counted(row: EngagementRow, links: Related) -> list[counts.Counted]:
    """The sums that a live engagement is part of."""
    return [
        (row.org, "engagements", ""),
        (row.org, "engagements.engagement_type", row.engagement_type),
        (row.org, "engagements.created_by", row.created_by),
        *((row.org, "engagements.members", member) for member in links.members),
        *((row.org, "engagements.parent", parent) for parent in links.parents),
        *((row.org, "engagements.tags", tag) for tag, _ in links.tags),
    ]


async def get(tx: Tx, org: str, number: int) -> Stored | None:
    """A live engagement."""
    row = await tx.one(
        """
        SELECT number, created_by, modified_by, document FROM engagements
        WHERE org = :org AND number = :number AND deleted_date IS NULL
        """,
        org=org,
        number=number,
    )
    return Stored(*row) if row else None


async def lock(tx: Tx, org: str, number: int) -> EngagementRow | None:
    """A live engagement, held against other writers until this transaction ends."""
    row = await tx.one(
        """
        SELECT org, number, title, engagement_type, external_ref, scheduled_date,
               created_by, created_date, modified_by, modified_date, document
        FROM engagements WHERE org = :org AND number = :number AND deleted_date IS NULL FOR UPDATE
        """,
        org=org,
        number=number,
    )
    return EngagementRow(*row) if row else None


async def lock_deleted(tx: Tx, org: str, number: int) -> tuple[EngagementRow, Stored] | None:
    """A deleted engagement, held against other writers until this transaction ends."""
    row = await tx.one(
        """
        SELECT org, number, title, engagement_type, external_ref, scheduled_date,
               created_by, created_date, modified_by, modified_date, document,
               deleted_by, deleted_date
        FROM engagements WHERE org = :org AND number = :number AND deleted_date IS NOT NULL
        FOR UPDATE
        """,
        org=org,
        number=number,
    )
    if row is None:
        return None
    kept = EngagementRow(*row[:-2])
    return kept, Stored(kept.number, kept.created_by, kept.modified_by, kept.document, *row[-2:])


async def update(tx: Tx, before: EngagementRow, row: EngagementRow) -> None:
    """Write the row of a live engagement anew.

    Raises:
        UniqueViolation: its external_ref is in use.
    """
    keys = [(row.org, row.number)] if row.scheduled_date != before.scheduled_date else []
    async with touches.following(tx, "engagement", keys, row.modified_date):
        await _update(tx, before, row)


async def _update(tx: Tx, before: EngagementRow, row: EngagementRow) -> None:
    if row.engagement_type != before.engagement_type:
        field = "engagements.engagement_type"
        kinds = {
            (row.org, field, before.engagement_type): -1,
            (row.org, field, row.engagement_type): 1,
        }
        await counts.add(tx, kinds)
    if row.carried != before.carried:
        await move_links(tx, row.carried)
    await tx.run(
        """
        UPDATE engagements SET title = :title, engagement_type = :engagement_type,
            external_ref = :external_ref,
            scheduled_date = :scheduled_date, modified_by = :modified_by,
                modified_date = :modified_date,
            document = :document
        WHERE org = :org AND number = :number
        """,
        org=row.org,
        number=row.number,
        title=row.title,
        engagement_type=row.engagement_type,
        external_ref=row.external_ref,
        scheduled_date=row.scheduled_date,
        modified_by=row.modified_by,
        modified_date=row.modified_date,
        document=row.document,
    )


async def delete(tx: Tx, org: str, number: int, now: int, by: str) -> bool:
    """Mark a live engagement as deleted; False when there is none."""
    async with touches.following(tx, "engagement", [(org, number)], now):
        changed = await tx.run(
            """
            UPDATE engagements SET deleted_date = :now, deleted_by = :by
            WHERE org = :org AND number = :number AND deleted_date IS NULL
            """,
            org=org,
            number=number,
            now=now,
            by=by,
        )
    if changed:
        sums = dict.fromkeys(await _counted_of(tx, org, number), -1)
        await counts.add(tx, {**sums, (org, _DELETED, ""): 1})
    return changed == 1


async def restore(tx: Tx, org: str, number: int) -> None:
    """Let a deleted engagement, which is held, live again.

    Raises:
        UniqueViolation: its external_ref is in use.
    """
    async with touches.following(tx, "engagement", [(org, number)], NO_DATE):
        await tx.run(
            """
            UPDATE engagements SET deleted_date = NULL, deleted_by = NULL
            WHERE org = :org AND number = :number
            """,
            org=org,
            number=number,
        )
    sums = dict.fromkeys(await _counted_of(tx, org, number), 1)
    await counts.add(tx, {**sums, (org, _DELETED, ""): -1})


async def purge(tx: Tx, org: str, numbers: Sequence[int]) -> None:
    """Remove deleted engagements, which are held, for good."""
    keys = [(number,) for number in numbers]
    for table, column in (
        *((f"engagement_{kind}", "engagement") for kind in LINKS),
        ("engagements", "number"),
    ):
        await tx.run(
            f"""
            DELETE FROM {table}
            WHERE org = :org AND {column} IN (SELECT number FROM rows(:keys, number bigint))
            """,  # noqa: S608  # our own names
            org=org,
            keys=keys,
        )
    await terms.remove(tx, org, [ids.ENGAGEMENT.display_id(number) for number in numbers])
    await counts.add(tx, {(org, _DELETED, ""): -len(numbers)})


async def _counted_of(tx: Tx, org: str, number: int) -> list[counts.Counted]:
    """The sums that an engagement is part of while it lives."""
    rows = await tx.all(
        """
        SELECT 'engagements', '' UNION ALL
        SELECT 'engagements.engagement_type', engagement_type FROM engagements
        WHERE org = :org AND number = :number UNION ALL
        SELECT 'engagements.created_by', created_by FROM engagements
        WHERE org = :org AND number = :number UNION ALL
        SELECT 'engagements.members', member FROM engagement_members
        WHERE org = :org AND engagement = :number UNION ALL
        SELECT 'engagements.parent', parent FROM engagement_parents
        WHERE org = :org AND engagement = :number UNION ALL
        SELECT 'engagements.tags', tag FROM engagement_tags
        WHERE org = :org AND engagement = :number
        """,
        org=org,
        number=number,
    )
    return [(org, field, value) for field, value in rows]


# Under which name deleted ones are counted.
_DELETED = "engagements.deleted"
COUNTED = """
    SELECT org, 'engagements.deleted', '', 0, count(*) FROM engagements
    WHERE deleted_date IS NOT NULL GROUP BY org UNION ALL
    SELECT org, 'engagements', '', 0, count(*) FROM engagements
    WHERE deleted_date IS NULL GROUP BY org UNION ALL
    SELECT org, 'engagements.engagement_type', engagement_type, 0, count(*) FROM engagements
    WHERE deleted_date IS NULL GROUP BY org, engagement_type UNION ALL
    SELECT org, 'engagements.created_by', created_by, 0, count(*) FROM engagements
    WHERE deleted_date IS NULL GROUP BY org, created_by UNION ALL
    SELECT l.org, 'engagements.members', l.member, 0, count(*) FROM engagement_members l
    JOIN engagements e ON e.org = l.org AND e.number = l.engagement AND e.deleted_date IS NULL
    GROUP BY l.org, l.member UNION ALL
    SELECT l.org, 'engagements.parent', l.parent, 0, count(*) FROM engagement_parents l
    JOIN engagements e ON e.org = l.org AND e.number = l.engagement AND e.deleted_date IS NULL
    GROUP BY l.org, l.parent UNION ALL
    SELECT l.org, 'engagements.tags', l.tag, 0, count(*) FROM engagement_tags l
    JOIN engagements e ON e.org = l.org AND e.number = l.engagement AND e.deleted_date IS NULL
    GROUP BY l.org, l.tag
"""


async def by_external_refs(tx: Tx, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """The numbers of live engagements by (org, external_ref)."""
    rows = await tx.all(
        """
        SELECT e.org, e.external_ref, e.number FROM rows(:wanted, org text, external_ref text) r
        JOIN engagements e ON e.org = r.org AND e.external_ref = r.external_ref
        AND e.deleted_date IS NULL
        """,
        wanted=sorted(wanted),
    )
    return {(org, external_ref): number for org, external_ref, number in rows}


SORTS = {"created_date": int, "modified_date": int, "scheduled_date": int, "title": str}


def _linked(table: str, column: str) -> Link:
    return Link(
        f"{table} l",
        "l.org = e.org AND l.engagement = e.number",
        f"l.{column}",
        number="l.engagement",
        scope="l.org = :org",
        summed=True,
        carried={name: f"l.{name}" for name in PLACES},
    )


_OWN = {name: f"e.{name}" for name in PLACES}
_LISTING = Listing(
    select="e.number, e.created_by, e.modified_by, e.document, e.deleted_by, e.deleted_date",
    table="engagements e",
    scope="e.org = :org AND e.deleted_date IS NULL",
    number="e.number",
    sorts={name: f"e.{name}" for name in SORTS},
    make=Stored._make,
    counted="engagements",
    gone=Entries(
        "engagements e",
        "e.org = :org AND e.deleted_date IS NOT NULL",
        "e.number",
        _OWN,
        all_live=False,
    ),
    filters={
        "created_by": Column("e.created_by", indexed=True, summed=True, carried=_OWN),
        "engagement_type": Column("e.engagement_type", indexed=True, summed=True, carried=_OWN),
        "external_ref": Column("e.external_ref", indexed=True),
        "members": _linked("engagement_members", "member"),
        "parent": _linked("engagement_parents", "parent"),
        "tags": _linked("engagement_tags", "tag"),
        **terms.filters("engagements", "e", "'ENGAGEMENT-' || e.number", "custom_fields"),
    },
    dates={
        "created_date": Date("e.created_date"),
        "modified_date": Date("e.modified_date"),
        "scheduled_date": Date("e.scheduled_date", optional=True),
    },
)


def sums(*, rollup: bool) -> Sums:
    """What engagements are summed up by."""
    account = _ACCOUNTS_ROLLED_UP if rollup else _parents(ids.ACCOUNT)
    keys = {
        "account": account,
        "created_by": Key("e.created_by"),
        "member": _joined("engagement_members", "member"),
        "opportunity": _parents(ids.OPPORTUNITY),
        "tag": _joined("engagement_tags", "tag"),
        "type": Key("e.engagement_type"),
    }
    return Sums(keys, "e.scheduled_date")


def _joined(table: str, column: str, more: str = "") -> Key:
    on = f"{{alias}}.org = e.org AND {{alias}}.engagement = e.number{more}"
    return Key(f"{{alias}}.{column}", f"JOIN {table} {{alias}} ON {on}")


def _parents(kind: ids.Kind) -> Key:
    return _joined(
        "engagement_parents", "parent", f" AND {{alias}}.parent LIKE '{kind.display_id('%')}'"
    )


_ACCOUNTS_ROLLED_UP = Key(
    "{alias}.account",
    """
    JOIN (
        SELECT p.engagement, p.parent AS account FROM engagement_parents p
        WHERE p.org = :org AND p.parent LIKE 'ACC-%'
        UNION SELECT p.engagement, 'ACC-' || o.account FROM engagement_parents p
        JOIN opportunities o ON o.org = p.org AND o.number = CAST(substr(p.parent, 5) AS BIGINT)
        WHERE p.org = :org AND p.parent LIKE 'OPP-%'
        UNION SELECT m.engagement, 'ACC-' || v.account FROM engagement_members m
        JOIN users u ON u.org = m.org AND u.display_id = m.member
        JOIN rev_orgs v ON v.org = u.org AND v.number = CAST(substr(u.rev_org, 5) AS BIGINT)
        WHERE m.org = :org
    ) {alias} ON {alias}.engagement = e.number
    """,
)


def live(org: str) -> Filter[Stored]:
    """The org's live engagements."""
    return _LISTING.of_org(org)


DELETED_SORTS = {"deleted_date": int, **SORTS}
_DELETED_LISTING = listing_of_deleted(
    _LISTING, "e", _DELETED, unordered=SORTS.keys() - {"created_date"}
)


def deleted(org: str) -> Filter[Stored]:
    """The org's deleted engagements."""
    return _DELETED_LISTING.of_org(org)


async def holding(tx: Tx, org: str, link: Literal["members", "parent"], id_: str) -> int:
    """How many live engagements have this member or parent."""
    return await counts.total(tx, org, f"engagements.{link}", [id_])


async def put_documents(tx: Tx, org: str, rows: Sequence[tuple[int, str]]) -> None:
    """Write (number, document), when something that engagements only refer to has gone."""
    await tx.run(
        """
        UPDATE engagements SET document = r.document FROM rows(:rows, org text, number bigint,
                                                               document text) r
        WHERE engagements.org = r.org AND engagements.number = r.number
        """,
        rows=[(org, *row) for row in rows],
    )
