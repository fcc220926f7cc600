"""Delete engagements, and let them live again."""

import msgspec

from rapport.clock import MILLISECOND, format_rfc3339
from rapport.contract import engagements as contract
from rapport.contract.kit import ids
from rapport.contract.kit.restoring import Missing
from rapport.events import log as events
from rapport.operations.engagements.documents import (
    answers,
    decode,
    encode,
    kept_of,
    link_fields,
    ref_in_use,
)
from rapport.operations.engagements.update import write_links
from rapport.operations.kit.changes import tell_deleted
from rapport.operations.kit.context import Context, handles
from rapport.operations.kit.finding import find, found
from rapport.operations.kit.restoring import bring_back, set_aside
from rapport.store import engagement_links
from rapport.store import engagements as store
from rapport.store.engagement_links import Related
from rapport.store.engagements import EngagementRow, Stored
from rapport.store.kit.references import resolve


@handles(contract.DELETE)
async def delete(
    ctx: Context, request: contract.EngagementsDeleteRequest
) -> contract.EngagementsDeleteResponse:
    """Delete one; its external_ref is free again, its artifacts stay bound to it, its comments
    go with it, and come back with it.
    """
    row = await found(ctx, request.id, store.lock)
    await set_aside(ctx, request.id.display_id)
    await tell_deleted(ctx, *await answers(ctx.tx, ctx.org, [kept_of(row)]))
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
    (engagement,) = await answers(ctx.tx, ctx.org, [kept_of(row)], request.expand)
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
            raise ref_in_use(ctx.org, row.external_ref, number)
    links = await engagement_links.links_of(ctx.tx, ctx.org, row.number)
    named = {*links.members, *links.parents, *(tag for tag, _ in links.tags), *links.artifacts}
    there = await resolve(ctx.tx, {(ctx.org, id_) for id_ in named})
    gone = {id_ for id_ in named if (ctx.org, id_) not in there}
    (was,) = await answers(ctx.tx, ctx.org, [kept])
    await store.restore(ctx.tx, ctx.org, row.number)
    row, missing = await _without(ctx, row, links, gone)
    (engagement,) = await answers(ctx.tx, ctx.org, [kept_of(row)])
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
    before = decode(row.document)
    after = msgspec.structs.replace(
        before, modified_date=format_rfc3339(modified), **link_fields(ctx.org, left)
    )
    changed = row._replace(
        modified_by=ctx.caller.user_id, modified_date=modified, document=encode(after).decode()
    )
    await store.update(ctx.tx, row, changed)
    kept = {kind: getattr(left, kind) for kind in engagement_links.LINKS}
    await write_links(ctx, changed, kept, before, after)
    lost = [
        Missing(field_name=kind, id=don)
        for kind in engagement_links.LINKS
        for don in getattr(before, kind)
        if don not in getattr(after, kind)
    ]
    return changed, lost
