"""The webhook-deliveries family, which is ours: what was sent to webhooks, how it went, and
sending it again.
"""

from typing import Annotated, Literal

from msgspec import Meta

from rapport.contract.kit.errors import InvalidId, NotFound
from rapport.contract.kit.fields import (
    UNSET,
    CursorField,
    DateTimeFilter,
    Limit,
    ListResponse,
    Many,
    ModeField,
    Request,
    Response,
    UnsetType,
)
from rapport.contract.kit.ids import WebhookDeliveryId, WebhookId
from rapport.contract.kit.method import READ, WRITE, Method

DeliveryStatus = Literal["delivered", "failed", "pending"]
# Not webhooks.EventType: an object that was fetched has a type of its own.
DeliveredType = Annotated[str, Meta(min_length=1, max_length=256, examples=["engagement_created"])]


class DeliveryAttempt(Response):
    """One try: the answer's status and its first bytes, or why there was no answer."""

    answer: str | UnsetType = UNSET
    date: str
    duration_ms: int
    error: str | UnsetType = UNSET
    http_status: int | UnsetType = UNSET


class WebhookDelivery(Response):
    """What a webhook is told once: an event, a challenge, or an object that was asked for."""

    attempts: list[DeliveryAttempt]
    created_date: str
    display_id: str
    event_id: Annotated[str, Meta(description="The `id` of the body, the same on every attempt.")]
    event_type: str
    id: str
    next_attempt_date: str | UnsetType = UNSET
    object: str
    status: DeliveryStatus
    webhook: str


class WebhookDeliveriesListRequest(Request):
    """Which deliveries."""

    created_date: DateTimeFilter | UnsetType = UNSET
    cursor: CursorField = UNSET
    event_type: Many[DeliveredType] | UnsetType = UNSET
    limit: Limit | UnsetType = UNSET
    mode: ModeField = UNSET
    status: Many[DeliveryStatus] | UnsetType = UNSET
    webhook: Many[WebhookId] | UnsetType = UNSET


class WebhookDeliveriesListResponse(ListResponse):
    """A page of deliveries, the newest first."""

    webhook_deliveries: list[WebhookDelivery]


class WebhookDeliveriesRedeliverRequest(Request):
    """Which deliveries are sent again: the one with this `id`, or those of a `webhook` that
    match, the oldest first.
    """

    id: WebhookDeliveryId | UnsetType = UNSET
    created_date: DateTimeFilter | UnsetType = UNSET
    cursor: Annotated[
        CursorField, Meta(description="`next_cursor` of the answer before, with the same filters.")
    ] = UNSET
    event_type: Many[DeliveredType] | UnsetType = UNSET
    status: Annotated[
        Many[DeliveryStatus] | UnsetType,
        Meta(description="Without it, those that were delivered too."),
    ] = UNSET
    webhook: WebhookId | UnsetType = UNSET


class WebhookDeliveriesRedeliverResponse(Response):
    """How many are on their way; there is more where there is a cursor."""

    count: int
    next_cursor: str | UnsetType = UNSET


LIST = Method(
    "webhook-deliveries.list", READ, WebhookDeliveriesListRequest, WebhookDeliveriesListResponse,
    "List what was sent to webhooks", "webhook:read", ours=True,
    example={"status": ["failed"], "limit": 3},
)  # fmt: skip
REDELIVER = Method(
    "webhook-deliveries.redeliver", WRITE, WebhookDeliveriesRedeliverRequest, WebhookDeliveriesRedeliverResponse,
    "Send deliveries again", "webhook:write", ours=True, errors=(InvalidId, NotFound),
    example={"id": "DELIVERY-1"},
)  # fmt: skip
