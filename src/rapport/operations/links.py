"""Links: make, find, delete, replace."""

from collections.abc import Sequence
from typing import Any

from rapport.contract import links as contract
from rapport.contract.kit import ids
from rapport.contract.kit.errors import ValueNotPermitted, raise_all
from rapport.contract.kit.fields import UNSET
from rapport.contract.kit.ids import LinkEndpointId
from rapport.operations.kit.atoms import atom, authors
from rapport.operations.kit.changes import tell_created, tell_deleted
from rapport.operations.kit.context import Context, handles
from rapport.operations.kit.finding import find, found
from rapport.operations.kit.listing import NEWEST_FIRST, cursors, walk_of
from rapport.operations.kit.optional import chosen, given
from rapport.operations.kit.references import References, wanted
from rapport.operations.kit.refusals import absent, unknown_id
from rapport.operations.kit.showing import shows
from rapport.store import links as store
from rapport.store import summaries
from rapport.store.kit import numbers, query
from rapport.store.kit.db import Tx
from rapport.store.kit.references import resolve
from rapport.store.links import LinkRow


@handles(contract.CREATE)
async def create(
    ctx: Context, request: contract.LinksCreateRequest
) -> contract.LinksCreateResponse:
    """Link two objects."""
    custom = chosen(request.custom_link_type, None)
    row = await _add(ctx, request.link_type, request.source, request.target, custom)
    return contract.LinksCreateResponse(link=(await _links(ctx.tx, [row]))[0])


async def _add(
    ctx: Context,
    link_type: contract.LinkType,
    source: LinkEndpointId,
    target: LinkEndpointId,
    custom: str | None,
) -> LinkRow:
    references = References(ctx.org, await resolve(ctx.tx, wanted(ctx.org, [source, target])))
    references.one("source", source)
    references.one("target", target)
    raise_all(references.problems)
    if source.display_id == target.display_id:
        raise ValueNotPermitted(
            f"target: {target.display_id} is the source too.",
            detail="Link two different objects.",
            field_name="target",
            reason="must not be the source",
        )
    row = LinkRow(
        org=ctx.org,
        number=await numbers.take_one(ctx.tx, ids.LINK, ctx.org),
        link_type=link_type,
        custom_link_type=custom,
        source=source.display_id,
        source_kind=source.kind.name,
        target=target.display_id,
        target_kind=target.kind.name,
        **ctx.stamps._asdict(),
    )
    await store.insert(ctx.tx, row)
    await tell_created(ctx, ids.LINK.display_id(row.number))
    return row


@handles(contract.GET)
async def get(ctx: Context, request: contract.LinksGetRequest) -> contract.LinksGetResponse:
    """Find a link."""
    row = await found(ctx, request.id, store.get)
    return contract.LinksGetResponse(link=(await _links(ctx.tx, [row]))[0])


@handles(contract.LIST)
async def list_(ctx: Context, request: contract.LinksListRequest) -> contract.LinksListResponse:
    """A page of an object's links, the newest first."""
    walk = walk_of("links", (NEWEST_FIRST,), store.SORTS, request)
    object_ = request.object.display_id if request.object.belongs_to(ctx.org) else ""
    where = store.of_object(
        ctx.org,
        object_,
        direction=chosen(request.direction, None),
        other_kinds=given(request.object_types),
    )
    where.among("link_type", [*given(request.link_type), *given(request.types)])
    page = await query.page(ctx.tx, where, walk)
    return contract.LinksListResponse(
        links=await _links(ctx.tx, page.rows), **cursors("links", walk, page)
    )


@handles(contract.DELETE)
async def delete(
    ctx: Context, request: contract.LinksDeleteRequest
) -> contract.LinksDeleteResponse:
    """Delete a link."""
    if not await _delete(ctx, request.id):
        raise absent(request.id)
    return contract.LinksDeleteResponse()


async def _delete(ctx: Context, id_: ids.LinkId) -> bool:
    """Delete a link; False when there is none."""
    if await find(ctx, id_, store.lock) is None:
        return False
    await tell_deleted(ctx, *(await show(ctx.tx, ctx.org, [id_.number])).values())
    await store.delete(ctx.tx, ctx.org, [id_.number])
    return True


@handles(contract.REPLACE)
async def replace(
    ctx: Context, request: contract.LinksReplaceRequest
) -> contract.LinksReplaceResponse:
    """Delete a link and make another. The facts list no 404 here, so an absent one is a bad id."""
    if not await _delete(ctx, request.id):
        raise unknown_id("id", request.id)
    row = await _add(ctx, request.link_type, request.source, request.target, None)
    return contract.LinksReplaceResponse(link=(await _links(ctx.tx, [row]))[0])


@shows(ids.LINK)
async def show(tx: Tx, org: str, numbers_: Sequence[int]) -> dict[str, contract.Link]:
    """Links by display id."""
    rows = await query.numbered(tx, store.of_org(org), numbers_)
    return {link.display_id: link for link in await _links(tx, rows)}


async def _links(tx: Tx, rows: Sequence[Any]) -> list[contract.Link]:
    org = rows[0].org if rows else ""
    ends = {end for row in rows for end in (row.source, row.target)}
    found = await _endpoints(tx, org, ends)
    people = await authors(tx, rows)
    return [
        contract.Link(
            **atom(ids.LINK, row, people),
            custom_link_type=_custom(row.custom_link_type),
            link_type=row.link_type,
            source=found[row.source],
            target=found[row.target],
        )
        for row in rows
    ]


async def _endpoints(tx: Tx, org: str, display_ids: set[str]) -> dict[str, Any]:
    """The summaries of what links join, by display id, with one query for each kind."""
    people = {(org, end) for end in display_ids if ids.kind_of(end) in ids.USERS}
    found: dict[str, Any] = {
        key[1]: user for key, user in (await summaries.users(tx, people)).items()
    }
    found |= await summaries.parents(tx, org, display_ids)
    found |= await summaries.meetings(tx, org, ids.numbers_of(ids.MEETING, display_ids))
    found |= await summaries.rev_orgs(tx, org, ids.numbers_of(ids.REV_ORG, display_ids))
    return found


def _custom(id_: str | None) -> Any:
    return UNSET if id_ is None else contract.CustomLinkTypeSummary(display_id=id_, id=id_)
