"""Logging an engagement: by keyboard alone, with a thumb, without script, and not twice."""

import pytest
from playwright.sync_api import Page, expect

from tests.console.browser.doing import sign_in
from tests.console.browser.window import HEIGHT, Browser, Window
from tests.support.server import Client, Server

pytestmark = pytest.mark.timeout(300)


def type_into(page: Page, fields: dict[str, str]) -> None:
    for label, text in fields.items():
        page.get_by_label(label, exact=True).fill(text)


def only_engagement(client: Client) -> dict[str, object]:
    (found,) = client.ok("engagements.list")["engagements"]
    return dict(found)


@pytest.mark.engines("sqlite", "postgres")
def test_an_engagement_is_logged_by_keyboard_alone(window: Window, alice: Client) -> None:
    account = alice.ok("accounts.create", {"display_name": "Globex"})["account"]
    sign_in(window, alice)
    keyboard = window.page.keyboard
    keyboard.press("c")
    expect(window.page.get_by_role("heading", name="Log an engagement")).to_be_visible()
    window.tab_to("Who")
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
    expect(window.page.get_by_role("heading", level=1)).to_have_text("Renewal terms")
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
        phone.page.get_by_role("navigation", name="Places").get_by_text("Log").tap()
        type_into(phone.page, {"Who": "me", "About": "On the way"})
        phone.page.get_by_text("Visit").tap()
        save = phone.page.get_by_role("button", name="Save")
        box = save.bounding_box()
        assert box is not None
        assert box["height"] >= 44
        save.tap()
        expect(phone.page.get_by_role("heading", level=1)).to_have_text("On the way")
    assert only_engagement(alice)["engagement_type"] == "offline"


def test_signing_in_reading_and_logging_work_without_script(
    browser: Browser, server: Server, alice: Client
) -> None:
    with browser.window(server.url, java_script_enabled=False) as plain:
        sign_in(plain, alice)
        plain.page.get_by_role("link", name="Log an engagement").first.click()
        type_into(plain.page, {"Who": "me", "About": "By hand"})
        plain.page.get_by_role("button", name="Save").click()
        expect(plain.page.get_by_role("heading", level=1)).to_have_text("By hand")
        plain.open("/")
        expect(plain.page.get_by_role("link", name="By hand")).to_be_visible()


def test_a_double_click_on_save_makes_one(window: Window, alice: Client) -> None:
    sign_in(window, alice)
    window.open("/log")
    type_into(window.page, {"Who": "me", "About": "Once"})
    window.page.get_by_role("button", name="Save").dblclick()
    expect(window.page.get_by_role("heading", level=1)).to_have_text("Once")
    assert only_engagement(alice)["title"] == "Once"


def test_a_refused_form_keeps_what_was_typed_and_names_the_field(
    window: Window, alice: Client
) -> None:
    sign_in(window, alice)
    window.open("/log")
    type_into(window.page, {"Who": "Nobody Known", "About": "Kept", "Notes": "Kept too"})
    window.page.get_by_role("button", name="Save").click()
    who = window.page.get_by_label("Who", exact=True)
    expect(who).to_have_accessible_description(
        "Nobody here is called Nobody Known", ignore_case=True
    )
    expect(who).to_have_value("Nobody Known")
    expect(window.page.get_by_label("Notes")).to_have_value("Kept too")
    window.said("400")
    window.is_accessible()


def test_an_unfinished_form_survives_a_reload(window: Window, alice: Client) -> None:
    sign_in(window, alice)
    window.open("/log")
    type_into(window.page, {"About": "Half done"})
    window.open("/log")
    expect(window.page.get_by_label("About")).to_have_value("Half done")
