"""An address, an external ref or a domain in an id's place, in every method and both forms."""

from typing import Any

import pytest

from tests.support.server import Client, Server
from tests.support.world import make_world

pytestmark = pytest.mark.engines("sqlite", "postgres")
WHEN = "2026-01-01T00:00:00Z"


@pytest.fixture
def ada(alice: Client) -> Any:
    fields = {"email": "Ada@Example.test", "display_name": "Ada", "external_ref": "person-1"}
    return alice.ok("rev-users.create", fields)["rev_user"]


@pytest.fixture
def acme(alice: Client) -> Any:
    fields = {
        "display_name": "Acme",
        "domains": ["acme.test"],
        "external_refs": ["crm-17", "x" * 300],
    }
    return alice.ok("accounts.create", fields)["account"]


def test_an_engagement_is_recorded_by_what_one_has(alice: Client, ada: Any, acme: Any) -> None:
    made = alice.engagement(
        members=["email:ada@EXAMPLE.test", "ref:person-1", alice.user],
        parent="domain:ACME.test",
        parents=["ref:crm-17", f"ref:{'x' * 300}"],
    )
    assert made["members"] == [ada["id"], _don(alice)]
    assert made["parents"] == [acme["id"]]
    changed = alice.ok(
        "engagements.update", {"id": made["id"], "members": {"set": ["ref:person-1"]}}
    )
    assert changed["engagement"]["members"] == [ada["id"]]


def _don(client: Client) -> str:
    return str(client.ok("dev-users.self")["dev_user"]["id"])


def test_what_has_a_ref_is_acted_on_by_it_in_both_forms(alice: Client) -> None:
    world = make_world(alice)
    ref = {"external_ref": "ours: 1, \u00e9"}
    own = {"account": world.account["id"], "display_name": "Team", **ref}
    alice.ok("rev-orgs.create", own)
    alice.ok("rev-users.create", {"display_name": "Rio", **ref})
    alice.ok("accounts.create", {"display_name": "Bolt", "external_refs": [ref["external_ref"]]})
    alice.engagement(**ref)
    alice.meeting(**ref)
    work = {"type": "opportunity", "title": "Deal", "applies_to_part": "PROD-1"}
    alice.ok(
        "works.create",
        {**work, "account": world.account["id"], "owned_by": [alice.user], **ref},
    )
    note = {"type": "timeline_comment", "object": "ref:crm-1", "body": "Hi", **ref}
    alice.ok("timeline-entries.create", note)
    name = f"ref:{ref['external_ref']}"
    for family in (
        "accounts", "engagements", "meetings", "rev-orgs", "rev-users", "timeline-entries", "works",
    ):  # fmt: skip
        posted = alice.ok(f"{family}.get", {"id": name})
        assert alice.get(f"{family}.get", {"id": name}).body == posted
    alice.ok("engagements.delete", {"id": name})
    alice.refused("engagements.get", {"id": name}, "not_found", status=404)
    alice.ok("engagements.restore", {"id": "ENGAGEMENT-2"})
    alice.ok("works.delete", {"id": name})
    alice.refused("works.update", {"id": name, "type": "opportunity"}, "not_found", status=404)


def test_filters_take_them_in_both_forms(alice: Client, ada: Any, acme: Any) -> None:
    made = alice.engagement(members=[ada["id"]], parent=acme["id"])
    alice.engagement(title="Other")
    for filters in (
        {"members": ["email:ada@example.test"]},
        {"parent": ["domain:acme.test", "ref:nothing"]},
        {"members": ["ref:person-1"], "parent": ["ref:crm-17"]},
    ):
        assert alice.ok("engagements.list", filters)["engagements"] == [made]
        query = {name: ",".join(names) for name, names in filters.items()}
        assert alice.get("engagements.list", query).body["engagements"] == [made]
    assert alice.ok("engagements.count", {"parent": ["domain:acme.example"]}) == {"count": 0}


