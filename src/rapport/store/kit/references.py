"""Looking up what requests refer to: every reference of a batch in one statement."""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from rapport.contract.kit import ids
from rapport.store.kit.db import Tx

# (org, display id)
ReferenceKey = tuple[str, str]


class Found(NamedTuple):
    """What a reference leads to.

    Args:
        allowed_values: of a tag that has some.
        parent: of an artifact that has one, as a display id.
        is_uploaded: of an artifact.
    """

    allowed_values: list[str] | None = None
    parent: str | None = None
    is_uploaded: bool = False


async def resolve(tx: Tx, wanted: Iterable[ReferenceKey]) -> dict[ReferenceKey, Found]:
    """Look up display ids; those that name nothing live are left out. What a write finds stays
    until its end.
    """
    tables = ("users", "accounts", "opportunities", "rev_orgs", "meetings", "tags", "artifacts")
    by_table: dict[str, list[tuple[str, str, int]]] = {table: [] for table in tables}
    for org, display_id in sorted(wanted):
        kind = ids.kind_of(display_id)
        table = _TABLES.get(kind, "users")
        by_table[table].append((org, display_id, ids.number_of(display_id)))
    rows = await tx.all(_RESOLVE, **by_table)
    return {
        (org, display_id): Found(
            allowed_values=msgspec.json.decode(allowed, type=list[str]) if allowed else None,
            parent=parent,
            is_uploaded=bool(uploaded),
        )
        for org, display_id, allowed, parent, uploaded in rows
    }


_TABLES = {
    ids.ACCOUNT: "accounts",
    ids.OPPORTUNITY: "opportunities",
    ids.REV_ORG: "rev_orgs",
    ids.MEETING: "meetings",
    ids.TAG: "tags",
    ids.ARTIFACT: "artifacts",
}
# The rows are held against deletion until the transaction ends, so that a reference to them can be
# written. Each table's are held in the order of their ids, and the tables in this order, so that no
# two writers wait for each other.
_RESOLVE = """
    WITH u AS (
        SELECT r.org, r.display_id FROM rows(:users, org text, display_id text, number bigint) r
        JOIN users t ON t.org = r.org AND t.display_id = r.display_id AND t.state <> 'deleted'
        ORDER BY r.org, r.display_id FOR KEY SHARE OF t
    ), a AS (
        SELECT r.org, r.display_id FROM rows(:accounts, org text, display_id text, number bigint) r
        JOIN accounts t ON t.org = r.org AND t.number = r.number
        ORDER BY r.org, r.number FOR KEY SHARE OF t
    ), o AS (
        SELECT r.org, r.display_id FROM rows(:opportunities, org text, display_id text,
                                             number bigint) r
        JOIN opportunities t ON t.org = r.org AND t.number = r.number
        ORDER BY r.org, r.number FOR KEY SHARE OF t
    ), v AS (
        SELECT r.org, r.display_id FROM rows(:rev_orgs, org text, display_id text, number bigint) r
        JOIN rev_orgs t ON t.org = r.org AND t.number = r.number
        ORDER BY r.org, r.number FOR KEY SHARE OF t
    ), m AS (
        SELECT r.org, r.display_id FROM rows(:meetings, org text, display_id text, number bigint) r
        JOIN meetings t ON t.org = r.org AND t.number = r.number AND t.deleted_date IS NULL
        ORDER BY r.org, r.number FOR KEY SHARE OF t
    ), g AS (
        SELECT r.org, r.display_id, t.allowed_values FROM rows(:tags, org text, display_id text,
                                                               number bigint) r
        JOIN tags t ON t.org = r.org AND t.number = r.number
        ORDER BY r.org, r.number FOR KEY SHARE OF t
    ), f AS (
        SELECT r.org, r.display_id, t.parent, t.uploaded_date
        FROM rows(:artifacts, org text, display_id text, number bigint) r
        JOIN artifacts t ON t.org = r.org AND t.number = r.number
        ORDER BY r.org, r.number FOR KEY SHARE OF t
    )
    SELECT org, display_id, CAST(NULL AS TEXT), CAST(NULL AS TEXT), CAST(NULL AS BIGINT) FROM u
    UNION ALL SELECT org, display_id, NULL, NULL, NULL FROM a
    UNION ALL SELECT org, display_id, NULL, NULL, NULL FROM o
    UNION ALL SELECT org, display_id, NULL, NULL, NULL FROM v
    UNION ALL SELECT org, display_id, NULL, NULL, NULL FROM m
    UNION ALL SELECT org, display_id, allowed_values, NULL, NULL FROM g
    UNION ALL SELECT org, display_id, NULL, parent, uploaded_date FROM f
"""
