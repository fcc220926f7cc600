"""meetings.list and count: every filter and order, and links."""

import random
from typing import Any

import pytest

from tests.support.server import Client
from tests.support.world import World, make_world

pytestmark = pytest.mark.engines("sqlite", "postgres")


@pytest.fixture
def world(alice: Client) -> World:
    return make_world(alice)


def found(client: Client, **filters: Any) -> list[str]:
    """The display ids of the meetings that match, the oldest first; count and GET agree."""
    listed = client.ok("meetings.list", filters)["meetings"]
    assert client.ok("meetings.count", filters) == {"count": len(listed)}
    return [one["display_id"].removeprefix("MEETING-") for one in reversed(listed)]


def test_each_filter_finds_what_has_any_of_its_values(
    alice: Client, bob: Client, world: World
) -> None:
    alice.meeting(
        channel="teams", state="completed", organizer=world.rev_user["id"], parent="ACC-1",
        tags=[{"id": world.tag["id"], "value": "small"}], external_ref="a,b",
        custom_fields={"size": 5, "kinds": ["x", "y"]}, members=[alice.user, world.rev_user["id"]],
        scheduled_date="2023-01-01T12:00:00Z", ended_date="2023-01-01T13:00:00Z",
    )  # fmt: skip
    bob.meeting(state="no_show", organizer=bob.user, parent="OPP-1", external_ref="c")
    alice.meeting(scheduled_date="2024-01-01T12:00:00Z")
    expected: list[tuple[str, Any, list[str]]] = [
        ("channel", ["teams"], ["1"]),
        ("channel", ["zoom", "teams"], ["1", "2", "3"]),
        ("state", ["no_show", "completed"], ["1", "2"]),
        ("organizer", [bob.user], ["2"]),
        ("parent", ["ACC-1", "OPP-1"], ["1", "2"]),
        ("parent", "OPP-1", ["2"]),
        ("members", [alice.user, world.rev_user["id"]], ["1", "3"]),
        ("tags", [world.tag["id"], "TAG-99"], ["1"]),
        ("external_ref", ["a,b", "nobody's"], ["1"]),
        ("created_by", [bob.user], ["2"]),
        ("custom_fields", {"size": 5}, ["1"]),
        ("custom_fields", {"size": [4, 5], "kinds": "y"}, ["1"]),
        ("custom_fields", {"size": 6}, []),
        ("scheduled_date", {"after": "2023-01-01T12:00:00Z"}, ["3"]),
        ("scheduled_date", {}, ["1", "3"]),
        ("ended_date", {"before": "2023-01-01T13:00:00.001Z"}, ["1"]),
        ("created_date", {"type": "preset", "preset_type": "last_n_days", "days": 1}, ["1", "2", "3"]),
        ("modified_date", {"before": "2020-01-01T00:00:00Z"}, []),
        ("members", ["DEVU-99"], []),
    ]  # fmt: skip
    for name, value, numbers in expected:
        assert found(alice, **{name: value}) == numbers, (name, value)
    assert found(alice, channel=["zoom"], state=["scheduled"], members=[alice.user]) == ["3"]


def test_what_no_meeting_has_finds_nothing_where_it_is_asked_for(alice: Client) -> None:
    alice.meeting(custom_schema_spec={"subtype": "review"})
    for name, value in (
        ("direction", ["incoming"]),
        ("subtype", ["review"]),
        ("sync_metadata", {"last_sync_in": {"status": ["failed"]}}),
        ("sync_metadata", {"origin_system": ["x"]}),
    ):
        assert found(alice, **{name: value}) == []
    for name, nothing in (("direction", []), ("subtype", []), ("sync_metadata", {})):
        assert found(alice, **{name: nothing}) == ["1"]
    query = {"sync_metadata.last_sync_out.status": "modified", "limit": "3"}
    assert alice.get("meetings.list", query).body == {"meetings": []}
    alice.refused("meetings.list", {"direction": ["up"]}, "invalid_enum_value", "direction[0]")


