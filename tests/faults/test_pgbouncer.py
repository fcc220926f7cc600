"""The whole server through PgBouncer in transaction mode, where four connections of the
database are for everybody.
"""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import asyncpg
import pytest

from tests.support.load import Load
from tests.support.pgbouncer import PROGRAM, PgBouncer, pgbouncer
from tests.support.postgres import PostgresServer, eventually, new_name
from tests.support.server import Answer, Client, Server
from tests.support.world import make_world

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="pgbouncer is not on this machine")

WHEN = "2023-01-01T12:00:00.000Z"


@pytest.fixture(scope="module")
def own() -> Iterator[PostgresServer]:
    """A server of their own, which may die."""
    made = PostgresServer.make()
    yield made
    made.remove()


@pytest.fixture
def name(own: PostgresServer) -> Iterator[str]:
    """An empty database's name."""
    made = new_name()
    with own.database(made):
        yield made


@pytest.fixture
def bouncer(own: PostgresServer, name: str) -> Iterator[PgBouncer]:
    """In front of that database."""
    with pgbouncer({"rapport": (own, name)}) as running:
        yield running


@pytest.fixture
def pair(bouncer: PgBouncer, tmp_path: Path) -> Iterator[list[Server]]:
    """Two processes that started at once on the empty database; none of them ever met a
    statement it did not make.
    """
    with ThreadPoolExecutor(2) as pool, ExitStack() as stack:
        servers = list(pool.map(lambda _: _serve(bouncer, tmp_path), range(2)))
        for server in servers:
            stack.callback(server.kill)
        yield servers
        for server in servers:
            said = server.logged()
            assert "prepared statement" not in said
            assert "Traceback" not in said
            assert server.stop() == 0
            stack.pop_all()


def _serve(bouncer: PgBouncer, folder: Path, **environment: str) -> Server:
    return Server(
        folder / "data",
        RAPPORT_DATABASE_URL=bouncer.url("rapport"),
        RAPPORT_DATABASE_POOLER="transaction",
        **environment,
    )


def _there(client: Client, server: Server) -> Client:
    return Client(server, client.token, client.user, client.org)


def _create(client: Client) -> Answer:
    return client.call(
        "engagements.create", {"members": [client.user], "scheduled_date": WHEN, "title": "x"}
    )


def test_two_processes_that_start_at_once_share_four_connections(
    pair: list[Server], own: PostgresServer, name: str
) -> None:
    assert [bool(server.token) for server in pair].count(True) == 1, (
        "one of them made the first org"
    )
    alice = pair[0].make_org()
    both = [alice, _there(alice, pair[1])]

    def make(turn: int) -> Answer:
        client = both[turn % 2]
        if turn % 3 == 0:
            return _create(client)
        return client.call("accounts.create", {"display_name": f"Account {turn}"})

    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(make, range(240)))
    assert {answer.status for answer in answers} == {201}
    for one, made in (("engagement", 80), ("account", 160)):
        assert (
            len({answer.body[one]["display_id"] for answer in answers if one in answer.body})
            == made
        )
    assert [client.ok("engagements.count")["count"] for client in both] == [80, 80]
    (used,) = own.run(f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}'")
    assert used[0] <= 4


