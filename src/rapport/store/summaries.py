"""Objects as they stand inside other objects: one query per kind, whatever the page size."""

from collections.abc import Iterable, Sequence

import msgspec

from rapport.contract import ids, works
from rapport.contract.accounts import AccountSummary
from rapport.contract.fields import UNSET
from rapport.contract.tags import TagStyleSummary, TagSummary
from rapport.contract.users import (
    ArtifactFile,
    ArtifactSummary,
    DevUserSummary,
    RevOrgSummary,
    RevUserSummary,
    ServiceAccountSummary,
    SysUserSummary,
    UserSummary,
)
from rapport.store.db import Row, Tx

# (org, display id)
Key = tuple[str, str]
_USERS = """
    SELECT u.org, u.display_id, u.kind, u.number, u.display_name, u.full_name, u.email, u.state, u.external_ref,
           u.rev_org, v.display_name
    FROM rows(:wanted, org text, display_id text) r
    JOIN users u ON u.org = r.org AND u.display_id = r.display_id
    LEFT JOIN rev_orgs v ON v.org = u.org AND 'REV-' || v.number = u.rev_org
"""


async def users(tx: Tx, wanted: Iterable[Key]) -> dict[Key, UserSummary]:
    """Users of any kind."""
    rows = await tx.all(_USERS, wanted=sorted(set(wanted)))
    return {(row[0], row[1]): _user(row) for row in rows}


def _user(row: Row) -> UserSummary:
    org, display_id, kind, number, display_name, full_name, email, state, external_ref, rev_org, rev_org_name = row
    common = {
        "display_id": display_id,
        "id": ids.don(ids.kind_of(display_id), org, number),
        "display_name": display_name or UNSET,
        "email": email or UNSET,
        "full_name": full_name or UNSET,
        "state": state,
    }
    if kind == ids.DEV_USER.name:
        return DevUserSummary(**common)
    if kind == ids.SERVICE_ACCOUNT.name:
        return ServiceAccountSummary(**common)
    if kind == ids.SYS_USER.name:
        return SysUserSummary(**common)
    workspace = (
        RevOrgSummary(display_id=rev_org, id=ids.don_of(rev_org, org), display_name=rev_org_name or UNSET)
        if rev_org
        else UNSET
    )
    return RevUserSummary(**common, external_ref=external_ref or UNSET, rev_org=workspace)


async def accounts(tx: Tx, org: str, numbers: Iterable[int]) -> dict[str, AccountSummary]:
    """Accounts by display id."""
    rows = await tx.all(
        """
        SELECT a.number, a.display_name FROM rows(:numbers, number bigint) r
        JOIN accounts a ON a.org = :org AND a.number = r.number
        """,
        org=org,
        numbers=[(number,) for number in sorted(set(numbers))],
    )
    return {
        f"ACC-{number}": AccountSummary(
            display_id=f"ACC-{number}", id=ids.don(ids.ACCOUNT, org, number), display_name=name
        )
        for number, name in rows
    }


async def opportunities(tx: Tx, org: str, numbers: Iterable[int]) -> dict[str, works.OpportunitySummary]:
    """Opportunities by display id, with their accounts and owners."""
    rows = await tx.all(
        """
        SELECT o.number, o.title, o.account, o.document FROM rows(:numbers, number bigint) r
        JOIN opportunities o ON o.org = :org AND o.number = r.number
        """,
        org=org,
        numbers=[(number,) for number in sorted(set(numbers))],
    )
    kept = {number: msgspec.json.decode(document, type=OpportunityDocument) for number, _, _, document in rows}
    people = await users(tx, {(org, owner) for document in kept.values() for owner in document.owned_by})
    customers = await accounts(tx, org, [account for _, _, account, _ in rows])
    return {
        f"OPP-{number}": works.OpportunitySummary(
            display_id=f"OPP-{number}",
            id=ids.don(ids.OPPORTUNITY, org, number),
            account=customers.get(f"ACC-{account}", UNSET),
            owned_by=[people[org, owner] for owner in kept[number].owned_by if (org, owner) in people],
            stage=works.Stage(name=kept[number].stage),
            title=title,
        )
        for number, title, account, _ in rows
    }


class OpportunityDocument(msgspec.Struct, omit_defaults=True, kw_only=True):
    """What an opportunity's row keeps beside its columns; references are display ids."""

    owned_by: list[str] = []
    reported_by: list[str] = []
    contacts: list[str] = []
    tags: list[tuple[str, str | None]] = []
    stage: str = "qualification"
    part: str = ""
    body: str | None = None
    custom_fields: dict[str, object] | None = None
    value: dict[str, str] | None = None
    annual_contract_value: dict[str, str] | None = None


async def tags(tx: Tx, org: str, display_ids: Sequence[str]) -> dict[str, TagSummary]:
    """Tags by display id."""
    numbers = sorted({int(display_id.rpartition("-")[2]) for display_id in display_ids})
    rows = await tx.all(
        """
        SELECT t.number, t.name, t.document FROM rows(:numbers, number bigint) r
        JOIN tags t ON t.org = :org AND t.number = r.number
        """,
        org=org,
        numbers=[(number,) for number in numbers],
    )
    found = {}
    for number, name, document in rows:
        color = msgspec.json.decode(document).get("color")
        found[f"TAG-{number}"] = TagSummary(
            display_id=f"TAG-{number}",
            id=ids.don(ids.TAG, org, number),
            name=name,
            style_new=TagStyleSummary(color=color) if color else UNSET,
        )
    return found


async def artifacts(tx: Tx, org: str, numbers: Iterable[int]) -> dict[str, ArtifactSummary]:
    """Artifacts by display id."""
    rows = await tx.all(
        """
        SELECT f.number, f.file_name, f.file_type, f.size FROM rows(:numbers, number bigint) r
        JOIN artifacts f ON f.org = :org AND f.number = r.number
        """,
        org=org,
        numbers=[(number,) for number in sorted(set(numbers))],
    )
    return {
        f"ARTIFACT-{number}": ArtifactSummary(
            display_id=f"ARTIFACT-{number}",
            id=ids.don(ids.ARTIFACT, org, number),
            file=ArtifactFile(name=name, type=file_type or UNSET, size=UNSET if size is None else size),
        )
        for number, name, file_type, size in rows
    }
