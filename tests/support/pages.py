"""A person at the console: what a browser without script would do with its pages."""

import html.parser
import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import urlencode, urljoin, urlsplit

import httpx

from tests.support import fetch
from tests.support.server import Client, Server

HTML = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
_EMPTY = {"input", "meta", "link", "br", "hr", "path", "rect"}


@dataclass
class Form:
    """A form as it was sent to the person."""

    method: str
    action: str
    fields: list[tuple[str, str]] = field(default_factory=list)


class Link(NamedTuple):
    """A link, and what it says."""

    way: str
    text: str


class Page(html.parser.HTMLParser):
    """What an answer shows."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__()
        self.status = answer.status_code
        self.way = str(answer.url)
        self.source = answer.text
        self.forms: list[Form] = []
        self.links: list[Link] = []
        self.parts: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self._open: list[str] = []
        self._select = self._area = ""
        self.feed(answer.text)

    @property
    def text(self) -> str:
        """All that it says, with one space between words."""
        return " ".join(" ".join(self.parts).split())

    @property
    def rows(self) -> list[str]:
        """The titles of the timeline's rows."""
        titles = re.findall(r'<a class="title"[^>]*>(.*?)</a>', self.source)
        return [html.unescape(title) for title in titles]

    def form(self, action: str) -> Form:
        """The form that goes there."""
        return next(one for one in self.forms if urlsplit(one.action).path.endswith(action))

    def has_form(self, action: str) -> bool:
        """Whether there is one."""
        return any(urlsplit(one.action).path.endswith(action) for one in self.forms)

    def link(self, text: str) -> str:
        """Where the link leads that says this."""
        return next(one.way for one in self.links if text in one.text)

    def error(self, name: str) -> str:
        """What is said of a field, in the element that the field names as its description."""
        found = re.search(rf'id="{name}-error"[^>]*>(.*?)<', self.source)
        assert found is not None, self.text
        assert f'aria-describedby="{name}-error"' in self.source
        return html.unescape(found[1])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note forms, fields and links."""
        given = {name: value or "" for name, value in attrs}
        self.tags.append((tag, given))
        if tag not in _EMPTY:
            self._open.append(tag)
        if tag == "form":
            action = urljoin(self.way, given.get("action", self.way))
            self.forms.append(Form(given.get("method", "get"), action))
        elif tag == "a":
            self.links.append(Link(urljoin(self.way, given.get("href", "")), ""))
        else:
            self._note_field(tag, given)

    def _note_field(self, tag: str, given: dict[str, str]) -> None:
        if tag == "textarea":
            self._area = given["name"]
            self.forms[-1].fields.append((self._area, ""))
        elif tag == "select":
            self._select = given["name"]
        elif tag == "option" and "selected" in given:
            self.forms[-1].fields.append((self._select, given["value"]))
        elif tag == "input" and given.get("name"):
            is_box = given.get("type") in {"checkbox", "radio"}
            if not is_box or "checked" in given:
                self.forms[-1].fields.append((given["name"], given.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        """Note that an element ends."""
        if tag == "textarea":
            self._area = ""
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        """Note what is said."""
        if self._area:
            # The newline behind the tag is not the text's.
            name, before = self.forms[-1].fields[-1]
            self.forms[-1].fields[-1] = (name, before + (data if before else data[1:]))
        if "a" in self._open:
            last = self.links[-1]
            self.links[-1] = Link(last.way, f"{last.text} {data.strip()}".strip())
        self.parts.append(data)


class Browser:
    """One person's browser, without script."""

    def __init__(self, server: Server) -> None:
        # No connection outlives its answer: hundreds of browsers are made and none is closed.
        limits = httpx.Limits(max_keepalive_connections=0)
        self.http = fetch.client(
            base_url=server.url, follow_redirects=True, timeout=30, limits=limits
        )
        self.http.headers["accept"] = HTML
        self.origin = server.url

    def open(self, way: str) -> Page:
        """Look at a page."""
        return Page(self.http.get(way))

    def send(self, form: Form, **values: Any) -> Page:
        """Send a form, with some fields as the person filled them; a list is several of one."""
        kept = [(name, value) for name, value in form.fields if name not in values]
        typed = [
            (name, one)
            for name, value in values.items()
            for one in (value if isinstance(value, list) else [value])
        ]
        if form.method == "get":
            return Page(self.http.get(form.action, params=[*kept, *typed]))
        return Page(self.post(form.action, [*kept, *typed]))

    def post(self, way: str, fields: list[tuple[str, str]], **headers: str) -> httpx.Response:
        """Send fields as a browser does from a page of the server's own."""
        ours = {"origin": self.origin, "sec-fetch-site": "same-origin"}
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        query = urlencode(fields)
        content_type = {"content-type": "application/x-www-form-urlencoded"}
        return self.http.post(way, content=query, headers={**ours, **content_type, **sent})

    def sign_in(self, token: str) -> Page:
        """Paste a token at the door."""
        return self.send(self.open("/sign-in").form("/sign-in"), token=token)


def signed_in(client: Client) -> Browser:
    """The browser of somebody who pasted their token."""
    browser = Browser(client.server)
    assert browser.sign_in(client.token).status == 200
    return browser
