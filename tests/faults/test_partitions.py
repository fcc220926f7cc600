"""A store that the guide's statement has divided by org."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.support.postgres import PostgresServer, new_name
from tests.support.server import Client, Server

WHEN = "2023-01-01T12:00:00.000Z"


def _everything(client: Client) -> dict[str, Any]:
    lists = ("engagements", "accounts", "works", "tags", "dev-users", "rev-users", "artifacts")
    found: dict[str, Any] = {name: client.ok(f"{name}.list", {"limit": 100}) for name in lists}
    return {
        **found,
        "events": client.ok("events.list", {"limit": 100}),
        "count": client.ok("engagements.count"),
    }


def test_a_divided_store_is_the_same_store(tmp_path: Path, postgres: PostgresServer) -> None:
    name = new_name()
    with postgres.database(name) as url:
        server = Server(tmp_path / "data", "--demo", RAPPORT_DATABASE_URL=url)
        before = _everything(Client(server, server.token))
        token = server.token
        assert server.stop() == 0
        postgres.divide(name)
        with ThreadPoolExecutor(2) as pool:
            servers = list(
                pool.map(lambda _: Server(tmp_path / "data", RAPPORT_DATABASE_URL=url), range(2))
            )
        clients = [Client(server, token) for server in servers]
        assert _everything(clients[0]) == before
        again = {
            "members": ["DEVU-12345"],
            "scheduled_date": WHEN,
            "title": "x",
            "external_ref": "once",
        }
        with ThreadPoolExecutor(16) as pool:
            answers = list(
                pool.map(lambda client: client.call("engagements.create", again), clients * 8)
            )
        assert sorted(answer.status for answer in answers) == [201] + [400] * 15
        (made,) = (answer.body["engagement"]["id"] for answer in answers if answer.status == 201)
        assert {answer.body["existing_id"] for answer in answers if answer.status == 400} == {made}
        assert clients[1].ok("engagements.count")["count"] == before["count"]["count"] + 1
        assert [
            one["type"]
            for one in clients[1].ok("events.list", {"after": before["events"]["end"]})["events"]
        ] == ["engagement_created"]
        for one in servers:
            assert one.stop() == 0
