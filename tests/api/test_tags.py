"""tags.create, get and list."""

from typing import Any

import pytest

from tests.support.server import Client

pytestmark = pytest.mark.engines("sqlite", "postgres")


def test_a_tag_comes_back_as_it_was_written(alice: Client) -> None:
    request = {
        "name": " hot ",
        "description": "Buys soon",
        "allowed_values": ["yes", "no", "yes", ""],
        "style_new": {"color": "#f00"},
    }
    answer = alice.call("tags.create", request)
    assert answer.status == 201
    tag = answer.body["tag"]
    org = alice.org.removeprefix("DEV-")
    assert (tag["id"], tag["display_id"]) == (f"don:core:dvrv-us-1:devo/{org}:tag/1", "TAG-1")
    assert (tag["name"], tag["description"], tag["style_new"]) == (
        " hot ",
        "Buys soon",
        {"color": "#f00"},
    )
    assert tag["allowed_values"] == ["yes", "no", ""]
    assert tag["created_by"]["display_id"] == alice.user
    assert alice.ok("tags.get", {"id": "tag-1"}) == {"tag": tag}
    assert alice.ok("tags.list") == {"tags": [tag]}


def test_the_least_tag_has_nothing_else(alice: Client) -> None:
    tag = alice.ok("tags.create", {"name": "x"})["tag"]
    assert {*tag} == {
        "created_by",
        "created_date",
        "display_id",
        "id",
        "modified_by",
        "modified_date",
        "name",
    }
    assert (
        "allowed_values" not in alice.ok("tags.create", {"name": "x", "allowed_values": []})["tag"]
    )


def test_names_are_not_unique(alice: Client) -> None:
    first, second = (alice.ok("tags.create", {"name": "same"})["tag"] for _ in range(2))
    assert first["id"] != second["id"]
    assert alice.ok("tags.list", {"name": ["same"]})["tags"] == [second, first]


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"name": ""}, "value_not_permitted", "name"),
    ({"name": "\u2003"}, "value_not_permitted", "name"),
    ({"name": "x" * 257}, "value_not_permitted", "name"),
    ({"name": 1}, "unexpected_json_type", "name"),
    ({"allowed_values": "yes"}, "unexpected_json_type", "allowed_values"),
    ({"allowed_values": [1]}, "unexpected_json_type", "allowed_values[0]"),
    ({"allowed_values": ["x"] * 201}, "value_not_permitted", "allowed_values"),
    ({"allowed_values": ["x" * 2049]}, "value_not_permitted", "allowed_values[0]"),
    ({"style_new": {"colour": "red"}}, "invalid_field", "style_new.colour"),
    ({"style_new": "red"}, "unexpected_json_type", "style_new"),
    ({"description": "x" * 65_537}, "value_not_permitted", "description"),
]


@pytest.mark.parametrize(
    ("change", "type_", "field"),
    REFUSED,
    ids=[f"{field}-{n}" for n, (_, _, field) in enumerate(REFUSED)],
)
def test_what_is_wrong_is_named_and_nothing_is_written(
    change: dict[str, Any], type_: str, field: str, alice: Client
) -> None:
    alice.refused("tags.create", {"name": "x", **change}, type_, field)


def test_a_list_is_filtered_by_name_sorted_and_paged(alice: Client) -> None:
    made = [alice.ok("tags.create", {"name": name})["tag"] for name in ("b", "a", "B", "a,b", '"')]
    assert alice.ok("tags.list", {"name": ["a", "b"]})["tags"] == [made[1], made[0]]
    assert alice.ok("tags.list", {"name": ["A"]})["tags"] == []
    assert alice.get("tags.list", {"name": '"a,b",B'}).body["tags"] == [made[3], made[2]]
    assert alice.get("tags.list", {"name": ["a", "b"]}).body["tags"] == [made[1], made[0]]
    named = alice.ok("tags.list", {"sort_by": ["name:asc"]})["tags"]
    assert [one["name"] for one in named] == ['"', "B", "a", "a,b", "b"]
    first = alice.ok("tags.list", {"sort_by": ["name:asc"], "limit": 2})
    second = alice.ok(
        "tags.list", {"sort_by": ["name:asc"], "limit": 3, "cursor": first["next_cursor"]}
    )
    assert first["tags"] + second["tags"] == named
    assert "next_cursor" not in second


def test_a_tag_without_allowed_values_takes_none(alice: Client) -> None:
    tag = alice.ok("tags.create", {"name": "plain"})["tag"]
    request = {
        "members": [alice.user],
        "scheduled_date": "2023-01-01T12:00:00Z",
        "title": "x",
        "tags": [{"id": tag["id"], "value": ""}],
    }
    answer = alice.refused("engagements.create", request, "value_not_permitted", "tags[0].value")
    assert answer.body["allowed_values"] == []
