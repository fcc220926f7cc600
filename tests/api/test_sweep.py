"""What holds for every method, asked of every method."""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rapport.auth import tokens
from rapport.contract.kit.errors import NotFound
from rapport.contract.kit.method import READ, Method
from rapport.contract.table import METHODS
from tests.support.server import FREE_FORM, Client, Server, document
from tests.support.world import make_world

pytestmark = pytest.mark.engines("sqlite")
# What gets past the edge runs on both.
PAST_THE_EDGE = pytest.mark.engines("sqlite", "postgres")

ALL = [pytest.param(method, id=method.name) for method in METHODS.values()]
READS = [
    pytest.param(method, id=method.name) for method in METHODS.values() if method.effect == READ
]
SCOPED = [pytest.param(method, id=method.name) for method in METHODS.values() if method.scope]
WITH_ID = [
    pytest.param(method, id=method.name)
    for method in METHODS.values()
    if "id" in method.request.__struct_fields__
]
WITH_LIST = [
    pytest.param(method, id=method.name)
    for method in METHODS.values()
    if method.name.endswith(".list")
]
SORTED = [
    pytest.param(method, id=method.name)
    for method in METHODS.values()
    # Sums are sorted by fields of their own; see test_summarize.
    if "sort_by" in method.request.__struct_fields__ and method.name.endswith(".list")
]
# The empty request revokes the token that it comes with.
ENDING = {"auth-tokens.delete", "auth-tokens.self.delete"}


@pytest.fixture(scope="module")
def swept(server: Server) -> Iterator[Client]:
    """The admin of one org for all requests that are refused: in the end it has what it had. Where
    it has not, each of its tests by itself says which one it was.
    """
    admin = server.make_org("Alice's")
    with admin.unchanged():
        yield admin


@pytest.fixture(scope="module")
def limited(server: Server) -> Iterator[dict[str, Client]]:
    """Admins with a token of just one scope, and nothing done by any of them."""
    admin = server.make_org()
    users = {
        scope: server.make_user(admin, role="admin", scope=scope)
        for scope in ("tag:all", "engagement:all")
    }
    with admin.unchanged():
        yield users


@pytest.fixture(scope="module")
def scoped(server: Server) -> Callable[[str], Client]:
    """An admin with a token of just these scopes: one for all who ask."""
    admin = server.make_org()
    return functools.cache(lambda scope: server.make_user(admin, role="admin", scope=scope))


def example(client: Client, method: Method) -> Any:
    """The documented example: of a good shape, but its ids lead nowhere here."""
    post = document(client.server.url)["paths"][method.path]["post"]
    return post["requestBody"]["content"]["application/json"]["example"]


# Who may


REFUSED = [(None, "missing"), ("", "missing"), ("Bearer", "malformed"), ("Bearer nonsense", "malformed"),
           ("Basic dXNlcjpwYXNz", "malformed"), (f"Bearer {tokens.make()}x", "malformed"), (f"Bearer {tokens.make()}", "malformed")]  # fmt: skip


@pytest.mark.parametrize("method", ALL)
def test_without_a_good_token_it_is_401_whatever_the_body(swept: Client, method: Method) -> None:
    for header, why in REFUSED:
        for verb in method.verbs:
            options: dict[str, Any] = (
                {"content": b"{ no json"} if verb == "POST" else {"params": {"nonsense": "1"}}
            )
            answer = swept.raw(verb, method.name, headers={"authorization": header}, **options)
            assert (answer.status, answer.type) == (401, "unauthenticated")
            assert answer.body["detail"].startswith(why), header
            assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("method", SCOPED)
def test_without_its_scope_it_is_403_naming_the_scope_whatever_the_body(
    limited: dict[str, Client], method: Method
) -> None:
    assert method.scope is not None
    other = limited["tag:all" if method.family != "tags" else "engagement:all"]
    for body in (b"{}", b'{"nonsense": 1}', b"{ no json"):
        answer = other.raw("POST", method.name, content=body)
        assert (answer.status, answer.type) == (403, "forbidden")
        assert method.scope in answer.body["message"]


