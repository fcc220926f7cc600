"""works.create, get and list: opportunities."""

from typing import Any

import pytest

from tests.support.server import Client
from tests.support.world import make_world

pytestmark = pytest.mark.engines("sqlite", "postgres")


def least(client: Client, account: str = "ACC-1") -> dict[str, Any]:
    return {
        "type": "opportunity",
        "title": "Deal",
        "account": account,
        "applies_to_part": "PROD-7",
        "owned_by": [client.user],
    }


@pytest.fixture
def acme(alice: Client) -> Any:
    return alice.ok("accounts.create", {"display_name": "Acme"})["account"]


def test_an_opportunity_comes_back_with_its_account_owner_and_part(
    alice: Client, acme: Any
) -> None:
    answer = alice.call("works.create", least(alice, acme["id"]))
    assert answer.status == 201
    work = answer.body["work"]
    org = alice.org.removeprefix("DEV-")
    assert (work["type"], work["display_id"], work["title"]) == ("opportunity", "OPP-1", "Deal")
    assert work["id"] == f"don:core:dvrv-us-1:devo/{org}:opportunity/1"
    assert work["account"] == {
        "type": "account",
        "display_id": "ACC-1",
        "id": acme["id"],
        "display_name": "Acme",
    }
    assert work["applies_to_part"] == {"type": "product", "display_id": "PROD-7", "id": "PROD-7"}
    assert [one["display_id"] for one in work["owned_by"]] == [alice.user]
    assert work["stage"]["name"]
    assert alice.ok("works.get", {"id": "opp-1"}) == {"work": work}
    assert alice.ok("works.list") == {"works": [work]}


def test_all_that_is_written_comes_back(alice: Client, bob: Client) -> None:
    world = make_world(alice)
    request = {
        **least(alice, world.account["display_id"]),
        "body": "Details",
        "external_ref": "sf-1",
        "owned_by": [bob.user, alice.user],
        "contacts": [world.rev_user["id"]],
        "reported_by": [alice.user],
        "stage": {"name": "Negotiation"},
        "target_close_date": "2025-01-01T00:00:00+01:00",
        "value": {"amount": "1000.50", "currency": "EUR"},
        "annual_contract_value": {"amount": "12006", "currency": "EUR"},
        "custom_fields": {"tnt__x": [1, None]},
        "tags": [{"id": world.tag["id"], "value": "large"}],
    }
    work = alice.ok("works.create", request)["work"]
    for name in (
        "body",
        "external_ref",
        "stage",
        "value",
        "annual_contract_value",
        "custom_fields",
    ):
        assert work[name] == request[name]
    assert work["target_close_date"] == "2024-12-31T23:00:00.000Z"
    assert [one["display_id"] for one in work["owned_by"]] == [bob.user, alice.user]
    assert [one["type"] for one in work["contacts"]] == ["rev_user"]
    assert [one["display_id"] for one in work["reported_by"]] == [alice.user]
    assert (work["tags"][0]["tag"]["id"], work["tags"][0]["value"]) == (world.tag["id"], "large")
    assert alice.ok("works.get", {"id": work["id"]})["work"] == work


@pytest.mark.parametrize(
    "part", ["", "PROD-1", "don:core:dvrv-us-1:devo/x:product/1", " \u00fc", "x" * 2048]
)
def test_a_part_is_opaque_text(part: str, alice: Client, acme: Any) -> None:
    work = alice.ok("works.create", {**least(alice), "applies_to_part": part})["work"]
    assert work["applies_to_part"] == {"type": "product", "display_id": part, "id": part}


@pytest.mark.parametrize("kind", ["issue", "task", "ticket"])
def test_other_works_are_not_permitted(kind: str, alice: Client, acme: Any) -> None:
    answer = alice.refused(
        "works.create", {**least(alice), "type": kind}, "value_not_permitted", "type"
    )
    assert answer.body["allowed_values"] == ["opportunity"]


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"type": "deal"}, "invalid_enum_value", "type"),
    ({"title": "\t"}, "value_not_permitted", "title"),
    ({"title": "x" * 257}, "value_not_permitted", "title"),
    ({"account": "ACC-99"}, "invalid_id", "account"),
    ({"account": "OPP-1"}, "unexpected_id_type", "account"),
    ({"owned_by": ["DEVU-99"]}, "invalid_id", "owned_by[0]"),
    ({"contacts": ["ACC-1"]}, "unexpected_id_type", "contacts[0]"),
    ({"reported_by": ["REVU-99"]}, "invalid_id", "reported_by[0]"),
    ({"target_close_date": "2025-01-01"}, "value_not_permitted", "target_close_date"),
    ({"value": {"amount": 5, "currency": "EUR"}}, "unexpected_json_type", "value.amount"),
    ({"value": {"amount": "5"}}, "missing_required_field", "value.currency"),
    ({"stage": {"stage": "1"}}, "invalid_field", "stage.stage"),
    ({"stage": "Won"}, "unexpected_json_type", "stage"),
    ({"body": "x" * 65_537}, "value_not_permitted", "body"),
    ({"applies_to_part": None}, "unexpected_json_type", "applies_to_part"),
    ({"tags": [{"id": "TAG-99"}]}, "invalid_id", "tags[0].id"),
]


