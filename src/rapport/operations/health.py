"""Whether the store answers, and is one that this program can work on."""

import time

from rapport.contract.kit.errors import ServiceUnavailable
from rapport.store.kit import migrate
from rapport.store.kit.db import Store

_SECONDS = 2.0


async def ready(store: Store) -> None:
    """Ask the store something.

    Raises:
        ServiceUnavailable: it does not answer, or a newer program has changed it beyond this one.
    """
    if await store.read(migrate.is_outdated, deadline=time.monotonic() + _SECONDS):
        raise ServiceUnavailable(
            "The store needs a newer program.", detail="Send requests to another server."
        )
