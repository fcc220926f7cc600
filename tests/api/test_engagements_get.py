from tests.support.server import Client


def test_what_was_recorded_is_found_by_don_and_by_display_id_in_any_case(alice: Client) -> None:
    made = alice.engagement(title="Kick-off")
    for id_ in (made["id"], made["display_id"], made["display_id"].lower()):
        assert alice.ok("engagements.get", {"id": id_})["engagement"] == made
        assert alice.get("engagements.get", {"id": id_}).body["engagement"] == made


def test_another_orgs_engagement_answers_as_one_that_does_not_exist(alice: Client, charlie: Client) -> None:
    made = alice.engagement()
    foreign, absent = charlie.call("engagements.get", {"id": made["id"]}), charlie.call("engagements.get", {"id": "ENGAGEMENT-9"})
    assert (foreign.status, foreign.type) == (absent.status, absent.type) == (404, "not_found")
    assert foreign.body["message"].replace(made["id"], "") == absent.body["message"].replace("ENGAGEMENT-9", "")