@pytest.mark.parametrize("method", SCOPED)
def test_a_family_s_lower_scope_is_not_enough_and_its_own_is(
    scoped: Callable[[str], Client], method: Method
) -> None:
    assert method.scope is not None
    family, _, level = method.scope.partition(":")
    enough = scoped(f"tag:read {method.scope}")
    assert enough.call(method.name, {"nonsense": 1}).type in {
        "invalid_field",
        "missing_required_field",
    }
    for lower in {"read": [], "write": ["read"], "all": ["read", "write"]}[level]:
        assert scoped(f"{family}:{lower}").call(method.name).status == 403


def test_some_methods_need_no_scope(alice: Client) -> None:
    free = [method.name for method in METHODS.values() if method.scope is None]
    free.sort(key=lambda name: name in ENDING)
    limited = alice.server.make_user(alice, scope="tag:read")
    assert free
    for name in free:
        request = {"requests": [{"method": "tags.list"}]} if name == "batch.run" else {}
        assert limited.call(name, request).status == 200


# Verbs


@pytest.mark.parametrize("method", ALL)
def test_other_verbs_are_405_with_allow(swept: Client, method: Method) -> None:
    for verb in {"GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "PROPFIND"} - {
        *method.verbs
    }:
        for headers in ({}, {"authorization": None}):
            answer = swept.raw(verb, method.name, headers=headers)
            assert answer.status == 405, verb
            assert answer.headers["allow"] == ", ".join(method.verbs)
            if verb == "HEAD":
                assert answer.body is None
            else:
                assert answer.type == "method_not_allowed"


# Bodies

BROKEN = [b"{", b"{}{}", b"{} x", b"[]", b'"text"', b"1", b"null", b"true", b"{'a': 1}", b'{"a": 1,}', b'{"a" 1}', b"// no\n{}",
          b'{"limit": NaN}', b'{"limit": Infinity}', b'{"limit": 01}', b'{"a": "\xff"}', b"\xef\xbb\xbf{}", b'{"a": "\t"}',
          b'{"a": "\\ud800"}', b'{"a": "\\x"}', b'{"a": tru}', b"\x00", b'{"a":' * 65 + b"1" + b"}" * 65,
          b'{"a":' + b"[" * 20_000 + b"]" * 20_000 + b"}", b"[" * 20_000, b'{"a":' * 20_000]  # fmt: skip


@pytest.mark.parametrize("method", ALL)
def test_a_body_that_is_no_json_object_is_a_parse_error(swept: Client, method: Method) -> None:
    for body in BROKEN:
        answer = swept.raw("POST", method.name, content=body)
        assert (answer.status, answer.type) == (400, "parse_error"), body[:40]


@pytest.mark.parametrize("method", ALL)
def test_an_unknown_field_is_refused_by_its_name(swept: Client, method: Method) -> None:
    request = {**example(swept, method), "nonsense": 1}
    answer = swept.refused(method.name, request, "invalid_field", "nonsense")
    assert answer.problems == {("invalid_field", "nonsense")}
    assert "nonsense" in answer.body["message"]


@pytest.mark.parametrize("method", ALL)
def test_an_unknown_query_parameter_is_refused_by_its_name(swept: Client, method: Method) -> None:
    for verb in method.verbs:
        body: dict[str, Any] = {"json": example(swept, method)} if verb == "POST" else {}
        answer = swept.raw(verb, f"{method.name}?nonsense=1", **body)
        assert answer.status == 400
        assert ("invalid_field", "nonsense") in answer.problems


@pytest.mark.parametrize("method", ALL)
def test_required_fields_that_are_missing_are_all_named(swept: Client, method: Method) -> None:
    schema = document(swept.server.url)["components"]["schemas"][method.request.__name__]
    required = schema.get("required", [])
    if not required:
        return
    answer = swept.refused(method.name, {}, "missing_required_field", required[0])
    assert answer.problems == {("missing_required_field", name) for name in required}


@pytest.mark.parametrize("method", ALL)
def test_every_field_refuses_null_unless_null_clears_it(swept: Client, method: Method) -> None:
    properties = document(swept.server.url)["components"]["schemas"][method.request.__name__][
        "properties"
    ]
    request = {
        name: None
        for name, schema in properties.items()
        if {"type": "null"} not in schema.get("anyOf", [])
    }
    if not request:
        return
    answer = swept.refused(method.name, request, "unexpected_json_type", next(iter(request)))
    assert answer.problems >= {("unexpected_json_type", name) for name in request}
    assert answer.body["actual"] == "null"


