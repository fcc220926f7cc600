"""Objects as they stand inside other objects: one query per kind, whatever the page size."""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TypeVar

import msgspec

from rapport.clock import format_rfc3339
from rapport.contract import works
from rapport.contract.kit import ids
from rapport.contract.kit.fields import UNSET
from rapport.contract.meetings import MeetingSummary
from rapport.contract.search import FoundEngagement
from rapport.contract.tags import TagStyleSummary, TagSummary
from rapport.contract.users import (
    AccountSummary,
    ArtifactFile,
    ArtifactSummary,
    DevUserSummary,
    RevOrgSummary,
    RevUserSummary,
    ServiceAccountSummary,
    SysUserSummary,
    UserSummary,
)
from rapport.store.kit.db import NO_DATE, Row, Tx
from rapport.store.works import OpportunityDocument, stage

S = TypeVar("S", AccountSummary, RevOrgSummary)
# (org, display id)
UserKey = tuple[str, str]
_USERS = """
    SELECT u.org, u.display_id, u.kind, u.number, u.display_name, u.full_name, u.email, u.state,
    u.external_ref,
           u.rev_org, v.display_name, f.number, f.file_name, f.file_type, f.size
    FROM rows(:wanted, org text, display_id text) r
    JOIN users u ON u.org = r.org AND u.display_id = r.display_id
    AND (u.state <> 'deleted' OR u.erased_date IS NOT NULL)
    LEFT JOIN rev_orgs v ON v.org = u.org AND v.number = CAST(substr(u.rev_org, 5) AS BIGINT)
    LEFT JOIN artifacts f ON f.org = u.org AND f.number = u.display_picture
"""


async def users(tx: Tx, wanted: Iterable[UserKey]) -> dict[UserKey, UserSummary]:
    """Users of any kind that are not deleted; erased ones as that."""
    rows = await tx.all(_USERS, wanted=sorted(set(wanted)))
    return {(row[0], row[1]): _user(row) for row in rows}


def _user(row: Row) -> UserSummary:
    (
        org,
        display_id,
        kind,
        number,
        display_name,
        full_name,
        email,
        state,
        external_ref,
        rev_org,
        rev_org_name,
    ) = row[:11]
    common = {
        "display_id": display_id,
        "id": ids.don(ids.kind_of(display_id), org, number),
        "display_name": display_name or UNSET,
        "display_picture": UNSET if row[11] is None else _artifact(org, *row[11:]),
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
        RevOrgSummary(
            display_id=rev_org, id=ids.don_of(rev_org, org), display_name=rev_org_name or UNSET
        )
        if rev_org
        else UNSET
    )
    return RevUserSummary(**common, external_ref=external_ref or UNSET, rev_org=workspace)


async def accounts(tx: Tx, org: str, numbers: Iterable[int]) -> dict[str, AccountSummary]:
    """Accounts by display id."""
    return await _named(tx, ids.ACCOUNT, AccountSummary, org, numbers)


async def rev_orgs(tx: Tx, org: str, numbers: Iterable[int]) -> dict[str, RevOrgSummary]:
    """Rev orgs by display id."""
    return await _named(tx, ids.REV_ORG, RevOrgSummary, org, numbers)


_NAMED = {ids.ACCOUNT: "accounts", ids.REV_ORG: "rev_orgs"}


async def _named(
    tx: Tx, kind: ids.Kind, summary: Callable[..., S], org: str, numbers: Iterable[int]
) -> dict[str, S]:
    """What is shown by its ids and its name alone."""
    rows = await tx.all(
        f"""
        SELECT x.number, x.display_name FROM {_NAMED[kind]} x
        WHERE x.org = :org AND x.number IN (SELECT number FROM rows(:numbers, number bigint))
        """,  # noqa: S608  # our own names of tables
        org=org,
        numbers=[(number,) for number in sorted(set(numbers))],
    )
    found = {}
    for number, name in rows:
        own = kind.display_id(number)
        found[own] = summary(display_id=own, id=ids.don(kind, org, number), display_name=name)
    return found


async def meetings(tx: Tx, org: str, numbers: Iterable[int]) -> dict[str, MeetingSummary]:
    """Live meetings by display id."""
    rows = await tx.all(
        """
        SELECT x.number, x.title FROM meetings x
        WHERE x.org = :org AND x.number IN (SELECT number FROM rows(:numbers, number bigint))
        AND x.deleted_date IS NULL
        """,
        org=org,
        numbers=[(number,) for number in sorted(set(numbers))],
    )
    found = {}
    for number, title in rows:
        own = ids.MEETING.display_id(number)
        found[own] = MeetingSummary(
            display_id=own, id=ids.don(ids.MEETING, org, number), title=title
        )
    return found


