"""engagements.update: what is sent changes, all of it or nothing, and nothing else does."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.server import Client
from tests.support.world import make_world

pytestmark = pytest.mark.engines("sqlite", "postgres")

FIELDS: dict[str, Any] = {
    "title": "Another", "description": "Other notes", "engagement_type": "email", "external_ref": "crm-2",
    "external_url": "https://example.com/2", "scheduled_date": "2024-06-01T10:00:00.123456+02:00",
}  # fmt: skip


def read(client: Client, id_: str) -> Any:
    return client.ok("engagements.get", {"id": id_})["engagement"]


def without(engagement: Any, *names: str) -> Any:
    return {
        name: value
        for name, value in engagement.items()
        if name not in {*names, "modified_date", "modified_by"}
    }


@pytest.mark.parametrize("name", FIELDS)
def test_one_field_changes_and_the_rest_stays(name: str, alice: Client, bob: Client) -> None:
    before = make_world(alice).engagement
    after = bob.ok("engagements.update", {"id": before["id"], name: FIELDS[name]})["engagement"]
    shown = "2024-06-01T08:00:00.123456Z" if name == "scheduled_date" else FIELDS[name]
    assert after[name] == shown
    assert without(after, name) == without(before, name)
    assert after["modified_by"]["display_id"] == bob.user
    assert after["modified_date"] > before["modified_date"]
    assert read(alice, before["id"]) == after


def test_all_fields_change_at_once(alice: Client) -> None:
    world = make_world(alice)
    second = alice.ok("tags.create", {"name": "second"})["tag"]
    after = alice.ok("engagements.update", {
        "id": world.engagement["display_id"].lower(), **FIELDS, "members": {"set": [world.rev_user["id"]]},
        "parents": {"set": [world.opportunity["id"], world.account["id"]]}, "tags": {"set": [{"id": second["id"]}]},
    })["engagement"]  # fmt: skip
    assert {name: after[name] for name in FIELDS} == {
        **FIELDS,
        "scheduled_date": "2024-06-01T08:00:00.123456Z",
    }
    assert after["members"] == [world.rev_user["id"]]
    assert after["parents"] == [world.opportunity["id"], world.account["id"]]
    assert after["parent"] == world.opportunity["id"]
    assert after["tags"] == [second["id"]]
    assert "tag_values" not in after
    assert read(alice, after["id"]) == after
    assert alice.ok("engagements.list", {"members": [alice.user]}) == {"engagements": []}
    found = {
        "members": [world.rev_user["id"]],
        "tags": [second["id"]],
        "parent": [world.opportunity["id"]],
        "type": ["email"],
        "external_ref": ["crm-2"],
    }
    assert alice.ok("engagements.list", found)["engagements"] == [after]


def test_sets_may_be_emptied_but_for_members(alice: Client) -> None:
    before = make_world(alice).engagement
    empty: dict[str, Any] = {"parents": {"set": []}, "tags": {"set": []}, "artifacts": {"set": []}}
    after = alice.ok("engagements.update", {"id": before["id"], **empty})["engagement"]
    assert after == {
        **without(before, "parent", "parents", "tags", "tag_values"),
        "modified_by": after["modified_by"],
        "modified_date": after["modified_date"],
    }
    alice.refused(
        "engagements.update",
        {"id": before["id"], "members": {"set": []}},
        "value_not_permitted",
        "members.set",
    )
    assert read(alice, before["id"]) == after


def test_null_clears_the_scheduled_date_and_nothing_else(alice: Client) -> None:
    before = make_world(alice).engagement
    after = alice.ok("engagements.update", {"id": before["id"], "scheduled_date": None})[
        "engagement"
    ]
    assert "scheduled_date" not in after
    assert without(after) == without(before, "scheduled_date")
    again = alice.ok(
        "engagements.update", {"id": before["id"], "scheduled_date": "2023-01-01T12:00:00Z"}
    )["engagement"]
    assert without(again) == without(before)
    for name in (
        "title",
        "description",
        "external_ref",
        "external_url",
        "engagement_type",
        "members",
        "parents",
        "tags",
        "artifacts",
    ):
        alice.refused(
            "engagements.update", {"id": before["id"], name: None}, "unexpected_json_type", name
        )
    for name in ("members", "parents", "tags", "artifacts"):
        alice.refused(
            "engagements.update",
            {"id": before["id"], name: {"set": None}},
            "unexpected_json_type",
            f"{name}.set",
        )


def test_what_changes_nothing_bumps_nothing(alice: Client, bob: Client) -> None:
    world = make_world(alice)
    before = world.engagement
    tag = {"id": world.tag["display_id"], "value": "small"}
    same: list[dict[str, Any]] = [
        {}, {"title": "Kick-off"}, {"description": "First call"}, {"engagement_type": "call"}, {"external_ref": "crm-1"},
        {"external_url": "https://example.com/1"}, {"scheduled_date": "2023-01-01T13:00:00+01:00"}, {"members": {}},
        {"members": {"set": [*before["members"], alice.user]}}, {"parents": {"set": before["parents"]}}, {"tags": {"set": [tag]}},
        {"artifacts": {"set": []}},
    ]  # fmt: skip
    for change in [*same, {name: value for one in same for name, value in one.items()}]:
        answer = bob.call("engagements.update", {"id": before["id"], **change})
        assert (answer.status, answer.body) == (200, {"engagement": before}), change
    assert read(alice, before["id"]) == before


def test_a_changed_link_or_order_or_tag_value_bumps(alice: Client) -> None:
    world = make_world(alice)
    last = world.engagement
    changes: list[dict[str, Any]] = [
        {"members": {"set": [*reversed(last["members"])]}}, {"parents": {"set": [*reversed(last["parents"])]}},
        {"tags": {"set": [{"id": world.tag["id"], "value": "large"}]}}, {"tags": {"set": [world.tag["id"]]}}, {"tags": {"set": []}},
    ]  # fmt: skip
    for change in changes:
        after = alice.ok("engagements.update", {"id": last["id"], **change})["engagement"]
        assert after["modified_date"] > last["modified_date"], change
        assert after["created_date"] == last["created_date"]
        last = after


def test_modified_date_strictly_grows_however_fast(alice: Client) -> None:
    made = alice.engagement()
    changes = [{"id": made["id"], "title": f"T{number}"} for number in range(40)]
    updated = [alice.ok("engagements.update", change)["engagement"] for change in changes]
    dates = [one["modified_date"] for one in [made, *updated]]
    assert dates == sorted(set(dates))


def test_parallel_updates_all_succeed_and_the_last_wins_whole(alice: Client) -> None:
    made = alice.engagement()
    tags = [alice.ok("tags.create", {"name": f"t{number}"})["tag"]["id"] for number in range(24)]
    requests = [
        (
            "engagements.update",
            {
                "id": made["id"],
                "title": f"T{n}",
                "description": f"D{n}",
                "tags": {"set": [tags[n]]},
            },
        )
        for n in range(24)
    ]
    answers = alice.together(requests)
    assert {answer.status for answer in answers} == {200}
    shown = [answer.body["engagement"] for answer in answers]
    for number, one in enumerate(shown):
        assert (one["title"], one["description"], one["tags"]) == (
            f"T{number}",
            f"D{number}",
            [tags[number]],
        )
    assert len({one["modified_date"] for one in shown}) == 24
    last = max(shown, key=lambda one: one["modified_date"])
    assert read(alice, made["id"]) == last
    assert [tag for tag in tags if alice.ok("engagements.count", {"tags": [tag]})["count"]] == last[
        "tags"
    ]


def test_a_reader_never_sees_half_an_update(alice: Client) -> None:
    made = alice.engagement(title="0", description="0", external_ref="0")
    until = time.monotonic() + 1

    def write() -> None:
        number = 0
        while time.monotonic() < until:
            number += 1
            alice.ok(
                "engagements.update",
                {
                    "id": made["id"],
                    "title": str(number),
                    "description": str(number),
                    "external_ref": str(number),
                },
            )

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        seen = []
        while time.monotonic() < until:
            one = read(alice, made["id"])
            (listed,) = alice.ok("engagements.list")["engagements"]
            seen += [one["title"], listed["title"]]
            assert one["title"] == one["description"] == one["external_ref"]
            assert listed["title"] == listed["description"] == listed["external_ref"]
        writing.result()
    assert [*map(int, seen)] == sorted(map(int, seen))
    assert len({*seen}) > 2


def test_an_update_and_a_delete_at_once_leave_it_deleted(alice: Client) -> None:
    for _ in range(5):
        made = alice.engagement()
        answers = alice.together(
            [("engagements.update", {"id": made["id"], "title": f"T{n}"}) for n in range(8)]
            + [("engagements.delete", {"id": made["id"]})]
            + [("engagements.update", {"id": made["id"], "title": f"U{n}"}) for n in range(8)]
        )
        assert answers[8].status == 200
        assert {answer.status for answer in answers} <= {200, 404}
        assert alice.call("engagements.get", {"id": made["id"]}).status == 404
    assert alice.ok("engagements.count") == {"count": 0}


def test_an_external_ref_of_another_is_refused_and_one_s_own_is_not(alice: Client) -> None:
    first, second = alice.engagement(external_ref="crm-1"), alice.engagement(external_ref="crm-2")
    answer = alice.refused(
        "engagements.update",
        {"id": second["id"], "title": "New", "external_ref": "crm-1"},
        "value_not_permitted",
        "external_ref",
    )
    assert answer.body["existing_id"] == first["id"]
    assert (
        alice.ok("engagements.update", {"id": second["id"], "external_ref": "crm-2"})["engagement"]
        == second
    )
    alice.ok("engagements.update", {"id": first["id"], "external_ref": "crm-3"})
    assert (
        alice.ok("engagements.update", {"id": second["id"], "external_ref": "crm-1"})["engagement"][
            "external_ref"
        ]
        == "crm-1"
    )


def test_of_many_that_take_one_external_ref_at_once_one_gets_it(alice: Client) -> None:
    made = [alice.engagement() for _ in range(12)]
    answers = alice.together(
        [("engagements.update", {"id": one["id"], "external_ref": "crm-1"}) for one in made]
    )
    assert sorted(answer.status for answer in answers) == [200] + [400] * 11
    assert alice.ok("engagements.count", {"external_ref": ["crm-1"]}) == {"count": 1}


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"title": ""}, "value_not_permitted", "title"),
    ({"title": " \u3000"}, "value_not_permitted", "title"),
    ({"title": "x" * 257}, "value_not_permitted", "title"),
    ({"title": "a\0"}, "value_not_permitted", "title"),
    ({"description": "x" * 65_537}, "value_not_permitted", "description"),
    ({"external_ref": ""}, "value_not_permitted", "external_ref"),
    ({"external_ref": "x" * 513}, "value_not_permitted", "external_ref"),
    ({"external_url": "example.com"}, "value_not_permitted", "external_url"),
    ({"engagement_type": "fax"}, "invalid_enum_value", "engagement_type"),
    ({"scheduled_date": "2023-01-01"}, "value_not_permitted", "scheduled_date"),
    ({"scheduled_date": 0}, "unexpected_json_type", "scheduled_date"),
    ({"members": ["DEVU-1"]}, "unexpected_json_type", "members"),
    ({"members": {"set": ["DEVU-1"] * 51}}, "value_not_permitted", "members.set"),
    ({"members": {"set": ["DEVU-99"]}}, "invalid_id", "members.set[0]"),
    ({"members": {"set": ["ACC-1"]}}, "unexpected_id_type", "members.set[0]"),
    ({"members": {"add": ["DEVU-1"]}}, "invalid_field", "members.add"),
    ({"parents": {"set": ["ACC-1", "OPP-99"]}}, "invalid_id", "parents.set[1]"),
    ({"parents": {"set": ["TAG-1"]}}, "unexpected_id_type", "parents.set[0]"),
    ({"parent": "ACC-1"}, "invalid_field", "parent"),
    ({"tags": {"set": [{"id": "TAG-99"}]}}, "invalid_id", "tags.set[0].id"),
    ({"tags": {"set": [{"id": "TAG-1", "value": "huge"}]}}, "value_not_permitted", "tags.set[0].value"),
    ({"tags": {"set": [{}]}}, "missing_required_field", "tags.set[0].id"),
    ({"artifacts": {"set": ["ARTIFACT-999"]}}, "invalid_id", "artifacts.set[0]"),
    ({"created_date": "2023-01-01T00:00:00Z"}, "invalid_field", "created_date"),
    ({"display_id": "ENGAGEMENT-1"}, "invalid_field", "display_id"),
    ({"expand": ["owner"]}, "invalid_enum_value", "expand[0]"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "type_", "field"),
    REFUSED,
    ids=[f"{field}-{n}" for n, (_, _, field) in enumerate(REFUSED)],
)
def test_what_is_wrong_is_named_and_nothing_changes(
    change: dict[str, Any], type_: str, field: str, alice: Client
) -> None:
    made = make_world(alice).engagement
    good = (
        {"description": "must not be written"}
        if "description" not in change
        else {"title": "must not be written"}
    )
    alice.refused("engagements.update", {"id": made["id"], **good, **change}, type_, field)


def test_all_problems_with_references_come_at_once_in_the_contract_s_order(alice: Client) -> None:
    made = make_world(alice).engagement
    alice.engagement(external_ref="taken")
    request = {
        "id": made["id"],
        "tags": {"set": ["TAG-99"]},
        "parents": {"set": ["ACC-99"]},
        "members": {"set": ["DEVU-99"]},
        "external_ref": "taken",
        "artifacts": {"set": ["ARTIFACT-99"]},
        "title": "New",
    }
    answer = alice.refused("engagements.update", request, "invalid_id", "artifacts.set[0]")
    assert [one["field_name"] for one in answer.body["violations"]] == [
        "artifacts.set[0]",
        "external_ref",
        "members.set[0]",
        "parents.set[0]",
        "tags.set[0].id",
    ]


def test_what_is_not_there_can_not_be_changed(alice: Client, charlie: Client) -> None:
    made = alice.engagement()
    alice.refused(
        "engagements.update", {"id": "ENGAGEMENT-99", "title": "x"}, "not_found", status=404
    )
    assert charlie.call("engagements.update", {"id": made["id"], "title": "x"}).status == 404
    assert read(alice, made["id"]) == made
    alice.ok("engagements.delete", {"id": made["id"]})
    alice.refused("engagements.update", {"id": made["id"], "title": "x"}, "not_found", status=404)
    alice.refused("engagements.update", {"title": "x"}, "missing_required_field", "id")


def test_expand_shows_summaries_by_field_and_by_header(alice: Client) -> None:
    made = make_world(alice).engagement
    for request, headers in (({"expand": ["parents"]}, {}), ({}, {"x_rapport_expand": "parents"})):
        after = alice.ok("engagements.update", {"id": made["id"], **request}, **headers)[
            "engagement"
        ]
        assert [one["type"] for one in after["parents"]] == ["account", "opportunity"]
        assert after["parent"]["type"] == "account"
        assert isinstance(after["members"][0], str)
