"""rev-users.create, get and list."""

from typing import Any

import pytest

from tests.support.server import Client
from tests.support.world import make_world

pytestmark = pytest.mark.engines("sqlite", "postgres")


def test_a_rev_user_joins_the_default_rev_org_of_their_account(alice: Client) -> None:
    made = alice.ok("accounts.create", {"display_name": "Acme"})
    account, rev_org = made["account"], made["default_rev_org"]
    answer = alice.call(
        "rev-users.create", {"display_name": "Rita", "account": account["display_id"]}
    )
    assert answer.status == 201
    user = answer.body["rev_user"]
    org = alice.org.removeprefix("DEV-")
    assert (user["id"], user["display_id"]) == (
        f"don:identity:dvrv-us-1:devo/{org}:revu/1",
        "REVU-1",
    )
    assert (user["display_name"], user["state"], user["is_verified"]) == ("Rita", "active", False)
    assert user["rev_org"] == {
        "type": "rev_org",
        "display_id": "REV-1",
        "id": rev_org["id"],
        "display_name": "Acme",
    }
    direct = alice.ok("rev-users.create", {"display_name": "Rolf", "rev_org": rev_org["id"]})[
        "rev_user"
    ]
    assert direct["rev_org"] == user["rev_org"]
    assert alice.ok("rev-users.get", {"id": "revu-1"}) == {"rev_user": user}
    assert alice.ok("rev-users.list", {"rev_org": ["rev-1"]})["rev_users"] == [direct, user]


def test_all_that_is_written_comes_back(alice: Client) -> None:
    tag = alice.ok("tags.create", {"name": "vip", "allowed_values": ["1"]})["tag"]
    request = {
        "display_name": "Rita",
        "email": "Rita@Acme.example",
        "description": "Decides",
        "external_ref": "crm-r1",
        "external_refs": ["a", "b", "a"],
        "phone_numbers": ["+49 30 1"],
        "custom_fields": {"x": {"y": [None]}},
        "tags": [{"id": tag["id"], "value": "1"}],
    }
    user = alice.ok("rev-users.create", request)["rev_user"]
    for name in (
        "display_name",
        "email",
        "description",
        "external_ref",
        "phone_numbers",
        "custom_fields",
    ):
        assert user[name] == request[name]
    assert user["external_refs"] == ["a", "b"]
    assert (user["tags"][0]["tag"]["id"], user["tags"][0]["value"]) == (tag["id"], "1")
    assert alice.ok("rev-users.get", {"id": user["id"]})["rev_user"] == user
    assert alice.ok("rev-users.list")["rev_users"] == [user]


def test_nothing_is_required(alice: Client) -> None:
    user = alice.ok("rev-users.create")["rev_user"]
    assert not {"display_name", "email", "rev_org", "external_ref", "tags"} & {*user}
    assert alice.engagement(members=[user["id"]])["members"] == [user["id"]]


def test_an_external_ref_is_unique_among_the_org_s_rev_users(
    alice: Client, charlie: Client
) -> None:
    alice.ok("rev-users.create", {"external_ref": "crm-r1"})
    answer = alice.refused(
        "rev-users.create",
        {"external_ref": "crm-r1", "display_name": "Second"},
        "conflict",
        status=409,
    )
    assert "external_ref" in answer.body["message"]
    assert charlie.call("rev-users.create", {"external_ref": "crm-r1"}).status == 201
    assert alice.call("rev-users.create", {"external_ref": "CRM-R1"}).status == 201
    assert alice.engagement(external_ref="crm-r1")["external_ref"] == "crm-r1"


def test_emails_are_not_unique(alice: Client) -> None:
    made = [
        alice.ok("rev-users.create", {"email": email})["rev_user"]
        for email in ("r@acme.example", "R@acme.example")
    ]
    assert alice.ok("rev-users.list", {"email": ["r@ACME.example"]})["rev_users"] == made[::-1]


