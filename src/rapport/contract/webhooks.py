"""The webhooks family: who is told of what happens, over HTTP."""

from typing import Annotated, Literal

from msgspec import Meta

from rapport.contract.kit.errors import InvalidId, NotFound
from rapport.contract.kit.fields import (
    ARRAY_IS_SET,
    DIFFERENCE,
    OURS,
    UNSET,
    CursorField,
    Limit,
    Many,
    ModeField,
    Request,
    Response,
    UnsetType,
    ours_values,
)
from rapport.contract.kit.ids import FetchableId, WebhookId
from rapport.contract.kit.method import READ, WRITE, Method
from rapport.contract.users import Atom
from rapport.contract.webhook_values import HeaderName, HeaderValue, Secret, WebhookUrl

_OUR_TYPES = (
    "engagement_created",
    "engagement_deleted",
    "engagement_purged",
    "engagement_restored",
    "engagement_updated",
    "meeting_created",
    "meeting_deleted",
    "meeting_purged",
    "meeting_restored",
    "meeting_updated",
    "user_erased",
)
# Those that cannot occur here are taken, and never fire.
EventType = Annotated[
    Literal[
        "account_created",
        "account_deleted",
        "account_updated",
        "ai_agent_response",
        "article_created",
        "article_deleted",
        "article_updated",
        "artifact_created",
        "artifact_deleted",
        "artifact_updated",
        "conversation_created",
        "conversation_deleted",
        "conversation_updated",
        "dashboard_created",
        "dashboard_deleted",
        "dashboard_updated",
        "dev_user_created",
        "dev_user_deleted",
        "dev_user_updated",
        "group_created",
        "group_deleted",
        "group_member_added",
        "group_member_removed",
        "group_updated",
        "incident_created",
        "incident_deleted",
        "incident_updated",
        "job_created",
        "job_deleted",
        "job_updated",
        "link_created",
        "link_deleted",
        "link_updated",
        "part_created",
        "part_deleted",
        "part_updated",
        "question_answer_created",
        "question_answer_deleted",
        "question_answer_updated",
        "rev_org_created",
        "rev_org_deleted",
        "rev_org_updated",
        "rev_user_created",
        "rev_user_deleted",
        "rev_user_updated",
        "sla_tracker_created",
        "sla_tracker_deleted",
        "sla_tracker_fetched",
        "sla_tracker_updated",
        "survey_created",
        "survey_deleted",
        "survey_response_created",
        "survey_response_deleted",
        "survey_response_updated",
        "survey_updated",
        "sync_history_created",
        "sync_history_deleted",
        "sync_history_updated",
        "sync_unit_updated",
        "tag_created",
        "tag_deleted",
        "tag_updated",
        "timeline_entry_created",
        "timeline_entry_deleted",
        "timeline_entry_updated",
        "verify",
        "webhook_created",
        "webhook_deleted",
        "webhook_updated",
        "widget_created",
        "widget_deleted",
        "widget_updated",
        "work_created",
        "work_deleted",
        "work_fetched",
        "work_updated",
        "engagement_created",
        "engagement_deleted",
        "engagement_purged",
        "engagement_restored",
        "engagement_updated",
        "meeting_created",
        "meeting_deleted",
        "meeting_purged",
        "meeting_restored",
        "meeting_updated",
        "user_erased",
    ],
    ours_values(*_OUR_TYPES),
]
WebhookStatus = Literal["active", "inactive", "unverified"]


class WebhookHeader(Response):
    """A header of every delivery."""

    name: str
    value: str


class SetWebhookHeader(Request):
    """A header of every delivery."""

    name: HeaderName
    value: HeaderValue


Headers = Annotated[list[SetWebhookHeader], Meta(max_length=8)]
EventTypes = Many[EventType]


class Webhook(Atom):
    """A webhook, with its secret: only admins see it."""

    event_types: list[EventType] | UnsetType = UNSET
    headers: list[WebhookHeader] | UnsetType = UNSET
    secret: str
    secret_changed_date: Annotated[
        str | UnsetType,
        OURS,
        Meta(description="From then on the secret before lives 24 hours more."),
    ] = UNSET
    status: WebhookStatus
    url: str


class WebhooksCreateRequest(Request):
    """A new webhook; without `event_types` it is told of nothing."""

    event_types: EventTypes | UnsetType = UNSET
    headers: Annotated[
        Headers | UnsetType, Meta(description="Sent with every delivery; up to 8.")
    ] = UNSET
    secret: Annotated[
        Secret | UnsetType,
        Meta(description="Plain base64 of 8 to 32 bytes; one is made without it."),
    ] = UNSET
    url: WebhookUrl


