"""The receivers of docs/guide/webhooks.md, run as they stand."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.sdk.install import node
from tests.support import guide
from tests.support.hooks import ENGAGEMENTS
from tests.support.postgres import eventually
from tests.support.server import Server
from tests.support.starting import listens

SECRET = "c3VwZXItc2VjcmV0LWtleS0yNGJ5"
FILES = {"python": "receiver.py", "js": "receiver.mjs"}


@pytest.mark.parametrize("language", FILES)
def test_the_page_s_receiver_takes_what_is_signed_and_nothing_else(
    language: str, tmp_path: Path, unused_port: int
) -> None:
    (example,) = guide.examples("webhooks.md", language)
    name = FILES[language]
    program = sys.executable if language == "python" else str(node())
    (tmp_path / name).write_text(example.code, encoding="utf-8")
    environment = {**os.environ, "SECRET": SECRET, "PORT": str(unused_port)}
    server = Server(tmp_path / "data", RAPPORT_WEBHOOK_ALLOW_PRIVATE="1")
    ann = server.make_org()
    with subprocess.Popen(
        [program, name], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True
    ) as receiver:
        try:
            eventually(20, lambda: listens(unused_port))
            request = {
                "url": f"http://127.0.0.1:{unused_port}/",
                "event_types": ENGAGEMENTS,
                "secret": SECRET,
            }
            made = ann.ok("webhooks.create", request)["webhook"]
            other = ann.ok(
                "webhooks.create", {**request, "secret": "b3RoZXItc2VjcmV0LWtleS0yNGJ5"}
            )["webhook"]
            while ann.ok("webhooks.get", {"id": made["id"]})["webhook"]["status"] != "active":
                pass
            engagement = ann.engagement()
            assert receiver.stdout is not None
            assert (
                receiver.stdout.readline() == f"engagement_created {engagement['created_date']}\n"
            )
            ann.ok("webhook-deliveries.redeliver", {"webhook": made["id"]})
            ann.ok("engagements.delete", {"id": engagement["id"]})
            assert receiver.stdout.readline().startswith("engagement_deleted ")
            attempts: list[Any] = []
            while not attempts:
                (refused,) = ann.ok("webhook-deliveries.list", {"webhook": [other["id"]]})[
                    "webhook_deliveries"
                ]
                attempts = refused["attempts"]
            assert attempts[0].get("http_status") == 401, attempts
        finally:
            receiver.kill()
    assert server.stop() == 0
