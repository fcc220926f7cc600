"""The change feed: an org's events in the order in which they were committed."""

from collections.abc import Sequence

import msgspec

from rapport.auth import scopes
from rapport.contract import events as contract
from rapport.contract.kit import ids
from rapport.contract.kit.errors import Forbidden, ValueNotPermitted
from rapport.contract.kit.fields import DEFAULT_LIMIT, Raw, UnsetType
from rapport.events import log as events
from rapport.operations.kit.context import Context, handles
from rapport.operations.kit.optional import chosen
from rapport.store import events as store
from rapport.store.events import EventRow

# How many events one answer may pass over while it looks for some of the kinds that are asked for.
_FURTHEST = 50_000


@handles(contract.LIST)
async def list_(ctx: Context, request: contract.EventsListRequest) -> contract.EventsListResponse:
    """The next events of the kinds that the token may read."""
    kinds = _kinds(ctx, request.kinds)
    floor, end = await store.bounds(ctx.tx, ctx.org)
    start = chosen(request.after, floor)
    _check(start, floor, end)
    limit = chosen(request.limit, DEFAULT_LIMIT)
    reach = min(end, start + _FURTHEST)
    rows = await store.after(ctx.tx, ctx.org, start, kinds, limit, reach=reach)
    last = rows[-1].seq if len(rows) == limit else reach
    return contract.EventsListResponse(events=[_event(row) for row in rows], last=last, end=end)


def _kinds(ctx: Context, asked: Sequence[contract.EventKind] | UnsetType) -> Sequence[str]:
    """The kinds to tell of.

    Raises:
        Forbidden: the token may not read one that was asked for.
    """
    scope = ctx.caller.scope
    if not asked:
        return [kind for kind in contract.KINDS if scopes.grants(scope, f"{kind}:read")]
    for kind in asked:
        if not scopes.grants(scope, f"{kind}:read"):
            raise Forbidden(
                f"kinds: the token lacks the scope {kind}:read that events of {kind} need.",
                detail=f"Its scope is: {scope}. Leave {kind} out, or use a token with {kind}:read.",
            )
    return asked


def _check(after: int, floor: int, end: int) -> None:
    """Refuse a number that this feed can't go on from.

    Raises:
        ValueNotPermitted: events behind it are gone, or it was never given.
    """
    anew = (
        "Read everything anew: note `end` of an answer, walk the lists, "
        "then go on from that number."
    )
    if after < floor:
        raise ValueNotPermitted(
            f"after: {after} is too old: events up to {floor} are no longer kept.",
            detail=anew,
            field_name="after",
            reason=f"must be at least {floor}",
        )
    if after > end:
        raise ValueNotPermitted(
            f"after: {after} is beyond the end: the newest event is {end}.",
            detail=f"It is of another server or org, or from before a backup was restored. {anew}",
            field_name="after",
            reason=f"must be at most {end}",
        )


def _event(row: EventRow) -> Raw:
    told = events.body(row)
    about = {
        "type": told.pop("type"),
        "id": told.pop("id"),
        "sequence": row.seq,
        "timestamp": told.pop("timestamp"),
        **({"imported": told.pop("imported")} if "imported" in told else {}),
        "actor": ids.don_of(row.actor, row.org),
        "object": ids.don_of(row.object, row.org),
    }
    return Raw(msgspec.json.encode({**about, **told}))
