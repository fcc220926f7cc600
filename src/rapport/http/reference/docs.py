"""Where the OpenAPI document and the reference are served."""

from functools import partial
from typing import TYPE_CHECKING

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from rapport import __version__
from rapport.contract.kit.fields import Json
from rapport.http.reference.once import Once
from rapport.http.reference.sheets import Sheet, answer, sheet
from rapport.http.routing import ForPrograms, get
from rapport.wire import openapi

if TYPE_CHECKING:
    from rapport.http.reference.page import Reference

_GUARDED = {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}


class Docs:
    """`/openapi.json`, and the pages under `/docs` that are made of it.

    Args:
        strict: the document leaves out what is not DevRev's.
        public_url: what callers find the server by, if it is known; the document names it.
    """

    def __init__(self, *, strict: bool, public_url: str) -> None:
        document = Once(
            partial(openapi.document, version=__version__, strict=strict, server=public_url or "/")
        )
        self._document = Once(
            lambda made: sheet("application/json", msgspec.json.encode(made)), document
        )
        self._reference = Once(_reference, document)
        self._pages: dict[str, Once[Sheet]] = {}

    @property
    def routes(self) -> list[Route]:
        """Where they are served."""
        return [
            get("/", _to_docs, ForPrograms),
            get("/openapi.json", self._openapi),
            get("/docs", self._page),
            get("/docs/", _to_docs),
            get("/docs/{name:path}", self._page),
        ]

    async def _openapi(self, request: Request) -> Response:
        return answer(request, await self._document.get(), {})

    async def _page(self, request: Request) -> Response:
        name = request.path_params.get("name", "")
        made = await self._reference.get()
        if name not in made.names:
            raise HTTPException(404)
        page = self._pages.setdefault(
            name, Once(lambda made: sheet(*made.page(name)), self._reference)
        )
        return answer(
            request, await page.get(), {"content-security-policy": made.policy, **_GUARDED}
        )


async def _to_docs(request: Request) -> Response:
    # Relative, so that it stays behind the path of a proxy.
    return RedirectResponse("docs" if request.url.path == "/" else "../docs", status_code=307)


def _reference(document: Json) -> "Reference":
    # Its templates would add a tenth to every start.
    from rapport.http.reference.page import Reference  # noqa: PLC0415

    return Reference(document)
