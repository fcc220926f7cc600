"""meetings.delete, and what meetings hold against the deletion of others."""

from typing import Any

import pytest

from tests.support.server import Client
from tests.support.world import World, make_world

pytestmark = pytest.mark.engines("sqlite", "postgres")


@pytest.fixture
def world(alice: Client) -> World:
    return make_world(alice)


def full(alice: Client, world: World, **fields: Any) -> Any:
    return alice.meeting(
        members=[alice.user, world.rev_user["id"]],
        parent=world.account["id"],
        tags=[{"id": world.tag["id"], "value": "large"}],
        external_ref="cal-1",
        custom_fields={"a": 1},
        **fields,
    )


def test_what_was_deleted_is_gone_everywhere(alice: Client, world: World) -> None:
    kept, gone = alice.meeting(), full(alice, world)
    answer = alice.call("meetings.delete", {"id": gone["display_id"].lower()})
    assert (answer.status, answer.body) == (200, {})
    for method in ("get", "delete", "update"):
        alice.refused(f"meetings.{method}", {"id": gone["id"]}, "not_found", status=404)
    assert alice.ok("meetings.list") == {"meetings": [kept]}
    assert alice.ok("meetings.count") == {"count": 1}
    for filter_ in (
        {"members": [world.rev_user["id"]]},
        {"parent": [world.account["id"]]},
        {"tags": [world.tag["id"]]},
        {"external_ref": ["cal-1"]},
        {"custom_fields": {"a": 1}},
    ):
        assert alice.ok("meetings.list", filter_) == {"meetings": []}
        assert alice.ok("meetings.count", filter_) == {"count": 0}


def test_its_comments_and_links_go_and_its_files_stay_bound(alice: Client, world: World) -> None:
    film = alice.upload()
    made = full(alice, world, recording=film)
    comment = {"object": made["id"], "type": "timeline_comment", "body": "Hello"}
    alice.ok("timeline-entries.create", comment)
    ends = {"source": made["id"], "target": world.opportunity["id"]}
    alice.ok("links.create", {"link_type": "is_related_to", **ends})
    end = alice.feed_end()
    alice.ok("meetings.delete", {"id": made["id"]})
    events = alice.feed(end)
    assert [one["type"] for one in events] == [
        "link_deleted",
        "timeline_entry_deleted",
        "meeting_deleted",
    ]
    assert events[-1]["meeting_deleted"]["old_meeting"] == made
    assert alice.ok("links.list", {"object": world.opportunity["id"]}) == {"links": []}
    change = {"id": alice.meeting()["id"], "recording": film}
    assert alice.call("meetings.update", change).body["existing_parent"] == made["id"]


def test_one_of_several_at_once_gets_200_and_the_rest_404(alice: Client) -> None:
    for _ in range(3):
        made = alice.meeting()
        answers = alice.together([("meetings.delete", {"id": made["id"]})] * 12)
        assert sorted(answer.status for answer in answers) == [200] + [404] * 11


@pytest.mark.parametrize(
    ("fields", "method", "held"),
    [
        ("parent", "accounts.delete", "account"),
        ("parent", "works.delete", "opportunity"),
        ("members", "rev-users.delete", "rev_user"),
        ("organizer", "rev-users.delete", "rev_user"),
    ],
)
def test_what_a_live_meeting_refers_to_stays(
    fields: str, method: str, held: str, alice: Client, world: World
) -> None:
    alice.ok("engagements.delete", {"id": world.engagement["id"]})
    if held == "account":
        alice.ok("works.delete", {"id": world.opportunity["id"]})
    id_ = getattr(world, held)["id"]
    made = alice.meeting(**{fields: [id_] if fields == "members" else id_})
    answer = alice.refused(method, {"id": id_}, "value_not_permitted", "id")
    assert "1 meetings" in answer.body["message"]
    alice.ok("meetings.delete", {"id": made["id"]})
    alice.ok(method, {"id": id_})


def test_a_deleted_tag_disappears_from_meetings(alice: Client, world: World) -> None:
    made, deleted = full(alice, world), alice.meeting(tags=[{"id": world.tag["id"]}])
    alice.ok("meetings.delete", {"id": deleted["id"]})
    end = alice.feed_end()
    alice.ok("tags.delete", {"id": world.tag["id"]})
    bare = alice.ok("meetings.get", {"id": made["id"]})["meeting"]
    assert bare == {name: value for name, value in made.items() if name != "tags"}
    (event,) = [one for one in alice.feed(end) if one["type"] == "meeting_updated"]
    assert event["meeting_updated"] == {"meeting": bare, "old_meeting": made}
    assert alice.ok("meetings.count", {"tags": [world.tag["id"]]}) == {"count": 0}


def test_it_takes_a_scope_of_its_own(alice: Client) -> None:
    made = alice.meeting()
    writer = alice.server.make_user(alice, scope="meeting:write")
    assert "meeting:all" in writer.call("meetings.delete", {"id": made["id"]}).body["message"]
    deleter = alice.server.make_user(alice, scope="meeting:all")
    assert deleter.call("meetings.delete", {"id": made["id"]}).status == 200
