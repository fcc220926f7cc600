"""What a page is made with: templates, addresses that stay behind a proxy's path, headers."""

import asyncio
import gzip
import hashlib
import posixpath
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from rapport.auth.sessions import LIFE
from rapport.clock import SECOND
from rapport.console import words

_HERE = Path(__file__).parent
# Nothing inline, nothing from elsewhere; nobody shows a page within theirs.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "media-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
    "vary": "Accept-Encoding, Cookie",
}
THEME_COOKIE = "rapport_theme"
_LEAST_BYTES = 1400
_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
}


class Static:
    """The files that pages load, under a name made of their content."""

    def __init__(self) -> None:
        self.files = {file.name: file.read_bytes() for file in (_HERE / "static").iterdir()}
        whole = b"".join(self.files[name] for name in sorted(self.files))
        self.version = hashlib.sha256(whole).hexdigest()[:16]

    def answer(self, request: Request) -> Response | None:
        """A file, for good; None where there is none like it."""
        name = request.path_params["name"]
        body = self.files.get(name)
        if body is None or request.path_params["version"] != self.version:
            return None
        headers = {
            "cache-control": "public, max-age=31536000, immutable",
            "x-content-type-options": "nosniff",
        }
        return packed(request, body, _TYPES[posixpath.splitext(name)[1]], 200, headers)


class Later(Response):
    """A page that is made in a thread, so that nobody waits for it but who asked."""

    def __init__(self, make: Callable[[], Response]) -> None:
        super().__init__()
        self._make = make

    async def made(self) -> Response:
        """The page."""
        return await asyncio.to_thread(self._make)


class View:
    """Pages from templates.

    Args:
        functions: what templates may call, by name.
    """

    def __init__(self, **functions: Callable[..., Any]) -> None:
        self.static = Static()
        self._markdown = MarkdownIt("commonmark", {"html": False, "linkify": False})
        self._markdown.disable("image")
        self._environment = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=StrictUndefined,
        )
        self._environment.globals |= {
            "words": words,
            "version": self.static.version,
            **functions,
        }
        self._environment.filters |= functions
        self._environment.filters["markdown"] = self._marked

    def _marked(self, text: str) -> Markup:
        # markdown-it escapes all that is not its own, and takes no links that run.
        return Markup(self._markdown.render(text))  # noqa: S704

    def page(
        self,
        request: Request,
        name: str,
        *,
        status: int = 200,
        headers: Any = None,
        is_secret: bool = False,
        **shown: Any,
    ) -> Response:
        """A page from its template.

        Args:
            request: which it answers.
            name: of the template, without its ending.
            status: of HTTP.
            headers: beside those of every page.
            is_secret: it shows a secret, so that its length must tell nothing: it goes as it is.
            shown: what the template shows.
        """
        shown = {
            "here": partial(address, request),
            "path": request.url.path,
            "theme": request.cookies.get(THEME_COOKIE, ""),
            "reader": None,
            **shown,
        }
        body = self._environment.get_template(f"{name}.html").render(shown).encode()
        given = {**HEADERS, **(headers or {})}
        if is_secret:
            return Response(body, status, given, "text/html")
        return packed(request, body, "text/html", status, given)


def address(request: Request, path: str) -> str:
    """The way to a path of ours from this page: relative, so that it stays behind a proxy's."""
    target, mark, query = path.partition("?")
    folder, name = posixpath.split(target)
    way = posixpath.relpath(folder, posixpath.dirname(request.url.path))
    return f"{way}/{name}{mark}{query}"


def packed(
    request: Request, body: bytes, media_type: str, status: int, headers: dict[str, str]
) -> Response:
    """An answer, compressed where that is wanted and worth it; it holds no secret that its length
    could tell of.
    """
    if len(body) >= _LEAST_BYTES and "gzip" in request.headers.get("accept-encoding", ""):
        body = gzip.compress(body, 6, mtime=0)
        headers = {**headers, "content-encoding": "gzip"}
    return Response(body, status, headers, media_type)


def keep(answer: Response, name: str, value: str) -> None:
    """Keep a choice in the browser, for as long as a session lives; nothing where it is empty."""
    if value:
        answer.set_cookie(name, value, max_age=LIFE // SECOND, samesite="lax")
    else:
        answer.delete_cookie(name, samesite="lax")


def moved(request: Request, path: str, *, fragment_status: int = 204) -> Response:
    """On to another page, after a deed. Who asked for a fragment goes there as a whole page; where
    they asked, which a proxy may have shortened for us, they say themselves.
    """
    if "hx-request" in request.headers:
        way = urljoin(request.headers.get("x-asked", ""), address(request, path))
        return Response(status_code=fragment_status, headers={**HEADERS, "hx-redirect": way})
    return Response(status_code=303, headers={**HEADERS, "location": address(request, path)})
