"""The family itself: what is taken, kept, shown and refused, and who may."""

import base64
from typing import Any

import pytest

from rapport.contract import webhooks as contract
from tests.support.server import Client, Server

URL = "https://hooks.invalid/rapport"


def make(client: Client, **fields: Any) -> Any:
    return client.ok("webhooks.create", {"url": URL, **fields})["webhook"]


def test_what_is_written_comes_back(alice: Client) -> None:
    headers = [
        {"name": "X-Team", "value": "blue"},
        {"name": "authorization", "value": "Basic abc=="},
    ]
    made = make(
        alice, event_types=["work_created", "engagement_deleted", "work_created"], headers=headers
    )
    assert made["event_types"] == ["work_created", "engagement_deleted"]
    assert made["headers"] == headers
    assert (made["status"], made["url"]) == ("unverified", URL)
    assert len(base64.b64decode(made["secret"], validate=True)) == 24
    assert made["id"].startswith(
        f"don:integration:dvrv-us-1:devo/{alice.org.removeprefix('DEV-')}:webhook/"
    )
    for id_ in (made["id"], made["display_id"], made["display_id"].lower()):
        assert alice.ok("webhooks.get", {"id": id_}) == {"webhook": made}
    assert "event_types" not in make(alice)
    assert make(alice)["secret"] != make(alice)["secret"]


def test_every_event_type_is_taken(alice: Client) -> None:
    types = list(contract.EventType.__origin__.__args__)  # type: ignore[attr-defined]
    assert len(types) == 87
    assert make(alice, event_types=types)["event_types"] == types
    answer = alice.refused(
        "webhooks.create",
        {"url": URL, "event_types": ["engagement_touched"]},
        "invalid_enum_value",
        "event_types[0]",
    )
    assert sorted(answer.body["allowed_values"]) == sorted(types)


def test_strict_servers_know_devrevs_types_and_fields_alone(strict_server: Server) -> None:
    dora = strict_server.make_org()
    made = make(dora, event_types=["work_created"])
    answer = dora.call("webhooks.create", {"url": URL, "event_types": ["engagement_created"]})
    assert answer.type == "invalid_enum_value"
    assert "engagement_created" not in answer.body["allowed_values"]
    assert dora.call("webhooks.list", {"limit": 1}).body["field_name"] == "limit"
    assert (
        dora.call("webhooks.update", {"id": made["id"], "event_types": ["work_created"]}).type
        == "unexpected_json_type"
    )
    assert dora.call("webhook-deliveries.list").status == 404
    changed = dora.ok(
        "webhooks.update", {"id": made["id"], "secret": base64.b64encode(b"8 bytes!").decode()}
    )
    assert "secret_changed_date" not in changed["webhook"]


@pytest.mark.parametrize(
    "name",
    ["Host", "hOST", "Content-Length", "content-type", "Content-Anything", "Connection", "Transfer-Encoding", "TE", "Upgrade", "Trailer",
     "Keep-Alive", "Expect", "Proxy-Authorization", "X-DevRev-Signature", "Webhook-Id", "webhook-signature", "Accept-Encoding", "User-Agent", "", "X Y", "X:Y",
     "X\r\nY", "X\tY", "Xé", "X" * 129],
)  # fmt: skip
def test_a_hostile_header_name_is_refused(alice: Client, name: str) -> None:
    alice.refused(
        "webhooks.create",
        {"url": URL, "headers": [{"name": name, "value": "x"}]},
        "value_not_permitted",
        "headers[0].name",
    )


@pytest.mark.parametrize(
    "value",
    ["a\r\nX-Other: 1", "a\nb", "a\rb", "a\x00b", "\x7f", "é", " a", "a ", "\t", "x" * 2049],
)
def test_a_hostile_header_value_is_refused(alice: Client, value: str) -> None:
    request = {"url": URL, "headers": [{"name": "X-Ok", "value": value}]}
    answer = alice.refused("webhooks.create", request, "value_not_permitted", "headers[0].value")
    assert "Other" not in answer.body["message"]


