"""What holds for every method, unasked: adding one to METHODS adds it here."""

import json
from typing import Any

import pytest

from rapport.auth import tokens
from rapport.contract.ids import Id
from rapport.contract.method import READ, WRITE, Method
from rapport.contract.table import METHODS
from tests.support.server import Client, Server, document

EVERY = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
READING = [method for method in METHODS.values() if method.effect == READ]
WRITING = [method for method in METHODS.values() if method.effect == WRITE]
SCOPED = [method for method in METHODS.values() if method.scope]


def names(methods: list[Method]) -> list[str]:
    return [method.name for method in methods]


def of(client: Client, token: str) -> Client:
    return Client(client.server, token, client.user, client.org)


@EVERY
def test_without_a_good_token_it_is_401_before_the_body_is_looked_at(method: Method, alice: Client) -> None:
    for header in ("", "Bearer", "Bearer rpt_typo", f"Bearer {tokens.make()}", "Basic YTpi"):
        answer = alice.raw("POST", method.name, content=b"not json", headers={"authorization": header})
        assert (answer.status, answer.type) == (401, "unauthenticated"), header
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.body["detail"].partition(":")[0] in {"missing", "malformed"}


@pytest.mark.parametrize("method", SCOPED, ids=names(SCOPED))
def test_without_the_scope_it_is_403_and_names_it(method: Method, server: Server, alice: Client) -> None:
    other = "tag:all" if not str(method.scope).startswith("tag:") else "account:all"
    stranger = server.make_user(alice, role="admin", scope=other)
    for body in (json.dumps(least(method)).encode(), b"not json"):
        answer = stranger.raw("POST", method.name, content=body)
        assert (answer.status, answer.type) == (403, "forbidden")
        assert str(method.scope) in answer.body["message"]


def least(method: Method) -> dict[str, Any]:
    """A request of the right shape, whose ids lead nowhere."""
    shapes: dict[str, dict[str, Any]] = {
        "engagements.create": {"members": ["DEVU-999"], "scheduled_date": "2023-01-01T12:00:00Z", "title": "x"},
        "accounts.create": {"display_name": "x"},
        "works.create": {
            "type": "opportunity", "title": "x", "applies_to_part": "PROD-1", "owned_by": ["DEVU-999"], "account": "ACC-9",
        },
        "tags.create": {"name": "x"},
        "artifacts.prepare": {"file_name": "x"},
        "dev-users.create": {"email": "x@example.com", "state": "shadow"},
    }  # fmt: skip
    if method.name in shapes:
        return shapes[method.name]
    id_type = method.request.__annotations__.get("id")
    return {"id": f"{id_type.kinds[0].prefix}-999"} if isinstance(id_type, type) and issubclass(id_type, Id) else {}


