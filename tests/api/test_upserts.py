"""<family>.upsert: what has a ref is changed, what nothing has it is made."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.server import Client, Server
from tests.support.world import World, make_world

pytestmark = pytest.mark.engines("sqlite", "postgres")
Body = dict[str, Any]
WHEN = "2026-01-01T00:00:00.000Z"
RACERS = 64


def _bodies(client: Client, world: World) -> dict[str, tuple[str, Body, Body]]:
    """By family: the name of its objects, a request that makes one, and one that changes it."""
    me, account, tag = client.user, world.account["id"], [{"id": world.tag["id"]}]
    ref = {"external_ref": "r-1"}
    rest = {"custom_fields": {"a": 1}, "tags": tag}
    return {
        "engagements": (
            "engagement",
            {**ref, **rest, "members": [me], "scheduled_date": WHEN, "title": "One",
             "parent": account, "parents": [world.opportunity["id"]]},
            {**ref, "title": "Two", "members": [me, world.rev_user["id"]], "parents": [account]},
        ),
        "meetings": (
            "meeting",
            {**ref, **rest, "channel": "zoom", "members": [me], "state": "scheduled",
             "title": "One", "parent": account, "organizer": me, "scheduled_date": WHEN},
            {**ref, "title": "Two", "members": [me, world.rev_user["id"]],
             "parent": world.opportunity["id"]},
        ),
        "accounts": (
            "account",
            {**rest, "external_refs": ["r-1", "r-2"], "display_name": "One", "owned_by": [me],
             "domains": ["one.test"], "websites": ["one.test"], "tier": "gold"},
            {"external_refs": ["r-2"], "display_name": "Two", "websites": ["two.test"]},
        ),
        "rev-users": (
            "rev_user",
            {**ref, **rest, "display_name": "One", "account": account, "email": "a@b.test",
             "phone_numbers": ["+1"], "custom_schema_fragments": ["x"]},
            {**ref, "display_name": "Two", "external_refs": ["other"]},
        ),
        "rev-orgs": (
            "rev_org",
            {**ref, **rest, "account": account, "display_name": "One", "domain": "one.test"},
            {**ref, "display_name": "Two", "custom_fields": {"b": 2}},
        ),
        "works": (
            "work",
            {**ref, **rest, "type": "opportunity", "account": account, "title": "One",
             "applies_to_part": "PROD-1", "owned_by": [me], "contacts": [world.rev_user["id"]],
             "stage": {"name": "discovery"}, "stage_validation_options": ["allow_non_start"],
             "forecast_category": "pipeline", "priority": "p1", "probability": 0.5},
            {**ref, "title": "Two", "priority": "p2", "forecast_category": "won",
             "stage": {"name": "won"}, "owned_by": [me]},
        ),
    }  # fmt: skip


FAMILIES = ("accounts", "engagements", "meetings", "rev-orgs", "rev-users", "works")
each_family = pytest.mark.parametrize("family", FAMILIES)


@each_family
def test_it_is_made_once_then_changed_and_what_is_the_same_changes_nothing(
    alice: Client, family: str
) -> None:
    name, making, changing = _bodies(alice, make_world(alice))[family]
    answer = alice.call(f"{family}.upsert", making)
    made = answer.body[name]
    assert (answer.status, answer.body["created"], next(iter(answer.body))) == (
        201,
        True,
        "created",
    )
    with alice.unchanged():
        again = alice.call(f"{family}.upsert", making)
        assert (again.status, again.body) == (200, {"created": False, name: made})
    changed = alice.call(f"{family}.upsert", changing)
    assert (changed.status, changed.body["created"]) == (200, False)
    now = changed.body[name]
    assert now["id"] == made["id"]
    assert "Two" in (now.get("title"), now.get("display_name"))
    assert now["modified_date"] > made["modified_date"]
    assert now["tags"] == made["tags"]
    with alice.unchanged():
        assert alice.ok(f"{family}.upsert", changing) == {"created": False, name: now}
    got = alice.ok(f"{family}.get", {"id": made["id"]})[name]
    assert got == now


@each_family
def test_of_many_who_ask_at_once_one_makes_it(alice: Client, family: str) -> None:
    name, making, _ = _bodies(alice, make_world(alice))[family]
    answers = alice.together([(f"{family}.upsert", making)] * RACERS)
    assert sorted(answer.status for answer in answers) == [200] * (RACERS - 1) + [201]
    assert len({answer.body[name]["id"] for answer in answers}) == 1


@each_family
def test_creates_and_upserts_of_one_ref_at_once_make_one(alice: Client, family: str) -> None:
    """Opportunities may share a ref, so that there each create makes one."""
    _, making, _ = _bodies(alice, make_world(alice))[family]
    if family == "works":
        return
    answers = alice.together([(f"{family}.upsert", making), (f"{family}.create", making)] * 8)
    assert {answer.status for answer in answers[::2]} <= {200, 201}
    assert {answer.status for answer in answers[1::2]} <= {201, 400, 409}
    assert [answer.status for answer in answers].count(201) == 1


@each_family
def test_what_has_to_be_there_is_wanted_only_where_it_is_made(alice: Client, family: str) -> None:
    name, making, _ = _bodies(alice, make_world(alice))[family]
    least = {key: value for key, value in making.items() if key.startswith("external_ref")}
    if family == "rev-users":
        assert alice.call(f"{family}.upsert", least).status == 201
    else:
        answer = alice.call(f"{family}.upsert", least)
        assert (answer.status, answer.type) == (400, "missing_required_field")
        assert {field for _, field in answer.problems} <= {*making}
        alice.refused(f"{family}.upsert", {}, "missing_required_field", next(iter(least)))
    made = alice.ok(f"{family}.upsert", making)[name]
    with alice.unchanged():
        answer = alice.ok(f"{family}.upsert", least)
        assert answer["created"] is False
        # An account's refs are set whole, as they were.
        assert answer[name] == made


@each_family
def test_nobody_changes_what_another_org_has(alice: Client, charlie: Client, family: str) -> None:
    name, making, _ = _bodies(alice, make_world(alice))[family]
    made = alice.ok(f"{family}.upsert", making)[name]
    other = charlie.ok(f"{family}.upsert", _bodies(charlie, make_world(charlie))[family][1])
    assert other["created"] is True
    assert other[name]["id"] != made["id"]
    viewer = alice.server.make_user(alice, role="viewer")
    assert viewer.call(f"{family}.upsert", making).status == 403


@each_family
def test_a_retry_under_one_key_answers_as_before_with_the_same_status(
    alice: Client, family: str
) -> None:
    _, making, _ = _bodies(alice, make_world(alice))[family]
    key = {"Idempotency-Key": "k-1"}
    first = alice.call(f"{family}.upsert", making, **key)
    second = alice.call(f"{family}.upsert", making, **key)
    assert (second.status, second.body) == (first.status, first.body) == (201, first.body)


def test_a_deleted_one_is_not_revived(alice: Client) -> None:
    _, making, _ = _bodies(alice, make_world(alice))["engagements"]
    made = alice.ok("engagements.upsert", making)["engagement"]
    alice.ok("engagements.delete", {"id": made["id"]})
    again = alice.ok("engagements.upsert", making)
    assert again["created"] is True
    assert again["engagement"]["id"] != made["id"]


def test_refs_that_several_have_are_a_conflict_that_names_them(alice: Client) -> None:
    one, two = (
        alice.ok("accounts.create", {"display_name": name, "external_refs": [name]})["account"]
        for name in ("a", "b")
    )
    answer = alice.call("accounts.upsert", {"external_refs": ["a", "b", "c"]})
    assert (answer.status, answer.type) == (409, "conflict")
    assert one["display_id"] in answer.body["message"]
    assert two["display_id"] in answer.body["message"]
    _, making, _ = _bodies(alice, make_world(alice))["works"]
    for _ in range(2):
        alice.ok("works.create", making)
    assert alice.call("works.upsert", making).type == "conflict"
    alice.refused("accounts.upsert", {"external_refs": []}, "value_not_permitted", "external_refs")


def test_a_refusal_names_fields_as_they_were_sent(alice: Client) -> None:
    world = make_world(alice)
    _, making, _ = _bodies(alice, world)["engagements"]
    alice.ok("engagements.upsert", making)
    bad = {"external_ref": "r-1", "members": ["DEVU-99"], "tags": [{"id": "TAG-99"}]}
    with alice.unchanged():
        answer = alice.refused("engagements.upsert", bad, "invalid_id", "members[0]")
        assert answer.problems == {("invalid_id", "members[0]"), ("invalid_id", "tags[0].id")}
        assert answer.body["message"].startswith("members[0]:")


def test_upserts_that_arrive_together_each_get_their_own(alice: Client) -> None:
    world = make_world(alice)
    _, making, _ = _bodies(alice, world)["engagements"]
    requests = [
        {**making, "external_ref": f"r-{number % 10}", "title": f"T{number}"}
        if number % 7
        else {"external_ref": f"x-{number}"}
        for number in range(40)
    ]
    answers = alice.together([("engagements.upsert", request) for request in requests])
    for request, answer in zip(requests, answers, strict=True):
        if "title" in request:
            assert answer.body["engagement"]["title"] == request["title"]
        else:
            assert answer.type == "missing_required_field"
    assert alice.ok("engagements.count") == {"count": 11}


def test_parents_and_names_in_ids_places_are_taken_in_both_cases(alice: Client) -> None:
    world = make_world(alice)
    body = {
        "external_ref": "r-1",
        "members": [f"email:{world.rev_user['email']}"],
        "parent": world.opportunity["id"],
        "parents": [world.account["id"]],
        "scheduled_date": WHEN,
        "title": "One",
        "expand": ["parents"],
    }
    made = alice.ok("engagements.upsert", body)
    assert [one["id"] for one in made["engagement"]["parents"]] == [
        world.opportunity["id"],
        world.account["id"],
    ]
    assert alice.ok("engagements.upsert", body) == {**made, "created": False}
    only = alice.ok("engagements.upsert", {"external_ref": "r-1", "parent": world.account["id"]})
    assert only["engagement"]["parents"] == [world.account["id"]]


@pytest.fixture
def moved(alice: Client) -> Callable[[Body], Any]:
    def upsert(fields: Body) -> Any:
        return alice.ok("rev-users.upsert", {"external_ref": "p", **fields})["rev_user"]["rev_org"]

    return upsert


def test_a_rev_user_goes_to_another_account_and_stays_where_they_are_of_it(
    alice: Client, moved: Callable[[Body], Any]
) -> None:
    one, two = (
        alice.ok("accounts.create", {"display_name": name, "external_refs": [name]})
        for name in ("a", "b")
    )
    team = {"account": "ref:b", "display_name": "Team", "external_ref": "t"}
    alice.ok("rev-orgs.create", team)
    assert moved({"account": "ref:a"})["id"] == one["default_rev_org"]["id"]
    assert moved({"account": "ref:b"})["id"] == two["default_rev_org"]["id"]
    assert moved({"rev_org": "ref:t"})["display_name"] == "Team"
    assert moved({"account": "ref:b"})["display_name"] == "Team"
    wrong = {"external_ref": "p", "account": "ref:a", "rev_org": "ref:t"}
    alice.refused("rev-users.upsert", wrong, "value_not_permitted", "rev_org")


def test_strict_servers_have_no_upserts(strict_server: Server) -> None:
    dana = strict_server.make_org("Dana's")
    for family in FAMILIES:
        answer = dana.call(f"{family}.upsert", {"external_ref": "r-1"})
        assert (answer.status, answer.body["message"]) == (404, "route not found")
    for method, request in (
        ("rev-users.update", {"id": "REVU-1", "account": "ACC-1"}),
        ("rev-orgs.update", {"id": "REV-1", "custom_fields": {}}),
        ("meetings.update", {"id": "MEETING-1", "parent": "ACC-1"}),
        ("works.update", {"id": "OPP-1", "priority": "p1"}),
    ):
        answer = dana.call(method, request)
        field = answer.body["field_name"]
        assert (answer.type, field) == ("invalid_field", [*request][1])
