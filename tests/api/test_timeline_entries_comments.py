"""timeline-entries.create, get, update and delete: comments."""

from typing import Any

import pytest

from tests.support.server import Client
from tests.support.world import World, make_world

pytestmark = pytest.mark.engines("sqlite", "postgres")


@pytest.fixture
def world(alice: Client) -> World:
    return make_world(alice)


def comment(client: Client, on: Any, **fields: Any) -> Any:
    request = {
        "object": on["id"],
        "type": "timeline_comment",
        "body": "They want two years.",
        **fields,
    }
    return client.ok("timeline-entries.create", request)["timeline_entry"]


def test_a_comment_comes_back_as_it_was_written(alice: Client, world: World) -> None:
    artifact = alice.upload()
    made = comment(
        alice,
        world.engagement,
        body="ü" * 65_536,
        body_type="text",
        artifacts=[artifact],
        external_ref="crm-7",
        labels=["next step", "price"],
        visibility="external",
        collections=["discussions"],
        snap_kit_body={"body": {"a": None}, "snap_in_id": "x"},
        link_previews=["y"],
        snap_widget_body=["z"],
    )
    assert made["type"] == "timeline_comment"
    assert made["id"] == f"{world.engagement['id']}:comment/1"
    assert made["display_id"] == "COMMENT-1"
    assert made["body"] == "ü" * 65_536
    assert [one["id"] for one in made["artifacts"]] == [artifact]
    assert (made["external_ref"], made["labels"], made["visibility"]) == (
        "crm-7",
        ["next step", "price"],
        "external",
    )
    assert made["snap_kit_body"] == {"body": {"a": None}, "snap_in_id": "x"}
    assert made["object"] == world.engagement["id"]
    assert (made["object_display_id"], made["object_type"]) == ("ENGAGEMENT-1", "engagement")
    assert made["created_by"]["id"] == made["modified_by"]["id"]
    for id_ in (made["id"], "COMMENT-1", "comment-1"):
        assert alice.ok("timeline-entries.get", {"id": id_})["timeline_entry"] == made
        assert (
            alice.get("timeline-entries.get", {"id": id_, "external_ref": "crm-7"}).body[
                "timeline_entry"
            ]
            == made
        )


def test_everything_with_a_timeline_takes_comments(alice: Client, world: World) -> None:
    for on, kind in (
        (world.engagement, "engagement"),
        (world.account, "account"),
        (world.opportunity, "opportunity"),
    ):
        made = comment(alice, on)
        assert (made["object"], made["object_type"], made["visibility"]) == (
            on["id"],
            kind,
            "internal",
        )
        assert made["body_type"] == "text"
        assert made["panels"] == ["discussions"]


def test_other_objects_and_absent_ones_take_none(
    alice: Client, charlie: Client, world: World
) -> None:
    request = {"type": "timeline_comment", "body": "x"}
    alice.refused(
        "timeline-entries.create",
        {**request, "object": world.tag["id"]},
        "unexpected_id_type",
        "object",
    )
    alice.refused(
        "timeline-entries.create", {**request, "object": "ACC-99"}, "invalid_id", "object"
    )
    charlie.refused(
        "timeline-entries.create",
        {**request, "object": world.account["id"]},
        "invalid_id",
        "object",
    )
    alice.refused(
        "timeline-entries.create",
        {**request, "object": "ACC-1", "body": "x" * 65_537},
        "value_not_permitted",
        "body",
    )
    alice.refused(
        "timeline-entries.create",
        {**request, "object": "ACC-1", "labels": [""]},
        "value_not_permitted",
        "labels[0]",
    )


def test_an_external_ref_is_one_comment_s_until_it_is_gone(
    alice: Client, charlie: Client, world: World
) -> None:
    first = comment(alice, world.engagement, external_ref="crm-1")
    second = comment(alice, world.account)
    request = {"object": "ACC-1", "type": "timeline_comment", "external_ref": "crm-1"}
    alice.refused("timeline-entries.create", request, "conflict", status=409)
    alice.refused(
        "timeline-entries.update",
        {"id": second["id"], "external_ref": "crm-1"},
        "conflict",
        status=409,
    )
    comment(charlie, make_world(charlie).account, external_ref="crm-1")
    alice.ok("timeline-entries.update", {"id": first["id"], "external_ref": None})
    comment(alice, world.account, external_ref="crm-1")
    alice.refused(
        "timeline-entries.get",
        {"id": first["id"], "external_ref": "crm-1"},
        "not_found",
        status=404,
    )


