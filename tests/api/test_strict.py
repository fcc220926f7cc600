"""RAPPORT_STRICT=1: what passes here passes at DevRev."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.server import Client, Server
from tests.support.world import make_world

pytestmark = pytest.mark.engines("sqlite")

DOCUMENTED = {
    "created_by", "created_date", "display_id", "id", "modified_by", "modified_date", "description",
}  # fmt: skip


@pytest.fixture
def dana(strict_server: Server) -> Client:
    return strict_server.make_org("Dana's")


def test_answers_hold_only_what_is_documented(dana: Client) -> None:
    made = dana.engagement(description="Notes", external_ref="crm-1")
    assert set(made) == DOCUMENTED
    assert set(dana.ok("engagements.get", {"id": made["id"]})["engagement"]) == DOCUMENTED
    assert [set(one) for one in dana.ok("engagements.list")["engagements"]] == [DOCUMENTED]
    assert "role" not in dana.ok("dev-users.self")["dev_user"]


def test_a_type_is_told_only_where_there_are_several(dana: Client, alice: Client) -> None:
    """DevRev's summaries have one only in unions; elsewhere it is ours."""
    for client, typed in ((dana, False), (alice, True)):
        world = make_world(client)
        tagged = client.ok(
            "accounts.update", {"id": world.account["id"], "tags": [{"id": world.tag["id"]}]}
        )["account"]
        rev_org = client.ok("rev-orgs.get", {"account": world.account["id"]})["rev_org"]
        ends = {"source": world.opportunity["id"], "target": world.account["id"]}
        link = client.ok("links.create", {"link_type": "is_part_of", **ends})["link"]
        for inner in (
            tagged["tags"][0]["tag"],
            rev_org["account"],
            world.opportunity["account"],
            link["source"]["account"],
        ):
            assert ("type" in inner) is typed
        for union in (
            link["source"],
            link["target"],
            tagged["created_by"],
            world.rev_user["rev_org"],
        ):
            assert "type" in union


@pytest.mark.parametrize(
    ("method", "request_", "field"),
    [
        ("engagements.list", {"engagement_type": ["call"]}, "engagement_type"),
        ("engagements.list", {"created_by": ["DEVU-1"]}, "created_by"),
        ("engagements.count", {"tags": ["TAG-1"]}, "tags"),
        ("engagements.list", {"expand": ["members"]}, "expand"),
        (
            "engagements.update",
            {"id": "ENGAGEMENT-1", "engagement_type": "call"},
            "engagement_type",
        ),
        (
            "engagements.create",
            {
                "members": ["DEVU-1"],
                "scheduled_date": "2023-01-01T12:00:00Z",
                "title": "x",
                "custom_fields": {"x": "y"},
            },
            "custom_fields",
        ),
        (
            "engagements.update",
            {"id": "ENGAGEMENT-1", "custom_fields": {"x": "y"}},
            "custom_fields",
        ),
        ("engagements.list", {"custom_fields": {"x": "y"}}, "custom_fields"),
        ("engagements.count", {"custom_fields": {"x": "y"}}, "custom_fields"),
        (
            "dev-users.create",
            {"email": "x@example.com", "state": "shadow", "display_name": "X"},
            "display_name",
        ),
        (
            "dev-users.create",
            {"email": "x@example.com", "state": "shadow", "role": "admin"},
            "role",
        ),
    ],
)
def test_what_is_not_devrevs_is_an_invalid_field(
    method: str, request_: Mapping[str, Any], field: str, dana: Client
) -> None:
    answer = dana.call(method, request_)
    assert (answer.status, answer.type, answer.body["field_name"]) == (400, "invalid_field", field)
    assert "violations" not in answer.body


def test_custom_fields_that_an_engagement_has_already_are_left_out(
    strict_server: Server, dana: Client
) -> None:
    least = {"members": [dana.user], "scheduled_date": "2023-01-01T12:00:00Z", "title": "x"}
    body = json.dumps({**least, "custom_fields": {"x": "y"}})
    told = strict_server.run("call", method="engagements.create", body=body, org=dana.org)
    made = json.loads(told["body"])["engagement"]
    assert made["custom_fields"] == {"x": "y"}
    assert set(dana.ok("engagements.get", {"id": made["id"]})["engagement"]) <= DOCUMENTED


@pytest.mark.parametrize("header", ["Idempotency-Key", "X-Rapport-Expand"])
def test_our_headers_are_refused(header: str, dana: Client) -> None:
    request = {"members": [dana.user], "scheduled_date": "2023-01-01T12:00:00Z", "title": "x"}
    answer = dana.call("engagements.create", request, **{header: "members"})
    assert (answer.status, answer.type, answer.body["field_name"]) == (400, "invalid_field", header)
    assert dana.ok("engagements.count") == {"count": 0}


def test_differences_of_real_clients_are_refused_here_and_taken_elsewhere(
    dana: Client, alice: Client
) -> None:
    for client, status in ((dana, 400), (alice, 200)):
        assert client.call("engagements.list", {"parent": "ACC-1"}).status == status
        assert client.call("engagements.count", {"engagement_type": ["call"]}).status == status
        tag = client.ok("tags.create", {"name": "hot"})["tag"]["id"]
        request = {
            "members": [client.user],
            "scheduled_date": "2023-01-01T12:00:00Z",
            "title": "x",
            "tags": [tag],
        }
        assert client.call("engagements.create", request).status == (201 if status == 200 else 400)


@pytest.mark.parametrize("kind", ["conversation", "custom", "meeting", "survey"])
def test_types_only_devrevs_filters_know_are_written_here_and_not_there(
    kind: str, dana: Client, alice: Client
) -> None:
    request = {"members": [alice.user], "scheduled_date": "2023-01-01T12:00:00Z", "title": "x"}
    made = alice.ok("engagements.create", {**request, "engagement_type": kind})["engagement"]
    assert made["engagement_type"] == kind
    other = alice.engagement()
    change = {"id": other["id"], "engagement_type": kind}
    assert alice.ok("engagements.update", change)["engagement"]["engagement_type"] == kind
    assert alice.ok("engagements.count", {"type": [kind]}) == {"count": 2}
    answer = dana.call(
        "engagements.create", {**request, "members": [dana.user], "engagement_type": kind}
    )
    assert (answer.status, answer.type) == (400, "invalid_enum_value")
    assert kind not in answer.body["allowed_values"]
    assert dana.ok("engagements.list", {"type": [kind]}) == {"engagements": []}


def test_orders_that_are_ours_are_refused_here_and_taken_elsewhere(
    dana: Client, alice: Client
) -> None:
    for client, status in ((dana, 400), (alice, 200)):
        answer = client.call("accounts.list", {"sort_by": ["last_engagement:asc"]})
        assert answer.status == status
