"""Every method that writes leaves exactly the events that it should, with the whole story in
each.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from rapport.contract.kit.method import WRITE
from rapport.contract.table import METHODS
from tests.support.server import Client
from tests.support.world import World, make_world

pytestmark = pytest.mark.engines("sqlite", "postgres")

Make = Callable[[Client, World], Any]


class Case(NamedTuple):
    """A request that changes something in Alice's world, the events that it leaves, and what
    has to be there for it.
    """

    request: Any
    events: list[str]
    before: Make = lambda _client, _world: None


def _link(client: Client, world: World) -> Any:
    ends = {"source": world.account["id"], "target": world.opportunity["id"]}
    return client.ok("links.create", {"link_type": "is_related_to", **ends})["link"]


def _meeting(client: Client, world: World) -> Any:
    """A meeting, linked to the account."""
    made = client.meeting()
    ends = {"source": made["id"], "target": world.account["id"]}
    return client.ok("links.create", {"link_type": "is_related_to", **ends})


def _comment(client: Client, world: World) -> Any:
    return client.ok(
        "timeline-entries.create",
        {"object": world.engagement["id"], "type": "timeline_comment", "body": "Hi"},
    )


def _linked(client: Client, world: World) -> Any:
    """An opportunity that no engagement belongs to, and a link."""
    client.ok("engagements.delete", {"id": world.engagement["id"]})
    return _link(client, world)


def _lonely(client: Client, _: World) -> Any:
    """An account with a rev org of its own, a person in it, and a link."""
    account = client.ok("accounts.create", {"display_name": "Lonely"})["account"]
    client.ok("rev-users.create", {"display_name": "Rob", "account": account["id"]})
    client.ok(
        "links.create",
        {"link_type": "is_related_to", "source": account["id"], "target": client.user},
    )
    return account


def _contact(client: Client, world: World) -> Any:
    """A person whom an opportunity names."""
    user = client.ok("rev-users.create", {"display_name": "Rob"})["rev_user"]
    client.ok(
        "works.update",
        {
            "id": world.opportunity["id"],
            "type": "opportunity",
            "reported_by": {"set": [user["id"]]},
        },
    )
    return user


def _tagged(client: Client, world: World) -> Any:
    """A tag on one of each; the world's is on the engagement only."""
    tags = [{"id": world.tag["id"]}]
    client.ok("accounts.update", {"id": world.account["id"], "tags": tags})
    client.ok(
        "works.update",
        {"id": world.opportunity["id"], "type": "opportunity", "tags": {"set": tags}},
    )
    client.ok("rev-users.update", {"id": world.rev_user["id"], "tags": tags})
    client.ok("rev-orgs.update", {"id": "REV-1", "tags": tags})
    return world.tag


def _version(client: Client, _: World) -> Any:
    return {"id": client.upload()}


def _user(client: Client, _: World) -> Any:
    return client.ok("dev-users.create", {"email": "new@example.com", "state": "shadow"})[
        "dev_user"
    ]


def _webhook(client: Client, _: World) -> Any:
    return client.ok("webhooks.create", {"url": "https://hooks.invalid/"})["webhook"]


def _deleted(client: Client, _: World) -> Any:
    client.ok("engagements.delete", {"id": "ENGAGEMENT-1"})


def _gone(client: Client, world: World) -> Any:
    _meeting(client, world)
    client.ok("meetings.delete", {"id": "MEETING-1"})


