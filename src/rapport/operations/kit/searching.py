"""What a query means for who asks: read, refused with a sentence, and looked up."""

from typing import Any

from rapport.auth.scopes import grants
from rapport.contract.kit import ids
from rapport.contract.kit.errors import ValueNotPermitted
from rapport.contract.kit.fields import UnsetType
from rapport.operations.kit.context import Context
from rapport.store import search
from rapport.store.kit.asking import Asking, NothingAsked, parse
from rapport.store.kit.filters import Filter
from rapport.store.looking import Meaning

# The families that are not called like their kind.
_FAMILIES = {ids.OPPORTUNITY: "work", ids.COMMENT: "timeline_entry", ids.SYS_USER: "dev_user"}


def may_read(ctx: Context, kind: ids.Kind) -> bool:
    """Whether the caller's token may read objects of a kind."""
    return grants(ctx.caller.scope, f"{_FAMILIES.get(kind, kind.name)}:read")


async def meaning(ctx: Context, query: str) -> Meaning:
    """Read a query, and look up what it means.

    Raises:
        ValueNotPermitted: it asks for nothing.
    """
    try:
        asking = parse(query)
    except NothingAsked:
        raise ValueNotPermitted(
            "query: it says nothing of what is wanted.",
            detail="Write a word that has to be there.",
            field_name="query",
            reason="must have a word, a phrase or a filter that is wanted",
        ) from None
    return await _understood(ctx, asking, reads_comments=may_read(ctx, ids.COMMENT))


async def nothing_meant(ctx: Context) -> Meaning:
    """What is known of the index where no query is asked."""
    return await _understood(ctx, Asking(), reads_comments=False)


async def _understood(ctx: Context, asking: Asking, *, reads_comments: bool) -> Meaning:
    me = ctx.caller.user_id
    return await search.understand(ctx.tx, ctx.org, me, asking, reads_comments=reads_comments)


async def add_query(
    ctx: Context, where: Filter[Any], query: str | UnsetType, kind: ids.Kind, *, gone: bool
) -> None:
    """Keep what a query finds; everything without one.

    Args:
        ctx: of the call.
        where: the listing.
        query: as it was sent.
        kind: what is listed.
        gone: it is a list of what was deleted.

    Raises:
        ValueNotPermitted: it asks for nothing.
    """
    if not isinstance(query, UnsetType):
        await search.narrow(ctx.tx, where, await meaning(ctx, query), kind, gone=gone)
