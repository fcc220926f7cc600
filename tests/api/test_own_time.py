"""Own time: what is brought from elsewhere keeps who made and changed it, and when."""

from typing import Any

import pytest

from tests.support.server import Client, Server
from tests.support.world import World, make_world

pytestmark = pytest.mark.engines("sqlite", "postgres")
Body = dict[str, Any]
MADE, CHANGED = "2019-03-01T09:30:00.000Z", "2020-04-02T10:00:00.000Z"
FUTURE = "2990-01-01T00:00:00Z"


def _creates(client: Client, world: World) -> dict[str, tuple[str, Body]]:
    """By family: the name of its objects, and a create."""
    me, account = client.user, world.account["id"]
    ends = {"source": world.account["id"], "target": world.opportunity["id"]}
    return {
        "accounts": ("account", {"display_name": "Old"}),
        "dev-users": ("dev_user", {"email": "old@example.test", "state": "shadow"}),
        "engagements": ("engagement", {"members": [me], "scheduled_date": MADE, "title": "Old"}),
        "links": ("link", {"link_type": "is_related_to", **ends}),
        "meetings": (
            "meeting",
            {"channel": "zoom", "members": [me], "state": "completed", "title": "Old"},
        ),
        "rev-orgs": ("rev_org", {"account": account, "display_name": "Old"}),
        "rev-users": ("rev_user", {"display_name": "Old"}),
        "service-accounts": ("service_account", {"display_name": "Old"}),
        "tags": ("tag", {"name": "Old"}),
        "timeline-entries": (
            "timeline_entry",
            {"type": "timeline_comment", "object": account, "body": "Old"},
        ),
        "works": (
            "work",
            {"type": "opportunity", "title": "Old", "account": account, "owned_by": [me],
             "applies_to_part": "PROD-1"},
        ),
    }  # fmt: skip


FAMILIES = (
    "accounts", "dev-users", "engagements", "links", "meetings", "rev-orgs", "rev-users",
    "service-accounts", "tags", "timeline-entries", "works",
)  # fmt: skip
each_family = pytest.mark.parametrize("family", FAMILIES)


@pytest.fixture
def importer(alice: Client) -> Client:
    return alice.server.make_user(alice, role="admin", scope="import all")


@each_family
def test_an_object_keeps_its_history_and_its_event_says_so(
    alice: Client, importer: Client, family: str
) -> None:
    world = make_world(alice)
    name, body = _creates(alice, world)[family]
    own = {
        "created_by": world.rev_user["id"],
        "created_date": MADE,
        "modified_by": alice.user,
        "modified_date": CHANGED,
    }
    end = alice.feed_end()
    made = importer.ok(f"{family}.create", {**body, **own})[name]
    assert (made["created_date"], made["modified_date"]) == (MADE, CHANGED)
    assert made["created_by"]["id"] == world.rev_user["id"]
    assert made["modified_by"]["display_id"] == alice.user
    assert alice.ok(f"{family}.get", {"id": made["id"]})[name] == made
    events = alice.feed(end)
    assert events or family == "service-accounts"
    for event in events:
        assert event["imported"] is True
        assert event["timestamp"] > CHANGED
        assert event["actor"] == importer.ok("dev-users.self")["dev_user"]["id"]


def test_what_is_said_of_nothing_is_as_ever(alice: Client, importer: Client) -> None:
    me = importer.ok("dev-users.self")["dev_user"]["id"]
    plain = importer.engagement(members=[alice.user])
    assert plain["created_by"]["id"] == me
    assert "imported" not in alice.feed()[-1]
    dated = importer.engagement(members=[alice.user], created_date=MADE)
    assert (dated["modified_date"], dated["modified_by"]["id"]) == (MADE, me)
    named = importer.engagement(members=[alice.user], created_by=alice.user)
    assert named["modified_by"]["display_id"] == alice.user
    assert named["created_date"] == named["modified_date"] > MADE


def test_lists_find_and_sort_it_by_its_own_time(alice: Client, importer: Client) -> None:
    new = alice.engagement()
    old = importer.engagement(members=[alice.user], created_date=MADE, created_by=alice.user)
    assert [one["id"] for one in alice.ok("engagements.list")["engagements"]] == [
        new["id"],
        old["id"],
    ]
    for mode, found in (("asc", [old, new]), ("desc", [new, old])):
        request = {"members": [alice.user], "sort_by": [f"created_date:{mode}"]}
        assert alice.ok("engagements.list", request)["engagements"] == found
    before = {"created_date": {"before": CHANGED}, "created_by": [alice.user]}
    assert alice.ok("engagements.list", before)["engagements"] == [old]
    changed = alice.ok("engagements.update", {"id": old["id"], "title": "New"})["engagement"]
    assert changed["created_date"] == MADE
    assert changed["modified_date"] > new["modified_date"]


