"""timeline-entries.list: comments and changes in one list."""

from typing import Any

import pytest

from tests.api.test_timeline_entries_comments import comment
from tests.support.server import Client
from tests.support.world import World, make_world

pytestmark = pytest.mark.engines("sqlite", "postgres")


@pytest.fixture
def world(alice: Client) -> World:
    return make_world(alice)


def timeline(client: Client, on: Any, **filters: Any) -> list[Any]:
    found: list[Any] = client.ok("timeline-entries.list", {"object": on["id"], **filters})[
        "timeline_entries"
    ]
    return found


def story(entries: list[Any]) -> list[str]:
    """What happened, the oldest first."""
    return [
        entry["event"]["type"] if "event" in entry else entry["body"] for entry in reversed(entries)
    ]


def test_comments_and_changes_are_one_list_the_newest_first(
    alice: Client, bob: Client, world: World
) -> None:
    comment(alice, world.engagement, body="first")
    bob.ok(
        "engagements.update",
        {"id": world.engagement["id"], "title": "Second", "description": "x" * 5000},
    )
    comment(bob, world.engagement, body="second")
    entries = timeline(alice, world.engagement)
    assert story(entries) == ["created", "first", "updated", "second"]
    assert entries == sorted(entries, key=lambda entry: entry["created_date"], reverse=True)
    _, updated, _, created = entries
    assert created["event"]["created"]["object"] == {
        "type": "engagement",
        "display_id": "ENGAGEMENT-1",
        "id": world.engagement["id"],
    }
    assert updated["created_by"]["display_id"] == bob.user
    assert updated["event"]["updated"]["object_type"] == "engagement"
    deltas = {delta["name"]: delta for delta in updated["event"]["updated"]["field_deltas"]}
    assert deltas.keys() == {"title", "description"}
    assert deltas["title"] == {
        "name": "title",
        "old_value": {"type": "string", "value": "Kick-off"},
        "new_value": {"type": "string", "value": "Second"},
    }
    long = deltas["description"]["new_value"]
    assert long["type"] == "composite"
    assert long["fields"]["length"] == {"type": "int", "value": 5000}
    assert alice.ok("timeline-entries.get", {"id": updated["id"]})["timeline_entry"] == updated
    assert (
        alice.ok("timeline-entries.get", {"id": updated["display_id"]})["timeline_entry"] == updated
    )


def test_deltas_say_what_kind_of_value_each_is(alice: Client, world: World) -> None:
    tag = alice.ok("tags.create", {"name": "t", "allowed_values": ["a"]})["tag"]
    alice.ok(
        "engagements.update",
        {
            "id": "ENGAGEMENT-1",
            "scheduled_date": None,
            "parents": {"set": []},
            "members": {"set": [alice.user]},
            "tags": {"set": [{"id": tag["id"], "value": "a"}]},
            "external_ref": "other",
        },
    )
    (updated, *_) = timeline(alice, world.engagement)
    deltas = {delta.pop("name"): delta for delta in updated["event"]["updated"]["field_deltas"]}
    assert deltas["scheduled_date"] == {
        "old_value": {"type": "date_time", "value": "2023-01-01T12:00:00.000Z"}
    }
    assert deltas["parent"] == {"old_value": {"type": "id", "value": world.account["id"]}}
    assert deltas["parents"]["old_value"]["type"] == "id_list"
    assert deltas["tags"]["new_value"] == {"type": "id_list", "values": [tag["id"]]}
    assert deltas["tag_values"]["new_value"] == {
        "type": "composite",
        "fields": {tag["id"]: {"type": "string", "value": "a"}},
    }
    alice.ok(
        "works.update",
        {
            "id": "OPP-1",
            "type": "opportunity",
            "amount": 1.5,
            "owned_by": {"set": [world.rev_user["id"]]},
            "tags": {"set": [{"id": tag["id"]}]},
            "custom_fields": {"n": 1, "b": True, "l": ["x"], "o": [{"k": 1}], "z": None},
            "stage": {"name": "won"},
        },
    )
    (updated, *_) = timeline(alice, world.opportunity)
    deltas = {delta.pop("name"): delta for delta in updated["event"]["updated"]["field_deltas"]}
    assert deltas["amount"]["new_value"] == {"type": "double", "value": 1.5}
    assert deltas["owned_by"]["new_value"] == {"type": "id_list", "values": [world.rev_user["id"]]}
    assert deltas["tags"]["new_value"] == {
        "type": "tag_summary_list",
        "values": [{"tag_id": tag["id"], "name": "t"}],
    }
    assert deltas["custom_fields"]["new_value"]["fields"] == {
        "n": {"type": "int", "value": 1},
        "b": {"type": "bool", "value": True},
        "l": {"type": "string_list", "values": ["x"]},
        "o": {"type": "composite_list", "values": [{"fields": {"k": {"type": "int", "value": 1}}}]},
    }
    assert deltas["stage"]["new_value"] == {
        "type": "composite",
        "fields": {"name": {"type": "string", "value": "won"}},
    }


