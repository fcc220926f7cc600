"""Every row of the error table, provoked at engagements.create and list: what is answered, and
that nothing is written.
"""

import json
from typing import Any

import pytest

from tests.support.server import Client

pytestmark = pytest.mark.engines("sqlite")

LEAST: dict[str, Any] = {"scheduled_date": "2023-01-01T12:00:00.000Z", "title": "A call"}
MANY = [f"DEVU-{number}" for number in range(1, 52)]

# (what is changed in a good request, the error's type, the field that it names)
REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"members": []}, "value_not_permitted", "members"),
    ({"members": MANY}, "value_not_permitted", "members"),
    ({"members": ["DEVU-1"] * 51}, "value_not_permitted", "members"),
    ({"members": ["DEVU-999"]}, "invalid_id", "members[0]"),
    ({"members": ["nobody"]}, "invalid_id", "members[0]"),
    ({"members": ["DEVU-0"]}, "invalid_id", "members[0]"),
    ({"members": ["don:identity:dvrv-us-1:devo/OTHERORG22:devu/1"]}, "invalid_id", "members[0]"),
    ({"members": ["ACC-1"]}, "unexpected_id_type", "members[0]"),
    ({"members": "DEVU-1"}, "unexpected_json_type", "members"),
    ({"members": [1]}, "unexpected_json_type", "members[0]"),
    ({"members": [None]}, "unexpected_json_type", "members[0]"),
    ({"members": {"set": []}}, "unexpected_json_type", "members"),
    ({"members": None}, "unexpected_json_type", "members"),
    ({"title": ""}, "value_not_permitted", "title"),
    ({"title": " \t\u2003\n"}, "value_not_permitted", "title"),
    ({"title": "x" * 257}, "value_not_permitted", "title"),
    ({"title": "\U0001f600" * 257}, "value_not_permitted", "title"),
    ({"title": "a\0b"}, "value_not_permitted", "title"),
    ({"title": 5}, "unexpected_json_type", "title"),
    ({"title": True}, "unexpected_json_type", "title"),
    ({"title": None}, "unexpected_json_type", "title"),
    ({"scheduled_date": "2023-01-01T12:00:00"}, "value_not_permitted", "scheduled_date"),
    ({"scheduled_date": "2023-01-01"}, "value_not_permitted", "scheduled_date"),
    ({"scheduled_date": "2023-02-30T12:00:00Z"}, "value_not_permitted", "scheduled_date"),
    ({"scheduled_date": "2023-01-01 12:00:00Z"}, "value_not_permitted", "scheduled_date"),
    ({"scheduled_date": "0001-01-01T00:00:00+05:00"}, "value_not_permitted", "scheduled_date"),
    ({"scheduled_date": 1672574400}, "unexpected_json_type", "scheduled_date"),
    ({"scheduled_date": None}, "unexpected_json_type", "scheduled_date"),
    ({"engagement_type": "fax"}, "invalid_enum_value", "engagement_type"),
    ({"engagement_type": "Call"}, "invalid_enum_value", "engagement_type"),
    ({"engagement_type": None}, "unexpected_json_type", "engagement_type"),
    ({"description": "x" * 65_537}, "value_not_permitted", "description"),
    ({"description": None}, "unexpected_json_type", "description"),
    ({"artifacts": ["ARTIFACT-1"]}, "invalid_id", "artifacts[0]"),
    ({"artifacts": ["TAG-1"]}, "unexpected_id_type", "artifacts[0]"),
    ({"artifacts": ["ARTIFACT-1"] * 51}, "value_not_permitted", "artifacts"),
    ({"external_ref": ""}, "value_not_permitted", "external_ref"),
    ({"external_ref": "x" * 513}, "value_not_permitted", "external_ref"),
    ({"external_url": "example.com"}, "value_not_permitted", "external_url"),
    ({"external_url": "ftp://example.com"}, "value_not_permitted", "external_url"),
    ({"external_url": "https://"}, "value_not_permitted", "external_url"),
    ({"external_url": "https://exa mple.com"}, "value_not_permitted", "external_url"),
    ({"external_url": "https://example.com/" + "x" * 2048}, "value_not_permitted", "external_url"),
    ({"parent": "ACC-999"}, "invalid_id", "parent"),
    ({"parent": "DEVU-1"}, "unexpected_id_type", "parent"),
    ({"parent": ["ACC-1"]}, "unexpected_json_type", "parent"),
    ({"parents": ["OPP-999"]}, "invalid_id", "parents[0]"),
    ({"parents": ["ACC-999"] * 51}, "value_not_permitted", "parents"),
    ({"tags": [{"id": "TAG-999"}]}, "invalid_id", "tags[0].id"),
    ({"tags": [{}]}, "missing_required_field", "tags[0].id"),
    ({"tags": [{"id": "TAG-999", "value": 1}]}, "unexpected_json_type", "tags[0].value"),
    ({"tags": [{"id": "TAG-999", "colour": "red"}]}, "invalid_field", "tags[0].colour"),
    ({"tags": {"id": "TAG-999"}}, "unexpected_json_type", "tags"),
    ({"expand": ["everything"]}, "invalid_enum_value", "expand[0]"),
    ({"no_such_field": 1}, "invalid_field", "no_such_field"),
    ({"set": {"deep": {"deeper": []}}}, "invalid_field", "set"),
]


