"""rev-orgs: the workspaces of an account, of which one is there from the start."""

from typing import Any

import pytest

from tests.support.server import Client, Server

pytestmark = pytest.mark.engines("sqlite", "postgres")


@pytest.fixture
def account(alice: Client) -> Any:
    return alice.ok("accounts.create", {"display_name": "Acme"})


def rev_org(client: Client, made: Any, **fields: Any) -> Any:
    return client.ok(
        "rev-orgs.create", {"account": made["account"]["id"], "display_name": "West", **fields}
    )["rev_org"]


def update(client: Client, made: Any, **changes: Any) -> Any:
    return client.ok("rev-orgs.update", {"id": made["id"], **changes})["rev_org"]


FULL: dict[str, Any] = {
    "description": "The west", "domain": "west.example", "environment": "staging", "external_ref": "crm-1", "tier": "gold",
    "custom_fields": {"a": "x"}, "custom_schema_fragments": ["f"],
}  # fmt: skip


def test_what_is_written_comes_back(alice: Client, account: Any) -> None:
    tag = alice.ok("tags.create", {"name": "hot"})["tag"]["id"]
    made = rev_org(alice, account, **FULL, tags=[tag])
    assert {name: made[name] for name in FULL} == FULL
    assert made["account"] == {
        "type": "account",
        "display_id": account["account"]["display_id"],
        "id": account["account"]["id"],
        "display_name": "Acme",
    }
    assert made["tags"][0]["tag"]["name"] == "hot"
    assert alice.ok("rev-orgs.get", {"id": made["display_id"].lower()})["rev_org"] == made


def test_it_is_found_by_id_or_account(alice: Client, charlie: Client, account: Any) -> None:
    default, other = account["default_rev_org"], rev_org(alice, account)
    id_ = account["account"]["id"]
    assert alice.ok("rev-orgs.get", {"account": id_})["rev_org"] == default
    assert alice.get("rev-orgs.get", {"account": id_}).body == {"rev_org": default}
    assert alice.ok("rev-orgs.get", {"id": other["id"], "account": id_})["rev_org"] == other
    alice.refused("rev-orgs.get", {}, "missing_required_field", "id")
    elsewhere = alice.ok("accounts.create", {"display_name": "Globex"})["account"]["id"]
    for request in (
        {"id": other["id"], "account": elsewhere},
        {"id": "REV-99"},
        {"account": "ACC-99"},
    ):
        alice.refused("rev-orgs.get", request, "not_found", status=404)
    for request in ({"id": other["id"]}, {"account": id_}):
        charlie.refused("rev-orgs.get", request, "not_found", status=404)


@pytest.mark.parametrize(
    ("changes", "field", "after"),
    [
        ({"display_name": "East"}, "display_name", "East"), ({"description": ""}, "description", ""),
        ({"domain": "east.example"}, "domain", "east.example"), ({"environment": "test"}, "environment", "test"),
        ({"external_ref": "crm-2"}, "external_ref", "crm-2"), ({"tier": "silver"}, "tier", "silver"),
        ({"custom_schema_fragments": []}, "custom_schema_fragments", None),
    ],
)  # fmt: skip
def test_one_field_changes_and_the_rest_stays(
    alice: Client, bob: Client, account: Any, changes: Any, field: str, after: Any
) -> None:
    made = rev_org(alice, account, **FULL)
    changed = update(bob, made, **changes)
    assert changed.get(field) == after
    assert changed["modified_date"] > made["modified_date"]
    for other in {*made, *changed} - {field, "modified_date", "modified_by"}:
        assert changed[other] == made[other]
    assert update(alice, made, **changes) == changed


def test_what_breaks_a_rule_changes_nothing(alice: Client, account: Any) -> None:
    made = rev_org(alice, account)
    alice.refused("rev-orgs.create", {"display_name": "x"}, "missing_required_field", "account")
    alice.refused(
        "rev-orgs.create", {"display_name": "x", "account": "ACC-99"}, "invalid_id", "account"
    )
    alice.refused(
        "rev-orgs.update",
        {"id": made["id"], "environment": "live"},
        "invalid_enum_value",
        "environment",
    )
    alice.refused(
        "rev-orgs.update", {"id": made["id"], "tier": None}, "unexpected_json_type", "tier"
    )
    alice.refused("rev-orgs.update", {"id": "REV-99"}, "not_found", status=404)


