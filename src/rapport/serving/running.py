"""The composition root of a server: settings in, a running server out."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import uvicorn
import uvloop
from starlette.middleware.cors import CORSMiddleware

from rapport.auth.caller import Callers
from rapport.clock import DAY, SECOND
from rapport.console.site import Console
from rapport.contract.kit.errors import ApiError
from rapport.control import server as control
from rapport.events.relay import Relay
from rapport.folder import SOCKET, CannotStart
from rapport.http.asgi import App
from rapport.http.edge import Edge, identified
from rapport.http.files.uploads import Files
from rapport.http.metrics import Metrics
from rapport.http.site import site
from rapport.jobs.clean import Cleaner
from rapport.jobs.deliver import Deliveries, Rules
from rapport.jobs.index import Indexer
from rapport.logs import configure_logs, get_logger
from rapport.operations.figures import figures
from rapport.operations.uploads import Uploads
from rapport.ratelimit import Limiter, Limits
from rapport.serving import listener, notify, scheduled, tls
from rapport.serving.installation import Opened, dial_of, key_life, open_data
from rapport.serving.parent import Parent
from rapport.serving.protocol import State
from rapport.serving.server import Server
from rapport.serving.welcome import First, welcome
from rapport.settings import Settings
from rapport.webhooks.post import Poster

_EXPOSED = (
    "X-Request-Id", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset",
    "Retry-After", "Idempotent-Replayed",
)  # fmt: skip


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
            invitation = await welcome(opened, settings, first, say, parent)

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

            limits = _limits(settings)
            server = _server(
                opened, settings, limits, secured=secured, parent=parent, say_ready=say_ready
            )
            # Others may be writing to a folder that is shared; no upload lasts a day.
            await opened.blobs.sweep(older_than=DAY / SECOND if settings.database_url else 0.0)
            async with (
                _closing(limits),
                _at_work(opened, settings),
                notify.watched(),
                _commanded(opened, settings),
                _in_touch(opened, settings),
                scheduled.backups(opened.store, opened.clock, settings),
            ):
                await server.serve(sockets=[taken])
    log.info("stopped")


def _server(
    opened: Opened,
    settings: Settings,
    limits: Limits | None,
    *,
    secured: ssl.SSLContext | None,
    parent: Parent | None,
    say_ready: Callable[[], None],
) -> Server:
    def say_leaving() -> None:
        opened.bell.close()
        if parent is None:
            notify.stopping()

    state = State()
    return Server(
        _config(_application(opened, settings, limits, state), settings, secured),
        state,
        others=parent.others if parent else (),
        drain_delay=settings.drain_delay,
        say_ready=say_ready,
        say_leaving=say_leaving,
        read_tls=partial(_read_tls, settings, parent),
    )


@contextlib.asynccontextmanager
async def _closing(limits: Limits | None) -> AsyncIterator[None]:
    """Close the limits, where there are any, after the block."""
    try:
        yield
    finally:
        if limits is not None:
            await limits.close()


@contextlib.asynccontextmanager
async def _at_work(opened: Opened, settings: Settings) -> AsyncIterator[None]:
    """Clean, index, and deliver to webhooks, for the length of the block."""
    cleaning = asyncio.create_task(_cleaner(opened, settings).run())
    deliveries = _deliveries(opened, settings)
    delivering = asyncio.create_task(deliveries.run())
    indexing = asyncio.create_task(Indexer(opened.store, bell=opened.bell).run())
    try:
        yield
    finally:
        cleaning.cancel()
        indexing.cancel()
        deliveries.stop()
        await asyncio.gather(cleaning, delivering, indexing, return_exceptions=True)


def _cleaner(opened: Opened, settings: Settings) -> Cleaner:
    days = settings.purge_deleted_days
    return Cleaner(
        opened.store,
        opened.blobs,
        opened.clock,
        orphan_seconds=settings.artifact_orphan_hours * 3600,
        event_seconds=settings.event_retention_days * 86_400,
        delivery_seconds=settings.delivery_retention_days * 86_400,
        key_life=key_life(settings),
        purge_seconds=None if days is None else days * 86_400,
    )


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
        backup_every=settings.backup_every if settings.backup_to else 0.0,
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
            tells_backups=bool(settings.backup_to),
            console=Console(
                opened.invoker, opened.store, opened.clock, limits, public_url=settings.public_url
            ),
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
    dial = dial_of(opened, settings)
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


def _deliveries(opened: Opened, settings: Settings) -> Deliveries:
    rules = Rules(
        timeout=settings.webhook_timeout,
        retry_delays=settings.webhook_retry_delays,
        verify_again=settings.webhook_reverify_seconds,
    )
    return Deliveries(
        opened.store, opened.clock, Poster(opened.tools.reach), rules, bell=opened.bell
    )
