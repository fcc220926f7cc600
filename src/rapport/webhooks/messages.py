"""What a webhook is told: the body of a delivery, and what counts as taking it."""

import secrets

import msgspec

from rapport.clock import format_rfc3339
from rapport.contract.kit import ids
from rapport.events import log as events
from rapport.store.webhook_deliveries import VERIFY, Job, NewDelivery
from rapport.webhooks.post import Outcome

_OK = 200


def event_id(job: Job) -> str:
    """The id of what is told: one per write and webhook, the same on every attempt."""
    return ids.event_don(job.delivery.org, job.delivery.webhook, job.delivery.number)


def body(job: Job) -> bytes:
    """The body of a delivery whose event is there, the same bytes on every attempt."""
    delivery = job.delivery
    if job.event is not None:
        told = events.body(job.event)
    else:
        told = {"timestamp": format_rfc3339(delivery.created_date), "type": delivery.type}
        told |= msgspec.json.decode(delivery.document or "{}", type=dict[str, msgspec.Raw])
    head = {"id": event_id(job), "webhook_id": ids.don(ids.WEBHOOK, delivery.org, delivery.webhook)}
    return msgspec.json.encode(head | {name: value for name, value in told.items() if name != "id"})


def challenge(org: str, webhook: int) -> NewDelivery:
    """A challenge that the receiver has to echo, so that nobody is sent what they did not ask for.

    It stands in `verify` as DevRev's does, and at the top level as well, where other receivers look
    for it.
    """
    word = secrets.token_urlsafe(32)
    document = msgspec.json.encode({"verify": {"challenge": word}, "challenge": word}).decode()
    return NewDelivery(org, webhook, 0, VERIFY, ids.WEBHOOK.display_id(webhook), document)


def accepted(job: Job, outcome: Outcome) -> bool:
    """Whether the receiver took it: 2xx, and 200 with `{"challenge": …}` for a challenge."""
    if outcome.status is None:
        return False
    if job.delivery.type != VERIFY:
        return _OK <= outcome.status < 300  # noqa: PLR2004  # where HTTP's successes end
    try:
        echoed = msgspec.json.decode(outcome.answer)
        asked = msgspec.json.decode(job.delivery.document or "{}")
    except msgspec.DecodeError:
        return False
    return (
        outcome.status == _OK
        and isinstance(echoed, dict)
        and echoed.get("challenge") == asked["challenge"]
    )
