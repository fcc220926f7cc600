"""How other families see an object: as its methods answer it. Each family says how its own is
shown.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from rapport.contract.kit import ids
from rapport.contract.kit.fields import Raw, Response
from rapport.events import log as events
from rapport.operations.kit.context import Context
from rapport.store.kit.db import Tx

# An object as a method answers it.
Shown = Raw | Response
Show = Callable[[Tx, str, Sequence[int]], Awaitable[Mapping[str, Shown]]]
S = TypeVar("S", bound=Show)
_SHOWN: dict[ids.Kind, Show] = {}


def shows(kind: ids.Kind) -> Callable[[S], S]:
    """Register the function that shows an org's objects of a kind by their numbers, leaving out
    those that are gone.
    """

    def register(function: S) -> S:
        _SHOWN[kind] = function
        return function

    return register


def is_shown(kind: ids.Kind) -> bool:
    """Whether there is anything to see of objects of a kind."""
    return kind in _SHOWN


async def shown(tx: Tx, org: str, display_ids: Sequence[str]) -> dict[str, Shown]:
    """Objects of an org by display id; those that are gone are left out."""
    numbers: dict[ids.Kind, list[int]] = {}
    for display_id in display_ids:
        numbers.setdefault(ids.kind_of(display_id), []).append(ids.number_of(display_id))
    return {
        id_: answer
        for kind, some in numbers.items()
        for id_, answer in (await _SHOWN[kind](tx, org, some)).items()
    }


@asynccontextmanager
async def touching(ctx: Context, display_ids: Sequence[str]) -> AsyncIterator[None]:
    """Tell what the `async with` block changes of these objects, which nobody edits: what they
    refer to does.
    """
    before = await shown(ctx.tx, ctx.org, display_ids)
    yield
    after = await shown(ctx.tx, ctx.org, display_ids)
    both = [(was, after[id_]) for id_, was in before.items() if id_ in after]
    await events.record(
        ctx.tx, [events.updated(ctx.org, ctx.caller.user_id, ctx.now, *pair) for pair in both]
    )
