"""engagements.restore: a deleted engagement lives again; what is deleted is for those who may."""

import pytest

from tests.support.server import Client
from tests.support.world import make_world

pytestmark = pytest.mark.engines("sqlite", "postgres")
STAMPS = {"modified_by", "modified_date"}


def _but_for_stamps(engagement: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in engagement.items() if name not in STAMPS}


def _count(client: Client, **filters: object) -> int:
    return int(client.ok("engagements.count", filters)["count"])


def test_a_restored_engagement_has_all_that_it_had(alice: Client) -> None:
    world = make_world(alice)
    made = world.engagement
    note = {"type": "timeline_comment", "object": made["id"], "body": "They agreed"}
    comment = alice.ok("timeline-entries.create", note)["timeline_entry"]
    alice.ok("engagements.delete", {"id": made["id"]})
    alice.refused("timeline-entries.get", {"id": comment["id"]}, "not_found", status=404)
    answer = alice.ok("engagements.restore", {"id": made["display_id"].lower()})
    assert answer["missing"] == []
    assert _but_for_stamps(answer["engagement"]) == _but_for_stamps(made)
    assert answer["engagement"]["modified_date"] > made["modified_date"]
    assert alice.ok("engagements.get", {"id": made["id"]})["engagement"] == answer["engagement"]
    back = alice.ok("timeline-entries.get", {"id": comment["id"]})["timeline_entry"]
    assert back == comment


def test_every_filter_and_sum_counts_it_again(alice: Client) -> None:
    world = make_world(alice)
    made = world.engagement
    filters: list[dict[str, object]] = [
        {},
        {"type": ["call"]},
        {"created_by": [alice.user]},
        {"members": [world.rev_user["id"]]},
        {"parent": [world.opportunity["id"]]},
        {"tags": [world.tag["id"]]},
        {"external_ref": ["crm-1"]},
    ]
    for deleted, verb in ((True, "delete"), (False, "restore")):
        alice.ok(f"engagements.{verb}", {"id": made["id"]})
        for one in filters:
            assert _count(alice, **one) == (not deleted), one
            assert _count(alice, deleted=True, **one) == deleted, one
            listed = alice.ok("engagements.list", {"deleted": deleted, **one})["engagements"]
            assert [found["id"] for found in listed] == [made["id"]]


def test_deleted_ones_are_listed_with_who_and_when_the_newest_first(
    alice: Client,
) -> None:
    one, two, three = (alice.engagement(title=title) for title in "BAC")
    for made in (two, one, three):
        alice.ok("engagements.delete", {"id": made["id"]})
    page = alice.ok("engagements.list", {"deleted": True, "limit": 2})
    rest = alice.ok(
        "engagements.list", {"deleted": True, "limit": 2, "cursor": page["next_cursor"]}
    )
    found = [*page["engagements"], *rest["engagements"]]
    assert found == sorted(
        found,
        key=lambda made: (made["deleted_date"], int(made["id"].rpartition("/")[2])),
        reverse=True,
    )
    assert {made["deleted_by"]["id"] for made in found} == {one["created_by"]["id"]}
    by_title = alice.ok("engagements.list", {"deleted": True, "sort_by": ["title:asc"]})
    assert [made["title"] for made in by_title["engagements"]] == ["A", "B", "C"]
    assert alice.ok("engagements.list")["engagements"] == []
    answer = alice.get("engagements.count", {"deleted": "true"})
    assert answer.body == {"count": 3}


def test_a_live_one_is_answered_unchanged_and_one_that_never_was_is_404(
    alice: Client, charlie: Client
) -> None:
    made = alice.engagement()
    with alice.unchanged():
        answer = alice.ok("engagements.restore", {"id": made["id"]})
        assert answer == {"engagement": made, "missing": []}
    alice.ok("engagements.delete", {"id": made["id"]})
    alice.ok("engagements.restore", {"id": made["id"]})
    with alice.unchanged():
        alice.ok("engagements.restore", {"id": made["id"]})
    alice.refused("engagements.restore", {"id": "ENGAGEMENT-99"}, "not_found", status=404)
    alice.ok("engagements.delete", {"id": made["id"]})
    assert charlie.call("engagements.restore", {"id": made["id"]}).status == 404
    assert _count(charlie, deleted=True) == 0


def test_an_external_ref_that_was_taken_is_refused_and_names_who_has_it(alice: Client) -> None:
    made = alice.engagement(external_ref="crm-1")
    alice.ok("engagements.delete", {"id": made["id"]})
    other = alice.engagement(external_ref="crm-1")
    answer = alice.refused(
        "engagements.restore", {"id": made["id"]}, "value_not_permitted", "external_ref"
    )
    assert answer.body["existing_id"] == other["id"]
    alice.ok("engagements.delete", {"id": other["id"]})
    assert alice.ok("engagements.restore", {"id": made["id"]})["missing"] == []


