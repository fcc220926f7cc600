"""Engagements: record, find, change, delete, count."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from rapport.clock import MILLISECOND, format_rfc3339
from rapport.contract import engagements as contract
from rapport.contract.kit import ids
from rapport.contract.kit.errors import ApiError, ValueNotPermitted, raise_all
from rapport.contract.kit.fields import UNSET, Raw, Response, SetTagWithValue, UnsetType, wire_value
from rapport.contract.kit.grouping import GroupsResponse
from rapport.contract.kit.ids import Id
from rapport.contract.kit.restoring import Missing
from rapport.events import log as events
from rapport.operations.kit.changes import (
    custom_fields,
    first_custom_fields,
    tell_deleted,
    tell_updated,
)
from rapport.operations.kit.context import Call, Context, handles, handles_batch
from rapport.operations.kit.expansion import expanded
from rapport.operations.kit.finding import find, found
from rapport.operations.kit.listing import (
    LAST_DELETED_FIRST,
    add_audit,
    add_custom_fields,
    add_dates,
    cursors,
    own_ids,
    read_walk,
)
from rapport.operations.kit.optional import chosen, given, only_set
from rapport.operations.kit.references import References, wanted
from rapport.operations.kit.refusals import quoted
from rapport.operations.kit.restoring import asks_for_deleted, bring_back, set_aside
from rapport.operations.kit.showing import shows
from rapport.operations.kit.summarizing import summarize as summarized
from rapport.operations.kit.upserts import upserts
from rapport.store import engagements as store
from rapport.store import summaries
from rapport.store.engagements import EngagementRow, Related, Stored
from rapport.store.kit import numbers, query, terms
from rapport.store.kit.db import NO_DATE, Tx
from rapport.store.kit.filters import Filter
from rapport.store.kit.references import Found, ReferenceKey, resolve

# The hook writes what a request was read into: a URL has a type of its own.
_encode = msgspec.json.Encoder(enc_hook=wire_value).encode


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


_decode_document = msgspec.json.Decoder(Document).decode


class _Accepted(NamedTuple):
    """A create that passed every check, and its place in the batch."""

    position: int
    call: Call[contract.EngagementsCreateRequest]
    links: Related


@handles_batch(contract.CREATE)
async def create(
    tx: Tx, calls: Sequence[Call[contract.EngagementsCreateRequest]]
) -> Sequence[Response | Exception]:
    """Record engagements. A call that wants what another of its batch takes waits for that one
    and is then refused.
    """
    found = await resolve(tx, {key for call in calls for key in _wanted(call)})
    refs = {
        (call.caller.org, ref)
        for call in calls
        if not isinstance(ref := call.request.external_ref, UnsetType)
    }
    in_use = await store.by_external_refs(tx, refs) if refs else {}
    results: dict[int, Response | Exception] = {}
    accepted: list[_Accepted] = []
    waiting: list[int] = []
    taken: set[tuple[str, str, str]] = set()
    for position, call in enumerate(calls):
        try:
            links = _check(call, found, in_use)
        except ApiError as error:
            results[position] = error
            continue
        takes = _exclusive(call, links)
        if taken.isdisjoint(takes):
            taken.update(takes)
            accepted.append(_Accepted(position, call, links))
        else:
            waiting.append(position)
    if accepted:
        results.update(await _record(tx, accepted))
    if waiting:
        results.update(
            zip(waiting, await create(tx, [calls[position] for position in waiting]), strict=True)
        )
    return [results[position] for position in range(len(calls))]


def _wanted(call: Call[contract.EngagementsCreateRequest]) -> set[ReferenceKey]:
    request = call.request
    parent = [] if isinstance(request.parent, UnsetType) else [request.parent]
    everything: Iterable[Id] = [
        *request.members,
        *given(request.artifacts),
        *parent,
        *given(request.parents),
        *(tag.id for tag in given(request.tags)),
    ]
    return wanted(call.caller.org, everything)


def _check(
    call: Call[contract.EngagementsCreateRequest],
    found: dict[ReferenceKey, Found],
    in_use: dict[tuple[str, str], int],
) -> Related:
    """Check all references of a call.

    Raises:
        ApiError: the first problem, with all of them as its violations.
    """
    org, request = call.caller.org, call.request
    references = References(org, found)
    members = references.many("members", request.members)
    artifacts = references.artifacts("artifacts", request.artifacts, holder=None)
    if not isinstance(request.external_ref, UnsetType) and (org, request.external_ref) in in_use:
        references.problems.append(
            _ref_in_use(org, request.external_ref, in_use[org, request.external_ref])
        )
    parent = references.one("parent", request.parent)
    parents = references.many("parents", request.parents)
    tags = references.tags("tags", request.tags)
    raise_all(references.problems)
    return Related(
        members,
        list(dict.fromkeys([parent, *parents] if parent else parents)),
        tags,
        artifacts,
        terms.of_custom_fields(chosen(request.custom_fields, None)),
    )


def _ref_in_use(org: str, external_ref: str, number: int) -> ValueNotPermitted:
    return ValueNotPermitted(
        f"external_ref: {quoted(external_ref)} is in use by {ids.ENGAGEMENT.display_id(number)}.",
        detail="Update that engagement, or use another external_ref.",
        field_name="external_ref",
        reason="must be unique among the org's engagements",
        existing_id=ids.don(ids.ENGAGEMENT, org, number),
    )


def _exclusive(
    call: Call[contract.EngagementsCreateRequest], links: Related
) -> set[tuple[str, str, str]]:
    """What only one engagement can have."""
    org, external_ref = call.caller.org, call.request.external_ref
    takes = {(org, "artifact", artifact) for artifact in links.artifacts}
    if not isinstance(external_ref, UnsetType):
        takes.add((org, "external_ref", external_ref))
    return takes


async def _record(
    tx: Tx, accepted: Sequence[_Accepted]
) -> dict[int, contract.EngagementsCreateResponse]:
    per_org: dict[str, int] = {}
    for _, call, _ in accepted:
        per_org[call.caller.org] = per_org.get(call.caller.org, 0) + 1
    next_number = await numbers.take(tx, ids.ENGAGEMENT, per_org)
    rows: list[EngagementRow] = []
    for _, call, links in accepted:
        org = call.caller.org
        rows.append(_new_row(call, links, next_number[org]))
        next_number[org] += 1
    await store.insert(tx, rows, [links for _, _, links in accepted])
    people = await summaries.users(
        tx,
        {
            (call.caller.org, user)
            for _, call, _ in accepted
            for user in (call.stamps.created_by, call.stamps.modified_by)
        },
    )
    responses, happened = {}, []
    for (position, call, _), row in zip(accepted, rows, strict=True):
        documents = [_answer(call.caller.org, _kept(row), people)]
        org, user_id = call.caller.org, call.caller.user_id
        happened.append(
            events.created(
                org,
                user_id,
                call.now,
                Raw(documents[0]),
                ids.ENGAGEMENT.display_id(row.number),
                imported=call.own is not None,
            )
        )
        if call.request.expand:
            documents = await expanded(tx, call.caller.org, documents, call.request.expand)
        responses[position] = contract.EngagementsCreateResponse(engagement=Raw(documents[0]))
    await events.record(tx, happened)
    return responses


def _new_row(
    call: Call[contract.EngagementsCreateRequest], links: Related, number: int
) -> EngagementRow:
    request, org, stamps = call.request, call.caller.org, call.stamps
    document = Document(
        created_date=format_rfc3339(stamps.created_date),
        custom_fields=first_custom_fields(request.custom_fields),
        description=None if isinstance(request.description, UnsetType) else request.description,
        display_id=ids.ENGAGEMENT.display_id(number),
        engagement_type=request.engagement_type or "default",
        external_ref=request.external_ref or None,
        external_url=request.external_url or None,
        id=ids.don(ids.ENGAGEMENT, org, number),
        modified_date=format_rfc3339(stamps.modified_date),
        scheduled_date=format_rfc3339(request.scheduled_date),
        title=request.title,
        **_link_fields(org, links),
    )
    return EngagementRow(
        org=org,
        number=number,
        title=document.title,
        engagement_type=document.engagement_type,
        external_ref=document.external_ref,
        scheduled_date=int(request.scheduled_date),
        **stamps._asdict(),
        document=_encode(document).decode(),
    )


def _link_fields(org: str, links: Related) -> dict[str, Any]:
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


def _answer(org: str, kept: Stored, people: dict[summaries.UserKey, Any]) -> bytes:
    """The document with its users' summaries put in."""
    who = {
        "created_by": people.get((org, kept.created_by)),
        "modified_by": people.get((org, kept.modified_by)),
    }
    if kept.deleted_by:
        who["deleted_by"] = people.get((org, kept.deleted_by))
    known = b"".join(
        b'"%b":%b,' % (field.encode(), _encode(user)) for field, user in who.items() if user
    )
    if kept.deleted_date is not None:
        known += b'"deleted_date":"%b",' % format_rfc3339(kept.deleted_date).encode()
    return b"{%b%b" % (known, kept.document.encode()[1:])


