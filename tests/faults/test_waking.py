"""Processes on one PostgreSQL wake each other; without that they look by themselves.

Where they wake each other they would look by themselves only after a minute, so whatever comes
sooner was told.
"""

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import NamedTuple

import asyncpg
import pytest

from rapport.auth.caller import Caller
from rapport.clock import system_clock
from rapport.contract.engagements import CREATE, EngagementsCreateRequest
from rapport.contract.kit.fields import Instant
from rapport.contract.kit.ids import UserId
from rapport.events import redis_line
from rapport.events.bell import Bell
from rapport.events.relay import Relay
from rapport.operations.kit.invoke import Invoker
from rapport.store.kit.db import Dial
from rapport.store.postgres.connect import Options
from rapport.store.postgres.line import LISTENER
from rapport.store.postgres.store import PostgresStore
from tests.support.command import rapport
from tests.support.hooks import Hooks
from tests.support.postgres import PostgresServer, eventually, new_name
from tests.support.receiver import Receiver
from tests.support.redis_server import RedisServer, redis_server
from tests.support.server import Client, Server
from tests.support.stream import stream

# Long before a look at the longest interval, long after anything that was told.
PROMPT = 10.0
SETTINGS = {"RAPPORT_LOOK_SECONDS": "60", "RAPPORT_WEBHOOK_ALLOW_PRIVATE": "1"}
LOST, BACK = "line_to_other_processes_lost", "line_to_other_processes_back"


class Pair(NamedTuple):
    """Two processes on one database, and Alice on each of them."""

    servers: list[Server]
    here: Client
    there: Client
    url: str
    redis_url: str | None

    def logged(self, event: str) -> list[int]:
        """How often each process has logged something."""
        return [server.logged().count(f'"{event}"') for server in self.servers]


def _end(server: Server) -> None:
    if server in Server.started:
        server.kill()


@contextmanager
def _pair(postgres: PostgresServer, folder: Path, **environment: str) -> Iterator[Pair]:
    with postgres.database(new_name()) as url, ExitStack() as stack:
        servers = []
        for number in range(2):
            # Folders of their own, so that each has a log of its own.
            server = Server(
                folder / f"data{number}", RAPPORT_DATABASE_URL=url, **SETTINGS, **environment
            )
            stack.callback(_end, server)
            servers.append(server)
        alice = servers[0].make_org("Alice's")
        pair = Pair(
            servers,
            alice,
            Client(servers[1], alice.token, alice.user, alice.org),
            url,
            environment.get("RAPPORT_REDIS_URL"),
        )
        yield pair
        for server in servers:
            assert server.stop() == 0
            assert "Traceback" not in server.logged()


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest.fixture(scope="module", params=["postgres", "redis"])
def pair(
    request: pytest.FixtureRequest,
    postgres: PostgresServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Pair]:
    environment = {}
    if request.param == "redis":
        environment["RAPPORT_REDIS_URL"] = request.getfixturevalue("redis").url
    with _pair(postgres, tmp_path_factory.mktemp("pair"), **environment) as made:
        yield made


def _hears(reader: Client, writer: Client) -> float:
    """Seconds from a write by one process until a reader who waits at the other has heard of it."""
    end = reader.feed_end()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(reader.ok, "events.list", {"after": end, "wait": 30})
        time.sleep(0.5)
        began = time.monotonic()
        made = writer.engagement()
        (event,) = waiting.result()["events"]
    assert event["object"] == made["id"]
    return time.monotonic() - began


def _listeners(postgres: PostgresServer, url: str) -> set[int]:
    name = url.rpartition("/")[2]
    sql = f"SELECT pid FROM pg_stat_activity WHERE datname = '{name}' AND application_name = '{LISTENER}'"
    return {row[0] for row in postgres.run(sql)}


def test_who_waits_at_one_process_is_answered_once_another_has_committed(pair: Pair) -> None:
    assert max(_hears(pair.here, pair.there), _hears(pair.there, pair.here)) < PROMPT


