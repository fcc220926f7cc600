"""accounts.update and delete: what is sent changes, what is referred to stays, what goes takes
its own along.
"""

from typing import Any

import pytest

from tests.support.server import Client
from tests.support.world import make_world

pytestmark = pytest.mark.engines("sqlite", "postgres")


def account(client: Client, **fields: Any) -> Any:
    return client.ok("accounts.create", {"display_name": "Northwind", **fields})["account"]


def update(client: Client, made: Any, **changes: Any) -> Any:
    return client.ok("accounts.update", {"id": made["id"], **changes})["account"]


def test_everything_that_is_written_comes_back(alice: Client, bob: Client) -> None:
    tag = alice.ok("tags.create", {"name": "key", "allowed_values": ["yes"]})["tag"]["id"]
    plain: dict[str, Any] = {
        "description": "Ships", "domains": ["northwind.example"], "external_refs": ["crm-1"], "tier": "enterprise",
        "websites": ["https://northwind.example"], "custom_fields": {"tnt__size": 5, "tnt__tags": ["a", None]},
    }  # fmt: skip
    made = account(
        alice,
        **plain,
        owned_by=[bob.user],
        tags=[{"id": tag, "value": "yes"}],
        schema_fragment_ids=["don:x:1"],
        custom_schema_spec={"subtype": "partner", "apps": ["app"], "tenant_fragment": True},
    )
    assert {name: made[name] for name in plain} == plain
    assert (made["custom_schema_fragments"], made["subtype"]) == (["don:x:1"], "partner")
    assert (made["tags"][0]["value"], made["owned_by"][0]["display_id"]) == ("yes", bob.user)
    assert alice.ok("accounts.get", {"id": made["display_id"]})["account"] == made


@pytest.mark.parametrize(
    ("changes", "field", "after"),
    [
        ({"display_name": "Acme"}, "display_name", "Acme"),
        ({"description": ""}, "description", ""),
        ({"domains": []}, "domains", None),
        ({"external_refs": ["crm-2", "crm-2"]}, "external_refs", ["crm-2"]),
        ({"tier": None}, "tier", None),
        ({"websites": {"set": ["https://b.example"]}}, "websites", ["https://b.example"]),
        ({"owned_by": []}, "owned_by", []),
        ({"custom_fields": {"b": 2, "a": None}}, "custom_fields", {"b": 2, "c": True}),
        ({"custom_schema_spec": {"drop": {"subtype": True}}}, "subtype", None),
    ],
)  # fmt: skip
def test_one_field_changes_and_the_rest_stays(
    alice: Client, bob: Client, changes: Any, field: str, after: Any
) -> None:
    made = account(
        alice,
        description="Ships",
        domains=["a.example"],
        external_refs=["crm-1"],
        tier="gold",
        owned_by=[bob.user],
        websites=["https://a.example"],
        custom_fields={"a": 1, "c": True},
        custom_schema_spec={"subtype": "partner"},
    )
    changed = update(bob, made, **changes)
    assert changed.get(field) == after
    assert changed["modified_date"] > made["modified_date"]
    assert changed["modified_by"]["display_id"] == bob.user
    for other in {*made, *changed} - {field, "modified_date", "modified_by"}:
        assert changed[other] == made[other]
    assert update(alice, made, **changes) == changed


def test_what_changes_nothing_bumps_nothing(alice: Client) -> None:
    made = account(alice, tier="gold", custom_fields={"a": 1})
    assert update(alice, made) == made
    assert (
        update(
            alice, made, tier="gold", custom_fields={"a": 1}, websites={}, display_name="Northwind"
        )
        == made
    )
    assert update(alice, made, custom_fields={"a": True})["custom_fields"] == {"a": True}


@pytest.mark.parametrize(
    ("changes", "type_", "field"),
    [
        ({"display_name": " "}, "value_not_permitted", "display_name"),
        ({"display_name": None}, "unexpected_json_type", "display_name"),
        ({"description": None}, "unexpected_json_type", "description"),
        ({"owned_by": ["DEVU-999"]}, "invalid_id", "owned_by[0]"),
        ({"tags": [{"id": "TAG-9"}]}, "invalid_id", "tags[0].id"),
        ({"artifacts": {"set": ["ARTIFACT-9"]}}, "invalid_id", "artifacts.set[0]"),
        ({"websites": ["https://a.example"]}, "unexpected_json_type", "websites"),
        ({"websites": {"add": []}}, "invalid_field", "websites.add"),
        ({"custom_fields": {"b": "x" * 65_500}}, "value_not_permitted", "custom_fields"),
    ],
)  # fmt: skip
def test_what_breaks_a_rule_changes_nothing(
    alice: Client, changes: Any, type_: str, field: str
) -> None:
    made = account(alice, custom_fields={"a": "y" * 100})
    alice.refused("accounts.update", {"id": made["id"], "tier": "gold", **changes}, type_, field)


