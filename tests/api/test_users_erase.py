"""users.erase: a person's name, address, picture and fields go everywhere at once."""

import json
from typing import Any

import pytest

from tests.support.rows import rows_of
from tests.support.server import Client
from tests.support.world import World, make_world

pytestmark = pytest.mark.engines("sqlite", "postgres")
# Whatever else an org has, it has none of these.
NAME, ADDRESS, PHONE, REF = "Zelda Quirrell", "zq@quirrell.example", "+44 7700 900123", "hs-zq-77"
TRACES = (NAME, ADDRESS, PHONE, REF, "Zelda's secret", "zq-face")


@pytest.fixture
def world(alice: Client) -> World:
    return make_world(alice)


def _erase(client: Client, id_: str, **fields: Any) -> Any:
    request = {"id": id_, "reason": "Asked for by mail.", **fields}
    return client.ok("users.erase", request)


def _traces(client: Client) -> dict[str, list[str]]:
    """Which traces of the person stand in which table of the client's org."""
    found = {}
    for table, rows in rows_of(client.server, client.org).items():
        text = json.dumps(rows, ensure_ascii=False)
        if said := [trace for trace in TRACES if trace in text]:
            found[table] = said
    return found


def _customer(alice: Client, world: World) -> Any:
    """A rev user with everything, who stands everywhere."""
    made = alice.ok(
        "rev-users.create",
        {
            "display_name": NAME,
            "email": ADDRESS,
            "phone_numbers": [PHONE],
            "external_ref": REF,
            "external_refs": [f"{REF}-2"],
            "description": "Zelda's secret",
            "custom_fields": {"note": "Zelda's secret"},
            "display_picture": alice.upload(b"face", "zq-face.png"),
            "artifacts": [alice.upload(b"cv", "zq-face-cv.txt")],
            "account": world.account["id"],
            "tags": [{"id": world.tag["id"]}],
        },
        idempotency_key="made",
    )["rev_user"]
    alice.ok("rev-users.update", {"id": made["id"], "description": "Zelda's secret too"})
    alice.engagement(members=[made["id"]], title="Kept", parent=world.account["id"])
    alice.meeting(members=[alice.user, made["id"]], organizer=made["id"])
    alice.ok("accounts.update", {"id": world.account["id"], "owned_by": [made["id"]]})
    ends = {"source": world.account["id"], "target": made["id"]}
    alice.ok("links.create", {"link_type": "is_related_to", **ends}, idempotency_key="link")
    return made


def test_a_customer_is_gone_everywhere_and_engagements_keep_their_shape(
    alice: Client, world: World
) -> None:
    made = _customer(alice, world)
    assert {"users", "events", "idempotency_keys", "terms", "artifacts"} <= _traces(alice).keys()
    answer = _erase(alice, made["display_id"].lower())
    assert answer["user"] == {
        "type": "rev_user",
        "display_id": made["display_id"],
        "id": made["id"],
        "display_name": "erased user",
        "state": "deleted",
    }
    assert _traces(alice) == {}
    alice.refused("rev-users.get", {"id": made["id"]}, "not_found", status=404)
    assert made["id"] not in str(alice.ok("rev-users.list"))
    found = alice.ok("engagements.list", {"members": [made["id"]], "expand": ["members"]})
    assert [one["members"] for one in found["engagements"]] == [[answer["user"]]]
    (meeting,) = alice.ok("meetings.list", {"organizer": [made["id"]]})["meetings"]
    assert meeting["organizer"] == answer["user"]
    account = alice.ok("accounts.get", {"id": world.account["id"]})["account"]
    assert account["owned_by"] == [answer["user"]]


def test_a_colleague_is_gone_from_all_that_they_made(alice: Client, world: World) -> None:
    dora = alice.ok("dev-users.create", {"email": ADDRESS, "full_name": NAME, "state": "shadow"})
    dora = alice.ok("dev-users.activate", {"id": dora["dev_user"]["id"]})["dev_user"]
    token = alice.server.run("tokens create", user=dora["display_id"], org=alice.org)["token"]
    own = Client(alice.server, token, dora["display_id"], alice.org)
    own.ok("dev-users.self.update", {"display_picture": own.upload(b"face", "zq-face.png")})
    made = own.engagement(title="Kept")
    own.ok("engagements.update", {"id": made["id"], "title": "Still"}, idempotency_key="k")
    note = {"type": "timeline_comment", "object": world.account["id"], "body": "Hello"}
    comment = own.ok("timeline-entries.create", note)["timeline_entry"]
    alice.ok("accounts.update", {"id": world.account["id"], "owned_by": [dora["id"]]})
    alice.ok("accounts.update", {"id": world.account["id"], "owned_by": [alice.user]})
    answer = _erase(alice, dora["id"])
    assert _traces(alice) == {}
    assert own.call("dev-users.self").type == "unauthenticated"
    kept = alice.ok("engagements.get", {"id": made["id"]})["engagement"]
    assert (kept["title"], kept["created_by"]) == ("Still", answer["user"])
    entry = alice.ok("timeline-entries.get", {"id": comment["id"]})["timeline_entry"]
    assert (entry["body"], entry["created_by"]) == ("Hello", answer["user"])
    history = alice.ok("timeline-entries.list", {"object": world.account["id"]})
    assert "erased user" in str(history)
    again = alice.ok("dev-users.create", {"email": ADDRESS, "state": "shadow"})["dev_user"]
    assert again["id"] != dora["id"]


