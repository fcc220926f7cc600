"""One webhook: of what it is told, what was sent to it and how that went, sending it again."""

from typing import Any

from starlette.responses import Response

from rapport.console import words
from rapport.console.address import address
from rapport.console.guard import Visit
from rapport.console.names import short_id
from rapport.console.pages.webhooks import FIELDS, TYPES
from rapport.console.refusals import Errors, Typed, said_of
from rapport.console.settings import part
from rapport.contract import webhook_deliveries, webhooks
from rapport.contract.kit.errors import ApiError

_ROWS = 30
# As many of the tries of a delivery as are shown, the last ones.
_TRIES = 2


async def show(visit: Visit) -> Response:
    """The page, with the deliveries of the status that its address has."""
    found = await _find(visit)
    return await _page(visit, found, {"url": found["url"]}, {}, found.get("event_types", []))


async def save(visit: Visit) -> Response:
    """Save what was changed."""
    found, typed = await _find(visit), {"url": visit.form.one("url")}
    chosen = visit.form.many("event")
    request = {"id": found["id"], "event_types": {"set": chosen}}
    if typed["url"] != found["url"]:
        request["url"] = typed["url"]
    try:
        await visit.ask(webhooks.UPDATE, request)
    except ApiError as error:
        errors = said_of(error, FIELDS)
        return await _page(visit, found, typed, errors, chosen, code=error.status)
    return visit.moved(f"{_way(visit)}?done")


async def activate(visit: Visit) -> Response:
    """Tell it of what happens from now on."""
    await visit.ask(webhooks.UPDATE, {"id": _id(visit), "action": "activate"})
    return visit.moved(f"{_way(visit)}?done")


async def deactivate(visit: Visit) -> Response:
    """Tell it nothing more."""
    await visit.ask(webhooks.UPDATE, {"id": _id(visit), "action": "deactivate"})
    return visit.moved(f"{_way(visit)}?done")


async def delete(visit: Visit) -> Response:
    """Delete it for good."""
    await visit.ask(webhooks.DELETE, {"id": _id(visit)})
    return visit.moved("/settings/webhooks?done")


async def send(visit: Visit) -> Response:
    """Send one delivery again, or all that failed."""
    one = visit.form.one("delivery")
    request = {"id": one} if one else {"webhook": _id(visit), "status": ["failed"]}
    sent = await visit.ask(webhook_deliveries.REDELIVER, request)
    return visit.moved(f"{_way(visit)}?sent={sent['count']}")


async def back(visit: Visit) -> Response:
    """To the page, from the address of a deed."""
    return visit.moved(_way(visit))


def _id(visit: Visit) -> str:
    return str(visit.request.path_params["id"])


def _way(visit: Visit) -> str:
    return f"/settings/webhooks/{_id(visit)}"


async def _find(visit: Visit) -> Any:
    return (await visit.ask(webhooks.GET, {"id": _id(visit)}))["webhook"]


async def _page(
    visit: Visit, found: Any, typed: Typed, errors: Errors, chosen: list[str], *, code: int = 200
) -> Response:
    may, way = visit.may, _way(visit)
    notice = _sent(visit)
    return part(
        visit,
        "webhook",
        status=code,
        is_secret=True,
        hook=found,
        typed=typed,
        errors=errors,
        types=TYPES,
        chosen=chosen,
        may_change=may(webhooks.UPDATE),
        may_delete=may(webhooks.DELETE),
        may_send=may(webhook_deliveries.REDELIVER),
        **await _deliveries(visit, found["id"], way),
        **({"notice": notice} if notice else {}),
    )


async def _deliveries(visit: Visit, webhook: str, way: str) -> dict[str, Any]:
    """A page of the log."""
    query = visit.request.query_params
    status = query.get("status", "")
    status = status if status in words.DELIVERY_STATUSES else ""
    request = {"webhook": [webhook], "limit": _ROWS}
    request |= {"status": [status]} if status else {}
    found = await visit.ask_here(webhook_deliveries.LIST, request)
    more = found.get("next_cursor", "")
    of = visit.moments.of
    return {
        "deliveries": [
            (one, short_id(one["object"]), of(one["created_date"]), _tries(one))
            for one in found["webhook_deliveries"]
        ],
        "more": address(way, {}, status=status, cursor=more) if more else "",
        "wanted": status,
        "statuses": {"": words.ALL, **words.DELIVERY_STATUSES},
        "ways": {one: address(way, {}, status=one) for one in ("", *words.DELIVERY_STATUSES)},
    }


def _tries(delivery: Any) -> list[tuple[str, int]]:
    """The last tries, each with what came back and the milliseconds that it took."""
    return [
        (str(one.get("http_status", "") or one.get("error", words.NO_ANSWER)), one["duration_ms"])
        for one in delivery["attempts"][-_TRIES:]
    ]


def _sent(visit: Visit) -> str:
    count = visit.request.query_params.get("sent", "")
    return words.ON_ITS_WAY.format(count=count) if count.isdecimal() else ""
