"""Find, list, count and sum up meetings."""

from rapport.contract import meetings as contract
from rapport.contract.kit import ids
from rapport.contract.kit.fields import UnsetType
from rapport.contract.kit.grouping import GroupsResponse
from rapport.operations.kit.context import Context, handles
from rapport.operations.kit.finding import found
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
from rapport.operations.kit.optional import chosen, given
from rapport.operations.kit.restoring import asks_for_deleted
from rapport.operations.kit.searching import add_query
from rapport.operations.kit.summarizing import summarize as summarized
from rapport.operations.meetings.documents import answers
from rapport.store import meetings as store
from rapport.store.kit import query
from rapport.store.kit.filters import Filter
from rapport.store.meetings import LinkAsked, MeetingRow


@handles(contract.GET)
async def get(ctx: Context, request: contract.MeetingsGetRequest) -> contract.MeetingsGetResponse:
    """Find one."""
    row = await found(ctx, request.id, store.get)
    return contract.MeetingsGetResponse(meeting=(await answers(ctx.tx, [row]))[0])


@handles(contract.LIST)
async def list_(
    ctx: Context, request: contract.MeetingsListRequest
) -> contract.MeetingsListResponse:
    """A page of those that match."""
    where = await _matching(ctx, request)
    if request.deleted is True:
        name = "meetings.deleted"
        walk = read_walk(name, request, store.DELETED_SORTS, LAST_DELETED_FIRST)
    else:
        name = "meetings"
        walk = read_walk(name, request, store.SORTS)
    page = await query.page(ctx.tx, where, walk)
    return contract.MeetingsListResponse(
        meetings=await answers(ctx.tx, page.rows), **cursors(name, walk, page)
    )


@handles(contract.COUNT)
async def count(
    ctx: Context, request: contract.MeetingsCountRequest
) -> contract.MeetingsCountResponse:
    """How many match."""
    return contract.MeetingsCountResponse(
        count=await query.count(ctx.tx, await _matching(ctx, request))
    )


@handles(contract.SUMMARIZE)
async def summarize(ctx: Context, request: contract.MeetingsSummarizeRequest) -> GroupsResponse:
    """Those that match, summed up by one key or two."""
    sums = store.sums(rollup=request.rollup is True)
    where = await _matching(ctx, request)
    return await summarized(ctx, contract.SUMMARIZE.name, request, where, sums)


async def _matching(ctx: Context, request: contract.MeetingsCountRequest) -> Filter[MeetingRow]:
    gone = asks_for_deleted(ctx, request.deleted, contract.DELETE.scope or "")
    where = store.deleted(ctx.org) if gone else store.live(ctx.org)
    await add_query(ctx, where, request.query, ids.MEETING, gone=gone)
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
