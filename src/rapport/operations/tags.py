"""Tags: make, find."""

from collections.abc import Sequence
from typing import Any

import msgspec

from rapport.contract import ids
from rapport.contract import tags as contract
from rapport.contract.errors import NotFound
from rapport.contract.fields import UNSET, UnsetType
from rapport.operations.atoms import atom, authors, or_unset, value_of
from rapport.operations.context import Context, handles
from rapport.operations.listing import given, read_walk
from rapport.store import numbers
from rapport.store import tags as store
from rapport.store.db import Tx


class Document(msgspec.Struct, omit_defaults=True, kw_only=True):
    """What a tag's row keeps beside its columns."""

    description: str | None = None
    color: str | None = None


@handles(contract.CREATE)
async def create(ctx: Context, request: contract.TagsCreateRequest) -> contract.TagsCreateResponse:
    """Make a tag."""
    allowed = value_of(request.allowed_values)
    style = request.style_new
    document = Document(
        description=value_of(request.description),
        color=None if isinstance(style, UnsetType) else value_of(style.color),
    )
    row = store.TagRow(
        org=ctx.org, number=await numbers.take_one(ctx.tx, ids.TAG, ctx.org), name=request.name,
        allowed_values=None if not allowed else msgspec.json.encode(list(dict.fromkeys(allowed))).decode(),
        created_by=ctx.caller.user_id, created_date=ctx.now, modified_by=ctx.caller.user_id, modified_date=ctx.now,
        document=msgspec.json.encode(document).decode(),
    )  # fmt: skip
    await store.insert(ctx.tx, row)
    return contract.TagsCreateResponse(tag=(await _tags(ctx.tx, [row]))[0])


@handles(contract.GET)
async def get(ctx: Context, request: contract.TagsGetRequest) -> contract.TagsGetResponse:
    """Find a tag."""
    row = await store.get(ctx.tx, ctx.org, request.id.number) if request.id.belongs_to(ctx.org) else None
    if row is None:
        raise NotFound(f"There is no tag {request.id.text[:80]!r}.", detail="It never was, or it was deleted.")
    return contract.TagsGetResponse(tag=(await _tags(ctx.tx, [row]))[0])


@handles(contract.LIST)
async def list_(ctx: Context, request: contract.TagsListRequest) -> contract.TagsListResponse:
    """A page of tags."""
    walk = read_walk("tags", request, store.SORTS)
    where = store.of_org(ctx.org)
    where.any_of("names", given(request.name), "t.name IN ({values})")
    page = await store.listed(ctx.tx, where, walk.sorts, **walk.arguments())
    return contract.TagsListResponse(tags=await _tags(ctx.tx, page.rows), **walk.cursors(page))


async def _tags(tx: Tx, rows: Sequence[Any]) -> list[contract.Tag]:
    people = await authors(tx, rows)
    tags = []
    for row in rows:
        document = msgspec.json.decode(row.document, type=Document)
        tags.append(
            contract.Tag(
                **atom(ids.TAG, row, people),
                allowed_values=msgspec.json.decode(row.allowed_values) if row.allowed_values else UNSET,
                description=or_unset(document.description),
                name=row.name,
                style_new=UNSET if document.color is None else contract.TagStyleSummary(color=document.color),
            )
        )
    return tags
