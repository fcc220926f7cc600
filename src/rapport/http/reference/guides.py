"""The guides of docs/guide, which the package carries, as pages of the reference."""

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

_FOLDER = Path(__file__).parent / "guide"
# In the order in which somebody new reads them; others follow by name.
_ORDER = (
    "first-steps",
    "clients",
    "artifacts",
    "bulk",
    "move-in",
    "move-out",
    "feed",
    "webhooks",
    "tokens",
    "install",
    "operate",
    "scale",
)
_PAGE = re.compile(r"([a-z0-9-]+)\.md(#.*)?")
_NOT_IN_AN_ANCHOR = re.compile(r"[^\w\- ]")


class Guide(NamedTuple):
    """One page; `words` are what the search finds it by."""

    name: str
    title: str
    body: Markup
    words: str


def guides() -> list[Guide]:
    """All guides, rendered."""
    files = {file.stem: file for file in sorted(_FOLDER.glob("*.md"))}
    names = [*(one for one in _ORDER if one in files), *(one for one in files if one not in _ORDER)]
    return [guide(one, files[one].read_text(encoding="utf-8"), {*files}) for one in names]


def guide(name: str, text: str, others: set[str]) -> Guide:
    """One guide.

    Args:
        name: of its file, without the ending.
        text: Markdown; HTML in it stays text.
        others: the guides that links may lead to.
    """
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(text)
    headings = _headings(tokens)
    for token in tokens:
        if token.children:
            token.children = _linked(token.children, others)
    body = markdown.renderer.render(tokens, markdown.options, {})
    # The renderer escapes all that is text.
    return Guide(name, headings[0], Markup(body), " ".join([name, *headings]).lower())  # noqa: S704


def _headings(tokens: Sequence[Token]) -> list[str]:
    """Give each heading an anchor, as code hosts do; what they say."""
    told = []
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            text = "".join(one.content for one in inline.children or [])
            opening.attrSet("id", _NOT_IN_AN_ANCHOR.sub("", text.lower()).replace(" ", "-"))
            told.append(text)
    return told


def _linked(tokens: list[Token], others: set[str]) -> list[Token]:
    """Lead links between guides to their pages; a link to what is not served becomes its text."""
    kept: list[Token] = []
    dropped = False
    for token in tokens:
        if token.type == "link_open":
            target = _target(str(token.attrGet("href")), others)
            dropped = not target
            token.attrSet("href", target)
        if not (dropped and token.type in {"link_open", "link_close"}):
            kept.append(token)
        if token.type == "link_close":
            dropped = False
    return kept


def _target(href: str, others: set[str]) -> str:
    """Where a link leads to; empty where there is nothing."""
    if page := _PAGE.fullmatch(href):
        return f"{page[1]}{page[2] or ''}" if page[1] in others else ""
    return href if href.startswith(("#", "https://", "http://")) else ""
