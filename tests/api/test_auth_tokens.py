"""Tokens over HTTP: making, seeing, revoking them, and what they grant."""

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from rapport.contract.table import METHODS
from tests.support.server import Answer, Client, Server

pytestmark = pytest.mark.engines("sqlite", "postgres")

DAY = 86_400
PAT = "urn:devrev:params:oauth:token-type:pat"
AAT = "urn:devrev:params:oauth:token-type:aat"
ISSUE = "urn:devrev:params:oauth:grant-type:token-issue"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


def make(client: Client, **request: Any) -> tuple[Client, str]:
    """A new token: its client, and its id."""
    made = client.ok("auth-tokens.create", request)
    return Client(client.server, made["access_token"], client.user, client.org), made["token_id"]


def service_account(client: Client) -> str:
    """A new service account of the client's org."""
    made = client.ok("service-accounts.create", {"display_name": "Exporter"})["service_account"]
    return str(made["display_id"])


def refused(answer: Answer, status: int, type_: str, field: str | None = None) -> Answer:
    assert (answer.status, answer.type) == (status, type_), answer
    if field is not None:
        assert answer.body["field_name"] == field, answer
    return answer


# Making


def test_a_token_of_ones_own_works_and_says_how_long(bob: Client) -> None:
    made = bob.ok(
        "auth-tokens.create",
        {"grant_type": ISSUE, "requested_token_type": PAT, "expires_in": 30, "token_hint": "CI"},
    )
    assert made["token_type"] == "bearer"
    assert made["expires_in"] == 30 * DAY
    assert "scope" not in made
    own = Client(bob.server, made["access_token"])
    assert own.ok("dev-users.self")["dev_user"]["display_id"] == bob.user
    token = own.ok("auth-tokens.get", {"token_id": made["token_id"]})["token"]
    assert token["token_hint"] == "CI"
    assert token["requested_token_type"] == PAT
    assert token["status"] == "active"
    assert token["subject"].endswith(f"devu/{bob.user.removeprefix('DEVU-')}")
    assert token["created_by"]["display_id"] == bob.user
    assert token["issued_at"] == token["created_date"] == token["modified_date"]
    assert made["access_token"] not in str(token)


@pytest.mark.parametrize(
    ("life", "seconds"),
    [
        ({}, 1825 * DAY),
        ({"expires_in": 1}, DAY),
        ({"expires_in_mins": 90}, 5400),
        ({"expires_in": 1825}, 1825 * DAY),
    ],
)
def test_a_life_is_given_in_days_or_minutes_and_told_in_seconds(
    bob: Client, life: Any, seconds: int
) -> None:
    assert bob.ok("auth-tokens.create", life)["expires_in"] == seconds


def test_a_life_may_end_at_a_date(bob: Client) -> None:
    ends = time.time() + 1000
    written = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ends))
    made = bob.ok("auth-tokens.create", {"expires_at": written})
    assert 990 <= made["expires_in"] <= 1000
    token = bob.ok("auth-tokens.get", {"token_id": made["token_id"]})["token"]
    assert token["expires_at"] == written.replace("Z", ".000Z")


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({"expires_in": 1826}, "expires_in"),
        ({"expires_in": -1}, "expires_in"),
        ({"expires_in_mins": 1441}, "expires_in_mins"),
        ({"expires_in": 1, "expires_in_mins": 1}, "expires_in_mins"),
        ({"expires_at": "2001-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "2999-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "tomorrow"}, "expires_at"),
        ({"expires_at": "2999-01-01T00:00:00Z", "expires_in": 1}, "expires_at"),
        ({"grant_type": EXCHANGE}, "grant_type"),
        ({"requested_token_type": AAT}, "requested_token_type"),
        (
            {"requested_token_type": "urn:devrev:params:oauth:token-type:session:rev"},
            "requested_token_type",
        ),
        ({"requested_token_type": f"{PAT}:act-as"}, "requested_token_type"),
        ({"subject_token": "abc"}, "subject_token"),
        (
            {"subject_token_type": "urn:devrev:params:oauth:token-type:session"},
            "subject_token_type",
        ),
        ({"rev_info": {"user_ref": "x"}}, "rev_info"),
        ({"aud": ["x"]}, "aud"),
        ({"scope": "engagement:write unicorn:read"}, "scope"),
        ({"scope": "engagement"}, "scope"),
        ({"scope": "engagement:admin"}, "scope"),
        ({"scope": ":read"}, "scope"),
        ({"scope": " "}, "scope"),
        ({"token_hint": "x" * 257}, "token_hint"),
    ],
)
def test_what_a_token_can_not_be_is_refused_by_name(bob: Client, request_: Any, field: str) -> None:
    refused(bob.call("auth-tokens.create", request_), 400, "value_not_permitted", field)


