"""Record meetings, or plan them."""

from rapport.contract import meetings as contract
from rapport.contract.kit import ids
from rapport.operations.kit.changes import claim_artifacts, first_custom_fields, tell_created
from rapport.operations.kit.context import Context, handles
from rapport.operations.kit.optional import chosen, sent
from rapport.operations.meetings.checks import Asked, Dates, checked, display_id_of, instant_of
from rapport.operations.meetings.documents import TEXTS, Document, answers, encode, named_by
from rapport.store import meetings as store
from rapport.store.kit import numbers
from rapport.store.kit.db import NO_DATE
from rapport.store.meetings import MeetingRow


@handles(contract.CREATE)
async def create(
    ctx: Context, request: contract.MeetingsCreateRequest
) -> contract.MeetingsCreateResponse:
    """Record or plan a meeting."""
    dates = Dates(
        instant_of(request.scheduled_date, NO_DATE), instant_of(request.ended_date, NO_DATE)
    )
    asked = Asked("", request.artifacts, request.members, request.tags)
    fields = await checked(ctx, request, asked, dates, holder=None)
    document = Document(
        **fields,
        **sent(request, *TEXTS),
        custom_fields=first_custom_fields(request.custom_fields),
    )
    row = MeetingRow(
        org=ctx.org,
        number=await numbers.take_one(ctx.tx, ids.MEETING, ctx.org),
        title=request.title,
        channel=request.channel,
        state=request.state,
        parent=display_id_of(request.parent, None),
        organizer=display_id_of(request.organizer, None),
        external_ref=chosen(request.external_ref, None),
        scheduled_date=dates.scheduled,
        ended_date=dates.ended,
        **ctx.stamps._asdict(),
        document=encode(document).decode(),
    )
    await store.insert(ctx.tx, row, named_by(document))
    await claim_artifacts(ctx, document.attached, row.display_id)
    await tell_created(ctx, row.display_id)
    return contract.MeetingsCreateResponse(meeting=(await answers(ctx.tx, [row]))[0])
