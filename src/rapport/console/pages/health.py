"""Health: whether the store is well, how many requests are left, what does not get through."""

from typing import Any

from starlette.responses import Response

from rapport import __version__
from rapport.console.guard import Visit
from rapport.console.names import short_id
from rapport.console.settings import part
from rapport.contract import webhook_deliveries, webhooks
from rapport.contract.kit.errors import ServiceUnavailable
from rapport.operations.health import Health
from rapport.ratelimit import Limits

_MOST = 100


class Page:
    """The page.

    Args:
        health: of the store.
        limits: counts requests; None where limits are off.
    """

    def __init__(self, health: Health, limits: Limits | None) -> None:
        self._health = health
        self._limits = limits

    async def show(self, visit: Visit) -> Response:
        """The page."""
        caller = visit.caller
        usage = self._limits and await self._limits.take((caller.org, caller.user_id), 0)
        return part(
            visit,
            "health",
            program=__version__,
            problem=await self._problem(),
            usage=usage,
            **await _not_through(visit),
        )

    async def _problem(self) -> str:
        try:
            await self._health.ready()
        except ServiceUnavailable as error:
            return f"{error.message} {error.detail}"
        return ""


async def _not_through(visit: Visit) -> dict[str, Any]:
    """Webhooks that did not answer, and those with deliveries that failed, for who may see them."""
    if not visit.may(webhooks.LIST):
        return {"webhooks": None, "failed": []}
    found = await visit.ask(webhooks.LIST, {"status": ["unverified"], "limit": _MOST})
    failed = await visit.ask(webhook_deliveries.LIST, {"status": ["failed"], "limit": _MOST})
    hooks = dict.fromkeys(short_id(one["webhook"]) for one in failed["webhook_deliveries"])
    return {"webhooks": found["webhooks"], "failed": list(hooks)}
