"""Clients that never stop, never try again, and keep what went wrong."""

import threading
import time
from types import TracebackType
from typing import Any, NamedTuple, Self

import httpx

from tests.support import fetch
from tests.support.server import Client

CONNECTIONS = 8
# Between two engagements of a connection: enough to leave the processor to those who start.
PAUSE = 0.2
# After something went wrong.
_SHORT_PAUSE = 0.05
# No answer may take longer, whatever has died.
_SLOWEST = 5


class Refused(NamedTuple):
    """An answer that was no success, and when it came, on the monotonic clock."""

    at: float
    status: int
    type: str
    retry_after: str | None


class Load:
    """Writes and reads on connections that are kept open, for as long as a block lasts.

    Each engagement that is answered with 201 is read back at once.

    Args:
        client: whose engagements they are.
        url: of what stands before the client's server.
        connections: how many.
        pause: seconds between two engagements of a connection.
    """

    def __init__(
        self, client: Client, *, url: str = "", connections: int = CONNECTIONS, pause: float = PAUSE
    ) -> None:
        # The ids of what was recorded, and when the last of them were.
        self.kept: list[str] = []
        self.kept_at: list[float] = []
        self.refused: list[Refused] = []
        # Why there was no answer.
        self.unanswered: list[str] = []
        self._slowest = 0.0
        self._client = client
        self._url = url or client.server.url
        self._pause = pause
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(connections)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        self.goes_on()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def goes_on(self, more: int = 10, seconds: float = 20) -> None:
        """Wait until so many more were recorded.

        Raises:
            AssertionError: they are not within these seconds.
        """
        wanted = len(self.kept) + more
        until = time.monotonic() + seconds
        while len(self.kept) < wanted:
            assert time.monotonic() < until, (
                f"the load stands still: {self.unanswered[-3:]} {self.refused[-3:]}"
            )
            time.sleep(0.02)

    def never_failed(self) -> None:
        """Every request was answered, with success.

        Raises:
            AssertionError: one was not.
        """
        assert self.unanswered == []
        assert self.refused == []

    def lost_nothing(self) -> None:
        """Every answer came in time and was success or 503; what was recorded is there, once.

        Raises:
            AssertionError: it is not so.
        """
        assert self.unanswered == []
        assert {(one.status, one.type) for one in self.refused} <= {(503, "service_unavailable")}
        assert all(one.retry_after for one in self.refused)
        assert self._slowest < _SLOWEST
        self.is_there()

    def is_there(self) -> None:
        """What was recorded is there, once.

        Raises:
            AssertionError: it is not.
        """
        found = [one["id"] for one in self._client.everything()["engagements"]]
        assert len(found) == len(set(found))
        assert set(self.kept) <= set(found)

    def _run(self) -> None:
        headers = {"authorization": f"Bearer {self._client.token}"}
        with fetch.client(base_url=self._url, headers=headers, timeout=20) as http:
            while not self._over.is_set():
                try:
                    fine = self._turn(http)
                except httpx.HTTPError as error:
                    fine = False
                    self.unanswered.append(repr(error))
                time.sleep(self._pause if fine else max(self._pause, _SHORT_PAUSE))

    def _turn(self, http: httpx.Client) -> bool:
        body: dict[str, Any] = {
            "members": [self._client.user], "scheduled_date": "2023-01-01T12:00:00Z", "title": "load",
        }  # fmt: skip
        made = self._timed(http.build_request("POST", "/engagements.create", json=body), http)
        if made is None:
            return False
        id_ = made.json()["engagement"]["id"]
        self.kept.append(id_)
        self.kept_at.append(time.monotonic())
        return (
            self._timed(http.build_request("GET", "/engagements.get", params={"id": id_}), http)
            is not None
        )

    def _timed(self, request: httpx.Request, http: httpx.Client) -> httpx.Response | None:
        """The answer, if it is a success."""
        began = time.monotonic()
        answer = http.send(request)
        ended = time.monotonic()
        self._slowest = max(self._slowest, ended - began)
        if answer.is_success:
            return answer
        # What stands before a server may answer itself, in its own words.
        is_json = answer.headers.get("content-type", "").startswith("application/json")
        type_ = str(answer.json()["type"]) if is_json else answer.text
        self.refused.append(
            Refused(ended, answer.status_code, type_, answer.headers.get("retry-after"))
        )
        return None
