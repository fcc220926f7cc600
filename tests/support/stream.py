"""A reader of `/events` that a test asks for one event at a time."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.support import fetch
from tests.support.server import Client


class Reader:
    """An open stream."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.last = ""
        self._lines = response.iter_lines()

    def event(self) -> Any:
        """The next event; None when the stream ends."""
        for line in self._lines:
            name, _, value = line.partition(": ")
            if name == "id":
                self.last = value
            elif name == "data":
                event = json.loads(value)
                assert str(event["sequence"]) == self.last
                return event
        return None

    def beat(self) -> str:
        """The next number that comes without an event."""
        for line in self._lines:
            if line.startswith("id: ") and next(self._lines) == "":
                return line.removeprefix("id: ")
        return ""


@contextmanager
def stream(client: Client, query: dict[str, Any] | None = None, **headers: str) -> Iterator[Reader]:
    """Open a stream; header names may have underscores for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with (
        fetch.client(timeout=40) as http,
        http.stream(
            "GET",
            f"{client.server.url}/events",
            params=query,
            headers={"authorization": f"Bearer {client.token}", **named},
        ) as response,
    ):
        yield Reader(response)