@shows(ids.ENGAGEMENT)
async def show(tx: Tx, org: str, numbers_: Sequence[int]) -> dict[str, Raw]:
    """Engagements by display id."""
    kept = await query.numbered(tx, store.live(org), numbers_)
    answers = await _answers(tx, org, kept)
    return {
        ids.ENGAGEMENT.display_id(row.number): answer
        for row, answer in zip(kept, answers, strict=True)
    }


async def _answers(
    tx: Tx,
    org: str,
    kept: Sequence[Stored],
    expand: Sequence[contract.Expansion] | UnsetType = UNSET,
) -> list[Raw]:
    people = await summaries.users(
        tx,
        {
            (org, user)
            for row in kept
            for user in (row.created_by, row.modified_by, row.deleted_by)
            if user
        },
    )
    documents = [_answer(org, row, people) for row in kept]
    if expand:
        documents = await expanded(tx, org, documents, expand)
    return [Raw(document) for document in documents]


@handles(contract.GET)
async def get(
    ctx: Context, request: contract.EngagementsGetRequest
) -> contract.EngagementsGetResponse:
    """Find one."""
    kept = await found(ctx, request.id, store.get)
    return contract.EngagementsGetResponse(
        engagement=(await _answers(ctx.tx, ctx.org, [kept], request.expand))[0]
    )


