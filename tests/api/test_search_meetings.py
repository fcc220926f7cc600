"""Meetings are found as engagements are: by words of their own, of what they name, and of comments."""

import pytest

from tests.support.server import Client

pytestmark = pytest.mark.engines("sqlite", "postgres")


def _meet(client: Client, **fields: object) -> str:
    request = {"channel": "zoom", "members": [client.user], "state": "scheduled", **fields}
    made = client.ok("meetings.create", {"title": "Quarterly review", **request})
    return str(made["meeting"]["display_id"])


def _found(client: Client, query: str, **more: object) -> list[str]:
    answer = client.ok("search.core", {"query": query, "namespaces": ["meeting"], **more})
    return [one["meeting"]["display_id"] for one in answer["results"]]


def test_a_meeting_is_found_by_its_title_text_and_parent(alice: Client) -> None:
    account = alice.ok("accounts.create", {"display_name": "Zanzibar Traders"})["account"]["id"]
    own = _meet(alice, description="About the pelican contract", parent=account)
    _meet(alice, title="Standup")
    for query in ("quarterly", "pelican contract", "zanzibar", "type:meeting pelican"):
        assert _found(alice, query) == [own], query


def test_a_meeting_is_found_by_a_comment_and_no_more_once_deleted(alice: Client) -> None:
    own = _meet(alice)
    comment = {"object": own, "type": "timeline_comment", "body": "We forgot the walrus."}
    alice.ok("timeline-entries.create", comment)
    assert _found(alice, "walrus") == [own]
    alice.ok("meetings.delete", {"id": own})
    assert _found(alice, "walrus") == _found(alice, "quarterly") == []


def test_a_list_and_a_count_of_meetings_take_a_query(alice: Client) -> None:
    own = _meet(alice, title="Harvest plans")
    _meet(alice)
    listed = alice.ok("meetings.list", {"query": "harvest"})["meetings"]
    assert [one["display_id"] for one in listed] == [own]
    assert alice.ok("meetings.count", {"query": "harvest OR quarterly"})["count"] == 2


def test_others_don_t_find_it(alice: Client, charlie: Client) -> None:
    _meet(alice, title="Harvest plans")
    assert _found(charlie, "harvest") == []
