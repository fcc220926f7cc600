"""links: between the kinds that exist here, with both ends' summaries."""

from typing import Any

import pytest

from tests.support.server import Client
from tests.support.world import World, make_world

pytestmark = pytest.mark.engines("sqlite", "postgres")


@pytest.fixture
def world(alice: Client) -> World:
    return make_world(alice)


def link(
    client: Client, source: Any, target: Any, link_type: str = "is_related_to", **fields: Any
) -> Any:
    ends = {"source": source["id"], "target": target["id"]}
    return client.ok("links.create", {"link_type": link_type, **ends, **fields})["link"]


def test_every_kind_is_linked_and_comes_back_as_a_summary(alice: Client, world: World) -> None:
    dev_user = alice.ok("dev-users.self")["dev_user"]
    rev_org = alice.ok("rev-orgs.get", {"account": world.account["id"]})["rev_org"]
    ends = [world.account, world.opportunity, world.rev_user, rev_org, dev_user]
    kinds = ["account", "opportunity", "rev_user", "rev_org", "dev_user"]
    for position, source in enumerate(ends):
        made = link(alice, source, ends[position - 1])
        assert [made[end]["type"] for end in ("source", "target")] == [
            kinds[position],
            kinds[position - 1],
        ]
        assert [made[end]["id"] for end in ("source", "target")] == [
            source["id"],
            ends[position - 1]["id"],
        ]
        assert made["id"].endswith(f":link/{position + 1}")
        assert alice.ok("links.get", {"id": made["display_id"]})["link"] == made
        assert made["created_by"]["display_id"] == alice.user
    custom = link(
        alice,
        world.account,
        world.opportunity,
        "custom_link",
        custom_link_type="don:core:custom_link_type/1",
    )
    assert custom["custom_link_type"]["id"] == "don:core:custom_link_type/1"


def test_a_renamed_end_shows_its_new_name(alice: Client, world: World) -> None:
    made = link(alice, world.opportunity, world.account)
    alice.ok("works.update", {"id": world.opportunity["id"], "title": "Bigger deal"})
    assert alice.ok("links.get", {"id": made["id"]})["link"]["source"]["title"] == "Bigger deal"


def test_an_objects_links_are_listed_by_direction_type_and_other_end(
    alice: Client, charlie: Client, world: World
) -> None:
    account, deal, rita = world.account, world.opportunity, world.rev_user
    first = link(alice, deal, account, "is_part_of")
    second = link(alice, account, rita, "serves")
    link(alice, deal, rita)

    def found(**filters: Any) -> list[str]:
        return [
            one["id"]
            for one in alice.ok("links.list", {"object": account["id"], **filters})["links"]
        ]

    assert found() == [second["id"], first["id"]]
    assert (
        found(direction="is_source")
        == found(link_type=["serves"])
        == found(types=["serves"])
        == [second["id"]]
    )
    assert found(direction="is_target") == found(object_types=["opportunity"]) == [first["id"]]
    assert found(object_types=["rev_user", "opportunity"], direction="is_source") == [second["id"]]
    assert found(object_types=["ticket"]) == found(link_type=["imports"]) == []
    assert found(object="ACC-99") == []
    page = alice.ok("links.list", {"object": account["id"], "limit": 1})
    rest = alice.ok(
        "links.list", {"object": account["id"], "limit": 1, "cursor": page["next_cursor"]}
    )
    assert [page["links"][0]["id"], rest["links"][0]["id"]] == [second["id"], first["id"]]
    assert "next_cursor" not in rest
    back = alice.get(
        "links.list", {"object": account["id"], "mode": "before", "cursor": rest["prev_cursor"]}
    ).body
    assert [one["id"] for one in back["links"]] == [second["id"]]
    assert charlie.ok("links.list", {"object": account["id"]}) == {"links": []}
    alice.refused("links.list", {"object": account["id"], "cursor": "x"}, "invalid_field", "cursor")
    alice.refused("links.list", {}, "missing_required_field", "object")


def test_what_breaks_a_rule_makes_no_link(alice: Client, charlie: Client, world: World) -> None:
    id_, deal = world.account["id"], world.opportunity["id"]
    foreign = charlie.ok("accounts.create", {"display_name": "x"})["account"]["id"]
    for request, type_, field in (
        ({"link_type": "likes", "source": id_, "target": deal}, "invalid_enum_value", "link_type"),
        ({"link_type": "serves", "source": id_, "target": id_}, "value_not_permitted", "target"),
        ({"link_type": "serves", "source": "ACC-99", "target": deal}, "invalid_id", "source"),
        ({"link_type": "serves", "source": id_, "target": foreign}, "invalid_id", "target"),
        (
            {"link_type": "serves", "source": id_, "target": world.engagement["id"]},
            "unexpected_id_type",
            "target",
        ),
        (
            {"link_type": "serves", "source": id_, "target": world.tag["id"]},
            "unexpected_id_type",
            "target",
        ),
        ({"link_type": "serves", "source": id_}, "missing_required_field", "target"),
    ):
        alice.refused("links.create", request, type_, field)
    assert alice.ok("links.list", {"object": id_})["links"] == []


def test_a_link_is_deleted_once(alice: Client, charlie: Client, world: World) -> None:
    made = link(alice, world.account, world.opportunity)
    charlie.refused("links.delete", {"id": made["id"]}, "not_found", status=404)
    charlie.refused("links.get", {"id": made["id"]}, "not_found", status=404)
    assert alice.ok("links.delete", {"id": made["id"]}) == {}
    alice.refused("links.delete", {"id": made["id"]}, "not_found", status=404)
    alice.refused("links.get", {"id": made["id"]}, "not_found", status=404)


def test_a_link_is_replaced_by_another(alice: Client, charlie: Client, world: World) -> None:
    made = link(alice, world.account, world.opportunity)
    request = {
        "id": made["id"],
        "link_type": "serves",
        "source": world.rev_user["id"],
        "target": world.account["id"],
    }
    charlie.refused("links.replace", request, "invalid_id", "id")
    alice.refused("links.replace", {**request, "source": "REVU-99"}, "invalid_id", "source")
    assert alice.ok("links.get", {"id": made["id"]})["link"] == made
    answer = alice.call("links.replace", request)
    new = answer.body["link"]
    assert (answer.status, new["link_type"], new["source"]["type"]) == (201, "serves", "rev_user")
    assert new["id"] != made["id"]
    assert alice.call("links.get", {"id": made["id"]}).status == 404
    alice.refused("links.replace", request, "invalid_id", "id")
    assert [
        one["id"] for one in alice.ok("links.list", {"object": world.account["id"]})["links"]
    ] == [new["id"]]
