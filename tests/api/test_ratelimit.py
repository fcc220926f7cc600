"""So many requests in so many seconds, per user; guesses at tokens are counted by address."""

import time
from collections.abc import Iterator

import pytest

from tests.support.server import FOREVER, Client, Server

pytestmark = pytest.mark.engines("sqlite")


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("limited") / "data", RAPPORT_RATE_LIMIT=f"5/{FOREVER}")
    yield running
    assert running.stop() == 0


def test_the_window_is_counted_down_and_then_closed(limited: Server) -> None:
    alice = limited.make_org()
    for left in (4, 3, 2, 1, 0):
        answer = alice.call("dev-users.self")
        assert answer.status == 200
        assert answer.headers["x-ratelimit-limit"] == "5"
        assert answer.headers["x-ratelimit-remaining"] == str(left)
        assert 0 < int(answer.headers["x-ratelimit-reset"]) - time.time() <= FOREVER
    answer = alice.call("dev-users.self")
    assert (answer.status, answer.type) == (429, "too_many_requests")
    assert int(answer.headers["retry-after"]) == answer.body["retry_after"] > 0


def test_every_answer_to_a_user_says_where_the_window_stands(limited: Server) -> None:
    alice = limited.make_org()
    for answer in (
        alice.call("engagements.get", {"id": "x"}),
        alice.get("engagements.count", {"no": "field"}),
        alice.call("dev-users.self", x_devrev_version="1999-01-01"),
        alice.raw("GET", "events", params={"after": "x"}),
        alice.raw("GET", "events", params={"limit": "1"}),
        alice.call("dev-users.self"),
        alice.get("dev-users.self"),
        alice.raw("GET", "events"),
    ):
        assert answer.status in {400, 429}
        assert answer.headers["x-ratelimit-limit"] == "5"
        assert 0 < int(answer.headers["x-ratelimit-reset"]) - time.time() <= FOREVER
        assert (int(answer.headers["x-ratelimit-remaining"]) == 0) >= (answer.status == 429)
    assert answer.status == 429


def test_refused_requests_count_and_other_users_are_free(limited: Server) -> None:
    alice = limited.make_org()
    bob = limited.make_user(alice)
    for _ in range(5):
        assert alice.call("engagements.get", {"id": "x"}).status == 400
    assert alice.call("dev-users.self").status == 429
    assert bob.call("dev-users.self").status == 200


def test_guesses_are_limited_and_do_not_shut_out_good_tokens(limited: Server) -> None:
    alice = limited.make_org()
    guess = Client(limited, "rpt_guess")
    assert [guess.call("dev-users.self").status for _ in range(6)] == [401] * 5 + [429]
    assert alice.call("dev-users.self").status == 200


def test_health_does_not_count(limited: Server) -> None:
    alice = limited.make_org()
    for _ in range(10):
        assert limited.http.get(f"{limited.url}/healthz").status_code == 200
        assert limited.http.get(f"{limited.url}/readyz").status_code == 200
    assert alice.call("dev-users.self").headers["x-ratelimit-remaining"] == "4"


def test_without_a_limit_there_are_no_headers(alice: Client) -> None:
    assert not [
        name for name in alice.call("dev-users.self").headers if name.startswith("x-ratelimit")
    ]


def test_a_batch_counts_as_its_requests_or_is_not_done(limited: Server) -> None:
    alice = limited.make_org()
    tag = {"method": "tags.create", "body": {"name": "x"}}
    answer = alice.call("batch.run", {"requests": [tag] * 3})
    assert answer.headers["x-ratelimit-remaining"] == "2"
    answer = alice.call("batch.run", {"requests": [tag] * 3})
    assert (answer.status, answer.type) == (429, "too_many_requests")
    assert len(alice.ok("tags.list")["tags"]) == 3
