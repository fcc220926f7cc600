"""Logging an engagement: by keyboard alone, with a thumb, without script, and not twice."""

import re

import pytest
from playwright.sync_api import expect

from tests.console.browser.doing import field, fill, sign_in
from tests.console.browser.window import HEIGHT, Browser, Window
from tests.support.server import Client, Server

pytestmark = pytest.mark.timeout(300)


def only_engagement(client: Client) -> dict[str, object]:
    (found,) = client.ok("engagements.list")["engagements"]
    return dict(found)


@pytest.mark.engines("sqlite", "postgres")
def test_an_engagement_is_logged_by_keyboard_alone(window: Window, alice: Client) -> None:
    account = alice.ok("accounts.create", {"display_name": "Globex"})["account"]
    sign_in(window, alice)
    keyboard = window.page.keyboard
    keyboard.press("c")
    expect(field(window, "Who")).to_be_focused()
    window.is_accessible()
    keyboard.type("me")
    window.tab_to("Call")
    keyboard.press("ArrowRight")
    window.tab_to("About")
    keyboard.type("Renewal terms")
    window.tab_to("Account")
    keyboard.type("Globex")
    window.tab_to("Notes")
    keyboard.type("Budget is approved.")
    window.tab_to("Save")
    keyboard.press("Enter")
    expect(window.page.get_by_role("heading", name="Renewal terms", exact=True)).to_be_visible()
    made = only_engagement(alice)
    assert made["engagement_type"] == "email"
    assert made["parents"] == [account["id"]]
    assert made["description"] == "Budget is approved."


def test_an_engagement_is_logged_with_a_thumb_on_a_phone(
    browser: Browser, server: Server, alice: Client
) -> None:
    with browser.window(
        server.url, viewport={"width": 390, "height": HEIGHT}, has_touch=True, is_mobile=True
    ) as phone:
        sign_in(phone, alice)
        phone.page.get_by_role("link", name="Log an engagement").last.tap()
        fill(phone, Who="me", About="On the way")
        phone.page.get_by_role("radio", name="Visit").tap()
        save = phone.page.get_by_role("button", name="Save")
        box = save.bounding_box()
        assert box is not None
        assert box["height"] >= 44
        save.tap()
        expect(phone.page.get_by_role("heading", name="On the way", exact=True)).to_be_visible()
    assert only_engagement(alice)["engagement_type"] == "offline"


def test_signing_in_reading_and_logging_work_without_script(
    browser: Browser, server: Server, alice: Client
) -> None:
    with browser.window(server.url, java_script_enabled=False) as plain:
        sign_in(plain, alice)
        plain.page.get_by_role("link", name="Log an engagement").first.click()
        fill(plain, Who="me", About="By hand")
        plain.page.get_by_role("button", name="Save").click()
        expect(plain.page.get_by_role("heading", name="By hand", exact=True)).to_be_visible()
        plain.open("/")
        expect(plain.page.get_by_role("link", name="By hand")).to_be_visible()


def test_a_double_click_on_save_makes_one(window: Window, alice: Client) -> None:
    sign_in(window, alice)
    window.open("/log")
    fill(window, Who="me", About="Once")
    window.page.get_by_role("button", name="Save").dblclick()
    expect(window.page.get_by_role("heading", name="Once", exact=True)).to_be_visible()
    assert only_engagement(alice)["title"] == "Once"


def test_a_refused_form_keeps_what_was_typed_and_names_the_field(
    window: Window, alice: Client
) -> None:
    sign_in(window, alice)
    window.open("/log")
    fill(window, Who="Nobody Known", About="Kept", Notes="Kept too")
    window.page.get_by_role("button", name="Save").click()
    who = field(window, "Who")
    expect(who).to_have_accessible_description(re.compile("Nobody here is called Nobody Known"))
    expect(who).to_have_value("Nobody Known")
    expect(field(window, "Notes")).to_have_value("Kept too")
    window.said("400")
    window.is_accessible()


def test_an_unfinished_form_survives_a_reload(window: Window, alice: Client) -> None:
    sign_in(window, alice)
    window.open("/log")
    fill(window, About="Half done")
    window.open("/log")
    expect(field(window, "About")).to_have_value("Half done")
