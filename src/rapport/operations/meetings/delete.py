"""Delete meetings, and let them live again."""

from typing import Any

import msgspec

from rapport.clock import MILLISECOND
from rapport.contract import meetings as contract
from rapport.contract.kit import ids
from rapport.contract.kit.errors import raise_all
from rapport.contract.kit.fields import UNSET
from rapport.contract.kit.restoring import Missing
from rapport.events import log as events
from rapport.operations.kit.changes import tell_deleted
from rapport.operations.kit.context import Context, handles
from rapport.operations.kit.finding import find, found
from rapport.operations.kit.restoring import (
    bring_back,
    bring_links_back,
    set_aside,
    set_links_aside,
)
from rapport.operations.meetings.checks import ref_in_use
from rapport.operations.meetings.documents import Document, answers, decode, encode, named_by
from rapport.store import meetings as store
from rapport.store.kit.references import resolve
from rapport.store.meetings import MeetingRow


@handles(contract.DELETE)
async def delete(
    ctx: Context, request: contract.MeetingsDeleteRequest
) -> contract.MeetingsDeleteResponse:
    """Delete one; its external_ref is free again, its artifacts stay bound to it, its comments
    and links go with it, and come back with it.
    """
    row = await found(ctx, request.id, store.lock)
    await set_links_aside(ctx, row.display_id)
    await set_aside(ctx, row.display_id)
    await tell_deleted(ctx, *await answers(ctx.tx, [row]))
    named = named_by(decode(row.document))
    await store.delete(ctx.tx, row, named, ctx.now, ctx.caller.user_id)
    return contract.MeetingsDeleteResponse()


@handles(contract.RESTORE)
async def restore(
    ctx: Context, request: contract.MeetingsRestoreRequest
) -> contract.MeetingsRestoreResponse:
    """Let a deleted one live again, without what is gone since. A live one is not changed."""
    held = await find(ctx, request.id, store.lock_deleted)
    missing: list[Missing] = []
    if held is None:
        row = await found(ctx, request.id, store.lock)
    else:
        row, missing = await _restore(ctx, held)
    (meeting,) = await answers(ctx.tx, [row])
    return contract.MeetingsRestoreResponse(meeting=meeting, missing=missing)


async def _restore(ctx: Context, row: MeetingRow) -> tuple[MeetingRow, list[Missing]]:
    """The row as it lives again, and what it came back without.

    Raises:
        ValueNotPermitted: another meeting has its external_ref meanwhile.
    """
    raise_all(await ref_in_use(ctx, row.external_ref or UNSET, None))
    (was,) = await answers(ctx.tx, [row])
    document, lost = await _without_gone(ctx, row, decode(row.document))
    live = row._replace(
        deleted_by=None,
        deleted_date=None,
        parent=None if "parent" in lost else row.parent,
        organizer=None if "organizer" in lost else row.organizer,
        modified_by=ctx.caller.user_id,
        modified_date=max(ctx.now, row.modified_date + MILLISECOND),
        document=encode(document).decode(),
    )
    await store.restore(ctx.tx, live, named_by(document))
    (now,) = await answers(ctx.tx, [live])
    await events.record(ctx.tx, [events.restored(ctx.org, ctx.caller.user_id, ctx.now, was, now)])
    missing = [
        Missing(field_name=field, id=ids.don_of(id_, ctx.org))
        for field, some in lost.items()
        for id_ in some
    ]
    missing += await bring_back(ctx, live.display_id)
    return live, [*missing, *await bring_links_back(ctx, live.display_id)]


async def _without_gone(
    ctx: Context, row: MeetingRow, document: Document
) -> tuple[Document, dict[str, list[str]]]:
    """A meeting's document without references that are gone; and these, by field."""
    single = {name: getattr(document, name) for name in ("recording", "transcript")}
    single |= {"organizer": row.organizer, "parent": row.parent}
    named = {
        "artifacts": document.artifacts,
        "members": document.members,
        "tags": [tag for tag, _ in document.tags],
        **{name: [id_] for name, id_ in single.items() if id_ is not None},
    }
    there = await resolve(ctx.tx, {(ctx.org, id_) for some in named.values() for id_ in some})
    lost = {
        name: gone
        for name, some in sorted(named.items())
        if (gone := [id_ for id_ in some if (ctx.org, id_) not in there])
    }
    left: dict[str, Any] = {
        "artifacts": [id_ for id_ in document.artifacts if (ctx.org, id_) in there],
        "members": [id_ for id_ in document.members if (ctx.org, id_) in there],
        "tags": [pair for pair in document.tags if (ctx.org, pair[0]) in there],
        **{name: None for name in ("recording", "transcript") if name in lost},
    }
    return msgspec.structs.replace(document, **left), lost
