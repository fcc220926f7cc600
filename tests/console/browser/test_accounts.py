"""Accounts and people: who was left alone, and the way from them to a new engagement."""

import pytest
from playwright.sync_api import expect

from tests.console.browser.doing import fill, sign_in
from tests.console.browser.window import Window
from tests.support.server import Client

pytestmark = pytest.mark.timeout(300)


def account_of(client: Client, name: str, **fields: object) -> str:
    made = client.ok("accounts.create", {"display_name": name, **fields})["account"]
    return str(made["display_id"])


def named(window: Window) -> list[str]:
    return window.page.locator("tbody th a").all_inner_texts()


@pytest.mark.engines("sqlite", "postgres")
def test_the_longest_silent_account_stands_first_whoever_was_met(
    window: Window, alice: Client
) -> None:
    met, older, person_of = (account_of(alice, name) for name in ("Met", "Older", "Through"))
    account_of(alice, "Never met")
    person = alice.ok("rev-users.create", {"display_name": "P", "account": person_of})["rev_user"]
    alice.engagement(parents=[older], scheduled_date="2024-01-01T12:00:00Z")
    alice.engagement(parents=[met], scheduled_date="2024-03-01T12:00:00Z")
    members = [alice.user, person["id"]]
    alice.engagement(members=members, scheduled_date="2024-02-01T12:00:00Z")
    alice.engagement(parents=[older], scheduled_date="2099-01-01T12:00:00Z")
    sign_in(window, alice)
    window.page.get_by_role("link", name="Accounts").click()
    expect(window.page.get_by_role("heading", name="Accounts", exact=True)).to_be_visible()
    assert named(window) == ["Never met", "Older", "Through", "Met"]
    window.page.get_by_role("link", name="By name").click()
    expect(window.page.locator("tbody th a").first).to_have_text("Met")


def test_filters_stand_in_the_address_and_are_taken_away_one_by_one(
    window: Window, alice: Client
) -> None:
    account_of(alice, "Mine", owned_by=[alice.user], tier="gold")
    account_of(alice, "Mine too", owned_by=[alice.user])
    account_of(alice, "Nobody's", tier="gold")
    sign_in(window, alice)
    window.open("/accounts?owner=me&tier=gold&sort=name")
    assert named(window) == ["Mine"]
    window.page.get_by_role("link", name="Tier: gold").click()
    expect(window.page.locator("tbody tr")).to_have_count(2)
    assert "owner=me" in window.page.url
    assert "tier" not in window.page.url


def test_an_account_shows_its_touches_and_logs_the_next_one(window: Window, alice: Client) -> None:
    account = account_of(alice, "Globex")
    alice.engagement(parents=[account], title="First of all", scheduled_date="2023-05-01T12:00:00Z")
    alice.engagement(parents=[account], title="The last", scheduled_date="2024-05-01T12:00:00Z")
    sign_in(window, alice)
    window.open("/accounts")
    window.page.get_by_role("link", name="Globex").click()
    figures = window.page.locator(".figures")
    expect(figures).to_contain_text("Note: The last")
    expect(figures).to_contain_text("Note: First of all")
    window.page.get_by_role("link", name="Log an engagement").first.click()
    fill(window, Who="me", About="Renewal")
    window.page.get_by_role("button", name="Save").click()
    expect(window.page.get_by_role("heading", name="Renewal", exact=True)).to_be_visible()
    window.open(f"/accounts/{account}")
    expect(figures).to_contain_text("Call: Renewal")
    expect(figures).to_contain_text("1 · 1")


def test_a_person_leads_to_their_account_and_their_touches(window: Window, alice: Client) -> None:
    account = account_of(alice, "Globex")
    request = {"display_name": "Inés Calvo", "email": "ines@globex.example", "account": account}
    person = alice.ok("rev-users.create", request)["rev_user"]
    alice.engagement(members=[alice.user, person["id"]], title="Lunch")
    alice.meeting(
        members=[alice.user, person["id"]], title="Review", scheduled_date="2024-01-01T12:00:00Z"
    )
    sign_in(window, alice)
    window.open("/people")
    window.page.get_by_role("link", name="Inés Calvo").click()
    expect(window.page.get_by_role("link", name="Globex", exact=True)).to_be_visible()
    expect(window.page.get_by_role("link", name="Lunch", exact=True)).to_be_visible()
    expect(window.page.locator(".figures")).to_contain_text("Meeting: Review")


def test_nobody_sees_another_orgs_account(window: Window, alice: Client, charlie: Client) -> None:
    account_of(alice, "Globex")
    theirs = account_of(charlie, "Initech")
    sign_in(window, alice)
    window.open("/accounts")
    assert named(window) == ["Globex"]
    if theirs != "ACC-1":
        window.page.goto(f"{window.url}/accounts/{theirs}")
        window.said("404")


def test_a_viewer_is_offered_no_deed(window: Window, alice: Client) -> None:
    account = account_of(alice, "Globex")
    viewer = alice.server.make_user(alice, role="viewer")
    sign_in(window, viewer)
    for page in ("/", "/accounts", f"/accounts/{account}", "/people"):
        window.open(page)
        expect(window.page.get_by_role("link", name="Log an engagement")).to_have_count(0)