def test_of_many_that_want_one_external_ref_at_once_one_gets_it(alice: Client) -> None:
    answers = alice.together([("rev-users.create", {"external_ref": "crm-r1"})] * 12)
    assert sorted(answer.status for answer in answers) == [201] + [409] * 11
    assert len(alice.ok("rev-users.list")["rev_users"]) == 1


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"email": "rita"}, "value_not_permitted", "email"),
    ({"display_name": " "}, "value_not_permitted", "display_name"),
    ({"external_ref": ""}, "value_not_permitted", "external_ref"),
    ({"external_ref": "x" * 513}, "value_not_permitted", "external_ref"),
    ({"account": "ACC-99"}, "invalid_id", "account"),
    ({"account": "REV-1"}, "unexpected_id_type", "account"),
    ({"rev_org": "REV-99"}, "invalid_id", "rev_org"),
    ({"rev_org": "ACC-1"}, "unexpected_id_type", "rev_org"),
    ({"phone_numbers": ["1"] * 201}, "value_not_permitted", "phone_numbers"),
    ({"phone_numbers": "1"}, "unexpected_json_type", "phone_numbers"),
    ({"tags": [{"id": "TAG-1", "value": "huge"}]}, "value_not_permitted", "tags[0].value"),
    ({"custom_fields": {"x": "x" * 65_536}}, "value_not_permitted", "custom_fields"),
    ({"is_verified": True}, "invalid_field", "is_verified"),
    ({"state": "active"}, "invalid_field", "state"),
]


@pytest.mark.parametrize(
    ("change", "type_", "field"),
    REFUSED,
    ids=[f"{field}-{n}" for n, (_, _, field) in enumerate(REFUSED)],
)
def test_what_is_wrong_is_named_and_nothing_is_written(
    change: dict[str, Any], type_: str, field: str, alice: Client
) -> None:
    make_world(alice)
    alice.refused("rev-users.create", {"display_name": "Second", **change}, type_, field)


def test_another_org_s_account_rev_org_and_tag_are_no_references(
    alice: Client, charlie: Client
) -> None:
    theirs = make_world(charlie)
    for name, value, path in (
        ("account", theirs.account["id"], "account"),
        ("rev_org", theirs.rev_user["rev_org"]["id"], "rev_org"),
        ("tags", [{"id": theirs.tag["id"]}], "tags[0].id"),
    ):
        alice.refused("rev-users.create", {"display_name": "x", name: value}, "invalid_id", path)


def test_a_list_is_filtered_sorted_and_paged(alice: Client, bob: Client) -> None:
    tag = alice.ok("tags.create", {"name": "vip"})["tag"]
    first = alice.ok("rev-users.create", {
        "display_name": "b", "email": "b@acme.example", "external_ref": "r1", "external_refs": ["x", "y"], "phone_numbers": ["+1", "+2"],
        "tags": [{"id": tag["id"]}],
    })["rev_user"]  # fmt: skip
    second = bob.ok("rev-users.create", {"display_name": "a", "external_refs": ["z"]})["rev_user"]
    for request, found in (
        ({"email": ["b@acme.example"]}, [first]),
        ({"external_ref": ["r1", "r2"]}, [first]),
        ({"external_refs": ["y"]}, [first]),
        ({"external_refs": ["y", "z"]}, [second, first]),
        ({"phone_numbers": ["+2"]}, [first]),
        ({"tags": [tag["id"]]}, [first]),
        ({"created_by": [bob.user]}, [second]),
        ({"is_verified": False}, [second, first]),
        ({"is_verified": True}, []),
        ({"rev_org": ["REV-99"]}, []),
        ({"created_date": {"after": "2100-01-01T00:00:00Z"}}, []),
        ({"external_ref": ["r1"], "created_by": [bob.user]}, []),
        ({"sort_by": ["display_name:asc"]}, [second, first]),
        ({"sort_by": ["display_name:desc"]}, [first, second]),
        ({"sort_by": ["email:asc"]}, [second, first]),
    ):
        assert alice.ok("rev-users.list", request) == {"rev_users": found}, request
    page = alice.ok("rev-users.list", {"sort_by": ["email:asc"], "limit": 1})
    assert page["rev_users"] == [second]
    assert alice.ok("rev-users.list", {"sort_by": ["email:asc"], "cursor": page["next_cursor"]})[
        "rev_users"
    ] == [first]


def test_a_shown_engagement_names_its_rev_user(alice: Client) -> None:
    world = make_world(alice)
    shown = alice.ok("engagements.get", {"id": world.engagement["id"], "expand": ["members"]})[
        "engagement"
    ]["members"][1]
    assert shown == {
        "type": "rev_user",
        "display_id": "REVU-1",
        "id": world.rev_user["id"],
        "display_name": "Rita",
        "email": "rita@acme.example",
        "state": "active",
        "rev_org": world.rev_user["rev_org"],
    }