def test_all_that_is_wrong_is_told_at_once_in_the_contracts_order(alice: Client) -> None:
    request = {
        "scope": "x:read",
        "rev_info": {},
        "act_as": "DEVU-999",
        "expires_in": 1,
        "expires_in_mins": 1,
    }
    answer = refused(alice.call("auth-tokens.create", request), 400, "invalid_id", "act_as")
    assert [one["field_name"] for one in answer.body["violations"]] == [
        "act_as",
        "expires_in_mins",
        "rev_info",
        "scope",
    ]


def test_a_secret_that_was_sent_is_not_repeated(bob: Client) -> None:
    answer = bob.call("auth-tokens.create", {"subject_token": bob.token})
    assert bob.token not in str(answer.body)


def test_types_that_are_none_are_no_values(bob: Client) -> None:
    for field in ("grant_type", "requested_token_type", "subject_token_type"):
        refused(bob.call("auth-tokens.create", {field: "pat"}), 400, "invalid_enum_value", field)
    refused(
        bob.call("auth-tokens.create", {"act_as": "REVU-1"}), 400, "unexpected_id_type", "act_as"
    )


# Scopes and roles


def test_a_token_has_the_scopes_that_were_asked_for(bob: Client) -> None:
    made = bob.ok("auth-tokens.create", {"scope": "engagement:read  tag:read engagement:read"})
    assert made["scope"] == "engagement:read tag:read"
    narrow = Client(bob.server, made["access_token"], bob.user)
    assert narrow.call("engagements.list").status == 200
    answer = refused(narrow.call("accounts.list"), 403, "forbidden")
    assert "account:read" in answer.body["message"]
    refused(narrow.call("auth-tokens.list"), 403, "forbidden")
    token = bob.ok("auth-tokens.get", {"token_id": made["token_id"]})["token"]
    assert token["scopes"] == ["engagement:read", "tag:read"]


def test_a_level_alone_means_every_family(bob: Client) -> None:
    reader, _ = make(bob, scope="read")
    assert reader.call("engagements.list").status == reader.call("auth-tokens.list").status == 200
    refused(reader.call("tags.create", {"name": "x"}), 403, "forbidden")


@pytest.mark.parametrize(
    "method", [pytest.param(one, id=one.name) for one in METHODS.values() if one.scope]
)
def test_every_methods_scope_can_be_asked_for(alice: Client, method: Any) -> None:
    assert alice.ok("auth-tokens.create", {"scope": method.scope})["scope"] == method.scope


def test_a_token_never_grants_more_than_its_maker(bob: Client) -> None:
    maker, _ = make(bob, scope="auth_token:write engagement:read")
    for scope in ("engagement:write", "tag:read", "auth_token:all", "read", "engagement:read all"):
        answer = refused(maker.call("auth-tokens.create", {"scope": scope}), 403, "forbidden")
        assert scope.split()[-1] in answer.body["message"]
    assert (
        maker.ok("auth-tokens.create", {"scope": "engagement:read"})["scope"] == "engagement:read"
    )
    assert maker.ok("auth-tokens.create")["scope"] == "auth_token:write engagement:read"


def test_a_level_alone_makes_tokens_up_to_it(bob: Client) -> None:
    maker, _ = make(bob, scope="write")
    for scope in ("engagement:write", "read", "write", "tag:read"):
        assert maker.ok("auth-tokens.create", {"scope": scope})["scope"] == scope
    refused(maker.call("auth-tokens.create", {"scope": "all"}), 403, "forbidden")


