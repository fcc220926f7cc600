"""Who gets in, and what they may do there."""

import pytest

from tests.support.server import Client, Server

pytestmark = pytest.mark.engines("sqlite")


def holding(client: Client, token: str) -> Client:
    return Client(client.server, token, client.user, client.org)


@pytest.mark.parametrize("form", ["Bearer {}", "bearer {}", "BEARER {}", "{}", "Bearer   {}"])
def test_a_token_comes_with_the_word_in_any_case_or_bare(form: str, alice: Client) -> None:
    assert alice.call("dev-users.self", {}, authorization=form.format(alice.token)).status == 200


def test_a_token_with_a_typo_is_malformed(alice: Client) -> None:
    swapped = alice.token[:-1] + ("a" if alice.token[-1] != "a" else "b")
    for token in (
        swapped,
        alice.token[:-1],
        alice.token + "x",
        alice.token.upper(),
        "rpt_",
        "x" * 10_000,
    ):
        answer = holding(alice, token).call("dev-users.self")
        assert (answer.status, answer.type) == (401, "unauthenticated")
        assert answer.body["detail"].startswith("malformed")


def test_a_revoked_token_is_refused_at_once(server: Server, alice: Client) -> None:
    made = server.run("tokens create", user=alice.user, org=alice.org)
    second = holding(alice, made["token"])
    assert second.call("dev-users.self").status == 200
    server.run("tokens revoke", token=made["display_id"], org=alice.org)
    answer = second.call("dev-users.self")
    assert (answer.status, answer.body["detail"].partition(":")[0]) == (401, "revoked")
    assert alice.call("dev-users.self").status == 200


def test_an_expired_token_is_refused(server: Server, alice: Client) -> None:
    made = server.run("tokens create", user=alice.user, org=alice.org, days=0)
    answer = holding(alice, made["token"]).call("dev-users.self")
    assert (answer.status, answer.body["detail"].partition(":")[0]) == (401, "expired")


def test_a_deactivated_user_is_kept_out_at_once_and_stays_named(
    server: Server, alice: Client, bob: Client
) -> None:
    made = bob.engagement()
    server.run("users deactivate", user=bob.user, org=alice.org)
    answer = bob.call("dev-users.self")
    assert (answer.status, answer.type) == (403, "forbidden")
    assert "deactivated" in answer.body["message"]
    author = alice.ok("engagements.get", {"id": made["id"]})["engagement"]["created_by"]
    assert (author["display_id"], author["state"]) == (bob.user, "deactivated")


def test_a_shadow_user_is_kept_out(server: Server, alice: Client) -> None:
    shadow = alice.ok("dev-users.create", {"email": "s@example.com", "state": "shadow"})[
        "dev_user"
    ]["display_id"]
    token = server.run("tokens create", user=shadow, org=alice.org)["token"]
    assert holding(alice, token).call("dev-users.self").status == 403


def test_a_viewer_reads_and_does_not_write(server: Server, alice: Client) -> None:
    viewer = server.make_user(alice, role="viewer")
    made = alice.engagement()
    assert viewer.call("engagements.get", {"id": made["id"]}).status == 200
    request = {"members": [viewer.user], "scheduled_date": "2023-01-01T12:00:00Z", "title": "x"}
    answer = viewer.call("engagements.create", request)
    assert (answer.status, answer.type) == (403, "forbidden")
    assert "viewer" in answer.body["message"]
    for method, change in (("update", {"title": "y"}), ("delete", {})):
        assert viewer.call(f"engagements.{method}", {"id": made["id"], **change}).status == 403
    assert alice.ok("engagements.get", {"id": made["id"]})["engagement"] == made


def test_a_member_writes_and_deletes_records_but_makes_no_users(alice: Client, bob: Client) -> None:
    made = bob.engagement()
    assert bob.call("engagements.delete", {"id": made["id"]}).status == 200
    assert bob.call("dev-users.create", {"email": "n@example.com", "state": "shadow"}).status == 403
    assert bob.call("dev-users.list").status == 200
    assert (
        alice.call("dev-users.create", {"email": "n@example.com", "state": "shadow"}).status == 201
    )


def test_a_new_role_counts_from_the_next_request_on(
    server: Server, alice: Client, bob: Client
) -> None:
    server.run("users role", user=bob.user, role="viewer", org=alice.org)
    assert bob.call("tags.create", {"name": "x"}).status == 403
    server.run("users role", user=bob.user, role="admin", org=alice.org)
    assert bob.call("dev-users.create", {"email": "n@example.com", "state": "shadow"}).status == 201


@pytest.mark.parametrize(
    ("scope", "reads", "writes", "deletes"),
    [
        ("engagement:read", True, False, False),
        ("engagement:write", True, True, False),
        ("engagement:all", True, True, True),
        ("read", True, False, False),
        ("write", True, True, False),
        ("all", True, True, True),
        ("tag:read engagement:read", True, False, False),
        ("account:all", False, False, False),
    ],
)
def test_a_token_may_do_what_its_scope_says(
    scope: str, reads: bool, writes: bool, deletes: bool, server: Server, alice: Client
) -> None:
    made = alice.engagement()
    token = server.make_user(alice, scope=scope)
    allowed = {True: 200, False: 403}
    assert token.call("engagements.get", {"id": made["id"]}).status == allowed[reads]
    assert (
        token.call("engagements.update", {"id": made["id"], "title": "New"}).status
        == allowed[writes]
    )
    assert token.call("engagements.delete", {"id": made["id"]}).status == allowed[deletes]
    assert token.call("dev-users.self").status == 200


def test_nothing_of_another_org_is_seen_counted_or_changed(alice: Client, charlie: Client) -> None:
    made = alice.engagement(external_ref="crm-1")
    assert charlie.ok("engagements.list")["engagements"] == []
    assert charlie.ok("engagements.count", {"external_ref": ["crm-1"]}) == {"count": 0}
    assert charlie.ok("engagements.count", {"created_by": [made["created_by"]["id"]]}) == {
        "count": 0
    }
    assert charlie.ok("engagements.list", {"members": [made["members"][0]]})["engagements"] == []
    for method in ("get", "update", "delete"):
        assert charlie.call(f"engagements.{method}", {"id": made["id"]}).status == 404
    assert charlie.engagement(external_ref="crm-1")["display_id"] == "ENGAGEMENT-1"
    assert alice.ok("engagements.get", {"id": made["id"]})["engagement"] == made
