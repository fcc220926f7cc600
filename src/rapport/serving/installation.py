"""A store, a data folder and everything that works on them, opened as the settings say."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

from rapport.blobs import Blobs
from rapport.blobs.signed_urls import SignedUrls, read_key
from rapport.clock import SECOND, Clock, system_clock
from rapport.control import server as control
from rapport.events.bell import Bell
from rapport.events.relay import tell_once
from rapport.folder import DATABASE, KEY, CannotStart, has_store, locked, make_private
from rapport.logs import configure_logs
from rapport.operations.admin import Admin
from rapport.operations.families import NoOperation
from rapport.operations.kit.context import Tools
from rapport.operations.kit.invoke import Invoker
from rapport.serving import listener
from rapport.settings import Settings
from rapport.store.kit.db import CannotOpen, Dial, Store
from rapport.store.kit.migrate import NewerDatabase
from rapport.store.postgres.urls import masked
from rapport.store.sqlite.store import SqliteStore
from rapport.upkeep.indexing import indexed
from rapport.upkeep.places import blobs_of
from rapport.webhooks.reach import Reach


class Opened:
    """An open store and data folder: the rows, the artifacts' bytes, and everything that works on
    them.

    `place` is where the rows are, for people; `clock` is the one clock of all that works here.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        blobs: Blobs,
        urls: SignedUrls,
        clock: Clock = system_clock,
    ) -> None:
        self.clock = clock
        self.place = masked(settings.database_url) or str(settings.data)
        self.store = store
        self.blobs = blobs
        self.tools = Tools(
            urls, Reach(allow_private=settings.webhook_allow_private), settings.strict
        )
        self.bell = Bell(settings.look_seconds)
        self.invoker = Invoker(
            store, clock, self.tools, key_life=key_life(settings), bell=self.bell
        )
        self.admin = Admin(store, blobs, clock)
        self.commands = control.Commands(self.admin, self.invoker, urls)


@contextlib.asynccontextmanager
async def open_data(settings: Settings) -> AsyncIterator[Opened]:
    """Open the data folder, migrating its store where needed.

    Raises:
        CannotStart: it is held by another process, can't be used, is broken, or was written by a
            newer program; or a method has no operation.
    """
    folder = settings.data
    with locked(folder, shared=bool(settings.database_url)):
        urls = _signed_urls(settings)
        blobs = blobs_of(settings)
        store = await _open_store(settings)
        try:
            yield _opened(settings, store, blobs, urls)
        finally:
            await store.close()


def _opened(settings: Settings, store: Store, blobs: Blobs, urls: SignedUrls) -> Opened:
    """What works on the store.

    Raises:
        CannotStart: a method has no operation.
    """
    try:
        return Opened(settings, store, blobs, urls)
    except NoOperation as error:
        raise CannotStart(str(error)) from None


async def _open_store(settings: Settings) -> Store:
    """Open the database that the settings name, or the one in the data folder.

    Raises:
        CannotStart: it can't be used, is broken, or was written by a newer program.
    """
    try:
        if settings.database_url:
            # Its driver takes a tenth of a start.
            from rapport.store.postgres.connect import Options  # noqa: PLC0415
            from rapport.store.postgres.store import PostgresStore  # noqa: PLC0415

            options = Options(
                settings.database_url,
                pooled=settings.database_pooler == "transaction",
                connections=settings.database_connections,
                replica_url=settings.database_replica_url,
            )
            return await indexed(await PostgresStore.open(options))
        store = SqliteStore(settings.data / DATABASE, sync=settings.sync)
    except (CannotOpen, NewerDatabase) as error:
        raise CannotStart(str(error)) from None
    for file in settings.data.glob(f"{DATABASE}*"):
        make_private(file, 0o600)
    return await indexed(store)


async def migrate(settings: Settings) -> str:
    """Bring the store to this program's version; where it is.

    Raises:
        CannotStart: it can't be used, is held by another process, or was written by a newer
            program.
    """
    configure_logs()
    if settings.database_url:
        await (await _open_store(settings)).close()
        return masked(settings.database_url)
    async with open_data(settings):
        return str(settings.data)


def key_life(settings: Settings) -> int:
    """How long answers stand under their idempotency keys, in microseconds."""
    return int(settings.key_retention_hours * 3600 * SECOND)


def _signed_urls(settings: Settings) -> SignedUrls:
    """Signed URLs, whose key is made at the first start.

    Raises:
        CannotStart: the key can't be used.
    """
    try:
        key = read_key(settings.data / KEY)
    except (OSError, ValueError) as error:
        raise CannotStart(f"the key of signed URLs can't be used: {error}") from None
    return SignedUrls(
        key,
        base_url=settings.public_url,
        local_url=listener.url(settings, settings.host, settings.port),
        seconds=settings.artifact_url_ttl,
    )


async def run_command(
    settings: Settings, command: str, arguments: Mapping[str, Any]
) -> dict[str, Any]:
    """Run an operator's command on the store itself; a running server on SQLite is to be asked
    instead.

    Raises:
        CannotStart: there is no store, or it can't be opened.
    """
    configure_logs()
    if not settings.database_url and not has_store(settings.data):
        raise CannotStart(
            f"there is no store in {settings.data}: run rapport init, or rapport serve"
        )
    async with open_data(settings) as opened, telling(opened, settings):
        return await opened.commands.run(command, arguments)


@contextlib.asynccontextmanager
async def telling(opened: Opened, settings: Settings) -> AsyncIterator[None]:
    """Tell the servers of this store what is committed in the block, at its end."""
    orgs: set[str] = set()
    opened.store.on_commit(orgs.update)
    yield
    dial = dial_of(opened, settings)
    if orgs and dial is not None:
        await tell_once(dial, orgs)


def dial_of(opened: Opened, settings: Settings) -> Dial | None:
    """How to hear of other processes' commits, where there is a way."""
    if settings.database_url and settings.redis_url:
        from rapport.events import redis_line  # noqa: PLC0415  # loads what most servers never need

        return redis_line.dial(settings.redis_url)
    return opened.store.dial
