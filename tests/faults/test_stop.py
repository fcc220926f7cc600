"""SIGTERM: every request whose head has arrived is answered, nothing else holds the exit."""

import contextlib
import json
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.server import Client, Server
from tests.support.wire import Wire, request


@pytest.fixture
def own_server(data: Path) -> Iterator[Server]:
    """A server that the test stops."""
    server = Server(data)
    yield server
    if server.process.poll() is None:
        server.kill()


@pytest.fixture
def dana(own_server: Server) -> Client:
    return own_server.make_org("Dana's")


def _create(client: Client, title: str) -> bytes:
    return request(
        client,
        "engagements.create",
        {"members": [client.user], "scheduled_date": "2023-01-01T12:00:00Z", "title": title},
    )


def _refuses_connections(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return True
    return False


def _ended(server: Server, seconds: float) -> int:
    code = server.process.wait(timeout=seconds)
    server._close()
    return code


def test_a_request_whose_body_is_still_being_sent_is_answered(
    own_server: Server, dana: Client
) -> None:
    whole = _create(dana, "half sent")
    with Wire(own_server.port) as wire:
        wire.send(whole[:-20])
        time.sleep(0.2)
        own_server.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 5
        while not _refuses_connections(own_server.port):
            assert time.monotonic() < deadline, "it still accepts connections"
            time.sleep(0.02)
        assert own_server.process.poll() is None
        wire.send(whole[-20:])
        status, _, body = wire.answer()
    assert (status, body["engagement"]["title"]) == (201, "half sent")
    assert _ended(own_server, 5) == 0
    own_server.start()
    assert (
        dana.ok("engagements.get", {"id": body["engagement"]["id"]})["engagement"]
        == body["engagement"]
    )


def test_both_of_two_requests_sent_in_one_go_are_answered(own_server: Server, dana: Client) -> None:
    second = _create(dana, "second")
    with Wire(own_server.port) as wire:
        wire.send(_create(dana, "first") + second[:-20])
        time.sleep(0.2)
        own_server.process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        wire.send(second[-20:])
        titles = [wire.answer()[2]["engagement"]["title"] for _ in range(2)]
    assert titles == ["first", "second"]
    assert _ended(own_server, 5) == 0


def test_many_requests_in_flight_are_all_answered(own_server: Server, dana: Client) -> None:
    wires = [Wire(own_server.port) for _ in range(20)]
    for number, wire in enumerate(wires):
        wire.send(_create(dana, f"{number}")[:-1])
    time.sleep(0.2)
    own_server.process.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    for wire in wires:
        wire.send(b"}")
    assert [wire.answer()[0] for wire in wires] == [201] * 20
    for wire in wires:
        wire.__exit__(None, None, None)
    assert _ended(own_server, 5) == 0


def test_idle_connections_do_not_hold_it(own_server: Server, dana: Client) -> None:
    with contextlib.ExitStack() as stack:
        used = [stack.enter_context(httpx.Client()) for _ in range(3)]
        for http in used:
            assert http.get(f"{own_server.url}/healthz").status_code == 200
        silent = stack.enter_context(Wire(own_server.port))
        half_head = stack.enter_context(Wire(own_server.port))
        half_head.send(b"POST /engagements.create HTTP/1.1\r\nhost: te")
        time.sleep(0.2)
        began = time.monotonic()
        own_server.process.send_signal(signal.SIGTERM)
        assert _ended(own_server, 5) == 0
        assert time.monotonic() - began < 3
        silent.closed_within(1)
        half_head.closed_within(1)


def test_a_body_that_never_comes_holds_it_no_longer_than_the_drain(data: Path) -> None:
    server = Server(data, RAPPORT_DRAIN_SECONDS="1")
    client = server.make_org()
    with Wire(server.port) as wire:
        wire.send(_create(client, "never whole")[:-5])
        time.sleep(0.2)
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert _ended(server, 10) == 0
        assert 0.5 < time.monotonic() - began < 4


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_right_after_the_start_is_clean(data: Path, number: signal.Signals) -> None:
    server = Server(data)
    assert server.stop(number) == 0
    assert not (data / "control.sock").exists()
    last = server.logged().splitlines()[-1]
    assert json.loads(last)["event"] == "stopped"
    assert "Traceback" not in server.logged()


def test_a_stop_leaves_one_file_that_holds_everything(own_server: Server, dana: Client) -> None:
    dana.engagement(title="kept")
    assert own_server.stop() == 0
    assert sorted(file.name for file in own_server.data.iterdir()) == [
        "lock",
        "rapport.db",
        "secret.key",
    ]
