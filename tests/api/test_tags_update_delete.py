"""tags.update and delete: a deleted tag disappears from everything that had it."""

from typing import Any

import pytest

from tests.support.server import Client
from tests.support.world import make_world

pytestmark = pytest.mark.engines("sqlite", "postgres")


def tag(client: Client, name: str = "size", **fields: Any) -> Any:
    return client.ok("tags.create", {"name": name, **fields})["tag"]


def update(client: Client, made: Any, **changes: Any) -> Any:
    return client.ok("tags.update", {"id": made["id"], **changes})["tag"]


def test_what_is_sent_changes_and_the_rest_stays(alice: Client, bob: Client) -> None:
    made = tag(
        alice, allowed_values=["small", "large"], description="How big", style_new={"color": "#fff"}
    )
    changed = update(bob, made, allowed_values={"set": ["small", "small", "huge"]})
    assert changed["allowed_values"] == ["small", "huge"]
    assert (changed["modified_by"]["display_id"], changed["name"]) == (bob.user, "size")
    assert changed["modified_date"] > made["modified_date"]
    changed = update(alice, made, name="Size", description="", style_new={"color": "red"})
    assert (changed["name"], changed["description"], changed["style_new"]) == (
        "Size",
        "",
        {"color": "red"},
    )
    assert update(alice, made, name="Size", style_new={}, allowed_values={}) == changed
    assert "allowed_values" not in update(alice, made, allowed_values={"set": []})
    for field in ("name", "description", "allowed_values", "style_new"):
        alice.refused("tags.update", {"id": made["id"], field: None}, "unexpected_json_type", field)
    alice.refused("tags.update", {"id": made["id"], "name": "\t"}, "value_not_permitted", "name")


def test_a_value_that_is_no_longer_allowed_stays_where_it_was_set(alice: Client) -> None:
    world = make_world(alice)
    update(alice, world.tag, allowed_values={"set": ["large"]})
    kept = alice.ok("engagements.get", {"id": world.engagement["id"]})["engagement"]
    assert kept["tag_values"] == {world.tag["id"]: "small"}
    again = {"id": kept["id"], "tags": {"set": [{"id": world.tag["id"], "value": "small"}]}}
    alice.refused("engagements.update", again, "value_not_permitted", "tags.set[0].value")


def test_a_deleted_tag_disappears_from_everything_that_had_it(alice: Client) -> None:
    world = make_world(alice)
    both = [{"id": world.tag["id"], "value": "small"}, {"id": tag(alice, "hot")["id"]}]
    title = f'"{world.tag["id"]}",'
    both_ways = alice.engagement(tags=both, title=title, description=world.tag["id"])
    alice.ok("accounts.update", {"id": world.account["id"], "tags": both})
    alice.ok("works.update", {"id": world.opportunity["id"], "tags": {"set": both}})
    alice.ok("rev-users.update", {"id": world.rev_user["id"], "tags": both})
    rev_org = alice.ok("rev-orgs.get", {"account": world.account["id"]})["rev_org"]
    alice.ok("rev-orgs.update", {"id": rev_org["id"], "tags": both[:1]})

    assert alice.ok("tags.delete", {"id": world.tag["id"]}) == {}

    bare = alice.ok("engagements.get", {"id": world.engagement["id"]})["engagement"]
    assert not {"tags", "tag_values"} & {*bare}
    assert {name for name in world.engagement if name not in bare} == {"tags", "tag_values"}
    left = alice.ok("engagements.get", {"id": both_ways["id"], "expand": ["tags"]})["engagement"]
    assert [one["tag"]["name"] for one in left["tags"]] == ["hot"]
    assert (left["title"], left["description"], "tag_values" in left) == (
        title,
        world.tag["id"],
        False,
    )
    assert left["modified_date"] == both_ways["modified_date"]
    for method, id_, key in (
        ("accounts", world.account, "account"),
        ("works", world.opportunity, "work"),
        ("rev-users", world.rev_user, "rev_user"),
    ):
        assert [
            one["tag"]["name"] for one in alice.ok(f"{method}.get", {"id": id_["id"]})[key]["tags"]
        ] == ["hot"]
    assert "tags" not in alice.ok("rev-orgs.get", {"id": rev_org["id"]})["rev_org"]
    for method in ("engagements", "accounts", "works", "rev-users", "rev-orgs"):
        assert (
            alice.ok(f"{method}.list", {"tags": [world.tag["id"]]})[method.replace("-", "_")] == []
        )
    for method in ("tags.get", "tags.update", "tags.delete"):
        assert alice.call(method, {"id": world.tag["id"]}).status == 404
    assert [one["name"] for one in alice.ok("tags.list")["tags"]] == ["hot"]
    # An update that changes nothing finds the document as it would write it.
    update_ = {
        "id": both_ways["id"],
        "tags": {"set": [both[1]["id"]]},
        "description": world.tag["id"],
    }
    assert (
        alice.ok("engagements.update", update_)["engagement"]
        == alice.ok("engagements.get", {"id": both_ways["id"]})["engagement"]
    )
    alice.refused(
        "engagements.update",
        {"id": bare["id"], "tags": {"set": [world.tag["id"]]}},
        "invalid_id",
        "tags.set[0].id",
    )


def test_many_engagements_lose_a_tag_at_once(alice: Client) -> None:
    hot = tag(alice, "hot")["id"]
    for number in range(30):
        alice.engagement(title=str(number), tags=[hot])
    deleted = alice.engagement(tags=[hot])
    alice.ok("engagements.delete", {"id": deleted["id"]})
    alice.ok("tags.delete", {"id": hot})
    assert all("tags" not in one for one in alice.ok("engagements.list")["engagements"])
    assert alice.ok("engagements.count") == {"count": 30}


def test_another_orgs_tag_is_as_one_that_does_not_exist(alice: Client, charlie: Client) -> None:
    made = tag(alice)
    for method in ("tags.update", "tags.delete"):
        charlie.refused(method, {"id": made["id"]}, "not_found", status=404)
    assert alice.ok("tags.get", {"id": made["id"]})["tag"] == made
