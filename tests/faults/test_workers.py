"""`rapport serve --workers N`: a parent and the processes that serve for it, any of which may
end.
"""

import contextlib
import json
import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.command import rapport
from tests.support.load import Load
from tests.support.postgres import PostgresServer, eventually, new_name
from tests.support.server import Client, Server
from tests.support.wire import Wire, request


@contextlib.contextmanager
def serving(postgres: PostgresServer, folder: Path, *flags: str) -> Iterator[Server]:
    """Two workers on a database of their own."""
    with postgres.database(new_name()) as url:
        running = Server(folder / "data", "--workers", "2", *flags, RAPPORT_DATABASE_URL=url)
        yield running
        if running in Server.started:
            running.kill()


@pytest.fixture(scope="module")
def first_crew(
    postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    with serving(postgres, tmp_path_factory.mktemp("workers")) as running:
        yield running


@pytest.fixture
def crew(first_crew: Server) -> Server:
    """Two workers, in whose folder a test may put a rapport.toml, and which it may end."""
    return _running(first_crew)


def _running(server: Server) -> Server:
    """Start it again, if a test has ended it."""
    if server not in Server.started:
        server.start()
    return server


@pytest.fixture
def alice(crew: Server) -> Client:
    return crew.make_org("Alice's")


def workers(server: Server) -> list[int]:
    """The processes that serve for this one."""
    return children(server.process.pid)


def children(parent_pid: int) -> list[int]:
    """The processes whose parent this is."""
    listed = subprocess.run(
        ["ps", "-axo", "pid=,ppid="], capture_output=True, text=True, check=True
    ).stdout
    pairs = [tuple(map(int, line.split())) for line in listed.splitlines()]
    return [pid for pid, parent in pairs if parent == parent_pid]


def events(crew: Server, name: str) -> list[str]:
    """The lines of the log that tell of this."""
    return [line for line in crew.logged().splitlines() if f'"event": "{name}"' in line]


def has_ended(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return False
    return True


def test_each_worker_serves_and_the_operator_is_told_once(crew: Server, alice: Client) -> None:
    assert crew.token
    assert len(workers(crew)) == 2
    assert {json.loads(line)["worker"] for line in events(crew, "serving")} == {1, 2}
    assert crew.logged().count("workers counts requests for itself") == 0, (
        "limits are off in this test"
    )
    with Load(alice) as load:
        pass
    load.never_failed()


def test_a_taken_port_is_refused(
    crew: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rapport.serving.workers._PORT_SECONDS", 0.0)
    said = rapport(
        tmp_path,
        "serve",
        "--workers",
        "2",
        "--port",
        str(crew.port),
        RAPPORT_DATABASE_URL="postgresql:///x",
    )
    assert f"127.0.0.1:{crew.port} can't be listened on" in said.sentence()


def test_a_worker_that_is_killed_is_replaced_and_others_serve_meanwhile(crew: Server) -> None:
    before, served = workers(crew), len(events(crew, "serving"))
    os.kill(before[0], signal.SIGKILL)
    eventually(10, lambda: before[0] not in workers(crew))
    # Each comes on a connection of its own, and half of them to the socket of the one that was
    # killed.
    assert {httpx.get(f"{crew.url}/healthz").status_code for _ in range(10)} == {200}
    eventually(40, lambda: len(events(crew, "serving")) == served + 1)
    assert before[1] in workers(crew)
    assert len(workers(crew)) == 2
    (told,) = events(crew, "worker_ended")
    assert '"code": -9' in told


@pytest.mark.timeout(150)
@pytest.mark.slow
def test_sighup_renews_every_worker_and_no_request_fails(crew: Server, alice: Client) -> None:
    before = workers(crew)
    assert httpx.get(f"{crew.url}/events").status_code == 401
    (crew.data.parent / "rapport.toml").write_text("strict = true\n", encoding="utf-8")
    with Load(alice) as load:
        crew.process.send_signal(signal.SIGHUP)
        eventually(90, lambda: events(crew, "renewed"))
        load.goes_on()
    load.never_failed()
    assert not set(before) & set(workers(crew))
    assert len(workers(crew)) == 2
    assert httpx.get(f"{crew.url}/events").status_code == 404, "settings were read again"
    (crew.data.parent / "rapport.toml").unlink()


def test_a_renewal_with_a_wrong_setting_leaves_everything_as_it_is(crew: Server) -> None:
    before = workers(crew)
    (crew.data.parent / "rapport.toml").write_text(
        'webhook_timeout = "a while"\n', encoding="utf-8"
    )
    crew.process.send_signal(signal.SIGHUP)
    eventually(40, lambda: events(crew, "renewal_failed"))
    (told,) = events(crew, "renewal_failed")
    assert "webhook_timeout is" in told
    (crew.data.parent / "rapport.toml").unlink()
    eventually(5, lambda: workers(crew) == before)
    assert httpx.get(f"{crew.url}/readyz").status_code == 200


def test_a_stop_answers_what_has_begun_and_leaves_nobody_behind(
    crew: Server, alice: Client
) -> None:
    before = workers(crew)
    wires = [Wire(crew.port) for _ in range(8)]
    whole = request(
        alice,
        "engagements.create",
        {"members": [alice.user], "scheduled_date": "2023-01-01T12:00:00Z", "title": "last"},
    )
    for wire in wires:
        wire.send(whole[:-1])
    time.sleep(0.3)
    crew.process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    for wire in wires:
        wire.send(b"}")
    assert [wire.answer()[0] for wire in wires] == [201] * 8
    for wire in wires:
        wire.__exit__(None, None, None)
    assert crew.process.wait(10) == 0
    assert all(has_ended(pid) for pid in before)
    assert "Traceback" not in crew.logged()
    crew._close()


@pytest.fixture(scope="module")
def first_demo(
    postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    with serving(postgres, tmp_path_factory.mktemp("demo"), "--demo", "--tls", "dev") as running:
        yield running


@pytest.fixture
def demo(first_demo: Server) -> Server:
    """The same with TLS."""
    return _running(first_demo)


@pytest.mark.timeout(150)
@pytest.mark.slow
def test_a_killed_parent_leaves_nobody_behind_and_serves_again(
    demo: Server,
) -> None:
    before = workers(demo)
    trusted = ssl.create_default_context(cafile=demo.trust["SSL_CERT_FILE"])
    demo.restart()
    assert httpx.get(f"{demo.url}/readyz", verify=trusted).status_code == 200
    eventually(10, lambda: all(has_ended(pid) for pid in before))


def test_when_no_worker_is_left_and_none_can_start_it_ends_and_says_why(demo: Server) -> None:
    (demo.data.parent / "rapport.toml").write_text(
        'webhook_timeout = "a while"\n', encoding="utf-8"
    )
    for pid in workers(demo):
        os.kill(pid, signal.SIGKILL)
    assert demo.process.wait(40) == 1
    (demo.data.parent / "rapport.toml").unlink()
    assert demo.logged().splitlines()[-1].startswith("rapport: webhook_timeout is 'a while'")
    demo._close()


def test_what_is_wrong_with_the_first_worker_is_one_sentence(
    tmp_path: Path, unused_port: int
) -> None:
    url = f"postgresql://rapport@127.0.0.1:{unused_port}/x"
    with pytest.raises(RuntimeError) as refused:
        Server(
            tmp_path / "data",
            "--workers",
            "2",
            RAPPORT_DATABASE_URL=url,
            RAPPORT_RATE_LIMIT="8000/60",
        )
    said = str(refused.value).partition("ended with 1: ")[2].splitlines()
    assert "each of the 2 workers counts requests for itself" in said[0]
    assert said[1].startswith("rapport: the database can't be opened: ")
    assert len(said) == 2


def _heed_the_terminal() -> None:
    """The end of a terminal is ignored by what `nohup` starts, these tests among it."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def test_closing_its_terminal_stops_it(postgres: PostgresServer, tmp_path: Path) -> None:
    leader, terminal = os.openpty()
    with postgres.database(new_name()) as url:
        command = [
            sys.executable,
            "-m",
            "rapport",
            "serve",
            "--workers",
            "2",
            "--port",
            "0",
            "--database",
            url,
        ]
        # The first terminal that the leader of a session opens is the one that controls it.
        process = subprocess.Popen(
            ["sh", "-c", 'exec "$@" <"$0"', os.ttyname(terminal), *command],
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_heed_the_terminal,  # noqa: PLW1509  # it takes no lock
        )
        try:
            eventually(20, lambda: children(process.pid))
            (first,) = children(process.pid)
            os.close(terminal)
            os.close(leader)
            assert process.wait(40) == 0
            assert has_ended(first)
        finally:
            process.kill()
            process.wait()


def test_sqlite_has_one_writing_process(tmp_path: Path) -> None:
    said = rapport(tmp_path, "serve", "--workers", "2", "--port", "0").sentence()
    assert "RAPPORT_DATABASE_URL" in said
    assert not list(tmp_path.iterdir())
