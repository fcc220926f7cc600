"""What goes for good with an object: what was told of it, and its files."""

from collections.abc import Sequence

from rapport.contract.kit import ids
from rapport.events import log
from rapport.operations.kit.context import Context
from rapport.store import artifact_cleaning, events, webhook_deliveries


async def forget_events(ctx: Context, objects: Sequence[str]) -> None:
    """Remove all that was told of objects, named by display ids, and of what stands on them."""
    told = await events.told_of(ctx.tx, ctx.org, objects)
    await webhook_deliveries.purge(ctx.tx, ctx.org, told)
    await events.purge(ctx.tx, ctx.org, told)


async def forget_files(ctx: Context, holders: Sequence[str]) -> None:
    """Remove the files of objects, named by display ids, and of what stands on them, and tell that
    they are gone. One that shows somebody becomes theirs.
    """
    files = await artifact_cleaning.bound_to(ctx.tx, ctx.org, holders)
    pictures = await artifact_cleaning.rescue_pictures(ctx.tx, ctx.org, files)
    files = [number for number in files if number not in pictures]
    await artifact_cleaning.remove(ctx.tx, [(ctx.org, number) for number in files], now=ctx.now)
    names = [ids.ARTIFACT.display_id(number) for number in files]
    await forget_events(ctx, names)
    by = ctx.caller.user_id
    await log.record(ctx.tx, [log.gone(ctx.org, by, ctx.now, "deleted", one) for one in names])
