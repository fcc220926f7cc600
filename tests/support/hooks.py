"""Webhooks of a client at a receiver."""

import itertools
import time
from typing import Any

from tests.support.receiver import Received, Receiver
from tests.support.server import Client

ENGAGEMENTS = ["engagement_created", "engagement_updated", "engagement_deleted"]
QUICK = {
    "RAPPORT_WEBHOOK_ALLOW_PRIVATE": "1", "RAPPORT_WEBHOOK_TIMEOUT": "0.6", "RAPPORT_WEBHOOK_RETRY_DELAYS": "0.1,0.3",
    "RAPPORT_WEBHOOK_REVERIFY_SECONDS": "0.4",
}  # fmt: skip
_paths = itertools.count(1)


class Hook:
    """A webhook, and the path of the receiver that it goes to."""

    def __init__(self, client: Client, receiver: Receiver, path: str, webhook: Any) -> None:
        self.client = client
        self.receiver = receiver
        self.path = path
        self.made = webhook
        self.id = str(webhook["id"])

    @property
    def now(self) -> Any:
        """The webhook as it is now."""
        return self.client.ok("webhooks.get", {"id": self.id})["webhook"]

    def until(self, status: str, *, seconds: float = 15) -> Any:
        """The webhook, once it has this status."""
        end = time.monotonic() + seconds
        while (found := self.now)["status"] != status:
            assert time.monotonic() < end, (found, self.deliveries())
            time.sleep(0.02)
        return found

    def update(self, **fields: Any) -> Any:
        """Change it."""
        return self.client.ok("webhooks.update", {"id": self.id, **fields})["webhook"]

    def plan(self, *modes: str, verify: str = "ok") -> None:
        """What its receiver does from now on."""
        self.receiver.plan(self.path, *modes, verify=verify)

    def wait(self, count: int, **options: Any) -> list[Received]:
        """What its receiver got, once it is so much."""
        return self.receiver.wait(self.path, count, **options)

    def got_all(self) -> list[Received]:
        """What its receiver got so far."""
        return self.receiver.got(self.path)

    def deliveries(self, **filters: Any) -> list[Any]:
        """Its deliveries but for challenges, the oldest first."""
        request = {"webhook": [self.id], "limit": 100, **filters}
        found = self.client.ok("webhook-deliveries.list", request)["webhook_deliveries"]
        return [one for one in reversed(found) if one["event_type"] != "verify"]

    def settled(self, count: int, status: str = "delivered", *, seconds: float = 15) -> list[Any]:
        """Its deliveries, once so many have a status."""
        end = time.monotonic() + seconds
        while len(found := self.deliveries(status=[status])) < count:
            assert time.monotonic() < end, self.deliveries()
            time.sleep(0.02)
        return found


class Hooks:
    """Makes webhooks."""

    def __init__(self, client: Client, receiver: Receiver) -> None:
        self.client = client
        self.receiver = receiver

    def make(self, *modes: str, verify: str = "ok", active: bool = True, **fields: Any) -> Hook:
        """A webhook at a path of its own; fields add to or replace the least."""
        path = f"r{next(_paths)}"
        self.receiver.plan(path, *modes, verify=verify)
        least = {"url": self.receiver.url(path), "event_types": ENGAGEMENTS}
        made = self.client.ok("webhooks.create", {**least, **fields})["webhook"]
        hook = Hook(self.client, self.receiver, path, made)
        if active:
            hook.until("active")
        return hook
