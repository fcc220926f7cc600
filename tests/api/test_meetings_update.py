"""meetings.update: what is sent changes, all of it or nothing, and nothing else does."""

from typing import Any

import pytest

from tests.support.server import Client
from tests.support.world import make_world

pytestmark = pytest.mark.engines("sqlite", "postgres")

FIELDS: dict[str, Any] = {
    "title": "Another", "channel": "teams", "state": "completed", "description": "Notes", "external_ref": "cal-2",
    "external_url": "https://example.com/2", "recording_url": "https://example.com/3",
    "scheduled_date": "2023-05-01T10:00:00.000Z", "ended_date": "2023-05-01T11:00:00.123456Z",
}  # fmt: skip


def read(client: Client, id_: str) -> Any:
    return client.ok("meetings.get", {"id": id_})["meeting"]


def without(meeting: Any, *names: str) -> Any:
    stamps = {*names, "modified_date", "modified_by"}
    return {name: value for name, value in meeting.items() if name not in stamps}


@pytest.mark.parametrize("name", FIELDS)
def test_one_field_changes_and_the_rest_stays(name: str, alice: Client, bob: Client) -> None:
    before = alice.meeting(scheduled_date="2023-01-01T12:00:00Z", external_ref="cal-1")
    after = bob.ok("meetings.update", {"id": before["id"], name: FIELDS[name]})["meeting"]
    assert after[name] == FIELDS[name]
    assert without(after, name) == without(before, name)
    assert after["modified_by"]["display_id"] == bob.user
    assert after["modified_date"] > before["modified_date"]
    assert read(alice, before["id"]) == after


def test_all_fields_change_at_once_and_are_found(alice: Client) -> None:
    world = make_world(alice)
    hot = alice.ok("tags.create", {"name": "hot"})["tag"]
    before = alice.meeting(tags=[{"id": world.tag["id"]}], custom_fields={"a": 1, "b": 2})
    files = [alice.upload() for _ in range(3)]
    change = {
        **FIELDS,
        "artifacts": {"set": files[:1]},
        "custom_fields": {"a": None, "c": ["x"]},
        "members": {"set": [world.rev_user["id"]]},
        "organizer": world.rev_user["id"],
        "recording": files[1],
        "tags": {"set": [{"id": hot["id"]}]},
        "transcript": files[2],
    }
    after = alice.ok("meetings.update", {"id": before["display_id"].lower(), **change})["meeting"]
    assert {name: after[name] for name in FIELDS} == FIELDS
    assert after["custom_fields"] == {"b": 2, "c": ["x"]}
    assert [one["id"] for one in after["members"]] == [world.rev_user["id"]]
    assert after["organizer"]["id"] == world.rev_user["id"]
    attached = [*after["artifacts"], after["recording"], after["transcript"]]
    assert [one["id"] for one in attached] == files
    for gone in (
        {"members": [alice.user]},
        {"tags": [world.tag["id"]]},
        {"custom_fields": {"a": 1}},
        {"channel": ["zoom"]},
        {"state": ["scheduled"]},
    ):
        assert alice.ok("meetings.list", gone) == {"meetings": []}
        assert alice.ok("meetings.count", gone) == {"count": 0}
    for there in (
        {"members": [world.rev_user["id"]]},
        {"organizer": [world.rev_user["id"]]},
        {"tags": [hot["id"]]},
        {"custom_fields": {"c": "x"}},
        {"channel": ["teams"], "state": ["completed"]},
    ):
        assert alice.ok("meetings.list", there)["meetings"] == [after]
        assert alice.ok("meetings.count", there) == {"count": 1}


