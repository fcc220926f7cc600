"""Whether a store's rows agree with one another: each question is a statement that finds those that
don't, named for people. All of it is read in a transaction.
"""

from collections.abc import AsyncIterator

import msgspec

from rapport.contract.kit import ids
from rapport.store import derived, dev_orgs
from rapport.store import touches as touches_
from rapport.store.events import EVENT
from rapport.store.kit import contents, copy
from rapport.store.kit.db import Bulk, StoredTable
from rapport.store.schedules import BACKUP, Course

# (table, its column, the table that owns its rows, that one's column)
_OWNED = (
    ("engagement_members", "engagement", "engagements", "number"),
    ("engagement_parents", "engagement", "engagements", "number"),
    ("engagement_tags", "engagement", "engagements", "number"),
    ("engagement_artifacts", "engagement", "engagements", "number"),
    ("artifact_versions", "artifact", "artifacts", "number"),
    ("rev_orgs", "account", "accounts", "number"),
    ("opportunities", "account", "accounts", "number"),
)
# What an engagement that was not deleted refers to, as display ids.
_REFERRED = (
    ("engagement_members", "member", "SELECT org, display_id FROM users"),
    ("engagement_tags", "tag", "SELECT org, 'TAG-' || CAST(number AS TEXT) FROM tags"),
    (
        "engagement_artifacts",
        "artifact",
        "SELECT org, 'ARTIFACT-' || CAST(number AS TEXT) FROM artifacts",
    ),
)
# Whose numbers are given out by which counter.
_NUMBERED = {
    "accounts": ids.ACCOUNT,
    "artifacts": ids.ARTIFACT,
    "comments": ids.COMMENT,
    "engagements": ids.ENGAGEMENT,
    "events": EVENT,
    "links": ids.LINK,
    "meetings": ids.MEETING,
    "opportunities": ids.OPPORTUNITY,
    "rev_orgs": ids.REV_ORG,
    "tags": ids.TAG,
    "tokens": ids.AUTH_TOKEN,
    "webhooks": ids.WEBHOOK,
    "webhook_deliveries": ids.WEBHOOK_DELIVERY,
}
# What links may join, but users, whose rows have their display ids.
_LINKED = {
    "accounts": ids.ACCOUNT,
    "artifacts": ids.ARTIFACT,
    "engagements": ids.ENGAGEMENT,
    "meetings": ids.MEETING,
    "opportunities": ids.OPPORTUNITY,
    "rev_orgs": ids.REV_ORG,
    "tags": ids.TAG,
}
# What an engagement's document says too, by the names of its row.
_SAID_TWICE = ("title", "engagement_type")


async def documents(bulk: Bulk) -> list[str]:
    """Objects whose document is no JSON object, or says something else than their row."""
    return [
        f"{table.name} {named}"
        for table in await copy.stored_tables(bulk)
        if "document" in table.columns and table.name not in {"events", "webhook_deliveries"}
        async for named in _undocumented(bulk, table)
    ]


async def _undocumented(bulk: Bulk, table: StoredTable) -> AsyncIterator[str]:
    async for rows in contents.pages(bulk, table):
        for values in rows:
            row = dict(zip(table.columns, values, strict=True))
            if not _agrees(row, _SAID_TWICE if table.name == "engagements" else ()):
                yield "/".join(str(row[column]) for column in table.key)


def _agrees(row: dict[str, object], names: tuple[str, ...]) -> bool:
    try:
        document = msgspec.json.decode(str(row["document"]), type=dict[str, object])
    except msgspec.DecodeError:
        return False
    return all(document.get(name) == row[name] for name in names)


async def references(bulk: Bulk) -> list[str]:
    """Rows of something that is not there, and what refers to it."""
    lost = []
    for table, column, owners, key in _OWNED:
        for org, number in await bulk.all(
            f"SELECT DISTINCT org, {column} FROM {table} "  # noqa: S608  # names from above
            f"WHERE (org, {column}) NOT IN (SELECT org, {key} FROM {owners})"
        ):
            lost.append(f"{table} {org}/{number}")
    for table, column, there in _REFERRED:
        for org, number, name in await bulk.all(
            f"SELECT l.org, l.engagement, l.{column} FROM {table} l "  # noqa: S608  # the same
            "JOIN engagements e ON e.org = l.org AND e.number = l.engagement "
            f"WHERE e.deleted_date IS NULL AND (l.org, l.{column}) NOT IN ({there})"
        ):
            lost.append(f"{table} {org}/{number}: {name}")
    return lost


