"""Tags: make, find, change, delete."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec

from rapport.contract import tags as contract
from rapport.contract.kit import ids, verbatim
from rapport.contract.kit.fields import UNSET, UnsetType
from rapport.operations.kit.atoms import atom, authors
from rapport.operations.kit.changes import (
    AT_ONCE,
    changed,
    chunks,
    distinct,
    tell_created,
    tell_deleted,
)
from rapport.operations.kit.context import Context, handles
from rapport.operations.kit.finding import found
from rapport.operations.kit.listing import cursors, read_walk
from rapport.operations.kit.optional import chosen, given, only_set, or_unset
from rapport.operations.kit.showing import shows, touching
from rapport.store import engagement_links, engagements
from rapport.store import tags as store
from rapport.store.kit import numbers, query
from rapport.store.kit.db import Tx


class Document(msgspec.Struct, omit_defaults=True, kw_only=True):
    """What a tag's row keeps beside its columns."""

    description: str | None = None
    color: str | None = None


@handles(contract.CREATE)
async def create(ctx: Context, request: contract.TagsCreateRequest) -> contract.TagsCreateResponse:
    """Make a tag."""
    style = request.style_new
    document = Document(
        description=chosen(request.description, None),
        color=None if isinstance(style, UnsetType) else chosen(style.color, None),
    )
    row = store.TagRow(
        org=ctx.org,
        number=await numbers.take_one(ctx.tx, ids.TAG, ctx.org),
        name=request.name,
        allowed_values=_allowed(request.allowed_values, None),
        **ctx.stamps._asdict(),
        document=msgspec.json.encode(document).decode(),
    )
    await store.insert(ctx.tx, row)
    await tell_created(ctx, ids.TAG.display_id(row.number))
    return contract.TagsCreateResponse(tag=(await _tags(ctx.tx, [row]))[0])


def _allowed(values: Sequence[str] | UnsetType, before: str | None) -> str | None:
    """The column for a tag's allowed values: NULL when there are none."""
    if isinstance(values, UnsetType):
        return before
    return msgspec.json.encode(distinct(values)).decode() if values else None


@handles(contract.GET)
async def get(ctx: Context, request: contract.TagsGetRequest) -> contract.TagsGetResponse:
    """Find a tag."""
    row = await found(ctx, request.id, store.get)
    return contract.TagsGetResponse(tag=(await _tags(ctx.tx, [row]))[0])


@handles(contract.LIST)
async def list_(ctx: Context, request: contract.TagsListRequest) -> contract.TagsListResponse:
    """A page of tags."""
    walk = read_walk("tags", request, store.SORTS)
    where = store.of_org(ctx.org)
    where.among("name", given(request.name))
    page = await query.page(ctx.tx, where, walk)
    return contract.TagsListResponse(
        tags=await _tags(ctx.tx, page.rows), **cursors("tags", walk, page)
    )


@handles(contract.UPDATE)
async def update(ctx: Context, request: contract.TagsUpdateRequest) -> contract.TagsUpdateResponse:
    """Change a tag. Values that it no longer allows stay where they were set."""
    row = await found(ctx, request.id, store.lock)
    before = msgspec.json.decode(row.document, type=Document)
    style = request.style_new
    document = Document(
        description=chosen(request.description, before.description),
        color=before.color if isinstance(style, UnsetType) else chosen(style.color, before.color),
    )
    after = row._replace(
        name=chosen(request.name, row.name),
        allowed_values=_allowed(only_set(request.allowed_values), row.allowed_values),
        document=msgspec.json.encode(document).decode(),
    )
    tag = await changed(ctx, row, after, partial(store.update, ctx.tx), _tags)
    return contract.TagsUpdateResponse(tag=tag)


@handles(contract.DELETE)
async def delete(ctx: Context, request: contract.TagsDeleteRequest) -> contract.TagsDeleteResponse:
    """Delete a tag, and take it off everything that has it. Those objects are not changed by
    anybody: no date moves.
    """
    id_ = request.id
    row = await found(ctx, id_, store.lock)
    tag, last = id_.display_id, None
    don = ids.don_of(tag, ctx.org)
    # Everything is held before anything is told: whoever tells of a change holds the org's events
    # until the commit, and may not wait for somebody who wants to tell of another one.
    carriers = {
        table: await store.carriers(ctx.tx, ctx.org, tag, table) for table in store.CARRIERS
    }
    await engagement_links.hold_tagged(ctx.tx, ctx.org, tag)
    while tagged := await engagement_links.with_tag(ctx.tx, ctx.org, tag, last, AT_ONCE):
        last = tagged[-1]
        async with touching(ctx, [ids.ENGAGEMENT.display_id(one.number) for one in tagged]):
            await engagements.put_documents(
                ctx.tx,
                ctx.org,
                [(one.number, _without_don(one.document, don)) for one in tagged],
            )
    await engagement_links.remove_tag(ctx.tx, ctx.org, tag)
    for table, everything in carriers.items():
        for some in chunks(everything):
            rows = [(key, _without_tag(text, tag)) for key, text in some]
            async with touching(ctx, [key for key, _ in some]):
                await store.put_documents(ctx.tx, ctx.org, table, rows)
    await tell_deleted(ctx, *await _tags(ctx.tx, [row]))
    await store.delete(ctx.tx, ctx.org, id_.number)
    return contract.TagsDeleteResponse()


def _without_don(document: str, don: str) -> str:
    """An engagement's document without a tag."""
    fields = verbatim.read(document.encode())
    fields["tags"] = [tag for tag in fields["tags"] if tag != don]
    fields["tag_values"] = {
        tag: value for tag, value in fields.get("tag_values", {}).items() if tag != don
    }
    return _without_empty(fields, "tags", "tag_values")


def _without_tag(document: str, tag: str) -> str:
    """Any other object's document without a tag."""
    fields = verbatim.read(document.encode())
    fields["tags"] = [pair for pair in fields["tags"] if pair[0] != tag]
    return _without_empty(fields, "tags")


def _without_empty(fields: dict[str, Any], *names: str) -> str:
    return msgspec.json.encode(
        {key: value for key, value in fields.items() if value or key not in names}
    ).decode()


@shows(ids.TAG)
async def show(tx: Tx, org: str, numbers_: Sequence[int]) -> dict[str, contract.Tag]:
    """Tags by display id."""
    rows = await query.numbered(tx, store.of_org(org), numbers_)
    return {tag.display_id: tag for tag in await _tags(tx, rows)}


async def _tags(tx: Tx, rows: Sequence[Any]) -> list[contract.Tag]:
    people = await authors(tx, rows)
    tags = []
    for row in rows:
        document = msgspec.json.decode(row.document, type=Document)
        tags.append(
            contract.Tag(
                **atom(ids.TAG, row, people),
                allowed_values=msgspec.json.decode(row.allowed_values)
                if row.allowed_values
                else UNSET,
                description=or_unset(document.description),
                name=row.name,
                style_new=UNSET
                if document.color is None
                else contract.TagStyleSummary(color=document.color),
            )
        )
    return tags
