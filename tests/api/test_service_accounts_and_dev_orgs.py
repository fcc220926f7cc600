"""service-accounts: programs that hold tokens and record engagements. dev-orgs: the caller's
own.
"""

import pytest

from tests.support.server import Client

pytestmark = pytest.mark.engines("sqlite", "postgres")


def test_a_service_account_is_made_found_and_renamed(
    alice: Client, bob: Client, charlie: Client
) -> None:
    made = alice.ok("service-accounts.create", {"display_name": "Import", "gen_keyring": True})[
        "service_account"
    ]
    assert (made["display_id"], made["display_name"], made["state"]) == (
        "SVCACC-1",
        "Import",
        "active",
    )
    assert bob.ok("service-accounts.get", {"id": "svcacc-1"})["service_account"] == made
    changed = alice.ok("service-accounts.update", {"id": made["id"], "display_name": "Nightly"})[
        "service_account"
    ]
    assert (changed["display_name"], changed["modified_date"] > made["modified_date"]) == (
        "Nightly",
        True,
    )
    assert alice.ok("service-accounts.update", {"id": made["id"]})["service_account"] == changed
    alice.refused(
        "service-accounts.create", {"display_name": " "}, "value_not_permitted", "display_name"
    )
    alice.refused(
        "service-accounts.update",
        {"id": made["id"], "display_name": None},
        "unexpected_json_type",
        "display_name",
    )
    for request in ({"id": "SVCACC-9"}, {"id": made["id"].replace("/1", "/2")}):
        alice.refused("service-accounts.get", request, "not_found", status=404)
        alice.refused("service-accounts.update", request, "not_found", status=404)
    charlie.refused("service-accounts.get", {"id": made["id"]}, "not_found", status=404)
    for verb, request in (("create", {"display_name": "x"}), ("update", {"id": "SVCACC-1"})):
        assert bob.call(f"service-accounts.{verb}", request).status == 403


def test_its_token_records_engagements_in_its_name(alice: Client) -> None:
    made = alice.ok("service-accounts.create", {"display_name": "Import"})["service_account"]
    token = alice.server.run("tokens create", user="SVCACC-1", org=alice.org)["token"]
    robot = Client(alice.server, token, made["id"], alice.org)
    recorded = robot.engagement()
    assert (recorded["created_by"]["type"], recorded["created_by"]["id"]) == (
        "service_account",
        made["id"],
    )
    assert recorded["members"] == [made["id"]]
    shown = alice.ok("engagements.get", {"id": recorded["id"], "expand": ["members"]})["engagement"]
    assert shown["members"][0]["display_name"] == "Import"
    for method in ("dev-users.self", "dev-users.self.update"):
        answer = robot.call(method)
        assert (answer.status, answer.type) == (400, "bad_request")
    assert robot.call("service-accounts.create", {"display_name": "x"}).status == 403
    limited = alice.server.run("tokens create", user="SVCACC-1", scope="tag:read", org=alice.org)[
        "token"
    ]
    assert Client(alice.server, limited).call("engagements.list").status == 403


def test_the_org_is_the_callers_own(alice: Client, charlie: Client) -> None:
    mine = alice.ok("dev-orgs.get")["dev_org"]
    assert (mine["display_id"], mine["display_name"], mine["dev_slug"]) == (
        alice.org,
        "Alice's",
        "alice-s",
    )
    assert alice.get("dev-orgs.get").body == {"dev_org": mine}
    assert charlie.ok("dev-orgs.get")["dev_org"]["id"] != mine["id"]
    assert alice.server.make_user(alice, scope="tag:all").call("dev-orgs.get").status == 403
