"""Pictures of every page, in both themes and on every width: `make screenshots` runs this."""

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.console.browser.window import THEMES, WIDTHS, Browser, Window
from tests.support.server import Server

FOLDER = Path(__file__).parents[3] / ".screenshots"
PAGES = {
    "reference": "/docs",
    "reference-method": "/docs/engagements.create",
    "reference-guide": "/docs/guide/first-steps",
}


def main(names: list[str]) -> None:
    """Take the pictures of some pages, or of all."""
    FOLDER.mkdir(exist_ok=True)
    browser = Browser()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "data", "--demo")
        try:
            with browser.window(server.url) as window:
                browser.do(
                    take, window=window, pages={name: PAGES[name] for name in names or PAGES}
                )
        finally:
            server.stop()
            browser.close()


def take(window: Window, pages: Mapping[str, str]) -> None:
    """One picture for each page, theme and width."""
    for name, path in pages.items():
        window.open(path)
        for theme in THEMES:
            window.page.emulate_media(color_scheme=theme)
            for width in WIDTHS:
                window.resize(width)
                window.page.screenshot(path=FOLDER / f"{name}-{theme}-{width}.png")


if __name__ == "__main__":
    main(sys.argv[1:])
