"""works.update, delete and count, and the whole opportunity branch of create."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.server import Client, Server
from tests.support.world import make_world

pytestmark = pytest.mark.engines("sqlite", "postgres")


@pytest.fixture
def account(alice: Client) -> str:
    return str(alice.ok("accounts.create", {"display_name": "Acme"})["account"]["id"])


def work(client: Client, account: str, **fields: Any) -> Any:
    least = {
        "type": "opportunity",
        "title": "Deal",
        "account": account,
        "applies_to_part": "PROD-1",
        "owned_by": [client.user],
    }
    return client.ok("works.create", {**least, **fields})["work"]


def update(client: Client, made: Any, **changes: Any) -> Any:
    return client.ok("works.update", {"id": made["id"], **changes})["work"]


FULL: dict[str, Any] = {
    "amount": 1000.5, "customer_budget": 2000, "probability": 0.25, "priority": "p1", "body": "They want it",
    "external_ref": "crm-1", "target_close_date": "2030-01-01T00:00:00.000Z", "custom_fields": {"tnt__x": [1, {"y": None}]},
    "value": {"amount": "10.50", "currency": "EUR"}, "annual_contract_value": {"amount": "5", "currency": "EUR"},
}  # fmt: skip


def test_the_whole_branch_is_kept_and_given_back(alice: Client, bob: Client, account: str) -> None:
    made = work(
        alice,
        account,
        **FULL,
        contacts=[bob.user],
        reported_by=[bob.user],
        forecast_category_v2=4,
        stage={"name": "negotiation", "id": "don:stage:1"},
        stage_validation_options=["allow_non_start"],
        custom_schema_fragments=["don:fragment:1"],
        custom_schema_spec={"subtype": "renewal"},
    )
    assert {name: made[name] for name in FULL} == FULL
    assert made["forecast_category_v2"] == {"id": 4, "label": "strong_upside", "ordinal": 4}
    assert made["stage"] == {
        "name": "negotiation",
        "stage": {"display_id": "don:stage:1", "id": "don:stage:1"},
    }
    assert (made["custom_schema_fragments"], made["subtype"]) == (["don:fragment:1"], "renewal")
    assert made["applies_to_part"] == {"type": "product", "display_id": "PROD-1", "id": "PROD-1"}
    assert alice.ok("works.get", {"id": made["id"]})["work"] == made
    assert work(alice, account, forecast_category="won")["forecast_category_v2"]["label"] == "won"
    assert work(alice, account, forecast_category_v2=-7)["forecast_category_v2"]["label"] == "-7"


def test_what_is_not_devrevs_is_left_out_when_strict(strict_server: Server) -> None:
    client = strict_server.make_org()
    account = client.ok("accounts.create", {"display_name": "Acme"})["account"]["id"]
    assert not {"amount", "priority", "probability", "customer_budget"} & {
        *work(client, account, **FULL)
    }


@pytest.mark.parametrize("kind", ["issue", "task", "ticket"])
def test_other_works_are_not_kept(alice: Client, account: str, kind: str) -> None:
    least = {
        "type": kind,
        "title": "x",
        "account": account,
        "applies_to_part": "p",
        "owned_by": [alice.user],
    }
    answer = alice.refused("works.create", least, "value_not_permitted", "type")
    assert answer.body["allowed_values"] == ["opportunity"]
    made = work(alice, account)
    alice.refused("works.update", {"id": made["id"], "type": kind}, "value_not_permitted", "type")
    alice.refused("works.create", {**least, "type": "story"}, "invalid_enum_value", "type")
    alice.refused(
        "works.create",
        {**least, "type": "opportunity", "severity": "high"},
        "invalid_field",
        "severity",
    )


@pytest.mark.parametrize(
    ("changes", "field", "after"),
    [
        ({"title": "New"}, "title", "New"),
        ({"body": ""}, "body", ""),
        ({"applies_to_part": "PROD-2"}, "applies_to_part", {"type": "product", "display_id": "PROD-2", "id": "PROD-2"}),
        ({"amount": None}, "amount", None),
        ({"amount": 0}, "amount", 0),
        ({"probability": None}, "probability", None),
        ({"customer_budget": None}, "customer_budget", None),
        ({"target_close_date": None}, "target_close_date", None),
        ({"target_close_date": "2031-01-01T00:00:00.000Z"}, "target_close_date", "2031-01-01T00:00:00.000Z"),
        ({"value": {"amount": "1", "currency": "USD"}}, "value", {"amount": "1", "currency": "USD"}),
        ({"forecast_category_v2": 6}, "forecast_category_v2", {"id": 6, "label": "won", "ordinal": 6}),
        ({"stage": {"name": "closed_won"}}, "stage", {"name": "closed_won"}),
        ({"custom_fields": {"b": 1}}, "custom_fields", {**FULL["custom_fields"], "b": 1}),
        ({"owned_by": {"set": []}}, "owned_by", []),
        ({"contacts": {"set": []}}, "contacts", None),
        ({"custom_schema_fragments": ["f"]}, "custom_schema_fragments", ["f"]),
    ],
)  # fmt: skip
def test_one_field_changes_and_the_rest_stays(
    alice: Client, bob: Client, account: str, changes: Any, field: str, after: Any
) -> None:
    made = work(alice, account, **FULL, contacts=[bob.user])
    changed = update(bob, made, **changes, type="opportunity")
    assert changed.get(field) == after
    assert changed["modified_date"] > made["modified_date"]
    assert changed["modified_by"]["display_id"] == bob.user
    for other in {*made, *changed} - {field, "modified_date", "modified_by"}:
        assert changed[other] == made[other]
    assert update(alice, made, **changes) == changed


def test_tags_are_set_removed_and_added(alice: Client, account: str) -> None:
    hot, mood, old = (
        alice.ok("tags.create", {"name": name, "allowed_values": ["good", "bad"]})["tag"]["id"]
        for name in ("hot", "mood", "old")
    )
    made = work(alice, account, tags=[{"id": hot}, {"id": mood, "value": "bad"}])

    def tags(**change: Any) -> dict[str, Any]:
        return {
            one["tag"]["name"]: one.get("value")
            for one in update(alice, made, tags=change).get("tags", [])
        }

    assert tags(add=[{"id": old, "value": "good"}]) == {"hot": None, "mood": "bad", "old": "good"}
    assert tags(remove=[{"id": hot}], add=[{"id": mood, "value": "good"}]) == {
        "mood": "good",
        "old": "good",
    }
    assert tags(set=[{"id": hot}, {"id": mood}], remove=[{"id": mood}], add=[{"id": old}]) == {
        "hot": None,
        "old": None,
    }
    assert tags(remove=[{"id": mood}]) == {"hot": None, "old": None}
    assert tags(set=[]) == {}
    alice.refused(
        "works.update",
        {"id": made["id"], "tags": {"add": [{"id": hot, "value": "x"}]}},
        "value_not_permitted",
        "tags.add[0].value",
    )
    alice.refused(
        "works.update",
        {"id": made["id"], "tags": {"remove": [{"id": "TAG-99"}]}},
        "invalid_id",
        "tags.remove[0].id",
    )


@pytest.mark.parametrize(
    ("changes", "type_", "field"),
    [
        ({"title": ""}, "value_not_permitted", "title"),
        ({"title": None}, "unexpected_json_type", "title"),
        ({"amount": "5"}, "unexpected_json_type", "amount"),
        ({"amount": True}, "unexpected_json_type", "amount"),
        ({"amount": 1e301}, "value_not_permitted", "amount"),
        ({"forecast_category_v2": 1.5}, "value_not_permitted", "forecast_category_v2"),
        ({"forecast_category_v2": 2**63}, "value_not_permitted", "forecast_category_v2"),
        ({"account": "ACC-99"}, "invalid_id", "account"),
        ({"account": None}, "unexpected_json_type", "account"),
        ({"contacts": {}}, "missing_required_field", "contacts.set"),
        ({"owned_by": {"set": ["DEVU-99"]}}, "invalid_id", "owned_by.set[0]"),
        ({"artifacts": {"add": ["ARTIFACT-9"]}}, "invalid_id", "artifacts.add[0]"),
        ({"severity": "high"}, "invalid_field", "severity"),
        ({"external_ref": "x"}, "invalid_field", "external_ref"),
    ],
)  # fmt: skip
def test_what_breaks_a_rule_changes_nothing(
    alice: Client, account: str, changes: Any, type_: str, field: str
) -> None:
    made = work(alice, account)
    alice.refused("works.update", {"id": made["id"], "body": "x", **changes}, type_, field)


def test_it_moves_to_another_account(alice: Client, account: str) -> None:
    other = alice.ok("accounts.create", {"display_name": "Globex"})["account"]["id"]
    made = work(alice, account)
    assert update(alice, made, account=other)["account"]["display_name"] == "Globex"
    assert alice.ok("works.count", {"opportunity": {"account": [other]}})["count"] == 1
    assert alice.ok("accounts.delete", {"id": account}) == {}


def test_a_deleted_opportunity_is_gone(alice: Client) -> None:
    world = make_world(alice)
    id_ = world.opportunity["id"]
    answer = alice.refused("works.delete", {"id": id_}, "value_not_permitted", "id")
    assert "1 engagements" in answer.body["message"]
    alice.ok("engagements.update", {"id": world.engagement["id"], "parents": {"set": []}})
    assert alice.ok("works.delete", {"id": id_}) == {}
    for method in ("works.get", "works.update", "works.delete"):
        assert alice.call(method, {"id": id_}).status == 404
    assert alice.ok("works.list")["works"] == []
    assert (
        alice.call(
            "engagements.update", {"id": world.engagement["id"], "parents": {"set": [id_]}}
        ).type
        == "invalid_id"
    )


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({}, 2), ({"type": ["opportunity", "issue"]}, 2), ({"type": ["issue"]}, 0), ({"applies_to_part": ["PROD-2"]}, 1),
        ({"stage": {"name": ["negotiation"]}}, 1), ({"stage": {"stages": ["s-1"]}}, 1), ({"stage": {"stages": ["s-2"]}}, 0),
        ({"opportunity": {"forecast_category_v2": [3]}}, 1), ({"opportunity": {"subtype": ["renewal"]}}, 1),
        ({"custom_fields": {"x": 1}}, 1), ({"external_ref": ["crm-1"]}, 1), ({"issue": {}}, 2), ({"issue": {"sprint": ["a"]}}, 0),
        ({"ticket": {"is_spam": False}}, 0), ({"ticket": {"surveys": {}}}, 2), ({"ticket": {"sla_summary": {"stage": ["paused"]}}}, 0),
        ({"staged_info": {"is_staged": False}}, 2), ({"staged_info": {"is_staged": True}}, 0), ({"state": ["open"]}, 0),
        ({"sync_metadata": {"last_sync_in": {"status": ["failed"]}}}, 0), ({"vista": "v"}, 0),
        ({"actual_close_date": {"after": "2020-01-01T00:00:00Z"}}, 0), ({"modified_by": ["DEVU-1"]}, 2),
        ({"created_date": {"type": "range", "after": "2020-01-01T00:00:00Z"}}, 2),
        ({"created_date": {"before": "2020-01-01T00:00:00Z"}}, 0),
        ({"created_date": {"type": "preset", "preset_type": "last_n_days", "days": 1}}, 2),
        ({"created_date": {"type": "preset", "preset_type": "next_n_days", "days": 4294967295}}, 0),
        ({"target_close_date": {"preset_type": "next_n_days", "days": 10}}, 1),
        ({"target_close_date": {"preset_type": "next_n_days", "days": 4}}, 0),
    ],
)  # fmt: skip
def test_count_counts_what_list_lists(
    alice: Client, account: str, filters: Any, count: int
) -> None:
    soon = (datetime.now(tz=UTC) + timedelta(days=5)).isoformat()
    work(alice, account)
    work(
        alice,
        account,
        applies_to_part="PROD-2",
        stage={"name": "negotiation", "id": "s-1"},
        forecast_category_v2=3,
        custom_schema_spec={"subtype": "renewal"},
        custom_fields={"x": 1},
        external_ref="crm-1",
        target_close_date=soon,
    )
    assert alice.ok("works.count", filters) == {"count": count, "has_more": False}
    assert len(alice.ok("works.list", filters)["works"]) == count


@pytest.mark.parametrize(
    ("dates", "type_", "field"),
    [
        ({"type": "preset"}, "missing_required_field", "created_date.preset_type"),
        ({"type": "preset", "preset_type": "last_n_days"}, "missing_required_field", "created_date.days"),
        ({"days": 1}, "missing_required_field", "created_date.preset_type"),
        ({"type": "range", "days": 1}, "invalid_field", "created_date.days"),
        ({"type": "preset", "after": "2020-01-01T00:00:00Z"}, "invalid_field", "created_date.after"),
        ({"type": "preset", "preset_type": "last_n_days", "days": -1}, "value_not_permitted", "created_date.days"),
        ({"type": "week"}, "invalid_enum_value", "created_date.type"),
    ],
)  # fmt: skip
def test_a_date_filter_is_a_range_or_a_preset(
    alice: Client, dates: Any, type_: str, field: str
) -> None:
    for method in ("works.list", "works.count", "dev-users.list"):
        alice.refused(method, {"created_date": dates}, type_, field)