def takes(schema: Any, value: object) -> bool:
    """True when a field is a boolean or a fraction, and so is the value."""
    kinds = {one.get("type") for one in (schema, *schema.get("anyOf", []))}
    return (value is True and "boolean" in kinds) or (
        isinstance(value, float) and "number" in kinds
    )


@pytest.mark.parametrize("method", ALL)
def test_every_field_refuses_json_of_another_type(swept: Client, method: Method) -> None:
    schema = document(swept.server.url)["components"]["schemas"][method.request.__name__]
    for name in schema["properties"]:
        wrong: tuple[Any, ...] = (True, 1.5, {"nonsense": []}, [[[]]])
        for value in wrong:
            if takes(schema["properties"][name], value) or (
                name in FREE_FORM and isinstance(value, dict)
            ):
                continue
            answer = swept.call(method.name, {**example(swept, method), name: value})
            assert answer.status == 400, (name, value)
            assert answer.body["field_name"].startswith(name)
            assert answer.type in {
                "unexpected_json_type",
                "invalid_field",
                "value_not_permitted",
                "missing_required_field",
            }


@pytest.mark.parametrize("method", ALL)
def test_a_body_of_2_mb_too_much_is_413_by_its_length_and_while_it_comes(
    swept: Client, method: Method
) -> None:
    big = b'{"title": "' + b"x" * (method.max_bytes + 2_000_000) + b'"}'
    for content in (big, iter([big[:1_000_000], big[1_000_000:2_000_000], big[2_000_000:]])):
        answer = swept.raw("POST", method.name, content=content)
        assert (answer.status, answer.type) == (413, "request_entity_too_large")
        assert answer.body["max_bytes"] == method.max_bytes


@pytest.mark.parametrize("method", ALL)
def test_a_body_of_another_type_is_refused(swept: Client, method: Method) -> None:
    for kind in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/jsonx",
        "application/json; charset=latin-1",
        "application/merge-patch+json",
    ):
        answer = swept.raw("POST", method.name, content=b"{}", headers={"content_type": kind})
        assert (answer.status, answer.type, answer.body["value"]) == (
            400,
            "invalid_content_type",
            kind,
        )
    for encoding in ("gzip", "br", "identity"):
        answer = swept.raw(
            "POST", method.name, content=b"{}", headers={"content_encoding": encoding}
        )
        assert (answer.status, answer.type, answer.body["value"]) == (
            400,
            "invalid_content_type",
            encoding,
        )


@pytest.mark.parametrize("method", ALL)
def test_json_goes_by_several_names(swept: Client, method: Method) -> None:
    for kind in (
        None,
        "application/json; charset=utf-8",
        "Application/JSON;charset=UTF-8",
        'application/json; charset="utf-8"',
    ):
        answer = swept.raw(
            "POST", method.name, content=b'{"nonsense": 1}', headers={"content_type": kind}
        )
        assert ("invalid_field", "nonsense") in answer.problems


@PAST_THE_EDGE
@pytest.mark.parametrize(
    "method",
    [
        pytest.param(method, id=method.name)
        for method in METHODS.values()
        if method.name not in ENDING
    ],
)
def test_no_body_is_an_empty_object(alice: Client, method: Method) -> None:
    empty = alice.raw("POST", method.name, content=b"", headers={"content_type": None})
    braces = alice.raw("POST", method.name, content=b"{}")
    spaces = alice.raw("POST", method.name, content=b" \r\n\t")
    assert empty.status == braces.status == spaces.status
    if method.effect == READ or empty.status == 400:
        assert empty.body == braces.body == spaces.body


# Headers


@pytest.mark.parametrize("method", ALL)
def test_an_unknown_version_is_refused(swept: Client, method: Method) -> None:
    for version in ("2021-01-01", "", "latest", "2022-10-20 "[:9]):
        answer = swept.call(method.name, example(swept, method), x_devrev_version=version)
        assert (answer.status, answer.type, answer.body["value"]) == (
            400,
            "invalid_api_version",
            version,
        )