def test_pages_walk_both_ways_over_comments_and_changes(alice: Client, world: World) -> None:
    for number in range(6):
        comment(alice, world.account, body=str(number))
        alice.ok("accounts.update", {"id": world.account["id"], "tier": str(number)})
    whole = timeline(alice, world.account)
    assert len(whole) == 13
    for size in (1, 4, 13):
        request: dict[str, Any] = {"object": world.account["id"], "limit": size}
        walked: list[Any] = []
        while True:
            page = alice.ok("timeline-entries.list", request)
            walked += page["timeline_entries"]
            if "next_cursor" not in page:
                break
            request["cursor"] = page["next_cursor"]
        assert walked == whole
        back: list[Any] = []
        request = {"object": world.account["id"], "limit": size, "mode": "before"}
        while True:
            page = alice.ok("timeline-entries.list", request)
            back = page["timeline_entries"] + back
            if "prev_cursor" not in page:
                break
            request["cursor"] = page["prev_cursor"]
        assert back == whole


def test_filters_narrow(alice: Client, world: World) -> None:
    made = comment(alice, world.account, labels=["a", "b"], visibility="public", body="public")
    comment(alice, world.account, labels=["c"], body="internal", collections=["events"])
    assert story(timeline(alice, world.account, collections=["discussions"])) == [
        "public",
        "internal",
    ]
    assert story(timeline(alice, world.account, collections=["events"])) == ["created"]
    assert story(timeline(alice, world.account, collections=["events", "discussions"])) == [
        "created",
        "public",
        "internal",
    ]
    assert story(timeline(alice, world.account, labels=["b", "x"])) == ["public"]
    assert story(timeline(alice, world.account, panels=["discussions"])) == ["public"]
    assert story(timeline(alice, world.account, panels=["events"])) == ["created", "internal"]
    assert timeline(alice, world.account, panels=["alerts"]) == []
    assert story(timeline(alice, world.account, visibility=["public", "private"])) == ["public"]
    assert story(timeline(alice, world.account, visibility=["internal"])) == ["created", "internal"]
    dates = {"created_date": {"after": made["created_date"]}}
    assert story(timeline(alice, world.account, **dates)) == ["internal"]
    query = {
        "object": "ACC-1",
        "created_date.before": made["created_date"],
        "collections": "events",
    }
    assert story(alice.get("timeline-entries.list", query).body["timeline_entries"]) == ["created"]


def test_rollup_tells_of_what_belongs_to_an_account_too(alice: Client, world: World) -> None:
    other = make_world_beside(alice)
    comment(alice, world.engagement, body="on the engagement")
    comment(alice, world.opportunity, body="on the opportunity")
    comment(alice, other, body="elsewhere")
    under = alice.engagement(parent=world.opportunity["id"])
    assert story(timeline(alice, world.account)) == ["created"]
    rolled = timeline(alice, world.account, rollup=True)
    assert story(rolled) == [
        "created",
        "created",
        "created",
        "on the engagement",
        "on the opportunity",
        "created",
    ]
    assert {entry["object_display_id"] for entry in rolled} == {
        "ACC-1",
        "OPP-1",
        "ENGAGEMENT-1",
        under["display_id"],
    }
    assert story(timeline(alice, world.opportunity, rollup=True)) == [
        "created",
        "created",
        "on the engagement",
        "on the opportunity",
        "created",
    ]
    alice.ok("engagements.delete", {"id": world.engagement["id"]})
    rolled = timeline(alice, world.account, rollup=True)
    assert story(rolled) == [
        "created",
        "created",
        "created",
        "on the opportunity",
        "created",
        "deleted",
    ]
    assert rolled[0]["event"]["deleted"] == {"object_id": world.engagement["id"]}


def make_world_beside(client: Client) -> Any:
    return client.ok("accounts.create", {"display_name": "Other"})["account"]


def test_what_happened_can_t_be_edited(alice: Client, world: World) -> None:
    (created,) = timeline(alice, world.account)
    for request in ({"id": created["id"], "body": "x"}, {"id": created["display_id"], "body": "x"}):
        alice.refused("timeline-entries.update", request, "value_not_permitted", "id")
    refused = alice.refused(
        "timeline-entries.delete", {"id": created["id"]}, "value_not_permitted", "id"
    )
    assert refused.body["reason"] == "must be a comment"
    assert timeline(alice, world.account) == [created]


def test_another_org_s_timeline_is_not_there(alice: Client, charlie: Client, world: World) -> None:
    comment(alice, world.account)
    assert charlie.call("timeline-entries.list", {"object": world.account["id"]}).status == 404
    make_world(charlie)
    assert story(charlie.ok("timeline-entries.list", {"object": "ACC-1"})["timeline_entries"]) == [
        "created"
    ]


def test_a_cursor_of_another_list_is_refused(alice: Client, world: World) -> None:
    alice.refused(
        "timeline-entries.list",
        {"object": world.account["id"], "cursor": "x"},
        "invalid_field",
        "cursor",
    )
