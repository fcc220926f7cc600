"""Meetings: record or plan, find, change, delete, count."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from rapport.clock import MILLISECOND, format_rfc3339
from rapport.contract import meetings as contract
from rapport.contract.kit import ids
from rapport.contract.kit.errors import ApiError, ValueNotPermitted, raise_all
from rapport.contract.kit.fields import UNSET, Raw, SetTagWithValue, UnsetType, wire_value
from rapport.contract.kit.grouping import GroupsResponse
from rapport.contract.kit.ids import ArtifactId, Id
from rapport.contract.kit.restoring import Missing
from rapport.events import log as events
from rapport.operations.kit.atoms import (
    artifact_summaries,
    atom,
    authors,
    find_artifacts,
    tags_with_values,
)
from rapport.operations.kit.changes import (
    changed,
    claim_artifacts,
    custom_fields,
    first_custom_fields,
    tell_created,
    tell_deleted,
)
from rapport.operations.kit.context import Context, handles
from rapport.operations.kit.finding import find, found
from rapport.operations.kit.listing import (
    LAST_DELETED_FIRST,
    add_custom_fields,
    add_dates,
    cursors,
    match_none,
    own_ids,
    read_walk,
    resolved,
)
from rapport.operations.kit.optional import chosen, given, only_set, or_unset, sent
from rapport.operations.kit.references import References, wanted
from rapport.operations.kit.refusals import not_permitted, quoted
from rapport.operations.kit.restoring import (
    asks_for_deleted,
    bring_back,
    bring_links_back,
    set_aside,
    set_links_aside,
)
from rapport.operations.kit.showing import shows
from rapport.operations.kit.summarizing import summarize as summarized
from rapport.operations.kit.upserts import upserts
from rapport.store import meetings as store
from rapport.store import summaries
from rapport.store.kit import numbers, query, terms
from rapport.store.kit.db import NO_DATE, Tx
from rapport.store.kit.filters import Filter
from rapport.store.kit.references import resolve
from rapport.store.meetings import LinkAsked, MeetingRow, Named


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


_decode_document = msgspec.json.Decoder(Document).decode
# The hook writes what a request was read into: a URL has a type of its own.
_encode = msgspec.json.Encoder(enc_hook=wire_value).encode
# A request's own texts, which a document keeps under the same names.
_TEXTS = ("description", "external_url", "recording_url")


def _named(document: Document) -> Named:
    return Named(
        document.members,
        [tag for tag, _ in document.tags],
        terms.of_custom_fields(document.custom_fields),
    )


@handles(contract.CREATE)
async def create(
    ctx: Context, request: contract.MeetingsCreateRequest
) -> contract.MeetingsCreateResponse:
    """Record or plan a meeting."""
    dates = _Dates(_date(request.scheduled_date, NO_DATE), _date(request.ended_date, NO_DATE))
    asked = _Asked("", request.artifacts, request.members, request.tags)
    fields = await _checked(ctx, request, asked, dates, holder=None)
    document = Document(
        **fields,
        **sent(request, *_TEXTS),
        custom_fields=first_custom_fields(request.custom_fields),
    )
    row = MeetingRow(
        org=ctx.org,
        number=await numbers.take_one(ctx.tx, ids.MEETING, ctx.org),
        title=request.title,
        channel=request.channel,
        state=request.state,
        parent=_display_id(request.parent, None),
        organizer=_display_id(request.organizer, None),
        external_ref=chosen(request.external_ref, None),
        scheduled_date=dates.scheduled,
        ended_date=dates.ended,
        **ctx.stamps._asdict(),
        document=_encode(document).decode(),
    )
    await store.insert(ctx.tx, row, _named(document))
    await claim_artifacts(ctx, document.attached, row.display_id)
    await tell_created(ctx, row.display_id)
    return contract.MeetingsCreateResponse(meeting=(await _meetings(ctx.tx, [row]))[0])


class _Dates(NamedTuple):
    """When a meeting is after a request; `NO_DATE` where it does not say."""

    scheduled: int
    ended: int


def _date(date: int | UnsetType | None, before: int) -> int:
    chosen_ = chosen(date, before)
    return NO_DATE if chosen_ is None else int(chosen_)


def _display_id(id_: Id | UnsetType, before: str | None) -> str | None:
    return before if isinstance(id_, UnsetType) else id_.display_id


class _Asked(NamedTuple):
    """Where creates and updates differ: an update sets its arrays, by `.set`."""

    at: str
    artifacts: Sequence[ArtifactId] | UnsetType
    members: Sequence[Id] | UnsetType
    tags: Sequence[SetTagWithValue] | UnsetType


async def _checked(
    ctx: Context,
    request: contract.MeetingsCreateRequest | contract.MeetingsUpdateRequest,
    asked: _Asked,
    dates: _Dates,
    *,
    holder: str | None,
) -> dict[str, Any]:
    """The document's fields for the references that a request gives.

    Args:
        ctx: of the call.
        request: the call's.
        asked: what of it is named otherwise in a create and in an update.
        dates: of the meeting after it.
        holder: the display id of the meeting; None for a new one.

    Raises:
        ApiError: the first problem, with all of them as its violations.
    """
    organizer, recording, transcript = request.organizer, request.recording, request.transcript
    named = [*given(asked.artifacts), *given(asked.members), organizer, request.parent, recording]
    named += [*(tag.id for tag in given(asked.tags)), transcript]
    keys = wanted(ctx.org, [id_ for id_ in named if isinstance(id_, Id)])
    references = References(ctx.org, await resolve(ctx.tx, keys))
    fields: dict[str, Any] = {}
    fields["artifacts"] = references.artifacts(
        f"artifacts{asked.at}", asked.artifacts, holder=holder
    )
    references.problems += _ends_too_early("ended_date", request, dates)
    references.problems += await _ref_in_use(ctx, request.external_ref, holder)
    fields["members"] = references.many(f"members{asked.at}", asked.members)
    references.one("organizer", organizer)
    references.one("parent", request.parent)
    fields["recording"] = references.artifact("recording", recording, holder=holder)
    references.problems += _ends_too_early("scheduled_date", request, dates)
    fields["tags"] = references.tags(f"tags{asked.at}", asked.tags)
    fields["transcript"] = references.artifact("transcript", transcript, holder=holder)
    raise_all(references.problems)
    lists = asked._asdict()
    return {
        name: value
        for name, value in fields.items()
        if not isinstance(lists.get(name, getattr(request, name)), UnsetType)
    }


def _ends_too_early(
    field: str,
    request: contract.MeetingsCreateRequest | contract.MeetingsUpdateRequest,
    dates: _Dates,
) -> list[ApiError]:
    """The refusal of a meeting that ends before it begins, where `field` is to blame: the end, or
    the beginning where that alone was sent.
    """
    blamed = "scheduled_date" if isinstance(request.ended_date, UnsetType) else "ended_date"
    if field != blamed or NO_DATE in dates or dates.ended >= dates.scheduled:
        return []
    other = "ended_date" if blamed == "scheduled_date" else "scheduled_date"
    shown = {
        "scheduled_date": format_rfc3339(dates.scheduled),
        "ended_date": format_rfc3339(dates.ended),
    }
    word = "after" if blamed == "scheduled_date" else "before"
    return [
        not_permitted(
            field,
            f"must not be {word} {other}, which is {shown[other]}",
            f"Send another {field}, or {other} with it.",
            value=shown[field],
        )
    ]


async def _ref_in_use(
    ctx: Context, external_ref: str | UnsetType, holder: str | None
) -> list[ApiError]:
    """The refusal of an external_ref that another live meeting has."""
    if isinstance(external_ref, UnsetType):
        return []
    number = await store.by_external_ref(ctx.tx, ctx.org, external_ref)
    if number is None or (own := ids.MEETING.display_id(number)) == holder:
        return []
    return [
        ValueNotPermitted(
            f"external_ref: {quoted(external_ref)} is in use by {own}.",
            detail="Update that meeting, or use another external_ref.",
            field_name="external_ref",
            reason="must be unique among the org's meetings",
            existing_id=ids.don_of(own, ctx.org),
        )
    ]


@handles(contract.GET)
async def get(ctx: Context, request: contract.MeetingsGetRequest) -> contract.MeetingsGetResponse:
    """Find one."""
    row = await found(ctx, request.id, store.get)
    return contract.MeetingsGetResponse(meeting=(await _meetings(ctx.tx, [row]))[0])


@handles(contract.LIST)
async def list_(
    ctx: Context, request: contract.MeetingsListRequest
) -> contract.MeetingsListResponse:
    """A page of those that match."""
    where = _matching(ctx, request)
    if request.deleted is True:
        name = "meetings.deleted"
        walk = read_walk(name, request, store.DELETED_SORTS, LAST_DELETED_FIRST)
    else:
        name = "meetings"
        walk = read_walk(name, request, store.SORTS)
    page = await query.page(ctx.tx, where, walk)
    return contract.MeetingsListResponse(
        meetings=await _meetings(ctx.tx, page.rows), **cursors(name, walk, page)
    )


@handles(contract.COUNT)
async def count(
    ctx: Context, request: contract.MeetingsCountRequest
) -> contract.MeetingsCountResponse:
    """How many match."""
    return contract.MeetingsCountResponse(count=await query.count(ctx.tx, _matching(ctx, request)))


@handles(contract.SUMMARIZE)
async def summarize(ctx: Context, request: contract.MeetingsSummarizeRequest) -> GroupsResponse:
    """Those that match, summed up by one key or two."""
    sums = store.sums(rollup=request.rollup is True)
    where = _matching(ctx, request)
    return await summarized(ctx, contract.SUMMARIZE.name, request, where, sums)


def _matching(ctx: Context, request: contract.MeetingsCountRequest) -> Filter[MeetingRow]:
    gone = asks_for_deleted(ctx, request.deleted, contract.DELETE.scope or "")
    where = store.deleted(ctx.org) if gone else store.live(ctx.org)
    for field in ("channel", "external_ref", "state"):
        where.among(field, given(getattr(request, field)))
    for field in ("created_by", "members", "organizer", "parent", "tags"):
        where.among(field, own_ids(ctx.org, getattr(request, field)))
    add_custom_fields(where, request.custom_fields)
    store.linked(where, [_link_asked(ctx.org, link) for link in given(request.links)])
    for field in store.DATES:
        add_dates(where, field, resolved(field, getattr(request, field), ctx.now))
    match_none(where, request.direction, request.subtype, request.sync_metadata)
    return where


def _link_asked(org: str, link: contract.MeetingsFilterLink) -> LinkAsked:
    target = None if isinstance(link.target, UnsetType) else own_ids(org, [link.target])[0]
    return LinkAsked(chosen(link.link_type, None), target, chosen(link.target_object_type, None))


@handles(contract.UPDATE)
async def update(
    ctx: Context, request: contract.MeetingsUpdateRequest
) -> contract.MeetingsUpdateResponse:
    """Change one, all fields or none. What changes nothing is no change."""
    row = await found(ctx, request.id, store.lock)
    before = _decode_document(row.document)
    dates = _Dates(
        _date(request.scheduled_date, row.scheduled_date),
        _date(request.ended_date, row.ended_date),
    )
    lists = (only_set(getattr(request, name)) for name in ("artifacts", "members", "tags"))
    fields = await _checked(ctx, request, _Asked(".set", *lists), dates, holder=row.display_id)
    document = msgspec.structs.replace(
        before,
        **fields,
        **sent(request, *_TEXTS),
        custom_fields=custom_fields(before.custom_fields, request.custom_fields),
    )
    after = row._replace(
        **sent(request, "title", "channel", "state", "external_ref"),
        organizer=_display_id(request.organizer, row.organizer),
        parent=_display_id(request.parent, row.parent),
        scheduled_date=dates.scheduled,
        ended_date=dates.ended,
        document=_encode(document).decode(),
    )

    async def write(changed_row: MeetingRow) -> None:
        await store.update(ctx.tx, (row, _named(before)), (changed_row, _named(document)))
        await claim_artifacts(ctx, document.attached, row.display_id)

    meeting = await changed(ctx, row, after, write, _meetings)
    return contract.MeetingsUpdateResponse(meeting=meeting)


@handles(contract.DELETE)
async def delete(
    ctx: Context, request: contract.MeetingsDeleteRequest
) -> contract.MeetingsDeleteResponse:
    """Delete one; its external_ref is free again, its artifacts stay bound to it, its comments
    and links go with it, and come back with it.
    """
    row = await found(ctx, request.id, store.lock)
    await set_links_aside(ctx, row.display_id)
    await set_aside(ctx, row.display_id)
    await tell_deleted(ctx, *await _meetings(ctx.tx, [row]))
    named = _named(_decode_document(row.document))
    await store.delete(ctx.tx, row, named, ctx.now, ctx.caller.user_id)
    return contract.MeetingsDeleteResponse()


upserts(ids.MEETING, contract.UPSERT, contract.CREATE, contract.UPDATE)


@handles(contract.RESTORE)
async def restore(
    ctx: Context, request: contract.MeetingsRestoreRequest
) -> contract.MeetingsRestoreResponse:
    """Let a deleted one live again, without what is gone since. A live one is not changed."""
    held = await find(ctx, request.id, store.lock_deleted)
    missing: list[Missing] = []
    if held is None:
        row = await found(ctx, request.id, store.lock)
    else:
        row, missing = await _restore(ctx, held)
    (meeting,) = await _meetings(ctx.tx, [row])
    return contract.MeetingsRestoreResponse(meeting=meeting, missing=missing)


async def _restore(ctx: Context, row: MeetingRow) -> tuple[MeetingRow, list[Missing]]:
    """The row as it lives again, and what it came back without.

    Raises:
        ValueNotPermitted: another meeting has its external_ref meanwhile.
    """
    raise_all(await _ref_in_use(ctx, row.external_ref or UNSET, None))
    (was,) = await _meetings(ctx.tx, [row])
    document, lost = await _without_gone(ctx, row, _decode_document(row.document))
    live = row._replace(
        deleted_by=None,
        deleted_date=None,
        parent=None if "parent" in lost else row.parent,
        organizer=None if "organizer" in lost else row.organizer,
        modified_by=ctx.caller.user_id,
        modified_date=max(ctx.now, row.modified_date + MILLISECOND),
        document=_encode(document).decode(),
    )
    await store.restore(ctx.tx, live, _named(document))
    (now,) = await _meetings(ctx.tx, [live])
    await events.record(ctx.tx, [events.restored(ctx.org, ctx.caller.user_id, ctx.now, was, now)])
    missing = [
        Missing(field_name=field, id=ids.don_of(id_, ctx.org))
        for field, some in lost.items()
        for id_ in some
    ]
    missing += await bring_back(ctx, live.display_id)
    return live, [*missing, *await bring_links_back(ctx, live.display_id)]


async def _without_gone(
    ctx: Context, row: MeetingRow, document: Document
) -> tuple[Document, dict[str, list[str]]]:
    """A meeting's document without references that are gone; and these, by field."""
    single = {name: getattr(document, name) for name in ("recording", "transcript")}
    single |= {"organizer": row.organizer, "parent": row.parent}
    named = {
        "artifacts": document.artifacts,
        "members": document.members,
        "tags": [tag for tag, _ in document.tags],
        **{name: [id_] for name, id_ in single.items() if id_ is not None},
    }
    there = await resolve(ctx.tx, {(ctx.org, id_) for some in named.values() for id_ in some})
    lost = {
        name: gone
        for name, some in sorted(named.items())
        if (gone := [id_ for id_ in some if (ctx.org, id_) not in there])
    }
    left: dict[str, Any] = {
        "artifacts": [id_ for id_ in document.artifacts if (ctx.org, id_) in there],
        "members": [id_ for id_ in document.members if (ctx.org, id_) in there],
        "tags": [pair for pair in document.tags if (ctx.org, pair[0]) in there],
        **{name: None for name in ("recording", "transcript") if name in lost},
    }
    return msgspec.structs.replace(document, **left), lost


@shows(ids.MEETING)
async def show(tx: Tx, org: str, numbers_: Sequence[int]) -> dict[str, contract.Meeting]:
    """Meetings by display id."""
    rows = await query.numbered(tx, store.live(org), numbers_)
    return {meeting.display_id: meeting for meeting in await _meetings(tx, rows)}


async def _meetings(tx: Tx, rows: Sequence[MeetingRow]) -> list[contract.Meeting]:
    org = rows[0].org if rows else ""
    pairs = [(row, _decode_document(row.document)) for row in rows]
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
