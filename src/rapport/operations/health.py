"""Whether the store answers, takes writes, and is one that this program can work on."""

import time
from collections.abc import Sequence
from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from rapport.clock import format_rfc3339
from rapport.contract.kit.errors import ServiceUnavailable
from rapport.store import schedules
from rapport.store.kit import migrate
from rapport.store.kit.db import Batch, Store, Tx, look
from rapport.store.schedules import BACKUP

_SECONDS = 2.0
# For how long a write that worked stands for the next: nobody who asks without a token can make
# the disk work harder than this.
_FRESH_SECONDS = 1.0


class Backed(Struct):
    """How backups go: when the last one began that was made, and when the last one failed. Why it
    did stands in the log: whoever asks here needs no token.
    """

    status: Literal["ok", "failing"]
    last_success: str | UnsetType = UNSET
    last_failure: str | UnsetType = UNSET


class Health:
    """What `/readyz` knows of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._written = float("-inf")
        self._touch = Batch(_touch, together=True)

    async def ready(self) -> None:
        """Ask the store something, and write to it unless that has just worked.

        Raises:
            ServiceUnavailable: it does not answer or takes no writes, or a newer program has
                changed it beyond this one.
        """
        deadline = time.monotonic() + _SECONDS
        if await self._store.read(migrate.is_outdated, deadline=deadline):
            raise ServiceUnavailable(
                "The store needs a newer program.", detail="Send requests to another server."
            )
        if time.monotonic() - self._written > _FRESH_SECONDS:
            await self._store.write(self._touch, None, deadline=deadline)
            self._written = time.monotonic()

    async def backups(self) -> Backed:
        """How the server's own backups go."""
        course = await look(self._store, lambda tx: schedules.course(tx, BACKUP), seconds=_SECONDS)
        return Backed(
            status="failing" if course.is_failing else "ok",
            last_success=_moment(course.succeeded),
            last_failure=_moment(course.failed),
        )


def _moment(when: int | None) -> str | UnsetType:
    return UNSET if when is None else format_rfc3339(when)


async def _touch(tx: Tx, calls: Sequence[None]) -> Sequence[None]:
    await tx.touch()
    return calls
