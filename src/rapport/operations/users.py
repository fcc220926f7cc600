"""Erasing a person: their name, addresses, picture and custom fields go everywhere at once."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from rapport import idempotency
from rapport.contract import users as contract
from rapport.contract.kit import ids, verbatim
from rapport.events import log
from rapport.operations.kit.changes import audited
from rapport.operations.kit.context import Context, handles
from rapport.operations.kit.finding import found
from rapport.operations.kit.forgetting import forget_files
from rapport.operations.kit.refusals import not_permitted
from rapport.store import (
    artifact_cleaning,
    auth_tokens,
    events,
    mentions,
    summaries,
    webhook_deliveries,
)
from rapport.store import users as store
from rapport.store.events import EventRow
from rapport.store.kit import terms
from rapport.store.users import UserRow

# How an erased person is shown.
NAME = "erased user"
# The fields of a user, wherever one is shown, that say nothing about the person.
_KEPT = ("type", "created_by", "created_date", "display_id", "id", "modified_by", "modified_date")
# Shorter ones stand in too many texts by chance.
_SHORTEST_NEEDLE = 3
# What a user's document has that may stand in texts.
_NEEDLES = ("external_refs", "phone_numbers")


class _Traces(NamedTuple):
    """Where a person stands.

    Args:
        files: the numbers of artifacts that are bound to them.
        tokens: the numbers of their tokens.
        events: those that show them, as they are.
        mentions: texts that mention them.
    """

    files: Sequence[int]
    tokens: Sequence[int]
    events: Sequence[EventRow]
    mentions: list[contract.Mention]


@handles(contract.ERASE)
async def erase(ctx: Context, request: contract.UsersEraseRequest) -> contract.UsersEraseResponse:
    """Erase a person, who may be the caller. What merely mentions them is named, and stays."""
    row = await found(ctx, request.id, store.lock_ever)
    await _keep_an_admin(ctx, row)
    traces = await _traces(ctx, row)
    after = _erased(ctx, row)
    if after != row and request.dry_run is not True:
        await _erase(ctx, after, traces, request.reason)
        row = after
    return contract.UsersEraseResponse(
        user=await _summary(ctx, row),
        changed=_changed(ctx.org, row, traces),
        mentions=traces.mentions,
    )


async def _keep_an_admin(ctx: Context, row: UserRow) -> None:
    """Refuse to erase the last who could make another admin.

    Raises:
        ValueNotPermitted: they are.
    """
    is_admin = (row.kind, row.role, row.state) == (ids.DEV_USER.name, "admin", "active")
    if is_admin and await store.is_only_admin(ctx.tx, ctx.org, row.display_id):
        raise not_permitted(
            "id",
            f"{row.display_id} is the org's last active admin, and there must be one",
            "Make another dev user an active admin first.",
        )


def _erased(ctx: Context, row: UserRow) -> UserRow:
    """The row with nothing of the person left. Who was deleted before is shown no more than until
    now.
    """
    if (row.state, row.display_name, row.document) == ("deleted", NAME, "{}"):
        return row
    after = row._replace(
        display_name=NAME,
        full_name=None,
        email=None,
        state="deleted",
        role=None,
        external_ref=None,
        rev_org=None,
        document="{}",
        display_picture=None,
        erased_date=None if row.state == "deleted" else ctx.now,
    )
    return audited(ctx, row, after) or row


async def _traces(ctx: Context, row: UserRow) -> _Traces:
    if row == _erased(ctx, row):
        return _Traces((), (), (), [])
    files = await artifact_cleaning.bound_to(ctx.tx, ctx.org, [row.display_id])
    return _Traces(
        files,
        await auth_tokens.numbers_of(ctx.tx, ctx.org, row.display_id),
        await events.showing(ctx.tx, ctx.org, row.display_id),
        await _mentions(ctx, row, files),
    )


async def _erase(ctx: Context, after: UserRow, traces: _Traces, reason: str) -> None:
    tx, org, own = ctx.tx, ctx.org, after.display_id
    await store.update(tx, after)
    await terms.remove(tx, org, [own])
    await auth_tokens.remove(tx, org, own)
    don = ids.don_of(own, org)
    rewritten = [_rewritten(event, own, don) for event in traces.events]
    await events.rewrite(tx, rewritten)
    await webhook_deliveries.forget_answers(tx, org, [event.seq for event in traces.events])
    await idempotency.rewrite(tx, org, don, lambda answer: _without(answer, don))
    await forget_files(ctx, [own])
    await log.record(tx, [log.erased(org, ctx.caller.user_id, ctx.now, own, reason)])


async def _summary(ctx: Context, row: UserRow) -> Any:
    people = await summaries.users(ctx.tx, [(ctx.org, row.display_id)])
    if (ctx.org, row.display_id) in people:
        return people[ctx.org, row.display_id]
    shape = contract.DevUserSummary if row.kind == ids.DEV_USER.name else contract.RevUserSummary
    return shape(
        display_id=row.display_id,
        id=ids.don_of(row.display_id, ctx.org),
        display_name=NAME,
        state="deleted",
    )


def _changed(org: str, row: UserRow, traces: _Traces) -> list[contract.Changed]:
    """What is changed, and whose history is; each once."""
    if not any(traces):
        return []
    objects = {(row.kind, row.display_id): None}
    objects |= {("artifact", ids.ARTIFACT.display_id(one)): None for one in traces.files}
    objects |= {("auth_token", ids.AUTH_TOKEN.display_id(one)): None for one in traces.tokens}
    objects |= {(event.kind, event.object): None for event in traces.events}
    kinds = sorted({kind for kind, _ in objects})
    return [
        contract.Changed(type=kind, ids=[ids.don_of(one, org) for of, one in objects if of == kind])
        for kind in kinds
    ]


# What is kept of what was told and answered


def _rewritten(event: EventRow, own: str, don: str) -> EventRow:
    """An event that shows the person no more. Of changes of the person itself only that they were
    made is left.
    """
    document = _without(event.document, don)
    if event.object != own:
        before, deltas = _without(event.before, don), _without(event.deltas, don)
        return event._replace(document=document, before=before, deltas=deltas)
    is_whole = event.action == "deleted"
    before = _without(event.before, don) if is_whole else event.before and "{}"
    return event._replace(document=document, before=before, deltas=event.deltas and "{}")


def _without(text: str | None, don: str) -> str | None:
    """A JSON text in which the person is shown as erased."""
    if text is None or don not in text:
        return text
    return msgspec.json.encode(_blanked(verbatim.read(text.encode()), don)).decode()


def _blanked(value: Any, don: str) -> Any:
    if isinstance(value, list):
        return [_blanked(one, don) for one in value]
    if not isinstance(value, dict):
        return value
    if value.get("id") == don and "display_id" in value:
        kept = {name: _blanked(value[name], don) for name in _KEPT if name in value}
        return {**kept, "display_name": NAME, "state": "deleted"}
    # What clients keep in custom fields is theirs, whatever it looks like.
    return {
        name: one if name == "custom_fields" else _blanked(one, don) for name, one in value.items()
    }


# What mentions the person


async def _mentions(ctx: Context, row: UserRow, files: Sequence[int]) -> list[contract.Mention]:
    needles = _needles(row)
    if not needles:
        return []
    words = "|".join(re.escape(needle) for needle in needles)
    is_mentioned = re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE).search
    said: dict[tuple[str, str], None] = {}
    if row.display_picture is not None and row.display_picture not in files:
        # Their own goes; that of somebody else's object is not theirs to lose.
        said[ids.ARTIFACT.display_id(row.display_picture), "display_picture"] = None
    for text in await mentions.candidates(ctx.tx, ctx.org, needles):
        fields = _fields(text) if text.object != row.display_id else ()
        said |= {(text.object, field): None for field, value in fields if is_mentioned(value)}
    return [
        contract.Mention(type=_type_of(one), id=ids.don_of(one, ctx.org), field_name=field)
        for one, field in list(said)[: contract.MOST_MENTIONS]
    ]


def _needles(row: UserRow) -> list[str]:
    """What the person is known by, in texts."""
    document = msgspec.json.decode(row.document, type=dict[str, Any])
    known = [row.display_name, row.full_name, row.email, row.external_ref]
    known += [one for name in _NEEDLES for one in document.get(name, [])]
    return list(dict.fromkeys(one for one in known if one and len(one) >= _SHORTEST_NEEDLE))


def _type_of(object_: str) -> str:
    return ids.kind_of(ids.own_of(object_)).name


def _fields(text: mentions.Text) -> Iterator[tuple[str, str]]:
    """The texts of an object, by their fields."""
    yield from text.columns.items()
    yield from _leaves("", msgspec.json.decode(text.document))


def _leaves(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from _leaves(f"{path}.{name}" if path else name, one)
    elif isinstance(value, list):
        for one in value:
            yield from _leaves(path, one)
