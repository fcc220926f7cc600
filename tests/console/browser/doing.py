"""What people do in the console, as they do it."""

from tests.console.browser.window import Window
from tests.support.server import Client


def sign_in(window: Window, client: Client) -> None:
    """Paste a token, and arrive at the timeline."""
    window.open("/sign-in")
    window.page.get_by_label("Token").fill(client.token)
    window.page.get_by_role("button", name="Sign in").click()
    window.page.get_by_role("heading", name="Timeline", level=1).wait_for()