def test_an_artifact_of_a_comment_is_nobody_else_s(alice: Client, world: World) -> None:
    artifact, other = alice.upload(), alice.upload()
    made = comment(alice, world.engagement, artifacts=[artifact])
    request = {"object": "ACC-1", "type": "timeline_comment", "artifacts": [artifact]}
    held = alice.refused(
        "timeline-entries.create", request, "artifact_already_attached_to_a_parent"
    )
    assert held.body["existing_parent"] == made["id"]
    alice.refused(
        "engagements.update",
        {"id": "ENGAGEMENT-1", "artifacts": {"set": [artifact]}},
        "artifact_already_attached_to_a_parent",
    )
    for id_ in (made["id"], made["display_id"]):
        listed = alice.ok("artifacts.list", {"parent_id": id_})["artifacts"]
        assert [one["id"] for one in listed] == [artifact]
    change = {"artifacts": {"add": [other], "remove": [artifact]}}
    changed = alice.ok("timeline-entries.update", {"id": made["id"], **change})["timeline_entry"]
    assert [one["id"] for one in changed["artifacts"]] == [other]
    back = alice.ok(
        "timeline-entries.update", {"id": made["id"], "artifacts": {"set": [artifact]}}
    )["timeline_entry"]
    assert [one["id"] for one in back["artifacts"]] == [artifact]


def test_an_update_changes_what_it_names_and_needs_no_type(
    alice: Client, bob: Client, world: World
) -> None:
    made = comment(alice, world.engagement, labels=["a"], external_ref="x")
    changed = bob.ok("timeline-entries.update", {"id": made["id"], "body": "Three years."})[
        "timeline_entry"
    ]
    assert changed["modified_date"] > made["modified_date"]
    assert changed["modified_by"]["display_id"] == bob.user
    stamps = ("modified_by", "modified_date")
    assert {**changed, **{name: made[name] for name in stamps}} == {**made, "body": "Three years."}
    same = {"id": made["id"], "type": "timeline_comment", "body": "Three years."}
    assert alice.ok("timeline-entries.update", same)["timeline_entry"] == changed


def test_a_deleted_comment_is_gone_and_so_are_those_of_a_deleted_object(
    alice: Client, world: World
) -> None:
    first, second = (
        comment(alice, world.engagement),
        comment(alice, world.engagement, external_ref="x"),
    )
    assert alice.ok("timeline-entries.delete", {"id": first["id"]}) == {}
    assert alice.call("timeline-entries.get", {"id": first["id"]}).status == 404
    alice.refused("timeline-entries.delete", {"id": first["id"]}, "invalid_id", "id")
    alice.refused("timeline-entries.update", {"id": first["id"], "body": "x"}, "invalid_id", "id")
    alice.ok("engagements.delete", {"id": world.engagement["id"]})
    assert alice.call("timeline-entries.get", {"id": second["id"]}).status == 404
    assert alice.call("timeline-entries.list", {"object": world.engagement["id"]}).status == 404
    comment(alice, world.account, external_ref="x")


def test_an_id_under_another_object_leads_nowhere(
    alice: Client, charlie: Client, world: World
) -> None:
    made = comment(alice, world.engagement)
    elsewhere = made["id"].replace(world.engagement["id"], world.account["id"])
    assert alice.call("timeline-entries.get", {"id": elsewhere}).status == 404
    assert charlie.call("timeline-entries.get", {"id": made["id"]}).status == 404
    assert charlie.call("timeline-entries.get", {"id": "COMMENT-1"}).status == 404
    charlie.refused("timeline-entries.delete", {"id": made["id"]}, "invalid_id", "id")
    assert alice.ok("timeline-entries.get", {"id": made["id"]})["timeline_entry"] == made


# Privacy


