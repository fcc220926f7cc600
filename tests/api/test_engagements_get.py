"""engagements.get: what was recorded is found, by whoever may see it."""

import pytest

from tests.support.server import Client
from tests.support.world import make_world

pytestmark = pytest.mark.engines("sqlite", "postgres")


def test_what_was_recorded_is_found_by_don_and_by_display_id_in_any_case(alice: Client) -> None:
    made = alice.engagement(title="Kick-off")
    for id_ in (made["id"], made["display_id"], made["display_id"].lower(), "eNgAgEmEnT-1"):
        assert alice.ok("engagements.get", {"id": id_})["engagement"] == made
        assert alice.get("engagements.get", {"id": id_}).body["engagement"] == made


def test_another_orgs_engagement_answers_as_one_that_does_not_exist(
    alice: Client, charlie: Client
) -> None:
    made = alice.engagement()
    foreign = charlie.call("engagements.get", {"id": made["id"]})
    absent = charlie.call("engagements.get", {"id": "ENGAGEMENT-9"})
    assert (foreign.status, foreign.type) == (absent.status, absent.type) == (404, "not_found")
    assert foreign.body["message"].replace(made["id"], "") == absent.body["message"].replace(
        "ENGAGEMENT-9", ""
    )


def test_a_display_id_is_always_the_callers_own(alice: Client, charlie: Client) -> None:
    alice.engagement(title="Alice's")
    charlie.engagement(title="Charlie's")
    for client, title in ((alice, "Alice's"), (charlie, "Charlie's")):
        assert client.ok("engagements.get", {"id": "ENGAGEMENT-1"})["engagement"]["title"] == title


def test_a_colleague_sees_the_same(alice: Client, bob: Client) -> None:
    made = make_world(alice).engagement
    assert bob.ok("engagements.get", {"id": made["id"]})["engagement"] == made
    assert (
        alice.server.make_user(alice, role="viewer").ok("engagements.get", {"id": made["id"]})[
            "engagement"
        ]
        == made
    )


def test_expand_shows_summaries_in_every_spelling_and_ids_stay_the_default(alice: Client) -> None:
    made = make_world(alice).engagement
    everything = ["members", "parents", "tags", "artifacts"]
    shown = alice.ok("engagements.get", {"id": made["id"], "expand": everything})["engagement"]
    assert [one["id"] for one in shown["members"]] == made["members"]
    assert [one["id"] for one in shown["parents"]] == made["parents"]
    assert [one["tag"]["id"] for one in shown["tags"]] == made["tags"]
    assert shown["tags"][0]["value"] == "small"
    assert shown["parent"] == shown["parents"][0]
    changed = {"members", "parent", "parents", "tags"}
    assert {name: value for name, value in shown.items() if name not in changed} == {
        name: value for name, value in made.items() if name not in changed
    }
    asked = {"id": made["id"], "expand": ",".join(everything)}
    assert alice.get("engagements.get", asked).body["engagement"] == shown
    assert (
        alice.get("engagements.get", {"id": made["id"], "expand": everything}).body["engagement"]
        == shown
    )
    header = alice.get(
        "engagements.get", {"id": made["id"]}, x_rapport_expand="members,parents,tags,artifacts"
    )
    assert header.body["engagement"] == shown
    twice = alice.ok("engagements.get", {"id": made["id"], "expand": [*everything, *everything]})[
        "engagement"
    ]
    assert twice == shown


def test_one_kind_expands_alone_and_nothing_to_expand_is_no_error(alice: Client) -> None:
    made = make_world(alice).engagement
    shown = alice.ok("engagements.get", {"id": made["id"], "expand": ["tags"]})["engagement"]
    assert {**shown, "tags": made["tags"]} == made
    bare = alice.engagement()
    shown = alice.ok(
        "engagements.get", {"id": bare["id"], "expand": ["parents", "tags", "artifacts"]}
    )["engagement"]
    assert shown == bare


def test_a_deactivated_author_is_shown_as_they_are_now(alice: Client, bob: Client) -> None:
    made = bob.engagement()
    alice.server.run("users deactivate", user=bob.user, org=alice.org)
    shown = alice.ok("engagements.get", {"id": made["id"], "expand": ["members"]})["engagement"]
    assert [shown["created_by"]["state"], shown["members"][0]["state"]] == [
        "deactivated",
        "deactivated",
    ]
    assert shown["modified_date"] == made["modified_date"]