@pytest.mark.parametrize("method", ALL)
def test_known_versions_and_any_scope_header_are_taken(swept: Client, method: Method) -> None:
    for headers in (
        {"x_devrev_version": "2022-10-20"},
        {"x_devrev_version": "2024-01-24"},
        {"x_devrev_scope": "beta"},
    ):
        assert ("invalid_field", "nonsense") in swept.call(
            method.name, {"nonsense": 1}, **headers
        ).problems


@pytest.mark.parametrize("method", ALL)
def test_a_request_id_comes_back_or_is_made(alice: Client, method: Method) -> None:
    sent = "a-Plain_word-1"
    for headers in ({}, {"authorization": None}):
        assert (
            alice.raw("POST", method.name, headers={**headers, "x_request_id": sent}).headers[
                "x-request-id"
            ]
            == sent
        )
        made = [
            alice.raw("POST", method.name, headers=headers).headers["x-request-id"]
            for _ in range(2)
        ]
        assert made[0] != made[1]
    for odd in ("x" * 129, "two words", "semi;colon", ""):
        assert (
            alice.raw("POST", method.name, headers={"x_request_id": odd}).headers["x-request-id"]
            != odd
        )


@pytest.mark.parametrize("method", ALL)
def test_it_stands_in_the_openapi_document_with_its_verbs(server: Server, method: Method) -> None:
    path = document(server.url)["paths"][method.path]
    assert {verb.upper() for verb in path} == {*method.verbs}
    assert str(method.status) in path["post"]["responses"]


# Two forms


def query_forms(request: dict[str, Any]) -> list[list[tuple[str, str]]]:
    """The query spellings of a request: comma lists, repeated names, quoted comma lists; dots
    and brackets.
    """
    forms: list[list[tuple[str, str]]] = [[], [], []]
    for name, value in request.items():
        if isinstance(value, list):
            forms[0].append((name, ",".join(value)))
            forms[1] += [(name, item) for item in value]
            forms[2].append((name, ",".join(f'"{item}"' for item in value)))
        elif isinstance(value, dict):
            for inner, text in value.items():
                joined = ",".join(text) if isinstance(text, list) else text
                forms[0].append((f"{name}.{inner}", joined))
                forms[1].append((f"{name}.{inner}", joined))
                forms[2].append((f"{name}[{inner}]", joined))
        else:
            for form in forms:
                form.append((name, str(value).lower() if isinstance(value, bool) else str(value)))
    return forms


@PAST_THE_EDGE
@pytest.mark.parametrize("method", READS)
def test_the_get_form_answers_as_the_post_form_does(alice: Client, method: Method) -> None:
    world = make_world(alice)
    since = {"after": "2020-01-01T00:00:00Z", "before": "2100-01-01T00:00:00+02:00"}
    values: dict[str, Any] = {
        "id": {"accounts": world.account, "works": world.opportunity, "tags": world.tag, "rev-users": world.rev_user,
               "engagements": world.engagement}.get(method.family, {"id": alice.user})["id"],
        "type": ["call", "default"] if method.family == "engagements" else ["opportunity", "ticket"],
        "engagement_type": ["call", "email"], "members": [alice.user, world.rev_user["id"]], "created_by": [alice.user],
        "owned_by": [alice.user, world.rev_user["id"]], "created_date": since, "modified_date": since, "scheduled_date": since,
        "parent": [world.account["id"], "opp-1"], "tags": [world.tag["id"]], "external_ref": ["crm-1", 'a "b" c'],
        "name": ["size", "größe & co=1"], "display_name": ["Acme", "Ünï+code"], "email": ["rita@acme.example"],
        "state": ["active", "shadow"], "opportunity": {"account": [world.account["id"]]}, "is_verified": False, "limit": 3,
        "sort_by": ["modified_date:asc", "created_date:desc"], "mode": "before", "expand": ["members", "tags"],
        "query": "acme", "namespaces": ["account", "tag"],
    }  # fmt: skip
    if method.family == "search":
        values["sort_by"] = "created_date"
    if method.family == "meetings":
        meeting = alice.meeting(custom_fields={"a": 1}, organizer=alice.user)
        values |= {
            "id": meeting["id"],
            "channel": ["zoom", "teams"],
            "direction": ["incoming"],
            "ended_date": since,
            "organizer": [alice.user],
            "state": ["scheduled", "no_show"],
            "subtype": ["x", 'y "z"'],
            "sync_metadata": {"external_reference": ["a", "b"], "origin_system": ["c"]},
        }
    if method.family == "timeline-entries":
        values |= {
            "id": comment_on(alice, world.account)["id"],
            "object": world.account["id"],
            "external_ref": "crm-1",
        }
        values |= {"labels": ["a", 'b, "c"'], "panels": ["events"], "rollup": True, "after": 1}
    taken = {name: values[name] for name in method.request.__struct_fields__ if name in values}
    requests: list[dict[str, Any]] = [
        {},
        taken,
        {"nonsense": "1"},
        *({name: value} for name, value in taken.items()),
    ]
    for request in requests:
        posted = alice.call(method.name, request)
        for form in query_forms(request):
            got = alice.get(method.name, form)
            assert (got.status, got.body) == (posted.status, posted.body), form


