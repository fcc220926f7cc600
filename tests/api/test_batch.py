"""batch.run: many requests in one, each with its own rights and answer."""

import json
from typing import Any

import pytest

from tests.support.server import Client, Server
from tests.support.world import make_world

pytestmark = pytest.mark.engines("sqlite", "postgres")
Body = dict[str, Any]
WHEN = "2026-01-01T00:00:00.000Z"


def _create(client: Client, **fields: Any) -> Body:
    body = {"members": [client.user], "scheduled_date": WHEN, "title": "x", **fields}
    return {"method": "engagements.create", "body": body}


def _account(name: str = "Acme", **fields: Any) -> Body:
    return {"method": "accounts.create", "body": {"display_name": name, **fields}}


def _run(client: Client, *requests: Body, **options: Any) -> list[Any]:
    results = client.ok("batch.run", {"requests": requests, **options})["results"]
    assert len(results) == len(requests)
    return list(results)


def _statuses(results: list[Any]) -> list[int]:
    return [result["status"] for result in results]


def test_each_request_is_answered_as_if_it_came_alone_and_in_order(alice: Client) -> None:
    requests = [
        _account(),
        _create(alice, title="One"),
        {"method": "engagements.count"},
        _create(alice, members=["DEVU-99"]),
        _create(alice, title="Two", external_ref="r-1"),
        _create(alice, title="Three", external_ref="r-1"),
        {"method": "engagements.list", "body": {"sort_by": ["title:asc"]}},
        {"method": "accounts.get", "body": {"id": "ACC-99"}},
        {"method": "tags.create", "body": {"name": ""}},
        {"method": "engagements.update", "body": {"id": "ENGAGEMENT-1", "title": "Uno"}},
    ]
    results = _run(alice, *requests)
    assert _statuses(results) == [201, 201, 200, 400, 201, 400, 200, 404, 400, 200]
    assert results[2]["body"] == {"count": 1}
    assert results[3]["body"]["field_name"] == "members[0]"
    assert results[5]["body"]["existing_id"] == results[4]["body"]["engagement"]["id"]
    assert [one["title"] for one in results[6]["body"]["engagements"]] == ["One", "Two"]
    assert results[7]["body"]["type"] == "not_found"
    made = alice.ok("engagements.get", {"id": "ENGAGEMENT-1"})["engagement"]
    assert results[9]["body"]["engagement"] == made
    assert made["title"] == "Uno"


def test_a_later_request_names_what_an_earlier_one_made(alice: Client) -> None:
    results = _run(
        alice,
        _account(external_refs=["a"]),
        {"method": "tags.create", "body": {"name": "hot"}},
        _create(alice, parent={"$ref": 0}, tags=[{"id": {"$ref": 1}}, {"$ref": 1}]),
        {
            "method": "timeline-entries.create",
            "body": {"type": "timeline_comment", "object": {"$ref": 2}, "body": "Hi"},
        },
        {"method": "accounts.get", "body": {"id": {"$ref": 0}}},
        {"method": "accounts.upsert", "body": {"external_refs": ["a"], "tier": "gold"}},
        {"method": "accounts.update", "body": {"id": {"$ref": 5}, "description": "Big"}},
        {"method": "artifacts.prepare", "body": {"file_name": "a.txt"}},
        {"method": "artifacts.get", "body": {"id": {"$ref": 7}}},
    )
    assert _statuses(results) == [201, 201, 201, 201, 200, 200, 200, 200, 200]
    account = results[0]["body"]["account"]
    assert results[2]["body"]["engagement"]["parents"] == [account["id"]]
    assert results[2]["body"]["engagement"]["tags"] == [results[1]["body"]["tag"]["id"]]
    assert results[6]["body"]["account"]["id"] == account["id"]
    assert results[7]["body"]["url"].startswith(alice.server.url)


@pytest.mark.parametrize("number", [1, 2, -1, 500, True, "0", None, 0.5, [0]])
def test_a_ref_that_is_not_to_an_earlier_request_is_refused(alice: Client, number: Any) -> None:
    bad = {"method": "accounts.get", "body": {"id": {"$ref": number}}}
    results = _run(alice, _account(), bad, _account())
    assert _statuses(results) == [201, 400, 201]
    assert results[1]["body"]["field_name"] == "id.$ref"


