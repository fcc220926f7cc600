"""Wakes those who wait for an org's next event. Whoever waits costs nothing until something
happens there.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable

_LOOK_SECONDS = 5.0


class Bell:
    """One process's bell: it rings for each commit of this process, and for those of others that it
    is told of.

    A ring is only ever a hint. Whoever waits looks after a while by itself: after what it thinks
    fit while `is_deaf`, since other processes may then commit unheard; after `look_seconds`
    otherwise.

    Args:
        look_seconds: how long who hears everything waits for a ring.
    """

    def __init__(self, look_seconds: float = _LOOK_SECONDS) -> None:
        self._look_seconds = look_seconds
        self._waiting: dict[str, asyncio.Event] = {}
        self._others: list[Callable[[], None]] = []
        self.is_deaf = True
        self.is_closed = False

    def listen(self, org: str) -> asyncio.Event:
        """What the org's next ring sets. Listen before looking, so that nothing happens unheard
        in between.
        """
        return self._waiting.setdefault(org, asyncio.Event())

    def on_ring(self, call: Callable[[], None]) -> None:
        """Call this at each ring, whatever the org."""
        self._others.append(call)

    def patience(self, deaf_seconds: float) -> float:
        """How long to wait for a ring before looking; so long where others may commit unheard."""
        return deaf_seconds if self.is_deaf else self._look_seconds

    async def wait(self, heard: asyncio.Event, seconds: float) -> None:
        """Wait for the ring, but not longer than this, and not once the server stops."""
        if not self.is_closed:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await heard.wait()

    def ring(self, orgs: Iterable[str]) -> None:
        """Something was committed in these orgs."""
        for org in orgs:
            if (waiting := self._waiting.pop(org, None)) is not None:
                waiting.set()
        for call in self._others:
            call()

    def set_deaf(self, *, deaf: bool) -> None:
        """Other processes may commit unheard, or not any more. All look once: something may
        have happened meanwhile.
        """
        self.is_deaf = deaf
        self.ring([*self._waiting])

    def close(self) -> None:
        """The server stops: nobody waits any more."""
        self.is_closed = True
        self.ring([*self._waiting])