def test_a_viewer_makes_no_tokens_but_may_drop_the_own_one(server: Server, alice: Client) -> None:
    viewer = server.make_user(alice, role="viewer")
    refused(viewer.call("auth-tokens.create"), 403, "forbidden")
    assert viewer.ok("auth-tokens.info")["user"]["display_id"] == viewer.user
    assert len(viewer.ok("auth-tokens.list")["tokens"]) == 1
    assert viewer.ok("auth-tokens.self.delete") == {}
    refused(viewer.call("auth-tokens.info"), 401, "unauthenticated")


# Others' tokens


def test_an_admin_makes_a_token_that_acts_as_another(alice: Client, bob: Client) -> None:
    made = alice.ok(
        "auth-tokens.create", {"act_as": bob.user, "requested_token_type": f"{PAT}:act-as"}
    )
    acting = Client(alice.server, made["access_token"])
    assert acting.ok("dev-users.self")["dev_user"]["display_id"] == bob.user
    token = bob.ok("auth-tokens.get", {"token_id": made["token_id"]})["token"]
    assert token["created_by"]["display_id"] == alice.user
    assert token["requested_token_type"] == f"{PAT}:act-as"
    refused(
        acting.call("dev-users.create", {"email": "x@example.com", "state": "shadow"}),
        403,
        "forbidden",
    )


def test_a_scoped_admins_token_acts_as_another_within_its_scopes_only(
    alice: Client, bob: Client
) -> None:
    maker, _ = make(alice, scope="auth_token:write tag:read")
    made = maker.ok("auth-tokens.create", {"act_as": bob.user})
    assert made["scope"] == "auth_token:write tag:read"
    refused(
        maker.call("auth-tokens.create", {"act_as": bob.user, "scope": "all"}), 403, "forbidden"
    )


def test_a_member_acts_as_nobody_else(bob: Client, alice: Client) -> None:
    refused(bob.call("auth-tokens.create", {"act_as": alice.user}), 403, "forbidden")
    refused(bob.call("auth-tokens.create", {"act_as": "DEVU-99999"}), 403, "forbidden")
    assert bob.call("auth-tokens.create", {"act_as": bob.user}).status == 201


def test_another_orgs_users_can_not_be_acted_as(alice: Client, charlie: Client) -> None:
    theirs = charlie.ok("dev-users.self")["dev_user"]["id"]
    refused(alice.call("auth-tokens.create", {"act_as": theirs}), 400, "invalid_id", "act_as")
    assert alice.ok("auth-tokens.list", {"subject": theirs}) == {"tokens": []}


def test_a_service_account_holds_tokens(alice: Client, bob: Client) -> None:
    bot = service_account(alice)
    made = alice.ok(
        "auth-tokens.create", {"act_as": bot, "scope": "auth_token:all engagement:write"}
    )
    assert made["client_id"]
    works = Client(alice.server, made["access_token"], bot)
    engagement = works.engagement()
    assert engagement["created_by"]["type"] == "service_account"
    info = works.ok("auth-tokens.info")
    assert (info["user"]["type"], info["user"]["display_id"]) == ("service_account", bot)
    rotated = works.ok("auth-tokens.create", {"client_id": "exporter"})
    assert rotated["client_id"] == "exporter"
    types = {one["requested_token_type"] for one in works.ok("auth-tokens.list")["tokens"]}
    assert types == {AAT}
    found = alice.ok("auth-tokens.list", {"subject": bot, "client_id": "exporter"})["tokens"]
    assert [one["id"] for one in found] == [rotated["token_id"]]
    refused(bob.call("auth-tokens.create", {"act_as": bot}), 403, "forbidden")
    refused(
        alice.call("auth-tokens.create", {"act_as": bot, "requested_token_type": PAT}),
        400,
        "value_not_permitted",
    )


