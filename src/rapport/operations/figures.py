"""What a store knows of itself, for those who watch it: sizes and delays, of all orgs together."""

from typing import NamedTuple

from rapport.clock import SECOND, Clock
from rapport.contract.kit.errors import ServiceUnavailable
from rapport.store import artifacts, schedules, webhook_deliveries
from rapport.store.kit.db import Store, Tx, look
from rapport.store.schedules import BACKUP, Course


class Figures(NamedTuple):
    """Sizes in bytes; how long the delivery that waits longest has been due, in seconds; how the
    backups of the server's own have gone.
    """

    store_bytes: int
    artifact_bytes: int
    lag_seconds: float
    backups: Course


async def figures(store: Store, clock: Clock) -> Figures | None:
    """Ask the store; None while it is away."""

    async def read(tx: Tx) -> tuple[int, int | None, Course]:
        return (
            await artifacts.all_bytes(tx),
            await webhook_deliveries.oldest_due(tx, now),
            await schedules.course(tx, BACKUP),
        )

    now = clock()
    try:
        size, due, backups = await look(store, read)
        lag = 0.0 if due is None else (now - due) / SECOND
        return Figures(await store.size(), size, lag, backups)
    except ServiceUnavailable:
        return None