@handles(contract.LIST)
async def list_(
    ctx: Context, request: contract.EngagementsListRequest
) -> contract.EngagementsListResponse:
    """A page of those that match."""
    where = _matching(ctx, request)
    if request.deleted is True:
        name = "engagements.deleted"
        walk = read_walk(name, request, store.DELETED_SORTS, LAST_DELETED_FIRST)
    else:
        name = "engagements"
        walk = read_walk(name, request, store.SORTS)
    page = await query.page(ctx.tx, where, walk)
    engagements = await _answers(ctx.tx, ctx.org, page.rows, request.expand)
    return contract.EngagementsListResponse(engagements=engagements, **cursors(name, walk, page))


@handles(contract.COUNT)
async def count(
    ctx: Context, request: contract.EngagementsCountRequest
) -> contract.EngagementsCountResponse:
    """How many match."""
    return contract.EngagementsCountResponse(
        count=await query.count(ctx.tx, _matching(ctx, request))
    )


@handles(contract.SUMMARIZE)
async def summarize(ctx: Context, request: contract.EngagementsSummarizeRequest) -> GroupsResponse:
    """Those that match, summed up by one key or two."""
    sums = store.sums(rollup=request.rollup is True)
    where = _matching(ctx, request)
    return await summarized(ctx, contract.SUMMARIZE.name, request, where, sums)


def _matching(ctx: Context, request: contract.EngagementsCountRequest) -> Filter[Stored]:
    org = ctx.org
    gone = asks_for_deleted(ctx, request.deleted, contract.DELETE.scope or "")
    where = store.deleted(org) if gone else store.live(org)
    where.among("engagement_type", [*given(request.type), *given(request.engagement_type)])
    where.among("external_ref", given(request.external_ref))
    where.among("members", own_ids(org, request.members))
    where.among("parent", own_ids(org, request.parent))
    where.among("tags", own_ids(org, request.tags))
    add_custom_fields(where, request.custom_fields)
    add_audit(where, org, request)
    add_dates(where, "scheduled_date", request.scheduled_date)
    return where


@handles(contract.DELETE)
async def delete(
    ctx: Context, request: contract.EngagementsDeleteRequest
) -> contract.EngagementsDeleteResponse:
    """Delete one; its external_ref is free again, its artifacts stay bound to it, its comments
    go with it, and come back with it.
    """
    row = await found(ctx, request.id, store.lock)
    await set_aside(ctx, request.id.display_id)
    await tell_deleted(ctx, *await _answers(ctx.tx, ctx.org, [_kept(row)]))
    await store.delete(ctx.tx, ctx.org, row.number, ctx.now, ctx.caller.user_id)
    return contract.EngagementsDeleteResponse()


