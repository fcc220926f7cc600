"""What nobody uploads, attaches or refers to goes by itself, with its bytes; what somebody
holds stays.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.server import Client, Server

pytestmark = [pytest.mark.engines("sqlite"), pytest.mark.slow]


def blobs(server: Server) -> set[Path]:
    return {path for path in (server.data / "blobs").rglob("*") if path.is_file()}


def until(holds: Callable[[], bool]) -> None:
    for _ in range(200):
        if holds():
            return
        time.sleep(0.1)
    assert holds()


def started(server: Server, **environment: str) -> None:
    """Start a server that was stopped, with other settings."""
    server._environment = environment
    server.start()


def test_orphans_go_with_their_bytes_and_what_is_held_stays(tmp_path: Path) -> None:
    server = Server(tmp_path / "data")
    client = server.make_org()
    prepared, loose = client.prepare(), client.upload(b"loose")
    held = client.upload(b"held")
    engagement = client.engagement(artifacts=[held])
    waiting = client.ok("artifacts.versions.prepare", {"id": held})
    many = [client.prepare()["id"] for _ in range(250)]
    assert server.stop() == 0
    started(server, RAPPORT_ARTIFACT_ORPHAN_HOURS="0")
    until(lambda: [one["id"] for one in client.ok("artifacts.list")["artifacts"]] == [held])
    until(lambda: len(blobs(server)) == 1)
    for artifact in (prepared["id"], loose, many[0]):
        assert client.call("artifacts.get", {"id": artifact}).status == 404
    assert client.send(prepared, b"late").status_code == 403
    assert client.send(waiting, b"late").status_code == 403
    assert client.download(held).content == b"held"
    client.refused(
        "engagements.update",
        {"id": engagement["id"], "artifacts": {"set": [held, loose]}},
        "invalid_id",
        "artifacts.set[1]",
    )
    assert server.stop() == 0


def test_within_the_time_nothing_goes(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", RAPPORT_ARTIFACT_ORPHAN_HOURS="1")
    client = server.make_org()
    prepared, loose = client.prepare(), client.upload(b"loose")
    server.restart()
    time.sleep(1)
    assert client.download(loose).content == b"loose"
    assert client.send(prepared, b"x").status_code == 204
    assert server.stop() == 0


def test_a_deleted_versions_bytes_leave_the_disk(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", RAPPORT_ARTIFACT_ORPHAN_HOURS="0.0003")
    client = server.make_org()
    artifact = client.upload(b"secret")
    client.engagement(artifacts=[artifact])
    assert len(blobs(server)) == 1
    client.ok("artifacts.versions.delete", {"id": artifact})
    until(lambda: not blobs(server))
    assert server.stop() == 0


def test_leftovers_of_a_crash_go_at_the_next_start(tmp_path: Path) -> None:
    server = Server(tmp_path / "data")
    client = server.make_org()
    kept = client.upload(b"kept")
    assert server.stop() == 0
    (server.data / "blobs" / ".parts" / "leftover").write_bytes(b"half")
    server.start()
    until(lambda: len(blobs(server)) == 1)
    assert client.download(kept).content == b"kept"
    assert server.stop() == 0


def test_the_storage_figure_counts_every_version_of_each_org(
    server: Server, alice: Client, charlie: Client
) -> None:
    artifact = alice.upload(b"x" * 1000)
    assert (
        alice.send(alice.ok("artifacts.versions.prepare", {"id": artifact}), b"x" * 234).status_code
        == 204
    )
    alice.prepare()
    command = [sys.executable, "-m", "rapport", "orgs", "list", "--data", str(server.data)]
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("RAPPORT_")
    }
    said = subprocess.run(
        [*command, "--json"],
        env=environment,
        cwd=server.data.parent,
        capture_output=True,
        check=True,
    )
    sizes = {org["display_id"]: org["storage_bytes"] for org in json.loads(said.stdout)["orgs"]}
    assert (sizes[alice.org], sizes[charlie.org]) == (1234, 0)
    table = subprocess.run(
        command, env=environment, cwd=server.data.parent, capture_output=True, check=True, text=True
    ).stdout
    assert "1234" in next(line for line in table.splitlines() if alice.org in line)
    alice.ok("artifacts.versions.delete", {"id": artifact})
    assert {org["display_id"]: org["storage_bytes"] for org in server.run("orgs list")["orgs"]}[
        alice.org
    ] == 1000
