"""A page as it goes out: in both codings, and known by its content."""

import hashlib
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from rapport.http.encoding import smallest, takes_gzip


class Sheet(NamedTuple):
    """One page's bytes, plain and compressed; `tag` is made of the content."""

    media_type: str
    plain: bytes
    gzip: bytes
    tag: str


def sheet(media_type: str, body: bytes) -> Sheet:
    """Press a page; takes milliseconds."""
    return Sheet(media_type, body, smallest(body), hashlib.sha256(body).hexdigest()[:32])


def answer(request: Request, page: Sheet, more: dict[str, str]) -> Response:
    """The page in the coding that the request wants, or a 304 where the caller has it already.

    Args:
        request: which asks.
        page: what for.
        more: headers that go with it.
    """
    packs = takes_gzip(request.headers.get("accept-encoding", "").encode("latin-1"))
    tag = f'"{page.tag}-gzip"' if packs else f'"{page.tag}"'
    headers = {"etag": tag, "cache-control": "no-cache", "vary": "Accept-Encoding", **more}
    if _has(request.headers.get("if-none-match", ""), page.tag):
        return Response(status_code=304, headers=headers)
    if packs:
        headers["content-encoding"] = "gzip"
    return Response(page.gzip if packs else page.plain, 200, headers, page.media_type)


def _has(known: str, tag: str) -> bool:
    """Whether an `If-None-Match` names the page, in either coding; proxies make tags weak."""
    return any(
        one.strip().removeprefix("W/") in {"*", f'"{tag}"', f'"{tag}-gzip"'}
        for one in known.split(",")
    )
