"""Filling the index of words of a store that was there before it."""

from rapport.contract.kit.errors import ServiceUnavailable
from rapport.folder import CannotStart
from rapport.logs import get_logger
from rapport.store import indexing as words
from rapport.store.kit.db import Store, alone, look

# What one bite may take.
_SECONDS = 60.0
# After how many objects the log is told again.
_TOLD = 100_000
_log = get_logger("rapport.store")


async def indexed(store: Store) -> Store:
    """The store, once all that it has can be found. A start that was stopped goes on where it was.

    Raises:
        CannotStart: it can't be read or written now; it is closed.
    """
    done = 0
    try:
        if await look(store, words.is_filled):
            return store
        while count := await alone(store, words.fill, seconds=_SECONDS):
            if done // _TOLD < (done + count) // _TOLD:
                _log.info("indexing", objects=done + count)
            done += count
    except ServiceUnavailable as error:
        await store.close()
        raise CannotStart(str(error)) from None
    return store