def test_a_ref_to_what_was_refused_or_has_no_object_is_refused(alice: Client) -> None:
    results = _run(
        alice,
        _account(""),
        {"method": "engagements.count"},
        _create(alice, parent={"$ref": 0}),
        _create(alice, parent={"$ref": 1}),
        _create(alice, custom_fields={"$ref": 0, "deep": {"$ref": 0}}),
    )
    assert _statuses(results) == [400, 200, 400, 400, 201]
    assert "was refused" in results[2]["body"]["message"]
    assert results[4]["body"]["engagement"]["custom_fields"] == {"$ref": 0, "deep": {"$ref": 0}}


def test_each_request_has_its_own_rights(alice: Client) -> None:
    limited = alice.server.make_user(alice, scope="engagement:write tag:read")
    results = _run(
        limited,
        _create(limited),
        {"method": "tags.create", "body": {"name": "x"}},
        {"method": "webhooks.list"},
        {"method": "dev-users.self"},
        _create(limited),
    )
    assert _statuses(results) == [201, 403, 403, 200, 201]
    assert "tag:write" in results[1]["body"]["message"]
    viewer = alice.server.make_user(alice, role="viewer")
    assert _statuses(_run(viewer, _create(viewer), {"method": "engagements.count"})) == [403, 200]


def test_what_can_t_be_is_a_refusal_of_its_own(alice: Client) -> None:
    large = _create(alice, description="x" * 65_000, custom_fields={"x": "y" * 1_000_000})
    results = _run(
        alice,
        {"method": "batch.run", "body": {"requests": [_account()]}},
        {"method": "no.such"},
        {"method": "events.list", "body": {"wait": 1}},
        {"method": "accounts.create", "body": []},
        {"method": "accounts.create", "body": None},
        {"method": "accounts.create"},
        {"method": "accounts.create", "body": {"display_name": "x\0"}},
        large,
        _account(),
    )
    assert _statuses(results) == [400, 404, 400, 400, 400, 400, 400, 413, 201]
    assert results[2]["body"]["field_name"] == "wait"
    assert results[3]["body"]["type"] == "parse_error"
    assert results[5]["body"]["type"] == "missing_required_field"
    assert results[7]["body"]["max_bytes"] == 1024 * 1024
    assert alice.ok("accounts.list")["accounts"][0]["display_name"] == "Acme"


def test_a_batch_has_1_to_500_requests_and_8_mib(alice: Client) -> None:
    one = {"method": "engagements.count"}
    for requests, field in (([], "requests"), ([one] * 501, "requests")):
        alice.refused("batch.run", {"requests": requests}, "value_not_permitted", field)
    alice.refused("batch.run", {"requests": [{"body": {}}]}, "missing_required_field",
                  "requests[0].method")  # fmt: skip
    alice.refused("batch.run", {"requests": [{**one, "x": 1}]}, "invalid_field", "requests[0].x")
    bad_key = {"requests": [{**one, "idempotency_key": "x" * 256}]}
    alice.refused("batch.run", bad_key, "value_not_permitted", "requests[0].idempotency_key")
    assert _statuses(_run(alice, *[one] * 500)) == [200] * 500
    padding = b'{"requests": [{"method": "engagements.count"}]}'
    full = padding + b" " * (8 * 1024 * 1024 - len(padding))
    assert alice.raw("POST", "batch.run", content=full).status == 200
    answer = alice.raw("POST", "batch.run", content=full + b" ")
    assert (answer.status, answer.body["max_bytes"]) == (413, 8 * 1024 * 1024)


def test_an_atomic_batch_is_all_or_none(alice: Client) -> None:
    good = [
        _account(),
        _create(alice, parent={"$ref": 0}),
        _create(alice),
        {"method": "engagements.count"},
    ]
    results = _run(alice, *good, atomic=True)
    assert _statuses(results) == [201, 201, 201, 200]
    assert results[3]["body"] == {"count": 2}
    assert alice.ok("engagements.count") == {"count": 2}
    with alice.unchanged():
        end = alice.feed_end()
        results = _run(alice, *good, _create(alice, title=""), _account(), atomic=True)
        assert _statuses(results) == [424, 424, 424, 424, 400, 424]
        assert results[4]["body"]["field_name"] == "title"
        assert results[0]["body"]["type"] == "bad_request"
        assert "place 4" in results[0]["body"]["message"]
        late = _run(alice, *good, {"method": "accounts.get", "body": {"id": "ACC-99"}}, atomic=True)
        assert _statuses(late) == [424, 424, 424, 424, 404]
        assert alice.feed_end() == end