def test_a_stream_of_one_process_tells_what_another_commits(pair: Pair) -> None:
    with stream(pair.here, {"after": pair.here.feed_end()}) as reader:
        reader.beat()
        for _ in range(3):
            began = time.monotonic()
            made = pair.there.engagement()
            assert reader.event()["object"] == made["id"]
            assert time.monotonic() - began < PROMPT


def test_who_waits_is_answered_once_a_command_has_committed(pair: Pair, tmp_path: Path) -> None:
    settings = {"RAPPORT_DATABASE_URL": pair.url, "RAPPORT_REDIS_URL": pair.redis_url or ""}
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(
            pair.here.ok, "events.list", {"after": pair.here.feed_end(), "wait": 30}
        )
        time.sleep(0.5)
        began = time.monotonic()
        request = json.dumps({"name": "Won"})
        made = json.loads(
            rapport(
                tmp_path, "call", "tags.create", request, "--org", pair.here.org, **settings
            ).out
        )
        (event,) = waiting.result()["events"]
    assert event["object"] == made["tag"]["id"]
    assert time.monotonic() - began < PROMPT


def test_many_orgs_that_commit_at_once_are_all_told_of(pair: Pair) -> None:
    there = pair.servers[1]
    readers = [pair.servers[0].make_org(f"Org {number}") for number in range(12)]
    with ThreadPoolExecutor(24) as pool:
        waiting = [
            pool.submit(one.ok, "events.list", {"after": one.feed_end(), "wait": 30, "limit": 1})
            for one in readers
        ]
        time.sleep(0.5)
        began = time.monotonic()
        made = list(
            pool.map(lambda one: Client(there, one.token, one.user).engagement()["id"], readers)
        )
        assert [one.result()["events"][0]["object"] for one in waiting] == made
        assert time.monotonic() - began < PROMPT


def test_a_process_delivers_what_another_commits(pair: Pair) -> None:
    """The other one is this process, which delivers nothing itself."""

    async def run(receiver: Receiver) -> None:
        hook = Hooks(pair.here, receiver).make(event_types=["engagement_created"])
        async with _process(pair.url, pair.redis_url) as process:
            for number in range(3):
                await asyncio.sleep(0.3)  # so that the servers have nothing left to do
                began = time.monotonic()
                await process.create(pair.here)
                hook.wait(number + 1)
                assert time.monotonic() - began < PROMPT

    with Receiver() as receiver:
        asyncio.run(run(receiver))


class _Process:
    """What of a process writes, and tells of it."""

    def __init__(self, store: PostgresStore, dial: Dial | None) -> None:
        assert dial is not None
        self.bell = Bell()
        self.store = store
        self.relay = Relay(dial, self.bell)
        self._invoker = Invoker(store, system_clock, bell=self.bell)
        store.on_commit(self.relay.tell)

    async def create(self, client: Client) -> None:
        """Record an engagement, and tell of it."""
        request = EngagementsCreateRequest(
            members=[UserId.parse(client.user)], scheduled_date=Instant(0), title="From elsewhere"
        )
        await self._invoker.invoke(
            Caller(client.org.removeprefix("DEV-"), client.user, "admin"), CREATE, request
        )
        await asyncio.sleep(0.2)  # the relay speaks after the commit


@asynccontextmanager
async def _process(url: str, redis_url: str | None = None) -> AsyncIterator[_Process]:
    store = await PostgresStore.open(Options(url))
    process = _Process(store, redis_line.dial(redis_url) if redis_url else store.dial)
    in_touch = asyncio.Event()
    process.bell.on_ring(in_touch.set)
    talking = asyncio.create_task(process.relay.run())
    try:
        await asyncio.wait_for(in_touch.wait(), PROMPT)
        yield process
    finally:
        talking.cancel()
        await asyncio.gather(talking, return_exceptions=True)
        await store.close()


