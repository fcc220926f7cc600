"""What engagements refer to, and are found by: members, parents, tags, artifacts, custom fields."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from rapport.contract.kit import ids
from rapport.store import artifacts, touches
from rapport.store.kit import counts, terms
from rapport.store.kit.db import Tx

LINKS = ("members", "parents", "tags", "artifacts")
_CUSTOM_FIELDS = "engagements.custom_fields"


class Carried(NamedTuple):
    """What links have of their engagement: whose they are, and its places in lists."""

    org: str
    number: int
    created_date: int
    modified_date: int
    scheduled_date: int
    title: str


# What the indexes of filters have beside the number, in the order of the first.
PLACES = Carried._fields[2:]


class Related(NamedTuple):
    """What an engagement refers to, as display ids in the order given; tags with their values,
    custom fields as terms.
    """

    members: Sequence[str] = ()
    parents: Sequence[str] = ()
    tags: Sequence[tuple[str, str | None]] = ()
    artifacts: Sequence[str] = ()
    custom_fields: Sequence[str] = ()


# Of a link: (org, engagement, position, what it leads to), a tag's value, and `PLACES`.
LinkRow = tuple[str | int | None, ...]


async def add_links(tx: Tx, rows: Sequence[Carried], links: Sequence[Related]) -> None:
    """Add what new engagements refer to; `links[i]` are those of `rows[i]`.

    Raises:
        LostRace: an artifact got another parent since it was looked up.
    """
    pairs = list(zip(rows, links, strict=True))
    await add_members(tx, [one for row, link in pairs for one in _places(row, link.members)])
    await add_parents(tx, [one for row, link in pairs for one in _places(row, link.parents)])
    await add_tags(tx, [one for row, link in pairs for one in _tag_places(row, link.tags)])
    await add_artifacts(
        tx,
        [
            (row.org, row.number, i, id_)
            for row, link in pairs
            for i, id_ in enumerate(link.artifacts)
        ],
    )
    await terms.add(
        tx,
        [
            (row.org, ids.ENGAGEMENT.display_id(row.number), _CUSTOM_FIELDS, i, value)
            for row, link in pairs
            for i, value in enumerate(link.custom_fields)
        ],
    )


def _places(row: Carried, values: Sequence[str]) -> list[LinkRow]:
    return [(row.org, row.number, i, value, *row[2:]) for i, value in enumerate(values)]


def _tag_places(row: Carried, tags: Sequence[tuple[str, str | None]]) -> list[LinkRow]:
    return [(row.org, row.number, i, *tag, *row[2:]) for i, tag in enumerate(tags)]


async def add_members(tx: Tx, rows: Sequence[LinkRow]) -> None:
    """Add links to members."""
    if rows:
        await tx.run(
            """
            INSERT INTO engagement_members (org, engagement, position, member,
                                            created_date, modified_date, scheduled_date, title)
            SELECT org, engagement, position, member,
                   created_date, modified_date, scheduled_date, title
            FROM rows(:rows, org text, engagement bigint, position bigint, member text,
                      created_date bigint, modified_date bigint, scheduled_date bigint,
                      title text)
            """,
            rows=rows,
        )


async def add_parents(tx: Tx, rows: Sequence[LinkRow]) -> None:
    """Add links to parents."""
    if rows:
        await tx.run(
            """
            INSERT INTO engagement_parents (org, engagement, position, parent,
                                            created_date, modified_date, scheduled_date, title)
            SELECT org, engagement, position, parent,
                   created_date, modified_date, scheduled_date, title
            FROM rows(:rows, org text, engagement bigint, position bigint, parent text,
                      created_date bigint, modified_date bigint, scheduled_date bigint,
                      title text)
            """,
            rows=rows,
        )


async def add_tags(tx: Tx, rows: Sequence[LinkRow]) -> None:
    """Add tags with their values."""
    if rows:
        await tx.run(
            """
            INSERT INTO engagement_tags (org, engagement, position, tag, value,
                                         created_date, modified_date, scheduled_date, title)
            SELECT org, engagement, position, tag, value,
                   created_date, modified_date, scheduled_date, title
            FROM rows(:rows, org text, engagement bigint, position bigint, tag text, value text,
                      created_date bigint, modified_date bigint, scheduled_date bigint,
                      title text)
            """,
            rows=rows,
        )


async def add_artifacts(tx: Tx, rows: Sequence[tuple[str, int, int, str]]) -> None:
    """Add (org, engagement, position, artifact), and bind each artifact to its engagement for ever.

    Raises:
        LostRace: one of them is bound elsewhere.
    """
    if not rows:
        return
    await artifacts.claim(
        tx, [(org, ids.number_of(id_), ids.ENGAGEMENT.display_id(n)) for org, n, _, id_ in rows]
    )
    await tx.run(
        """
        INSERT INTO engagement_artifacts (org, engagement, position, artifact)
        SELECT org, engagement, position, artifact
        FROM rows(:rows, org text, engagement bigint, position bigint, artifact text)
        """,
        rows=rows,
    )


async def move_links(tx: Tx, row: Carried) -> None:
    """Give an engagement's links its places in lists anew."""
    for table in ("engagement_members", "engagement_parents", "engagement_tags"):
        await tx.run(
            f"UPDATE {table} SET modified_date = :modified_date, "  # noqa: S608  # our own names
            "scheduled_date = :scheduled_date, title = :title "
            "WHERE org = :org AND engagement = :number",
            org=row.org,
            number=row.number,
            modified_date=row.modified_date,
            scheduled_date=row.scheduled_date,
            title=row.title,
        )


