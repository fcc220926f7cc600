"""engagements.delete: gone for every reader, for good."""

from concurrent.futures import ThreadPoolExecutor

from tests.support.server import Client


def test_what_is_deleted_is_gone(alice: Client) -> None:
    gone, kept = alice.engagement(), alice.engagement()
    assert alice.ok("engagements.delete", {"id": gone["display_id"]}) == {}
    for method, more in (("get", {}), ("update", {"title": "x"}), ("delete", {})):
        answer = alice.call(f"engagements.{method}", {"id": gone["id"], **more})
        assert (answer.status, answer.type) == (404, "not_found")
    assert alice.ok("engagements.list")["engagements"] == [kept]
    assert alice.ok("engagements.count") == {"count": 1}
    assert alice.engagement()["display_id"] == "ENGAGEMENT-3"


def test_one_of_several_concurrent_deletes_succeeds(alice: Client) -> None:
    made = alice.engagement()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: alice.call("engagements.delete", {"id": made["id"]}), range(16)))
    assert sorted(answer.status for answer in answers) == [200] + [404] * 15


def test_ids_of_other_kinds_and_other_orgs(alice: Client, charlie: Client) -> None:
    theirs = charlie.engagement()
    assert alice.call("engagements.delete", {"id": theirs["id"]}).status == 404
    assert alice.call("engagements.delete", {"id": "ACC-1"}).type == "unexpected_id_type"
    assert alice.call("engagements.delete", {"id": "1"}).type == "invalid_id"
    assert alice.call("engagements.delete", {}).type == "missing_required_field"
    assert charlie.ok("engagements.count") == {"count": 1}
