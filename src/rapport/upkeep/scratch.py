"""A copy of a store to try something out on, which nobody else sees and nothing is left of."""

import contextlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from rapport.folder import DATABASE, CannotStart
from rapport.settings import Settings
from rapport.store import derived
from rapport.store.kit import copy
from rapport.store.kit.copy import CannotCopy
from rapport.store.kit.db import CannotOpen, EngineFailed
from rapport.store.kit.progress import Watch
from rapport.store.sqlite.bulk import SqliteBulk
from rapport.upkeep import places


@contextlib.asynccontextmanager
async def scratch(settings: Settings, watch: Watch) -> AsyncIterator[Path]:
    """The folder of a copy in SQLite, of whatever engine, without files; it goes with the block.

    Raises:
        CannotStart: there is no store, or no room for a copy.
    """
    with tempfile.TemporaryDirectory(prefix="rapport-") as name:
        folder = Path(name) / "data"
        folder.mkdir(mode=0o700)
        try:
            async with places.reading(settings) as source:
                await copy.check(source)
                target = SqliteBulk(folder / DATABASE, writes=True)
                try:
                    await copy.copy(source, target, watch)
                    await derived.rebuild(target)
                    await copy.finish(target)
                finally:
                    await target.close()
        except (CannotCopy, CannotOpen, EngineFailed) as error:
            raise CannotStart(str(error)) from None
        yield folder
