"""Timelines: comment, find, list, change, delete. Change events are only read: each was written
with its change.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from rapport.clock import format_rfc3339
from rapport.contract import timeline_entries as contract
from rapport.contract.kit import ids, verbatim
from rapport.contract.kit.errors import NotFound, ValueNotPermitted, raise_all
from rapport.contract.kit.fields import UNSET, Json, Response, UnsetType
from rapport.contract.kit.ids import TimelineEntryId, TimelineObjectId
from rapport.contract.meetings import MeetingSummary
from rapport.contract.users import UserSummary
from rapport.operations.kit.atoms import artifact_summaries, authors, find_artifacts
from rapport.operations.kit.changes import (
    audited,
    changed_artifacts,
    claim_artifacts,
    distinct,
    named_artifacts,
    tell_created,
    tell_deleted,
)
from rapport.operations.kit.context import Context, handles
from rapport.operations.kit.deltas import field_deltas
from rapport.operations.kit.finding import find
from rapport.operations.kit.listing import NEWEST_FIRST, add_dates, cursors, walk_of
from rapport.operations.kit.optional import chosen, given, or_unset, sent
from rapport.operations.kit.references import References, wanted
from rapport.operations.kit.refusals import absent, in_use, quoted, unknown_id
from rapport.operations.kit.showing import shows, touching
from rapport.store import accounts, engagements, meetings, summaries, works
from rapport.store import timeline_entries as store
from rapport.store.kit import numbers, query, terms
from rapport.store.kit.db import Tx, UniqueViolation
from rapport.store.kit.references import resolve
from rapport.store.timeline_entries import CommentRow, EntryRow

_LOCKS = {
    ids.ACCOUNT: accounts.lock,
    ids.ENGAGEMENT: engagements.lock,
    ids.MEETING: meetings.lock,
    ids.OPPORTUNITY: works.lock,
}
_GETS = {
    ids.ACCOUNT: accounts.get,
    ids.ENGAGEMENT: engagements.get,
    ids.MEETING: meetings.get,
    ids.OPPORTUNITY: works.get,
}


class Document(msgspec.Struct, omit_defaults=True, kw_only=True):
    """What a comment's row keeps beside its columns; artifacts and users are display ids."""

    artifacts: list[str] = []
    body: str | None = None
    body_type: contract.BodyType = "text"
    expires_at: int | None = None
    labels: list[str] = []
    link_previews: list[str] = []
    panels: list[contract.Panel] = []
    private_to: list[str] = []
    snap_kit_body: Json | None = None
    snap_widget_body: list[str] = []


class Hidden(Response, tag_field="type", tag="timeline_comment"):
    """What events tell of a private comment: that it is there."""

    created_date: str
    display_id: str
    id: str
    modified_date: str
    object: str
    object_display_id: str
    object_type: contract.ObjectType
    visibility: contract.Visibility = "private"


@handles(contract.CREATE)
async def create(
    ctx: Context, request: contract.TimelineEntriesCreateRequest
) -> contract.TimelineEntriesCreateResponse:
    """Comment on an object."""
    document, visibility = await _new(ctx, request)
    number = await numbers.take_one(ctx.tx, ids.COMMENT, ctx.org)
    row = CommentRow(
        org=ctx.org,
        number=number,
        object=request.object.display_id,
        visibility=visibility,
        external_ref=chosen(request.external_ref, None),
        **ctx.stamps._asdict(),
        document=msgspec.json.encode(document).decode(),
    )
    try:
        await store.insert(ctx.tx, row)
    except UniqueViolation as error:
        raise in_use("comment", [row.external_ref or ""]) from error
    await _put_terms(ctx, number, document)
    await claim_artifacts(ctx, document.artifacts, _path(row))
    await tell_created(ctx, ids.COMMENT.display_id(number))
    return contract.TimelineEntriesCreateResponse(timeline_entry=await _entry(ctx, number))


async def _new(
    ctx: Context, request: contract.TimelineEntriesCreateRequest
) -> tuple[Document, str]:
    """What a new comment says, and to whom, once all that it names has been found."""
    readers = given(request.private_to)
    references = References(
        ctx.org, await resolve(ctx.tx, wanted(ctx.org, [*given(request.artifacts), *readers]))
    )
    if await find(ctx, request.object, _LOCKS[request.object.kind]) is None:
        references.problems.append(unknown_id("object", request.object))
    artifacts = references.artifacts("artifacts", request.artifacts, holder=None)
    private_to = references.many("private_to", readers)
    visibility = chosen(request.visibility, "private" if private_to else "internal")
    if private_to and visibility != "private":
        references.problems.append(_not_private(visibility))
    raise_all(references.problems)
    said = sent(
        request,
        "body",
        "body_type",
        "expires_at",
        "link_previews",
        "snap_kit_body",
        "snap_widget_body",
    )
    document = Document(
        **said,
        artifacts=artifacts,
        labels=distinct(given(request.labels)),
        panels=list(dict.fromkeys(given(request.collections))) or ["discussions"],
        private_to=private_to,
    )
    return document, visibility


