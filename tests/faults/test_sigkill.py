"""What was acknowledged survives a kill, once."""

import random
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.server import Client, Server
from tests.support.trials import KILLS, TIMEOUT

CONNECTIONS = 16


class Writer(threading.Thread):
    """One client that sends each create until it is acknowledged, and now and then sends an old
    one again.
    """

    def __init__(self, client: Client, name: str, stop: threading.Event) -> None:
        super().__init__(name=name)
        self._client = client
        self._stopped = stop
        self._dice = random.Random(name)
        self.acknowledged: dict[str, Any] = {}
        self.retried = 0
        self.replayed = 0
        self.wrong: list[str] = []

    def run(self) -> None:
        with httpx.Client(
            timeout=10, headers={"authorization": f"Bearer {self._client.token}"}
        ) as http:
            number = 0
            while not self._stopped.is_set():
                number += 1
                self._create(http, f"{self.name}-{number}")
                if self._dice.random() < 0.2:
                    self._create(http, self._dice.choice(list(self.acknowledged)))

    def _create(self, http: httpx.Client, title: str) -> None:
        body = {
            "members": [self._client.user],
            "scheduled_date": "2023-01-01T12:00:00.000Z",
            "title": title,
        }
        while True:
            try:
                answer = http.post(
                    f"{self._client.server.url}/engagements.create",
                    json=body,
                    headers={"idempotency-key": title},
                )
            except httpx.TransportError:
                self.retried += 1
                time.sleep(0.05)
                continue
            if answer.status_code == 503:
                continue
            break
        if answer.status_code != 201:
            self.wrong.append(answer.text)
            return
        made = answer.json()["engagement"]
        self.replayed += "idempotent-replayed" in answer.headers
        if self.acknowledged.setdefault(title, made) != made:
            self.wrong.append(f"{title} was answered as {self.acknowledged[title]} and as {made}")


def _all(client: Client) -> list[Any]:
    found: list[Any] = []
    request: dict[str, Any] = {"limit": 100}
    while True:
        page = client.ok("engagements.list", request)
        found += page["engagements"]
        if "next_cursor" not in page:
            return found
        request["cursor"] = page["next_cursor"]


@pytest.mark.timeout(TIMEOUT)
@pytest.mark.slow
def test_every_acknowledged_engagement_is_there_once_after_kills(
    data: Path,
) -> None:
    server = Server(data)
    alice = server.make_org("Alice's")
    stop = threading.Event()
    writers = [Writer(alice, f"w{number}", stop) for number in range(CONNECTIONS)]
    for writer in writers:
        writer.start()
    dice = random.Random()
    try:
        for _ in range(KILLS):
            time.sleep(dice.uniform(0.2, 0.8))
            began = time.monotonic()
            server.restart()
            assert time.monotonic() - began < 10
        time.sleep(0.3)
    finally:
        stop.set()
        for writer in writers:
            writer.join()

    assert [problem for writer in writers for problem in writer.wrong] == []
    assert sum(writer.retried for writer in writers) >= KILLS, "no request was cut off"
    acknowledged = {
        title: made for writer in writers for title, made in writer.acknowledged.items()
    }
    stored = _all(alice)
    assert len(stored) == len(acknowledged) > 100
    assert {one["title"]: one for one in stored} == acknowledged
    assert len({one["display_id"] for one in stored}) == len(stored)
    assert alice.ok("engagements.count")["count"] == len(stored)
    assert server.stop() == 0
    assert "internal_error" not in server.logged()


def test_what_was_written_once_is_there_after_a_kill(data: Path) -> None:
    server = Server(data)
    alice = server.make_org()
    made = alice.engagement(title="before the kill", description="kept")
    server.restart()
    assert alice.ok("engagements.get", {"id": made["display_id"]})["engagement"] == made
    after = alice.engagement(title="after the kill")
    assert int(after["display_id"].rpartition("-")[2]) > int(made["display_id"].rpartition("-")[2])
    assert server.stop() == 0
