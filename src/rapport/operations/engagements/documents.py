"""What an engagement is answered as, and what is kept of it for that."""

from collections.abc import Sequence
from typing import Any

import msgspec

from rapport.clock import format_rfc3339
from rapport.contract import engagements as contract
from rapport.contract.kit import ids
from rapport.contract.kit.errors import ValueNotPermitted
from rapport.contract.kit.fields import UNSET, Raw, UnsetType, wire_value
from rapport.operations.kit.expansion import expanded
from rapport.operations.kit.refusals import quoted
from rapport.operations.kit.showing import shows
from rapport.store import engagements as store
from rapport.store import summaries
from rapport.store.engagement_links import Related
from rapport.store.engagements import EngagementRow, Stored
from rapport.store.kit import query
from rapport.store.kit.db import Tx

# The hook writes what a request was read into: a URL has a type of its own.
encode = msgspec.json.Encoder(enc_hook=wire_value).encode


class Document(msgspec.Struct, omit_defaults=True, kw_only=True):
    """What the store keeps of an engagement for its answer; users' summaries join it when it is
    answered.
    """

    artifacts: list[str] = []
    created_date: str
    custom_fields: dict[str, Raw] | None = None
    description: str | None = None
    display_id: str
    engagement_type: str
    external_ref: str | None = None
    external_url: str | None = None
    id: str
    members: list[str]
    modified_date: str
    parent: str | None = None
    parents: list[str] = []
    scheduled_date: str | None = None
    tag_values: dict[str, str] = {}
    tags: list[str] = []
    title: str


decode = msgspec.json.Decoder(Document).decode


def link_fields(org: str, links: Related) -> dict[str, Any]:
    """The document's fields for an engagement's links."""
    parents = [ids.don_of(parent, org) for parent in links.parents]
    return {
        "members": [ids.don_of(member, org) for member in links.members],
        "parent": parents[0] if parents else None,
        "parents": parents,
        "tags": [ids.don_of(tag, org) for tag, _ in links.tags],
        "tag_values": {
            ids.don_of(tag, org): value for tag, value in links.tags if value is not None
        },
        "artifacts": [ids.don_of(artifact, org) for artifact in links.artifacts],
    }


LINK_FIELDS = {
    "members": ("members",),
    "parents": ("parent", "parents"),
    "tags": ("tags", "tag_values"),
    "artifacts": ("artifacts",),
}


def kept_of(row: EngagementRow) -> Stored:
    """A row that was written or locked, as it is read for an answer."""
    return Stored(row.number, row.created_by, row.modified_by, row.document)


@shows(ids.ENGAGEMENT)
async def show(tx: Tx, org: str, numbers_: Sequence[int]) -> dict[str, Raw]:
    """Engagements by display id."""
    kept = await query.numbered(tx, store.live(org), numbers_)
    shown = await answers(tx, org, kept)
    return {
        ids.ENGAGEMENT.display_id(row.number): answer
        for row, answer in zip(kept, shown, strict=True)
    }


async def answers(
    tx: Tx,
    org: str,
    kept: Sequence[Stored],
    expand: Sequence[contract.Expansion] | UnsetType = UNSET,
) -> list[Raw]:
    """Engagements as they are answered."""
    people = await summaries.users(
        tx,
        {
            (org, user)
            for row in kept
            for user in (row.created_by, row.modified_by, row.deleted_by)
            if user
        },
    )
    documents = [with_users(org, row, people) for row in kept]
    if expand:
        documents = await expanded(tx, org, documents, expand)
    return [Raw(document) for document in documents]


def with_users(org: str, kept: Stored, people: dict[summaries.UserKey, Any]) -> bytes:
    """The document with its users' summaries put in."""
    who = {
        "created_by": people.get((org, kept.created_by)),
        "modified_by": people.get((org, kept.modified_by)),
    }
    if kept.deleted_by:
        who["deleted_by"] = people.get((org, kept.deleted_by))
    known = b"".join(
        b'"%b":%b,' % (field.encode(), encode(user)) for field, user in who.items() if user
    )
    if kept.deleted_date is not None:
        known += b'"deleted_date":"%b",' % format_rfc3339(kept.deleted_date).encode()
    return b"{%b%b" % (known, kept.document.encode()[1:])


def ref_in_use(org: str, external_ref: str, number: int) -> ValueNotPermitted:
    """The refusal of an external_ref that the engagement of this number has."""
    return ValueNotPermitted(
        f"external_ref: {quoted(external_ref)} is in use by {ids.ENGAGEMENT.display_id(number)}.",
        detail="Update that engagement, or use another external_ref.",
        field_name="external_ref",
        reason="must be unique among the org's engagements",
        existing_id=ids.don(ids.ENGAGEMENT, org, number),
    )
