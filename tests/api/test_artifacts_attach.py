"""An artifact has one parent for ever, whatever races for it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.server import Answer, Client

pytestmark = pytest.mark.engines("sqlite", "postgres")

RACERS = 64
TALK = {"title": "x", "scheduled_date": "2023-01-01T12:00:00Z"}
TYPES = {"works": {"type": "opportunity"}}
# What the create of each family that has artifacts needs.
LEAST: dict[str, Callable[[Client], dict[str, Any]]] = {
    "accounts": lambda _: {"display_name": "Globex"},
    "works": lambda client: {
        "type": "opportunity", "title": "Deal", "account": "ACC-1", "applies_to_part": "PROD-1",
        "owned_by": [client.user],
    },
    "rev-orgs": lambda _: {"account": "ACC-1", "display_name": "West"},
    "rev-users": lambda _: {"display_name": "Rita"},
    "timeline-entries": lambda _: {"object": "ACC-1", "type": "timeline_comment", "body": "x"},
}  # fmt: skip


def test_list_by_parent_shows_what_is_attached_there_now(alice: Client) -> None:
    kept, removed, other = alice.upload(b"1"), alice.upload(b"2"), alice.upload(b"3")
    engagement = alice.engagement(artifacts=[kept, removed])
    alice.engagement(artifacts=[other])
    alice.ok("engagements.update", {"id": engagement["id"], "artifacts": {"set": [kept]}})
    for parent in (engagement["id"], engagement["display_id"]):
        listed = alice.ok("artifacts.list", {"parent_id": parent})
        assert [artifact["id"] for artifact in listed["artifacts"]] == [kept]
        assert alice.get("artifacts.list", {"parent_id": parent}).body == listed
    assert len(alice.ok("artifacts.list")["artifacts"]) == 3
    alice.ok("engagements.update", {"id": engagement["id"], "artifacts": {"set": []}})
    assert alice.ok("artifacts.list", {"parent_id": engagement["id"]})["artifacts"] == []
    # What is taken out stays bound: it may come back here, and nowhere else.
    held = alice.call("engagements.create", TALK | {"members": [alice.user], "artifacts": [kept]})
    assert held.type == "artifact_already_attached_to_a_parent"
    alice.ok("engagements.update", {"id": engagement["id"], "artifacts": {"set": [removed, kept]}})
    back = alice.ok("artifacts.list", {"parent_id": engagement["id"]})["artifacts"]
    assert [artifact["id"] for artifact in back] == [removed, kept]


@pytest.mark.parametrize(
    "family", ["accounts", "works", "rev-orgs", "rev-users", "timeline-entries"]
)
def test_list_by_any_parent_shows_what_is_attached_there_now(family: str, alice: Client) -> None:
    alice.ok("accounts.create", {"display_name": "Acme"})
    kept, removed = alice.upload(b"1"), alice.upload(b"2")
    made = alice.ok(f"{family}.create", LEAST[family](alice) | {"artifacts": [kept, removed]})
    parent = next(value for value in made.values() if "artifacts" in value)["id"]
    assert len(alice.ok("artifacts.list", {"parent_id": parent})["artifacts"]) == 2
    alice.ok(
        f"{family}.update", {"id": parent, **TYPES.get(family, {}), "artifacts": {"set": [kept]}}
    )
    listed = alice.ok("artifacts.list", {"parent_id": parent})["artifacts"]
    assert [artifact["id"] for artifact in listed] == [kept]
    alice.ok("artifacts.get", {"id": removed})


def test_list_by_a_person_shows_the_picture_that_is_theirs_now(alice: Client) -> None:
    first, second = alice.upload(b"1"), alice.upload(b"2")
    for picture in (first, second):
        alice.ok("dev-users.self.update", {"display_picture": picture})
        listed = alice.ok("artifacts.list", {"parent_id": alice.user})["artifacts"]
        assert [artifact["id"] for artifact in listed] == [picture]


def test_a_parent_that_is_not_there_has_none(alice: Client, charlie: Client) -> None:
    engagement = alice.engagement(artifacts=[alice.upload()])
    assert charlie.ok("artifacts.list", {"parent_id": engagement["id"]}) == {"artifacts": []}
    assert alice.ok("artifacts.list", {"parent_id": "ENGAGEMENT-99999"}) == {"artifacts": []}
    assert alice.ok("artifacts.list", {"parent_id": alice.user}) == {"artifacts": []}
    alice.refused("artifacts.list", {"parent_id": "nonsense"}, "invalid_id", "parent_id")


def test_a_list_may_be_walked(alice: Client) -> None:
    made = [alice.prepare()["id"] for _ in range(5)]
    seen: list[str] = []
    request: dict[str, Any] = {"limit": 2}
    while True:
        page = alice.ok("artifacts.list", request)
        seen += [artifact["id"] for artifact in page["artifacts"]]
        if "next_cursor" not in page:
            break
        request["cursor"] = page["next_cursor"]
    assert seen == made[::-1]


def test_what_was_never_uploaded_is_not_attached(alice: Client) -> None:
    artifact = alice.prepare()["id"]
    request = {
        "title": "x",
        "members": [alice.user],
        "scheduled_date": "2023-01-01T12:00:00Z",
        "artifacts": [artifact],
    }
    alice.refused("engagements.create", request, "value_not_permitted", "artifacts[0]")
    engagement = alice.engagement()
    alice.refused(
        "engagements.update",
        {"id": engagement["id"], "artifacts": {"set": [artifact]}},
        "value_not_permitted",
        "artifacts.set[0]",
    )


def test_another_orgs_and_another_engagements_artifact_are_refused(
    alice: Client, charlie: Client
) -> None:
    artifact = alice.upload()
    request = {"title": "x", "scheduled_date": "2023-01-01T12:00:00Z", "artifacts": [artifact]}
    charlie.refused(
        "engagements.create", {**request, "members": [charlie.user]}, "invalid_id", "artifacts[0]"
    )
    holder = alice.engagement(artifacts=[artifact])
    answer = alice.refused(
        "engagements.create",
        {**request, "members": [alice.user]},
        "artifact_already_attached_to_a_parent",
    )
    assert (answer.body["existing_parent"], answer.body["is_same"]) == (holder["id"], False)


def test_expand_shows_the_file(alice: Client) -> None:
    artifact = alice.upload(b"notes", "notes.txt", file_type="text/markdown")
    engagement = alice.engagement(artifacts=[artifact], expand=["artifacts"])
    assert engagement["artifacts"] == [
        {
            "display_id": artifact.replace("artifact/", "ARTIFACT-").rpartition(":")[2],
            "id": artifact,
            "file": {"type": "text/markdown", "name": "notes.txt", "size": 5},
        }
    ]


@pytest.mark.parametrize("verb", ["create", "update", "both"])
def test_of_64_racers_one_wins_and_63_are_told_who(alice: Client, verb: str) -> None:
    artifact = alice.upload()
    held = [alice.engagement()["id"] for _ in range(RACERS)] if verb != "create" else []

    def attach(number: int) -> Answer:
        if verb == "update" or (verb == "both" and number % 2):
            method, request = (
                "engagements.update",
                {"id": held[number], "artifacts": {"set": [artifact]}},
            )
        else:
            method = "engagements.create"
            request = {
                "title": f"{number}",
                "members": [alice.user],
                "scheduled_date": "2023-01-01T12:00:00Z",
                "artifacts": [artifact],
            }
        return alice.call(method, request)

    with ThreadPoolExecutor(RACERS) as threads:
        answers = list(threads.map(attach, range(RACERS)))
    won = [answer for answer in answers if answer.status in {200, 201}]
    lost = [answer for answer in answers if answer.status == 400]
    assert (len(won), len(lost)) == (1, RACERS - 1)
    winner = won[0].body["engagement"]["id"]
    for answer in lost:
        assert answer.type == "artifact_already_attached_to_a_parent"
        assert (answer.body["existing_parent"], answer.body["is_same"]) == (winner, False)
    assert [
        one["id"] for one in alice.ok("artifacts.list", {"parent_id": winner})["artifacts"]
    ] == [artifact]
