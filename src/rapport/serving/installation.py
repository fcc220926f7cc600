"""The composition root: settings in, a running server out. The only place that constructs
things.
"""

import asyncio
import contextlib
import shlex
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import uvicorn
import uvloop
from starlette.middleware.cors import CORSMiddleware

from rapport import token_file
from rapport.auth.caller import Callers
from rapport.blobs import Blobs
from rapport.blobs.signed_urls import SignedUrls, read_key
from rapport.clock import DAY, SECOND, Clock, system_clock
from rapport.console.site import Console
from rapport.contract.kit.errors import ApiError
from rapport.control import server as control
from rapport.events.bell import Bell
from rapport.events.relay import Relay, tell_once
from rapport.folder import (
    DATABASE,
    KEY,
    SOCKET,
    CannotStart,
    has_store,
    locked,
    make_private,
)
from rapport.http.edge import App, Edge, identified
from rapport.http.files.uploads import Files
from rapport.http.metrics import Metrics
from rapport.http.site import site
from rapport.jobs.clean import Cleaner
from rapport.jobs.deliver import Deliveries, Rules
from rapport.logs import configure_logs, get_logger
from rapport.operations import demo
from rapport.operations.admin import Admin
from rapport.operations.families import NoOperation
from rapport.operations.figures import figures
from rapport.operations.kit.context import Tools
from rapport.operations.kit.invoke import Invoker
from rapport.operations.uploads import Uploads
from rapport.ratelimit import Limiter, Limits
from rapport.serving import listener, notify, tls
from rapport.serving.parent import Parent
from rapport.serving.protocol import State
from rapport.serving.server import Server
from rapport.settings import Settings
from rapport.store.kit.db import CannotOpen, Dial, Store
from rapport.store.kit.migrate import NewerDatabase
from rapport.store.postgres.urls import masked
from rapport.store.sqlite.store import SqliteStore
from rapport.upkeep.places import blobs_of
from rapport.webhooks.post import Poster
from rapport.webhooks.reach import Reach

__all__ = ["Opened", "configure_logs", "migrate", "open_data", "run_command", "serve"]
_EXPOSED = (
    "X-Request-Id", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset",
    "Retry-After", "Idempotent-Replayed",
)  # fmt: skip