@pytest.mark.parametrize(
    ("change", "type_", "field"),
    REFUSED,
    ids=[f"{field}-{n}" for n, (_, _, field) in enumerate(REFUSED)],
)
def test_what_is_wrong_is_named_and_nothing_is_written(
    change: dict[str, Any], type_: str, field: str, alice: Client, acme: Any
) -> None:
    alice.refused("works.create", {**least(alice), **change}, type_, field)


def test_another_org_s_account_is_no_account(alice: Client, charlie: Client) -> None:
    theirs = make_world(charlie)
    alice.refused("works.create", least(alice, theirs.account["id"]), "invalid_id", "account")


def test_a_list_is_filtered_by_what_opportunities_have(alice: Client, bob: Client) -> None:
    world = make_world(alice)
    first = alice.ok("works.get", {"id": world.opportunity["id"]})["work"]
    beta = alice.ok("accounts.create", {"display_name": "Beta"})["account"]
    second = bob.ok("works.create", {
        **least(bob, beta["id"]), "title": "Second", "external_ref": "sf-2", "contacts": [world.rev_user["id"]], "reported_by": [bob.user],
        "tags": [{"id": world.tag["id"]}], "target_close_date": "2025-01-01T00:00:00Z",
    })["work"]  # fmt: skip
    for request, found in (
        ({}, [second, first]),
        ({"type": ["opportunity"]}, [second, first]),
        ({"type": ["ticket"]}, []),
        ({"type": ["ticket", "opportunity"]}, [second, first]),
        ({"external_ref": ["sf-2"]}, [second]),
        ({"owned_by": [alice.user]}, [first]),
        ({"owned_by": [alice.user, bob.user]}, [second, first]),
        ({"reported_by": [bob.user]}, [second]),
        ({"created_by": [bob.user]}, [second]),
        ({"modified_by": [alice.user]}, [first]),
        ({"tags": [world.tag["id"]]}, [second]),
        ({"opportunity": {"account": [beta["id"]]}}, [second]),
        ({"opportunity": {"account": ["ACC-99"]}}, []),
        ({"opportunity": {"contacts": [world.rev_user["id"]]}}, [second]),
        ({"opportunity": {}}, [second, first]),
        ({"target_close_date": {"after": "2024-01-01T00:00:00Z"}}, [second]),
        ({"target_close_date": {"before": "9000-01-01T00:00:00Z"}}, [second]),
        ({"target_close_date": {"after": "2025-01-01T00:00:00Z"}}, []),
        ({"created_date": {"before": "2000-01-01T00:00:00Z"}}, []),
        ({"owned_by": [bob.user], "external_ref": ["sf-1"]}, []),
    ):
        assert alice.ok("works.list", request) == {"works": found}, request
    query = {"opportunity.account": f"{beta['id']},ACC-99"}
    assert alice.get("works.list", query).body == {"works": [second]}


def test_a_list_is_sorted_and_paged(alice: Client, acme: Any) -> None:
    for _ in range(5):
        alice.ok("works.create", least(alice))
    whole = alice.ok("works.list", {"sort_by": ["created_date:asc"]})["works"]
    assert [one["display_id"] for one in whole] == [f"OPP-{number}" for number in range(1, 6)]
    first = alice.ok("works.list", {"sort_by": ["created_date:asc"], "limit": 3})
    assert first["works"] == whole[:3]
    rest = alice.ok(
        "works.list", {"sort_by": ["created_date:asc"], "limit": 3, "cursor": first["next_cursor"]}
    )
    assert (rest["works"], "next_cursor" in rest) == (whole[3:], False)
    assert alice.ok("works.list")["works"] == whole[::-1]


def test_a_shown_engagement_names_its_opportunity(alice: Client) -> None:
    world = make_world(alice)
    shown = alice.ok("engagements.get", {"id": world.engagement["id"], "expand": ["parents"]})[
        "engagement"
    ]["parents"][1]
    assert shown == {
        "type": "opportunity",
        "display_id": "OPP-1",
        "id": world.opportunity["id"],
        "account": world.opportunity["account"],
        "owned_by": world.opportunity["owned_by"],
        "stage": world.opportunity["stage"],
        "title": "Deal",
    }