def test_headers_are_up_to_eight_each_once(alice: Client) -> None:
    nine = [{"name": f"X-{number}", "value": ""} for number in range(9)]
    alice.refused(
        "webhooks.create", {"url": URL, "headers": nine}, "value_not_permitted", "headers"
    )
    made = make(alice, headers=nine[:8])
    id_ = made["id"]
    alice.refused(
        "webhooks.update",
        {"id": id_, "headers": {"add": nine[8:]}},
        "value_not_permitted",
        "headers.add",
    )
    twice = [{"name": "X-A", "value": "1"}, {"name": "x-a", "value": "2"}]
    alice.refused(
        "webhooks.create", {"url": URL, "headers": twice}, "value_not_permitted", "headers[1].name"
    )
    alice.refused(
        "webhooks.update",
        {"id": id_, "headers": {"set": twice}},
        "value_not_permitted",
        "headers.set[1].name",
    )
    changed = alice.ok(
        "webhooks.update",
        {"id": id_, "headers": {"add": nine[8:], "remove": ["x-0", "X-1", "absent"]}},
    )
    assert [header["name"] for header in changed["webhook"]["headers"]] == [
        "X-2",
        "X-3",
        "X-4",
        "X-5",
        "X-6",
        "X-7",
        "X-8",
    ]
    same = {"name": "x-8", "value": "new"}
    changed = alice.ok("webhooks.update", {"id": id_, "headers": {"set": nine[8:], "add": [same]}})
    assert changed["webhook"]["headers"] == [same]
    assert (
        "headers" not in alice.ok("webhooks.update", {"id": id_, "headers": {"set": []}})["webhook"]
    )


@pytest.mark.parametrize("size", [*range(8, 33)])
def test_a_secret_is_plain_base64_of_8_to_32_bytes(alice: Client, size: int) -> None:
    secret = base64.b64encode(bytes(range(200, 200 + size))).decode()
    assert make(alice, secret=secret)["secret"] == secret


@pytest.mark.parametrize(
    "secret",
    ["", "abc", "whsec_c3VwZXItc2VjcmV0LWtleS0yNGJ5", base64.b64encode(b"7 bytes").decode(), base64.b64encode(b"x" * 33).decode(),
     base64.b64encode(b"9 bytes!!").decode() + "\n", "c3VwZXIt c2VjcmV0", base64.urlsafe_b64encode(b"\xff" * 24).decode(), "YWJjZGVmZ2g", "YWJjZGVmZ2i=", "{secret}"],
)  # fmt: skip
def test_another_secret_is_refused_and_not_repeated(alice: Client, secret: str) -> None:
    answer = alice.refused(
        "webhooks.create", {"url": URL, "secret": secret}, "value_not_permitted", "secret"
    )
    assert len(secret) < 4 or secret not in answer.body["message"] + answer.body["detail"]


def test_event_types_are_set_added_removed_and_given_plain(alice: Client) -> None:
    id_ = make(alice, event_types=["work_created", "tag_created"])["id"]

    def update(change: Any) -> list[str]:
        return list(
            alice.ok("webhooks.update", {"id": id_, "event_types": change})["webhook"].get(
                "event_types", []
            )
        )

    assert update({"add": ["work_deleted", "tag_created"], "remove": ["work_created"]}) == [
        "tag_created",
        "work_deleted",
    ]
    assert update({"set": ["link_created"]}) == ["link_created"]
    assert update(["account_created", "work_created"]) == ["account_created", "work_created"]
    assert update({"set": ["tag_created"], "add": ["tag_updated"], "remove": ["tag_created"]}) == [
        "tag_updated"
    ]
    assert update({}) == ["tag_updated"]
    assert update([]) == []
    alice.refused(
        "webhooks.update",
        {"id": id_, "event_types": ["nonsense"]},
        "invalid_enum_value",
        "event_types.set[0]",
    )


