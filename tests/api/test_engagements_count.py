"""engagements.count: as many as a walk over the list with the same filters finds."""

import pytest

from tests.support.server import Client
from tests.support.world import make_world

pytestmark = pytest.mark.engines("sqlite", "postgres")


def test_an_empty_org_has_none(alice: Client) -> None:
    assert (
        alice.call("engagements.count").body == alice.get("engagements.count").body == {"count": 0}
    )


def test_it_goes_beyond_a_page(alice: Client) -> None:
    request = {"members": [alice.user], "scheduled_date": "2023-01-01T12:00:00Z", "title": "A call"}
    alice.together([("engagements.create", request)] * 130)
    assert alice.ok("engagements.count") == {"count": 130}
    assert len(alice.everything()["engagements"]) == 130


def test_what_only_lists_take_is_refused(alice: Client) -> None:
    for name, value in (
        ("limit", 5),
        ("cursor", "x"),
        ("mode", "after"),
        ("sort_by", ["title:asc"]),
        ("expand", ["tags"]),
    ):
        alice.refused("engagements.count", {name: value}, "invalid_field", name)


def test_a_deleted_one_does_not_count(alice: Client) -> None:
    made = make_world(alice).engagement
    assert alice.ok("engagements.count", {"external_ref": ["crm-1"]}) == {"count": 1}
    alice.ok("engagements.delete", {"id": made["id"]})
    assert alice.ok("engagements.count", {"external_ref": ["crm-1"]}) == {"count": 0}