@pytest.mark.parametrize("atomic", [False, True])
def test_a_dry_run_answers_as_if_done_and_does_nothing(alice: Client, *, atomic: bool) -> None:
    make_world(alice)
    requests = [
        _account("Dry", external_refs=["a"]),
        _create(alice, parent={"$ref": 0}),
        {"method": "engagements.count"},
        {"method": "engagements.delete", "body": {"id": "ENGAGEMENT-1"}},
    ]
    refused = [_account("Dry", external_refs=["a"])] if not atomic else []
    with alice.unchanged():
        end = alice.feed_end()
        results = _run(alice, *requests, *refused, {"method": "engagements.count"},
                       atomic=atomic, dry_run=True)  # fmt: skip
        assert _statuses(results) == [201, 201, 200, 200, *(409 for _ in refused), 200]
        assert (results[2]["body"], results[-1]["body"]) == ({"count": 2}, {"count": 1})
        assert alice.feed_end() == end


def test_keys_of_requests_replay_their_answers(alice: Client) -> None:
    keyed = {**_account(), "idempotency_key": "k-1"}
    first = _run(alice, keyed, {**_create(alice), "idempotency_key": "k-1"})
    again = _run(alice, {**_create(alice), "idempotency_key": "k-1"}, keyed, keyed, atomic=True)
    assert again == [first[1], first[0], first[0]]
    alone = alice.call("accounts.create", keyed["body"], **{"Idempotency-Key": "k-1"})
    assert (alone.body, alone.headers["idempotent-replayed"]) == (first[0]["body"], "true")
    other = _run(alice, {**_account("Other"), "idempotency_key": "k-1"})
    assert (other[0]["status"], other[0]["body"]["type"]) == (400, "bad_request")
    twice = _run(alice, *[{**_create(alice), "idempotency_key": "k-2"}] * 3)
    assert twice == [twice[0]] * 3


@pytest.mark.parametrize("atomic", [False, True])
def test_a_key_of_the_batch_covers_all_of_it(alice: Client, *, atomic: bool) -> None:
    request: Body = {
        "requests": [_account(), _create(alice), _create(alice), _account("")][
            : 3 if atomic else 4
        ],
        "atomic": atomic,
    }
    key = {"Idempotency-Key": "b-1"}
    first = alice.ok("batch.run", request, **key)
    with alice.unchanged():
        again = alice.call("batch.run", request, **key)
        assert again.body == first
        other = {**request, "requests": request["requests"][:2]}
        answer = alice.call("batch.run", other, **key)
        assert (answer.status, answer.type) == (400, "bad_request")
    assert alice.ok("engagements.count") == {"count": 2}
    assert len(alice.ok("accounts.list")["accounts"]) == 1


def test_many_creates_side_by_side_keep_their_order_and_their_own_answers(alice: Client) -> None:
    requests = [
        _create(
            alice,
            title=f"T{number}" if number % 9 else "",
            **({"external_ref": f"r-{number % 50}"} if number % 2 else {}),
        )
        for number in range(200)
    ]
    results = _run(alice, *requests)
    seen: set[str] = set()
    for request, result in zip(requests, results, strict=True):
        title, ref = request["body"]["title"], request["body"].get("external_ref")
        expected = 400 if not title or ref in seen else 201
        assert result["status"] == expected, (request, result)
        if expected == 201:
            assert result["body"]["engagement"]["title"] == title
            seen |= {ref} if ref else set()
    assert alice.ok("engagements.count", {"external_ref": sorted(seen)})["count"] == len(seen)


def test_batches_at_once_each_do_their_own(alice: Client) -> None:
    batch = {"requests": [_account(), _create(alice, parent={"$ref": 0}), _create(alice)]}
    answers = alice.together([("batch.run", {**batch, "atomic": n % 2 == 0}) for n in range(12)])
    for answer in answers:
        assert _statuses(answer.body["results"]) == [201, 201, 201]
        account = answer.body["results"][0]["body"]["account"]["id"]
        assert answer.body["results"][1]["body"]["engagement"]["parents"] == [account]
    assert alice.ok("engagements.count") == {"count": 24}


def test_the_operator_runs_one_over_the_socket(server: Server, alice: Client) -> None:
    body = json.dumps(
        {"requests": [_account(), {"method": "accounts.get", "body": {"id": {"$ref": 0}}}]}
    )
    told = server.run("call", method="batch.run", body=body, org=alice.org)
    assert _statuses(json.loads(told["body"])["results"]) == [201, 200]


def test_strict_servers_have_no_batches(strict_server: Server) -> None:
    dana = strict_server.make_org("Dana's")
    answer = dana.call("batch.run", {"requests": [_account()]})
    assert (answer.status, answer.body["message"]) == (404, "route not found")
