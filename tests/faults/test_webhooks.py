"""Webhooks when things go wrong: kills under load, and receivers that hang."""

import random
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.hooks import QUICK, Hooks
from tests.support.postgres import PostgresServer, eventually, new_name
from tests.support.receiver import Receiver
from tests.support.server import Client, Server
from tests.support.trials import KILLS, TIMEOUT


class Writer(threading.Thread):
    """Creates engagements without ever repeating one; notes what was acknowledged, refused, or
    never answered.
    """

    def __init__(self, client: Client, name: str, stop: threading.Event) -> None:
        super().__init__(name=name)
        self._client = client
        self._stopped = stop
        self.acknowledged: dict[str, str] = {}
        self.refused: set[str] = set()
        self.unknown: set[str] = set()

    def run(self) -> None:
        number = 0
        with httpx.Client(
            timeout=10, headers={"authorization": f"Bearer {self._client.token}"}
        ) as http:
            while not self._stopped.is_set():
                number += 1
                self._create(http, f"{self.name}-{number}", bad=number % 5 == 0)

    def _create(self, http: httpx.Client, title: str, *, bad: bool) -> None:
        members = ["DEVU-987654"] if bad else [self._client.user]
        body = {"members": members, "scheduled_date": "2023-01-01T12:00:00.000Z", "title": title}
        try:
            answer = http.post(f"{self._client.server.url}/engagements.create", json=body)
        except httpx.TransportError:
            self.unknown.add(title)
            time.sleep(0.05)
            return
        if answer.status_code == 201:
            self.acknowledged[title] = answer.json()["engagement"]["id"]
        else:
            self.refused.add(title)


@pytest.mark.timeout(TIMEOUT)
@pytest.mark.slow
def test_across_kills_all_that_was_acknowledged_is_delivered_and_no_more(
    data: Path,
) -> None:
    with Receiver() as receiver:
        server = Server(data, **{**QUICK, "RAPPORT_WEBHOOK_TIMEOUT": "0.2"})
        ann = server.make_org()
        hook = Hooks(ann, receiver).make("ok", "slow", "ok", event_types=["engagement_created"])
        stop = threading.Event()
        writers = [Writer(ann, f"w{number}", stop) for number in range(4)]
        for writer in writers:
            writer.start()
        dice = random.Random()
        try:
            for _ in range(KILLS):
                time.sleep(dice.uniform(0.3, 0.8))
                server.restart()
            time.sleep(0.2)
        finally:
            stop.set()
            for writer in writers:
                writer.join()
        acknowledged = {
            title: id_ for writer in writers for title, id_ in writer.acknowledged.items()
        }
        refused = {title for writer in writers for title in writer.refused}
        unknown = {title for writer in writers for title in writer.unknown}
        assert len(acknowledged) > 100
        assert len(refused) > 20
        assert unknown, "no request was cut off"
        until = time.monotonic() + 60
        # A claim of a killed process lasts the time-out and five seconds.
        while not acknowledged.keys() <= set(
            titles := [_title(one.body) for one in hook.got_all()]
        ):
            assert time.monotonic() < until, len(acknowledged.keys() - set(titles))
            time.sleep(0.2)
        stored = {one["title"]: one["id"] for one in ann.everything()["engagements"]}
        assert set(titles) <= stored.keys()
        assert not refused & set(titles)
        told: dict[str, set[str]] = {}
        for one in hook.got_all():
            told.setdefault(_title(one.body), set()).add(one.body["id"])
            assert one.headers["webhook-id"] == one.body["id"]
        assert {len(ids) for ids in told.values()} == {1}, (
            "an event has one id, however often it is sent"
        )
        assert len({next(iter(ids)) for ids in told.values()}) == len(told)
        assert server.stop() == 0
        assert "internal_error" not in server.logged()


def _title(body: Any) -> str:
    return str(body["engagement_created"]["engagement"]["title"])


def _delays(hooks: Hooks, count: int) -> list[float]:
    """Seconds from the request of each write to its arrival at a good receiver, sorted."""
    good = hooks.make(event_types=["engagement_created"])
    sent = {}
    for number in range(count):
        title = f"{good.path}-{number}"
        sent[title] = time.time()
        hooks.client.engagement(title=title)
        time.sleep(0.005)
    return sorted(one.at - sent[_title(one.body)] for one in good.wait(count))


@pytest.mark.timeout(180)
@pytest.mark.postgres
def test_a_rest_that_a_receiver_asked_one_process_for_is_kept_by_all(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    with postgres.database(new_name()) as url, Receiver() as receiver:
        environment = {**QUICK, "RAPPORT_DATABASE_URL": url}
        servers = [Server(tmp_path / name, **environment) for name in ("a", "b")]
        hook = Hooks(servers[0].make_org(), receiver).make("later", "ok")
        hook.client.engagement()
        first = hook.wait(1)[0]
        eventually(15, lambda: hook.deliveries()[0].get("attempts"))
        for _ in range(8):
            hook.client.engagement()
        assert min(one.at for one in hook.wait(10)[1:]) - first.at >= 1.9
        assert [server.stop() for server in servers] == [0, 0]


@pytest.mark.long
@pytest.mark.slow
def test_hanging_receivers_delay_nobody_else(data: Path) -> None:
    with Receiver() as receiver:
        server = Server(
            data,
            **{
                **QUICK,
                "RAPPORT_WEBHOOK_TIMEOUT": "3",
                "RAPPORT_WEBHOOK_RETRY_DELAYS": "1,1,1,1,1",
            },
        )
        hooks = Hooks(server.make_org(), receiver)
        alone = _delays(hooks, 100)
        hanging = [hooks.make("hang", event_types=["engagement_created"]) for _ in range(5)]
        beside = _delays(hooks, 100)
        assert all(hook.got_all() for hook in hanging)
        # A receiver that waited for another one's time-out would be seconds late.
        assert beside[98] < alone[98] + 0.5, (alone[50], alone[98], beside[50], beside[98])
        assert server.stop() == 0