NOTHING: dict[str, str] = {
    "auth-tokens.create": "a token is nobody's business",
    "auth-tokens.delete": "a token is nobody's business",
    "auth-tokens.self.delete": "a token is nobody's business",
    "auth-tokens.update": "a token is nobody's business",
    "service-accounts.create": "DevRev tells nothing of service accounts",
    "service-accounts.update": "DevRev tells nothing of service accounts",
    "webhook-deliveries.redeliver": "what is told again did not happen again",
    "webhooks.fetch": "to tell is not to change",
}
CASES: dict[str, Case] = {
    "accounts.create": Case({"display_name": "Globex"}, ["account_created", "rev_org_created"]),
    "accounts.delete": Case(
        {"id": "ACC-2"},
        ["link_deleted", "rev_user_updated", "rev_org_deleted", "account_deleted"],
        _lonely,
    ),
    "accounts.update": Case({"id": "ACC-1", "tier": "big"}, ["account_updated"]),
    "artifacts.prepare": Case({"file_name": "a.txt"}, ["artifact_created"]),
    "artifacts.versions.delete": Case({"id": "ARTIFACT-2"}, ["artifact_updated"], _version),
    "artifacts.versions.prepare": Case({"id": "ARTIFACT-1"}, ["artifact_updated"]),
    "dev-orgs.update": Case({"display_name": "Acme"}, ["dev_org_updated"]),
    "dev-users.activate": Case({"id": "DEVU-2"}, ["dev_user_updated"], _user),
    "dev-users.create": Case({"email": "n@example.com", "state": "shadow"}, ["dev_user_created"]),
    "dev-users.deactivate": Case({"id": "DEVU-2"}, ["dev_user_updated"], _user),
    "dev-users.self.update": Case({"full_name": "Alice"}, ["dev_user_updated"]),
    "dev-users.update": Case({"id": "DEVU-1", "full_name": "Alice"}, ["dev_user_updated"]),
    "engagements.create": Case(
        {"members": ["DEVU-1"], "scheduled_date": "2023-01-01T12:00:00Z", "title": "A"},
        ["engagement_created"],
    ),
    "engagements.delete": Case(
        {"id": "ENGAGEMENT-1"}, ["timeline_entry_deleted", "engagement_deleted"], _comment
    ),
    "engagements.purge": Case({"id": "ENGAGEMENT-1"}, ["engagement_purged"], _deleted),
    "engagements.restore": Case({"id": "ENGAGEMENT-1"}, ["engagement_restored"], _deleted),
    "engagements.update": Case({"id": "ENGAGEMENT-1", "title": "B"}, ["engagement_updated"]),
    "engagements.upsert": Case({"external_ref": "crm-1", "title": "B"}, ["engagement_updated"]),
    "meetings.upsert": Case(
        {
            "channel": "zoom",
            "external_ref": "r-1",
            "members": ["DEVU-1"],
            "state": "scheduled",
            "title": "B",
        },
        ["meeting_created"],
    ),
    "accounts.upsert": Case(
        {"external_refs": ["r-1"], "display_name": "B"}, ["account_created", "rev_org_created"]
    ),
    "works.upsert": Case(
        {
            "account": "ACC-1",
            "applies_to_part": "PROD-1",
            "external_ref": "r-1",
            "owned_by": ["DEVU-1"],
            "title": "B",
            "type": "opportunity",
        },
        ["work_created"],
    ),
    "rev-users.upsert": Case({"external_ref": "r-1"}, ["rev_user_created"]),
    "rev-orgs.upsert": Case(
        {"account": "ACC-1", "display_name": "B", "external_ref": "r-1"}, ["rev_org_created"]
    ),
    "batch.run": Case(
        {"requests": [{"method": "tags.create", "body": {"name": "B"}}]}, ["tag_created"]
    ),
    "links.create": Case(
        {"link_type": "is_related_to", "source": "ACC-1", "target": "OPP-1"}, ["link_created"]
    ),
    "links.delete": Case({"id": "LINK-1"}, ["link_deleted"], _link),
    "links.replace": Case(
        {"id": "LINK-1", "link_type": "is_part_of", "source": "OPP-1", "target": "ACC-1"},
        ["link_deleted", "link_created"],
        _link,
    ),
    "meetings.create": Case(
        {"members": ["DEVU-1"], "channel": "zoom", "state": "scheduled", "title": "A"},
        ["meeting_created"],
    ),
    "meetings.delete": Case(
        {"id": "MEETING-1"}, ["link_deleted", "meeting_deleted"], _meeting
    ),
    "meetings.purge": Case({"id": "MEETING-1"}, ["meeting_purged"], _gone),
    "meetings.restore": Case({"id": "MEETING-1"}, ["meeting_restored", "link_created"], _gone),
    "meetings.update": Case({"id": "MEETING-1", "state": "canceled"}, ["meeting_updated"], _meeting),
    "rev-orgs.create": Case({"display_name": "West", "account": "ACC-1"}, ["rev_org_created"]),
    "rev-orgs.delete": Case({"id": "REV-1"}, ["rev_user_updated", "rev_org_deleted"]),
    "rev-orgs.update": Case({"id": "REV-1", "description": "x"}, ["rev_org_updated"]),
    "rev-users.create": Case({"display_name": "Rob"}, ["rev_user_created"]),
    "rev-users.delete": Case({"id": "REVU-2"}, ["rev_user_deleted", "work_updated"], _contact),
    "rev-users.update": Case({"id": "REVU-1", "description": "x"}, ["rev_user_updated"]),
    "tags.create": Case({"name": "new"}, ["tag_created"]),
    "tags.delete": Case(
        {"id": "TAG-1"},
        ["engagement_updated", "account_updated", "work_updated", "rev_org_updated", "rev_user_updated", "tag_deleted"],
        _tagged,
    ),
    "tags.update": Case({"id": "TAG-1", "name": "other"}, ["tag_updated"]),
    "timeline-entries.create": Case(
        {"object": "ACC-1", "type": "timeline_comment", "body": "Hello"}, ["timeline_entry_created"]
    ),
    "timeline-entries.delete": Case({"id": "COMMENT-1"}, ["timeline_entry_deleted"], _comment),
    "timeline-entries.update": Case({"id": "COMMENT-1", "body": "Bye"}, ["timeline_entry_updated"], _comment),
    "users.erase": Case({"id": "REVU-1", "reason": "x"}, ["user_erased"]),
    "webhooks.create": Case({"url": "https://hooks.invalid/"}, ["webhook_created"]),
    "webhooks.delete": Case({"id": "WEBHOOK-1"}, ["webhook_deleted"], _webhook),
    "webhooks.update": Case({"id": "WEBHOOK-1", "action": "deactivate"}, ["webhook_updated"], _webhook),
    "works.create": Case(
        {"type": "opportunity", "title": "B", "account": "ACC-1", "applies_to_part": "P", "owned_by": ["DEVU-1"]},
        ["work_created"],
    ),
    "works.delete": Case(
        {"id": "OPP-1"},
        ["link_deleted", "work_deleted"],
        _linked,
    ),
    "works.update": Case({"id": "OPP-1", "type": "opportunity", "title": "B"}, ["work_updated"]),
}  # fmt: skip
WRITES = [method.name for method in METHODS.values() if method.effect == WRITE]


