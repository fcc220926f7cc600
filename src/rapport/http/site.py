"""What is served beside the methods: health, the OpenAPI document, the reference, artifacts'
bytes.
"""

import functools
import secrets
from collections.abc import Callable

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from rapport import __version__
from rapport.contract.kit.errors import ApiError, MethodNotAllowed, NotFound, ServiceUnavailable
from rapport.http.files.uploads import Files
from rapport.operations.health import ready
from rapport.store.kit.db import Store
from rapport.wire import openapi
from rapport.wire.errors import render, wrong_verb

# Stands for the nonce in the one rendering that all requests share.
_NONCE = "0-nonce-of-this-request-0"


def site(store: Store, files: Files, *, strict: bool, is_leaving: Callable[[], bool]) -> Starlette:
    """The application for every path that is no method.

    Args:
        store: what `/readyz` asks.
        files: the artifacts' bytes.
        strict: the document leaves out what is not DevRev's.
        is_leaving: whether the server is about to stop.
    """
    document = openapi.document(version=__version__, strict=strict)
    document_body = msgspec.json.encode(document)

    @functools.cache
    def reference_page() -> str:
        from rapport.http.reference.page import page  # noqa: PLC0415  # its templates would add a tenth to every start

        return page(document, nonce=_NONCE)

    async def healthz(_request: Request) -> Response:
        return _json(200, b'{"status":"ok"}')

    async def readyz(_request: Request) -> Response:
        if is_leaving():
            raise ServiceUnavailable(
                "This server is about to stop.", detail="Send requests to another one."
            )
        await ready(store)
        return _json(200, b'{"status":"ready"}')

    async def openapi_json(_request: Request) -> Response:
        return _json(200, document_body)

    async def docs(_request: Request) -> Response:
        nonce = secrets.token_urlsafe(16)
        policy = (
            f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; "
            "connect-src 'self'; "
            "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        headers = {"content-security-policy": policy, "x-content-type-options": "nosniff"}
        return HTMLResponse(reference_page().replace(_NONCE, nonce), headers=headers)

    async def home(_request: Request) -> Response:
        return RedirectResponse("/docs", status_code=307)

    return Starlette(
        routes=[
            Route("/", home, methods=["GET"]),
            Route("/healthz", healthz, methods=["GET"]),
            Route("/readyz", readyz, methods=["GET"]),
            Route("/openapi.json", openapi_json, methods=["GET"]),
            Route("/docs", docs, methods=["GET"]),
            *files.routes,
        ],
        exception_handlers={HTTPException: _http_error, ApiError: _api_error},
    )


def _json(status: int, body: bytes, headers: dict[str, str] | None = None) -> Response:
    return Response(body, status, headers, "application/json")


async def _http_error(request: Request, error: Exception) -> Response:
    """Starlette's own refusals in the API's shape."""
    assert isinstance(error, HTTPException)  # noqa: S101  # what Starlette registered this for
    if error.status_code == MethodNotAllowed.status:
        allow = (error.headers or {}).get("Allow", "GET")
        return _rendered(wrong_verb(request.method, request.url.path, allow))
    return _rendered(
        NotFound("route not found", detail=f"Nothing is served at {request.url.path}; see /docs.")
    )


async def _api_error(_request: Request, error: Exception) -> Response:
    return _rendered(error if isinstance(error, ApiError) else ServiceUnavailable("Not now."))


def _rendered(error: ApiError) -> Response:
    status, headers, body = render(error)
    return _json(status, body, headers)
