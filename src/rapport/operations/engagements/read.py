"""Find, list, count and sum up engagements."""

from rapport.contract import engagements as contract
from rapport.contract.kit import ids
from rapport.contract.kit.grouping import GroupsResponse
from rapport.operations.engagements.documents import answers
from rapport.operations.kit.context import Context, handles
from rapport.operations.kit.finding import found
from rapport.operations.kit.listing import (
    LAST_DELETED_FIRST,
    add_audit,
    add_custom_fields,
    add_dates,
    cursors,
    own_ids,
    read_walk,
)
from rapport.operations.kit.optional import given
from rapport.operations.kit.restoring import asks_for_deleted
from rapport.operations.kit.searching import add_query
from rapport.operations.kit.summarizing import summarize as summarized
from rapport.store import engagements as store
from rapport.store.engagements import Stored
from rapport.store.kit import query
from rapport.store.kit.filters import Filter


@handles(contract.GET)
async def get(
    ctx: Context, request: contract.EngagementsGetRequest
) -> contract.EngagementsGetResponse:
    """Find one."""
    kept = await found(ctx, request.id, store.get)
    return contract.EngagementsGetResponse(
        engagement=(await answers(ctx.tx, ctx.org, [kept], request.expand))[0]
    )


@handles(contract.LIST)
async def list_(
    ctx: Context, request: contract.EngagementsListRequest
) -> contract.EngagementsListResponse:
    """A page of those that match."""
    where = await _matching(ctx, request)
    if request.deleted is True:
        name = "engagements.deleted"
        walk = read_walk(name, request, store.DELETED_SORTS, LAST_DELETED_FIRST)
    else:
        name = "engagements"
        walk = read_walk(name, request, store.SORTS)
    page = await query.page(ctx.tx, where, walk)
    engagements = await answers(ctx.tx, ctx.org, page.rows, request.expand)
    return contract.EngagementsListResponse(engagements=engagements, **cursors(name, walk, page))


@handles(contract.COUNT)
async def count(
    ctx: Context, request: contract.EngagementsCountRequest
) -> contract.EngagementsCountResponse:
    """How many match."""
    return contract.EngagementsCountResponse(
        count=await query.count(ctx.tx, await _matching(ctx, request))
    )


@handles(contract.SUMMARIZE)
async def summarize(ctx: Context, request: contract.EngagementsSummarizeRequest) -> GroupsResponse:
    """Those that match, summed up by one key or two."""
    sums = store.sums(rollup=request.rollup is True)
    where = await _matching(ctx, request)
    return await summarized(ctx, contract.SUMMARIZE.name, request, where, sums)


async def _matching(ctx: Context, request: contract.EngagementsCountRequest) -> Filter[Stored]:
    org = ctx.org
    gone = asks_for_deleted(ctx, request.deleted, contract.DELETE.scope or "")
    where = store.deleted(org) if gone else store.live(org)
    await add_query(ctx, where, request.query, ids.ENGAGEMENT, gone=gone)
    where.among("engagement_type", [*given(request.type), *given(request.engagement_type)])
    where.among("external_ref", given(request.external_ref))
    where.among("members", own_ids(org, request.members))
    where.among("parent", own_ids(org, request.parent))
    where.among("tags", own_ids(org, request.tags))
    add_custom_fields(where, request.custom_fields)
    add_audit(where, org, request)
    add_dates(where, "scheduled_date", request.scheduled_date)
    return where
