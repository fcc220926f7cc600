"""The reference at `/docs`: pages made of the OpenAPI document and the guides."""

import base64
import hashlib
import json
import re
from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from rapport.contract.kit.fields import Json
from rapport.http.reference.entries import entries, errors
from rapport.http.reference.guides import guides

HTML = "text/html; charset=utf-8"
_HERE = Path(__file__).parent
_CODE = re.compile(r"`([^`]+)`")
_SEARCH = "search.json"
_ERRORS = "errors"
_GUIDE = "guide/"


class Reference:
    """All pages, by what stands behind `/docs/` in their URLs; the first page's name is empty.

    Args:
        document: what `rapport.wire.openapi.document` makes.
    """

    def __init__(self, document: Json) -> None:
        self._document = document
        self._style = (_HERE / "reference.css").read_text(encoding="utf-8")
        self._script = (_HERE / "reference.js").read_text(encoding="utf-8")
        self._entries = {one.name: one for one in entries(document)}
        self._guides = {one.name: one for one in guides()}
        self._environment = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=StrictUndefined,
        )
        self._environment.filters["prose"] = _prose
        self._environment.globals.update(
            {
                "info": document["info"],
                "families": [
                    (tag, [one for one in self._entries.values() if one.family == tag["name"]])
                    for tag in document["tags"]
                ],
                "guides": [*self._guides.values()],
                # Our own files.
                "style": Markup(self._style),  # noqa: S704
                "script": Markup(self._script),  # noqa: S704
            }
        )

    @property
    def names(self) -> list[str]:
        """Of all pages."""
        return ["", _ERRORS, _SEARCH, *self._entries, *(_GUIDE + one for one in self._guides)]

    @cached_property
    def policy(self) -> str:
        """The Content-Security-Policy that lets through the one style, the one script, no other."""
        return (
            f"default-src 'none'; style-src '{_digest(self._style)}'; "
            f"script-src '{_digest(self._script)}'; connect-src 'self'; img-src data:; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
            "require-trusted-types-for 'script'"
        )

    def page(self, name: str) -> tuple[str, bytes]:
        """A page's media type and bytes.

        Raises:
            KeyError: there is none of that name.
        """
        if name == _SEARCH:
            return "application/json", json.dumps(self._words()).encode()
        if name in self._entries:
            return HTML, self._render("method", name, one=self._entries[name])
        if name.startswith(_GUIDE):
            return HTML, self._render("guide", name, guide=self._guides[name.removeprefix(_GUIDE)])
        if name == _ERRORS:
            return HTML, self._render("errors", name, errors=errors(self._document))
        if name:
            raise KeyError(name)
        return HTML, self._render("home", name)

    def _words(self) -> dict[str, str]:
        """What the search finds each page by."""
        methods = {one.name: one.words for one in self._entries.values()}
        told = {_GUIDE + one.name: one.words for one in self._guides.values()}
        types = " ".join(row[1] for row in errors(self._document))
        return {**methods, **told, _ERRORS: f"errors {types}"}

    def _render(self, template: str, name: str, **values: Any) -> bytes:
        # Every link is relative, so that the pages work behind any path of a proxy.
        up = "../" * (name.count("/") + 1) if name else ""
        made = self._environment.get_template(f"{template}.html")
        return made.render(here=name, up=up, **values).encode()


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _prose(text: str) -> Markup:
    """Text with `code` in it, and blank lines between paragraphs."""
    paragraphs = (_CODE.sub(r"<code>\1</code>", str(escape(one))) for one in text.split("\n\n"))
    return Markup("<br><br>".join(paragraphs))  # noqa: S704 (escaped in the line above)