def test_its_answer_names_what_changes_and_the_texts_that_are_left(
    alice: Client, world: World
) -> None:
    made = _customer(alice, world)
    told = alice.engagement(title="x", description=f"Call {NAME.upper()}!", artifacts=[])
    alice.engagement(title=f"{NAME}s everywhere")
    tag = alice.ok("tags.create", {"name": f"from {ADDRESS}"})["tag"]
    note = {"type": "timeline_comment", "object": world.account["id"], "body": f"Ring {PHONE}"}
    comment = alice.ok("timeline-entries.create", note)["timeline_entry"]
    with alice.unchanged():
        planned = _erase(alice, made["id"], dry_run=True)
    assert planned["mentions"] == [
        {"type": "timeline_comment", "id": comment["id"], "field_name": "body"},
        {"type": "engagement", "id": told["id"], "field_name": "description"},
        {"type": "tag", "id": tag["id"], "field_name": "name"},
    ]
    changed = {one["type"]: one["ids"] for one in planned["changed"]}
    assert changed["rev_user"] == [made["id"]]
    assert len(changed["artifact"]) == 2
    assert world.account["id"] in changed["account"]
    assert planned["user"]["display_name"] == NAME
    done = _erase(alice, made["id"])
    assert (done["changed"], done["mentions"]) == (planned["changed"], planned["mentions"])
    assert alice.ok("engagements.get", {"id": told["id"]})["engagement"] == told


def test_the_event_says_who_asked_and_why_and_nothing_of_the_person(
    alice: Client, world: World
) -> None:
    made = _customer(alice, world)
    start = alice.feed_end()
    _erase(alice, made["id"], reason="Article 17")
    told = alice.feed(start)
    assert [one["type"] for one in told] == ["artifact_deleted"] * 2 + ["user_erased"]
    user = {"display_id": made["display_id"], "id": made["id"], "reason": "Article 17"}
    assert told[-1]["user_erased"] == {"user": user}
    assert told[-1]["actor"].endswith(f"devu/{alice.user.removeprefix('DEVU-')}")


def test_a_second_time_changes_nothing(alice: Client, world: World) -> None:
    made = _customer(alice, world)
    first = _erase(alice, made["id"])
    with alice.unchanged():
        again = _erase(alice, made["id"])
    assert again == {"user": first["user"], "changed": [], "mentions": []}


def test_who_was_deleted_before_is_erased_too(alice: Client, world: World) -> None:
    made = alice.ok("rev-users.create", {"display_name": NAME, "description": "Zelda's secret"})[
        "rev_user"
    ]
    alice.ok("rev-users.delete", {"id": made["id"]})
    assert "users" in _traces(alice)
    answer = _erase(alice, made["id"])
    assert answer["user"]["display_name"] == "erased user"
    assert _traces(alice) == {}


def test_oneself_may_go_and_the_last_admin_not(alice: Client) -> None:
    request = {"id": alice.user, "reason": "I leave."}
    answer = alice.refused("users.erase", request, "value_not_permitted", "id")
    assert "last active admin" in answer.body["message"]
    other = alice.server.make_user(alice, role="admin")
    assert other.ok("users.erase", {**request, "id": other.user})["user"]["state"] == "deleted"
    assert other.call("dev-users.self").status == 401


def test_of_two_last_admins_who_erase_each_other_one_stays(alice: Client) -> None:
    for _ in range(3):
        other = alice.server.make_user(alice, role="admin")
        both = [("users.erase", {"id": one, "reason": "x"}) for one in (alice.user, other.user)]
        answers = alice.together(both)
        assert min(answer.status for answer in answers) == 200
        left = alice if alice.call("dev-users.self").status == 200 else other
        assert left.ok("dev-users.self")["dev_user"]["role"] == "admin"
        alice = left


def test_who_is_not_there_or_of_another_org_is_404_and_no_person_is_400(
    alice: Client, charlie: Client, world: World
) -> None:
    reason = {"reason": "x"}
    for id_ in ("DEVU-99", "REVU-99", charlie.ok("dev-users.self")["dev_user"]["id"]):
        alice.refused("users.erase", {"id": id_, **reason}, "not_found", status=404)
    for id_ in ("SYSU-1", "SVCACC-1", world.account["id"]):
        alice.refused("users.erase", {"id": id_, **reason}, "unexpected_id_type", "id")


def test_it_takes_an_admin_and_a_reason(alice: Client, bob: Client, world: World) -> None:
    id_ = world.rev_user["id"]
    assert bob.call("users.erase", {"id": id_, "reason": "x"}).status == 403
    writer = alice.server.make_user(alice, role="admin", scope="rev_user:all dev_user:all")
    answer = writer.call("users.erase", {"id": id_, "reason": "x"})
    assert (answer.status, "user:all" in answer.body["message"]) == (403, True)
    alice.refused("users.erase", {"id": id_}, "missing_required_field", "reason")
    alice.refused("users.erase", {"id": id_, "reason": " "}, "value_not_permitted", "reason")


def test_a_picture_that_somebody_elses_object_has_is_named_and_stays(alice: Client) -> None:
    file = alice.upload(b"face", "zq-face.png")
    alice.engagement(artifacts=[file])
    made = alice.ok("rev-users.create", {"display_name": NAME, "display_picture": file})["rev_user"]
    answer = _erase(alice, made["id"])
    assert answer["mentions"] == [{"type": "artifact", "id": file, "field_name": "display_picture"}]
    assert alice.download(file).content == b"face"