def test_the_command_line_makes_service_accounts_tokens(alice: Client) -> None:
    bot = service_account(alice)
    made = alice.server.run("tokens create", user=bot, scope="engagement:read", org=alice.org)
    assert Client(alice.server, made["token"]).call("engagements.list").status == 200
    listed = alice.server.run("tokens list", user=bot, org=alice.org)["tokens"]
    assert [one["display_id"] for one in listed] == [made["display_id"]]
    assert (
        "no scope"
        in alice.server.run("tokens create", user=bot, scope="unicorn:read", org=alice.org)["error"]
    )


def test_the_command_line_takes_no_ids_of_other_orgs(alice: Client, charlie: Client) -> None:
    theirs = charlie.ok("dev-users.self")["dev_user"]["id"]
    assert "error" in alice.server.run("users deactivate", user=theirs, org=alice.org)
    token = charlie.ok("auth-tokens.list")["tokens"][0]["id"]
    assert "error" in alice.server.run("tokens revoke", token=token, org=alice.org)


def test_members_see_and_manage_their_own_tokens_only(alice: Client, bob: Client) -> None:
    hers = alice.ok("auth-tokens.list")["tokens"][0]["id"]
    absent = bob.call("auth-tokens.get", {"token_id": "TOKEN-99999"})
    for method, more in (("get", {}), ("update", {"token_hint": "x"}), ("delete", {})):
        answer = refused(
            bob.call(f"auth-tokens.{method}", {"token_id": hers, **more}), 404, "not_found"
        )
        assert answer.body["message"].replace(hers, "TOKEN-99999") == absent.body["message"]
    assert bob.ok("auth-tokens.list", {"subject": alice.user}) == {"tokens": []}
    his = bob.ok("auth-tokens.list", {"subject": bob.user})["tokens"]
    assert alice.ok("auth-tokens.list", {"subject": bob.user})["tokens"] == his


def test_another_orgs_tokens_answer_as_absent(alice: Client, charlie: Client) -> None:
    hers = alice.ok("auth-tokens.list")["tokens"][0]["id"]
    for method, more in (("get", {}), ("update", {"token_hint": "x"}), ("delete", {})):
        refused(charlie.call(f"auth-tokens.{method}", {"token_id": hers, **more}), 404, "not_found")


# Seeing


def test_the_list_is_the_callers_own_newest_first_and_can_be_narrowed(bob: Client) -> None:
    _, first = make(bob, client_id="a")
    _, second = make(bob, client_id="b")
    tokens = bob.ok("auth-tokens.list")["tokens"]
    assert [one["id"] for one in tokens][:2] == [second, first]
    assert len(tokens) == 3
    assert [one["id"] for one in bob.ok("auth-tokens.list", {"client_id": "a"})["tokens"]] == [
        first
    ]
    assert bob.ok("auth-tokens.list", {"requested_token_type": AAT}) == {"tokens": []}
    assert bob.ok("auth-tokens.list", {"subject": "DEVU-99999"}) == {"tokens": []}
    assert bob.get("auth-tokens.list", {"client_id": "a"}).body == bob.ok(
        "auth-tokens.list", {"client_id": "a"}
    )


def test_info_is_about_the_token_in_use(bob: Client) -> None:
    token, token_id = make(bob, expires_in=2, scope="tag:read")
    info = token.ok("auth-tokens.info")
    assert info == token.get("auth-tokens.info").body
    assert info["organization"] == {
        "display_id": bob.org,
        "id": f"don:identity:dvrv-us-1:devo/{bob.org[4:]}",
    }
    assert info["user"]["type"] == "dev_user"
    assert info["user"]["email"] == bob.ok("dev-users.self")["dev_user"]["email"]
    assert info["token"]["subject"] == info["user"]["id"]
    assert info["token"]["expiry"] - info["token"]["issued_at"] == 2 * DAY
    refused(
        token.call("auth-tokens.info", {"token_id": token_id}), 400, "invalid_field", "token_id"
    )


def test_the_command_line_has_no_token_in_use(alice: Client) -> None:
    for method in ("info", "delete", "self.delete"):
        answer = alice.server.run("call", method=f"auth-tokens.{method}", body="{}", org=alice.org)
        assert answer["status"] == 404


