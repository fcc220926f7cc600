"""A real browser, and windows in it that keep what went wrong while a page was used."""

import json
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Request, sync_playwright

from tests.console.browser.install import axe, chromium

T = TypeVar("T")
Theme = Literal["light", "dark"]
THEMES: tuple[Theme, Theme] = ("light", "dark")
WIDTHS = (320, 390, 820, 1440, 2560)
HEIGHT = 900
# What takes longer than this, in milliseconds, does not happen at all.
PATIENCE = 15_000
# Any other host's name is unknown to it, so that nothing can depend on one.
ONLY_HERE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
AXE = """async () => {
  const found = await axe.run({rules: {"target-size": {enabled: true}}});
  return found.violations.flatMap((rule) =>
    rule.nodes.map((node) => `${rule.id}: ${node.target.join(" ")}: ${node.failureSummary}`));
}"""
STICKING_OUT = """() => {
  const page = document.scrollingElement;
  if (page.scrollWidth <= page.clientWidth) return [];
  const ends = (one) => one.getBoundingClientRect().right;
  const clipped = (one) => one !== document.body && (clipped(one.parentElement) ||
    getComputedStyle(one).overflowX !== "visible" && ends(one) <= page.clientWidth);
  return [...document.body.querySelectorAll("*")]
    .filter((one) => ends(one) > page.clientWidth && !clipped(one))
    .map((one) => `${one.tagName} ${one.className} ${one.textContent.trim().slice(0, 40)}`)
    .concat(`${page.scrollWidth} of ${page.clientWidth} px`);
}"""
FOCUSED = """() => {
  const one = document.activeElement;
  return one.matches("input, textarea, button") && (one.labels?.[0] ?? one).innerText.trim();
}"""
SHIFTS = """() => new Promise((told) => {
  new PerformanceObserver((list) => told(
    list.getEntries().reduce((sum, one) => sum + (one.hadRecentInput ? 0 : one.value), 0)
  )).observe({type: "layout-shift", buffered: true});
  requestAnimationFrame(() => requestAnimationFrame(() => told(0)));
})"""


class Window:
    """One person's window on the server at `url`; nobody else's cookies are in it."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.url = url
        self.complaints: list[str] = []
        context.set_default_timeout(PATIENCE)
        context.on("console", self._console)
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        context.on("request", self._request)
        self.page = context.new_page()

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def _request(self, request: Request) -> None:
        asked = urlsplit(request.url)
        if asked.scheme in {"http", "https", "ws", "wss"} and not self._is_home(request.url):
            self.complaints.append(f"asked {asked.netloc} for {asked.path}")

    def _is_home(self, url: str) -> bool:
        return urlsplit(url).netloc == urlsplit(self.url).netloc

    def tab_to(self, name: str) -> None:
        """Go on by the tab key to the field or button of this name."""
        for _ in range(40):
            self.page.keyboard.press("Tab")
            if self.page.evaluate(FOCUSED) == name:
                return
        raise AssertionError(f"the tab key does not lead to {name}")

    def open(self, path: str) -> None:
        """Go to a page of the server, which must be there."""
        answer = self.page.goto(self.url + path)
        assert answer is not None
        assert answer.ok, f"{path}: {answer.status}"

    def said(self, text: str) -> None:
        """The browser complained of this once, as it should."""
        found = next(one for one in self.complaints if text in one)
        self.complaints.remove(found)

    def text(self) -> str:
        """All that the page says, and what its fields hold."""
        held = "[...document.querySelectorAll('input, textarea')].map((one) => one.value).join(' ')"
        return f"{self.page.locator('body').inner_text()} {self.page.evaluate(held)}"

    def is_accessible(self, themes: Sequence[Theme] = THEMES) -> None:
        """Axe finds nothing on the page, in any theme."""
        for theme in themes:
            self.page.emulate_media(color_scheme=theme)
            found = self.page.evaluate(AXE)
            assert not found, f"{self.page.url}, {theme}:\n" + "\n".join(found)

    def fits(self, widths: Sequence[int] = WIDTHS) -> None:
        """The page scrolls sideways on no width, in pixels."""
        for width in widths:
            self.resize(width)
            found = self.page.evaluate(STICKING_OUT)
            assert not found, f"{self.page.url}, {width} px:\n" + "\n".join(found)

    def resize(self, width: int) -> None:
        """Make the window so many pixels wide."""
        self.page.set_viewport_size({"width": width, "height": HEIGHT})

    def shifts(self) -> float:
        """How far what the page shows moved by itself, as browsers sum it up; 0 is not at all."""
        return float(self.page.evaluate(SHIFTS))


class Browser:
    """A running browser; what is done with it is done in its own thread, where the loop of
    playwright is in nobody's way.
    """

    def __init__(self) -> None:
        program, self._axe = chromium(), axe()
        self._thread = ThreadPoolExecutor(1)
        self._own = self._thread.submit(threading.get_ident).result()
        self._driver = self.do(lambda: sync_playwright().start())
        self._chromium = self.do(
            lambda: self._driver.chromium.launch(
                executable_path=program.path,
                args=["--no-sandbox", ONLY_HERE],
                env={**os.environ, **program.environment},
            )
        )

    def do(self, work: Callable[..., T], **arguments: Any) -> T:
        """What a function answers that uses the browser."""
        if threading.get_ident() == self._own:
            return work(**arguments)
        return self._thread.submit(work, **arguments).result()

    @contextmanager
    def window(self, url: str, **options: Any) -> Iterator[Window]:
        """A window of a person of its own, in which nothing moves; in the end nothing has gone
        wrong in it.
        """
        wanted = {"reduced_motion": "reduce", **options}
        context = self.do(lambda: self._chromium.new_context(**wanted))
        self.do(lambda: context.add_init_script(self._axe))
        window = self.do(lambda: Window(context, url))
        try:
            yield window
        finally:
            self.do(context.close)
        assert not window.complaints, json.dumps(window.complaints, indent=1)

    def close(self) -> None:
        """End it."""
        self.do(self._chromium.close)
        self.do(self._driver.stop)
        self._thread.shutdown()
