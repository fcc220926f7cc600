"""Long reads from a standby, which see all that was answered before them, or from the primary
when there is none.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.postgres import PostgresServer, eventually
from tests.support.server import Client, Server

WHEN = "2023-01-01T12:00:00.000Z"


@pytest.fixture(scope="module")
def primary() -> Iterator[PostgresServer]:
    own = PostgresServer.make()
    yield own
    own.remove()


@pytest.fixture(scope="module")
def standby(primary: PostgresServer) -> Iterator[PostgresServer]:
    own = primary.standby()
    yield own
    own.remove()


@pytest.fixture
def two(
    primary: PostgresServer, standby: PostgresServer, tmp_path: Path
) -> Iterator[tuple[Client, Client]]:
    """Alice at two processes; the second one has the standby."""
    name = tmp_path.name
    with primary.database(name) as url:
        # What the standby has not replayed yet it can't be asked for.
        eventually(10, lambda: standby.run(f"SELECT 1 FROM pg_database WHERE datname = '{name}'"))
        writer = Server(tmp_path / "data", RAPPORT_DATABASE_URL=url)
        reader = Server(
            tmp_path / "data",
            RAPPORT_DATABASE_URL=url,
            RAPPORT_DATABASE_REPLICA_URL=standby.url(name),
        )
        alice = writer.make_org()
        yield alice, Client(reader, alice.token, alice.user, alice.org)
        assert reader.stop() == writer.stop() == 0


def _create(client: Client) -> None:
    client.ok(
        "engagements.create", {"members": [client.user], "scheduled_date": WHEN, "title": "x"}
    )


def _said(client: Client) -> list[str]:
    return [
        json.loads(line)["event"]
        for line in client.server.logged().splitlines()
        if line.startswith("{")
    ]


def test_a_standby_answers_and_knows_what_another_process_just_answered(
    two: tuple[Client, Client], standby: PostgresServer
) -> None:
    alice, there = two
    for made in range(1, 51):
        _create(alice)
        assert there.ok("engagements.count")["count"] == made
    assert standby.logged().count("FROM derived_counts") >= 50
    assert there.ok("events.list", {"kinds": ["engagement"]})["last"] >= 50
    assert there.call("timeline-entries.list", {"object": "ENGAGEMENT-999"}).status == 404
    assert "replica_away" not in _said(there)


def test_one_that_is_behind_or_away_is_neither_waited_for_nor_blamed(
    two: tuple[Client, Client], primary: PostgresServer, standby: PostgresServer
) -> None:
    alice, there = two
    standby.run("SELECT pg_wal_replay_pause()")
    try:
        for made in (1, 2, 3):
            _create(alice)
            assert there.ok("engagements.count")["count"] == made
    finally:
        standby.run("SELECT pg_wal_replay_resume()")
    standby.stop("immediate")
    for made in (4, 5, 6):
        _create(alice)
        assert there.ok("engagements.count")["count"] == made
    standby.start()
    eventually(
        30, lambda: there.ok("engagements.count")["count"] == 6 and "replica_back" in _said(there)
    )
    assert _said(there).count("replica_away") == 1

    primary.stop("immediate")
    assert there.call("engagements.count").status == 503
    primary.start()
    eventually(20, lambda: there.call("engagements.count").status == 200)
    assert "database_away" in _said(there)
    assert _said(there).count("replica_away") == 1