async def _put_terms(ctx: Context, number: int, document: Document) -> None:
    """Write what a comment is found by."""
    await terms.put(
        ctx.tx,
        ctx.org,
        ids.COMMENT.display_id(number),
        {
            "comments.labels": document.labels,
            "comments.panels": document.panels,
            "comments.private_to": document.private_to,
        },
    )


def _path(row: CommentRow) -> str:
    """What artifacts of a comment are bound to."""
    return ids.path(row.object, ids.COMMENT.display_id(row.number))


def _not_private(visibility: str) -> ValueNotPermitted:
    return ValueNotPermitted(
        f"private_to: a comment that is {visibility} is for more than those named.",
        detail="Leave visibility out, or make it private.",
        field_name="private_to",
        reason="may only stand beside visibility private",
    )


async def _entry(ctx: Context, number: int) -> contract.TimelineEntry:
    where = store.seen_by(ctx.org, ctx.caller.user_id)
    store.comments(where)
    (entry,) = await _entries(ctx.tx, await query.numbered(ctx.tx, where, [number]))
    return entry


@handles(contract.GET)
async def get(
    ctx: Context, request: contract.TimelineEntriesGetRequest
) -> contract.TimelineEntriesGetResponse:
    """Find an entry."""
    row = await _found(ctx, request.id)
    other = not isinstance(request.external_ref, UnsetType) and (
        row is None or row.external_ref != request.external_ref
    )
    if row is None or other:
        raise NotFound(
            f"There is no timeline entry {quoted(request.id.text)}.",
            detail="It never was, it or its object was deleted, or it is private.",
        )
    (entry,) = await _entries(ctx.tx, [row])
    return contract.TimelineEntriesGetResponse(timeline_entry=entry)


async def _found(ctx: Context, id_: TimelineEntryId) -> EntryRow | None:
    """An entry that the caller may see, of an object that is there."""
    if not id_.belongs_to(ctx.org):
        return None
    where = store.seen_by(ctx.org, ctx.caller.user_id)
    (store.comments if id_.kind is ids.COMMENT else store.changes)(where)
    found = await query.numbered(ctx.tx, where, [id_.number])
    rows = [row for row in found if id_.is_on(row.object)]
    return (
        rows[0] if rows and await _is_there(ctx, TimelineObjectId.parse(rows[0].object)) else None
    )


async def _is_there(ctx: Context, on: TimelineObjectId) -> bool:
    return await find(ctx, on, _GETS[on.kind]) is not None


@handles(contract.LIST)
async def list_(
    ctx: Context, request: contract.TimelineEntriesListRequest
) -> contract.TimelineEntriesListResponse:
    """A page of an object's comments and changes, the newest first."""
    if not await _is_there(ctx, request.object):
        raise absent(request.object)
    name = "timeline-entries"
    walk = walk_of(name, (NEWEST_FIRST,), store.SORTS, request)
    where = store.seen_by(ctx.org, ctx.caller.user_id)
    where.among("labels", given(request.labels))
    where.among("panels", given(request.panels))
    where.among("visibility", given(request.visibility))
    add_dates(where, "created_date", request.created_date)
    asked = set(given(request.collections))
    kinds = store.Kinds(comments=asked != {"events"}, changes=asked != {"discussions"})
    page = await store.page(
        ctx.tx, where, request.object.display_id, walk, kinds, rollup=request.rollup is True
    )
    entries = await _entries(ctx.tx, page.rows)
    return contract.TimelineEntriesListResponse(
        timeline_entries=entries, **cursors(name, walk, page)
    )


@handles(contract.UPDATE)
async def update(
    ctx: Context, request: contract.TimelineEntriesUpdateRequest
) -> contract.TimelineEntriesUpdateResponse:
    """Change a comment, all fields or none. The facts list no 404 here, so an absent one is a
    bad id.
    """
    row = await _own_to_change(ctx, request.id)
    before = msgspec.json.decode(row.document, type=Document)
    references = References(
        ctx.org, await resolve(ctx.tx, wanted(ctx.org, named_artifacts(request.artifacts)))
    )
    artifacts = changed_artifacts(references, before.artifacts, request.artifacts, _path(row))
    raise_all(references.problems)
    document = msgspec.structs.replace(
        before, **sent(request, "body", "body_type", "snap_kit_body"), artifacts=artifacts
    )
    after = audited(
        ctx,
        row,
        row._replace(
            **sent(request, "external_ref"), document=msgspec.json.encode(document).decode()
        ),
    )
    if after is not None:
        async with touching(ctx, [ids.COMMENT.display_id(row.number)]):
            try:
                await store.update(ctx.tx, after)
            except UniqueViolation as error:
                raise in_use("comment", [after.external_ref or ""]) from error
            await claim_artifacts(ctx, artifacts, _path(row))
    return contract.TimelineEntriesUpdateResponse(timeline_entry=await _entry(ctx, row.number))


