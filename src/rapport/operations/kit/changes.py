"""What updates and deletes of every family share."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import msgspec

from rapport.clock import MILLISECOND
from rapport.contract.kit import ids, verbatim
from rapport.contract.kit.errors import ValueNotPermitted
from rapport.contract.kit.fields import CUSTOM_FIELDS_BYTES, CustomSchemaSpec, Json, Raw, UnsetType
from rapport.contract.kit.ids import ArtifactId
from rapport.events import log as events
from rapport.operations.kit.atoms import AtomRow
from rapport.operations.kit.context import Context
from rapport.operations.kit.optional import given
from rapport.operations.kit.references import References
from rapport.operations.kit.showing import Shown, shown, touching
from rapport.store import links, timeline_entries, users
from rapport.store.artifacts import adopt, claim
from rapport.store.kit.db import Tx
from rapport.store.users import UserRow

T = TypeVar("T")
R = TypeVar("R", bound=AtomRow)
A = TypeVar("A", bound=Shown)
# The org's sys user, in whose name the command line and the cleaner work.
SYSTEM = ids.SYS_USER.display_id(1)
# How many objects are changed together when something that they refer to goes.
AT_ONCE = 1_000


def distinct(values: Sequence[str]) -> list[str]:
    """Each value once, at its first place."""
    return list(dict.fromkeys(values))


def audited(ctx: Context, before: R, after: Any) -> R | None:
    """A changed row with who changed it and when, strictly later than before; None when nothing
    changed.
    """
    if after == before:
        return None
    modified: R = after._replace(
        modified_by=ctx.caller.user_id,
        modified_date=max(ctx.now, before.modified_date + MILLISECOND),
    )
    return modified


def first_custom_fields(given: Json | UnsetType) -> dict[str, Raw] | None:
    """Custom fields as a new object keeps them: null is a value like any other."""
    return None if isinstance(given, UnsetType) else verbatim.fields(given)


def custom_fields(
    before: Mapping[str, Raw] | None, change: Json | UnsetType
) -> dict[str, Raw] | None:
    """Custom fields after an update: those that it names change, null takes one out.

    Raises:
        ValueNotPermitted: they would take more than 64 KiB.
    """
    if isinstance(change, UnsetType):
        return None if before is None else dict(before)
    named = verbatim.fields({name: value for name, value in change.items() if value is not None})
    after = {
        name: value for name, value in (before or {}).items() if name in named or name not in change
    } | named
    if len(msgspec.json.encode(after)) > CUSTOM_FIELDS_BYTES:
        reason = (
            f"must have at most {CUSTOM_FIELDS_BYTES} bytes as compact JSON, with those that stay"
        )
        raise ValueNotPermitted(
            f"custom_fields: {{…}} {reason}.",
            detail="Take some out with null.",
            field_name="custom_fields",
            reason=reason,
        )
    return after


def subtype(before: str | None, spec: CustomSchemaSpec | UnsetType) -> str | None:
    """The subtype after a request: of a custom_schema_spec it is what is kept."""
    if isinstance(spec, UnsetType):
        return before
    if not isinstance(spec.subtype, UnsetType):
        return spec.subtype
    dropped = not isinstance(spec.drop, UnsetType) and spec.drop.subtype is True
    return None if dropped else before


class ArtifactsChange(Protocol):
    """`set` replaces the artifacts, then `remove` takes some out, then `add` adds some."""

    @property
    def add(self) -> Sequence[ArtifactId] | UnsetType: ...  # noqa: D102  # as the docstring of the class says
    @property
    def remove(self) -> Sequence[ArtifactId] | UnsetType: ...  # noqa: D102
    @property
    def set(self) -> Sequence[ArtifactId] | UnsetType: ...  # noqa: D102


def named_artifacts(change: ArtifactsChange | UnsetType) -> list[ArtifactId]:
    """All artifacts that a change names."""
    if isinstance(change, UnsetType):
        return []
    return [*given(change.set), *given(change.remove), *given(change.add)]


def changed_artifacts(
    references: References, before: list[str], change: ArtifactsChange | UnsetType, holder: str
) -> list[str]:
    """The artifacts of `holder` after a change."""
    if isinstance(change, UnsetType):
        return before
    added = references.artifacts("artifacts.add", change.add, holder=holder)
    removed = references.many("artifacts.remove", change.remove)
    start = references.artifacts("artifacts.set", change.set, holder=holder)
    if isinstance(change.set, UnsetType):
        start = before
    return list(dict.fromkeys([*(id_ for id_ in start if id_ not in removed), *added]))


async def claim_artifacts(ctx: Context, artifacts: Sequence[str], parent: str) -> None:
    """Bind artifacts to an object for ever; both are display ids."""
    await claim(ctx.tx, [(ctx.org, ids.number_of(artifact), parent) for artifact in artifacts])


async def keep_picture(ctx: Context, row: UserRow) -> None:
    """See to it that a user's picture belongs to something, so that it is not cleaned up as
    never used.
    """
    if row.display_picture is not None:
        await adopt(ctx.tx, ctx.org, row.display_picture, row.display_id)


async def changed(
    ctx: Context,
    before: R,
    after: R,
    write: Callable[[R], Awaitable[None]],
    answer: Callable[[Tx, Sequence[R]], Awaitable[Sequence[A]]],
) -> A:
    """Write a changed row and tell of it; the object as it is answered then.

    What changes nothing is no change: nothing is written, and nobody is told.

    Args:
        ctx: of the call.
        before: the row as it is, held.
        after: the row as it shall be; who changed it and when is added.
        write: writes the row, and what goes with it.
        answer: the family's rows as its methods answer them.
    """
    row = audited(ctx, before, after)
    (was,) = await answer(ctx.tx, [before])
    if row is None:
        return was
    await write(row)
    (now,) = await answer(ctx.tx, [row])
    await tell_updated(ctx, was, now)
    return now


async def tell_created_by(
    tx: Tx, org: str, by: str, now: int, *new: str, imported: bool = False
) -> None:
    """Tell that a user made objects, all named by display ids, or brought them from elsewhere."""
    answers = await shown(tx, org, new)
    await events.record(
        tx,
        [
            events.created(org, by, now, answers[display_id], imported=imported)
            for display_id in new
        ],
    )


async def tell_created(ctx: Context, *new: str) -> None:
    """Tell that objects, named by display ids, were made."""
    imported = ctx.own is not None
    await tell_created_by(ctx.tx, ctx.org, ctx.caller.user_id, ctx.now, *new, imported=imported)


async def tell_updated(ctx: Context, before: Shown, after: Shown) -> None:
    """Tell that an object was changed, and from what to what."""
    await events.record(
        ctx.tx, [events.updated(ctx.org, ctx.caller.user_id, ctx.now, before, after)]
    )


async def tell_deleted(ctx: Context, *answers: Shown) -> None:
    """Tell that objects were deleted."""
    await events.record(
        ctx.tx, [events.deleted(ctx.org, ctx.caller.user_id, ctx.now, answer) for answer in answers]
    )


async def disband(ctx: Context, rev_orgs: Sequence[str]) -> None:
    """Let the users of rev orgs that are going to be deleted be without one."""
    for members in chunks(await users.in_rev_orgs(ctx.tx, ctx.org, rev_orgs)):
        async with touching(ctx, members):
            await users.leave_rev_orgs(ctx.tx, ctx.org, members)


def chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """What one statement takes of very many."""
    return (values[start : start + AT_ONCE] for start in range(0, len(values), AT_ONCE))


async def detach(ctx: Context, *display_ids: str) -> None:
    """Delete all links and comments of objects that are going to be deleted, while there still
    is something to tell.
    """
    for kind, family in ((ids.LINK, links), (ids.COMMENT, timeline_entries)):
        numbers = await family.numbers_of(ctx.tx, ctx.org, display_ids)
        gone = await shown(ctx.tx, ctx.org, [kind.display_id(number) for number in numbers])
        await tell_deleted(ctx, *gone.values())
        await family.delete(ctx.tx, ctx.org, numbers)
