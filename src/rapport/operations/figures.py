"""What a store knows of itself, for those who watch it: sizes and delays, of all orgs together."""

from typing import NamedTuple

from rapport.clock import SECOND, Clock
from rapport.contract.kit.errors import ServiceUnavailable
from rapport.store import artifacts, webhook_deliveries
from rapport.store.kit.db import Store, Tx, look


class Figures(NamedTuple):
    """Sizes in bytes; how long the delivery that waits longest has been due, in seconds."""

    store_bytes: int
    artifact_bytes: int
    lag_seconds: float


async def figures(store: Store, clock: Clock) -> Figures | None:
    """Ask the store; None while it is away."""

    async def read(tx: Tx) -> tuple[int, int | None]:
        return await artifacts.all_bytes(tx), await webhook_deliveries.oldest_due(tx, now)

    now = clock()
    try:
        size, due = await look(store, read)
        return Figures(await store.size(), size, 0.0 if due is None else (now - due) / SECOND)
    except ServiceUnavailable:
        return None
