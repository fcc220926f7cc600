"""A batch whose time is over: what is done is told, what is not is told too."""

import itertools
import time
from typing import Any

import msgspec
import pytest

from rapport.contract.batch import RUN, SECONDS
from rapport.operations.kit import batches
from rapport.wire.decode import RequestDecoder
from tests.support.engine import Engine

DONE_IN_TIME = 3


class _Clock:
    """The time of batches, which is over after so many looks."""

    def __init__(self, looks: int) -> None:
        self._looks = itertools.count()
        self._enough = looks

    def monotonic(self) -> float:
        """Seconds."""
        late = next(self._looks) > self._enough
        return time.monotonic() + (SECONDS + 1 if late else 0)


@pytest.mark.parametrize("atomic", [False, True])
def test_what_the_deadline_leaves_undone_answers_503_and_is_not_done(
    store: Engine, monkeypatch: pytest.MonkeyPatch, *, atomic: bool
) -> None:
    alice = store.person()
    monkeypatch.setattr(batches, "time", _Clock(DONE_IN_TIME))
    requests: list[Any] = [
        {"method": "tags.create", "body": {"name": f"T{number}"}} for number in range(6)
    ]
    body = msgspec.json.encode({"requests": requests, "atomic": atomic})
    request = RequestDecoder(RUN.request, strict=False).from_body(body)
    answer = store.run(store.invoker.invoke(alice, RUN, request))
    statuses = [one["status"] for one in msgspec.json.decode(answer.body)["results"]]
    done = 0 if atomic else DONE_IN_TIME
    assert statuses == [201] * done + [503] * (6 - done)
    (count,) = store.all("SELECT count(*) FROM tags WHERE org = :org", org=alice.org)[0]
    assert count == done
