"""Pictures of every page, in both themes and on every width: `make screenshots` runs this."""

import sys
import tempfile
from pathlib import Path

from tests.console.browser.doing import sign_in
from tests.console.browser.window import THEMES, WIDTHS, Browser, Window
from tests.support.server import Client, Server

FOLDER = Path(__file__).parents[3] / ".screenshots"
PAGES = {
    "sign-in": "/sign-in",
    "timeline": "/",
    "filtered": "/?kind=call&days=365",
    "log": "/log",
    "engagement": "/engagements/ENGAGEMENT-1",
    "edit": "/engagements/ENGAGEMENT-1/edit",
    "accounts": "/accounts",
    "account": "/accounts/ACC-12345",
    "people": "/people",
    "team": "/people?who=team",
    "person": "/people/REVU-1",
    "opportunities": "/opportunities",
    "opportunity": "/opportunities/OPP-1",
    "overview": "/overview",
    "search": "/search?q=pricing+roadmap",
    "calendar": "/calendar?person=",
    "trash": "/trash",
    "profile": "/settings/profile",
    "tokens": "/settings/tokens",
    "webhooks": "/settings/webhooks",
    "webhook": "/settings/webhooks/WEBHOOK-1",
    "members": "/settings/people",
    "member": "/settings/people/DEVU-12345",
    "tags": "/settings/tags",
    "tag": "/settings/tags/TAG-12345",
    "organisation": "/settings/organisation",
    "health": "/settings/health",
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
        pages = {name: PAGES[name] for name in names or PAGES}
        try:
            # Taking a picture writes a style into the page, which its own policy refuses.
            with browser.window(server.url, bypass_csp=True) as window:
                browser.do(take, window=window, client=Client(server, server.token), pages=pages)
        finally:
            server.stop()
            browser.close()


def take(window: Window, client: Client, pages: dict[str, str]) -> None:
    """Pictures of pages; of the door before it is passed."""
    if "sign-in" in pages:
        _take(window, "sign-in", pages.pop("sign-in"))
    sign_in(window, client)
    for name, path in pages.items():
        _take(window, name, path)


def _take(window: Window, name: str, path: str) -> None:
    """One picture for each theme and width."""
    window.open(path)
    for theme in THEMES:
        window.page.emulate_media(color_scheme=theme)
        for width in WIDTHS:
            window.resize(width)
            window.page.screenshot(path=FOLDER / f"{name}-{theme}-{width}.png")


if __name__ == "__main__":
    main(sys.argv[1:])