def test_an_external_ref_belongs_to_one_rev_org(alice: Client, account: Any) -> None:
    made, other = rev_org(alice, account, external_ref="crm-1"), rev_org(alice, account)
    alice.refused(
        "rev-orgs.update", {"id": other["id"], "external_ref": "crm-1"}, "conflict", status=409
    )
    request = {"account": account["account"]["id"], "display_name": "x", "external_ref": "crm-1"}
    alice.refused("rev-orgs.create", request, "conflict", status=409)
    alice.ok("rev-orgs.delete", {"id": made["id"]})
    assert update(alice, other, external_ref="crm-1")["external_ref"] == "crm-1"


def test_it_moves_to_another_account_but_a_default_one_stays(alice: Client, account: Any) -> None:
    globex = alice.ok("accounts.create", {"display_name": "Globex"})["account"]["id"]
    made = rev_org(alice, account)
    assert update(alice, made, account=globex)["account"]["display_name"] == "Globex"
    default = account["default_rev_org"]["id"]
    alice.refused(
        "rev-orgs.update", {"id": default, "account": globex}, "value_not_permitted", "account"
    )
    assert (
        update(alice, account["default_rev_org"], account=account["account"]["id"])
        == account["default_rev_org"]
    )


def test_a_deleted_rev_org_leaves_its_users(alice: Client, account: Any) -> None:
    made = rev_org(alice, account)
    rita = alice.ok("rev-users.create", {"display_name": "Rita", "rev_org": made["id"]})["rev_user"]
    assert alice.ok("rev-orgs.delete", {"id": made["id"]}) == {}
    assert "rev_org" not in alice.ok("rev-users.get", {"id": rita["id"]})["rev_user"]
    assert alice.ok("rev-users.list", {"rev_org": [made["id"]]})["rev_users"] == []
    for method in ("rev-orgs.get", "rev-orgs.update", "rev-orgs.delete"):
        assert alice.call(method, {"id": made["id"]}).status == 404
    assert [one["id"] for one in alice.ok("rev-orgs.list")["rev_orgs"]] == [
        account["default_rev_org"]["id"]
    ]


def test_the_list_is_filtered_and_walked(alice: Client, charlie: Client, account: Any) -> None:
    globex = alice.ok("accounts.create", {"display_name": "Globex"})
    made = [
        rev_org(alice, account, display_name=f"W{number}", external_ref=f"r-{number}")
        for number in range(3)
    ]
    full = rev_org(alice, globex, **FULL)

    def found(**filters: Any) -> list[str]:
        return [one["display_name"] for one in alice.ok("rev-orgs.list", filters)["rev_orgs"]]

    assert found(account=[globex["account"]["id"]], sort_by=["display_name:asc"]) == [
        "Globex",
        "West",
    ]
    assert found(display_name=["W1"]) == found(external_ref=["r-1"]) == ["W1"]
    assert found(custom_fields={"a": ["x", "z"]}) == found(custom_field_filter=["a:x"]) == ["West"]
    assert (
        found(custom_field_filter=["a:x", "a:z"])
        == found(account=["ACC-99"])
        == found(tags=["TAG-9"])
        == []
    )
    assert found(created_by=[alice.user], created_date={"before": made[0]["created_date"]}) == [
        "Globex",
        "Acme",
    ]
    page = alice.ok("rev-orgs.list", {"limit": 4})
    rest = alice.ok("rev-orgs.list", {"limit": 4, "cursor": page["next_cursor"]})
    assert [one["id"] for one in page["rev_orgs"]][:2] == [full["id"], made[2]["id"]]
    assert len(rest["rev_orgs"]) == 2
    assert charlie.ok("rev-orgs.list")["rev_orgs"] == []
    alice.refused("rev-orgs.list", {"sort_by": ["tier:asc"]}, "value_not_permitted", "sort_by[0]")


def test_strict_shows_only_what_is_devrevs(strict_server: Server) -> None:
    alice = strict_server.make_org()
    made = rev_org(alice, alice.ok("accounts.create", {"display_name": "Acme"}), **FULL)
    assert not {"environment", "tier"} & {*made}