def test_a_hint_can_be_changed_and_taken_away(alice: Client, bob: Client) -> None:
    _, token_id = make(bob, token_hint="old")
    before = bob.ok("auth-tokens.get", {"token_id": token_id})["token"]
    same = bob.ok("auth-tokens.update", {"token_id": token_id, "token_hint": "old"})["token"]
    assert same == before
    after = alice.ok("auth-tokens.update", {"token_id": token_id, "token_hint": "new"})["token"]
    assert after["token_hint"] == "new"
    assert after["modified_by"]["display_id"] == alice.user
    assert after["modified_date"] > before["modified_date"]
    assert (
        "token_hint"
        not in bob.ok("auth-tokens.update", {"token_id": token_id, "token_hint": ""})["token"]
    )
    refused(
        bob.call("auth-tokens.update", {"token_id": token_id}),
        400,
        "missing_required_field",
        "token_hint",
    )


# Ending


def test_a_revoked_token_is_refused_the_moment_after(bob: Client) -> None:
    token_id = ""
    for _ in range(20):
        token, token_id = make(bob)
        assert token.call("auth-tokens.info").status == 200
        assert bob.ok("auth-tokens.delete", {"token_id": token_id}) == {}
        answer = refused(token.call("auth-tokens.info"), 401, "unauthenticated")
        assert answer.body["detail"].startswith("revoked")
    gone = bob.ok("auth-tokens.get", {"token_id": token_id})["token"]
    assert gone["status"] == "revoked"
    refused(bob.call("auth-tokens.delete", {"token_id": token_id}), 404, "not_found")


def test_an_admin_revokes_anybodys(alice: Client, bob: Client) -> None:
    token, token_id = make(bob)
    alice.ok("auth-tokens.delete", {"token_id": token_id})
    refused(token.call("auth-tokens.info"), 401, "unauthenticated")
    seen = bob.ok("auth-tokens.get", {"token_id": token_id})["token"]
    assert seen["modified_by"]["display_id"] == alice.user


def test_without_an_id_the_token_in_use_goes(bob: Client) -> None:
    token, token_id = make(bob)
    token.ok("auth-tokens.delete")
    assert bob.ok("auth-tokens.get", {"token_id": token_id})["token"]["status"] == "revoked"
    refused(token.call("auth-tokens.info"), 401, "unauthenticated")


def test_self_delete_takes_the_token_in_use_or_all_of_a_type(alice: Client, bob: Client) -> None:
    first, _ = make(bob, scope="tag:read")
    second, _ = make(bob)
    first.ok("auth-tokens.self.delete")
    refused(first.call("auth-tokens.info"), 401, "unauthenticated")
    second.ok("auth-tokens.self.delete", {"requested_token_type": AAT})
    assert second.call("auth-tokens.info").status == 200
    second.ok("auth-tokens.self.delete", {"requested_token_type": PAT})
    for token in (second, bob):
        refused(token.call("auth-tokens.info"), 401, "unauthenticated")
    assert alice.call("auth-tokens.info").status == 200


def test_one_of_several_that_revoke_a_token_succeeds(bob: Client) -> None:
    _, token_id = make(bob)
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(
                lambda _: bob.call("auth-tokens.delete", {"token_id": token_id}).status, range(8)
            )
        )
    assert sorted(answers) == [200] + [404] * 7


def test_a_token_that_is_being_revoked_leaves_no_other_behind(bob: Client) -> None:
    for _ in range(5):
        token, token_id = make(bob)
        with ThreadPoolExecutor(9) as pool:
            made = [pool.submit(token.call, "auth-tokens.create") for _ in range(8)]
            pool.submit(bob.ok, "auth-tokens.delete", {"token_id": token_id}).result()
            after = token.call("auth-tokens.create")
        assert {one.result().status for one in made} <= {201, 401}
        assert after.status == 401


