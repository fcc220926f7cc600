"""What was deleted is removed for good, with all that was told of it; engagements and meetings
alike.
"""

from collections.abc import Awaitable, Callable, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from rapport import idempotency
from rapport.auth.caller import Caller
from rapport.contract import engagements as engagements_contract
from rapport.contract import meetings as meetings_contract
from rapport.contract.kit import ids
from rapport.contract.kit.errors import ValueNotPermitted
from rapport.contract.kit.ids import Id
from rapport.events import log
from rapport.operations.kit.changes import SYSTEM
from rapport.operations.kit.context import Context, handles
from rapport.operations.kit.finding import Get, find
from rapport.operations.kit.forgetting import forget_events, forget_files
from rapport.operations.kit.refusals import absent
from rapport.store import engagements, links, meetings, timeline_entries
from rapport.store.kit.db import Tx
from rapport.store.kit.deleted import long_deleted


class _Kind(NamedTuple):
    """What can be purged, and how its store does it."""

    kind: ids.Kind
    get: Get[Any]
    lock_deleted: Get[Any]
    purge: Callable[[Tx, str, Sequence[int]], Awaitable[None]]
    table: str


_ENGAGEMENTS = _Kind(
    ids.ENGAGEMENT, engagements.get, engagements.lock_deleted, engagements.purge, "engagements"
)
_MEETINGS = _Kind(ids.MEETING, meetings.get, meetings.lock_deleted, meetings.purge, "meetings")


@handles(engagements_contract.PURGE)
async def purge_engagement(
    ctx: Context, request: engagements_contract.EngagementsPurgeRequest
) -> engagements_contract.EngagementsPurgeResponse:
    """Remove a deleted engagement for good."""
    await _purge_one(ctx, request.id, _ENGAGEMENTS)
    return engagements_contract.EngagementsPurgeResponse()


@handles(meetings_contract.PURGE)
async def purge_meeting(
    ctx: Context, request: meetings_contract.MeetingsPurgeRequest
) -> meetings_contract.MeetingsPurgeResponse:
    """Remove a deleted meeting for good."""
    await _purge_one(ctx, request.id, _MEETINGS)
    return meetings_contract.MeetingsPurgeResponse()


async def _purge_one(ctx: Context, id_: Id, kind: _Kind) -> None:
    """Remove what an id names.

    Raises:
        NotFound: it never was, or is gone.
        ValueNotPermitted: it lives.
    """
    if await find(ctx, id_, kind.lock_deleted) is not None:
        await _purge(ctx, kind, [id_.number])
        return
    if await find(ctx, id_, kind.get) is None:
        raise absent(id_)
    raise ValueNotPermitted(
        f"id: {id_.display_id} is not deleted.",
        detail="Delete it first; what is purged never comes back.",
        field_name="id",
        reason="must be of something that was deleted",
    )


async def purge_long_deleted(tx: Tx, *, before: int, now: int, most: int) -> int:
    """Remove some of what was deleted by then, in the system's name; how many."""
    purged = 0
    for kind in (_ENGAGEMENTS, _MEETINGS):
        keys = sorted(await long_deleted(tx, kind.table, before=before, most=most))
        for org, some in groupby(keys, key=lambda key: key[0]):
            ctx = Context(Caller(org, SYSTEM, ""), now, tx)
            await _purge(ctx, kind, [number for _, number in some])
        purged += len(keys)
    return purged


async def _purge(ctx: Context, kind: _Kind, numbers: Sequence[int]) -> None:
    """Remove deleted objects, which are held, and whatever shows what they were."""
    tx, org = ctx.tx, ctx.org
    gone = [kind.kind.display_id(number) for number in numbers]
    await forget_files(ctx, gone)
    await timeline_entries.purge(tx, org, gone)
    await links.purge(tx, org, gone)
    await kind.purge(tx, org, numbers)
    await forget_events(ctx, gone)
    await idempotency.purge(tx, org, [ids.don_of(one, org) for one in gone])
    by = ctx.caller.user_id
    await log.record(tx, [log.gone(org, by, ctx.now, "purged", one) for one in gone])