def test_what_is_gone_since_is_named_and_left_out(alice: Client) -> None:
    world = make_world(alice)
    made = world.engagement
    alice.ok("engagements.delete", {"id": made["id"]})
    alice.ok("works.delete", {"id": world.opportunity["id"]})
    alice.ok("accounts.delete", {"id": world.account["id"]})
    alice.ok("rev-users.delete", {"id": world.rev_user["id"]})
    alice.ok("tags.delete", {"id": world.tag["id"]})
    alice.ok("engagements.list", {"deleted": True, "expand": ["members", "parents", "tags"]})
    answer = alice.ok("engagements.restore", {"id": made["id"]})
    assert answer["missing"] == [
        {"field_name": "members", "id": world.rev_user["id"]},
        {"field_name": "parents", "id": world.account["id"]},
        {"field_name": "parents", "id": world.opportunity["id"]},
        {"field_name": "tags", "id": world.tag["id"]},
    ]
    assert {"parent", "parents", "tags", "tag_values"}.isdisjoint(answer["engagement"])
    assert len(answer["engagement"]["members"]) == 1
    assert _count(alice, members=[world.rev_user["id"]]) == 0
    assert _count(alice, members=[alice.user]) == 1


def test_of_several_at_once_one_restores_and_all_answer_the_same(alice: Client) -> None:
    made = alice.engagement()
    alice.ok("engagements.delete", {"id": made["id"]})
    start = alice.feed_end()
    answers = alice.together([("engagements.restore", {"id": made["id"]})] * 12)
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body["engagement"]["modified_date"] for answer in answers}) == 1
    assert [event["type"] for event in alice.feed(start)] == ["engagement_restored"]
    assert _count(alice) == 1


def test_the_feed_and_the_timeline_tell_it_as_a_change(alice: Client) -> None:
    made = alice.engagement()
    alice.ok("engagements.delete", {"id": made["id"]})
    answer = alice.ok("engagements.restore", {"id": made["id"]})["engagement"]
    told = alice.feed(kinds=["engagement"])[-1]
    assert told["type"] == "engagement_restored"
    assert told["engagement_restored"]["engagement"] == answer
    assert "deleted_date" in told["engagement_restored"]["old_engagement"]
    entries = alice.ok("timeline-entries.list", {"object": made["id"]})["timeline_entries"]
    assert {entry["event"]["type"] for entry in entries} == {"created", "deleted", "updated"}


def test_its_files_are_hidden_from_all_but_those_who_may_see_it_deleted(alice: Client) -> None:
    file = alice.upload(b"secret")
    made = alice.engagement(artifacts=[file])
    note = {"type": "timeline_comment", "object": made["id"], "body": "See"}
    noted = alice.upload(b"secret too")
    alice.ok("timeline-entries.create", {**note, "artifacts": [noted]})
    reader = alice.server.make_user(alice, scope="engagement:read artifact:read")
    alice.ok("engagements.delete", {"id": made["id"]})
    for id_ in (file, noted):
        for method in ("artifacts.get", "artifacts.locate"):
            assert reader.call(method, {"id": id_}).status == 404
            alice.ok(method, {"id": id_})
    assert reader.ok("artifacts.list")["artifacts"] == []
    assert len(alice.ok("artifacts.list")["artifacts"]) == 2
    alice.ok("engagements.restore", {"id": made["id"]})
    for id_ in (file, noted):
        reader.ok("artifacts.locate", {"id": id_})


def test_it_and_the_list_of_deleted_ones_take_the_scope_all(alice: Client) -> None:
    made = alice.engagement()
    alice.ok("engagements.delete", {"id": made["id"]})
    writer = alice.server.make_user(alice, scope="engagement:write")
    viewer = alice.server.make_user(alice, role="viewer")
    for client in (writer, viewer):
        for method in ("list", "count"):
            answer = client.call(f"engagements.{method}", {"deleted": True})
            assert (answer.status, answer.type) == (403, "forbidden")
            assert "engagement:all" in answer.body["message"]
            client.ok(f"engagements.{method}", {"deleted": False})
        assert client.call("engagements.restore", {"id": made["id"]}).status == 403
    owner = alice.server.make_user(alice, scope="engagement:all")
    assert owner.ok("engagements.count", {"deleted": True}) == {"count": 1}


def test_the_external_ref_of_a_comment_that_was_taken_is_named(alice: Client) -> None:
    made, other = alice.engagement(), alice.engagement()
    note = {"type": "timeline_comment", "body": "Hi", "external_ref": "note-1"}
    comment = alice.ok("timeline-entries.create", {**note, "object": made["id"]})["timeline_entry"]
    alice.ok("engagements.delete", {"id": made["id"]})
    alice.ok("timeline-entries.create", {**note, "object": other["id"]})
    answer = alice.ok("engagements.restore", {"id": made["id"]})
    assert answer["missing"] == [{"field_name": "comment.external_ref", "id": comment["id"]}]
    back = alice.ok("timeline-entries.get", {"id": comment["id"]})["timeline_entry"]
    assert back == {name: value for name, value in comment.items() if name != "external_ref"}
