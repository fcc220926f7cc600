"""Deliveries to webhooks: look at them, send them again."""

from collections.abc import Sequence

from rapport.clock import format_rfc3339
from rapport.contract import webhook_deliveries as contract
from rapport.contract.kit import ids
from rapport.contract.kit.errors import ApiError, MissingRequiredField, ValueNotPermitted, raise_all
from rapport.contract.kit.fields import DateTimeFilter, UnsetType
from rapport.contract.kit.paging import Sort, decode_cursor, encode_cursor
from rapport.operations.kit.context import Context, handles
from rapport.operations.kit.finding import find, found
from rapport.operations.kit.listing import NEWEST_FIRST, add_dates, cursors, own_numbers, walk_of
from rapport.operations.kit.optional import given, or_unset
from rapport.operations.kit.refusals import unknown_id
from rapport.store import webhook_deliveries as store
from rapport.store import webhooks
from rapport.store.kit import query
from rapport.store.kit.db import Tx
from rapport.store.kit.filters import Filter
from rapport.store.kit.query import Walk
from rapport.store.webhook_deliveries import AttemptRow, DeliveryRow

_SORTS = (NEWEST_FIRST,)
_OLDEST_FIRST = (Sort("created_date", descending=False),)
# How many one call sends again: one short transaction.
_AT_ONCE = 1_000


@handles(contract.LIST)
async def list_(
    ctx: Context, request: contract.WebhookDeliveriesListRequest
) -> contract.WebhookDeliveriesListResponse:
    """A page of deliveries with their attempts."""
    walk = walk_of("webhook-deliveries", _SORTS, store.SORTS, request)
    where = _matching(ctx.org, request.status, request.event_type, request.created_date)
    where.among("webhook", own_numbers(ctx.org, request.webhook))
    page = await query.page(ctx.tx, where, walk)
    return contract.WebhookDeliveriesListResponse(
        webhook_deliveries=await _deliveries(ctx.tx, page.rows),
        **cursors("webhook-deliveries", walk, page),
    )


def _matching(
    org: str,
    status: Sequence[str] | UnsetType,
    event_type: Sequence[str] | UnsetType,
    created_date: DateTimeFilter | UnsetType,
) -> Filter[DeliveryRow]:
    where = store.of_org(org)
    where.among("status", given(status))
    where.among("event_type", given(event_type))
    add_dates(where, "created_date", created_date)
    return where


@handles(contract.REDELIVER)
async def redeliver(
    ctx: Context, request: contract.WebhookDeliveriesRedeliverRequest
) -> contract.WebhookDeliveriesRedeliverResponse:
    """Send one delivery again, or those of a webhook that match. Each keeps the id of its event."""
    if isinstance(request.id, UnsetType):
        return await _range(ctx, request)
    raise_all(_beside_id(request))
    row = await found(ctx, request.id, store.lock)
    count = await store.send_again(ctx.tx, [(ctx.org, row.number)], ctx.now)
    if not count and row.state != "sending":
        reason = "must be a delivery of an event that is still kept"
        detail = "Ask for the object as it is now, with webhooks.fetch."
        raise ValueNotPermitted(
            f"id: {request.id.display_id} {reason}.", detail=detail, field_name="id", reason=reason
        )
    return contract.WebhookDeliveriesRedeliverResponse(count=count)


def _beside_id(request: contract.WebhookDeliveriesRedeliverRequest) -> list[ApiError]:
    reason = "must not stand beside id"
    return [
        ValueNotPermitted(
            f"{name}: it {reason}.",
            detail="Send id alone, or webhook with filters.",
            field_name=name,
            reason=reason,
        )
        for name in request.__struct_fields__
        if name != "id" and not isinstance(getattr(request, name), UnsetType)
    ]


async def _range(
    ctx: Context, request: contract.WebhookDeliveriesRedeliverRequest
) -> contract.WebhookDeliveriesRedeliverResponse:
    id_ = request.webhook
    if isinstance(id_, UnsetType):
        raise MissingRequiredField(
            "webhook is required.", detail="Send webhook, or id.", field_name="webhook"
        )
    if await find(ctx, id_, webhooks.get) is None:
        raise unknown_id("webhook", id_)
    name = "webhook-deliveries.redeliver"
    cursor = None
    if not isinstance(request.cursor, UnsetType):
        cursor = decode_cursor(name, _OLDEST_FIRST, store.SORTS, request.cursor)
    where = _matching(ctx.org, request.status, request.event_type, request.created_date)
    where.among("webhook", [id_.number])
    page = await query.page(ctx.tx, where, Walk(_OLDEST_FIRST, cursor, False, _AT_ONCE))  # noqa: FBT003  # a tuple
    count = await store.send_again(ctx.tx, [(ctx.org, row.number) for row in page.rows], ctx.now)
    answer = contract.WebhookDeliveriesRedeliverResponse(count=count)
    if page.next is not None:
        answer.next_cursor = encode_cursor(name, _OLDEST_FIRST, page.next)
    return answer


async def _deliveries(tx: Tx, rows: Sequence[DeliveryRow]) -> list[contract.WebhookDelivery]:
    attempts = await store.attempts_of(tx, [(row.org, row.number) for row in rows]) if rows else {}
    return [_delivery(row, attempts.get((row.org, row.number), [])) for row in rows]


def _delivery(row: DeliveryRow, attempts: Sequence[AttemptRow]) -> contract.WebhookDelivery:
    waits = row.state in {"pending", "verify"}
    return contract.WebhookDelivery(
        attempts=[_attempt(one) for one in attempts],
        created_date=format_rfc3339(row.created_date),
        display_id=ids.WEBHOOK_DELIVERY.display_id(row.number),
        event_id=ids.event_don(row.org, row.webhook, row.number),
        event_type=row.type,
        id=ids.don(ids.WEBHOOK_DELIVERY, row.org, row.number),
        next_attempt_date=or_unset(format_rfc3339(row.due) if waits else None),
        object=ids.don_of(row.object, row.org),
        status=_STATUSES[row.state],
        webhook=ids.don(ids.WEBHOOK, row.org, row.webhook),
    )


_STATUSES: dict[str, contract.DeliveryStatus] = {
    state: status  # type: ignore[misc]  # the wire's words are the store's
    for status, states in store.STATES.items()
    for state in states
}


def _attempt(row: AttemptRow) -> contract.DeliveryAttempt:
    return contract.DeliveryAttempt(
        answer=or_unset(row.answer),
        date=format_rfc3339(row.date),
        duration_ms=row.duration,
        error=or_unset(row.error),
        http_status=or_unset(row.http_status),
    )
