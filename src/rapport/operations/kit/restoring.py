"""Deleting what can come back, and bringing it back; of whatever kind it is."""

from collections.abc import Sequence

from rapport.auth.caller import allows
from rapport.contract.engagements import Missing
from rapport.contract.kit import ids
from rapport.contract.kit.errors import Forbidden
from rapport.contract.kit.fields import UnsetType
from rapport.operations.kit.changes import tell_created, tell_deleted
from rapport.operations.kit.context import Context
from rapport.operations.kit.showing import shown
from rapport.store import artifacts, timeline_entries


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


async def _hide(ctx: Context, display_id: str, comments: Sequence[str], *, hidden: bool) -> None:
    holders = [display_id, *(ids.path(display_id, comment) for comment in comments)]
    await artifacts.hide(ctx.tx, ctx.org, holders, hidden=hidden)
