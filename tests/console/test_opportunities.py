"""Opportunities: what may be sold, and when we were in touch about it."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.support.pages import signed_in
from tests.support.server import Client
from tests.support.world import make_world


def _ago(days: float) -> str:
    return (datetime.now(UTC) - timedelta(days)).isoformat()


@pytest.mark.engines("sqlite", "postgres")
def test_an_opportunity_shows_its_account_and_its_own_touches(alice: Client) -> None:
    world = make_world(alice)
    own = world.opportunity["display_id"]
    alice.engagement(title="About the deal", parents=[own], scheduled_date=_ago(3))
    alice.engagement(title="Something else", parent=world.account["id"], scheduled_date=_ago(2))
    browser = signed_in(alice)
    page = browser.open(browser.open("/").link("Opportunities"))
    assert "3 days ago" in page.text
    assert page.link("Acme").endswith(world.account["display_id"])
    page = browser.open(page.link("Deal"))
    assert page.rows == ["About the deal", "Kick-off"]
    assert "Touches a week over 26 weeks: 1 in all, 1 at most." in page.source
    assert "1 · 1" in page.text
    assert browser.open(page.link("All in the timeline")).rows == page.rows
    log = browser.open(page.link("Log an engagement"))
    assert dict(log.form("/log").fields)["account"] == own


def test_an_account_leads_to_its_opportunities_and_their_filter(alice: Client) -> None:
    world = make_world(alice)
    other = alice.ok("accounts.create", {"display_name": "Other"})["account"]
    work = {"type": "opportunity", "title": "Theirs", "account": other["id"]}
    alice.ok("works.create", {**work, "applies_to_part": "PROD-1", "owned_by": [alice.user]})
    browser = signed_in(alice)
    page = browser.open(f"/accounts/{world.account['display_id']}")
    own = f"/opportunities/{world.opportunity['display_id']}"
    assert any(one.way.endswith(own) and one.text == "Deal" for one in page.links)
    page = browser.open(f"/opportunities?account={other['display_id']}&owner=me")
    assert "Theirs" in page.text
    assert "Deal" not in page.text
    page = browser.open(page.link("Account: Other"))
    assert "Deal" in page.text
    assert "Owner: me" in page.text
    assert "Nothing fits" in browser.open("/opportunities?owner=DEVU-99").text


def test_another_orgs_opportunity_is_not_there(alice: Client, charlie: Client) -> None:
    world = make_world(alice)
    browser = signed_in(charlie)
    assert browser.open(f"/opportunities/{world.opportunity['display_id']}").status == 404
    assert "works.create" in browser.open("/opportunities").text
