"""rev-users.update and delete, and the rest of create and list."""

from typing import Any

import pytest

from tests.support.server import Client
from tests.support.world import make_world

pytestmark = pytest.mark.engines("sqlite", "postgres")


def user(client: Client, **fields: Any) -> Any:
    return client.ok("rev-users.create", {"display_name": "Rita", **fields})["rev_user"]


def update(client: Client, made: Any, **changes: Any) -> Any:
    return client.ok("rev-users.update", {"id": made["id"], **changes})["rev_user"]


FULL: dict[str, Any] = {
    "description": "Buys", "email": "rita@acme.example", "external_ref": "crm-1", "external_refs": ["a", "b"],
    "phone_numbers": ["+15550100"], "custom_fields": {"a": 1}, "custom_schema_fragments": ["don:fragment:1"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "field", "after"),
    [
        ({"display_name": "R"}, "display_name", "R"),
        ({"description": ""}, "description", ""),
        ({"email": "r@b.example"}, "email", "r@b.example"),
        ({"external_ref": "crm-2"}, "external_ref", "crm-2"),
        ({"external_refs": ["c", "c"]}, "external_refs", ["c"]),
        ({"phone_numbers": []}, "phone_numbers", None),
        ({"custom_fields": {"a": None, "b": 2}}, "custom_fields", {"b": 2}),
        ({"custom_schema_fragments": {"set": ["f"]}}, "custom_schema_fragments", ["f"]),
        ({"custom_schema_spec": {"subtype": "vip"}}, "subtype", "vip"),
    ],
)  # fmt: skip
def test_one_field_changes_and_the_rest_stays(
    alice: Client, bob: Client, changes: Any, field: str, after: Any
) -> None:
    made = user(alice, **FULL)
    assert {name: made[name] for name in FULL} == FULL
    changed = update(bob, made, **changes)
    assert changed.get(field) == after
    assert changed["modified_date"] > made["modified_date"]
    for other in {*made, *changed} - {field, "modified_date", "modified_by"}:
        assert changed[other] == made[other]
    assert update(alice, made, **changes) == changed
    assert alice.ok("rev-users.get", {"id": made["id"]})["rev_user"] == changed


@pytest.mark.parametrize(
    ("changes", "type_", "field"),
    [
        ({"display_name": ""}, "value_not_permitted", "display_name"),
        ({"email": "nobody"}, "value_not_permitted", "email"),
        ({"email": None}, "unexpected_json_type", "email"),
        ({"external_ref": ""}, "value_not_permitted", "external_ref"),
        ({"display_picture": "ARTIFACT-9"}, "invalid_id", "display_picture"),
        ({"artifacts": {"set": ["ARTIFACT-9"]}}, "invalid_id", "artifacts.set[0]"),
        ({"tags": ["TAG-9"]}, "invalid_id", "tags[0].id"),
        ({"rev_org": "REV-99"}, "invalid_id", "rev_org"),
    ],
)  # fmt: skip
def test_what_breaks_a_rule_changes_nothing(
    alice: Client, changes: Any, type_: str, field: str
) -> None:
    made = user(alice)
    alice.refused(
        "rev-users.update", {"id": made["id"], "description": "x", **changes}, type_, field
    )
    assert update(alice, made, display_picture=None) == made


def test_an_external_ref_belongs_to_one_rev_user(alice: Client) -> None:
    first, second = user(alice, external_ref="crm-1"), user(alice)
    alice.refused("rev-users.create", {"external_ref": "crm-1"}, "conflict", status=409)
    alice.refused(
        "rev-users.update", {"id": second["id"], "external_ref": "crm-1"}, "conflict", status=409
    )
    assert update(alice, first, external_ref="crm-1") == first
    alice.ok("rev-users.delete", {"id": first["id"]})
    assert update(alice, second, external_ref="crm-1")["external_ref"] == "crm-1"


def test_a_deleted_rev_user_is_gone_everywhere(alice: Client) -> None:
    world = make_world(alice)
    rita = world.rev_user
    alice.ok("works.update", {"id": world.opportunity["id"], "contacts": {"set": [rita["id"]]}})
    link = alice.ok(
        "links.create", {"link_type": "serves", "source": rita["id"], "target": world.account["id"]}
    )["link"]
    answer = alice.refused("rev-users.delete", {"id": rita["id"]}, "value_not_permitted", "id")
    assert "1 engagements" in answer.body["message"]
    alice.ok("engagements.update", {"id": world.engagement["id"], "members": {"set": [alice.user]}})
    assert alice.ok("rev-users.delete", {"id": rita["id"]}) == {}
    for method in ("rev-users.get", "rev-users.update", "rev-users.delete"):
        assert alice.call(method, {"id": rita["id"]}).status == 404
    assert alice.ok("rev-users.list")["rev_users"] == []
    assert "contacts" not in alice.ok("works.get", {"id": world.opportunity["id"]})["work"]
    assert alice.call("links.get", {"id": link["id"]}).status == 404
    alice.refused(
        "works.update",
        {"id": world.opportunity["id"], "contacts": {"set": [rita["id"]]}},
        "invalid_id",
        "contacts.set[0]",
    )
    assert user(alice, email="rita@acme.example")["display_id"] != rita["display_id"]


def test_a_deleted_engagement_keeps_nobody(alice: Client) -> None:
    world = make_world(alice)
    alice.ok("engagements.delete", {"id": world.engagement["id"]})
    assert alice.ok("rev-users.delete", {"id": world.rev_user["id"]}) == {}


def test_they_are_found_by_account_rev_org_and_custom_fields(alice: Client) -> None:
    made = alice.ok("accounts.create", {"display_name": "Acme"})
    account, rev_org = made["account"]["id"], made["default_rev_org"]["id"]
    second = alice.ok("rev-orgs.create", {"account": account, "display_name": "West"})["rev_org"][
        "id"
    ]
    rita, wes = user(alice, account=account, custom_fields={"x": "y"}), user(alice, rev_org=second)
    user(alice)

    def found(**filters: Any) -> list[str]:
        return [one["id"] for one in alice.ok("rev-users.list", filters)["rev_users"]]

    assert found(associations=[account]) == [wes["id"], rita["id"]]
    assert found(associations=[second]) == [wes["id"]]
    assert found(rev_org=[rev_org]) == [rita["id"]]
    assert found(associations=["ACC-99"]) == []
    assert found(custom_fields={"x": "y"}) == [rita["id"]]
    assert found(is_verified=True) == []
    other = alice.ok("accounts.create", {"display_name": "Globex"})["account"]["id"]
    alice.refused(
        "rev-users.create", {"account": other, "rev_org": second}, "value_not_permitted", "rev_org"
    )
    assert user(alice, account=account, rev_org=second)["rev_org"]["display_name"] == "West"


def test_another_orgs_rev_user_is_as_one_that_does_not_exist(
    alice: Client, charlie: Client
) -> None:
    made = user(alice)
    for method in ("rev-users.update", "rev-users.delete"):
        charlie.refused(method, {"id": made["id"]}, "not_found", status=404)
    assert alice.ok("rev-users.get", {"id": made["id"]})["rev_user"] == made
