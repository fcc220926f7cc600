"""A full disk: writes are refused in time, reads go on, and it comes back by itself."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command import rapport
from tests.support.server import Answer, Client, Server


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 16 MiB."""
    disk = tmp_path / "small"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "rapport-test", str(disk)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"a small disk needs the right to mount one: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def _create(client: Client) -> Answer:
    request = {
        "members": [client.user],
        "scheduled_date": "2023-01-01T12:00:00Z",
        "title": "x",
        "description": "y" * 60_000,
    }
    return client.call("engagements.create", request)


def _fill(file: Path) -> None:
    with file.open("wb", buffering=0) as filler:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while filler.write(b"\0" * size) == size:
                    pass
            except OSError:
                continue


def test_writes_get_503_in_time_reads_go_on_and_all_comes_back_by_itself(small_disk: Path) -> None:
    server = Server(small_disk / "data")
    client = server.make_org()
    kept = client.engagement(title="before")
    filler = small_disk / "filler"
    _fill(filler)

    answer = _create(client)
    while answer.status == 201:
        began = time.monotonic()
        answer = _create(client)
        assert time.monotonic() - began < 5
    assert (answer.status, answer.type) == (503, "service_unavailable")
    assert int(answer.headers["retry-after"]) >= 1
    refused = [_create(client) for _ in range(5)]
    assert {one.status for one in refused} == {503}
    count = client.ok("engagements.count")["count"]
    assert client.ok("engagements.get", {"id": kept["id"]})["engagement"] == kept
    assert client.ok("engagements.list", {"limit": 1, "sort_by": ["created_date:asc"]})[
        "engagements"
    ] == [kept]
    refusal = server.http.get(f"{server.url}/readyz")
    assert (refusal.status_code, refusal.json()["type"]) == (503, "service_unavailable")
    assert "full" in refusal.json()["message"]

    filler.unlink()
    deadline = time.monotonic() + 5
    while (answer := _create(client)).status != 201:
        assert time.monotonic() < deadline, answer
        time.sleep(0.1)
    assert server.http.get(f"{server.url}/readyz").status_code == 200
    assert client.ok("engagements.count")["count"] == count + 1
    server.restart()
    assert client.ok("engagements.count")["count"] == count + 1
    assert server.stop() == 0
    assert "internal_error" not in server.logged()


def test_a_copy_to_a_full_disk_says_so_and_goes_on_once_there_is_room(
    small_disk: Path, tmp_path: Path
) -> None:
    source = Server(tmp_path / "data", "--demo")
    assert source.stop() == 0
    there = str(small_disk / "copy")
    filler = small_disk / "filler"
    for room in (0, 200_000, 600_000, 1_500_000):
        _fill(filler)
        with filler.open("r+b") as file:
            file.truncate(filler.stat().st_size - room)
        sentence = rapport(tmp_path, "copy", "data", there).sentence()
        assert there in sentence, sentence
        assert "space" in sentence or "full" in sentence, sentence
        filler.unlink()
    copied = rapport(tmp_path, "copy", "data", there, "--json").json()
    assert copied["tables"] == rapport(tmp_path, "copy", "data", "fresh", "--json").json()["tables"]
