"""meetings.restore: a deleted meeting lives again; what is deleted is for those who may."""

from typing import Any

import pytest

from tests.support.server import Client
from tests.support.world import World, make_world

pytestmark = pytest.mark.engines("sqlite", "postgres")
STAMPS = {"modified_by", "modified_date"}


@pytest.fixture
def world(alice: Client) -> World:
    return make_world(alice)


def full(alice: Client, world: World, **fields: Any) -> Any:
    return alice.meeting(
        members=[alice.user, world.rev_user["id"]],
        organizer=world.rev_user["id"],
        parent=world.opportunity["id"],
        tags=[{"id": world.tag["id"], "value": "large"}],
        external_ref="cal-1",
        custom_fields={"a": 1},
        **fields,
    )


def _but_for_stamps(meeting: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in meeting.items() if name not in STAMPS}


def test_a_restored_meeting_has_all_that_it_had(alice: Client, world: World) -> None:
    file, film = alice.upload(b"a"), alice.upload(b"b")
    made = full(alice, world, artifacts=[file], recording=film)
    note = {"type": "timeline_comment", "object": made["id"], "body": "They agreed"}
    comment = alice.ok("timeline-entries.create", note)["timeline_entry"]
    ends = {"source": made["id"], "target": world.account["id"]}
    link = alice.ok("links.create", {"link_type": "is_related_to", **ends})["link"]
    alice.ok("meetings.delete", {"id": made["id"]})
    alice.refused("timeline-entries.get", {"id": comment["id"]}, "not_found", status=404)
    alice.refused("links.get", {"id": link["id"]}, "not_found", status=404)
    start = alice.feed_end()
    answer = alice.ok("meetings.restore", {"id": made["display_id"].lower()})
    assert answer["missing"] == []
    assert _but_for_stamps(answer["meeting"]) == _but_for_stamps(made)
    assert answer["meeting"]["modified_date"] > made["modified_date"]
    assert alice.ok("meetings.get", {"id": made["id"]})["meeting"] == answer["meeting"]
    back = alice.ok("timeline-entries.get", {"id": comment["id"]})["timeline_entry"]
    assert back == comment
    assert alice.ok("links.get", {"id": link["id"]})["link"] == link
    told = alice.feed(start)
    assert [one["type"] for one in told] == [
        "meeting_restored",
        "timeline_entry_created",
        "link_created",
    ]
    assert told[0]["meeting_restored"]["meeting"] == answer["meeting"]
    assert "deleted_date" in told[0]["meeting_restored"]["old_meeting"]


def test_every_filter_and_sum_counts_it_again(alice: Client, world: World) -> None:
    made = full(alice, world)
    filters: list[dict[str, object]] = [
        {},
        {"channel": ["zoom"]},
        {"state": ["scheduled"]},
        {"created_by": [alice.user]},
        {"members": [world.rev_user["id"]]},
        {"organizer": [world.rev_user["id"]]},
        {"parent": [world.opportunity["id"]]},
        {"tags": [world.tag["id"]]},
        {"external_ref": ["cal-1"]},
        {"custom_fields": {"a": 1}},
    ]
    for deleted, verb in ((True, "delete"), (False, "restore")):
        alice.ok(f"meetings.{verb}", {"id": made["id"]})
        for one in filters:
            assert alice.ok("meetings.count", one) == {"count": int(not deleted)}, one
            counted = alice.ok("meetings.count", {"deleted": True, **one})
            assert counted == {"count": int(deleted)}, one
            listed = alice.ok("meetings.list", {"deleted": deleted, **one})["meetings"]
            assert [found["id"] for found in listed] == [made["id"]]


def test_deleted_ones_are_listed_with_who_and_when_the_newest_first(
    alice: Client,
) -> None:
    one, two = alice.meeting(title="B"), alice.meeting(title="A")
    for made in (two, one):
        alice.ok("meetings.delete", {"id": made["id"]})
    page = alice.ok("meetings.list", {"deleted": True, "limit": 1})
    rest = alice.ok("meetings.list", {"deleted": True, "limit": 1, "cursor": page["next_cursor"]})
    found = [*page["meetings"], *rest["meetings"]]
    numbers = [int(made["id"].rpartition("/")[2]) for made in found]
    dates = [made["deleted_date"] for made in found]
    order = list(zip(dates, numbers, strict=True))
    assert order == sorted(order, reverse=True)
    assert {made["deleted_by"]["id"] for made in found} == {one["created_by"]["id"]}
    by_title = alice.ok("meetings.list", {"deleted": True, "sort_by": ["title:asc"]})
    assert [made["title"] for made in by_title["meetings"]] == ["A", "B"]
    assert alice.get("meetings.count", {"deleted": "true"}).body == {"count": 2}


