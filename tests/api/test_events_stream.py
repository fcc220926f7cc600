"""/events: the change feed as server-sent events."""

import asyncio
import signal
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from rapport.auth.caller import Caller
from rapport.contract.events import EventsListRequest
from rapport.events.bell import Bell
from rapport.http.stream import Stream
from tests.support.engine import ENGINES, Engine
from tests.support.server import Client, Server
from tests.support.stream import stream
from tests.support.world import make_world

pytestmark = pytest.mark.engines("sqlite", "postgres")


def test_it_tells_what_events_list_tells_and_goes_on_with_what_happens(alice: Client) -> None:
    make_world(alice)
    before = alice.feed()
    with stream(alice, {"after": 0}) as reader:
        assert reader.response.headers["content-type"].startswith("text/event-stream")
        assert reader.response.headers["x-request-id"]
        assert [reader.event() for _ in before] == before
        made = alice.engagement()
        assert reader.event()["object"] == made["id"]


def test_last_event_id_goes_on_where_the_connection_broke(alice: Client) -> None:
    first, second = alice.engagement(), alice.engagement()
    end = alice.feed_end()
    with stream(alice, {"after": 0}, last_event_id=str(end - 2)) as reader:
        assert reader.event()["object"] == first["id"]
        last = reader.last
    with stream(alice, last_event_id=last) as reader:
        assert reader.event()["object"] == second["id"]


def test_kinds_are_chosen_and_the_number_moves_on_past_the_others(alice: Client) -> None:
    make_world(alice)
    with stream(alice, {"after": 0, "kinds": "tag"}) as reader:
        assert reader.event()["type"] == "tag_created"
        assert reader.beat() == str(alice.feed_end())


def test_it_is_refused_as_a_method_is(alice: Client) -> None:
    limited = alice.server.make_user(alice, scope="tag:read")
    nobody = Client(alice.server, "nonsense")
    for client, verb, query, status in (
        (nobody, "GET", {}, 401),
        (limited, "GET", {}, 403),
        (alice, "POST", {}, 405),
        (alice, "GET", {"nonsense": "1"}, 400),
        (alice, "GET", {"limit": "1"}, 400),
        (alice, "GET", {"after": "-1"}, 400),
        (alice, "GET", {"after": str(alice.feed_end() + 1)}, 400),
    ):
        assert client.raw(verb, "events", params=query).status == status, (verb, query)
    assert (
        alice.raw("GET", "events", headers={"last-event-id": "x"}).body["field_name"]
        == "Last-Event-ID"
    )


def test_a_reader_whose_token_is_revoked_hears_nothing_more(alice: Client) -> None:
    bob = alice.server.make_user(alice)
    with stream(bob) as reader:
        assert reader.beat() == str(alice.feed_end())
        alice.server.run("users deactivate", user=bob.user, org=alice.org)
        alice.engagement()
        assert reader.event() is None


@pytest.mark.slow
def test_streams_and_waiting_readers_end_when_the_server_stops(data: Path) -> None:
    server = Server(data)
    alice = server.make_org()
    with stream(alice) as reader:
        assert reader.event() is not None
        server.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        while reader.event() is not None:
            pass
        assert server.process.wait(timeout=5) == 0
        assert time.monotonic() - began < 5
    server._close()


def test_a_reader_that_takes_nothing_costs_no_memory_and_delays_nobody(alice: Client) -> None:
    for _ in range(300):
        alice.engagement(description="x" * 60_000)
    stuck = []
    before = _memory(alice.server)
    for _ in range(10):
        wire = socket.create_connection(("127.0.0.1", alice.server.port))
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        head = f"GET /events?after=0 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {alice.token}\r\n\r\n"
        wire.sendall(head.encode())
        stuck.append(wire)
    time.sleep(1)
    began = time.monotonic()
    alice.engagement()
    assert time.monotonic() - began < 1
    # Each may hold the page that it is being sent, 50 events of 60 kB twice over, and no more of
    # the 18 MB.
    assert _memory(alice.server) - before < 10 * 2 * 50 * 0.06 + 40
    for wire in stuck:
        wire.close()


def _memory(server: Server) -> float:
    """Resident, in MB."""
    status = Path(f"/proc/{server.process.pid}/status").read_text(encoding="utf-8")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1000


@pytest.fixture
def engine(tmp_path: Path) -> Any:
    """A store in this process, so that a test can set how long things take."""
    opened = Engine(next(iter(ENGINES)), tmp_path)
    yield opened
    opened.close()


def test_an_idle_reader_hears_a_beat_and_a_stuck_one_is_let_go(
    engine: Engine,
) -> None:
    alice = engine.person()
    sent: list[Any] = []

    async def who() -> Caller:
        return alice

    async def take(message: Any) -> None:
        sent.append(message)
        if len(sent) > 3:
            await asyncio.sleep(60)

    async def read() -> None:
        serving = Stream(engine.invoker, Bell(), beat_seconds=1, stuck_seconds=0.05)
        await asyncio.wait_for(
            serving.serve(EventsListRequest(), who, asyncio.Event().wait, take, {}), 10
        )

    engine.run(read())
    beats = [message["body"] for message in sent[2:]]
    assert beats == [b"id: 1\n\n", b"id: 1\n\n"]
