"""meetings.create: every field, what it refuses, and what it binds for ever."""

from typing import Any

import pytest

from tests.support.server import Client
from tests.support.world import make_world

pytestmark = pytest.mark.engines("sqlite", "postgres")

LEAST = {"channel": "zoom", "state": "scheduled", "title": "Review"}


def least(client: Client, **fields: Any) -> dict[str, Any]:
    return {**LEAST, "members": [client.user], **fields}


def test_the_least_that_a_meeting_is(alice: Client) -> None:
    answer = alice.call("meetings.create", least(alice))
    made = answer.body["meeting"]
    assert answer.status == 201
    assert (made["display_id"], made["title"]) == ("MEETING-1", "Review")
    assert made["id"] == f"don:core:dvrv-us-1:devo/{alice.org.removeprefix('DEV-')}:meeting/1"
    assert (made["channel"], made["state"]) == ("zoom", "scheduled")
    assert [member["display_id"] for member in made["members"]] == [alice.user]
    assert not {"organizer", "parent", "scheduled_date", "ended_date", "tags"} & made.keys()


def test_what_was_written_comes_back_with_summaries(alice: Client) -> None:
    world = make_world(alice)
    file, film, text = (alice.upload(name.encode(), f"{name}.txt") for name in ("a", "b", "c"))
    made = alice.meeting(
        artifacts=[file],
        custom_fields={"tnt__room": 5, "tnt__list": ["a", "b"]},
        custom_schema_spec={"subtype": "review"},
        description="First notes",
        ended_date="2023-01-01T13:30:00+01:00",
        external_ref="cal-1",
        external_url="https://example.com/1",
        members=[alice.user, world.rev_user["id"], alice.user],
        organizer=world.rev_user["id"],
        parent=world.opportunity["id"],
        recording=film,
        recording_url="https://example.com/film",
        scheduled_date="2023-01-01T12:00:00.000Z",
        state="completed",
        tags=[{"id": world.tag["id"], "value": "small"}],
        transcript=text,
    )
    assert made["custom_fields"] == {"tnt__room": 5, "tnt__list": ["a", "b"]}
    assert made["ended_date"] == "2023-01-01T12:30:00.000Z"
    assert (made["external_ref"], made["description"]) == ("cal-1", "First notes")
    assert [one["display_id"] for one in made["members"]] == [alice.user, "REVU-1"]
    assert (made["organizer"]["type"], made["organizer"]["display_name"]) == ("rev_user", "Rita")
    assert (made["parent"]["type"], made["parent"]["title"]) == ("opportunity", "Deal")
    assert [one["id"] for one in made["artifacts"]] == [file]
    assert (made["recording"]["id"], made["transcript"]["id"]) == (film, text)
    assert made["recording"]["file"]["name"] == "b.txt"
    assert (made["tags"][0]["tag"]["name"], made["tags"][0]["value"]) == ("size", "small")
    assert "subtype" not in made
    assert alice.ok("meetings.get", {"id": "meeting-1"})["meeting"] == made


def test_expand_is_taken_and_changes_nothing(alice: Client) -> None:
    made = alice.meeting(expand=["members", "tags"])
    for fields in ({}, {"expand": ["members", "parents", "artifacts"]}):
        assert alice.ok("meetings.get", {"id": made["id"], **fields})["meeting"] == made
        assert alice.ok("meetings.list", fields)["meetings"] == [made]
    assert alice.ok("meetings.get", {"id": made["id"]}, x_rapport_expand="members") == {
        "meeting": made
    }
    alice.refused(
        "meetings.get", {"id": made["id"], "expand": ["x"]}, "invalid_enum_value", "expand[0]"
    )


def test_800_people_meet_and_801_do_not(alice: Client) -> None:
    alice.refused("meetings.create", least(alice, members=[]), "value_not_permitted", "members")
    everybody = [alice.user] * 801
    alice.refused(
        "meetings.create", least(alice, members=everybody), "value_not_permitted", "members"
    )
    requests = [("rev-users.create", {"display_name": f"R{n}"}) for n in range(799)]
    guests = [answer.body["rev_user"]["id"] for answer in alice.together(requests)]
    made = alice.meeting(members=[alice.user, *guests])
    assert [one["id"] for one in made["members"]][1:] == guests
    assert alice.ok("meetings.count", {"members": guests[-1:]}) == {"count": 1}


@pytest.mark.parametrize("ended", ["2023-01-01T11:59:59.999Z", "2023-01-01T12:59:00+02:00"])
def test_it_does_not_end_before_it_begins(alice: Client, ended: str) -> None:
    request = least(alice, scheduled_date="2023-01-01T12:00:00Z", ended_date=ended)
    answer = alice.refused("meetings.create", request, "value_not_permitted", "ended_date")
    assert "2023-01-01T12:00:00.000Z" in answer.body["message"]
    alice.ok("meetings.create", {**request, "ended_date": "2023-01-01T12:00:00Z"})
    without = {name: value for name, value in request.items() if name != "scheduled_date"}
    alice.ok("meetings.create", without)