def test_null_clears_dates_and_the_recording_and_nothing_else(alice: Client) -> None:
    film = alice.upload()
    before = alice.meeting(
        scheduled_date="2023-01-01T12:00:00Z", ended_date="2023-01-01T13:00:00Z", recording=film
    )
    cleared = dict.fromkeys(("scheduled_date", "ended_date", "recording"))
    after = alice.ok("meetings.update", {"id": before["id"], **cleared})["meeting"]
    assert without(after) == without(before, *cleared)
    for name in ("title", "channel", "organizer", "transcript", "members", "custom_fields"):
        alice.refused(
            "meetings.update", {"id": before["id"], name: None}, "unexpected_json_type", name
        )
    # It stays bound to the meeting, and may come back.
    back = alice.ok("meetings.update", {"id": before["id"], "transcript": film})["meeting"]
    assert back["transcript"]["id"] == film
    assert alice.call("engagements.update", {"id": alice.engagement()["id"], "artifacts": {"set": [film]}}).type == (
        "artifact_already_attached_to_a_parent"
    )  # fmt: skip


def test_sets_may_be_emptied_but_for_members(alice: Client) -> None:
    world = make_world(alice)
    before = alice.meeting(tags=[{"id": world.tag["id"]}], artifacts=[alice.upload()])
    change: dict[str, Any] = {"tags": {"set": []}, "artifacts": {"set": []}, "members": {}}
    after = alice.ok("meetings.update", {"id": before["id"], **change})["meeting"]
    assert without(after) == without(before, "tags", "artifacts")
    empty = {"id": before["id"], "members": {"set": []}}
    alice.refused("meetings.update", empty, "value_not_permitted", "members.set")


@pytest.mark.parametrize(
    ("change", "blamed"),
    [
        ({"ended_date": "2023-01-01T11:00:00Z"}, "ended_date"),
        ({"scheduled_date": "2023-01-01T13:00:00.001Z"}, "scheduled_date"),
        ({"scheduled_date": "2024-01-01T00:00:00Z", "ended_date": "2023-12-31T23:59:59Z"}, "ended_date"),
    ],
)  # fmt: skip
def test_it_does_not_come_to_end_before_it_begins(
    alice: Client, change: dict[str, str], blamed: str
) -> None:
    made = alice.meeting(scheduled_date="2023-01-01T12:00:00Z", ended_date="2023-01-01T13:00:00Z")
    alice.refused("meetings.update", {"id": made["id"], **change}, "value_not_permitted", blamed)
    later = {"scheduled_date": "2024-01-01T12:00:00Z", "ended_date": "2024-01-01T12:00:00Z"}
    alice.ok("meetings.update", {"id": made["id"], **later})


def test_what_changes_nothing_bumps_nothing(alice: Client, bob: Client) -> None:
    world = make_world(alice)
    before = alice.meeting(
        tags=[{"id": world.tag["id"], "value": "small"}], custom_fields={"a": 1}, external_ref="r"
    )
    end = alice.feed_end()
    same = {
        "title": before["title"],
        "members": {"set": [alice.user]},
        "tags": {"set": [{"id": "tag-1", "value": "small"}]},
        "custom_fields": {"a": 1, "z": None},
        "external_ref": "r",
        "ended_date": None,
    }
    assert bob.ok("meetings.update", {"id": before["id"], **same}) == {"meeting": before}
    assert alice.feed_end() == end


def test_an_external_ref_that_another_has_is_refused(alice: Client) -> None:
    first, second = alice.meeting(external_ref="cal-1"), alice.meeting()
    change = {"id": second["id"], "external_ref": "cal-1"}
    answer = alice.refused("meetings.update", change, "value_not_permitted", "external_ref")
    assert answer.body["existing_id"] == first["id"]
    alice.ok("meetings.delete", {"id": first["id"]})
    alice.ok("meetings.update", change)


def test_many_changes_at_once_all_succeed_and_the_last_wins_whole(alice: Client) -> None:
    made, tags = alice.meeting(), [
        alice.ok("tags.create", {"name": str(number)})["tag"]["id"] for number in range(8)
    ]  # fmt: skip
    changes = [{"title": str(n), "tags": {"set": [{"id": tag}]}} for n, tag in enumerate(tags)]
    answers = alice.together([("meetings.update", {"id": made["id"], **one}) for one in changes])
    assert {answer.status for answer in answers} == {200}
    last = read(alice, made["id"])
    assert last["tags"][0]["tag"]["name"] == last["title"]
    assert [alice.ok("meetings.count", {"tags": [tag]})["count"] for tag in tags].count(1) == 1
