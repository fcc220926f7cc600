"""Search by keys: the page from anywhere, and the palette that goes anywhere."""

import pytest
from playwright.sync_api import expect

from tests.console.browser.doing import sign_in
from tests.console.browser.window import Window
from tests.support.server import Client

pytestmark = pytest.mark.timeout(300)


def test_a_slash_searches_and_control_k_goes_anywhere(window: Window, alice: Client) -> None:
    alice.engagement(title="Zeppelin flight")
    account = alice.ok("accounts.create", {"display_name": "Globex"})["account"]
    sign_in(window, alice)
    keyboard = window.page.keyboard
    keyboard.press("/")
    expect(window.page.get_by_role("searchbox")).to_be_focused()
    keyboard.type("zeppelin")
    keyboard.press("Enter")
    expect(window.page.get_by_role("link", name="Zeppelin flight")).to_be_visible()
    window.fits()
    window.is_accessible()
    keyboard.press("Control+k")
    keyboard.type("glob")
    palette = window.page.get_by_role("dialog", name="Go to")
    expect(palette.get_by_role("option").first).to_contain_text("Globex")
    window.is_accessible()
    keyboard.press("Enter")
    expect(window.page.get_by_role("heading", name="Globex", exact=True)).to_be_visible()
    assert window.page.url.endswith(f"/accounts/{account['display_id']}")