class First(NamedTuple):
    """What an empty store is filled with.

    Args:
        org: the name of its org.
        email: of that org's admin.
        with_demo: the demo's org instead, and all that is in it.
        token_file: where the admin's token goes as well.
    """

    org: str = "My org"
    email: str = "admin@example.com"
    with_demo: bool = False
    token_file: Path | None = None

    def options(self) -> list[str]:
        """The options of `rapport serve` that say something else than nothing."""
        default = First()
        return [
            f"--{name.removeprefix('with_').replace('_', '-')}"
            for name in self._fields
            if getattr(self, name) != getattr(default, name)
        ]


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
        self.tools = Tools(urls, Reach(allow_private=settings.webhook_allow_private))
        self.bell = Bell(settings.look_seconds)
        self.invoker = Invoker(
            store, clock, self.tools, key_life=_key_life(settings), bell=self.bell
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
            return await PostgresStore.open(options)
        store = SqliteStore(settings.data / DATABASE, sync=settings.sync)
    except (CannotOpen, NewerDatabase) as error:
        raise CannotStart(str(error)) from None
    for file in settings.data.glob(f"{DATABASE}*"):
        make_private(file, 0o600)
    return store


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


def _key_life(settings: Settings) -> int:
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
    async with open_data(settings) as opened, _telling(opened, settings):
        return await opened.commands.run(command, arguments)


def _limits(settings: Settings) -> Limits | None:
    if not settings.rate_limit:
        return None
    if not settings.redis_url:
        return Limiter(settings.rate_limit)
    from rapport.ratelimit.shared import SharedLimiter  # noqa: PLC0415  # loads what most servers never need

    return SharedLimiter(settings.rate_limit, settings.redis_url)


def _metrics(opened: Opened, settings: Settings) -> Metrics:
    return Metrics(
        partial(figures, opened.store, opened.clock),
        token=settings.metrics_token,
        networks=settings.metrics_networks,
        trusts_proxies=bool(settings.trusted_proxies),
    )


def _application(opened: Opened, settings: Settings, limits: Limits | None, state: State) -> App:
    files = Files(
        Uploads(opened.store, opened.blobs, opened.clock),
        opened.tools.urls,
        opened.clock,
        max_bytes=settings.artifact_max_bytes,
    )
    edge: App = Edge(
        opened.invoker, Callers(opened.store, opened.clock), opened.bell, limits,
        strict=settings.strict, access_log=settings.access_log,
        site=site(
            opened.store, files, _metrics(opened, settings), strict=settings.strict,
            public_url=settings.public_url, is_leaving=lambda: state.is_leaving,
            console=Console(opened.invoker, opened.store, opened.clock, limits),
        ),
    )  # fmt: skip
    if settings.cors_origins:
        shared = CORSMiddleware(
            edge,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["*"],
            expose_headers=_EXPOSED,
        )
        edge = identified(shared)  # which answers preflights itself
    return edge


async def _serve(
    settings: Settings, first: First, *, say: Callable[[str], None], parent: Parent | None
) -> None:
    tls.own(settings)  # what is wrong with it is said before anything is made
    log = get_logger("rapport")
    taken = parent.listener if parent else listener.taken(settings)
    with contextlib.closing(taken):
        async with open_data(settings) as opened:
            secured = tls.chosen(settings)
            if settings.tls == "dev":
                tls.say_trust(settings, say)
            host, port = taken.getsockname()[:2]
            opened.tools.urls.local_url = listener.url(settings, host, port)
            invitation = await _welcome(opened, settings, first, say, parent)

            def say_ready() -> None:
                if parent is None:
                    say(f"Rapport serves {opened.tools.urls.local_url} (reference: /docs)")
                    if invitation:
                        say(invitation)
                    notify.ready()
                else:
                    parent.ready()
                    parent.when_gone(server.retire)
                log.info("serving", host=host, port=port, data=str(settings.data))

            def say_leaving() -> None:
                opened.bell.close()
                if parent is None:
                    notify.stopping()

            limits = _limits(settings)
            state = State()
            server = Server(
                _config(_application(opened, settings, limits, state), settings, secured),
                state,
                others=parent.others if parent else (),
                drain_delay=settings.drain_delay,
                say_ready=say_ready,
                say_leaving=say_leaving,
                read_tls=partial(_read_tls, settings, parent),
            )
            # Others may be writing to a folder that is shared; no upload lasts a day.
            await opened.blobs.sweep(older_than=DAY / SECOND if settings.database_url else 0.0)
            orphan_seconds = settings.artifact_orphan_hours * 3600
            cleaner = Cleaner(
                opened.store,
                opened.blobs,
                opened.clock,
                orphan_seconds=orphan_seconds,
                event_seconds=settings.event_retention_days * 86_400,
                delivery_seconds=settings.delivery_retention_days * 86_400,
                key_life=_key_life(settings),
                purge_seconds=None
                if settings.purge_deleted_days is None
                else settings.purge_deleted_days * 86_400,
            )
            cleaning = asyncio.create_task(cleaner.run())
            deliveries = _deliveries(opened, settings)
            delivering = asyncio.create_task(deliveries.run())
            try:
                async with _commanded(opened, settings), _in_touch(opened, settings):
                    await server.serve(sockets=[taken])
            finally:
                cleaning.cancel()
                deliveries.stop()
                await asyncio.gather(cleaning, delivering, return_exceptions=True)
                if limits is not None:
                    await limits.close()
    log.info("stopped")


def _read_tls(settings: Settings, parent: Parent | None) -> ssl.SSLContext | None:
    """Read the certificate anew.

    Raises:
        CannotStart: it can't be used.
    """
    with contextlib.nullcontext() if parent else notify.reload():
        return tls.chosen(settings)


@contextlib.asynccontextmanager
async def _commanded(opened: Opened, settings: Settings) -> AsyncIterator[None]:
    """Take an operator's commands. On PostgreSQL they need no server: they write to the
    database themselves.
    """
    if settings.database_url:
        yield
        return
    path: Path = settings.data / SOCKET
    try:
        commands = await control.listen(path, opened.commands)
    except OSError as error:
        raise CannotStart(f"{path} can't be made: {error.strerror or error}") from None
    try:
        yield
    finally:
        commands.close()
        path.unlink(missing_ok=True)


@contextlib.asynccontextmanager
async def _in_touch(opened: Opened, settings: Settings) -> AsyncIterator[None]:
    """Hear of other processes' commits and tell them of ours, as far as there is a way to."""
    dial = _dial(opened, settings)
    if dial is None:
        # A store in a file has no other processes. Behind a pooler there is no connection that
        # could listen.
        opened.bell.set_deaf(deaf=bool(settings.database_url))
        yield
        return
    relay = Relay(dial, opened.bell)
    opened.store.on_commit(relay.tell)
    talking = asyncio.create_task(relay.run())
    try:
        yield
    finally:
        talking.cancel()
        await asyncio.gather(talking, return_exceptions=True)


@contextlib.asynccontextmanager
async def _telling(opened: Opened, settings: Settings) -> AsyncIterator[None]:
    """Tell the servers of this store what is committed in the block, at its end."""
    orgs: set[str] = set()
    opened.store.on_commit(orgs.update)
    yield
    dial = _dial(opened, settings)
    if orgs and dial is not None:
        await tell_once(dial, orgs)


def _dial(opened: Opened, settings: Settings) -> Dial | None:
    if settings.database_url and settings.redis_url:
        from rapport.events import redis_line  # noqa: PLC0415  # loads what most servers never need

        return redis_line.dial(settings.redis_url)
    return opened.store.dial


def _deliveries(opened: Opened, settings: Settings) -> Deliveries:
    rules = Rules(
        timeout=settings.webhook_timeout,
        retry_delays=settings.webhook_retry_delays,
        verify_again=settings.webhook_reverify_seconds,
    )
    return Deliveries(
        opened.store, opened.clock, Poster(opened.tools.reach), rules, bell=opened.bell
    )


def _config(application: App, settings: Settings, secured: ssl.SSLContext | None) -> uvicorn.Config:
    config = uvicorn.Config(
        application,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=max(1, int(settings.drain_seconds)),
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies,
    )
    config.load()
    config.ssl = secured
    return config


async def _first_start(opened: Opened, first: First, say: Callable[[str], None]) -> bool:
    """Initialise an empty store, and tell the operator; False when it holds something.

    Raises:
        CannotStart: the token's file can't be made.
    """
    if not await opened.admin.is_empty():
        return False
    if first.token_file is not None:
        token_file.check(first.token_file)
    if first.with_demo:
        made = await demo.fill(opened.store, opened.blobs, opened.clock)
    else:
        made = await opened.admin.first_org(name=first.org, email=first.email)
    if made is None:
        return False  # another process was first
    say(
        f"Made the org {made['org']['name']} ({made['org']['display_id']}). Token, shown this "
        f"once:\n{made['token']}"
    )
    if first.token_file is not None:
        token_file.write(first.token_file, made["token"])
        say(f"It is in {first.token_file} too.")
    return True


async def _welcome(
    opened: Opened,
    settings: Settings,
    first: First,
    say: Callable[[str], None],
    parent: Parent | None,
) -> str:
    """Initialise an empty store and tell how to get in, else how to get a token.

    Returns:
        What whoever has just made the store is told once it is served, if anything.
    """
    if await _first_start(opened, first, say):
        made = await opened.commands.run("login", {})
        return f"Sign in to the console within ten minutes: {made['url']}"
    # Of several workers one is enough to say it.
    if parent is None or parent.number == 1:
        await _hint(opened, settings, first, say)
    return ""


async def _hint(
    opened: Opened, settings: Settings, first: First, say: Callable[[str], None]
) -> None:
    """Tell an operator who starts a store again what they may look for in vain."""
    if given := first.options():
        verb = "changes" if len(given) == 1 else "change"
        say(f"{opened.place} is in use already: {' and '.join(given)} {verb} nothing there.")
    place = (
        f" --data {shlex.quote(str(settings.data))}"
        if settings.found["data"].source == "--data"
        else ""
    )
    place += " --database URL" if settings.found["database_url"].source == "--database" else ""
    say(f"For a token: rapport tokens create {await opened.admin.holder()}{place}")
    say(f"For a link into the console: rapport login{place}")


def serve(
    settings: Settings, first: First, *, say: Callable[[str], None], parent: Parent | None = None
) -> None:
    """Serve until a signal says stop.

    Args:
        settings: in force.
        first: what an empty store is filled with.
        say: tells the operator a line.
        parent: of this process where it is one of several workers.

    Raises:
        CannotStart: it can't.
    """
    try:
        control.check("init", {"org": first.org, "email": first.email})
    except ApiError as error:
        raise CannotStart(control.sentence(error)) from None
    configure_logs(None if parent is None else parent.number)
    for warning in settings.warnings if parent is None else ():
        get_logger("rapport").warning("setting", warning=warning)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, first, say=say, parent=parent))
