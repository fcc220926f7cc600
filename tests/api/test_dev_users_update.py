"""dev-users.update, self.update, activate and deactivate: who may do what, and who is out at
once.
"""

from typing import Any

import pytest

from tests.support.server import Client, Server

pytestmark = pytest.mark.engines("sqlite", "postgres")


def user(client: Client, email: str = "ada@example.com", **fields: Any) -> Any:
    return client.ok("dev-users.create", {"email": email, "state": "shadow", **fields})["dev_user"]


def update(client: Client, made: Any, **changes: Any) -> Any:
    return client.ok("dev-users.update", {"id": made["id"], **changes})["dev_user"]


JOB = {
    "title": "Engineer",
    "location": "Oslo",
    "is_current": True,
    "start_date": "2020-01-01T00:00:00.000Z",
}


@pytest.mark.parametrize(
    ("changes", "field", "after"),
    [
        ({"display_name": "Ada"}, "display_name", "Ada"),
        ({"full_name": "Ada King"}, "full_name", "Ada King"),
        ({"email": "ada.king@example.com"}, "email", "ada.king@example.com"),
        ({"email": "ADA@example.com"}, "email", "ADA@example.com"),
        ({"role": "viewer"}, "role", "viewer"),
        ({"job_title": "developer"}, "job_title", "developer"),
        ({"experience_start_date": "2010-01-01T00:00:00Z"}, "experience_start_date", "2010-01-01T00:00:00.000Z"),
        ({"job_history": [JOB]}, "job_history", [JOB]),
        ({"job_history": [{"employment_status": 2}]}, "job_history", [{"employment_status": {"id": 2, "label": "2", "ordinal": 2}}]),
        ({"custom_fields": {"b": 1}}, "custom_fields", {"a": 1, "b": 1}),
        ({"custom_schema_spec": {"subtype": "contractor"}}, "subtype", "contractor"),
    ],
)  # fmt: skip
def test_one_field_changes_and_the_rest_stays(
    alice: Client, changes: Any, field: str, after: Any
) -> None:
    made = user(alice, full_name="Ada Lovelace", reports_to=alice.user, custom_fields={"a": 1})
    changed = update(alice, made, **changes)
    assert changed[field] == after
    assert changed["modified_date"] > made["modified_date"]
    for other in {*made, *changed} - {field, "modified_date", "modified_by"}:
        assert changed[other] == made[other]
    assert update(alice, made, **changes) == changed
    assert alice.ok("dev-users.get", {"id": made["id"]})["dev_user"] == changed


def test_a_change_of_manager_and_of_name_shows_elsewhere(alice: Client, bob: Client) -> None:
    made = user(alice)
    assert update(alice, made, reports_to=bob.user)["reports_to"]["display_id"] == bob.user
    update(alice, {"id": bob.user}, full_name="Robert")
    assert (
        alice.ok("dev-users.get", {"id": made["id"]})["dev_user"]["reports_to"]["full_name"]
        == "Robert"
    )


def test_what_breaks_a_rule_changes_nothing(alice: Client, charlie: Client) -> None:
    id_ = user(alice)["id"]
    alice.refused("dev-users.update", {"id": "DEVU-999"}, "invalid_id", "id")
    charlie.refused("dev-users.update", {"id": id_, "role": "viewer"}, "invalid_id", "id")
    alice.refused("dev-users.update", {"id": id_, "role": "owner"}, "invalid_enum_value", "role")
    alice.refused(
        "dev-users.update", {"id": id_, "full_name": " "}, "value_not_permitted", "full_name"
    )
    alice.refused("dev-users.update", {"id": id_, "email": "b@c@d"}, "value_not_permitted", "email")
    alice.refused("dev-users.update", {"id": id_, "email": None}, "unexpected_json_type", "email")
    alice.refused(
        "dev-users.update", {"id": id_, "reports_to": "DEVU-999"}, "invalid_id", "reports_to"
    )
    alice.refused(
        "dev-users.update",
        {"id": id_, "display_picture": "ARTIFACT-9"},
        "invalid_id",
        "display_picture",
    )
    alice.refused(
        "dev-users.update",
        {"id": id_, "job_history": [{"start_date": "x"}]},
        "value_not_permitted",
        "job_history[0].start_date",
    )
    for method in ("dev-users.activate", "dev-users.deactivate"):
        alice.refused(method, {"id": "DEVU-999"}, "not_found", status=404)
        charlie.refused(method, {"id": id_}, "not_found", status=404)


