"""engagements.update: what is sent changes, what is absent stays, and no change is no change."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.server import Client


def update(client: Client, made: Any, **changes: Any) -> Any:
    return client.ok("engagements.update", {"id": made["id"], **changes})["engagement"]


def unchanged(client: Client, made: Any) -> bool:
    return bool(client.ok("engagements.get", {"id": made["id"]})["engagement"] == made)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", "New title"), ("description", "New notes"), ("description", ""), ("engagement_type", "email"),
        ("external_ref", "crm-2"), ("external_url", "https://example.com/2"), ("scheduled_date", "2024-02-29T00:00:00.000Z"),
    ],
)  # fmt: skip
def test_one_field_changes_and_the_rest_stays(field: str, value: str, alice: Client, bob: Client) -> None:
    made = alice.engagement(description="Notes", external_ref="crm-1", external_url="https://example.com/1")
    changed = update(bob, made, **{field: value})
    assert changed[field] == value
    assert changed["modified_date"] > made["modified_date"]
    assert changed["modified_by"]["display_id"] == bob.user
    for other in set(made) - {field, "modified_date", "modified_by"}:
        assert changed[other] == made[other]
    assert unchanged(alice, changed)


def test_null_clears_the_date_and_nothing_else_takes_null(alice: Client) -> None:
    made = alice.engagement(description="Notes")
    cleared = update(alice, made, scheduled_date=None)
    assert "scheduled_date" not in cleared
    for field in ("title", "description", "external_ref", "external_url", "engagement_type", "members", "tags"):
        answer = alice.call("engagements.update", {"id": made["id"], field: None})
        assert (answer.status, answer.type, answer.body["field_name"]) == (400, "unexpected_json_type", field)
    assert unchanged(alice, cleared)


def test_sets_replace_links(alice: Client, bob: Client) -> None:
    first, second = (alice.ok("accounts.create", {"display_name": name})["account"]["id"] for name in ("A", "B"))
    mood = alice.ok("tags.create", {"name": "mood", "allowed_values": ["good", "bad"]})["tag"]["id"]
    made = alice.engagement(parents=[first], tags=[{"id": mood, "value": "good"}])
    changed = update(alice, made, members={"set": [bob.user]}, parents={"set": [second, first]})
    assert changed["members"][0].endswith(bob.user.removeprefix("DEVU-"))
    assert (changed["parent"], changed["parents"]) == (second, [second, first])
    assert changed["tag_values"] == {mood: "good"}
    changed = update(alice, made, tags={"set": [{"id": mood, "value": "bad"}]})
    assert changed["tag_values"] == {mood: "bad"}
    emptied = update(alice, made, tags={"set": []}, parents={"set": []})
    assert not {"tags", "tag_values", "parent", "parents"} & set(emptied)
    assert alice.ok("engagements.count", {"members": [alice.user]}) == {"count": 0}
    assert alice.ok("engagements.count", {"members": [bob.user]}) == {"count": 1}
    assert alice.ok("engagements.count", {"parent": [first]}) == {"count": 0}


def test_a_change_of_links_alone_is_a_change(alice: Client, bob: Client) -> None:
    made = alice.engagement()
    changed = update(bob, made, members={"set": [alice.user, bob.user]})
    assert changed["modified_date"] > made["modified_date"]
    assert changed["modified_by"]["display_id"] == bob.user


def test_what_changes_nothing_bumps_nothing(alice: Client, bob: Client) -> None:
    made = alice.engagement(external_ref="crm-1")
    changes: dict[str, Any]
    for changes in ({}, {"title": made["title"]}, {"members": {"set": [alice.user]}}, {"external_ref": "crm-1"},
                    {"members": {}}, {"scheduled_date": "2023-01-01T13:00:00+01:00"}):  # fmt: skip
        assert update(bob, made, **changes) == made


@pytest.mark.parametrize(
    ("changes", "type_", "field"),
    [
        ({"title": " "}, "value_not_permitted", "title"),
        ({"title": "x" * 257}, "value_not_permitted", "title"),
        ({"members": {"set": []}}, "value_not_permitted", "members.set"),
        ({"members": {"set": ["DEVU-1"] * 51}}, "value_not_permitted", "members.set"),
        ({"members": {"set": ["DEVU-999"]}}, "invalid_id", "members.set[0]"),
        ({"members": ["DEVU-1"]}, "unexpected_json_type", "members"),
        ({"parents": {"set": ["TAG-1"]}}, "unexpected_id_type", "parents.set[0]"),
        ({"parents": {"add": ["ACC-1"]}}, "invalid_field", "parents.add"),
        ({"artifacts": {"set": ["ARTIFACT-9"]}}, "invalid_id", "artifacts.set[0]"),
        ({"tags": {"set": [{"id": "TAG-9"}]}}, "invalid_id", "tags.set[0].id"),
        ({"parent": "ACC-1"}, "invalid_field", "parent"),
        ({"external_url": "nope"}, "value_not_permitted", "external_url"),
        ({"engagement_type": "survey"}, "invalid_enum_value", "engagement_type"),
    ],
)
def test_creates_rules_hold_and_a_refused_update_changes_nothing(
    changes: dict[str, Any], type_: str, field: str, alice: Client
) -> None:
    made = alice.engagement()
    answer = alice.call("engagements.update", {"id": made["id"], "description": "half of it", **changes})
    assert (answer.status, answer.type, answer.body["field_name"]) == (400, type_, field)
    assert unchanged(alice, made)


def test_an_external_ref_in_use_is_refused(alice: Client) -> None:
    holder, made = alice.engagement(external_ref="crm-1"), alice.engagement()
    answer = alice.call("engagements.update", {"id": made["id"], "external_ref": "crm-1"})
    assert (answer.type, answer.body["existing_id"]) == ("value_not_permitted", holder["id"])
    assert unchanged(alice, made)


@pytest.mark.parametrize(("id_", "status", "type_"), [
    ("ENGAGEMENT-999", 404, "not_found"), ("ACC-1", 400, "unexpected_id_type"), ("x", 400, "invalid_id"),
])  # fmt: skip
def test_what_is_not_there_can_not_be_changed(id_: str, status: int, type_: str, alice: Client) -> None:
    answer = alice.call("engagements.update", {"id": id_, "title": "x"})
    assert (answer.status, answer.type) == (status, type_)


def test_concurrent_updates_all_succeed_and_the_last_one_wins_whole(alice: Client) -> None:
    made = alice.engagement()
    tags = [alice.ok("tags.create", {"name": str(n)})["tag"]["id"] for n in range(24)]

    def change(n: int) -> Any:
        return update(alice, made, title=str(n), external_ref=str(n), tags={"set": [{"id": tags[n]}]})

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(change, range(24)))
    dates = [answer["modified_date"] for answer in answers]
    assert len(set(dates)) == 24
    last = max(answers, key=lambda answer: answer["modified_date"])
    assert unchanged(alice, last)
    assert last["tags"] == [tags[int(last["title"])]]
    assert last["external_ref"] == last["title"]
