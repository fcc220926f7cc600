"""The timeline by itself: what others log comes while one looks."""

import pytest
from playwright.sync_api import expect

from tests.console.browser.doing import sign_in
from tests.console.browser.window import Window
from tests.support.server import Client

pytestmark = pytest.mark.timeout(300)
TITLES = ".row .title"


def test_a_new_touch_comes_by_itself_and_below_the_top_as_a_line(
    window: Window, alice: Client, bob: Client
) -> None:
    for number in range(20):
        alice.engagement(title=f"Old {number}", scheduled_date="2024-01-01T12:00:00Z")
    sign_in(window, alice)
    bob.engagement(title="Just now", scheduled_date="2025-01-01T12:00:00Z")
    expect(window.page.locator(TITLES).first).to_have_text("Just now")
    assert window.page.locator(TITLES).count() == 21
    window.page.mouse.wheel(0, 600)
    window.page.wait_for_function("scrollY > 200")
    for title in ("One more", "And another"):
        bob.engagement(title=title, scheduled_date="2025-02-01T12:00:00Z")
    line = window.page.get_by_role("link", name="2 new")
    expect(line).to_be_visible()
    line.click()
    expect(window.page.locator(TITLES)).to_have_count(23)


def test_what_the_filters_leave_out_does_not_come(
    window: Window, alice: Client, bob: Client
) -> None:
    sign_in(window, alice)
    window.open("/?kind=email")
    bob.engagement(title="A call", engagement_type="call")
    bob.engagement(title="An email", engagement_type="email")
    expect(window.page.locator(TITLES)).to_have_text(["An email"])