@handles(contract.RESTORE)
async def restore(
    ctx: Context, request: contract.EngagementsRestoreRequest
) -> contract.EngagementsRestoreResponse:
    """Let a deleted one live again, without what is gone since. A live one is not changed."""
    held = await find(ctx, request.id, store.lock_deleted)
    missing: list[Missing] = []
    if held is None:
        row = await found(ctx, request.id, store.lock)
    else:
        row, missing = await _restore(ctx, *held)
    (engagement,) = await _answers(ctx.tx, ctx.org, [_kept(row)], request.expand)
    return contract.EngagementsRestoreResponse(engagement=engagement, missing=missing)


async def _restore(
    ctx: Context, row: EngagementRow, kept: Stored
) -> tuple[EngagementRow, list[Missing]]:
    """The row as it lives again, and what it came back without.

    Raises:
        ValueNotPermitted: another engagement has its external_ref meanwhile.
    """
    if row.external_ref is not None:
        used = await store.by_external_refs(ctx.tx, [(ctx.org, row.external_ref)])
        for number in used.values():
            raise _ref_in_use(ctx.org, row.external_ref, number)
    links = await store.links_of(ctx.tx, ctx.org, row.number)
    named = {*links.members, *links.parents, *(tag for tag, _ in links.tags), *links.artifacts}
    there = await resolve(ctx.tx, {(ctx.org, id_) for id_ in named})
    gone = {id_ for id_ in named if (ctx.org, id_) not in there}
    (was,) = await _answers(ctx.tx, ctx.org, [kept])
    await store.restore(ctx.tx, ctx.org, row.number)
    row, missing = await _without(ctx, row, links, gone)
    (engagement,) = await _answers(ctx.tx, ctx.org, [_kept(row)])
    event = events.restored(ctx.org, ctx.caller.user_id, ctx.now, was, engagement)
    await events.record(ctx.tx, [event])
    return row, [*missing, *await bring_back(ctx, ids.ENGAGEMENT.display_id(row.number))]


async def _without(
    ctx: Context, row: EngagementRow, links: Related, gone: set[str]
) -> tuple[EngagementRow, list[Missing]]:
    """Change a row, now, to one without references that are gone; and these, in the order of its
    fields.
    """
    left = Related(
        [id_ for id_ in links.members if id_ not in gone],
        [id_ for id_ in links.parents if id_ not in gone],
        [tag for tag in links.tags if tag[0] not in gone],
        [id_ for id_ in links.artifacts if id_ not in gone],
    )
    modified = max(ctx.now, row.modified_date + MILLISECOND)
    before = _decode_document(row.document)
    after = msgspec.structs.replace(
        before, modified_date=format_rfc3339(modified), **_link_fields(ctx.org, left)
    )
    changed = row._replace(
        modified_by=ctx.caller.user_id, modified_date=modified, document=_encode(after).decode()
    )
    await store.update(ctx.tx, row, changed)
    kept = {kind: getattr(left, kind) for kind in store.LINKS}
    await _write_links(ctx, changed, kept, before, after)
    lost = [
        Missing(field_name=kind, id=don)
        for kind in store.LINKS
        for don in getattr(before, kind)
        if don not in getattr(after, kind)
    ]
    return changed, lost


@handles(contract.UPDATE)
async def update(
    ctx: Context, request: contract.EngagementsUpdateRequest
) -> contract.EngagementsUpdateResponse:
    """Change one, all fields or none. What changes nothing is no change."""
    row = await found(ctx, request.id, store.lock)
    before = _decode_document(row.document)
    links = await _changed_links(ctx, request)
    after = _changed(before, request, _link_fields(ctx.org, Related(**links)), links)
    (engagement,) = await _answers(ctx.tx, ctx.org, [_kept(row)])
    if after != before:
        was, old = engagement, row
        modified = max(ctx.now, row.modified_date + MILLISECOND)
        after.modified_date = format_rfc3339(modified)
        row = row._replace(
            title=after.title,
            engagement_type=after.engagement_type,
            external_ref=after.external_ref,
            scheduled_date=_scheduled(row, request),
            modified_by=ctx.caller.user_id,
            modified_date=modified,
            document=_encode(after).decode(),
        )
        await store.update(ctx.tx, old, row)
        await _write_links(ctx, row, links, before, after)
        (engagement,) = await _answers(ctx.tx, ctx.org, [_kept(row)])
        await tell_updated(ctx, was, engagement)
    if request.expand:
        (engagement,) = await _answers(ctx.tx, ctx.org, [_kept(row)], request.expand)
    return contract.EngagementsUpdateResponse(engagement=engagement)