@pytest.mark.parametrize(
    ("change", "type_", "field"),
    REFUSED,
    ids=[f"{field}-{n}" for n, (_, _, field) in enumerate(REFUSED)],
)
def test_a_bad_request_is_refused_by_type_and_field_and_writes_nothing(
    change: dict[str, Any], type_: str, field: str, alice: Client
) -> None:
    answer = alice.call("engagements.create", {"members": [alice.user], **LEAST, **change})
    assert (answer.status, answer.type, answer.body["field_name"]) == (400, type_, field)
    assert answer.body["violations"][0]["field_name"] == field
    assert field in answer.body["message"]
    assert answer.body["detail"]
    assert alice.ok("engagements.count")["count"] == 0


@pytest.mark.parametrize("field", ["members", "scheduled_date", "title"])
def test_what_is_required_is_missed(field: str, alice: Client) -> None:
    request = {"members": [alice.user], **LEAST}
    del request[field]
    answer = alice.call("engagements.create", request)
    assert (answer.status, answer.type, answer.body["field_name"]) == (
        400,
        "missing_required_field",
        field,
    )


@pytest.mark.parametrize(
    ("body", "status", "type_"),
    [
        (b"", 400, "missing_required_field"),
        (b"[" * 100_000, 400, "parse_error"),
        (b'{"title":' * 100_000, 400, "parse_error"),
        (b'{"title": NaN}', 400, "parse_error"),
        (b'{"title": "\\ud800"}', 400, "parse_error"),
        (b'{"title": "\xed\xa0\x80"}', 400, "parse_error"),
        (b'{"title": "a"} // b', 400, "parse_error"),
        (b" " * 3_000_000, 413, "request_entity_too_large"),
    ],
)
def test_a_body_that_can_not_be_read_is_refused(
    body: bytes, status: int, type_: str, alice: Client
) -> None:
    answer = alice.raw("POST", "engagements.create", content=body)
    assert (answer.status, answer.type) == (status, type_)
    if status == 413:
        assert answer.body["max_bytes"] == 1024 * 1024


def test_a_chunked_body_over_the_limit_is_refused_while_it_is_read(alice: Client) -> None:
    answer = alice.raw("POST", "engagements.create", content=(b" " * 65_536 for _ in range(48)))
    assert (answer.status, answer.type) == (413, "request_entity_too_large")
    assert alice.engagement()["display_id"] == "ENGAGEMENT-1"


def test_all_problems_of_the_shape_come_at_once_in_the_contracts_order(alice: Client) -> None:
    answer = alice.call(
        "engagements.create",
        {
            "title": " ",
            "tags": [{"value": 1}],
            "members": ["x", 5],
            "engagement_type": "fax",
            "zzz": 1,
        },
    )
    assert [(one["field_name"], one["type"]) for one in answer.body["violations"]] == [
        ("members[0]", "invalid_id"),
        ("members[1]", "unexpected_json_type"),
        ("scheduled_date", "missing_required_field"),
        ("title", "value_not_permitted"),
        ("engagement_type", "invalid_enum_value"),
        ("tags[0].id", "missing_required_field"),
        ("tags[0].value", "unexpected_json_type"),
        ("zzz", "invalid_field"),
    ]
    assert answer.type == "invalid_id"


def test_all_problems_of_the_references_come_at_once(alice: Client) -> None:
    tag = alice.ok("tags.create", {"name": "mood", "allowed_values": ["good", "bad"]})["tag"][
        "display_id"
    ]
    alice.engagement(external_ref="crm-1")
    answer = alice.call(
        "engagements.create",
        {
            **LEAST,
            "members": [alice.user, "REVU-9"],
            "artifacts": ["ARTIFACT-9"],
            "external_ref": "crm-1",
            "parent": "ACC-9",
            "parents": ["OPP-9"],
            "tags": [{"id": tag, "value": "so-so"}, {"id": "TAG-99"}],
        },
    )
    assert [(one["field_name"], one["type"]) for one in answer.body["violations"]] == [
        ("members[1]", "invalid_id"),
        ("artifacts[0]", "invalid_id"),
        ("external_ref", "value_not_permitted"),
        ("parent", "invalid_id"),
        ("parents[0]", "invalid_id"),
        ("tags[0].value", "value_not_permitted"),
        ("tags[1].id", "invalid_id"),
    ]
    assert alice.ok("engagements.count")["count"] == 1