class WebhooksCreateResponse(Response):
    """The webhook, which is active once its URL has echoed a challenge."""

    webhook: Webhook


class WebhooksGetRequest(Request):
    """Which webhook."""

    id: WebhookId


class WebhooksGetResponse(Response):
    """The webhook."""

    webhook: Webhook


class WebhooksListRequest(Request):
    """Which webhooks."""

    status: Many[WebhookStatus] | UnsetType = UNSET
    cursor: Annotated[CursorField, DIFFERENCE] = UNSET
    limit: Annotated[Limit | UnsetType, DIFFERENCE] = UNSET
    mode: Annotated[ModeField, DIFFERENCE] = UNSET


class WebhooksListResponse(Response):
    """A page of webhooks, the newest first."""

    webhooks: list[Webhook]
    next_cursor: Annotated[str | UnsetType, OURS] = UNSET
    prev_cursor: Annotated[str | UnsetType, OURS] = UNSET


class UpdateEventTypes(Request):
    """What it is told of from now on: `set` replaces all, then `add` and `remove` count."""

    add: EventTypes | UnsetType = UNSET
    remove: EventTypes | UnsetType = UNSET
    set: EventTypes | UnsetType = UNSET


class UpdateHeaders(Request):
    """The headers from now on: `set` replaces all, then `remove` and `add` count. Up to 8 in
    the end.
    """

    add: Headers | UnsetType = UNSET
    remove: (
        Annotated[list[Annotated[str, Meta(max_length=128)]], Meta(max_length=8)] | UnsetType
    ) = UNSET
    set: Headers | UnsetType = UNSET


class WebhooksUpdateRequest(Request):
    """What changes; what is absent stays. Another `url`, and `activate`, ask for verification."""

    id: WebhookId
    action: Literal["activate", "deactivate"] | UnsetType = UNSET
    event_types: Annotated[UpdateEventTypes | UnsetType, ARRAY_IS_SET] = UNSET
    headers: UpdateHeaders | UnsetType = UNSET
    secret: Annotated[
        Secret | UnsetType, Meta(description="The one before signs beside it for 24 hours.")
    ] = UNSET
    url: WebhookUrl | UnsetType = UNSET


class WebhooksUpdateResponse(Response):
    """The webhook as it is now."""

    webhook: Webhook


class WebhooksDeleteRequest(Request):
    """Which webhook. What is on its way to it may still arrive."""

    id: WebhookId


class WebhooksDeleteResponse(Response):
    """Nothing."""


class WebhooksFetchRequest(Request):
    """Which object is sent to which webhook, as it is now."""

    id: WebhookId
    object: FetchableId


class WebhooksFetchResponse(Response):
    """Nothing: it is on its way."""


CREATE = Method(
    "webhooks.create", WRITE, WebhooksCreateRequest, WebhooksCreateResponse, "Create a webhook", "webhook:write",
    status=201,
    example={"url": "https://hooks.invalid/rapport", "event_types": ["work_created"]},
)  # fmt: skip
GET = Method(
    "webhooks.get",
    READ,
    WebhooksGetRequest,
    WebhooksGetResponse,
    "Get a webhook",
    "webhook:read",
    errors=(NotFound,),
    example={"id": "WEBHOOK-1"},
)
LIST = Method(
    "webhooks.list",
    READ,
    WebhooksListRequest,
    WebhooksListResponse,
    "List webhooks",
    "webhook:read",
    example={},
)
UPDATE = Method(
    "webhooks.update", WRITE, WebhooksUpdateRequest, WebhooksUpdateResponse, "Change a webhook", "webhook:write",
    errors=(NotFound,),
    example={"id": "WEBHOOK-1", "event_types": {"add": ["work_deleted"]}},
)  # fmt: skip
DELETE = Method(
    "webhooks.delete", WRITE, WebhooksDeleteRequest, WebhooksDeleteResponse, "Delete a webhook", "webhook:all",
    errors=(NotFound,),
    example={"id": "WEBHOOK-1"},
)  # fmt: skip
FETCH = Method(
    "webhooks.fetch", WRITE, WebhooksFetchRequest, WebhooksFetchResponse, "Send an object to a webhook anew",
    "webhook:write", errors=(InvalidId, NotFound),
    example={"id": "WEBHOOK-1", "object": "ACC-12345"},
)  # fmt: skip