def _kept(row: EngagementRow) -> Stored:
    return Stored(row.number, row.created_by, row.modified_by, row.document)


async def _changed_links(
    ctx: Context, request: contract.EngagementsUpdateRequest
) -> dict[str, Any]:
    """The links that the request sets, checked, by kind.

    Raises:
        ApiError: a reference or the external_ref is refused.
    """
    members, parents, artifacts = (
        only_set(request.members),
        only_set(request.parents),
        only_set(request.artifacts),
    )
    tags: Sequence[SetTagWithValue] | UnsetType = only_set(request.tags)
    everything = [
        *given(members),
        *given(parents),
        *given(artifacts),
        *(tag.id for tag in given(tags)),
    ]
    references = References(ctx.org, await resolve(ctx.tx, wanted(ctx.org, everything)))
    holder = request.id.display_id
    checked = {"artifacts": references.artifacts("artifacts.set", artifacts, holder=holder)}
    if not isinstance(request.external_ref, UnsetType):
        used = await store.by_external_refs(ctx.tx, [(ctx.org, request.external_ref)])
        number = used.get((ctx.org, request.external_ref), request.id.number)
        if number != request.id.number:
            references.problems.append(_ref_in_use(ctx.org, request.external_ref, number))
    checked["members"] = references.many("members.set", members)
    checked["parents"] = references.many("parents.set", parents)
    result: dict[str, Any] = {**checked, "tags": references.tags("tags.set", tags)}
    raise_all(references.problems)
    sent = {"members": members, "parents": parents, "artifacts": artifacts, "tags": tags}
    return {kind: result[kind] for kind in store.LINKS if not isinstance(sent[kind], UnsetType)}


def _changed(
    before: Document,
    request: contract.EngagementsUpdateRequest,
    link_fields: dict[str, Any],
    links: dict[str, Any],
) -> Document:
    """The document after the request."""
    changes: dict[str, Any] = {
        name: value
        for name in ("description", "external_ref", "external_url", "title", "engagement_type")
        if not isinstance(value := getattr(request, name), UnsetType)
    }
    if not isinstance(request.scheduled_date, UnsetType):
        changes["scheduled_date"] = (
            None if request.scheduled_date is None else format_rfc3339(request.scheduled_date)
        )
    for kind in links:
        for field in _FIELDS_OF_LINK[kind]:
            changes[field] = link_fields[field]
    changes["custom_fields"] = custom_fields(before.custom_fields, request.custom_fields)
    return msgspec.structs.replace(before, **changes)


def _as_update(fields: dict[str, Any]) -> dict[str, Any]:
    """A create's fields as an update has them: it has no first parent beside the others."""
    if "parent" in fields:
        fields["parents"] = [fields.pop("parent"), *fields.get("parents", ())]
    return fields


upserts(ids.ENGAGEMENT, contract.UPSERT, contract.CREATE, contract.UPDATE, sort_out=_as_update)

_FIELDS_OF_LINK = {
    "members": ("members",),
    "parents": ("parent", "parents"),
    "tags": ("tags", "tag_values"),
    "artifacts": ("artifacts",),
}


def _scheduled(row: EngagementRow, request: contract.EngagementsUpdateRequest) -> int:
    if isinstance(request.scheduled_date, UnsetType):
        return row.scheduled_date
    return NO_DATE if request.scheduled_date is None else int(request.scheduled_date)


async def _write_links(
    ctx: Context, row: EngagementRow, links: dict[str, Any], before: Document, after: Document
) -> None:
    """Write the links, and what custom fields are found by, that are others now."""
    for kind, values in links.items():
        if any(getattr(before, field) != getattr(after, field) for field in _FIELDS_OF_LINK[kind]):
            await store.set_links(ctx.tx, row, kind, values)
    if before.custom_fields != after.custom_fields:
        found_by = terms.of_custom_fields(after.custom_fields)
        await store.set_custom_fields(ctx.tx, row.org, row.number, found_by)
