"""Tells other processes of a store that something was committed, and rings the bell for what they
tell.

What is told is a hint that may get lost: it goes out after the commit, and not at all while the
line is down. Whoever waits looks by itself, too; see `Bell`.
"""

import asyncio
import contextlib
import random
import secrets
import time
from collections.abc import Collection, Iterator, Sequence

from rapport.events.bell import Bell
from rapport.logs import get_logger
from rapport.store.kit.db import Dial, Line

# Commits within this time are told of together.
_GATHER_SECONDS = 0.01
# So often something is said, and so long a word of one's own may take to come back before the line
# counts as dead.
_BEAT_SECONDS = 5.0
# For connecting, and for saying something.
_PATIENCE_SECONDS = 2.0
# After the line was lost it is made anew, at first soon.
_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 5.0
# PostgreSQL takes messages below 8,000 bytes; an org has ten, and a separator.
_ORGS_AT_ONCE = 500
_log = get_logger("rapport.relay")


class _LineLost(Exception):
    """The line is dead."""


async def tell_once(dial: Dial, orgs: Collection[str]) -> None:
    """Tell the processes of a store that something was committed in these orgs, if a line to
    them can be had.
    """
    with contextlib.suppress(Exception):
        async with asyncio.timeout(_PATIENCE_SECONDS):
            line = await dial(lambda _: None, lambda _: None)
            try:
                for text in _texts(secrets.token_hex(4), sorted(orgs)):
                    await line.send(text)
            finally:
                await line.close()


def _texts(name: str, orgs: Sequence[str]) -> Iterator[str]:
    """Who says it, and the orgs; at least who, which is how they hear that the line works."""
    for start in range(0, len(orgs) or 1, _ORGS_AT_ONCE):
        yield " ".join((name, *orgs[start : start + _ORGS_AT_ONCE]))


class Relay:
    """One process's end.

    Args:
        dial: opens a line.
        bell: rings for what others tell, and is deaf without a line.
    """

    def __init__(self, dial: Dial, bell: Bell) -> None:
        self._dial = dial
        self._bell = bell
        self._name = secrets.token_hex(4)
        self._told: set[str] = set()
        self._something = asyncio.Event()
        self._lost = ""
        self._unheard_since: float | None = None
        self._is_away = False

    def tell(self, orgs: Collection[str]) -> None:
        """Tell the others, soon, that something was committed in these orgs."""
        self._told.update(orgs)
        self._something.set()

    async def run(self) -> None:
        """Keep a line open until cancelled."""
        pause = _FIRST_PAUSE
        while True:
            began = time.monotonic()
            try:
                await self._talk()
            except Exception as error:  # noqa: BLE001  # whatever it is, the line is made anew
                self._gone(error)
            pause = (
                _FIRST_PAUSE
                if time.monotonic() - began > _LONGEST_PAUSE
                else min(2 * pause, _LONGEST_PAUSE)
            )
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311  # so that not all come back at once

    async def _talk(self) -> None:
        """Open a line and say what is to be told until it is lost.

        Raises:
            Exception: it is lost, or none can be had.
        """
        self._lost, self._unheard_since = "", None
        async with asyncio.timeout(_PATIENCE_SECONDS):
            line = await self._dial(self._hear, self._hang_up)
        try:
            while True:
                self._check()
                await self._say(line)
                # Not sooner than this again, so that those who commit next are told of together.
                await asyncio.sleep(_GATHER_SECONDS)
                await self._until_something()
        finally:
            if not self._bell.is_deaf:
                self._bell.set_deaf(deaf=True)
            await line.close()

    def _check(self) -> None:
        """See whether what was said came back.

        Raises:
            _LineLost: it did not, or the line's other end went away.
        """
        if self._lost:
            raise _LineLost(self._lost)
        if (
            self._unheard_since is not None
            and time.monotonic() - self._unheard_since >= _BEAT_SECONDS
        ):
            raise _LineLost("nothing came through it")

    async def _say(self, line: Line) -> None:
        told, self._told = sorted(self._told), set()
        self._something.clear()
        try:
            for text in _texts(self._name, told):
                self._unheard_since = self._unheard_since or time.monotonic()
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    await line.send(text)
        except Exception:
            self._told.update(told)
            raise

    async def _until_something(self) -> None:
        """Wait until there is something to tell, the line is lost, or it is time to say
        something anyway.
        """
        try:
            async with asyncio.timeout(_BEAT_SECONDS):
                await self._something.wait()
        except TimeoutError:
            return

    def _hear(self, text: str) -> None:
        name, *orgs = text.split(" ")
        if name != self._name:
            self._bell.ring(orgs)
            return
        # Our own commits have rung already.
        self._unheard_since = None
        if self._bell.is_deaf:
            self._bell.set_deaf(deaf=False)
            if self._is_away:
                self._is_away = False
                _log.info("line_to_other_processes_back")

    def _hang_up(self, why: str) -> None:
        self._lost = why
        self._something.set()

    def _gone(self, error: Exception) -> None:
        if not self._is_away:
            self._is_away = True
            why = str(error) or type(error).__name__
            _log.warning(
                "line_to_other_processes_lost", why=why, until_then="their commits are looked for"
            )
