"""A kill in the middle of a batch leaves whole requests, and the same batch goes on from there."""

import threading
import time
from pathlib import Path
from typing import Any

import httpx

from tests.support.server import Client, Server

REQUESTS = 300


def _made(client: Client) -> list[Any]:
    """All accounts."""
    found: list[Any] = []
    request: dict[str, Any] = {"limit": 100}
    while True:
        page = client.ok("accounts.list", request)
        found += page["accounts"]
        if "next_cursor" not in page:
            return found
        request["cursor"] = page["next_cursor"]


def test_a_killed_batch_left_whole_requests_and_goes_on_under_its_key(tmp_path: Path) -> None:
    server = Server(tmp_path / "data")
    alice = server.make_org()
    batch: dict[str, list[Any]] = {
        "requests": [
            {"method": "accounts.create", "body": {"display_name": f"A{number}"}}
            for number in range(REQUESTS)
        ]
    }
    ended: list[Exception] = []

    def send() -> None:
        headers = {"authorization": f"Bearer {alice.token}", "idempotency-key": "b-1"}
        try:
            httpx.post(f"{server.url}/batch.run", json=batch, headers=headers, timeout=60)
        except httpx.TransportError as error:
            ended.append(error)

    sender = threading.Thread(target=send)
    sender.start()
    deadline = time.monotonic() + 30
    while not alice.ok("accounts.list", {"limit": 5})["accounts"]:
        assert time.monotonic() < deadline
    server.kill()
    sender.join()
    assert ended
    server.restart()
    left = _made(alice)
    assert 0 < len(left) < REQUESTS
    for account in (left[0], left[-1]):
        assert alice.ok("rev-orgs.get", {"account": account["id"]})["rev_org"]
    results = alice.ok("batch.run", batch, **{"Idempotency-Key": "b-1"})["results"]
    assert {result["status"] for result in results} == {201}
    made = _made(alice)
    assert {account["id"] for account in left} <= {account["id"] for account in made}
    assert sorted(account["display_name"] for account in made) == sorted(
        request["body"]["display_name"] for request in batch["requests"]
    )
    assert server.stop() == 0