def test_an_expired_token_is_refused_and_says_so(bob: Client) -> None:
    token, token_id = make(bob, expires_in_mins=0)
    answer = refused(token.call("auth-tokens.info"), 401, "unauthenticated")
    assert answer.body["detail"].startswith("expired")
    assert bob.ok("auth-tokens.get", {"token_id": token_id})["token"]["status"] == "expired"
    bob.ok("auth-tokens.delete", {"token_id": token_id})


def test_what_is_no_token_says_missing_or_malformed(bob: Client) -> None:
    broken = bob.token[:-1] + ("a" if bob.token[-1] != "a" else "b")
    for sent, why in (
        ("", "missing"),
        (broken, "malformed"),
        ("Bearer", "malformed"),
        ("Basic abc", "malformed"),
    ):
        answer = refused(
            bob.raw("POST", "auth-tokens.info", headers={"authorization": sent}),
            401,
            "unauthenticated",
        )
        assert answer.body["detail"].startswith(why)


def test_deactivation_shuts_every_token_out_at_once(alice: Client, bob: Client) -> None:
    token, _ = make(bob)
    alice.server.run("users deactivate", user=bob.user, org=alice.org)
    for one in (token, bob):
        refused(one.call("auth-tokens.info"), 403, "forbidden")


# Retries and secrets


def test_a_repeated_key_is_refused_so_that_no_second_token_appears(bob: Client) -> None:
    key = str(uuid.uuid4())
    assert bob.call("auth-tokens.create", {"token_hint": "one"}, idempotency_key=key).status == 201
    for hint in ("one", "two"):
        answer = bob.call("auth-tokens.create", {"token_hint": hint}, idempotency_key=key)
        refused(answer, 400, "bad_request")
        assert "idempotent-replayed" not in answer.headers
    assert len(bob.ok("auth-tokens.list")["tokens"]) == 2


def test_of_requests_with_one_key_one_makes_a_token(bob: Client) -> None:
    key = str(uuid.uuid4())
    with ThreadPoolExecutor(8) as pool:
        answers = [
            pool.submit(bob.call, "auth-tokens.create", None, idempotency_key=key) for _ in range(8)
        ]
    assert sorted(one.result().status for one in answers) == [201] + [400] * 7


def test_a_key_spent_on_a_refusal_is_free(bob: Client) -> None:
    key = str(uuid.uuid4())
    refused(
        bob.call("auth-tokens.create", {"scope": "x"}, idempotency_key=key),
        400,
        "value_not_permitted",
    )
    assert bob.call("auth-tokens.create", idempotency_key=key).status == 201


@pytest.mark.slow
def test_nothing_secret_is_at_rest_or_in_the_log(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", RAPPORT_ACCESS_LOG="1")
    alice = server.make_org()
    made = alice.ok("auth-tokens.create", {"token_hint": "grep me"}, idempotency_key="a-key")[
        "access_token"
    ]
    token = Client(server, made)
    token.ok("auth-tokens.info")
    token.call("engagements.get", {"id": "nonsense"})
    server.http.get(f"{server.url}/engagements.list?token={made}", headers={"authorization": made})
    server.http.get(f"{server.url}/{made}", headers={"authorization": made})
    token.ok("auth-tokens.delete")
    token.call("auth-tokens.info")
    first = server.token
    files = [path for path in server.data.rglob("*") if path.is_file()]
    assert {"rapport.db", "rapport.db-wal"} <= {path.name for path in files}
    kept = b"".join(path.read_bytes() for path in files)
    assert b"grep me" in kept
    server.kill()
    kept += b"".join(path.read_bytes() for path in server.data.rglob("*") if path.is_file())
    kept += server.logged().encode()
    assert b"auth-tokens.info" in kept
    for secret in (made, alice.token, first):
        assert secret.removeprefix("rpt_").encode() not in kept


def test_a_strict_server_answers_devrevs_fields_only(strict_server: Server) -> None:
    alice = strict_server.make_org()
    made = alice.ok("auth-tokens.create")
    assert set(made) == {"access_token", "expires_in", "token_type"}
    refused(
        alice.call("auth-tokens.create", {"expires_at": "2099-01-01T00:00:00Z"}),
        400,
        "invalid_field",
        "expires_at",
    )
