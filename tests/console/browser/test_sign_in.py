"""Signing in and out, as a person does."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.console.browser.doing import field, sign_in
from tests.console.browser.window import Browser, Window
from tests.support.server import Client, Server

pytestmark = [pytest.mark.timeout(300), pytest.mark.engines("sqlite", "postgres")]


def link_for(client: Client) -> str:
    made = client.server.run("login", user=client.user, org=client.org)
    return urlsplit(str(made["url"])).path


def leave(window: Window, how: str) -> None:
    window.page.locator(".menu summary").click()
    window.page.get_by_role("button", name=how, exact=True).click()


def test_a_token_signs_in_and_after_sign_out_the_page_asks_again(
    window: Window, alice: Client
) -> None:
    sign_in(window, alice)
    leave(window, "Sign out")
    expect(window.page.get_by_label("Token")).to_be_visible()
    window.open("/log")
    expect(window.page.get_by_label("Token")).to_be_visible()


def test_after_signing_in_the_page_that_was_wanted_comes(window: Window, alice: Client) -> None:
    window.open("/log?account=ACC-7")
    window.page.get_by_label("Token").fill(alice.token)
    window.page.keyboard.press("Enter")
    expect(field(window, "Account")).to_have_value("ACC-7")


def test_a_wrong_token_is_refused_with_a_sentence_and_not_shown_again(
    window: Window, alice: Client
) -> None:
    window.open("/sign-in")
    window.page.get_by_label("Token").fill("rpt_wrong")
    window.page.get_by_role("button", name="Sign in").click()
    expect(window.page.get_by_role("alert")).to_contain_text("token")
    assert "rpt_wrong" not in window.page.content()
    window.said("401")


def test_a_link_names_whom_it_is_for_and_only_its_button_uses_it_up(
    window: Window, alice: Client
) -> None:
    link = link_for(alice)
    window.open(link)
    window.open(link)
    expect(window.page.locator("main")).to_contain_text("Alice's")
    window.page.get_by_role("button", name="Sign in").click()
    expect(window.page.get_by_role("heading", name="Timeline")).to_be_visible()
    window.page.context.clear_cookies()
    window.page.goto(window.url + link)
    expect(window.page.get_by_role("alert")).to_contain_text("used already")
    window.said("401")


def test_who_is_deactivated_is_outside_with_the_next_page(
    server: Server, window: Window, alice: Client
) -> None:
    bob = server.make_user(alice)
    sign_in(window, bob)
    alice.ok("dev-users.deactivate", {"id": bob.user})
    window.open("/")
    expect(window.page.get_by_label("Token")).to_be_visible()


def test_sign_out_everywhere_ends_the_session_on_another_device(
    browser: Browser, window: Window, alice: Client
) -> None:
    sign_in(window, alice)
    with browser.window(window.url) as other:
        sign_in(other, alice)
        leave(other, "Sign out everywhere")
        expect(other.page.get_by_label("Token")).to_be_visible()
    window.open("/")
    expect(window.page.get_by_label("Token")).to_be_visible()