async def set_links(tx: Tx, row: Carried, kind: str, values: Sequence[Any]) -> None:
    """Give a live engagement other links of one kind, one of `LINKS`: ids, or (tag, value).
    Artifacts stay bound.

    Raises:
        LostRace: an artifact is bound elsewhere.
    """
    keys = [(row.org, row.number)] if kind in _ADD else []
    async with touches.following(tx, "engagement", keys, row.modified_date):
        await _set_links(tx, row, kind, values)


async def _set_links(tx: Tx, row: Carried, kind: str, values: Sequence[Any]) -> None:
    gone = await tx.all(_REMOVE[kind], org=row.org, number=row.number)
    if kind == "artifacts":
        await add_artifacts(tx, [(row.org, row.number, i, id_) for i, id_ in enumerate(values)])
        return
    if kind == "tags":
        await add_tags(tx, _tag_places(row, values))
    else:
        await _ADD[kind](tx, _places(row, values))
    changes = Counter([tag for tag, _ in values] if kind == "tags" else values)
    changes.subtract(value for (value,) in gone)
    # The sums go by the names of filters.
    field = f"engagements.{'parent' if kind == 'parents' else kind}"
    await counts.add(tx, {(row.org, field, value): change for value, change in changes.items()})


_REMOVE = {
    "members": "DELETE FROM engagement_members WHERE org = :org AND engagement = :number "
    "RETURNING member",
    "parents": "DELETE FROM engagement_parents WHERE org = :org AND engagement = :number "
    "RETURNING parent",
    "tags": "DELETE FROM engagement_tags WHERE org = :org AND engagement = :number RETURNING tag",
    "artifacts": "DELETE FROM engagement_artifacts WHERE org = :org AND engagement = :number "
    "RETURNING artifact",
}
_ADD = {"members": add_members, "parents": add_parents}


async def set_custom_fields(tx: Tx, org: str, number: int, values: Sequence[str]) -> None:
    """Let an engagement be found by other custom fields, given as terms."""
    await terms.put(tx, org, ids.ENGAGEMENT.display_id(number), {_CUSTOM_FIELDS: values})


async def links_of(tx: Tx, org: str, number: int) -> Related:
    """What an engagement refers to."""
    rows = await tx.all(
        """
        SELECT 'members', position, member, NULL FROM engagement_members
        WHERE org = :org AND engagement = :number UNION ALL
        SELECT 'parents', position, parent, NULL FROM engagement_parents
        WHERE org = :org AND engagement = :number UNION ALL
        SELECT 'tags', position, tag, value FROM engagement_tags
        WHERE org = :org AND engagement = :number UNION ALL
        SELECT 'artifacts', position, artifact, NULL FROM engagement_artifacts
        WHERE org = :org AND engagement = :number
        """,
        org=org,
        number=number,
    )
    found: dict[str, list[Any]] = {kind: [] for kind in LINKS}
    for kind, _, id_, value in sorted(rows, key=lambda row: row[1]):
        found[kind].append((id_, value) if kind == "tags" else id_)
    return Related(**found)


async def hold_tagged(tx: Tx, org: str, tag: str) -> None:
    """Hold every engagement that has a tag, deleted ones too."""
    await tx.one(
        """
        SELECT max(held.number) FROM (
            SELECT e.number FROM engagements e WHERE e.org = :org AND e.number IN (
                SELECT engagement FROM engagement_tags WHERE org = :org AND tag = :tag
            ) ORDER BY e.number FOR UPDATE) held
        """,
        org=org,
        tag=tag,
    )


class Tagged(NamedTuple):
    """An engagement that has a tag, and its place among those."""

    created_date: int
    number: int
    document: str


async def with_tag(tx: Tx, org: str, tag: str, after: Tagged | None, limit: int) -> list[Tagged]:
    """Live engagements that have a tag, by creation from beyond `after`."""
    rows = await tx.all(
        """
        SELECT l.created_date, e.number, e.document FROM engagement_tags l
        JOIN engagements e ON e.org = l.org AND e.number = l.engagement
        AND e.deleted_date IS NULL
        WHERE l.org = :org AND l.tag = :tag
        AND (l.created_date, l.engagement) > (:created_date, :number)
        ORDER BY l.created_date, l.engagement LIMIT :most
        """,
        org=org,
        tag=tag,
        created_date=after.created_date if after else -(2**63),
        number=after.number if after else 0,
        most=limit,
    )
    return [Tagged(*row) for row in rows]


async def remove_tag(tx: Tx, org: str, tag: str) -> None:
    """Take a tag off every live engagement; their documents are the caller's to write. Deleted ones
    keep it, to say what they miss when they are restored.
    """
    await tx.run(
        """
        DELETE FROM engagement_tags WHERE org = :org AND tag = :tag AND engagement IN (
            SELECT e.number FROM engagement_tags l
            JOIN engagements e ON e.org = l.org AND e.number = l.engagement
            AND e.deleted_date IS NULL
            WHERE l.org = :org AND l.tag = :tag)
        """,
        org=org,
        tag=tag,
    )
    await counts.forget(tx, org, "engagements.tags", tag)
