"""`serve --demo`: the documentation's own example works word for word, and a year of
engagements is there.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rapport.contract.kit.method import READ, Method
from rapport.contract.table import METHODS
from tests.support.server import Client, Server, document


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a fresh demo."""
    running = Server(tmp_path_factory.mktemp("demo") / "data", "--demo")
    yield running
    assert running.stop() == 0


@pytest.fixture
def visitor(demo: Server) -> Client:
    """Whoever took the token from the terminal."""
    return Client(demo, demo.token, "DEVU-12345")


EXAMPLE: dict[str, Any] = {
    "members": ["DEVU-12345"],
    "scheduled_date": "2023-01-01T12:00:00.000Z",
    "title": "Discuss the quarterly roadmap",
    "parent": "ACC-12345",
    "tags": [{"id": "TAG-12345"}],
}


def test_the_documentations_example_is_recorded(visitor: Client) -> None:
    answer = visitor.call("engagements.create", EXAMPLE)
    assert answer.status == 201
    made = answer.body["engagement"]
    assert made["title"] == EXAMPLE["title"]
    assert made["scheduled_date"] == EXAMPLE["scheduled_date"]
    assert made["engagement_type"] == "default"
    assert [
        one.rpartition("/")[2] for one in (*made["members"], made["parent"], *made["tags"])
    ] == ["12345"] * 3
    assert made["created_by"]["display_id"] == "DEVU-12345"
    assert made["created_by"]["type"] == "dev_user"
    assert visitor.get("engagements.get", {"id": made["display_id"]}).body["engagement"] == made


def test_the_least_example_is_recorded_too(visitor: Client) -> None:
    least = {name: EXAMPLE[name] for name in ("members", "scheduled_date", "title")}
    assert visitor.call("engagements.create", least).status == 201


def test_a_year_of_engagements_of_every_type_is_there(visitor: Client) -> None:
    now = datetime.now(UTC)
    months = set()
    for back in range(11):
        after, before = now - timedelta(days=30 * (back + 1)), now - timedelta(days=30 * back)
        between = {"scheduled_date": {"after": after.isoformat(), "before": before.isoformat()}}
        if visitor.ok("engagements.count", between)["count"] >= 5:
            months.add(back)
    assert len(months) == 11
    for kind in ("call", "email", "linked_in", "offline", "default"):
        assert visitor.ok("engagements.count", {"type": [kind]})["count"] > 10
    tagged = visitor.ok(
        "engagements.list",
        {"tags": ["TAG-12345"], "expand": ["members", "parents", "tags"], "limit": 5},
    )
    assert tagged["engagements"]
    assert all(
        isinstance(parent, dict) for one in tagged["engagements"] for parent in one["parents"]
    )


def test_a_file_is_there_with_its_bytes(visitor: Client) -> None:
    first = visitor.ok("engagements.get", {"id": "ENGAGEMENT-1", "expand": ["artifacts"]})[
        "engagement"
    ]
    assert [one["display_id"] for one in first["artifacts"]] == ["ARTIFACT-12345"]
    file = visitor.ok("artifacts.get", {"id": "ARTIFACT-12345"})["artifact"]["file"]
    content = visitor.download("ARTIFACT-12345").content
    assert file == {"type": "text/plain", "name": "kick-off-notes.txt", "size": len(content)}
    assert b"nightly export" in content


FILLED = ("accounts", "artifacts", "auth-tokens", "dev-orgs", "dev-users", "engagements", "links", "rev-orgs", "rev-users",
          "service-accounts", "tags", "works")  # fmt: skip
READING = [
    method for method in METHODS.values() if method.effect == READ and method.family in FILLED
]


@pytest.mark.parametrize("method", READING, ids=lambda one: one.name)
def test_what_the_reference_asks_of_it_is_answered(method: Method, visitor: Client) -> None:
    operation = document(visitor.server.url)["paths"][method.path]["post"]
    example = operation["requestBody"]["content"]["application/json"]["example"]
    assert visitor.call(method.name, example).status == 200, example


def test_the_people_and_accounts_behind_it_are_there(visitor: Client) -> None:
    assert visitor.ok("dev-users.self")["dev_user"]["display_id"] == "DEVU-12345"
    assert (
        visitor.ok("accounts.get", {"id": "ACC-12345"})["account"]["display_name"]
        == "Northwind Traders"
    )
    assert visitor.ok("tags.get", {"id": "TAG-12345"})["tag"]["name"] == "key-account"
    for method, key in (
        ("accounts.list", "accounts"),
        ("dev-users.list", "dev_users"),
        ("rev-users.list", "rev_users"),
        ("tags.list", "tags"),
        ("works.list", "works"),
    ):
        assert len(visitor.ok(method, {"limit": 100})[key]) >= 3


def test_a_second_start_changes_nothing(data: Path) -> None:
    server = Server(data, "--demo")
    token = server.token
    visitor = Client(server, token, "DEVU-12345")
    before = (
        visitor.ok("engagements.count"),
        visitor.ok("engagements.list", {"limit": 100}),
        server.run("orgs list"),
    )
    assert server.stop() == 0
    time.sleep(0.01)
    server.token = ""
    server.start()
    assert server.token == "", "a second start showed a token"
    after = (
        visitor.ok("engagements.count"),
        visitor.ok("engagements.list", {"limit": 100}),
        server.run("orgs list"),
    )
    assert after == before
    assert server.stop() == 0


def test_a_folder_that_is_in_use_is_not_filled(data: Path) -> None:
    plain = Server(data)
    token = plain.token
    assert plain.stop() == 0
    server = Server(data, "--demo")
    assert server.token == ""
    client = Client(server, token)
    assert client.ok("engagements.count") == {"count": 0}
    assert client.call("accounts.get", {"id": "ACC-12345"}).status == 404
    assert server.stop() == 0
