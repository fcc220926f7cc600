"""`/metrics`: what is measured, for Prometheus.

It is for who bears the token of `RAPPORT_METRICS_TOKEN` or comes from an address of
`RAPPORT_METRICS_FROM`; to everybody else there is nothing.
"""

import asyncio
import hmac
import ipaddress
import os
from collections.abc import Awaitable, Callable, Iterator, Sequence

from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from rapport import __version__
from rapport.clock import SECOND
from rapport.metrics import FOLDER
from rapport.operations.figures import Figures
from rapport.store.schedules import Course

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
# What a proxy adds: the address is then the proxy's, and says nothing of who asks.
_FORWARDED = ("x-forwarded-for", "forwarded", "x-real-ip", "via")


class Metrics:
    """The page.

    Args:
        figures: what the store knows; None while it is away.
        token: who bears it may see the page; empty where nobody may by that.
        networks: who comes from there may see it.
        backup_every: how many seconds lie between two backups of the server's own; 0 where it
            makes none.
        trusts_proxies: whether the address is the client's where a proxy is between.
    """

    def __init__(
        self,
        figures: Callable[[], Awaitable[Figures | None]],
        *,
        token: str,
        networks: Sequence[Network],
        backup_every: float,
        trusts_proxies: bool,
    ) -> None:
        self._figures = figures
        self._bearer = f"bearer {token}".encode() if token else b""
        self._networks = networks
        self._backup_every = backup_every
        self._trusts_proxies = trusts_proxies

    async def answer(self, request: Request) -> Response:
        """Answer a request.

        Raises:
            HTTPException: 404, for who may not see it.
        """
        if not self._bears_token(request) and not self._is_near(request):
            raise HTTPException(404)
        figures = await self._figures()
        told = _families(figures)
        if figures is not None:
            told += _of_backups(figures.backups, self._backup_every)
        return Response(await asyncio.to_thread(_text, told), media_type=CONTENT_TYPE_LATEST)

    def _bears_token(self, request: Request) -> bool:
        word, _, token = request.headers.get("authorization", "").partition(" ")
        given = f"{word.lower()} {token}".encode("latin-1")
        return bool(self._bearer) and hmac.compare_digest(given, self._bearer)

    def _is_near(self, request: Request) -> bool:
        if request.client is None:
            return False
        if not self._trusts_proxies and any(name in request.headers for name in _FORWARDED):
            return False
        try:
            address = ipaddress.ip_address(request.client.host)
        except ValueError:
            return False
        address = getattr(address, "ipv4_mapped", None) or address
        return any(address in network for network in self._networks)


class _Told:
    """Figures as prometheus-client collects them."""

    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        yield from self._families


def _families(figures: Figures | None) -> list[Metric]:
    build = GaugeMetricFamily("rapport_build_info", "The program.", labels=["version"])
    build.add_metric([__version__], 1)
    is_there = GaugeMetricFamily("rapport_store_up", "Whether the store answers.")
    is_there.add_metric([], float(figures is not None))
    if figures is None:
        return [build, is_there]
    return [
        build,
        is_there,
        GaugeMetricFamily(
            "rapport_store_bytes", "What the rows take on disk.", value=figures.store_bytes
        ),
        GaugeMetricFamily(
            "rapport_artifact_bytes", "The bytes of all artifacts.", value=figures.artifact_bytes
        ),
        GaugeMetricFamily(
            "rapport_webhook_lag_seconds",
            "How long the delivery that waits longest has been due.",
            value=figures.lag_seconds,
        ),
    ]


def _of_backups(course: Course, every: float) -> list[Metric]:
    return [
        GaugeMetricFamily(
            "rapport_backup_every_seconds",
            "How often the server backs itself up; 0 for never.",
            value=every,
        ),
        GaugeMetricFamily(
            "rapport_backup_success_timestamp_seconds",
            "When the last backup began that was made; 0 for never.",
            value=(course.succeeded or 0) / SECOND,
        ),
        GaugeMetricFamily(
            "rapport_backup_failure_timestamp_seconds",
            "When the last backup failed; 0 for never.",
            value=(course.failed or 0) / SECOND,
        ),
        GaugeMetricFamily(
            "rapport_backup_failing", "Whether the last one failed.", value=float(course.is_failing)
        ),
    ]


def _text(families: Sequence[Metric]) -> bytes:
    registry = CollectorRegistry()
    registry.register(_Told(families))
    if FOLDER in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
    return generate_latest(registry) + generate_latest(REGISTRY)
