"""custom_fields of engagements (ours): kept as sent, changed field by field, and found by."""

import json
from typing import Any

import pytest

from tests.support.server import Client

pytestmark = pytest.mark.engines("sqlite", "postgres")

CALL = {
    "direction": "inbound",
    "seconds": 312,
    "lines": ["sales", "support"],
    "caller": {"country": "DE"},
    "note": None,
}


def found(client: Client, fields: dict[str, Any]) -> set[str]:
    """The titles of those that a filter finds, the same by list and count and in both forms."""
    filters = {"custom_fields": fields}
    listed = client.ok("engagements.list", filters)
    assert client.get("engagements.list", {"custom_fields": json.dumps(fields)}).body == listed
    titles = {one["title"] for one in listed["engagements"]}
    assert client.ok("engagements.count", filters) == {"count": len(titles)}
    asked = client.get("engagements.count", {"custom_fields": json.dumps(fields)})
    assert asked.body == {"count": len(titles)}
    return titles


def test_they_come_back_as_sent_wherever_the_engagement_does(alice: Client) -> None:
    end = alice.feed_end()
    made = alice.engagement(custom_fields=CALL)
    assert made["custom_fields"] == CALL
    assert alice.ok("engagements.get", {"id": made["id"]})["engagement"] == made
    assert alice.ok("engagements.list")["engagements"] == [made]
    expanded = alice.ok("engagements.get", {"id": made["id"], "expand": ["members"]})
    assert expanded["engagement"]["custom_fields"] == CALL
    (told,) = alice.feed(end)
    assert told["engagement_created"]["engagement"] == made


def test_an_engagement_without_them_has_none_and_may_have_an_empty_object(alice: Client) -> None:
    assert "custom_fields" not in alice.engagement()
    assert alice.engagement(custom_fields={})["custom_fields"] == {}


def test_an_update_changes_those_that_it_names_and_null_takes_one_out(alice: Client) -> None:
    made = alice.engagement(title="Call", custom_fields=CALL)
    change = {"seconds": 20, "direction": None, "outcome": "won"}
    changed = alice.ok("engagements.update", {"id": made["id"], "custom_fields": change})
    after = {name: CALL[name] for name in ("seconds", "lines", "caller", "note")}
    after |= {"seconds": 20, "outcome": "won"}
    assert changed["engagement"]["custom_fields"] == after
    assert changed["engagement"]["modified_date"] > made["modified_date"]
    assert found(alice, {"seconds": 20, "outcome": "won"}) == {"Call"}
    assert found(alice, {"direction": "inbound"}) == found(alice, {"seconds": 312}) == set()
    assert found(alice, {"lines": "sales"}) == {"Call"}


def test_an_update_that_leaves_them_as_they_are_is_none(alice: Client) -> None:
    made = alice.engagement(custom_fields=CALL)
    end = alice.feed_end()
    for fields in ({}, {"seconds": 312}, {"no_such": None}):
        same = alice.ok("engagements.update", {"id": made["id"], "custom_fields": fields})
        assert same["engagement"] == made
    assert alice.ok("engagements.update", {"id": made["id"], "title": made["title"]})
    assert alice.feed_end() == end


def test_other_updates_leave_them_and_what_they_are_found_by(alice: Client) -> None:
    made = alice.engagement(title="Call", custom_fields=CALL)
    changed = alice.ok("engagements.update", {"id": made["id"], "title": "Talk"})["engagement"]
    assert changed["custom_fields"] == CALL
    assert found(alice, {"direction": "inbound"}) == {"Talk"}


def test_a_filter_wants_every_field_and_any_value_of_it(alice: Client, bob: Client) -> None:
    alice.engagement(title="A", custom_fields={"direction": "in", "lines": ["x", "y"], "n": 1})
    alice.engagement(title="B", custom_fields={"direction": "out", "lines": ["y"], "n": True})
    alice.engagement(title="C", custom_fields={"direction": ["in", "out"], "deep": {"a": [1]}})
    alice.engagement(title="D")
    for fields, titles in (
        ({"direction": "in"}, "AC"),
        ({"direction": ["in", "out"]}, "ABC"),
        ({"lines": "y"}, "AB"),
        ({"lines": "y", "direction": "out"}, "B"),
        ({"n": 1.0}, "A"),
        ({"n": True}, "B"),
        ({"deep": {"a": [1]}}, "C"),
        ({"deep": {"a": 1}}, ""),
        ({"no_such": "in"}, ""),
        ({}, "ABCD"),
    ):
        assert found(alice, fields) == found(bob, fields) == set(titles), fields


def test_filters_by_them_join_with_others_and_page(alice: Client) -> None:
    for number in range(7):
        kind = "call" if number % 2 else "email"
        alice.engagement(title=f"{number}", engagement_type=kind, custom_fields={"x": "y"})
    asked = {"custom_fields": {"x": "y"}, "type": ["email"], "limit": 3, "sort_by": ["title:asc"]}
    first = alice.ok("engagements.list", asked)
    assert [one["title"] for one in first["engagements"]] == ["0", "2", "4"]
    second = alice.ok("engagements.list", {**asked, "cursor": first["next_cursor"]})
    assert [one["title"] for one in second["engagements"]] == ["6"]
    assert "next_cursor" not in second


def test_those_of_a_whole_batch_are_found(alice: Client) -> None:
    least = {"members": [alice.user], "scheduled_date": "2023-01-01T12:00:00Z", "title": "Call"}
    requests = [
        ("engagements.create", {**least, "custom_fields": {"n": [number, number], "all": "x"}})
        for number in range(60)
    ]
    assert {answer.status for answer in alice.together(requests)} == {201}
    assert alice.ok("engagements.count", {"custom_fields": {"all": "x"}}) == {"count": 60}
    for number in (0, 59):
        assert alice.ok("engagements.count", {"custom_fields": {"n": number}}) == {"count": 1}


def test_a_deleted_one_and_another_orgs_are_not_found(alice: Client, charlie: Client) -> None:
    made = alice.engagement(title="Call", custom_fields={"x": "y"})
    charlie.engagement(title="Theirs", custom_fields={"x": "y"})
    assert (found(alice, {"x": "y"}), found(charlie, {"x": "y"})) == ({"Call"}, {"Theirs"})
    alice.ok("engagements.delete", {"id": made["id"]})
    assert found(alice, {"x": "y"}) == set()


@pytest.mark.parametrize(
    ("fields", "type_"),
    [
        ({"text": "x" * 65_536}, "value_not_permitted"),
        ([], "unexpected_json_type"),
        (None, "unexpected_json_type"),
    ],
    ids=["too long", "array", "null"],
)
def test_what_can_not_be_kept_is_refused(fields: Any, type_: str, alice: Client) -> None:
    least = {"members": [alice.user], "scheduled_date": "2023-01-01T12:00:00Z", "title": "Call"}
    made = alice.engagement()
    create = {**least, "custom_fields": fields}
    alice.refused("engagements.create", create, type_, "custom_fields")
    update = {"id": made["id"], "custom_fields": fields}
    alice.refused("engagements.update", update, type_, "custom_fields")


def test_an_update_to_more_than_64_kib_in_all_is_refused(alice: Client) -> None:
    made = alice.engagement(custom_fields={"a": "x" * 40_000})
    more = {"id": made["id"], "title": "Other", "custom_fields": {"b": "x" * 40_000}}
    alice.refused("engagements.update", more, "value_not_permitted", "custom_fields")
    assert alice.ok("engagements.get", {"id": made["id"]})["engagement"] == made
