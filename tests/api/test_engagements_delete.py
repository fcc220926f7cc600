"""engagements.delete: gone for get, list and count, once and for all."""

import pytest

from tests.support.server import Client
from tests.support.world import make_world

pytestmark = pytest.mark.engines("sqlite", "postgres")


def test_what_was_deleted_is_gone_everywhere(alice: Client) -> None:
    kept, gone = alice.engagement(), make_world(alice).engagement
    answer = alice.call("engagements.delete", {"id": gone["display_id"].lower()})
    assert (answer.status, answer.body) == (200, {})
    for method in ("get", "delete", "update"):
        alice.refused(f"engagements.{method}", {"id": gone["id"]}, "not_found", status=404)
    assert alice.ok("engagements.list") == {"engagements": [kept]}
    assert alice.ok("engagements.count") == {"count": 1}
    for name in ("members", "parents", "tags"):
        filtered = {"parent" if name == "parents" else name: gone[name][-1:]}
        assert gone["id"] not in [
            one["id"] for one in alice.ok("engagements.list", filtered)["engagements"]
        ]
    assert alice.ok("engagements.count", {"external_ref": ["crm-1"]}) == {"count": 0}


def test_one_of_several_at_once_gets_200_and_the_rest_404(alice: Client) -> None:
    for _ in range(3):
        made = alice.engagement()
        answers = alice.together([("engagements.delete", {"id": made["id"]})] * 12)
        assert sorted(answer.status for answer in answers) == [200] + [404] * 11


def test_its_external_ref_is_free_again(alice: Client) -> None:
    first = alice.engagement(external_ref="crm-1")
    alice.ok("engagements.delete", {"id": first["id"]})
    second = alice.engagement(external_ref="crm-1")
    assert second["id"] != first["id"]
    alice.ok("engagements.delete", {"id": second["id"]})
    other = alice.engagement()
    assert (
        alice.ok("engagements.update", {"id": other["id"], "external_ref": "crm-1"})["engagement"][
            "external_ref"
        ]
        == "crm-1"
    )


def test_what_is_not_there_or_not_one_s_own_is_404_and_stays(
    alice: Client, charlie: Client
) -> None:
    made = alice.engagement()
    alice.refused("engagements.delete", {"id": "ENGAGEMENT-99"}, "not_found", status=404)
    alice.refused("engagements.delete", {"id": "ACC-1"}, "unexpected_id_type", "id")
    assert charlie.call("engagements.delete", {"id": made["id"]}).status == 404
    charlie.engagement()
    assert charlie.call("engagements.delete", {"id": "ENGAGEMENT-1"}).status == 200
    assert alice.ok("engagements.get", {"id": made["id"]})["engagement"] == made


def test_it_takes_a_scope_of_its_own(alice: Client) -> None:
    made = alice.engagement()
    writer = alice.server.make_user(alice, scope="engagement:write")
    assert "engagement:all" in writer.call("engagements.delete", {"id": made["id"]}).body["message"]
    assert alice.ok("engagements.count") == {"count": 1}
    assert (
        alice.server.make_user(alice, scope="engagement:all")
        .call("engagements.delete", {"id": made["id"]})
        .status
        == 200
    )