async def _own_to_change(ctx: Context, id_: TimelineEntryId) -> CommentRow:
    """A comment that the caller may see, held against other writers.

    Raises:
        InvalidId: there is none.
        ValueNotPermitted: it is a change event.
    """
    if id_.kind is ids.CHANGE_EVENT:
        raise ValueNotPermitted(
            f"id: {id_.display_id} is a change event, which stays as it is.",
            detail="Give a comment's id; what happened can't be edited.",
            field_name="id",
            reason="must be a comment",
        )
    row = await store.lock(ctx.tx, ctx.org, id_.number) if await _found(ctx, id_) else None
    if row is None:
        raise unknown_id("id", id_)
    return row


@handles(contract.DELETE)
async def delete(
    ctx: Context, request: contract.TimelineEntriesDeleteRequest
) -> contract.TimelineEntriesDeleteResponse:
    """Delete a comment. Its artifacts stay bound to it."""
    row = await _own_to_change(ctx, request.id)
    await tell_deleted(ctx, *(await show(ctx.tx, ctx.org, [row.number])).values())
    await store.delete(ctx.tx, ctx.org, [row.number])
    return contract.TimelineEntriesDeleteResponse()


@shows(ids.COMMENT)
async def show(tx: Tx, org: str, numbers_: Sequence[int]) -> dict[str, Response]:
    """Comments by display id as events tell them, to whoever reads events: private ones without
    what they say.
    """
    rows = await store.comments_of(tx, org, numbers_)
    entries = await _entries(tx, rows)
    return {
        ids.COMMENT.display_id(row.number): _told(entry)
        for row, entry in zip(rows, entries, strict=True)
    }


def _told(entry: contract.TimelineEntry) -> Response:
    if entry.visibility != "private":
        return entry
    return Hidden(**{name: getattr(entry, name) for name in Hidden.__struct_fields__})


async def _entries(tx: Tx, rows: Sequence[EntryRow]) -> list[contract.TimelineEntry]:
    org = rows[0].org if rows else ""
    documents = {
        row.number: msgspec.json.decode(row.document or "", type=Document)
        for row in rows
        if row.action == "commented"
    }
    people = await authors(tx, rows)
    artifacts = await find_artifacts(
        tx, org, [document.artifacts for document in documents.values()]
    )
    made = await _made(tx, org, [row.object for row in rows if row.action == "created"])

    def entry(row: EntryRow) -> contract.TimelineEntry:
        if row.action != "commented":
            return contract.TimelineChangeEvent(
                **_base(ids.CHANGE_EVENT, row, people), event=_change(row, made), panels=["events"]
            )
        document = documents[row.number]
        return contract.TimelineComment(
            **_base(ids.COMMENT, row, people),
            artifacts=or_unset(artifact_summaries(artifacts, document.artifacts)),
            body=or_unset(document.body),
            body_type=document.body_type,
            external_ref=or_unset(row.external_ref),
            labels=or_unset(document.labels),
            panels=document.panels,
            private_to=or_unset([ids.don_of(reader, org) for reader in document.private_to]),
            snap_kit_body=or_unset(document.snap_kit_body),
        )

    return [entry(row) for row in rows]


def _base(
    kind: ids.Kind, row: EntryRow, people: dict[tuple[str, str], UserSummary]
) -> dict[str, Any]:
    own = kind.display_id(row.number)
    return {
        "created_by": people.get((row.org, row.created_by), UNSET),
        "created_date": format_rfc3339(row.created_date),
        "display_id": own,
        "id": ids.don_of(ids.path(row.object, own), row.org),
        "modified_by": people.get((row.org, row.modified_by), UNSET),
        "modified_date": format_rfc3339(row.modified_date),
        "object": ids.don_of(row.object, row.org),
        "object_display_id": row.object,
        "object_type": ids.kind_of(row.object).name,
        "visibility": row.visibility,
    }


async def _made(tx: Tx, org: str, display_ids: Sequence[str]) -> dict[str, Any]:
    """The summaries of objects by display id; of engagements and meetings they are their ids, so
    that deleted ones have one too.
    """
    found: dict[str, Any] = dict(await summaries.parents(tx, org, display_ids))
    for kind, summary in (
        (ids.ENGAGEMENT, contract.EngagementSummary),
        (ids.MEETING, MeetingSummary),
    ):
        for number in ids.numbers_of(kind, display_ids):
            own = kind.display_id(number)
            found[own] = summary(display_id=own, id=ids.don_of(own, org))
    return found


def _change(row: EntryRow, made: dict[str, Any]) -> contract.Change:
    if row.action == "created":
        return contract.Change(
            type="created", created=contract.ObjectCreated(object=made[row.object])
        )
    if row.action == "deleted":
        gone = contract.ObjectDeleted(object_id=ids.don_of(row.object, row.org))
        return contract.Change(type="deleted", deleted=gone)
    changed = field_deltas(verbatim.read((row.document or "{}").encode()))
    kind = ids.kind_of(row.object).name
    return contract.Change(
        type="updated", updated=contract.ObjectUpdated(field_deltas=changed, object_type=kind)
    )
