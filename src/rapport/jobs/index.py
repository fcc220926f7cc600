"""Writes the words of what changed into the index, behind the changes."""

import asyncio

from rapport.events.bell import Bell
from rapport.logs import get_logger
from rapport.store import indexing
from rapport.store.kit.db import Store, alone

# How long changes gather after a ring, so that many are written together.
_GATHER_SECONDS = 0.25
# How long other processes' changes may wait where nobody tells of them.
_LOOK_SECONDS = 1.0
_log = get_logger("rapport.indexer")


class Indexer:
    """The server's indexing. Several, in several processes, may work on one store.

    Args:
        engine: where the index is.
        bell: rings when there may be something to do.
    """

    def __init__(self, engine: Store, *, bell: Bell) -> None:
        self._store = engine
        self._bell = bell
        self._something = asyncio.Event()
        bell.on_ring(self._something.set)

    async def run(self) -> None:
        """Index what changed, again and again."""
        while not self._bell.is_closed:
            self._something.clear()
            try:
                await self.drain()
            except Exception:  # noqa: BLE001  # the store is away: the next round tries again
                _log.exception("indexing_failed")
            await self._bell.wait(self._something, self._bell.patience(_LOOK_SECONDS))
            await asyncio.sleep(_GATHER_SECONDS)

    async def drain(self) -> None:
        """Index all that changed; each bite in a transaction of its own."""
        while await alone(self._store, indexing.drain):
            pass