# Ids


def comment_on(client: Client, what: Any) -> Any:
    """A comment."""
    request = {"object": what["id"], "type": "timeline_comment", "body": "Hello"}
    return client.ok("timeline-entries.create", request)["timeline_entry"]


def more(client: Client, world: dict[str, Any]) -> dict[str, Any]:
    """What is not in the small org."""
    ends = {"source": world["opportunity"]["id"], "target": world["account"]["id"]}
    return {
        "rev_org": client.ok("rev-orgs.get", {"account": world["account"]["id"]})["rev_org"],
        "link": client.ok("links.create", {"link_type": "is_part_of", **ends})["link"],
        "comment": comment_on(client, world["account"]),
        "meeting": client.meeting(),
        "service_account": client.ok("service-accounts.create", {"display_name": "Import"})[
            "service_account"
        ],
        "webhook": client.ok("webhooks.create", {"url": "https://hooks.invalid/rapport"})[
            "webhook"
        ],
    }


@PAST_THE_EDGE
@pytest.mark.parametrize("method", WITH_ID)
def test_another_org_s_object_answers_as_one_that_does_not_exist(
    alice: Client, charlie: Client, method: Method
) -> None:
    world = make_world(alice)._asdict()
    kind = {
        "accounts": "account",
        "works": "opportunity",
        "tags": "tag",
        "rev-users": "rev_user",
        "engagements": "engagement",
        "meetings": "meeting",
        "artifacts": "artifact",
        "rev-orgs": "rev_org",
        "links": "link",
        "service-accounts": "service_account",
        "timeline-entries": "comment",
        "webhook-deliveries": "delivery",
        "webhooks": "webhook",
    }
    world |= more(alice, world)
    world["delivery"] = alice.ok("webhook-deliveries.list")["webhook_deliveries"][0]
    own = (
        world[kind[method.family]]["id"]
        if method.family in kind
        else alice.ok("dev-users.self")["dev_user"]["id"]
    )
    with alice.unchanged():
        absent_id = f"{own.rpartition('/')[0]}/987654321".replace(
            alice.org.removeprefix("DEV-"), charlie.org.removeprefix("DEV-")
        )
        ends = {
            "links.replace": {"link_type": "serves", "source": "ACC-1", "target": "DEVU-1"},
            "users.erase": {"reason": "They asked."},
            "webhooks.fetch": {"object": "ACC-1"},
        }.get(method.name, {})
        foreign, absent = (
            charlie.call(method.name, {"id": one, **ends}) for one in (own, absent_id)
        )
        assert own != absent_id
        missing = (404, "not_found") if NotFound in method.errors else (400, "invalid_id")
        assert (foreign.status, foreign.type) == (absent.status, absent.type) == missing
        for name in ("message", "detail"):
            assert foreign.body[name].replace(own, "") == absent.body[name].replace(absent_id, "")


