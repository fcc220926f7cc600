"""Another program holds the database file's lock: a backup tool, a shell that somebody left
open.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import apsw

from tests.support.server import Server


@contextmanager
def locked(server: Server) -> Iterator[None]:
    other = apsw.Connection(str(server.data / "rapport.db"))
    other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()


def test_reads_go_on_and_writes_wait_until_the_lock_is_gone(server: Server) -> None:
    alice = server.make_org()
    made = alice.engagement()
    with ThreadPoolExecutor(1) as pool:
        with locked(server):
            waiting = pool.submit(alice.engagement, title="Later")
            for _ in range(20):
                assert alice.ok("engagements.get", {"id": made["id"]})["engagement"] == made
            assert not waiting.done()
        assert waiting.result()["title"] == "Later"


def test_a_lock_that_stays_is_a_503_and_writes_nothing(server: Server) -> None:
    alice = server.make_org()
    with locked(server):
        request = {"members": [alice.user], "scheduled_date": "2023-01-01T12:00:00Z", "title": "x"}
        answer = alice.call("engagements.create", request)
        assert (answer.status, answer.type) == (503, "service_unavailable")
        assert int(answer.headers["retry-after"]) > 0
    assert alice.ok("engagements.count") == {"count": 0}
    assert alice.engagement()["display_id"] == "ENGAGEMENT-1"