def test_an_update_that_changes_nothing_is_no_change(alice: Client) -> None:
    made = make(alice, event_types=["work_created"], headers=[{"name": "X-A", "value": "1"}])
    before = alice.feed_end()
    same = {
        "url": URL,
        "secret": made["secret"],
        "event_types": ["work_created"],
        "headers": {"add": made["headers"]},
    }
    assert alice.ok("webhooks.update", {"id": made["id"], **same})["webhook"] == made
    assert alice.feed_end() == before


def test_a_new_secret_says_since_when(alice: Client) -> None:
    made = make(alice)
    changed = alice.ok(
        "webhooks.update", {"id": made["id"], "secret": base64.b64encode(b"another 8").decode()}
    )["webhook"]
    assert changed["secret_changed_date"] == changed["modified_date"] > made["modified_date"]


def test_lists_are_filtered_and_walked_newest_first(alice: Client, charlie: Client) -> None:
    made = [make(alice) for _ in range(5)]
    alice.ok("webhooks.update", {"id": made[2]["id"], "action": "deactivate"})
    numbers = [one["display_id"] for one in alice.ok("webhooks.list")["webhooks"]]
    assert numbers == [one["display_id"] for one in reversed(made)]
    inactive = alice.ok("webhooks.list", {"status": ["inactive", "active"]})["webhooks"]
    assert [one["id"] for one in inactive] == [made[2]["id"]]
    first = alice.ok("webhooks.list", {"limit": 3})
    second = alice.ok("webhooks.list", {"limit": 3, "cursor": first["next_cursor"]})
    assert [one["display_id"] for one in first["webhooks"] + second["webhooks"]] == numbers
    assert "next_cursor" not in second
    assert charlie.ok("webhooks.list") == {"webhooks": []}


def test_a_deleted_webhook_is_gone(alice: Client) -> None:
    made = make(alice)
    assert alice.ok("webhooks.delete", {"id": made["id"]}) == {}
    for method in ("get", "update", "delete"):
        assert alice.call(f"webhooks.{method}", {"id": made["id"]}).status == 404
    assert make(alice)["display_id"] != made["display_id"]


@pytest.mark.parametrize("role", ["viewer", "member"])
def test_only_admins_see_and_change_webhooks(alice: Client, role: str) -> None:
    made = make(alice)
    bob = alice.server.make_user(alice, role=role)
    requests: dict[str, Any] = {
        "webhooks.create": {"url": URL}, "webhooks.get": {"id": made["id"]}, "webhooks.list": {}, "webhooks.delete": {"id": made["id"]},
        "webhooks.update": {"id": made["id"], "action": "deactivate"}, "webhooks.fetch": {"id": made["id"], "object": bob.user},
        "webhook-deliveries.list": {}, "webhook-deliveries.redeliver": {"webhook": made["id"]},
    }  # fmt: skip
    for method, request in requests.items():
        answer = bob.call(method, request)
        assert (answer.status, answer.type) == (403, "forbidden"), method
        assert made["secret"] not in str(answer.body)


def test_redeliver_says_what_it_needs(alice: Client) -> None:
    made = make(alice)
    alice.refused("webhook-deliveries.redeliver", {}, "missing_required_field", "webhook")
    both = {"id": "DELIVERY-1", "webhook": made["id"]}
    alice.refused("webhook-deliveries.redeliver", both, "value_not_permitted", "webhook")
    alice.refused("webhook-deliveries.redeliver", {"id": "DELIVERY-99"}, "not_found", status=404)
    (challenge,) = alice.ok("webhook-deliveries.list")["webhook_deliveries"]
    alice.refused(
        "webhook-deliveries.redeliver", {"id": challenge["id"]}, "value_not_permitted", "id"
    )


def test_a_retried_create_makes_one_webhook(alice: Client) -> None:
    first, second = (
        alice.call("webhooks.create", {"url": URL}, idempotency_key="once") for _ in range(2)
    )
    assert first.body == second.body
    assert len(alice.ok("webhooks.list")["webhooks"]) == 1
