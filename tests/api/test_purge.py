"""engagements.purge and meetings.purge: what was deleted is gone for good, and nothing shows it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.support.rows import rows_of
from tests.support.server import Client
from tests.support.world import make_world

pytestmark = pytest.mark.engines("sqlite", "postgres")
SECRET = "Operation-Nightingale"


class Family(NamedTuple):
    """A family that purges."""

    name: str
    make: Callable[..., Any]


@pytest.fixture(params=["engagement", "meeting"])
def family(request: pytest.FixtureRequest, alice: Client) -> Family:
    return Family(request.param, getattr(alice, request.param))


def _shown(client: Client, text: str) -> set[str]:
    """The tables in which a text of the client's org stands."""
    rows = rows_of(client.server, client.org)
    return {table for table, some in rows.items() if text in str(some)}


def _full(alice: Client, family: Family) -> Any:
    """Something secret in every field, with a comment, files and a link."""
    world = make_world(alice)
    fields: dict[str, Any] = {
        "title": SECRET,
        "description": f"About {SECRET}",
        "external_ref": SECRET,
        "custom_fields": {"code": SECRET},
        "members": [alice.user, world.rev_user["id"]],
        "parent": world.account["id"],
        "tags": [{"id": world.tag["id"], "value": "small"}],
        "artifacts": [alice.upload(SECRET, f"{SECRET}.txt")],
    }
    made = family.make(**fields)
    note = {"type": "timeline_comment", "object": made["id"], "body": SECRET}
    noted = alice.upload(SECRET, f"{SECRET}-2.txt")
    key = f"key-{made['display_id']}"
    alice.ok("timeline-entries.create", {**note, "artifacts": [noted]}, idempotency_key=key)
    private = alice.ok("timeline-entries.create", {**note, "visibility": "private"})
    alice.ok("timeline-entries.delete", {"id": private["timeline_entry"]["id"]})
    if family.name == "meeting":
        ends = {"source": made["id"], "target": world.account["id"]}
        for link_type in ("is_related_to", "is_part_of"):
            link = alice.ok("links.create", {"link_type": link_type, **ends})["link"]
            if link_type == "is_part_of":
                alice.ok("links.delete", {"id": link["id"]})
    alice.ok(f"{family.name}s.update", {"id": made["id"], "title": f"{SECRET}!"})
    return made


def _files(client: Client) -> list[Path]:
    folder = client.server.data / "blobs" / client.org.removeprefix("DEV-")
    return [path for path in folder.rglob("*") if path.is_file()]


def test_nothing_of_it_stands_in_any_table(alice: Client, family: Family) -> None:
    made = _full(alice, family)
    kept = family.make(title="Kept")
    alice.ok(f"{family.name}s.delete", {"id": made["id"]})
    assert {f"{family.name}s", "events", "idempotency_keys"} <= _shown(alice, SECRET)
    start = alice.feed_end()
    answer = alice.call(f"{family.name}s.purge", {"id": made["display_id"].lower()})
    assert (answer.status, answer.body) == (200, {})
    assert _shown(alice, SECRET) == set()
    told = alice.feed(start)
    assert [one["type"] for one in told] == ["artifact_deleted"] * 2 + [f"{family.name}_purged"]
    ids = {"display_id": made["display_id"], "id": made["id"]}
    assert told[-1][f"{family.name}_purged"] == {family.name: ids}
    assert made["id"] not in str([one for one in alice.feed() if one not in told])
    assert alice.ok(f"{family.name}s.get", {"id": kept["id"]})[family.name] == kept
    assert alice.ok(f"{family.name}s.count", {"deleted": True}) == {"count": 0}


def test_its_files_are_gone_and_their_bytes_are_to_be_removed(
    alice: Client, family: Family
) -> None:
    file, other = alice.upload(SECRET), alice.upload("other")
    made = family.make(artifacts=[file])
    family.make(artifacts=[other])
    assert len(_files(alice)) == 2
    located = alice.ok("artifacts.locate", {"id": file})["url"]
    alice.ok(f"{family.name}s.delete", {"id": made["id"]})
    alice.ok(f"{family.name}s.purge", {"id": made["id"]})
    for method in ("artifacts.get", "artifacts.locate"):
        alice.refused(method, {"id": file}, "not_found", status=404)
    assert alice.server.http.get(located).status_code == 404
    assert alice.download(other).content == b"other"
    (loose,) = rows_of(alice.server, alice.org)["loose_blobs"]
    assert [path.name in str(loose) for path in _files(alice)].count(True) == 1


def test_a_picture_of_somebody_stays_theirs(alice: Client, family: Family) -> None:
    file = alice.upload(b"face", "face.png")
    made = family.make(artifacts=[file])
    alice.ok("dev-users.self.update", {"display_picture": file})
    alice.ok(f"{family.name}s.delete", {"id": made["id"]})
    alice.ok(f"{family.name}s.purge", {"id": made["id"]})
    assert alice.download(file).content == b"face"
    listed = alice.ok("artifacts.list", {"parent_id": alice.user})["artifacts"]
    assert [one["id"] for one in listed] == [file]


def test_a_live_one_is_refused_and_a_second_time_is_404(
    alice: Client, charlie: Client, family: Family
) -> None:
    made = family.make()
    method = f"{family.name}s.purge"
    answer = alice.refused(method, {"id": made["id"]}, "value_not_permitted", "id")
    assert "is not deleted" in answer.body["message"]
    alice.ok(f"{family.name}s.delete", {"id": made["id"]})
    assert charlie.call(method, {"id": made["id"]}).status == 404
    alice.ok(method, {"id": made["id"]})
    alice.refused(method, {"id": made["id"]}, "not_found", status=404)
    alice.refused(f"{family.name}s.restore", {"id": made["id"]}, "not_found", status=404)
    assert family.make()["display_id"] == f"{family.name.upper()}-2"


def test_of_a_restore_and_a_purge_at_once_one_wins(alice: Client, family: Family) -> None:
    for _ in range(4):
        made = family.make()
        alice.ok(f"{family.name}s.delete", {"id": made["id"]})
        both = [(f"{family.name}s.{verb}", {"id": made["id"]}) for verb in ("restore", "purge")]
        restored, purged = alice.together(both)
        assert (restored.status, purged.status) in {(200, 400), (404, 200)}
        there = alice.call(f"{family.name}s.get", {"id": made["id"]}).status
        assert there == restored.status


def test_only_an_admin_may(alice: Client, bob: Client, family: Family) -> None:
    made = family.make()
    bob.ok(f"{family.name}s.delete", {"id": made["id"]})
    answer = bob.call(f"{family.name}s.purge", {"id": made["id"]})
    assert (answer.status, answer.type) == (403, "forbidden")
    assert "member" in answer.body["message"]


def test_a_key_whose_answer_was_purged_is_refused(alice: Client) -> None:
    least = {"members": [alice.user], "scheduled_date": "2023-01-01T12:00:00Z", "title": SECRET}
    made = alice.ok("engagements.create", least, idempotency_key="k")["engagement"]
    other = alice.ok("engagements.create", least, idempotency_key="l")["engagement"]
    alice.ok("engagements.delete", {"id": made["id"]})
    alice.ok("engagements.purge", {"id": made["id"]})
    answer = alice.call("engagements.create", least, idempotency_key="k")
    assert (answer.status, answer.type) == (400, "bad_request")
    assert "purged" in answer.body["message"]
    again = alice.ok("engagements.create", least, idempotency_key="l")["engagement"]
    assert again == other
