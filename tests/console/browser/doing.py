"""What people do in the console, as they do it."""

from playwright.sync_api import Locator

from tests.console.browser.window import Window
from tests.support.server import Client


def sign_in(window: Window, client: Client) -> None:
    """Paste a token, and arrive at the timeline."""
    window.open("/sign-in")
    window.page.get_by_label("Token").fill(client.token)
    window.page.get_by_role("button", name="Sign in").click()
    window.page.get_by_role("heading", name="Timeline", level=1).wait_for()


def field(window: Window, label: str) -> Locator:
    """What is filled in under a label."""
    own = window.page.locator("input, textarea, select")
    return window.page.get_by_label(label, exact=True).and_(own)


def fill(window: Window, **fields: str) -> None:
    """Fill in fields, by their labels."""
    for label, text in fields.items():
        field(window, label).fill(text)