def test_a_failed_delivery_is_tried_again_though_nothing_rings(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    delays = {"RAPPORT_WEBHOOK_RETRY_DELAYS": "2,2"}
    with Receiver() as receiver, _pair(postgres, tmp_path, **delays) as pair:
        hook = Hooks(pair.here, receiver).make(
            "500", "500", "ok", event_types=["engagement_created"]
        )
        pair.here.engagement()
        first, second, third = (one.at for one in hook.wait(3, seconds=30))
        for waited in (second - first, third - second):
            assert 1.7 < waited < 2.3 + PROMPT


# Lines that are lost


def test_a_killed_listener_costs_a_look_and_is_made_anew(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    with _pair(postgres, tmp_path) as pair:
        eventually(PROMPT, lambda: len(_listeners(postgres, pair.url)) == 2)
        before = _listeners(postgres, pair.url)
        for pid in before:
            postgres.run(f"SELECT pg_terminate_backend({pid})")
        assert _hears(pair.here, pair.there) < PROMPT
        eventually(PROMPT, lambda: pair.logged(BACK) == [1, 1])
        assert pair.logged(LOST) == [1, 1]
        now = _listeners(postgres, pair.url)
        assert len(now) == 2
        assert not now & before
        assert _hears(pair.here, pair.there) < PROMPT
        assert pair.here.call("dev-users.self").status == 200


def test_without_redis_they_look_by_themselves_until_it_is_back(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        first = stack.enter_context(redis_server(tmp_path))
        pair = stack.enter_context(_pair(postgres, tmp_path, RAPPORT_REDIS_URL=first.url))
        assert _listeners(postgres, pair.url) == set()
        assert _hears(pair.here, pair.there) < PROMPT
        first.process.kill()
        first.process.wait()
        eventually(PROMPT, lambda: pair.logged(LOST) == [1, 1])
        assert _hears(pair.here, pair.there) < PROMPT
        with Receiver() as receiver:
            Hooks(pair.here, receiver).make(event_types=["engagement_created"])
        port = int(first.url.rpartition(":")[2].partition("/")[0])
        with redis_server(tmp_path, port):
            eventually(30, lambda: pair.logged(BACK) == [1, 1])
            assert pair.logged(LOST) == [1, 1]
            assert _hears(pair.here, pair.there) < PROMPT


@pytest.mark.long
def test_a_redis_that_hangs_delays_neither_an_answer_nor_a_stop(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    with redis_server(tmp_path) as hanging:
        with _pair(postgres, tmp_path, RAPPORT_REDIS_URL=hanging.url) as pair:
            assert _hears(pair.here, pair.there) < PROMPT
            hanging.process.send_signal(signal.SIGSTOP)
            began = time.monotonic()
            pair.there.engagement()
            assert time.monotonic() - began < 2
            # Before it is known to hang, a look at the longest interval is what finds it; from then
            # on one at the shortest.
            eventually(30, lambda: pair.logged(LOST) == [1, 1])
            assert _hears(pair.here, pair.there) < PROMPT
            pair.servers[0].restart()
            assert _hears(pair.here, pair.there) < PROMPT
            began = time.monotonic()
            assert [server.stop() for server in pair.servers] == [0, 0]
            assert time.monotonic() - began < 10
            for server in pair.servers:
                server.start()
        hanging.process.send_signal(signal.SIGCONT)


def test_behind_a_pooler_they_look_by_themselves(postgres: PostgresServer, tmp_path: Path) -> None:
    with _pair(postgres, tmp_path, RAPPORT_DATABASE_POOLER="transaction") as pair:
        assert _listeners(postgres, pair.url) == set()
        assert _hears(pair.here, pair.there) < PROMPT


# What is said


def test_commits_together_are_told_in_few_messages_below_8000_bytes(
    pair: Pair,
) -> None:
    said: list[str] = []

    async def run() -> None:
        async with _process(pair.url) as process:
            listener = await asyncpg.connect(pair.url)
            await listener.add_listener("rapport_commits", lambda *told: said.append(told[3]))
            orgs = [f"ORG{number:07}" for number in range(1_200)]
            for org in orgs * 2:
                process.relay.tell([org])
            await asyncio.sleep(0)
            async with asyncio.timeout(PROMPT):
                while not {*orgs} <= {*" ".join(said).split()}:
                    await listener.fetch("SELECT pg_sleep(0.05)")
            await listener.close()

    asyncio.run(run())
    told = [text for text in said if "ORG" in text]
    assert len(told) == 3
    assert max(map(len, told)) < 8_000