def test_a_private_comment_is_its_author_s_and_those_named_alone(
    alice: Client, bob: Client, world: World
) -> None:
    carol = alice.server.make_user(alice, role="admin")
    end = alice.feed_end()
    made = comment(
        alice,
        world.account,
        body="secret-body",
        private_to=[bob.user],
        labels=["secret-label"],
        external_ref="secret-ref",
    )
    assert made["visibility"] == "private"
    assert [reader.rpartition("/")[2] for reader in made["private_to"]] == [
        bob.user.rpartition("-")[2]
    ]
    for reader in (alice, bob):
        assert reader.ok("timeline-entries.get", {"id": made["id"]})["timeline_entry"] == made
        for query in (
            {},
            {"rollup": True},
            {"labels": ["secret-label"]},
            {"visibility": ["private"]},
        ):
            listed = reader.ok("timeline-entries.list", {"object": "ACC-1", **query})[
                "timeline_entries"
            ]
            assert made in listed, query
    assert bob.ok("timeline-entries.update", {"id": made["id"], "body": "secret-body-2"})
    for query in ({}, {"rollup": True}, {"labels": ["secret-label"]}, {"visibility": ["private"]}):
        listed = carol.ok("timeline-entries.list", {"object": "ACC-1", **query})["timeline_entries"]
        assert all(entry["type"] == "timeline_change_event" for entry in listed)
    assert carol.call("timeline-entries.get", {"id": made["id"]}).status == 404
    assert (
        carol.call("timeline-entries.get", {"id": made["id"], "external_ref": "secret-ref"}).status
        == 404
    )
    carol.refused("timeline-entries.update", {"id": made["id"], "body": "x"}, "invalid_id", "id")
    carol.refused("timeline-entries.delete", {"id": made["id"]}, "invalid_id", "id")
    alice.ok("timeline-entries.delete", {"id": made["id"]})
    told = carol.feed(end)
    types = ["timeline_entry_created", "timeline_entry_updated", "timeline_entry_deleted"]
    assert [event["type"] for event in told if event["object"] == made["id"]] == types
    assert "secret" not in str(told)
    assert "secret" not in str(alice.feed(end))


def test_what_is_attached_to_a_private_comment_is_as_private(
    alice: Client, bob: Client, world: World
) -> None:
    carol = alice.server.make_user(alice, role="admin")
    secret, open_ = alice.upload(b"secret"), alice.upload(b"open")
    made = comment(alice, world.account, body="Salaries", private_to=[bob.user], artifacts=[secret])
    comment(alice, world.account, body="Prices", artifacts=[open_])
    for reader in (alice, bob):
        assert reader.download(secret).content == b"secret"
        assert [
            one["id"] for one in reader.ok("artifacts.list", {"parent_id": made["id"]})["artifacts"]
        ] == [secret]
    assert carol.download(open_).content == b"open"
    assert secret not in {one["id"] for one in carol.ok("artifacts.list")["artifacts"]}
    assert carol.ok("artifacts.list", {"parent_id": made["id"]})["artifacts"] == []
    for method in ("artifacts.get", "artifacts.locate"):
        assert carol.call(method, {"id": secret}).status == 404
    for method in ("artifacts.versions.prepare", "artifacts.versions.delete"):
        carol.refused(method, {"id": secret}, "invalid_id", "id")
    alice.ok("timeline-entries.delete", {"id": made["id"]})
    assert carol.call("artifacts.get", {"id": secret}).status == 404
    assert alice.download(secret).content == b"secret"


def test_named_readers_make_a_comment_private_and_nothing_else_with_it(
    alice: Client, bob: Client, world: World
) -> None:
    request = {"object": world.account["id"], "type": "timeline_comment", "private_to": [bob.user]}
    alice.refused(
        "timeline-entries.create",
        {**request, "visibility": "public"},
        "value_not_permitted",
        "private_to",
    )
    alice.refused(
        "timeline-entries.create",
        {**request, "private_to": ["DEVU-99"]},
        "invalid_id",
        "private_to[0]",
    )
    alone = comment(alice, world.account, visibility="private")
    assert "private_to" not in alone
    assert bob.call("timeline-entries.get", {"id": alone["id"]}).status == 404
