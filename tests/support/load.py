"""Clients that never stop, never try again, and keep what went wrong."""

import threading
import time
from types import TracebackType
from typing import Any, Self

import httpx

CONNECTIONS = 8
# Between two engagements of a connection: enough to leave the processor to those who start.
_PAUSE = 0.2


class Load:
    """Writes and reads on connections that are kept open, for as long as a block lasts.

    Each engagement that is answered with 201 is read back at once. `failed` says what else was answered, or that nothing
    was; `kept` are the ids of those that were recorded.
    """

    def __init__(self, url: str, token: str, user: str, *, connections: int = CONNECTIONS) -> None:
        self.failed: list[str] = []
        self.kept: list[str] = []
        self._url = url
        self._token = token
        self._user = user
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(connections)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        self.goes_on()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
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
            assert time.monotonic() < until, f"the load stands still: {self.failed[:3]}"
            time.sleep(0.02)

    def _run(self) -> None:
        with httpx.Client(base_url=self._url, headers={"authorization": f"Bearer {self._token}"}, timeout=20) as http:
            while not self._over.is_set():
                try:
                    self._turn(http)
                except httpx.HTTPError as error:
                    self.failed.append(repr(error))
                time.sleep(_PAUSE)

    def _turn(self, http: httpx.Client) -> None:
        body: dict[str, Any] = {"members": [self._user], "scheduled_date": "2023-01-01T12:00:00Z", "title": "load"}
        made = http.post("/engagements.create", json=body)
        if made.status_code != 201:
            self.failed.append(f"{made.status_code} {made.text}")
            return
        id_ = made.json()["engagement"]["id"]
        self.kept.append(id_)
        found = http.get("/engagements.get", params={"id": id_})
        if found.status_code != 200:
            self.failed.append(f"{found.status_code} {found.text}")
