"""search.suggest: what begins so, for pickers."""

from typing import Any

import pytest

from tests.support.server import Client
from tests.support.world import make_world

pytestmark = pytest.mark.engines("sqlite", "postgres")


def suggested(client: Client, query: str, **fields: Any) -> list[str]:
    """The display ids of what is suggested, in order."""
    answer = client.ok("search.suggest", {"query": query, **fields})
    return [one["display_id"] for one in answer["suggestions"]]


def test_names_addresses_and_domains_are_found_by_how_they_begin(alice: Client) -> None:
    make_world(alice)
    alice.ok("accounts.create", {"display_name": "Blue Harbor", "domains": ["harbor.example"]})
    assert suggested(alice, "ri") == ["REVU-1"]
    assert suggested(alice, "rita@ac") == ["REVU-1"]
    assert suggested(alice, "harbor.ex", namespaces=["account"]) == ["ACC-2"]
    assert suggested(alice, "har blu", namespaces=["account"]) == []
    assert suggested(alice, "blue har", namespaces=["account"]) == ["ACC-2"]
    assert suggested(alice, "fir") == []
    assert suggested(alice, "🎉") == []


def test_a_display_id_is_suggested_first(alice: Client) -> None:
    make_world(alice)
    assert suggested(alice, "acc-1") == ["ACC-1"]
    assert suggested(alice, "acc-99") == []
    assert suggested(alice, "acc-1", namespaces=["tag"]) == []


def test_what_was_used_last_comes_first(alice: Client) -> None:
    accounts = [
        alice.ok("accounts.create", {"display_name": f"Acme {n}"})["account"]["display_id"]
        for n in range(3)
    ]
    assert suggested(alice, "acm", namespaces=["account"]) == accounts[::-1]
    alice.engagement(parent=accounts[0])
    assert suggested(alice, "acm", namespaces=["account"])[0] == accounts[0]
    assert suggested(alice, "acm", namespaces=["account"], limit=1) == [accounts[0]]


def test_a_suggestion_tells_what_it_is(alice: Client) -> None:
    user = {"display_name": "Ada", "email": "ada@example.test"}
    made = alice.ok("rev-users.create", user)["rev_user"]
    answer = alice.ok("search.suggest", {"query": "ada"})
    assert answer == {
        "suggestions": [
            {
                "type": "rev_user",
                "id": made["id"],
                "display_id": made["display_id"],
                "name": "Ada",
                "detail": "ada@example.test",
            }
        ]
    }


def test_others_objects_are_not_suggested(alice: Client) -> None:
    make_world(alice.server.make_org("Other"))
    assert suggested(alice, "ri") == []
    limited = alice.server.make_user(alice, scope="search:read")
    assert suggested(limited, "a") == []