def test_a_name_that_nothing_has_is_answered_as_an_absent_id(
    alice: Client, charlie: Client, ada: Any, acme: Any
) -> None:
    for client, members, parent in (
        (alice, "email:bob@example.test", "ref:crm-18"),
        (charlie, "email:ada@example.test", "ref:crm-17"),
    ):
        request = {
            "members": [client.user, members],
            "parent": parent,
            "scheduled_date": WHEN,
            "title": "x",
        }
        answer = client.call("engagements.create", request)
        assert answer.status == 400
        assert answer.problems == {("invalid_id", "members[1]"), ("invalid_id", "parent")}
        assert members in answer.body["message"]
        assert client.call("accounts.get", {"id": parent}).status == 404
    alice.ok("rev-users.delete", {"id": ada["id"]})
    alice.refused("rev-users.get", {"id": "email:ada@example.test"}, "not_found", status=404)
    assert acme["id"]


def test_a_name_that_several_have_is_refused_and_names_them(alice: Client, ada: Any) -> None:
    dev = {"email": "ada@example.test", "state": "shadow"}
    made = alice.ok("dev-users.create", dev)["dev_user"]
    request = {"members": ["email:ada@example.test"], "scheduled_date": WHEN, "title": "x"}
    answer = alice.refused("engagements.create", request, "invalid_id", "members[0]")
    assert ada["display_id"] in answer.body["message"]
    assert made["display_id"] in answer.body["message"]
    filtered = {"members": "email:ada@example.test"}
    assert alice.get("engagements.list", filtered).body["field_name"] == "members[0]"
    # Of the kinds that a field takes there may be one.
    got = alice.ok("rev-users.get", {"id": "email:ada@example.test"})["rev_user"]
    assert got["id"] == ada["id"]
    for number in range(12):
        alice.ok("accounts.create", {"display_name": f"A{number}", "domains": ["many.test"]})
    answer = alice.refused("accounts.delete", {"id": "domain:many.test"}, "invalid_id", "id")
    assert answer.body["message"].endswith(" and others.")


def test_creates_that_arrive_together_are_each_told_their_own(
    alice: Client, ada: Any, acme: Any
) -> None:
    parents = ["ref:crm-17", "domain:acme.test", "ref:nobody"] * 6
    requests = [
        ("engagements.create", {
            "members": ["email:ada@example.test"],
            "parent": parent,
            "scheduled_date": WHEN,
            "title": parent,
        })
        for parent in parents
    ]  # fmt: skip
    for (_, request), answer in zip(requests, alice.together(requests), strict=True):
        if request["parent"] == "ref:nobody":
            assert answer.problems == {("invalid_id", "parent")}
        else:
            assert answer.body["engagement"]["title"] == request["title"]
            assert answer.body["engagement"]["parents"] == [acme["id"]]
            assert answer.body["engagement"]["members"] == [ada["id"]]


@pytest.mark.parametrize(
    ("method", "field", "name"),
    [
        ("tags.get", "id", "ref:x"),
        ("accounts.get", "id", "email:ada@example.test"),
        ("accounts.get", "id", "domain:not a domain"),
        ("accounts.get", "id", "ref:"),
        ("accounts.get", "id", f"ref:{'x' * 2049}"),
        ("accounts.get", "id", "REF:x"),
        ("dev-users.get", "id", "ref:x"),
        ("engagements.get", "id", "name:x"),
    ],
)
def test_what_no_kind_of_the_field_is_found_by_is_no_id(
    alice: Client, method: str, field: str, name: str
) -> None:
    alice.refused(method, {field: name}, "invalid_id", field)
    assert alice.get(method, {field: name}).type == "invalid_id"


def test_strict_servers_take_ids_alone(strict_server: Server) -> None:
    dana = strict_server.make_org("Dana's")
    dana.ok("accounts.create", {"display_name": "Acme", "domains": ["acme.test"]})
    assert dana.refused("accounts.get", {"id": "domain:acme.test"}, "invalid_id", "id")
    assert dana.get("accounts.get", {"id": "domain:acme.test"}).type == "invalid_id"
    assert dana.get("engagements.list", {"members": "email:a@b.test"}).status == 400