async def places(bulk: Bulk) -> list[str]:
    """Links that stand elsewhere in lists than the engagement that they are of."""
    return [
        f"{table} {org}/{number}"
        for table in ("engagement_members", "engagement_parents", "engagement_tags")
        for org, number in await bulk.all(
            f"SELECT DISTINCT l.org, l.engagement FROM {table} l "  # noqa: S608  # the same
            "JOIN engagements e ON e.org = l.org AND e.number = l.engagement "
            "WHERE e.deleted_date IS NULL AND (l.created_date, l.modified_date, l.scheduled_date, "
            "l.title) <> (e.created_date, e.modified_date, e.scheduled_date, e.title)"
        )
    ]


async def links(bulk: Bulk) -> list[str]:
    """Links whose one or other end is not there, or was deleted; and links of something deleted
    that was not.
    """
    lost = []
    for table, column, there in (
        ("links", "source", _objects(deleted=False)),
        ("links", "target", _objects(deleted=False)),
        ("deleted_links", "holder", _objects(deleted=True)),
    ):
        for org, number, name in await bulk.all(
            f"SELECT org, number, {column} FROM {table} "  # noqa: S608  # the same
            f"WHERE (org, {column}) NOT IN ({there})"
        ):
            lost.append(f"{table} {org}/{number}: {name}")
    return lost


def _objects(*, deleted: bool) -> str:
    """The statement that has org and display id of all that links may join, or of what of it was
    deleted.
    """
    is_there = f"WHERE deleted_date IS {'NOT ' if deleted else ''}NULL"
    can_be = ("engagements", "meetings")
    asked = [
        f"SELECT org, '{kind.display_id('')}' || CAST(number AS TEXT) FROM {table} "  # noqa: S608  # the same
        f"{is_there if table in can_be else ''}"
        for table, kind in _LINKED.items()
        if table in can_be or not deleted
    ]
    return " UNION ALL ".join(asked + ([] if deleted else ["SELECT org, display_id FROM users"]))


async def newest(bulk: Bulk) -> int:
    """When the last event was, in microseconds since 1970; 0 where there is none."""
    [(date,)] = await bulk.all("SELECT COALESCE(max(date), 0) FROM events")
    return int(date)


async def backups(bulk: Bulk) -> Course:
    """How the server's own backups have gone."""
    rows = await bulk.all(
        "SELECT succeeded, failed, problem FROM schedules WHERE name = :name", name=BACKUP
    )
    return Course(*rows[0]) if rows else Course()


async def orgs(bulk: Bulk) -> list[str]:
    """Tables with rows of an org that is not there."""
    return [
        f"{table} {org}"
        for table in dev_orgs.TABLES
        # Files of an org that was deleted are removed after it.
        if table != "loose_blobs"
        for (org,) in await bulk.all(
            f"SELECT DISTINCT org FROM {table} WHERE org NOT IN (SELECT org FROM orgs)"  # noqa: S608  # the same
        )
    ]


async def counters(bulk: Bulk) -> list[str]:
    """Counters that would give out a number again, each with the highest that there is."""
    behind = []
    for table, kind in _NUMBERED.items():
        column = "seq" if table == "events" else "number"
        for org, highest in await bulk.all(
            f"SELECT t.org, max(t.{column}) FROM {table} t GROUP BY t.org "  # noqa: S608  # the same
            f"HAVING max(t.{column}) > COALESCE((SELECT c.last FROM counters c "
            "WHERE c.org = t.org AND c.kind = :kind), 0)",
            kind=kind.name,
        ):
            behind.append(f"{kind.name} {org}/{highest}")
    return behind


async def touches(bulk: Bulk) -> list[str]:
    """Touches of accounts, and what is kept of these, that are not what there is."""
    return await touches_.wrong(bulk)


async def sums(bulk: Bulk) -> list[str]:
    """Sums that are not what there is."""
    wrong = await derived.miscounted(bulk)
    return [
        f"{field} {org}{f'/{value}' if value else ''}: {kept} instead of {real}"
        for (org, field, value), (kept, real) in sorted(wrong.items())
    ]