def test_an_external_ref_is_one_live_meeting_s(alice: Client, charlie: Client) -> None:
    first = alice.meeting(external_ref="cal-1")
    alice.engagement(external_ref="cal-1")
    charlie.meeting(external_ref="cal-1")
    request = least(alice, external_ref="cal-1")
    answer = alice.refused("meetings.create", request, "value_not_permitted", "external_ref")
    assert answer.body["existing_id"] == first["id"]
    alice.ok("meetings.delete", {"id": first["id"]})
    alice.ok("meetings.create", request)


def test_of_many_at_once_one_gets_an_external_ref(alice: Client) -> None:
    for round_ in range(3):
        request = least(alice, external_ref=f"cal-{round_}")
        answers = alice.together([("meetings.create", request)] * 12)
        assert sorted(answer.status for answer in answers) == [201] + [400] * 11
        assert {answer.type for answer in answers if answer.status == 400} == {
            "value_not_permitted"
        }


@pytest.mark.parametrize("field", ["artifacts", "recording", "transcript"])
def test_an_artifact_has_one_parent_whatever_it_is_to_it(alice: Client, field: str) -> None:
    def with_(artifact: str) -> dict[str, Any]:
        return {field: [artifact] if field == "artifacts" else artifact}

    bound = alice.upload()
    engagement = alice.engagement(artifacts=[bound])
    answer = alice.call("meetings.create", least(alice, **with_(bound)))
    assert (answer.status, answer.type) == (400, "artifact_already_attached_to_a_parent")
    assert (answer.body["existing_parent"], answer.body["is_same"]) == (engagement["id"], False)
    path = "artifacts[0]" if field == "artifacts" else field
    never = alice.prepare()["id"]
    alice.refused("meetings.create", least(alice, **with_(never)), "value_not_permitted", path)
    alice.refused("meetings.create", least(alice, **with_("ARTIFACT-99")), "invalid_id", path)
    own = alice.upload()
    meeting = alice.meeting(**with_(own))
    answer = alice.call("engagements.update", {"id": engagement["id"], "artifacts": {"set": [own]}})
    assert answer.body["existing_parent"] == meeting["id"]
    listed = alice.ok("artifacts.list", {"parent_id": meeting["id"]})["artifacts"]
    assert [one["id"] for one in listed] == [own]


def test_of_many_at_once_one_gets_an_artifact(alice: Client) -> None:
    film = alice.upload()
    requests = [("meetings.create", least(alice, recording=film))] * 6
    least_ = {"members": [alice.user], "scheduled_date": "2023-01-01T12:00:00Z", "title": "x"}
    requests += [("engagements.create", {**least_, "artifacts": [film]})] * 6
    answers = alice.together(requests)
    assert sorted(answer.status for answer in answers) == [201] + [400] * 11


def test_all_that_is_wrong_comes_at_once_in_the_order_of_the_fields(alice: Client) -> None:
    request = {"colour": 1, "channel": "fax", "members": ["ACC-1"], "tags": [{"id": "x"}]}
    answer = alice.refused("meetings.create", request, "invalid_enum_value", "channel")
    assert answer.problems == {
        ("invalid_enum_value", "channel"),
        ("unexpected_id_type", "members[0]"),
        ("missing_required_field", "state"),
        ("invalid_id", "tags[0].id"),
        ("missing_required_field", "title"),
        ("invalid_field", "colour"),
    }
    alice.meeting(external_ref="cal-1")
    absent = least(
        alice,
        ended_date="2020-01-01T00:00:00Z",
        external_ref="cal-1",
        members=[alice.user, "REVU-77"],
        organizer="DEVU-77",
        parent="OPP-77",
        recording="ARTIFACT-77",
        scheduled_date="2021-01-01T00:00:00Z",
        tags=[{"id": "TAG-77"}],
        transcript="ARTIFACT-78",
    )
    answer = alice.refused("meetings.create", absent, "value_not_permitted", "ended_date")
    assert [one["field_name"] for one in answer.body["violations"]] == [
        "ended_date", "external_ref", "members[1]", "organizer", "parent", "recording", "tags[0].id", "transcript",
    ]  # fmt: skip


def test_another_org_s_things_are_as_if_they_were_not(alice: Client, charlie: Client) -> None:
    theirs = make_world(charlie)
    for field, value in (
        ("members", [theirs.rev_user["id"]]),
        ("organizer", theirs.rev_user["id"]),
        ("parent", theirs.account["id"]),
        ("recording", charlie.upload()),
    ):
        path = "members[0]" if field == "members" else field
        alice.refused("meetings.create", least(alice, **{field: value}), "invalid_id", path)


def test_a_repeated_key_makes_one_meeting(alice: Client) -> None:
    first = alice.call("meetings.create", least(alice), idempotency_key="k1")
    again = alice.call("meetings.create", least(alice), idempotency_key="k1")
    assert (again.body, again.headers["idempotent-replayed"]) == (first.body, "true")
    assert alice.ok("meetings.count") == {"count": 1}


def test_strict_servers_take_what_is_devrev_s(strict_server: Any) -> None:
    dana = strict_server.make_org("Dana's")
    made = dana.meeting(parent=dana.ok("accounts.create", {"display_name": "A"})["account"]["id"])
    assert made["parent"]["type"] == "account"
    dana.refused("meetings.get", {"id": made["id"], "expand": ["tags"]}, "invalid_field", "expand")
