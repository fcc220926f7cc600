"""What creates and updates of meetings check alike: references, dates, the external_ref."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from rapport.clock import format_rfc3339
from rapport.contract import meetings as contract
from rapport.contract.kit import ids
from rapport.contract.kit.errors import ApiError, ValueNotPermitted, raise_all
from rapport.contract.kit.fields import SetTagWithValue, UnsetType
from rapport.contract.kit.ids import ArtifactId, Id
from rapport.operations.kit.context import Context
from rapport.operations.kit.optional import chosen, given
from rapport.operations.kit.references import References, wanted
from rapport.operations.kit.refusals import not_permitted, quoted
from rapport.store import meetings as store
from rapport.store.kit.db import NO_DATE
from rapport.store.kit.references import resolve


class Dates(NamedTuple):
    """When a meeting is after a request; `NO_DATE` where it does not say."""

    scheduled: int
    ended: int


def instant_of(date: int | UnsetType | None, before: int) -> int:
    """A date as a row has it: as a request gives it, or as it was before."""
    chosen_ = chosen(date, before)
    return NO_DATE if chosen_ is None else int(chosen_)


def display_id_of(id_: Id | UnsetType, before: str | None) -> str | None:
    """A reference as a row has it: as a request gives it, or as it was before."""
    return before if isinstance(id_, UnsetType) else id_.display_id


class Asked(NamedTuple):
    """Where creates and updates differ: an update sets its arrays, by `.set`."""

    at: str
    artifacts: Sequence[ArtifactId] | UnsetType
    members: Sequence[Id] | UnsetType
    tags: Sequence[SetTagWithValue] | UnsetType


async def checked(
    ctx: Context,
    request: contract.MeetingsCreateRequest | contract.MeetingsUpdateRequest,
    asked: Asked,
    dates: Dates,
    *,
    holder: str | None,
) -> dict[str, Any]:
    """The document's fields for the references that a request gives.

    Args:
        ctx: of the call.
        request: the call's.
        asked: what of it is named otherwise in a create and in an update.
        dates: of the meeting after it.
        holder: the display id of the meeting; None for a new one.

    Raises:
        ApiError: the first problem, with all of them as its violations.
    """
    organizer, recording, transcript = request.organizer, request.recording, request.transcript
    named = [*given(asked.artifacts), *given(asked.members), organizer, request.parent, recording]
    named += [*(tag.id for tag in given(asked.tags)), transcript]
    keys = wanted(ctx.org, [id_ for id_ in named if isinstance(id_, Id)])
    references = References(ctx.org, await resolve(ctx.tx, keys))
    fields: dict[str, Any] = {}
    fields["artifacts"] = references.artifacts(
        f"artifacts{asked.at}", asked.artifacts, holder=holder
    )
    references.problems += _ends_too_early("ended_date", request, dates)
    references.problems += await ref_in_use(ctx, request.external_ref, holder)
    fields["members"] = references.many(f"members{asked.at}", asked.members)
    references.one("organizer", organizer)
    references.one("parent", request.parent)
    fields["recording"] = references.artifact("recording", recording, holder=holder)
    references.problems += _ends_too_early("scheduled_date", request, dates)
    fields["tags"] = references.tags(f"tags{asked.at}", asked.tags)
    fields["transcript"] = references.artifact("transcript", transcript, holder=holder)
    raise_all(references.problems)
    lists = asked._asdict()
    return {
        name: value
        for name, value in fields.items()
        if not isinstance(lists.get(name, getattr(request, name)), UnsetType)
    }


def _ends_too_early(
    field: str,
    request: contract.MeetingsCreateRequest | contract.MeetingsUpdateRequest,
    dates: Dates,
) -> list[ApiError]:
    """The refusal of a meeting that ends before it begins, where `field` is to blame: the end, or
    the beginning where that alone was sent.
    """
    blamed = "scheduled_date" if isinstance(request.ended_date, UnsetType) else "ended_date"
    if field != blamed or NO_DATE in dates or dates.ended >= dates.scheduled:
        return []
    other = "ended_date" if blamed == "scheduled_date" else "scheduled_date"
    shown = {
        "scheduled_date": format_rfc3339(dates.scheduled),
        "ended_date": format_rfc3339(dates.ended),
    }
    word = "after" if blamed == "scheduled_date" else "before"
    return [
        not_permitted(
            field,
            f"must not be {word} {other}, which is {shown[other]}",
            f"Send another {field}, or {other} with it.",
            value=shown[field],
        )
    ]


async def ref_in_use(
    ctx: Context, external_ref: str | UnsetType, holder: str | None
) -> list[ApiError]:
    """The refusal of an external_ref that another live meeting has."""
    if isinstance(external_ref, UnsetType):
        return []
    number = await store.by_external_ref(ctx.tx, ctx.org, external_ref)
    if number is None or (own := ids.MEETING.display_id(number)) == holder:
        return []
    return [
        ValueNotPermitted(
            f"external_ref: {quoted(external_ref)} is in use by {own}.",
            detail="Update that meeting, or use another external_ref.",
            field_name="external_ref",
            reason="must be unique among the org's meetings",
            existing_id=ids.don_of(own, ctx.org),
        )
    ]
