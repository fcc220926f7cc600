"""Meetings on timelines, in the feed, and to webhooks."""

from typing import Any

import pytest

from tests.support.server import Client
from tests.support.world import make_world

pytestmark = pytest.mark.engines("sqlite", "postgres")


def story(client: Client, on: str, **fields: Any) -> list[tuple[str, str]]:
    """What happened to which object, the oldest first."""
    entries = client.ok("timeline-entries.list", {"object": on, **fields})["timeline_entries"]
    return [
        (one["object_display_id"], one["event"]["type"] if "event" in one else one["body"])
        for one in reversed(entries)
    ]


def test_comments_and_changes_stand_in_its_timeline(alice: Client, bob: Client) -> None:
    made = alice.meeting(title="Review")
    comment = {"object": "meeting-1", "type": "timeline_comment", "body": "Bring the plan"}
    entry = alice.ok("timeline-entries.create", {**comment, "artifacts": [alice.upload()]})[
        "timeline_entry"
    ]
    assert (entry["object"], entry["object_type"]) == (made["id"], "meeting")
    assert entry["id"].startswith(f"{made['id']}:comment/")
    assert alice.ok("timeline-entries.get", {"id": entry["id"]})["timeline_entry"] == entry
    assert alice.ok("artifacts.list", {"parent_id": entry["id"]})["artifacts"]
    bob.ok("meetings.update", {"id": made["id"], "state": "completed", "organizer": bob.user})
    assert story(alice, made["id"]) == [
        ("MEETING-1", "created"),
        ("MEETING-1", "Bring the plan"),
        ("MEETING-1", "updated"),
    ]
    newest, _, first = alice.ok("timeline-entries.list", {"object": made["id"]})["timeline_entries"]
    assert newest["event"]["updated"]["object_type"] == "meeting"
    deltas = {one["name"]: one for one in newest["event"]["updated"]["field_deltas"]}
    assert deltas["state"]["old_value"] == {"type": "string", "value": "scheduled"}
    assert deltas["organizer"]["new_value"]["type"] == "id"
    assert deltas.keys() == {"state", "organizer"}
    shown = {"type": "meeting", "display_id": "MEETING-1", "id": made["id"]}
    assert first["event"]["created"]["object"] == shown


def test_an_account_s_roll_up_has_meetings_beside_engagements(alice: Client) -> None:
    world = make_world(alice)
    own = alice.meeting(parent=world.account["id"])
    alice.meeting(parent=world.opportunity["id"])
    alice.meeting()
    alice.ok("meetings.delete", {"id": own["id"]})
    rolled = story(alice, world.account["id"], rollup=True)
    assert [one for one in rolled if one[0].startswith("MEETING")] == [
        ("MEETING-1", "created"),
        ("MEETING-2", "created"),
        ("MEETING-1", "deleted"),
    ]
    assert ("ENGAGEMENT-1", "created") in rolled
    assert [what for what, _ in story(alice, world.opportunity["id"], rollup=True)] == [
        "OPP-1",
        "ENGAGEMENT-1",
        "MEETING-2",
    ]
    assert "MEETING-2" not in [what for what, _ in story(alice, world.account["id"])]


def test_the_feed_tells_of_meetings_to_who_may_read_them(alice: Client) -> None:
    end = alice.feed_end()
    made = alice.meeting()
    changed = alice.ok("meetings.update", {"id": made["id"], "title": "Other"})["meeting"]
    alice.ok("meetings.delete", {"id": made["id"]})
    events = alice.feed(end, kinds=["meeting"])
    assert [one["type"] for one in events] == ["meeting_created", "meeting_updated", "meeting_deleted"]  # fmt: skip
    assert events[0]["meeting_created"] == {"meeting": made}
    assert events[1]["meeting_updated"] == {"meeting": changed, "old_meeting": made}
    assert events[2]["object"] == made["id"]
    reader = alice.server.make_user(alice, scope="event:read tag:read")
    assert [one for one in reader.feed(end) if "meeting" in one["type"]] == []


def test_webhooks_hear_of_meetings_and_can_be_sent_one(alice: Client) -> None:
    types = ["meeting_created", "meeting_updated", "meeting_deleted"]
    request = {"url": "https://hooks.invalid/", "event_types": types}
    webhook = alice.ok("webhooks.create", request)["webhook"]
    assert webhook["event_types"] == types
    made = alice.meeting()
    alice.ok("webhooks.fetch", {"id": webhook["id"], "object": made["id"]})
    listed = alice.ok("webhook-deliveries.list", {"webhook": [webhook["id"]]})
    assert "meeting_fetched" in [one["event_type"] for one in listed["webhook_deliveries"]]


def test_strict_servers_know_no_webhook_types_of_meetings(strict_server: Any) -> None:
    dana = strict_server.make_org("Dana's")
    request = {"url": "https://hooks.invalid/", "event_types": ["meeting_created"]}
    answer = dana.call("webhooks.create", request)
    assert (answer.status, answer.type) == (400, "invalid_enum_value")
