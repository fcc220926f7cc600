"""Deleting what can come back, and bringing it back; of whatever kind it is."""

from collections.abc import Sequence

from rapport.auth.caller import allows
from rapport.contract.kit import ids
from rapport.contract.kit.errors import Forbidden
from rapport.contract.kit.fields import UnsetType
from rapport.contract.kit.restoring import Missing
from rapport.operations.kit.changes import tell_created, tell_deleted
from rapport.operations.kit.context import Context
from rapport.operations.kit.showing import shown
from rapport.store import artifacts, links, meetings, timeline_entries
from rapport.store.kit.references import resolve


def asks_for_deleted(ctx: Context, deleted: bool | UnsetType, scope: str) -> bool:  # noqa: FBT001  # a request's field
    """Whether a list is of what is deleted, which takes a scope of its own.

    Raises:
        Forbidden: it is, and the caller may not see that.
    """
    if isinstance(deleted, UnsetType) or not deleted:
        return False
    if not allows(ctx.caller, scope):
        raise Forbidden(
            f"deleted: what is deleted takes the scope {scope}.",
            detail=f"Use a token with {scope}, of a user who may delete; or leave deleted out.",
        )
    return True


async def set_aside(ctx: Context, display_id: str) -> None:
    """Take comments off an object that is going to be deleted, and hide its files and theirs."""
    numbers = await timeline_entries.numbers_of(ctx.tx, ctx.org, [display_id])
    comments = [ids.COMMENT.display_id(number) for number in numbers]
    await tell_deleted(ctx, *(await shown(ctx.tx, ctx.org, comments)).values())
    await timeline_entries.set_aside(ctx.tx, ctx.org, display_id)
    await _hide(ctx, display_id, comments, hidden=True)


async def bring_back(ctx: Context, display_id: str) -> list[Missing]:
    """Give an object that lives again its comments and files; what these lost meanwhile."""
    numbers, bereft = await timeline_entries.bring_back(ctx.tx, ctx.org, display_id)
    comments = [ids.COMMENT.display_id(number) for number in numbers]
    await _hide(ctx, display_id, comments, hidden=False)
    if comments:
        await tell_created(ctx, *comments)
    paths = [ids.path(display_id, ids.COMMENT.display_id(number)) for number in bereft]
    return [
        Missing(field_name="comment.external_ref", id=ids.don_of(path, ctx.org)) for path in paths
    ]


async def set_links_aside(ctx: Context, display_id: str) -> None:
    """Take links off an object that is going to be deleted."""
    numbers = await links.numbers_of(ctx.tx, ctx.org, [display_id])
    gone = await shown(ctx.tx, ctx.org, [ids.LINK.display_id(number) for number in numbers])
    await tell_deleted(ctx, *gone.values())
    await links.set_aside(ctx.tx, ctx.org, display_id)


async def bring_links_back(ctx: Context, display_id: str) -> list[Missing]:
    """Give an object that lives again its links; the other ends that are gone. A link to what is
    deleted and can come back waits for that.
    """
    others = {
        row: row.target if row.source == display_id else row.source
        for row in await links.set_aside_of(ctx.tx, ctx.org, display_id)
    }
    there = await resolve(ctx.tx, {(ctx.org, other) for other in others.values()})
    gone = {row: other for row, other in others.items() if (ctx.org, other) not in there}
    waiting = await meetings.deleted_among(ctx.tx, ctx.org, list(gone.values()))
    later = {row.number: other for row, other in gone.items() if other in waiting}
    await links.hand_over(ctx.tx, ctx.org, list(later.items()))
    lost = {row.number: other for row, other in gone.items() if other not in waiting}
    await links.forget(ctx.tx, ctx.org, list(lost))
    back = [row for row in others if row not in gone]
    await links.bring_back(ctx.tx, ctx.org, back)
    await tell_created(ctx, *(ids.LINK.display_id(row.number) for row in back))
    return [Missing(field_name="links", id=ids.don_of(other, ctx.org)) for other in lost.values()]


async def _hide(ctx: Context, display_id: str, comments: Sequence[str], *, hidden: bool) -> None:
    holders = [display_id, *(ids.path(display_id, comment) for comment in comments)]
    await artifacts.hide(ctx.tx, ctx.org, holders, hidden=hidden)
