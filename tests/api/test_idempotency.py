"""A retry is safe: the first answer under a key is given again, whatever happened to the
connection or the server.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.support.server import Client, Server

pytestmark = pytest.mark.engines("sqlite", "postgres")

REQUESTS: dict[str, dict[str, Any]] = {
    "accounts.create": {"display_name": "Northwind"},
    "tags.create": {"name": "hot"},
    "dev-users.create": {"email": "new@example.com", "state": "shadow"},
    "rev-users.create": {"display_name": "Ana"},
}


def call_request(client: Client, title: str = "A call") -> dict[str, Any]:
    return {"members": [client.user], "scheduled_date": "2023-01-01T12:00:00.000Z", "title": title}


def test_the_same_key_and_body_get_the_same_answer_and_write_once(alice: Client) -> None:
    first = alice.call("engagements.create", call_request(alice), idempotency_key="k1")
    again = alice.call("engagements.create", call_request(alice), idempotency_key="k1")
    assert (first.status, again.status) == (201, 201)
    assert again.body == first.body
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert alice.ok("engagements.count")["count"] == 1


@pytest.mark.parametrize("method", REQUESTS)
def test_every_method_that_writes_takes_a_key(method: str, alice: Client) -> None:
    first = alice.call(method, REQUESTS[method], idempotency_key="k1")
    again = alice.call(method, REQUESTS[method], idempotency_key="k1")
    assert first.status == 201
    assert (again.status, again.body) == (201, first.body)
    assert again.headers["idempotent-replayed"] == "true"


def test_an_opportunity_is_replayed_too(alice: Client) -> None:
    account = alice.ok("accounts.create", {"display_name": "Northwind"})["account"]["id"]
    request = {
        "type": "opportunity",
        "title": "Deal",
        "account": account,
        "applies_to_part": "PROD-1",
        "owned_by": ["DEVU-1"],
    }
    first = alice.call("works.create", request, idempotency_key="k1")
    again = alice.call("works.create", request, idempotency_key="k1")
    assert (again.status, again.body) == (201, first.body)
    assert alice.ok("works.list")["works"] == [first.body["work"]]


def test_a_replay_shows_the_first_answer_whatever_happened_since(alice: Client) -> None:
    first = alice.call("engagements.create", call_request(alice), idempotency_key="k1")
    alice.ok("engagements.update", {"id": first.body["engagement"]["id"], "title": "Changed"})
    assert (
        alice.call("engagements.create", call_request(alice), idempotency_key="k1").body
        == first.body
    )
    alice.ok("engagements.delete", {"id": first.body["engagement"]["id"]})
    assert (
        alice.call("engagements.create", call_request(alice), idempotency_key="k1").body
        == first.body
    )
    assert alice.ok("engagements.count") == {"count": 0}


def test_of_two_bodies_under_one_key_at_once_one_writes(alice: Client) -> None:
    requests = [call_request(alice, f"T{number % 2}") for number in range(16)]
    with ThreadPoolExecutor(16) as pool:
        answers = list(
            pool.map(
                lambda one: alice.call("engagements.create", one, idempotency_key="k1"), requests
            )
        )
    assert sorted(answer.status for answer in answers) == [201] * 8 + [400] * 8
    assert {answer.type for answer in answers if answer.status == 400} == {"bad_request"}
    assert alice.ok("engagements.count") == {"count": 1}


def test_a_key_does_not_outlive_the_right_to_write(alice: Client, bob: Client) -> None:
    assert bob.call("engagements.create", call_request(bob), idempotency_key="k1").status == 201
    bob.server.run("users role", user=bob.user, role="viewer", org=alice.org)
    assert bob.call("engagements.create", call_request(bob), idempotency_key="k1").status == 403


def test_an_update_and_a_delete_are_replayed_too(alice: Client) -> None:
    made = alice.engagement()
    for method, request in (
        ("update", {"id": made["id"], "title": "New"}),
        ("delete", {"id": made["id"]}),
    ):
        first = alice.call(f"engagements.{method}", request, idempotency_key=method)
        again = alice.call(f"engagements.{method}", request, idempotency_key=method)
        assert (first.status, again.status, again.body) == (200, 200, first.body)


def test_another_spelling_of_the_same_request_is_the_same_request(alice: Client) -> None:
    user = alice.ok("dev-users.self")["dev_user"]["display_id"]
    first = alice.call("engagements.create", call_request(alice), idempotency_key="k1")
    other = {
        **call_request(alice),
        "members": [user.lower()],
        "scheduled_date": "2023-01-01T13:00:00+01:00",
    }
    again = alice.call("engagements.create", other, idempotency_key="k1")
    assert (again.status, again.body) == (201, first.body)


def test_the_same_key_with_another_body_is_refused(alice: Client) -> None:
    alice.ok("engagements.create", call_request(alice), idempotency_key="k1")
    answer = alice.call("engagements.create", call_request(alice, "Another"), idempotency_key="k1")
    assert (answer.status, answer.type) == (400, "bad_request")
    assert "k1" in answer.body["message"]
    assert alice.ok("engagements.count")["count"] == 1


def test_a_key_spent_on_a_refused_request_is_free(alice: Client) -> None:
    refused = alice.call(
        "engagements.create", {**call_request(alice), "parent": "ACC-9"}, idempotency_key="k1"
    )
    assert refused.status == 400
    taken = alice.call("engagements.create", call_request(alice), idempotency_key="k1")
    assert taken.status == 201
    assert "idempotent-replayed" not in taken.headers


def test_keys_are_per_user_and_method(alice: Client, bob: Client) -> None:
    alice.ok("engagements.create", call_request(alice), idempotency_key="k1")
    mine = bob.call("engagements.create", call_request(bob), idempotency_key="k1")
    assert (mine.status, mine.headers.get("idempotent-replayed")) == (201, None)
    assert alice.call("tags.create", {"name": "x"}, idempotency_key="k1").status == 201


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_key_has_1_to_255_characters(key: str, alice: Client) -> None:
    answer = alice.call("engagements.create", call_request(alice), idempotency_key=key)
    assert (answer.status, answer.type, answer.body["field_name"]) == (
        400,
        "value_not_permitted",
        "Idempotency-Key",
    )
    assert (
        alice.call("engagements.create", call_request(alice), idempotency_key="x" * 255).status
        == 201
    )


def test_reading_methods_ignore_a_key(alice: Client) -> None:
    assert alice.ok("engagements.count", {}, idempotency_key="k1") == {"count": 0}
    alice.engagement()
    assert alice.ok("engagements.count", {}, idempotency_key="k1") == {"count": 1}


def test_of_many_at_once_one_writes_and_all_get_its_answer(alice: Client) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(
            pool.map(
                lambda _: alice.call(
                    "engagements.create", call_request(alice), idempotency_key="k1"
                ),
                range(32),
            )
        )
    assert {answer.status for answer in answers} == {201}
    assert len({answer.body["engagement"]["id"] for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    assert alice.ok("engagements.count")["count"] == 1


@pytest.mark.slow
def test_keys_outlive_the_server(data: Path) -> None:
    server = Server(data)
    alice = server.make_org()
    first = alice.call("engagements.create", call_request(alice), idempotency_key="k1")
    server.restart()
    again = alice.call("engagements.create", call_request(alice), idempotency_key="k1")
    assert (again.status, again.body, again.headers["idempotent-replayed"]) == (
        201,
        first.body,
        "true",
    )
    assert server.stop() == 0