async def opportunities(
    tx: Tx, org: str, numbers: Iterable[int]
) -> dict[str, works.OpportunitySummary]:
    """Opportunities by display id, with their accounts and owners."""
    rows = await tx.all(
        """
        SELECT o.number, o.title, o.account, o.document FROM opportunities o
        WHERE o.org = :org AND o.number IN (SELECT number FROM rows(:numbers, number bigint))
        """,
        org=org,
        numbers=[(number,) for number in sorted(set(numbers))],
    )
    kept = {
        number: msgspec.json.decode(document, type=OpportunityDocument)
        for number, _, _, document in rows
    }
    people = await users(
        tx, {(org, owner) for document in kept.values() for owner in document.owned_by}
    )
    customers = await accounts(tx, org, [account for _, _, account, _ in rows])
    return {
        ids.OPPORTUNITY.display_id(number): works.OpportunitySummary(
            display_id=ids.OPPORTUNITY.display_id(number),
            id=ids.don(ids.OPPORTUNITY, org, number),
            account=customers.get(ids.ACCOUNT.display_id(account), UNSET),
            owned_by=[
                people[org, owner] for owner in kept[number].owned_by if (org, owner) in people
            ],
            stage=stage(kept[number]),
            title=title,
        )
        for number, title, account, _ in rows
    }


async def parents(
    tx: Tx, org: str, display_ids: Collection[str]
) -> dict[str, AccountSummary | works.OpportunitySummary]:
    """Accounts and opportunities by display id; a kind that is not among them costs no query."""
    found: dict[str, AccountSummary | works.OpportunitySummary] = {}
    if numbers := ids.numbers_of(ids.ACCOUNT, display_ids):
        found |= await accounts(tx, org, numbers)
    if numbers := ids.numbers_of(ids.OPPORTUNITY, display_ids):
        found |= await opportunities(tx, org, numbers)
    return found


async def engagements(tx: Tx, org: str, numbers: Iterable[int]) -> dict[str, FoundEngagement]:
    """Live engagements by display id."""
    rows = await tx.all(
        """
        SELECT e.number, e.title, e.engagement_type, e.scheduled_date FROM engagements e
        WHERE e.org = :org AND e.deleted_date IS NULL
        AND e.number IN (SELECT number FROM rows(:numbers, number bigint))
        """,
        org=org,
        numbers=[(number,) for number in sorted(set(numbers))],
    )
    return {
        ids.ENGAGEMENT.display_id(number): FoundEngagement(
            display_id=ids.ENGAGEMENT.display_id(number),
            id=ids.don(ids.ENGAGEMENT, org, number),
            engagement_type=kind,
            scheduled_date=UNSET if date == NO_DATE else format_rfc3339(date),
            title=title,
        )
        for number, title, kind, date in rows
    }


async def tags(tx: Tx, org: str, display_ids: Sequence[str]) -> dict[str, TagSummary]:
    """Tags by display id."""
    numbers = sorted({ids.number_of(display_id) for display_id in display_ids})
    rows = await tx.all(
        """
        SELECT t.number, t.name, t.document FROM tags t
        WHERE t.org = :org AND t.number IN (SELECT number FROM rows(:numbers, number bigint))
        """,
        org=org,
        numbers=[(number,) for number in numbers],
    )
    found = {}
    for number, name, document in rows:
        color = msgspec.json.decode(document).get("color")
        found[ids.TAG.display_id(number)] = TagSummary(
            display_id=ids.TAG.display_id(number),
            id=ids.don(ids.TAG, org, number),
            name=name,
            style_new=TagStyleSummary(color=color) if color else UNSET,
        )
    return found


async def artifacts(tx: Tx, org: str, numbers: Iterable[int]) -> dict[str, ArtifactSummary]:
    """Artifacts by display id."""
    rows = await tx.all(
        """
        SELECT f.number, f.file_name, f.file_type, f.size FROM artifacts f
        WHERE f.org = :org AND f.number IN (SELECT number FROM rows(:numbers, number bigint))
        """,
        org=org,
        numbers=[(number,) for number in sorted(set(numbers))],
    )
    return {
        ids.ARTIFACT.display_id(number): _artifact(org, number, name, file_type, size)
        for number, name, file_type, size in rows
    }


def _artifact(
    org: str, number: int, name: str, file_type: str | None, size: int | None
) -> ArtifactSummary:
    return ArtifactSummary(
        display_id=ids.ARTIFACT.display_id(number),
        id=ids.don(ids.ARTIFACT, org, number),
        file=ArtifactFile(name=name, type=file_type or UNSET, size=UNSET if size is None else size),
    )
