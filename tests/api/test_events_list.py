"""events.list: an org's events in order, from a number on."""

import threading
import time
from typing import Any

import pytest

from tests.support.server import Answer, Client, Server
from tests.support.world import make_world

pytestmark = pytest.mark.engines("sqlite", "postgres")


def test_a_reader_that_keeps_its_number_hears_everything_once_and_in_order(alice: Client) -> None:
    world = make_world(alice)
    alice.ok("engagements.update", {"id": world.engagement["id"], "title": "Second"})
    alice.ok("engagements.delete", {"id": world.engagement["id"]})
    events = alice.feed()
    assert [event["type"] for event in events] == [
        "dev_user_created",
        "account_created",
        "rev_org_created",
        "work_created",
        "tag_created",
        "rev_user_created",
        "engagement_created",
        "artifact_created",
        "engagement_updated",
        "engagement_deleted",
    ]
    numbers = [event["sequence"] for event in events]
    assert numbers == sorted(set(numbers))
    one_by_one, after = [], 0
    while (page := alice.ok("events.list", {"after": after, "limit": 1}))["events"]:
        one_by_one += page["events"]
        after = page["last"]
    assert one_by_one == events
    assert alice.ok("events.list", {"after": after}) == {"events": [], "last": after, "end": after}


def test_an_event_says_what_happened_to_what_when_and_by_whom(alice: Client, bob: Client) -> None:
    made = alice.engagement(title="First")
    end = alice.feed_end()
    changed = bob.ok("engagements.update", {"id": made["id"], "title": "Second"})["engagement"]
    bob.ok("engagements.delete", {"id": made["id"]})
    updated, deleted = alice.feed(end)
    assert updated["type"] == "engagement_updated"
    assert updated["object"] == made["id"]
    assert updated["actor"] == changed["modified_by"]["id"]
    assert updated["timestamp"] == changed["modified_date"]
    assert updated["engagement_updated"] == {"engagement": changed, "old_engagement": made}
    ids = {"display_id": made["display_id"], "id": made["id"]}
    assert deleted["engagement_deleted"] == {"engagement": ids, "old_engagement": changed}
    assert updated["id"] != deleted["id"]


def test_kinds_are_chosen_and_what_was_passed_over_is_passed(alice: Client) -> None:
    make_world(alice)
    events = alice.feed(kinds=["tag", "account"])
    assert [event["type"] for event in events] == ["account_created", "tag_created"]
    page = alice.ok("events.list", {"after": 0, "kinds": ["link"]})
    assert page["events"] == []
    assert page["last"] == page["end"] == alice.feed_end()


def test_a_token_hears_only_of_the_kinds_that_it_may_read(alice: Client) -> None:
    make_world(alice)
    limited = alice.server.make_user(alice, scope="event:read tag:read engagement:write")
    assert {event["type"] for event in limited.feed()} == {"tag_created", "engagement_created"}
    refused = limited.call("events.list", {"after": 0, "kinds": ["tag", "account"]})
    assert (refused.status, refused.type) == (403, "forbidden")
    assert "account:read" in refused.body["message"]


def test_another_org_hears_nothing(alice: Client, charlie: Client) -> None:
    before = charlie.feed()
    make_world(alice)
    assert charlie.feed() == before
    assert all(charlie.org.removeprefix("DEV-") in event["id"] for event in before)


def test_a_number_from_beyond_the_end_is_refused(alice: Client) -> None:
    end = alice.feed_end()
    refused = alice.refused("events.list", {"after": end + 1}, "value_not_permitted", "after")
    assert refused.body["reason"] == f"must be at most {end}"
    assert "walk the lists" in refused.body["detail"]


def _waiting(
    client: Client, request: dict[str, Any]
) -> tuple[threading.Thread, list[tuple[Answer, float]]]:
    """A call under way in a thread of its own; the answer and when it came."""
    answers: list[tuple[Answer, float]] = []

    def call() -> None:
        answers.append((client.call("events.list", request), time.monotonic()))

    thread = threading.Thread(target=call)
    thread.start()
    return thread, answers


def test_a_waiting_reader_is_woken_by_the_next_commit(alice: Client) -> None:
    end = alice.feed_end()
    thread, answers = _waiting(alice, {"after": end, "wait": 30})
    time.sleep(0.3)
    assert answers == []
    made = alice.engagement()
    written = time.monotonic()
    thread.join(10)
    answer, came = answers[0]
    assert [event["object"] for event in answer.body["events"]] == [made["id"]]
    assert came - written < 0.5


def test_what_does_not_concern_a_waiting_reader_does_not_wake_it(
    alice: Client, charlie: Client
) -> None:
    end = alice.feed_end()
    thread, answers = _waiting(alice, {"after": end, "kinds": ["tag"], "wait": 2})
    time.sleep(0.2)
    charlie.engagement()
    alice.engagement()
    thread.join(10)
    answer, _ = answers[0]
    assert answer.body["events"] == []
    assert answer.body["last"] == alice.feed_end() > end


def test_a_wait_that_nothing_ends_is_over_in_time(alice: Client) -> None:
    began = time.monotonic()
    assert alice.ok("events.list", {"after": alice.feed_end(), "wait": 1})["events"] == []
    assert 0.9 < time.monotonic() - began < 3


def test_a_token_that_is_revoked_while_it_waits_reads_nothing(alice: Client) -> None:
    bob = alice.server.make_user(alice)
    thread, answers = _waiting(bob, {"after": bob.feed_end(), "wait": 30})
    time.sleep(0.2)
    alice.server.run("users deactivate", user=bob.user, org=alice.org)
    alice.engagement()
    thread.join(10)
    assert answers[0][0].status == 403


@pytest.mark.parametrize("wait", [31, -1])
def test_nobody_waits_longer_than_half_a_minute(alice: Client, wait: int) -> None:
    alice.refused("events.list", {"after": 0, "wait": wait}, "value_not_permitted", "wait")


def test_a_strict_server_has_no_feed(strict_server: Server) -> None:
    alice = strict_server.make_org()
    for path in ("events.list", "events"):
        assert alice.raw("GET", path).status == 404
