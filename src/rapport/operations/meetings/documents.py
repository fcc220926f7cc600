"""What a meeting is answered as, and what is kept of it for that."""

from collections.abc import Sequence

import msgspec

from rapport.clock import format_rfc3339
from rapport.contract import meetings as contract
from rapport.contract.kit import ids
from rapport.contract.kit.fields import UNSET, Raw, UnsetType, wire_value
from rapport.operations.kit.atoms import (
    artifact_summaries,
    atom,
    authors,
    find_artifacts,
    tags_with_values,
)
from rapport.operations.kit.optional import or_unset
from rapport.operations.kit.showing import shows
from rapport.store import meetings as store
from rapport.store import summaries
from rapport.store.kit import query, terms
from rapport.store.kit.db import NO_DATE, Tx
from rapport.store.meetings import MeetingRow, Named


class Document(msgspec.Struct, omit_defaults=True, kw_only=True):
    """What a meeting's row keeps beside its columns; references are display ids."""

    artifacts: list[str] = []
    custom_fields: dict[str, Raw] | None = None
    description: str | None = None
    external_url: str | None = None
    members: list[str]
    recording: str | None = None
    recording_url: str | None = None
    tags: list[tuple[str, str | None]] = []
    transcript: str | None = None

    @property
    def attached(self) -> list[str]:
        """All artifacts, whatever they are to the meeting."""
        named = (*self.artifacts, self.recording, self.transcript)
        return list(dict.fromkeys(artifact for artifact in named if artifact is not None))


decode = msgspec.json.Decoder(Document).decode
# The hook writes what a request was read into: a URL has a type of its own.
encode = msgspec.json.Encoder(enc_hook=wire_value).encode
# A request's own texts, which a document keeps under the same names.
TEXTS = ("description", "external_url", "recording_url")


def named_by(document: Document) -> Named:
    """What a meeting with this document is found by."""
    return Named(
        document.members,
        [tag for tag, _ in document.tags],
        terms.of_custom_fields(document.custom_fields),
    )


@shows(ids.MEETING)
async def show(tx: Tx, org: str, numbers_: Sequence[int]) -> dict[str, contract.Meeting]:
    """Meetings by display id."""
    rows = await query.numbered(tx, store.live(org), numbers_)
    return {meeting.display_id: meeting for meeting in await answers(tx, rows)}


async def answers(tx: Tx, rows: Sequence[MeetingRow]) -> list[contract.Meeting]:
    """Meetings as they are answered."""
    org = rows[0].org if rows else ""
    pairs = [(row, decode(row.document)) for row in rows]
    people = await authors(
        tx,
        rows,
        [
            (org, user)
            for row, one in pairs
            for user in (*one.members, row.organizer, row.deleted_by)
            if user
        ],
    )
    parents = await summaries.parents(tx, org, [row.parent for row in rows if row.parent])
    tags = await summaries.tags(tx, org, [tag for _, one in pairs for tag, _ in one.tags])
    artifacts = await find_artifacts(tx, org, [one.attached for _, one in pairs])
    return [
        contract.Meeting(
            **atom(ids.MEETING, row, people),
            artifacts=or_unset(artifact_summaries(artifacts, one.artifacts)),
            channel=row.channel,
            custom_fields=or_unset(one.custom_fields),
            deleted_by=people.get((org, row.deleted_by or ""), UNSET),
            deleted_date=UNSET if row.deleted_date is None else format_rfc3339(row.deleted_date),
            description=or_unset(one.description),
            ended_date=_shown_date(row.ended_date),
            external_ref=or_unset(row.external_ref),
            external_url=or_unset(one.external_url),
            members=[people[org, user] for user in one.members if (org, user) in people],
            organizer=people.get((org, row.organizer or ""), UNSET),
            parent=parents.get(row.parent or "", UNSET),
            recording=artifacts.get(one.recording or "", UNSET),
            recording_url=or_unset(one.recording_url),
            scheduled_date=_shown_date(row.scheduled_date),
            state=row.state,
            tags=or_unset(tags_with_values(tags, one.tags)),
            title=row.title,
            transcript=artifacts.get(one.transcript or "", UNSET),
        )
        for row, one in pairs
    ]


def _shown_date(date: int) -> str | UnsetType:
    return UNSET if date == NO_DATE else format_rfc3339(date)