def test_an_external_ref_belongs_to_one_account(alice: Client, charlie: Client) -> None:
    account(alice, external_refs=["crm-1"])
    other = account(alice)
    alice.refused(
        "accounts.update",
        {"id": other["id"], "external_refs": ["x", "crm-1"]},
        "conflict",
        status=409,
    )
    alice.refused(
        "accounts.create", {"display_name": "x", "external_refs": ["crm-1"]}, "conflict", status=409
    )
    account(charlie, external_refs=["crm-1"])


def test_custom_fields_subtype_and_stage_filter_the_list(alice: Client) -> None:
    first = account(
        alice,
        custom_fields={"size": 5, "regions": ["eu", "us"]},
        custom_schema_spec={"subtype": "partner"},
    )
    second = account(alice, custom_fields={"size": 6, "regions": ["us"]})

    def found(**filters: Any) -> list[str]:
        return [one["id"] for one in alice.ok("accounts.list", filters)["accounts"]]

    assert found(custom_fields={"size": 5}) == [first["id"]]
    assert found(custom_fields={"size": [6, 5]}) == [second["id"], first["id"]]
    assert found(custom_fields={"regions": "us", "size": 6}) == [second["id"]]
    assert found(custom_fields={"size": "5"}) == []
    assert found(subtype=["partner"]) == [first["id"]]
    assert found(stage=["don:core:stage/1"]) == []
    assert (
        alice.get("accounts.list", {"custom_fields": '{"size":5}'}).body["accounts"][0]["id"]
        == first["id"]
    )
    update(alice, first, custom_fields={"size": 7})
    assert found(custom_fields={"size": 5}) == []
    assert found(custom_fields={"size": 7, "regions": "eu"}) == [first["id"]]


def test_a_deleted_account_takes_its_rev_orgs_and_links_with_it(alice: Client) -> None:
    answer = alice.ok("accounts.create", {"display_name": "Northwind", "external_refs": ["crm-1"]})
    made, rev_org = answer["account"], answer["default_rev_org"]
    rita = alice.ok("rev-users.create", {"display_name": "Rita", "account": made["id"]})["rev_user"]
    link = alice.ok(
        "links.create", {"link_type": "serves", "source": rita["id"], "target": rev_org["id"]}
    )["link"]
    assert alice.ok("accounts.delete", {"id": made["id"]}) == {}
    for method, id_ in (("accounts", made), ("rev-orgs", rev_org), ("links", link)):
        assert alice.call(f"{method}.get", {"id": id_["id"]}).status == 404
    assert alice.ok("accounts.list")["accounts"] == []
    assert "rev_org" not in alice.ok("rev-users.get", {"id": rita["id"]})["rev_user"]
    alice.refused("accounts.delete", {"id": made["id"]}, "not_found", status=404)
    alice.refused("accounts.update", {"id": made["id"], "tier": "x"}, "not_found", status=404)
    again = account(alice, external_refs=["crm-1"])
    assert int(again["display_id"].removeprefix("ACC-")) > int(
        made["display_id"].removeprefix("ACC-")
    )


def test_an_account_with_engagements_or_opportunities_stays(alice: Client) -> None:
    world = make_world(alice)
    id_ = world.account["id"]
    answer = alice.refused("accounts.delete", {"id": id_}, "value_not_permitted", "id")
    assert "1 engagements" in answer.body["message"]
    alice.ok("engagements.delete", {"id": world.engagement["id"]})
    answer = alice.refused("accounts.delete", {"id": id_}, "value_not_permitted", "id")
    assert "1 opportunities" in answer.body["message"]
    alice.ok("works.delete", {"id": world.opportunity["id"]})
    assert alice.ok("accounts.delete", {"id": id_}) == {}


def test_another_orgs_account_is_as_one_that_does_not_exist(alice: Client, charlie: Client) -> None:
    made = account(alice)
    for method in ("accounts.update", "accounts.delete"):
        charlie.refused(method, {"id": made["id"]}, "not_found", status=404)
    assert alice.ok("accounts.get", {"id": made["id"]})["account"] == made


def test_deleting_wants_the_scope_all(alice: Client) -> None:
    made = account(alice)
    writer = alice.server.make_user(alice, scope="account:write")
    assert update(writer, made, tier="x")["tier"] == "x"
    assert writer.call("accounts.delete", {"id": made["id"]}).status == 403
    assert (
        alice.server.make_user(alice, scope="account:all").ok("accounts.delete", {"id": made["id"]})
        == {}
    )