def test_a_tag_value_has_to_be_an_allowed_one(alice: Client) -> None:
    mood = alice.ok("tags.create", {"name": "mood", "allowed_values": ["good", "bad"]})["tag"]["id"]
    plain = alice.ok("tags.create", {"name": "plain"})["tag"]["id"]
    for tag, allowed in ((mood, ["good", "bad"]), (plain, [])):
        answer = alice.call(
            "engagements.create",
            {**LEAST, "members": [alice.user], "tags": [{"id": tag, "value": "x"}]},
        )
        assert (answer.type, answer.body["field_name"]) == ("value_not_permitted", "tags[0].value")
        assert answer.body["allowed_values"] == allowed


def test_another_orgs_objects_are_no_references(alice: Client, charlie: Client) -> None:
    theirs = charlie.ok("dev-users.self")["dev_user"]["id"]
    answer = alice.call("engagements.create", {**LEAST, "members": [theirs]})
    assert (answer.status, answer.type, answer.body["field_name"]) == (
        400,
        "invalid_id",
        "members[0]",
    )
    account = charlie.ok("accounts.create", {"display_name": "Theirs"})["account"]["id"]
    answer = alice.call(
        "engagements.create", {**LEAST, "members": [alice.user], "parents": [account]}
    )
    assert (answer.status, answer.type, answer.body["field_name"]) == (
        400,
        "invalid_id",
        "parents[0]",
    )


def test_an_external_ref_in_use_names_who_has_it_and_is_free_once_deleted(
    alice: Client,
) -> None:
    holder = alice.engagement(external_ref="crm-1")
    request = {**LEAST, "members": [alice.user], "external_ref": "crm-1"}
    answer = alice.call("engagements.create", request)
    assert (answer.type, answer.body["existing_id"]) == ("value_not_permitted", holder["id"])
    alice.ok("engagements.delete", {"id": holder["id"]})
    assert alice.ok("engagements.create", request)["engagement"]["external_ref"] == "crm-1"


@pytest.mark.parametrize(
    ("request_", "type_", "field"),
    [
        ({"limit": 0}, "value_not_permitted", "limit"),
        ({"limit": 101}, "value_not_permitted", "limit"),
        ({"limit": "5"}, "unexpected_json_type", "limit"),
        ({"limit": 1.5}, "value_not_permitted", "limit"),
        ({"limit": 10**30}, "value_not_permitted", "limit"),
        ({"cursor": "abc"}, "invalid_field", "cursor"),
        ({"cursor": ""}, "invalid_field", "cursor"),
        ({"cursor": "\u2603"}, "invalid_field", "cursor"),
        ({"mode": "sideways"}, "invalid_enum_value", "mode"),
        ({"sort_by": ["title"]}, "value_not_permitted", "sort_by[0]"),
        ({"sort_by": ["title:up"]}, "value_not_permitted", "sort_by[0]"),
        ({"sort_by": ["title:asc", "title:desc"]}, "value_not_permitted", "sort_by[1]"),
        ({"sort_by": ["number:asc"]}, "value_not_permitted", "sort_by[0]"),
        ({"type": ["fax"]}, "invalid_enum_value", "type[0]"),
        ({"members": ["ACC-1"]}, "unexpected_id_type", "members[0]"),
        ({"created_date": {"after": "yesterday"}}, "value_not_permitted", "created_date.after"),
        (
            {"created_date": {"since": "2023-01-01T00:00:00Z"}},
            "invalid_field",
            "created_date.since",
        ),
    ],
)
def test_a_bad_list_request_is_refused_in_both_forms(
    request_: dict[str, Any], type_: str, field: str, alice: Client
) -> None:
    answer = alice.call("engagements.list", request_)
    assert (answer.status, answer.type, answer.body["field_name"]) == (400, type_, field)
    if request_ == {"limit": "5"}:
        return  # a query has no types: there it is a five
    query = {
        (name if not isinstance(value, dict) else f"{name}.{next(iter(value))}"): (
            next(iter(value.values()))
            if isinstance(value, dict)
            else ",".join(value)
            if isinstance(value, list)
            else value
        )
        for name, value in request_.items()
    }
    answer = alice.get("engagements.list", query)
    assert (answer.status, answer.body["field_name"]) == (400, field)


def test_a_cursor_belongs_to_its_list_and_its_order(alice: Client) -> None:
    for _ in range(3):
        alice.engagement()
        alice.ok("tags.create", {"name": "x"})
    cursor = alice.ok("engagements.list", {"limit": 1})["next_cursor"]
    assert alice.ok("engagements.list", {"limit": 1, "cursor": cursor})["engagements"]
    for method, request in (
        ("engagements.list", {"cursor": cursor, "sort_by": ["title:asc"]}),
        ("tags.list", {"cursor": cursor}),
        ("engagements.list", {"cursor": cursor[:-2]}),
        ("engagements.list", {"cursor": cursor[:-1] + ("A" if cursor[-1] != "A" else "B")}),
    ):
        answer = alice.call(method, request)
        assert (answer.status, answer.type, answer.body["field_name"]) == (
            400,
            "invalid_field",
            "cursor",
        ), json.dumps(request)