def test_everybody_changes_themselves_and_only_admins_change_others(
    alice: Client, bob: Client
) -> None:
    changed = bob.ok("dev-users.self.update", {"display_name": "Bob", "job_title": "designer"})[
        "dev_user"
    ]
    assert (changed["display_id"], changed["display_name"]) == (bob.user, "Bob")
    assert bob.ok("dev-users.self")["dev_user"] == changed
    viewer = alice.server.make_user(alice, role="viewer", scope="tag:read")
    assert (
        viewer.ok("dev-users.self.update", {"full_name": "Vera"})["dev_user"]["full_name"] == "Vera"
    )
    assert bob.call("dev-users.self.update", {"role": "admin"}).type == "invalid_field"
    assert bob.call("dev-users.self.update", {"email": "b@c.d"}).type == "invalid_field"
    requests = {
        "update": {"id": bob.user, "role": "admin"},
        "activate": {"id": bob.user},
        "deactivate": {"id": alice.user},
    }
    for verb, request in requests.items():
        assert bob.call(f"dev-users.{verb}", request).status == 403


def test_a_deactivated_user_is_out_at_once_and_an_activated_one_in(
    alice: Client, bob: Client
) -> None:
    bob.engagement()
    assert alice.ok("dev-users.deactivate", {"id": bob.user}) == {}
    refused = bob.call("dev-users.self")
    assert (refused.status, refused.type) == (403, "forbidden")
    out = alice.ok("dev-users.get", {"id": bob.user})["dev_user"]
    assert out["state"] == "deactivated"
    assert alice.ok("dev-users.deactivate", {"id": bob.user}) == {}
    assert alice.ok("dev-users.get", {"id": bob.user})["dev_user"] == out
    shown = alice.ok("engagements.list")["engagements"][0]
    assert shown["created_by"]["state"] == "deactivated"
    answer = alice.ok("dev-users.activate", {"id": bob.user, "groups": ["don:core:group/1"]})
    assert (answer["invite_sent"], answer["dev_user"]["state"]) == (False, "active")
    assert alice.ok("dev-users.activate", {"id": bob.user})["dev_user"] == answer["dev_user"]
    assert bob.ok("dev-users.self")["dev_user"] == answer["dev_user"]


def test_a_new_role_counts_at_once(alice: Client, bob: Client) -> None:
    update(alice, {"id": bob.user}, role="viewer")
    assert bob.call("tags.create", {"name": "x"}).status == 403
    update(alice, {"id": bob.user}, role="admin")
    assert user(bob)["state"] == "shadow"


def test_filters_for_what_nobody_has_find_nobody(alice: Client) -> None:
    user(alice, custom_fields={"team": "core"})
    for nothing in (
        {"phone_numbers": ["1"]},
        {"timezone": ["Europe/Oslo"]},
        {"external_identity": [{"id": "1", "issuer": "x"}]},
    ):
        assert alice.ok("dev-users.list", nothing)["dev_users"] == []
    assert alice.get("dev-users.list", {"external_identity.id": "1"}).body == {"dev_users": []}
    assert (
        len(alice.ok("dev-users.list", {"external_identity": [{}], "timezone": []})["dev_users"])
        == 2
    )
    assert len(alice.ok("dev-users.list", {"custom_fields": {"team": "core"}})["dev_users"]) == 1
    assert (
        len(
            alice.ok("dev-users.list", {"created_date": {"preset_type": "last_n_days", "days": 1}})[
                "dev_users"
            ]
        )
        == 2
    )


def test_strict_takes_and_shows_only_what_is_devrevs(strict_server: Server) -> None:
    alice = strict_server.make_org()
    id_ = user(alice)["id"]
    for field in ("role", "display_picture", "email"):
        answer = alice.call("dev-users.update", {"id": id_, field: "viewer"})
        assert (answer.type, answer.body["field_name"]) == ("invalid_field", field)
    assert alice.ok("dev-users.activate", {"id": id_}) == {"invite_sent": False}