@pytest.mark.parametrize("name", WRITES)
def test_a_method_that_changes_something_tells_it(alice: Client, name: str) -> None:
    if name in NOTHING:
        return
    case, world = CASES[name], make_world(alice)
    case.before(alice, world)
    end = alice.feed_end()
    alice.ok(name, case.request)
    events = alice.feed(end)
    assert [event["type"] for event in events] == case.events
    assert {event["actor"].rpartition("/")[2] for event in events} == {
        alice.user.rpartition("-")[2]
    }


@pytest.mark.parametrize("name", NOTHING)
def test_some_methods_tell_nothing(alice: Client, name: str) -> None:
    token = alice.ok("auth-tokens.create", {"token_hint": "x"})
    account = alice.ok("service-accounts.create", {"display_name": "x"})["service_account"]
    webhook = alice.ok("webhooks.create", {"url": "https://hooks.invalid/"})["webhook"]
    requests: dict[str, Any] = {
        "auth-tokens.create": {"token_hint": "y"},
        "auth-tokens.delete": {"token_id": token["token_id"]},
        "auth-tokens.self.delete": {},
        "auth-tokens.update": {"token_id": token["token_id"], "token_hint": "z"},
        "service-accounts.create": {"display_name": "y"},
        "service-accounts.update": {"id": account["id"], "display_name": "z"},
        "webhook-deliveries.redeliver": {"webhook": webhook["id"]},
        "webhooks.fetch": {"id": webhook["id"], "object": alice.user},
    }
    end = alice.feed_end()
    maker = Client(alice.server, token["access_token"], alice.user, alice.org)
    (maker if name == "auth-tokens.self.delete" else alice).ok(name, requests[name])
    assert alice.feed_end() == end


def test_an_upload_is_told_in_the_name_of_whoever_prepared_it(alice: Client, bob: Client) -> None:
    prepared = bob.prepare()
    end = alice.feed_end()
    assert bob.send(prepared, b"notes").status_code == 204
    (event,) = alice.feed(end)
    assert event["type"] == "artifact_updated"
    assert event["actor"].endswith(f"devu/{bob.user.rpartition('-')[2]}")
    assert event["artifact_updated"]["artifact"]["file"]["size"] == 5
    assert "size" not in event["artifact_updated"]["old_artifact"]["file"]


def test_what_changes_nothing_and_what_is_refused_tells_nothing(alice: Client) -> None:
    world = make_world(alice)
    end = alice.feed_end()
    alice.ok("accounts.update", {"id": world.account["id"], "display_name": "Acme"})
    alice.ok("tags.update", {"id": world.tag["id"], "name": "size"})
    alice.refused("works.delete", {"id": "OPP-1"}, "value_not_permitted", "id")
    assert alice.feed_end() == end


def test_the_command_line_tells_what_it_does_in_the_system_s_name(alice: Client) -> None:
    end = alice.feed_end()
    made = alice.server.run("users create", email="cli@example.com", role="member", org=alice.org)[
        "user"
    ]
    alice.server.run("users role", user=made["display_id"], role="admin", org=alice.org)
    alice.server.run("users deactivate", user=made["display_id"], org=alice.org)
    alice.server.run("users deactivate", user=made["display_id"], org=alice.org)
    events = alice.feed(end)
    assert [event["type"] for event in events] == [
        "dev_user_created",
        "dev_user_updated",
        "dev_user_updated",
    ]
    assert {event["actor"].rpartition(":")[2] for event in events} == {"sysu/1"}
    assert events[1]["dev_user_updated"]["old_dev_user"]["role"] == "member"
    assert events[2]["dev_user_updated"]["dev_user"]["state"] == "deactivated"


def test_an_org_s_first_user_made_themselves(alice: Client) -> None:
    first = alice.feed()[0]
    assert first["type"] == "dev_user_created"
    assert first["actor"] == first["object"]


def test_a_tag_s_deletion_moves_no_date_and_is_told_of_each_that_had_it(alice: Client) -> None:
    tag = alice.ok("tags.create", {"name": "x"})["tag"]
    made = [alice.engagement(tags=[{"id": tag["id"]}]) for _ in range(5)]
    end = alice.feed_end()
    alice.ok("tags.delete", {"id": tag["id"]})
    *events, last = alice.feed(end)
    assert last["type"] == "tag_deleted"
    for event, before in zip(events, made, strict=True):
        told = event["engagement_updated"]
        assert told["old_engagement"] == before
        assert told["engagement"] == {key: value for key, value in before.items() if key != "tags"}
        assert told["engagement"] == alice.ok("engagements.get", {"id": before["id"]})["engagement"]
