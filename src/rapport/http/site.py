"""What is served beside the methods: health, the OpenAPI document, the reference, artifacts'
bytes.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Protocol

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Match, Route
from starlette.types import Scope

from rapport import __version__
from rapport.contract.kit.errors import ApiError, MethodNotAllowed, NotFound, ServiceUnavailable
from rapport.contract.kit.fields import Json
from rapport.http.files.uploads import Files
from rapport.http.metrics import Metrics
from rapport.http.reference.once import Once
from rapport.http.reference.sheets import Sheet, answer, sheet
from rapport.operations.health import Health
from rapport.store.kit.db import Store
from rapport.wire import openapi
from rapport.wire.errors import render, wrong_verb

if TYPE_CHECKING:
    from rapport.http.reference.page import Reference


class Pages(Protocol):
    """Pages for people; see `rapport.console.site.Console`."""

    def routes(self) -> list[Route]:
        """Where they are."""
        ...

    def refusal(self, request: Request, error: ApiError) -> Response:
        """A refusal as a page."""
        ...


_GUARDED = {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}


def site(
    store: Store,
    files: Files,
    metrics: Metrics,
    *,
    strict: bool,
    public_url: str,
    is_leaving: Callable[[], bool],
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
        console: pages for people; programs don't see them.
    """
    document = Once(
        partial(openapi.document, version=__version__, strict=strict, server=public_url or "/")
    )
    document_sheet = Once(
        lambda made: sheet("application/json", msgspec.json.encode(made)), document
    )
    reference = Once(_reference, document)
    pages: dict[str, Once[Sheet]] = {}
    health = Health(store)

    async def healthz(_request: Request) -> Response:
        return _json(200, b'{"status":"ok"}')

    async def readyz(_request: Request) -> Response:
        if is_leaving():
            raise ServiceUnavailable(
                "This server is about to stop.", detail="Send requests to another one."
            )
        await health.ready()
        return _json(200, b'{"status":"ready"}')

    async def openapi_json(request: Request) -> Response:
        return answer(request, await document_sheet.get(), {})

    async def docs(request: Request) -> Response:
        name = request.path_params.get("name", "")
        made = await reference.get()
        if name not in made.names:
            raise HTTPException(404)
        page = pages.setdefault(name, Once(lambda made: sheet(*made.page(name)), reference))
        return answer(
            request, await page.get(), {"content-security-policy": made.policy, **_GUARDED}
        )

    async def to_docs(request: Request) -> Response:
        # Relative, so that it stays behind the path of a proxy.
        return RedirectResponse("docs" if request.url.path == "/" else "../docs", status_code=307)

    return Starlette(
        routes=[
            _get("/", to_docs, _ForPrograms),
            _get("/healthz", healthz),
            _get("/readyz", readyz),
            _get("/metrics", metrics.answer),
            _get("/openapi.json", openapi_json),
            _get("/docs", docs),
            _get("/docs/", to_docs),
            _get("/docs/{name:path}", docs),
            *files.routes,
            *console.routes(),
        ],
        exception_handlers={HTTPException: partial(_http_error, console), ApiError: _api_error},
    )


def _get(
    path: str, endpoint: Callable[[Request], Awaitable[Response]], kind: type[Route] = Route
) -> Route:
    """A route for GET alone: HEAD, which Starlette adds, is refused here as on every method."""
    route = kind(path, endpoint, methods=["GET"])
    route.methods = {"GET"}
    return route


class _ForPrograms(Route):
    """A route that a person's browser does not see."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As a route does, for whoever does not ask for a page."""
        if scope["type"] == "http" and wants_page(Request(scope)):
            return Match.NONE, {}
        return super().matches(scope)


def wants_page(request: Request) -> bool:
    """Whether a person's browser asks: it takes HTML, and before JSON."""
    accept = request.headers.get("accept", "")
    html, json = accept.find("text/html"), accept.find("application/json")
    return html >= 0 and (json < 0 or html < json)


def _reference(document: Json) -> "Reference":
    # Its templates would add a tenth to every start.
    from rapport.http.reference.page import Reference  # noqa: PLC0415

    return Reference(document)


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