@each_family
def test_without_the_scope_it_is_a_403_that_names_it(alice: Client, family: str) -> None:
    _, body = _creates(alice, make_world(alice))[family]
    everything = alice.server.make_user(alice, role="admin", scope="all")
    with alice.unchanged():
        for client in (alice, everything):
            answer = client.call(f"{family}.create", {**body, "created_date": MADE})
            assert (answer.status, answer.type) == (403, "forbidden")
            assert "import" in answer.body["message"]


def test_a_member_with_the_scope_may_not(alice: Client) -> None:
    member = alice.server.make_user(alice, role="member", scope="import all")
    request = {"name": "Old", "created_date": MADE}
    assert member.call("tags.create", request).status == 403
    assert member.call("tags.create", {"name": "New"}).status == 201


def test_the_scope_replaces_none(alice: Client) -> None:
    alone = alice.server.make_user(alice, role="admin", scope="import")
    request = {"name": "Old", "created_date": MADE}
    assert "tag:write" in alone.call("tags.create", request).body["message"]
    assert alone.call("tags.get", {"id": "TAG-1"}).status == 403
    both = alice.server.make_user(alice, role="admin", scope="import tag:write")
    assert both.call("tags.create", request).status == 201


@pytest.mark.parametrize(
    ("own", "problems"),
    [
        ({"created_date": FUTURE}, {("value_not_permitted", "created_date")}),
        ({"modified_date": FUTURE}, {("value_not_permitted", "modified_date")}),
        (
            {"created_date": CHANGED, "modified_date": MADE},
            {("value_not_permitted", "modified_date")},
        ),
        ({"modified_date": MADE}, {("value_not_permitted", "modified_date")}),
        (
            {"created_by": "DEVU-99", "created_date": FUTURE, "modified_by": "email:no@x.test"},
            {
                ("invalid_id", "created_by"),
                ("invalid_id", "modified_by"),
                ("value_not_permitted", "created_date"),
            },
        ),
        ({"created_by": "ACC-1"}, {("unexpected_id_type", "created_by")}),
        ({"created_date": None}, {("unexpected_json_type", "created_date")}),
    ],
)
def test_what_can_t_have_been_is_refused(
    alice: Client, importer: Client, own: Body, problems: set[tuple[str, str]]
) -> None:
    _, body = _creates(alice, make_world(alice))["engagements"]
    with alice.unchanged():
        for method in ("engagements.create", "engagements.upsert"):
            answer = importer.call(method, {**body, "external_ref": "r-1", **own})
            assert (answer.status, answer.problems) == (400, problems)


def test_an_upsert_keeps_it_where_it_makes_and_ignores_it_where_it_changes(
    alice: Client, importer: Client
) -> None:
    body = {"external_refs": ["r-1"], "display_name": "Old", "created_date": MADE}
    made = importer.ok("accounts.upsert", body)["account"]
    assert made["created_date"] == MADE
    again = importer.ok("accounts.upsert", {**body, "created_date": CHANGED, "tier": "gold"})
    assert again["account"]["created_date"] == MADE
    assert again["account"]["modified_date"] > CHANGED
    assert alice.call("accounts.upsert", body).status == 403


def test_creates_that_arrive_together_each_have_their_own(alice: Client, importer: Client) -> None:
    base = {"members": [alice.user], "scheduled_date": MADE, "title": "x"}
    own: list[Body] = [
        {"created_date": MADE},
        {},
        {"created_date": CHANGED, "created_by": alice.user},
        {"created_date": FUTURE},
    ] * 4
    answers = importer.together([("engagements.create", {**base, **one}) for one in own])
    for one, answer in zip(own, answers, strict=True):
        if one.get("created_date") == FUTURE:
            assert answer.problems == {("value_not_permitted", "created_date")}
        else:
            date = answer.body["engagement"]["created_date"]
            assert date == one["created_date"] if one else date > CHANGED


def test_an_admin_gives_the_scope_and_nobody_else_does(alice: Client, importer: Client) -> None:
    for client, status in (
        (alice, 201),
        (importer, 201),
        (alice.server.make_user(alice, role="admin", scope="all"), 403),
        (alice.server.make_user(alice, role="member"), 403),
    ):
        assert client.call("auth-tokens.create", {"scope": "import all"}).status == status


def test_the_operator_may_over_the_socket(server: Server, alice: Client) -> None:
    body = '{"name": "Old", "created_date": "' + MADE + '"}'
    told = server.run("call", method="tags.create", body=body, org=alice.org)
    assert (told["status"], MADE in told["body"]) == (201, True)


def test_strict_servers_take_none_of_it(strict_server: Server) -> None:
    dana = strict_server.make_org("Dana's")
    answer = dana.call("tags.create", {"name": "x", "created_date": MADE})
    assert (answer.type, answer.body["field_name"]) == ("invalid_field", "created_date")
