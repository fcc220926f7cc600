"""Deliveries in the store, with a clock that the test sets and a receiver in another process."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rapport.auth.caller import Caller
from rapport.blobs.local import LocalBlobs
from rapport.clock import DAY, MILLISECOND, SECOND
from rapport.contract import webhook_deliveries, webhooks
from rapport.contract.kit.ids import WebhookDeliveryId, WebhookId
from rapport.contract.kit.method import Method
from rapport.contract.webhook_values import Secret, WebhookUrl
from rapport.events.bell import Bell
from rapport.jobs.clean import Cleaner
from rapport.jobs.deliver import Deliveries, Rules
from rapport.operations.kit.context import NO_TOOLS
from rapport.operations.kit.invoke import Invoker
from rapport.settings import load
from rapport.webhooks.post import Poster
from rapport.webhooks.reach import Reach
from tests.support.engine import Engine
from tests.support.receiver import Receiver

DEFAULTS = load({}, {}, Path("/nowhere"))
RULES = Rules(timeout=0.5, retry_delays=DEFAULTS.webhook_retry_delays, verify_again=3600.0)


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


async def close(worker: Deliveries) -> None:
    """Let go of its connections: the loop ends with the test."""
    worker._poster.close()
    await asyncio.sleep(0.01)


class Hooked:
    """An org with a webhook, and workers on its store."""

    def __init__(self, engine: Engine, receiver: Receiver, path: str) -> None:
        self.engine = engine
        self.path = path = f"{path}-{engine.name}"
        self._receiver = receiver
        receiver.plan(path)
        self.alice = engine.person()
        self._invoker = Invoker(
            engine.store, lambda: engine.now, NO_TOOLS._replace(reach=Reach(allow_private=True))
        )
        url = WebhookUrl.parse(receiver.url(path))
        self.webhook = self.call(webhooks.CREATE, url=url, event_types=["engagement_created"])[
            "webhook"
        ]
        self.secret = self.webhook["secret"]
        self.work(self.worker())

    def call(self, method: Method, caller: Caller | None = None, **fields: Any) -> Any:
        answer = self.engine.run(
            self._invoker.invoke(caller or self.alice, method, method.request(**fields))
        )
        return msgspec.json.decode(answer.body)

    def worker(self) -> Deliveries:
        reach = Reach(allow_private=True)
        return Deliveries(
            self.engine.store, lambda: self.engine.now, Poster(reach), RULES, bell=Bell()
        )

    def work(self, worker: Deliveries) -> None:
        """Turns until nothing is due at this time of the clock, each with the end of its
        attempts.
        """

        async def turns() -> None:
            while await worker.turn() or worker._tasks:
                if worker._tasks:
                    await asyncio.wait(worker._tasks)
            await close(worker)

        self.engine.run(turns())

    def deliveries(self) -> list[Any]:
        found = self.call(webhook_deliveries.LIST)["webhook_deliveries"]
        return [one for one in reversed(found) if one["event_type"] != "verify"]

    def got(self) -> list[Any]:
        return self._receiver.got(self.path)

    def plan(self, *modes: str, verify: str = "ok") -> None:
        self._receiver.plan(self.path, *modes, verify=verify)

    @property
    def status(self) -> str:
        (found,) = self.call(webhooks.LIST)["webhooks"]
        return str(found["status"])


def test_retries_go_on_for_a_day_then_it_is_given_up_and_asked_hourly(
    store: Engine, receiver: Receiver
) -> None:
    assert sum(RULES.retry_delays) == 86_400
    assert RULES.retry_delays[:2] == (30, 180)
    hooked = Hooked(store, receiver, "day")
    hooked.plan("500", verify="500")
    worker = hooked.worker()
    store.run(store.create(hooked.alice))
    made = store.now
    hooked.work(worker)
    for number, delay in enumerate(RULES.retry_delays, start=1):
        (delivery,) = hooked.deliveries()
        assert (len(delivery["attempts"]), delivery["status"], hooked.status) == (
            number,
            "pending",
            "active",
        )
        store.now += round(delay * 0.89 * SECOND)
        hooked.work(worker)
        assert len(hooked.got()) == number, "not before its time"
        store.now += round(delay * 0.22 * SECOND)
        hooked.work(worker)
    assert 0.85 * DAY < store.now - made < 1.15 * DAY
    (delivery,) = hooked.deliveries()
    assert (len(delivery["attempts"]), delivery["status"], hooked.status) == (
        11,
        "failed",
        "unverified",
    )
    for _ in range(3):
        store.now += 3599 * SECOND
        hooked.work(worker)
        asked = len(receiver.got(hooked.path, challenges=True))
        store.now += SECOND
        hooked.work(worker)
        assert len(receiver.got(hooked.path, challenges=True)) == asked + 1
    hooked.plan("ok")
    store.now += 3600 * SECOND
    hooked.work(worker)
    assert hooked.status == "active"
    assert [one["status"] for one in hooked.deliveries()] == ["delivered"]


def test_the_secret_before_signs_for_a_day(store: Engine, receiver: Receiver) -> None:
    hooked = Hooked(store, receiver, "rotated")
    hooked.call(
        webhooks.UPDATE,
        id=WebhookId.parse(hooked.webhook["id"]),
        secret=Secret.parse("bmV3LXNlY3JldA=="),
    )
    worker = hooked.worker()
    for later, signatures in ((DAY - SECOND, 2), (SECOND, 1)):
        store.now += later
        store.run(store.create(hooked.alice))
        hooked.work(worker)
        assert len(hooked.got()[-1].headers["webhook-signature"].split()) == signatures


def test_what_a_killed_worker_had_claimed_is_sent_once_the_claim_is_over(
    store: Engine, receiver: Receiver
) -> None:
    hooked = Hooked(store, receiver, "claimed")
    store.run(store.create(hooked.alice))
    killed, other = hooked.worker(), hooked.worker()

    async def die() -> None:
        assert await killed.turn()
        for task in killed._tasks:
            task.cancel()
        await asyncio.wait(killed._tasks)
        await close(killed)

    store.run(die())
    assert hooked.got() == []
    hooked.work(other)
    store.now += round((RULES.timeout + 5) * SECOND) - MILLISECOND
    hooked.work(other)
    assert hooked.got() == []
    store.now += MILLISECOND
    hooked.work(other)
    (told,) = hooked.got()
    (delivery,) = hooked.deliveries()
    assert (delivery["status"], delivery["event_id"]) == ("delivered", told.body["id"])


def test_two_workers_send_each_event_once(store: Engine, receiver: Receiver) -> None:
    hooked = Hooked(store, receiver, "two")
    for number in range(40):
        store.run(store.create(hooked.alice, title=f"{number}"))
    workers = [hooked.worker(), hooked.worker()]

    async def together() -> None:
        while any(await asyncio.gather(*(worker.turn() for worker in workers))):
            await asyncio.sleep(0.01)
            for worker in workers:
                if worker._tasks:
                    await asyncio.wait(worker._tasks)
        for worker in workers:
            await close(worker)

    store.run(together())
    assert len(hooked.got()) == len({one.body["id"] for one in hooked.got()}) == 40
    assert {one["status"] for one in hooked.deliveries()} == {"delivered"}


def test_a_backlog_waits_in_the_log_and_is_told_whole(store: Engine, receiver: Receiver) -> None:
    hooked = Hooked(store, receiver, "backlog")
    made = 1_100

    async def create() -> None:
        await asyncio.gather(
            *(store.create(hooked.alice, title=f"{number}") for number in range(made))
        )

    store.run(create())
    worker = hooked.worker()
    assert store.run(worker.turn())
    assert store.all("SELECT COUNT(*) FROM webhook_deliveries")[0][0] <= 502
    hooked.work(worker)
    assert len({one.body["id"] for one in hooked.got()}) == made


def test_deliveries_are_forgotten_after_their_time_with_their_attempts(
    store: Engine, receiver: Receiver, tmp_path: Path
) -> None:
    hooked = Hooked(store, receiver, "old")
    worker = hooked.worker()
    cleaner = Cleaner(
        store.store,
        LocalBlobs(tmp_path / "blobs"),
        lambda: store.now,
        orphan_seconds=1,
        delivery_seconds=86_400,
    )
    for number in range(120):
        store.run(store.create(hooked.alice, title=f"{number}"))
    hooked.work(worker)
    store.now += DAY
    store.run(store.create(hooked.alice, title="new"))
    hooked.work(worker)
    assert store.run(cleaner.forget_deliveries()) == 0
    store.now += MILLISECOND
    assert store.run(cleaner.forget_deliveries()) == 121
    assert [one["event_type"] for one in hooked.deliveries()] == ["engagement_created"]
    assert store.all("SELECT COUNT(*) FROM webhook_attempts") == [(1,)]


def test_an_event_that_retention_took_is_not_sent_again(
    store: Engine, receiver: Receiver, tmp_path: Path
) -> None:
    hooked = Hooked(store, receiver, "gone")
    worker = hooked.worker()
    store.run(store.create(hooked.alice))
    hooked.work(worker)
    store.now += 2 * DAY
    cleaner = Cleaner(
        store.store,
        LocalBlobs(tmp_path / "blobs"),
        lambda: store.now,
        orphan_seconds=1,
        event_seconds=86_400,
    )
    assert store.run(cleaner.forget_events()) >= 1
    id_ = WebhookDeliveryId.parse(hooked.deliveries()[0]["id"])
    with pytest.raises(Exception, match="still kept"):
        hooked.call(webhook_deliveries.REDELIVER, id=id_)
