"""dev-users.create, get, list and self."""

from typing import Any

import pytest

from tests.support.server import Client
from tests.support.world import make_world

pytestmark = pytest.mark.engines("sqlite", "postgres")


def test_a_dev_user_begins_as_a_shadow_and_may_be_named(alice: Client) -> None:
    request = {
        "email": "Dora@Example.com",
        "full_name": "Dora Doe",
        "display_name": "dora",
        "state": "shadow",
        "role": "viewer",
        "reports_to": alice.user,
        "custom_fields": {"desk": [4, None]},
    }
    answer = alice.call("dev-users.create", request)
    assert answer.status == 201
    user = answer.body["dev_user"]
    org = alice.org.removeprefix("DEV-")
    assert (user["id"], user["display_id"]) == (
        f"don:identity:dvrv-us-1:devo/{org}:devu/2",
        "DEVU-2",
    )
    for name in ("email", "full_name", "display_name", "state", "role", "custom_fields"):
        assert user[name] == request[name]
    assert (user["reports_to"]["type"], user["reports_to"]["display_id"]) == (
        "dev_user",
        alice.user,
    )
    assert user["created_by"]["display_id"] == alice.user
    assert alice.ok("dev-users.get", {"id": "devu-2"}) == {"dev_user": user}
    assert alice.engagement(members=[user["id"]])["members"] == [user["id"]]


def test_the_least_dev_user_is_a_member_named_by_the_email(alice: Client) -> None:
    user = alice.ok("dev-users.create", {"email": "eve@example.com", "state": "shadow"})["dev_user"]
    assert (user["role"], user["display_name"]) == ("member", "eve")
    assert "full_name" not in user


def test_self_is_the_token_s_owner_in_both_forms(alice: Client, bob: Client) -> None:
    for client in (alice, bob):
        me = client.ok("dev-users.self")["dev_user"]
        assert (me["display_id"], me["state"]) == (client.user, "active")
        assert client.get("dev-users.self").body == {"dev_user": me}
        assert client.ok("dev-users.get", {"id": client.user})["dev_user"] == me
    assert alice.ok("dev-users.self")["dev_user"]["role"] == "admin"
    assert bob.ok("dev-users.self")["dev_user"]["role"] == "member"


def test_an_email_is_unique_in_whatever_case(alice: Client, charlie: Client) -> None:
    first = alice.ok("dev-users.create", {"email": "Dora@Example.com", "state": "shadow"})[
        "dev_user"
    ]
    answer = alice.refused(
        "dev-users.create",
        {"email": "dora@example.COM", "state": "shadow"},
        "value_not_permitted",
        "email",
    )
    assert answer.body["existing_id"] == first["id"]
    assert (
        charlie.call("dev-users.create", {"email": "dora@example.com", "state": "shadow"}).status
        == 201
    )
    assert alice.call("rev-users.create", {"email": "dora@example.com"}).status == 201


def test_of_many_that_want_one_email_at_once_one_gets_it(alice: Client) -> None:
    answers = alice.together(
        [("dev-users.create", {"email": "dora@example.com", "state": "shadow"})] * 12
    )
    assert sorted(answer.status for answer in answers) == [201] + [400] * 11
    assert len(alice.ok("dev-users.list", {"email": ["dora@example.com"]})["dev_users"]) == 1


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"email": ""}, "value_not_permitted", "email"),
    ({"email": "dora"}, "value_not_permitted", "email"),
    ({"email": "dora@"}, "value_not_permitted", "email"),
    ({"email": "a@b@c"}, "value_not_permitted", "email"),
    ({"email": "a b@example.com"}, "value_not_permitted", "email"),
    ({"email": "dora@example.com\n"}, "value_not_permitted", "email"),
    ({"email": f"{'x' * 250}@example.com"}, "value_not_permitted", "email"),
    ({"state": "active"}, "invalid_enum_value", "state"),
    ({"role": "owner"}, "invalid_enum_value", "role"),
    ({"full_name": " "}, "value_not_permitted", "full_name"),
    ({"display_name": "x" * 257}, "value_not_permitted", "display_name"),
    ({"reports_to": "DEVU-99"}, "invalid_id", "reports_to"),
    ({"reports_to": "REVU-1"}, "unexpected_id_type", "reports_to"),
    ({"custom_fields": []}, "unexpected_json_type", "custom_fields"),
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
    alice.refused(
        "dev-users.create", {"email": "dora@example.com", "state": "shadow", **change}, type_, field
    )


def test_only_admins_make_dev_users(alice: Client, bob: Client) -> None:
    answer = bob.refused(
        "dev-users.create",
        {"email": "dora@example.com", "state": "shadow"},
        "forbidden",
        status=403,
    )
    assert "member" in answer.body["message"]


def test_a_list_is_filtered_sorted_and_paged(alice: Client, bob: Client) -> None:
    made = [
        alice.ok(
            "dev-users.create",
            {"email": f"{name}@example.com", "full_name": name, "state": "shadow"},
        )["dev_user"]
        for name in ("zoe", "Ann", "ann2")
    ]
    ids = [one["display_id"] for one in made]

    def found(**request: Any) -> list[str]:
        return [one["display_id"] for one in alice.ok("dev-users.list", request)["dev_users"]]

    assert found() == [*ids[::-1], bob.user, alice.user]
    assert found(state=["shadow"]) == ids[::-1]
    assert found(state=["active"]) == [bob.user, alice.user]
    assert found(state=["locked", "deleted"]) == []
    assert found(email=["ZOE@example.com", "ann@EXAMPLE.com"]) == [ids[1], ids[0]]
    assert found(email=["nobody@example.com"]) == []
    assert found(created_date={"before": "2000-01-01T00:00:00Z"}) == []
    assert found(state=["shadow"], sort_by=["email:asc"]) == [ids[1], ids[2], ids[0]]
    assert found(state=["shadow"], sort_by=["full_name:desc"]) == [ids[0], ids[2], ids[1]]
    assert found(sort_by=["created_date:asc"], limit=2) == [alice.user, bob.user]


def test_a_cursor_of_the_longest_names_is_taken_again(alice: Client) -> None:
    for number in range(2):
        wide = "\U0001f600" * 244
        request = {
            "email": f"{wide}{number}@example.co",
            "full_name": "\U0001f600" * 256,
            "display_name": "\U0001f600" * 256,
            "state": "shadow",
        }
        alice.ok("dev-users.create", request)
    asked: dict[str, Any] = {
        "sort_by": ["display_name:desc", "full_name:desc", "email:desc", "created_date:asc"],
        "limit": 1,
    }
    cursor = alice.ok("dev-users.list", asked)["next_cursor"]
    for page in (
        alice.ok("dev-users.list", {**asked, "cursor": cursor}),
        alice.get("dev-users.list", {**asked, "cursor": cursor}).body,
    ):
        assert len(page["dev_users"]) == 1
