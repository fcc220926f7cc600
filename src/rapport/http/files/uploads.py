"""Where artifacts' bytes come in and go out: two endpoints beside METHODS. A signed URL is all
the right they want.
"""

import asyncio
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from rapport.blobs.headers import NotSatisfiable, Span, headers_of, names, span_of
from rapport.blobs.signed_urls import DOWNLOAD, UPLOAD, BadUrl, SignedUrls
from rapport.clock import Clock
from rapport.contract.kit.errors import (
    ApiError,
    BadRequest,
    Forbidden,
    InvalidContentType,
    NotFound,
)
from rapport.http.files.multipart import OVERHEAD, Body, Form, too_large
from rapport.operations.uploads import File, Uploads
from rapport.wire.errors import fault, render, request_id

# However slow its client, no upload lasts longer than this; a blob that nothing came of is removed
# after a day.
_MOST_SECONDS = 12 * 3600
_DRAIN_SECONDS = 3
_MOST_PARAMETERS = 8


class Files:
    """The two endpoints.

    Args:
        uploads: takes and finds the bytes.
        urls: checks the URLs.
        clock: the time.
        max_bytes: how large a file may be.
    """

    def __init__(self, uploads: Uploads, urls: SignedUrls, clock: Clock, *, max_bytes: int) -> None:
        self._uploads = uploads
        self._urls = urls
        self._clock = clock
        self._max_bytes = max_bytes

    @property
    def routes(self) -> list[Route]:
        """Where they are served."""
        return [
            Route(UPLOAD + "/{place:path}", _answering(self._upload), methods=["POST"]),
            Route(DOWNLOAD + "/{place:path}", _answering(self._download), methods=["GET", "HEAD"]),
        ]

    async def _upload(self, request: Request) -> Response:
        body = Body(
            request.receive, awaited=request.headers.get("expect", "").lower() == "100-continue"
        )
        try:
            async with asyncio.timeout(_MOST_SECONDS):
                await self._take(request, body)
        except ApiError as error:
            await body.drain(_DRAIN_SECONDS)
            status, headers, content = render(error)
            if not body.is_whole:
                headers["connection"] = "close"
            return Response(content, status, headers, "application/json")
        except TimeoutError:
            raise BadRequest(
                "The upload took too long.", detail=f"It may take {_MOST_SECONDS} seconds."
            ) from None
        return Response(status_code=204)

    async def _take(self, request: Request, body: Body) -> None:
        encoding = request.headers.get("content-encoding")
        if encoding is not None:
            raise InvalidContentType(
                f"Content-Encoding: {encoding[:80]!r} is not taken.",
                detail="Send it not compressed.",
                value=encoding,
            )
        form = Form(body, request.headers.get("content-type", ""), self._max_bytes)
        if int(request.headers.get("content-length", "0")) > self._max_bytes + OVERHEAD:
            raise too_large(self._max_bytes)
        await form.read_fields()
        try:
            place = self._urls.check_upload(
                request.path_params["place"], form.fields, self._clock()
            )
        except BadUrl as error:
            raise _refused(
                error, "Ask artifacts.prepare or artifacts.versions.prepare for another one."
            ) from None
        await self._uploads.take(place, form.file_type, form.file())

    async def _download(self, request: Request) -> Response:
        try:
            place = self._urls.check_download(
                request.path_params["place"], _parameters(request), self._clock()
            )
        except BadUrl as error:
            raise _refused(error, "Ask artifacts.locate for another one.") from None
        file = await self._uploads.find(place)
        if file is None:
            raise NotFound(
                f"There is no version {place.version} any more.", detail="It was deleted."
            )
        return await self._answer(request, file)

    async def _answer(self, request: Request, file: File) -> Response:
        version = file.version
        etag = f'"{version.sha256}"'
        headers = headers_of(file.name, version.file_type, version.sniffed_type)
        headers |= {"etag": etag, "accept-ranges": "bytes"}
        if (refusal := _precondition(request, etag)) is not None:
            return Response(
                status_code=refusal,
                headers={"etag": etag, "cache-control": headers["cache-control"]},
            )
        asked = request.headers.get("range")
        if request.method == "HEAD" or request.headers.get("if-range", etag) != etag:
            asked = None
        try:
            span = span_of(asked, version.size)
        except NotSatisfiable:
            return Response(status_code=416, headers={"content-range": f"bytes */{version.size}"})
        start, stop = span or Span(0, version.size)
        headers["content-length"] = str(stop - start)
        if span is not None:
            headers["content-range"] = f"bytes {start}-{stop - 1}/{version.size}"
        if request.method == "HEAD":
            return Response(headers=headers)
        direct = await self._uploads.url(file)
        if direct is not None:
            return RedirectResponse(
                direct, 307, {"cache-control": "no-store", "referrer-policy": "no-referrer"}
            )
        chunks = await self._uploads.open(file, start, stop)
        return StreamingResponse(chunks, 200 if span is None else 206, headers)


def _precondition(request: Request, etag: str) -> int | None:
    """The status that a condition on the bytes asks for instead of them (RFC 9110 section
    13.2.2).
    """
    match, none_match = (
        ", ".join(request.headers.getlist(name)) for name in ("if-match", "if-none-match")
    )
    if match and not names(match, etag, weakly=False):
        return 412
    return 304 if none_match and names(none_match, etag, weakly=True) else None


def _parameters(request: Request) -> dict[str, str]:
    """The URL's parameters.

    Raises:
        BadUrl: one is repeated, or there are far too many.
    """
    try:
        pairs = parse_qsl(
            request.url.query, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS
        )
    except ValueError:
        pairs = [("", "")]
    if len(dict(pairs)) != len(pairs):
        raise BadUrl("a parameter is repeated")
    return dict(pairs)


def _refused(error: BadUrl, detail: str) -> Forbidden:
    return Forbidden(f"This URL does not count: {error}.", detail=detail)


def _answering(
    endpoint: Callable[[Request], Awaitable[Response]],
) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint whose every answer, a fault's too, is one of the API's."""

    async def answer(request: Request) -> Response:
        id_ = request_id(dict(request.headers.raw))
        try:
            response = await endpoint(request)
        except Exception as error:  # noqa: BLE001  # whatever it was, the caller gets an answer and the log the traceback
            status, headers, body = render(
                error if isinstance(error, ApiError) else fault(request.url.path, id_)
            )
            response = Response(body, status, headers, "application/json")
        response.headers["x-request-id"] = id_
        return response

    return answer
