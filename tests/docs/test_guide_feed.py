"""The receivers of docs/guide/feed.md, run as they stand, but for the address."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.sdk.install import node
from tests.support import guide
from tests.support.server import Client, Server, told_of

PAGE = "feed.md"


def _program(language: str, file: Path, server: Server) -> Path:
    (example,) = guide.examples(PAGE, language)
    file.write_text(example.code.replace(guide.HTTP, server.url), encoding="utf-8")
    return file


@contextmanager
def _running(command: list[str], folder: Path, token: str) -> Iterator[Path]:
    """A program that runs until the block ends; the file that it prints into."""
    said = folder / "said.txt"
    with said.open("w") as out:
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, "TOKEN": token}, stdout=out
        )
        try:
            yield said
        finally:
            process.kill()
            process.wait()


def _heard(said: Path, event: str) -> None:
    deadline = time.monotonic() + 20
    while event not in said.read_text(encoding="utf-8"):
        assert time.monotonic() < deadline, said.read_text(encoding="utf-8")
        time.sleep(0.05)


def test_the_python_receiver_s_copy_stays_right_though_it_is_killed(tmp_path: Path) -> None:
    demo = Server(tmp_path / "data", "--demo")
    alice = Client(demo, demo.token, "DEVU-12345")
    program = [sys.executable, str(_program("python", tmp_path / "copy.py", demo))]
    kept = tmp_path / "copy.json"
    with _running(program, tmp_path, demo.token) as said:
        deadline = time.monotonic() + 20
        while not kept.exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        made = alice.engagement(title="Heard at once")
        _heard(said, f"engagement_created {made['id']}")
    alice.ok("engagements.update", {"id": made["id"], "title": "Changed while nobody listened"})
    alice.ok("engagements.delete", {"id": "ENGAGEMENT-1"})
    account = alice.ok("accounts.create", {"display_name": "New"})["account"]
    with _running(program, tmp_path, demo.token) as said:
        _heard(said, f"account_created {account['id']}")
        deadline = time.monotonic() + 20
        while (copy := json.loads(kept.read_text()))["after"] < alice.feed_end():
            assert time.monotonic() < deadline
            time.sleep(0.05)
    now = {
        one["id"]: told_of(one)
        for family in ("accounts", "engagements")
        for one in alice._walked(family)
    }
    assert {id_: told_of(one) for id_, one in copy["objects"].items()} == now
    assert demo.stop() == 0


def test_the_javascript_receiver_goes_on_where_the_server_was_stopped(tmp_path: Path) -> None:
    server = Server(tmp_path / "data")
    alice = server.make_org()
    program = [
        str(node()),
        str(_program("js", tmp_path / "listen.mjs", server)),
        str(alice.feed_end()),
    ]
    with _running(program, tmp_path, alice.token) as said:
        first = alice.engagement()
        _heard(said, f"engagement_created {first['id']}")
        server.restart()
        second = alice.engagement()
        _heard(said, f"engagement_created {second['id']}")
        lines = said.read_text(encoding="utf-8").splitlines()
        assert [line.split()[2] for line in lines] == [first["id"], second["id"]]
    assert server.stop() == 0
