"""Change meetings."""

import msgspec

from rapport.contract import meetings as contract
from rapport.contract.kit import ids
from rapport.operations.kit.changes import changed, claim_artifacts, custom_fields
from rapport.operations.kit.context import Context, handles
from rapport.operations.kit.finding import found
from rapport.operations.kit.optional import only_set, sent
from rapport.operations.kit.preconditions import check_unchanged
from rapport.operations.kit.upserts import upserts
from rapport.operations.meetings.checks import Asked, Dates, checked, display_id_of, instant_of
from rapport.operations.meetings.documents import TEXTS, answers, decode, encode, named_by
from rapport.store import meetings as store
from rapport.store.meetings import MeetingRow


@handles(contract.UPDATE)
async def update(
    ctx: Context, request: contract.MeetingsUpdateRequest
) -> contract.MeetingsUpdateResponse:
    """Change one, all fields or none. What changes nothing is no change."""
    row = await found(ctx, request.id, store.lock)
    check_unchanged(row.modified_date, request.if_modified_date)
    before = decode(row.document)
    dates = Dates(
        instant_of(request.scheduled_date, row.scheduled_date),
        instant_of(request.ended_date, row.ended_date),
    )
    lists = (only_set(getattr(request, name)) for name in ("artifacts", "members", "tags"))
    fields = await checked(ctx, request, Asked(".set", *lists), dates, holder=row.display_id)
    document = msgspec.structs.replace(
        before,
        **fields,
        **sent(request, *TEXTS),
        custom_fields=custom_fields(before.custom_fields, request.custom_fields),
    )
    after = row._replace(
        **sent(request, "title", "channel", "state", "external_ref"),
        organizer=display_id_of(request.organizer, row.organizer),
        parent=display_id_of(request.parent, row.parent),
        scheduled_date=dates.scheduled,
        ended_date=dates.ended,
        document=encode(document).decode(),
    )

    async def write(changed_row: MeetingRow) -> None:
        await store.update(ctx.tx, (row, named_by(before)), (changed_row, named_by(document)))
        await claim_artifacts(ctx, document.attached, row.display_id)

    meeting = await changed(ctx, row, after, write, answers)
    return contract.MeetingsUpdateResponse(meeting=meeting)


upserts(ids.MEETING, contract.UPSERT, contract.CREATE, contract.UPDATE)