def test_every_family_is_written_and_read_through_it(pair: list[Server]) -> None:
    alice, charlie = pair[0].make_org(), pair[0].make_org()
    there = _there(alice, pair[1])
    pair[0].make_user(alice)
    made = make_world(alice)
    account, engagement = made.account["id"], made.engagement["id"]
    link = {"source": made.opportunity["id"], "target": account, "link_type": "is_related_to"}
    link_id = there.ok("links.create", link)["link"]["id"]
    assert [one["id"] for one in alice.ok("links.list", {"object": account})["links"]] == [link_id]
    for id_ in (account, made.opportunity["id"], engagement):
        comment = {"object": id_, "type": "timeline_comment", "body": "Well done"}
        id_of_comment = there.ok("timeline-entries.create", comment)["timeline_entry"]["id"]
        entries = alice.ok("timeline-entries.list", {"object": id_})["timeline_entries"]
        assert id_of_comment in {one["id"] for one in entries}
    there.ok("service-accounts.create", {"display_name": "Robot"})
    there.ok(
        "webhooks.create", {"url": "https://example.com/hook", "event_types": ["account_created"]}
    )
    everything = there.everything()
    assert everything == alice.everything()
    assert [family for family, found in everything.items() if not found] == []
    assert there.feed() == alice.feed()
    assert there.ok("engagements.count", {"tags": [made.tag["id"]]})["count"] == 1
    assert there.download(alice.upload(b"notes")).content == b"notes"
    there.ok("engagements.update", {"id": engagement, "title": "Changed"})
    assert alice.ok("engagements.get", {"id": engagement})["engagement"]["title"] == "Changed"
    there.ok("engagements.delete", {"id": engagement})
    assert alice.call("engagements.get", {"id": engagement}).status == 404
    assert charlie.ok("engagements.count")["count"] == 0


def test_one_that_is_killed_under_load_is_503_and_loses_nothing(
    pair: list[Server], bouncer: PgBouncer
) -> None:
    alice = pair[0].make_org()
    with Load(alice, connections=16, pause=0) as load:
        for _ in range(3):
            bouncer.stop()
            eventually(
                5,
                lambda: (
                    load.refused and pair[0].http.get(f"{pair[0].url}/readyz").status_code == 503
                ),
            )
            bouncer.start()
            load.goes_on(16)
    load.lost_nothing()
    assert load.refused


def test_a_database_that_dies_behind_it_is_503_and_loses_nothing(
    pair: list[Server], own: PostgresServer
) -> None:
    alice = pair[0].make_org()
    with Load(alice, connections=16, pause=0) as load:
        own.stop("immediate")
        time.sleep(1.5)
        own.start()
        load.goes_on(16)
    load.lost_nothing()
    assert load.refused


def test_a_write_that_is_kept_waiting_by_a_lock_is_ended_in_time(
    pair: list[Server], own: PostgresServer, name: str
) -> None:
    alice = pair[0].make_org()
    made = alice.engagement()

    async def locked() -> tuple[Answer, float]:
        connection = await asyncpg.connect(own.url(name))
        async with connection.transaction():
            await connection.execute("SELECT 1 FROM engagements FOR UPDATE")
            began = time.monotonic()
            answer = await asyncio.to_thread(
                alice.call, "engagements.update", {"id": made["id"], "title": "y"}
            )
            took = time.monotonic() - began
        await connection.close()
        return answer, took

    answer, took = asyncio.run(locked())
    assert (answer.status, answer.type) == (503, "service_unavailable")
    assert "retry-after" in answer.headers
    assert 2.5 < took < 5
    waiting = f"SELECT 1 FROM pg_stat_activity WHERE datname = '{name}' AND state <> 'idle'"
    eventually(5, lambda: own.run(waiting) == [])
    assert (
        alice.ok("engagements.update", {"id": made["id"], "title": "z"})["engagement"]["title"]
        == "z"
    )


def test_long_reads_go_to_a_standby_behind_it(
    own: PostgresServer, name: str, tmp_path: Path
) -> None:
    standby = own.standby()
    entries = {"rapport": (own, name), "rapport_standby": (standby, name)}
    try:
        with pgbouncer(entries) as bouncer:
            replica = bouncer.url("rapport_standby")
            server = _serve(bouncer, tmp_path, RAPPORT_DATABASE_REPLICA_URL=replica)
            alice = server.make_org()
            for made in range(1, 21):
                assert _create(alice).status == 201
                assert alice.ok("engagements.count")["count"] == made
            assert server.stop() == 0
        assert standby.logged().count("FROM derived_counts") >= 20
        assert '"replica_away"' not in server.logged()
    finally:
        standby.remove()