@pytest.mark.parametrize("method", WITH_ID)
def test_an_id_that_is_malformed_or_of_a_wrong_kind_is_400(swept: Client, method: Method) -> None:
    for malformed in (
        "",
        " ",
        "1",
        "ENGAGEMENT",
        "ENGAGEMENT-",
        "ENGAGEMENT-0",
        "ENGAGEMENT-01",
        "ENGAGEMENT--1",
        "ENGAGEMENT-1 ",
        "ENGAGEMENT-" + "9" * 19,
        "don:core:x",
        "UNKNOWN-1",
        "ENGAGEMENT-\u0661",
        "../../etc/passwd",
        "x" * 3000,
    ):
        swept.refused(method.name, {"id": malformed}, "invalid_id", "id")
    org = swept.org.removeprefix("DEV-")
    for other in (
        "TOKEN-1",
        f"don:core:dvrv-us-1:devo/{org}:auth_token/1",
        f"don:core:dvrv-us-1:devo/{org}:nonsense/1",
    ):
        answer = swept.refused(method.name, {"id": other}, "unexpected_id_type", "id")
        assert answer.body["value"] == other
        assert answer.body["allowed_types"]


@PAST_THE_EDGE
@pytest.mark.parametrize("method", WITH_LIST)
def test_another_org_s_list_shows_nothing(alice: Client, charlie: Client, method: Method) -> None:
    make_world(alice)
    for dev_user in charlie.ok("dev-users.list")["dev_users"]:
        assert dev_user["display_id"] == charlie.user
    for token in charlie.ok("auth-tokens.list")["tokens"]:
        assert charlie.org.removeprefix("DEV-") in token["id"]
    for event in charlie.ok("events.list")["events"]:
        assert charlie.org.removeprefix("DEV-") in event["id"]
    if method.name == "timeline-entries.list":
        assert charlie.call(method.name, {"object": "ACC-1"}).status == 404
    elif method.family not in {"auth-tokens", "dev-users", "events"}:
        request = {"object": "ACC-1"} if method.name == "links.list" else {}
        assert charlie.ok(method.name, request) == {method.family.replace("-", "_"): []}


@pytest.mark.parametrize("method", SORTED)
def test_a_list_refuses_bad_limits_sorts_modes_and_cursors(swept: Client, method: Method) -> None:
    for limit in (0, -1, 101, 2**40):
        assert swept.refused(method.name, {"limit": limit}, "value_not_permitted", "limit").body[
            "reason"
        ]
    swept.refused(method.name, {"limit": "5"}, "unexpected_json_type", "limit")
    assert swept.get(method.name, {"limit": "five"}).type == "unexpected_json_type"
    for sort in (
        "",
        "nonsense:asc",
        "created_date",
        "created_date:",
        "created_date:up",
        "created_date:asc:desc",
        " created_date:asc",
        "number:asc",
        "created_by:asc",
        "-created_date",
    ):
        answer = swept.refused(
            method.name,
            {"sort_by": ["modified_date:asc", sort]},
            "value_not_permitted",
            "sort_by[1]",
        )
        assert "created_date:asc" in answer.body["allowed_values"]
    swept.refused(
        method.name, {"sort_by": ["created_date:asc"] * 2}, "value_not_permitted", "sort_by[1]"
    )
    swept.refused(method.name, {"sort_by": "created_date:asc"}, "unexpected_json_type", "sort_by")
    assert swept.refused(method.name, {"mode": "around"}, "invalid_enum_value", "mode").body[
        "allowed_values"
    ] == [
        "after",
        "before",
    ]
    for cursor in ("", "x", "nonsense", "////", "AAAA", "=" * 8, "é", "A" * 2048):
        swept.refused(method.name, {"cursor": cursor}, "invalid_field", "cursor")


FILTERS = {"engagements": "external_ref", "meetings": "external_ref", "accounts": "domains", "works": "external_ref", "tags": "name", "dev-users": "email",
           "rev-users": "external_ref", "rev-orgs": "external_ref"}  # fmt: skip


@pytest.mark.parametrize(("family", "name"), FILTERS.items(), ids=FILTERS)
def test_values_of_a_filter_are_at_most_200(alice: Client, family: str, name: str) -> None:
    assert (
        alice.call(f"{family}.list", {name: [f"v{number}" for number in range(200)]}).status == 200
    )
    alice.refused(
        f"{family}.list",
        {name: [f"v{number}" for number in range(201)]},
        "value_not_permitted",
        name,
    )