@EVERY
def test_other_verbs_are_405_and_say_which_are_taken(method: Method, alice: Client) -> None:
    taken = ["POST"] if method.effect == WRITE else ["GET", "POST"]
    for verb in ("PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "GET"):
        if verb in taken:
            continue
        answer = alice.server.http.request(verb, f"{alice.server.url}/{method.name}")
        assert (answer.status_code, answer.headers["allow"]) == (405, ", ".join(taken))


@EVERY
def test_what_is_not_json_is_a_parse_error(method: Method, alice: Client) -> None:
    for body in (b"{", b"[]", b"null", b'{"a": NaN}', b"{} {}", b"\xff", b"[" * 100_000):
        answer = alice.raw("POST", method.name, content=body)
        assert (answer.status, answer.type) == (400, "parse_error"), body[:20]


@EVERY
def test_an_unknown_field_is_named(method: Method, alice: Client) -> None:
    answer = alice.call(method.name, {**least(method), "no_such_field": 1})
    assert (answer.status, answer.type, answer.body["field_name"]) == (400, "invalid_field", "no_such_field")
    if method.effect == READ:
        answer = alice.get(method.name, {**least(method), "no_such_field": "1"})
        assert (answer.status, answer.type, answer.body["field_name"]) == (400, "invalid_field", "no_such_field")


@EVERY
def test_only_json_that_is_not_compressed_is_taken(method: Method, alice: Client) -> None:
    for headers in ({"content-type": "text/plain"}, {"content-type": "application/xml"}, {"content-encoding": "gzip"}):
        answer = alice.raw("POST", method.name, content=b"{}", headers=headers)
        assert (answer.status, answer.type) == (400, "invalid_content_type"), headers


@EVERY
def test_a_missing_content_type_is_json_and_an_empty_body_an_empty_object(method: Method, alice: Client) -> None:
    url, headers = f"{alice.server.url}/{method.name}", {"authorization": alice.token}
    untyped = alice.server.http.post(url, content=json.dumps(least(method)).encode(), headers=headers)
    assert "content-type" not in untyped.request.headers
    assert untyped.status_code in {method.status, 400, 404}
    assert untyped.json().get("type") not in {"invalid_content_type", "parse_error"}
    empty, written = alice.raw("POST", method.name, content=b""), alice.raw("POST", method.name, content=b"{}")
    assert empty.status == written.status
    if empty.status == 400:
        assert empty.body == written.body


@EVERY
def test_only_known_versions_are_taken(method: Method, alice: Client) -> None:
    answer = alice.call(method.name, least(method), x_devrev_version="1999-01-01")
    assert (answer.status, answer.type, answer.body["value"]) == (400, "invalid_api_version", "1999-01-01")
    for version in ("2022-10-20", "2024-01-24"):
        answer = alice.call(method.name, least(method), x_devrev_version=version, x_devrev_scope="beta")
        assert answer.status != 400 or answer.type != "invalid_api_version"


@pytest.mark.parametrize("method", READING, ids=names(READING))
def test_the_get_form_answers_as_the_post_form(method: Method, alice: Client) -> None:
    alice.engagement()
    posted, got = alice.call(method.name, least(method)), alice.get(method.name, least(method))
    assert (posted.status, posted.body) == (got.status, got.body)


@EVERY
def test_every_answer_has_a_request_id_and_keeps_the_callers_own(method: Method, alice: Client) -> None:
    assert alice.call(method.name, least(method)).headers["x-request-id"].startswith("req_")
    assert alice.call(method.name, least(method), x_request_id="mine-1").headers["x-request-id"] == "mine-1"
    assert alice.call(method.name, least(method), authorization="").headers["x-request-id"]


@EVERY
def test_it_stands_in_the_openapi_document(method: Method, server: Server) -> None:
    operations = document(server.url)["paths"][method.path]
    assert set(operations) - {"parameters"} == {verb.lower() for verb in method.verbs}
    assert str(method.status) in operations["post"]["responses"]


@pytest.mark.parametrize("kind", ["accounts", "artifacts", "tags", "works", "dev-users", "rev-users", "engagements"])
def test_another_orgs_objects_answer_as_absent_ones(kind: str, alice: Client, charlie: Client) -> None:
    ids = objects(alice)
    answer = charlie.call(f"{kind}.get", {"id": ids[kind]})
    assert (answer.status, answer.type) == (404, "not_found")
    assert ids[kind] not in json.dumps(charlie.call(f"{kind}.list").body)


def objects(client: Client) -> dict[str, str]:
    """One object of each kind, by family, as DONs."""
    account = client.ok("accounts.create", {"display_name": "Northwind"})["account"]["id"]
    work = {
        "type": "opportunity",
        "title": "x",
        "applies_to_part": "PROD-1",
        "owned_by": [client.user],
        "account": account,
    }
    return {
        "accounts": account,
        "tags": client.ok("tags.create", {"name": "hot"})["tag"]["id"],
        "works": client.ok("works.create", work)["work"]["id"],
        "dev-users": client.ok("dev-users.self")["dev_user"]["id"],
        "rev-users": client.ok("rev-users.create", {"display_name": "Ana"})["rev_user"]["id"],
        "engagements": client.engagement()["id"],
        "artifacts": client.ok("artifacts.prepare", {"file_name": "x"})["id"],
    }
