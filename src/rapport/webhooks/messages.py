"""What a webhook is told: the body of a delivery, and what counts as taking it."""

import secrets
from contextlib import suppress
from datetime import UTC
from email.utils import parsedate_to_datetime

import msgspec

from rapport.clock import SECOND, format_rfc3339
from rapport.contract.kit import ids
from rapport.events import log as events
from rapport.store.webhook_deliveries import VERIFY, Job, NewDelivery
from rapport.webhooks.post import Outcome

_OK = 200
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# The longest that a receiver may ask to be left alone.
_LONGEST_REST = 3600 * SECOND


def event_id(job: Job) -> str:
    """The id of what is told: one per write and webhook, the same on every attempt."""
    return ids.event_don(job.delivery.org, job.delivery.webhook, job.delivery.number)


def body(job: Job) -> bytes:
    """The body of a delivery whose event is there, the same bytes on every attempt."""
    delivery = job.delivery
    if job.event is not None:
        _, _, action = delivery.type.rpartition("_")
        told = events.body(job.event._replace(action=action))
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
    asked = msgspec.json.decode(job.delivery.document or "{}")
    try:
        echoed = msgspec.json.decode(outcome.answer.removeprefix(_BYTE_ORDER_MARK))
    except (ValueError, RecursionError):  # whatever a receiver may write
        return False
    return (
        outcome.status == _OK
        and isinstance(echoed, dict)
        and echoed.get("challenge") == asked["challenge"]
    )


def rest_asked(outcome: Outcome, now: int) -> int:
    """For how long a receiver asks to be left alone, up to an hour; both in microseconds.

    It does so by Retry-After, with any status: as seconds, or as a date of HTTP's.
    """
    text = outcome.retry_after or ""
    if text.isascii() and text.isdigit():
        return min(int(text[:10]) * SECOND, _LONGEST_REST)
    with suppress(ValueError, OverflowError):
        date = parsedate_to_datetime(text)
        until = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
        return min(max(0, round(until * SECOND) - now), _LONGEST_REST)
    return 0
