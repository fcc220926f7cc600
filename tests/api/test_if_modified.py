"""if_modified_date: of those who change one version of an engagement or meeting, one does."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.server import Client, Server

pytestmark = pytest.mark.engines("sqlite", "postgres")
FAMILIES = ["engagement", "meeting"]


def _made(client: Client, family: str) -> Any:
    make: Callable[..., Any] = client.engagement if family == "engagement" else client.meeting
    return make(title="First")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_change_of_another_version_is_refused_and_says_the_new_one(
    alice: Client, family: str
) -> None:
    made, method = _made(alice, family), f"{family}s.update"
    own = {"id": made["id"], "if_modified_date": made["modified_date"]}
    second = alice.ok(method, {**own, "title": "Second"})[family]
    third = {**own, "title": "Third"}
    error = alice.refused(method, third, "value_not_permitted", "if_modified_date")
    assert second["modified_date"] in error.body["reason"]
    own["if_modified_date"] = second["modified_date"]
    assert alice.ok(method, {**own, "title": "Third"})[family]["title"] == "Third"


@pytest.mark.engines("sqlite")
@pytest.mark.parametrize("family", FAMILIES)
def test_a_strict_server_knows_no_such_field(strict_server: Server, family: str) -> None:
    client = strict_server.make_org("Strict")
    made = _made(client, family)
    request = {"id": made["id"], "if_modified_date": "2026-01-01T00:00:00Z"}
    answer = client.call(f"{family}s.update", request)
    assert (answer.status, answer.type) == (400, "invalid_field")
    assert answer.body["field_name"] == "if_modified_date"


@pytest.mark.parametrize("family", FAMILIES)
def test_of_many_who_change_one_version_at_once_one_does(alice: Client, family: str) -> None:
    made, method = _made(alice, family), f"{family}s.update"
    own = {"id": made["id"], "if_modified_date": made["modified_date"]}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: alice.call(method, {**own, "title": f"{n}"}), range(8)))
    assert sorted(one.status for one in answers) == [200, *[400] * 7]
    (winner,) = [one.body[family] for one in answers if one.status == 200]
    assert alice.ok(f"{family}s.get", {"id": made["id"]})[family] == winner