def test_links_find_meetings_that_they_go_out_from(
    alice: Client, charlie: Client, world: World
) -> None:
    one, two, three, _ = (alice.meeting()["id"] for _ in range(4))
    account, deal = world.account["id"], world.opportunity["id"]
    for link_type, source, target in (
        ("is_related_to", one, account),
        ("is_part_of", one, deal),
        ("is_part_of", two, account),
        ("is_follow_up_of", three, one),
        ("is_related_to", deal, three),
    ):
        ends = {"source": source, "target": target}
        alice.ok("links.create", {"link_type": link_type, **ends})
    theirs = make_world(charlie).account["id"]
    expected: list[tuple[list[Any], list[str]]] = [
        ([{"target": account}], ["1", "2"]),
        ([{"target": "acc-1", "link_type": "is_part_of"}], ["2"]),
        ([{"link_type": "is_part_of"}], ["1", "2"]),
        ([{"target_object_type": "opportunity"}], ["1"]),
        ([{"target_object_type": "meeting"}], ["3"]),
        ([{"target": one}], ["3"]),
        ([{"target": deal, "target_object_type": "account"}], []),
        ([{"target": deal}, {"link_type": "is_follow_up_of"}], ["1", "3"]),
        ([{}], ["1", "2", "3"]),
        ([], ["1", "2", "3", "4"]),
        ([{"target": "ACC-99"}], []),
        ([{"target": theirs}], []),
        ([{"link_type": "nonsense"}], []),
    ]
    for links, numbers in expected:
        assert found(alice, links=links) == numbers, links
    query = {"links.target": "ACC-1", "links.link_type": "is_part_of"}
    assert alice.get("meetings.count", query).body == {"count": 1}
    alice.refused(
        "meetings.list", {"links": [{"target": "TAG-1"}]}, "unexpected_id_type", "links[0].target"
    )
    alice.ok("meetings.delete", {"id": one})
    assert found(alice, links=[{"target": account}]) == ["2"]


def test_a_link_shows_the_meeting_with_its_title(alice: Client, world: World) -> None:
    made = alice.meeting(title="Review")
    ends = {"source": world.opportunity["id"], "target": made["id"]}
    link = alice.ok("links.create", {"link_type": "is_related_to", **ends})["link"]
    shown = {"type": "meeting", "display_id": "MEETING-1", "id": made["id"], "title": "Review"}
    assert link["target"] == shown
    assert alice.ok("links.list", {"object": "meeting-1", "direction": "is_target"})["links"] == [
        link
    ]
    assert alice.ok("links.list", {"object": "OPP-1", "object_types": ["meeting"]})["links"] == [
        link
    ]
    gone = {"link_type": "is_related_to", "source": "MEETING-9", "target": "ACC-1"}
    alice.refused("links.create", gone, "invalid_id", "source")


@pytest.mark.parametrize(
    "field", ["created_date", "ended_date", "modified_date", "scheduled_date", "title"]
)
def test_every_order_is_walked_both_ways_in_pages(alice: Client, field: str) -> None:
    dice = random.Random(field)
    for number in range(12):
        dates = sorted(f"2023-01-0{dice.randint(1, 9)}T12:00:00Z" for _ in range(2))
        fields = dict(zip(("scheduled_date", "ended_date"), dates, strict=True))
        alice.meeting(title=f"{dice.choice('aBé')}", **(fields if number % 3 else {}))
    everything = alice.ok("meetings.list", {"limit": 100})["meetings"]
    for direction in ("asc", "desc"):
        request: dict[str, Any] = {"sort_by": [f"{field}:{direction}"], "limit": 5}
        walked: list[Any] = []
        while True:
            page = alice.ok("meetings.list", request)
            walked += page["meetings"]
            if "next_cursor" not in page:
                break
            request["cursor"] = page["next_cursor"]
        wanted = sorted(
            everything,
            key=lambda one: (one.get(field, ""), int(one["display_id"].rpartition("-")[2])),
            reverse=direction == "desc",
        )
        assert walked == wanted
        last = alice.ok(
            "meetings.list", {**request, "cursor": page["prev_cursor"], "mode": "before"}
        )
        assert last["meetings"] == wanted[5:10]


def test_what_only_lists_take_is_refused_by_count(alice: Client) -> None:
    for name, value in (("limit", 5), ("cursor", "x"), ("sort_by", ["title:asc"]), ("expand", [])):
        alice.refused("meetings.count", {name: value}, "invalid_field", name)


def test_another_org_s_meetings_are_not_found(alice: Client, charlie: Client) -> None:
    made = alice.meeting()
    assert charlie.ok("meetings.list") == {"meetings": []}
    assert found(charlie, members=[made["members"][0]["id"]]) == []
    assert charlie.call("meetings.get", {"id": made["id"]}).status == 404
