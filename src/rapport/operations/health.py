"""Whether the store answers."""

import time

from rapport.store import orgs
from rapport.store.db import Store

_SECONDS = 2.0


async def ready(store: Store) -> None:
    """Ask the store something.

    Raises:
        ServiceUnavailable: it does not answer.
    """
    await store.read(orgs.all_orgs, deadline=time.monotonic() + _SECONDS)
