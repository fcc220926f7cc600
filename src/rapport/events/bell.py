"""Wakes those who wait for an org's next event. Whoever waits costs nothing until something happens there."""

import asyncio
import contextlib


class Bell:
    """One process's bell: writers ring it once their commit is on disk. Other processes' commits ring nothing here."""

    def __init__(self) -> None:
        self._waiting: dict[str, asyncio.Event] = {}
        self.is_closed = False

    def listen(self, org: str) -> asyncio.Event:
        """What the org's next ring sets. Listen before looking, so that nothing happens unheard in between."""
        return self._waiting.setdefault(org, asyncio.Event())

    async def wait(self, heard: asyncio.Event, seconds: float) -> None:
        """Wait for the ring, but not longer than this, and not once the server stops."""
        if not self.is_closed:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await heard.wait()

    def ring(self, org: str) -> None:
        """Something was committed in the org."""
        if (waiting := self._waiting.pop(org, None)) is not None:
            waiting.set()

    def close(self) -> None:
        """The server stops: nobody waits any more."""
        self.is_closed = True
        for org in [*self._waiting]:
            self.ring(org)
