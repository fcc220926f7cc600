"""Removes what nobody needs any more: artifacts that were never uploaded or attached, their
bytes, old answers.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

from rapport import idempotency
from rapport.auth import sessions
from rapport.blobs import Blobs
from rapport.clock import SECOND, Clock
from rapport.logs import get_logger
from rapport.operations import artifacts, dev_orgs, purging
from rapport.store import artifact_cleaning, events, touches
from rapport.store import dev_orgs as dev_org_store
from rapport.store import sessions as session_store
from rapport.store import webhook_deliveries as deliveries
from rapport.store.kit.db import Store, Tx, alone, look

# One bite is one short transaction, so that no request waits for the cleaner.
_BITE = 100
_PAUSE = 0.02
_BLOBS_EVERY = 30.0
_ORPHANS_EVERY = 3600.0
_log = get_logger("rapport.cleaner")


class Cleaner:
    """The server's cleaning.

    Args:
        engine: where artifacts are.
        blobs: where their bytes are.
        clock: the time.
        orphan_seconds: how long an artifact may be without a parent.
        event_seconds: how long the change feed goes back.
        delivery_seconds: how long deliveries to webhooks are kept.
        key_life: how long an answer is kept under its idempotency key, in microseconds.
        purge_seconds: how long after their deletion objects are purged; never when None.
    """

    def __init__(
        self,
        engine: Store,
        blobs: Blobs,
        clock: Clock,
        *,
        orphan_seconds: float,
        event_seconds: float = 90 * 86_400.0,
        delivery_seconds: float = 30 * 86_400.0,
        key_life: int = idempotency.LIFE,
        purge_seconds: float | None = None,
    ) -> None:
        self._store = engine
        self._blobs = blobs
        self._clock = clock
        self._orphan_seconds = orphan_seconds
        self._event_seconds = event_seconds
        self._delivery_seconds = delivery_seconds
        self._key_life = key_life
        self._purge_seconds = purge_seconds

    async def run(self) -> None:
        """Clean at once, then orphans and keys each hour (sooner where orphans age sooner),
        bytes each half minute, and what has become past since.
        """
        orphans_every = min(_ORPHANS_EVERY, max(1.0, self._orphan_seconds))
        last = -orphans_every
        while True:
            try:
                if time.monotonic() - last >= orphans_every:
                    await self.remove_orphans()
                    await self.forget_keys()
                    await self.forget_events()
                    await self.forget_deliveries()
                    await self.forget_sessions()
                    await self.purge_deleted()
                    await self.remove_orgs()
                    last = time.monotonic()
                await self.settle_touches()
                await self.remove_blobs()
            except Exception:  # noqa: BLE001  # the store or the disk is away, or one thing is broken: the next round tries again
                _log.exception("cleaning_failed")
            await asyncio.sleep(min(_BLOBS_EVERY, orphans_every))

    async def remove_orgs(self) -> int:
        """Go on with orgs whose deletion was broken off; how many."""
        shut = await look(self._store, dev_org_store.shut_orgs)
        for org in shut:
            await dev_orgs.clear(self._store, self._blobs, self._clock, org)
            _log.info("org_removed", org=org)
        return len(shut)

    async def remove_orphans(self) -> int:
        """Remove what was prepared and never uploaded, or uploaded and never attached; how many."""
        before = self._clock() - round(self._orphan_seconds * SECOND)
        removed = await self._in_bites(
            lambda tx: artifacts.remove_orphans(tx, before=before, now=self._clock(), most=_BITE)
        )
        if removed:
            _log.info("orphans_removed", artifacts=removed)
        return removed

    async def forget_keys(self) -> int:
        """Forget the answers under idempotency keys that are too old to be given again; how
        many.
        """
        return await self._in_bites(
            lambda tx: idempotency.forget(tx, since=self._clock() - self._key_life, most=_BITE)
        )

    async def forget_deliveries(self) -> int:
        """Forget deliveries that are too old to be looked at or sent again; how many."""
        before = self._clock() - round(self._delivery_seconds * SECOND)
        return await self._in_bites(lambda tx: deliveries.forget(tx, before=before, most=_BITE))

    async def forget_sessions(self) -> int:
        """Forget sessions that nobody uses any more, and links that ran out; how many."""
        now = self._clock()
        return await self._in_bites(
            lambda tx: session_store.forget(
                tx, seen_before=now - sessions.IDLE, due_before=now, most=_BITE
            )
        )

    async def purge_deleted(self) -> int:
        """Remove for good what was deleted long enough ago, where that is wanted; how many."""
        if self._purge_seconds is None:
            return 0
        before = self._clock() - round(self._purge_seconds * SECOND)
        purged = await self._in_bites(
            lambda tx: purging.purge_long_deleted(tx, before=before, now=self._clock(), most=_BITE)
        )
        if purged:
            _log.info("deleted_purged", objects=purged)
        return purged

    async def settle_touches(self) -> int:
        """Bring up to date when accounts were in touch; of how many."""
        return await self._in_bites(lambda tx: touches.settle(tx, now=self._clock(), most=_BITE))

    async def forget_events(self) -> int:
        """Let go of events that the feed no longer goes back to; how many."""
        before = self._clock() - round(self._event_seconds * SECOND)
        return await self._in_bites(lambda tx: events.forget(tx, before=before, most=_BITE))

    async def _in_bites(self, bite: Callable[[Tx], Awaitable[int]]) -> int:
        """Do a bite again and again, each in a transaction of its own, until nothing is left; how
        many things that were.
        """
        done = 0
        while some := await alone(self._store, bite):
            done += some
            await asyncio.sleep(_PAUSE)
        return done

    async def remove_blobs(self) -> int:
        """Remove the bytes that are due, unless a backup still wants them; how many blobs."""
        removed = 0
        while due := await look(
            self._store, lambda tx: artifact_cleaning.due_blobs(tx, now=self._clock(), most=_BITE)
        ):
            # Asked behind the look: a backup that begins now reads no row that had them.
            if await alone(self._store, lambda tx: tx.keeps_blobs()):
                break
            for org, blob in due:
                await self._blobs.delete(org, blob)
            await self._forget(due)
            removed += len(due)
            await asyncio.sleep(_PAUSE)
        return removed

    async def _forget(self, blobs: Sequence[tuple[str, str]]) -> None:
        await alone(self._store, lambda tx: artifact_cleaning.forget_blobs(tx, blobs))
