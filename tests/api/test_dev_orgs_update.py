"""dev-orgs.update: an org gets another name, by its admins or by the operator."""

import pytest

from tests.support.server import Client, Server

pytestmark = pytest.mark.engines("sqlite", "postgres")


def test_a_name_is_changed_and_told(alice: Client, bob: Client, charlie: Client) -> None:
    before = alice.ok("dev-orgs.get")["dev_org"]
    assert "modified_by" not in before
    end = alice.feed_end()
    changed = alice.ok("dev-orgs.update", {"display_name": "Acme & Co"})["dev_org"]
    assert (changed["display_name"], changed["dev_slug"]) == ("Acme & Co", "acme-co")
    assert changed["modified_by"]["display_id"] == alice.user
    assert changed["modified_date"] > before["modified_date"] == before["created_date"]
    assert {name: changed[name] for name in ("id", "display_id", "created_date")} == {
        name: before[name] for name in ("id", "display_id", "created_date")
    }
    assert bob.ok("dev-orgs.get")["dev_org"] == changed
    (event,) = alice.feed(end, kinds=["dev_org"])
    assert (event["type"], event["object"]) == ("dev_org_updated", before["id"])
    assert event["dev_org_updated"] == {"dev_org": changed, "old_dev_org": before}
    assert charlie.ok("dev-orgs.get")["dev_org"]["display_name"] == "Charlie's"


def test_what_changes_nothing_is_no_change(alice: Client) -> None:
    alice.ok("dev-orgs.update", {"display_name": "Acme"})
    before, end = alice.ok("dev-orgs.get"), alice.feed_end()
    for request in ({}, {"display_name": "Acme"}):
        assert alice.ok("dev-orgs.update", request) == before
    assert alice.feed_end() == end


def test_what_breaks_a_rule_changes_nothing(alice: Client) -> None:
    method, field = "dev-orgs.update", "display_name"
    alice.refused(method, {field: " "}, "value_not_permitted", field)
    alice.refused(method, {field: "x" * 257}, "value_not_permitted", field)
    alice.refused(method, {field: None}, "unexpected_json_type", field)
    alice.refused(method, {"dev_slug": "x"}, "invalid_field", "dev_slug")


def test_only_admins_with_the_scope_rename(alice: Client, bob: Client) -> None:
    request = {"display_name": "Acme"}
    assert bob.call("dev-orgs.update", request).status == 403
    for scope, status in (("dev_org:read", 403), ("dev_org:write", 200)):
        admin = alice.server.make_user(alice, role="admin", scope=scope)
        assert admin.call("dev-orgs.update", request).status == status


def test_of_names_given_at_once_each_is_told_and_the_last_one_stands(alice: Client) -> None:
    end = alice.feed_end()
    alice.together([("dev-orgs.update", {"display_name": f"Name {n}"}) for n in range(12)])
    told = [event["dev_org_updated"] for event in alice.feed(end)]
    assert len(told) == 12
    names = [(one["old_dev_org"]["display_name"], one["dev_org"]["display_name"]) for one in told]
    assert [old for old, _ in names] == ["Alice's", *(new for _, new in names[:-1])]
    assert alice.ok("dev-orgs.get")["dev_org"]["display_name"] == names[-1][1]


def test_the_operator_renames_in_the_systems_name(server: Server, alice: Client) -> None:
    renamed = server.run("orgs rename", org=alice.org, name="Acme")["org"]
    assert (renamed["display_id"], renamed["name"]) == (alice.org, "Acme")
    found = alice.ok("dev-orgs.get")["dev_org"]
    assert (found["display_name"], found["modified_by"]["type"]) == ("Acme", "sys_user")
    said = server.run("orgs rename", org=alice.org, name=" ")
    assert said["error"].startswith("name: ' '")
    assert server.run("orgs rename", org="DEV-NONE", name="x")["error"] == (
        "there is no org 'DEV-NONE'"
    )


def test_strict_does_not_know_it(strict_server: Server) -> None:
    answer = strict_server.make_org().call("dev-orgs.update", {"display_name": "x"})
    assert (answer.status, answer.body["message"]) == (404, "route not found")
