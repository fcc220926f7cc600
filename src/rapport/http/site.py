"""What is served beside the methods: health, what is measured, the OpenAPI document, the
reference, artifacts' bytes, pages for people.
"""

from collections.abc import Callable
from functools import partial
from typing import Protocol

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rapport.contract.kit.errors import ApiError, MethodNotAllowed, NotFound, ServiceUnavailable
from rapport.http.files.uploads import Files
from rapport.http.metrics import Metrics
from rapport.http.reference.docs import Docs
from rapport.http.routing import get, wants_page
from rapport.operations.health import Health
from rapport.store.kit.db import Store
from rapport.wire.errors import render, wrong_verb


class Pages(Protocol):
    """Pages for people; see `rapport.console.site.Console`."""

    def routes(self) -> list[Route]:
        """Where they are."""
        ...

    def refusal(self, request: Request, error: ApiError) -> Response:
        """A refusal as a page."""
        ...


def site(
    store: Store,
    files: Files,
    metrics: Metrics,
    *,
    strict: bool,
    public_url: str,
    is_leaving: Callable[[], bool],
    tells_backups: bool,
    console: Pages,
) -> Starlette:
    """The application for every path that is no method.

    Args:
        store: what `/readyz` asks.
        files: the artifacts' bytes.
        metrics: what is measured.
        strict: the document leaves out what is not DevRev's.
        public_url: what callers find the server by, if it is known; the document names it.
        is_leaving: whether the server is about to stop.
        tells_backups: `/readyz` says how the server's own backups go.
        console: pages for people; programs don't see them.
    """
    health = Health(store)

    async def healthz(_request: Request) -> Response:
        return _json(200, b'{"status":"ok"}')

    async def readyz(_request: Request) -> Response:
        if is_leaving():
            raise ServiceUnavailable(
                "This server is about to stop.", detail="Send requests to another one."
            )
        await health.ready()
        detail = {"backup": await health.backups()} if tells_backups else {}
        return _json(200, msgspec.json.encode({"status": "ready", **detail}))

    return Starlette(
        routes=[
            get("/healthz", healthz),
            get("/readyz", readyz),
            get("/metrics", metrics.answer),
            *Docs(strict=strict, public_url=public_url).routes,
            *files.routes,
            *console.routes(),
        ],
        exception_handlers={HTTPException: partial(_http_error, console), ApiError: _api_error},
    )


def _json(status: int, body: bytes, headers: dict[str, str] | None = None) -> Response:
    return Response(body, status, headers, "application/json")


async def _http_error(console: Pages, request: Request, error: Exception) -> Response:
    """Starlette's own refusals in the API's shape, or as a page."""
    assert isinstance(error, HTTPException)  # noqa: S101  # what Starlette registered this for
    if error.status_code == MethodNotAllowed.status:
        allow = (error.headers or {}).get("Allow", "GET")
        return _rendered(wrong_verb(request.method, request.url.path, allow))
    refusal = NotFound(
        "route not found", detail=f"Nothing is served at {request.url.path}; see /docs."
    )
    return console.refusal(request, refusal) if wants_page(request) else _rendered(refusal)


async def _api_error(_request: Request, error: Exception) -> Response:
    return _rendered(error if isinstance(error, ApiError) else ServiceUnavailable("Not now."))


def _rendered(error: ApiError) -> Response:
    status, headers, body = render(error)
    return _json(status, body, headers)
