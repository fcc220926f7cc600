"""A stop behind a proxy: first `/readyz` fails, and only when the proxy has noticed are
connections refused.
"""

import contextlib
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support import guide
from tests.support.load import Load
from tests.support.postgres import PostgresServer, eventually, new_name
from tests.support.round_robin import round_robin
from tests.support.server import Server
from tests.support.starting import listens, running

DELAY = {"RAPPORT_DRAIN_DELAY": "1"}
FOREVER = {"RAPPORT_DRAIN_DELAY": "86400"}


def test_a_server_that_leaves_says_so_and_goes_on_answering(data: Path) -> None:
    server = Server(data, **FOREVER)
    alice = server.make_org("Alice's")
    assert "connection" not in alice.call("dev-users.self").headers
    waiting = threading.Thread(
        target=lambda: alice.ok("events.list", {"after": alice.feed_end(), "wait": 30})
    )
    waiting.start()
    with httpx.stream(
        "GET", f"{server.url}/events", headers={"authorization": f"Bearer {alice.token}"}
    ) as reader:
        assert reader.status_code == 200
        server.process.send_signal(signal.SIGTERM)
        for _ in reader.iter_raw():
            pass  # until it is let go
    waiting.join(10)
    assert not waiting.is_alive(), "a long poll holds it"
    refusal = httpx.get(f"{server.url}/readyz")
    assert (refusal.status_code, refusal.json()["type"]) == (503, "service_unavailable")
    assert httpx.get(f"{server.url}/healthz").status_code == 200
    for _ in range(3):
        answer = alice.call("dev-users.self")
        assert (answer.status, answer.headers["connection"]) == (200, "close")
    server.process.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        server.process.wait(0.3)
    assert server.stop(signal.SIGINT) == 0, "Ctrl-C ends the delay"


@pytest.fixture(scope="module")
def two(
    postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, Server]]:
    """Two servers on one database, whose logs tell of each request."""
    with postgres.database(new_name()) as url, contextlib.ExitStack() as stack:
        made = []
        for name in ("one", "two"):
            made.append(
                Server(
                    tmp_path_factory.mktemp(name) / "data",
                    RAPPORT_DATABASE_URL=url,
                    RAPPORT_ACCESS_LOG="on",
                    **DELAY,
                )
            )
            stack.callback(made[-1].kill)
        yield made[0], made[1]


def _answered(server: Server) -> int:
    return server.logged().count('"event": "request"')


def _nothing_fails(url: str, servers: tuple[Server, Server]) -> None:
    """Restart each server in turn, under load on the proxy's address."""
    alice = servers[0].make_org("Alice's")
    with Load(alice, url=url) as load:
        for server in servers:
            assert server.stop() == 0
            load.goes_on()
            before = _answered(server)
            server.start()
            eventually(10, lambda server=server, before=before: _answered(server) > before)
            load.goes_on()
    load.never_failed()


@pytest.mark.timeout(150)
@pytest.mark.slow
def test_behind_a_proxy_no_request_fails_while_each_server_is_restarted(
    two: tuple[Server, Server],
) -> None:
    with round_robin([server.port for server in two]) as proxy:
        eventually(5, lambda: all(proxy.ready()))
        _nothing_fails(proxy.url, two)


@pytest.mark.timeout(150)
@pytest.mark.slow
@pytest.mark.skipif(shutil.which("haproxy") is None, reason="HAProxy is not on this machine")
def test_behind_haproxy_as_the_guide_has_it_no_request_fails_either(
    two: tuple[Server, Server], tmp_path: Path, unused_port: int
) -> None:
    page = (guide.ROOT / "docs" / "guide" / "scale.md").read_text(encoding="utf-8")
    (config,) = re.findall(r"^```haproxy\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    config = config.replace("bind :8080", f"bind 127.0.0.1:{unused_port}")
    for server, address in zip(two, ("10.0.0.1:8080", "10.0.0.2:8080"), strict=True):
        assert address in config
        config = config.replace(address, f"127.0.0.1:{server.port}")
    (tmp_path / "haproxy.cfg").write_text(config, encoding="utf-8")
    with running(
        ["haproxy", "-db", "-f", str(tmp_path / "haproxy.cfg")], lambda: listens(unused_port)
    ):
        _nothing_fails(f"http://127.0.0.1:{unused_port}", two)