def test_a_live_one_is_answered_unchanged_and_one_that_never_was_is_404(
    alice: Client, charlie: Client
) -> None:
    made = alice.meeting()
    with alice.unchanged():
        assert alice.ok("meetings.restore", {"id": made["id"]}) == {"meeting": made, "missing": []}
    alice.refused("meetings.restore", {"id": "MEETING-99"}, "not_found", status=404)
    alice.ok("meetings.delete", {"id": made["id"]})
    assert charlie.call("meetings.restore", {"id": made["id"]}).status == 404
    assert charlie.ok("meetings.count", {"deleted": True}) == {"count": 0}


def test_an_external_ref_that_was_taken_is_refused_and_names_who_has_it(alice: Client) -> None:
    made = alice.meeting(external_ref="cal-1")
    alice.ok("meetings.delete", {"id": made["id"]})
    other = alice.meeting(external_ref="cal-1")
    answer = alice.refused(
        "meetings.restore", {"id": made["id"]}, "value_not_permitted", "external_ref"
    )
    assert answer.body["existing_id"] == other["id"]


def test_what_is_gone_since_is_named_and_left_out(alice: Client, world: World) -> None:
    made = full(alice, world)
    ends = {"source": made["id"], "target": world.account["id"]}
    alice.ok("links.create", {"link_type": "is_related_to", **ends})
    for family, id_ in (
        ("meetings", made["id"]),
        ("engagements", world.engagement["id"]),
        ("works", world.opportunity["id"]),
        ("accounts", world.account["id"]),
        ("rev-users", world.rev_user["id"]),
        ("tags", world.tag["id"]),
    ):
        alice.ok(f"{family}.delete", {"id": id_})
    alice.ok("meetings.list", {"deleted": True})
    answer = alice.ok("meetings.restore", {"id": made["id"]})
    assert answer["missing"] == [
        {"field_name": "members", "id": world.rev_user["id"]},
        {"field_name": "organizer", "id": world.rev_user["id"]},
        {"field_name": "parent", "id": world.opportunity["id"]},
        {"field_name": "tags", "id": world.tag["id"]},
        {"field_name": "links", "id": world.account["id"]},
    ]
    assert {"parent", "organizer", "tags"}.isdisjoint(answer["meeting"])
    assert [one["display_id"] for one in answer["meeting"]["members"]] == [alice.user]
    assert alice.ok("links.list", {"object": made["id"]}) == {"links": []}


def test_a_link_of_two_deleted_meetings_comes_back_with_the_second(alice: Client) -> None:
    one, two = alice.meeting(), alice.meeting()
    ends = {"source": one["id"], "target": two["id"]}
    link = alice.ok("links.create", {"link_type": "is_follow_up_of", **ends})["link"]
    for verb, first, second in (("delete", one, two), ("restore", one, two)):
        alice.ok(f"meetings.{verb}", {"id": first["id"]})
        assert alice.ok("links.list", {"object": first["id"]}) == {"links": []}
        alice.ok(f"meetings.{verb}", {"id": second["id"]})
    assert alice.ok("links.list", {"object": two["id"]}) == {"links": [link]}


def test_of_several_at_once_one_restores_and_all_answer_the_same(alice: Client) -> None:
    made = alice.meeting()
    alice.ok("meetings.delete", {"id": made["id"]})
    start = alice.feed_end()
    answers = alice.together([("meetings.restore", {"id": made["id"]})] * 12)
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body["meeting"]["modified_date"] for answer in answers}) == 1
    assert [event["type"] for event in alice.feed(start)] == ["meeting_restored"]


def test_its_files_are_hidden_from_all_but_those_who_may_see_it_deleted(alice: Client) -> None:
    file = alice.upload(b"secret")
    made = alice.meeting(recording=file)
    reader = alice.server.make_user(alice, scope="engagement:all artifact:read")
    owner = alice.server.make_user(alice, scope="meeting:all artifact:read")
    alice.ok("meetings.delete", {"id": made["id"]})
    for method in ("artifacts.get", "artifacts.locate"):
        assert reader.call(method, {"id": file}).status == 404
        owner.ok(method, {"id": file})
    assert reader.ok("artifacts.list")["artifacts"] == []
    alice.ok("meetings.restore", {"id": made["id"]})
    reader.ok("artifacts.locate", {"id": file})


def test_it_and_the_list_of_deleted_ones_take_the_scope_all(alice: Client) -> None:
    made = alice.meeting()
    alice.ok("meetings.delete", {"id": made["id"]})
    writer = alice.server.make_user(alice, scope="meeting:write")
    for method in ("list", "count"):
        answer = writer.call(f"meetings.{method}", {"deleted": True})
        assert (answer.status, answer.type) == (403, "forbidden")
        assert "meeting:all" in answer.body["message"]
        writer.ok(f"meetings.{method}", {"deleted": False})
    assert writer.call("meetings.restore", {"id": made["id"]}).status == 403
