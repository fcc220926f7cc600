"""Looking up what requests refer to: every reference of a batch in one statement."""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from rapport.contract import ids
from rapport.store.db import Tx

# (org, display id)
Key = tuple[str, str]


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


async def resolve(tx: Tx, wanted: Iterable[Key]) -> dict[Key, Found]:
    """Look up display ids; those that name nothing live are left out."""
    by_table: dict[str, list[tuple[str, str, int]]] = {"users": [], "accounts": [], "opportunities": [], "rev_orgs": [],
                                                       "tags": [], "artifacts": []}  # fmt: skip
    for org, display_id in sorted(wanted):
        kind = ids.kind_of(display_id)
        table = _TABLES.get(kind, "users")
        by_table[table].append((org, display_id, int(display_id.rpartition("-")[2])))
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
    ids.TAG: "tags",
    ids.ARTIFACT: "artifacts",
}
_RESOLVE = """
    SELECT r.org, r.display_id, NULL AS allowed_values, NULL AS parent, NULL AS uploaded_date
    FROM rows(:users, org text, display_id text, number bigint) r
    JOIN users u ON u.org = r.org AND u.display_id = r.display_id AND u.state <> 'deleted'
    UNION ALL
    SELECT r.org, r.display_id, NULL, NULL, NULL
    FROM rows(:accounts, org text, display_id text, number bigint) r
    JOIN accounts a ON a.org = r.org AND a.number = r.number
    UNION ALL
    SELECT r.org, r.display_id, NULL, NULL, NULL
    FROM rows(:opportunities, org text, display_id text, number bigint) r
    JOIN opportunities o ON o.org = r.org AND o.number = r.number
    UNION ALL
    SELECT r.org, r.display_id, NULL, NULL, NULL
    FROM rows(:rev_orgs, org text, display_id text, number bigint) r
    JOIN rev_orgs v ON v.org = r.org AND v.number = r.number
    UNION ALL
    SELECT r.org, r.display_id, t.allowed_values, NULL, NULL
    FROM rows(:tags, org text, display_id text, number bigint) r
    JOIN tags t ON t.org = r.org AND t.number = r.number
    UNION ALL
    SELECT r.org, r.display_id, NULL, f.parent, f.uploaded_date
    FROM rows(:artifacts, org text, display_id text, number bigint) r
    JOIN artifacts f ON f.org = r.org AND f.number = r.number
"""
