"""Search: what has these words, with where it has them; what is offered while one types."""

import re

import pytest

from tests.support.pages import signed_in
from tests.support.server import Client
from tests.support.world import make_world


@pytest.mark.engines("sqlite", "postgres")
def test_what_has_the_words_is_found_with_where_it_has_them(alice: Client) -> None:
    world = make_world(alice)
    made = alice.engagement(title="Zeppelin flight", description="Departure at <b>dawn</b>.")
    comment = {"object": world.engagement["id"], "type": "timeline_comment", "body": "Sextant!"}
    alice.ok("timeline-entries.create", comment)
    browser = signed_in(alice)
    form = browser.open(browser.open("/").link("Search")).form("/search")
    page = browser.send(form, q="dawn zeppelin")
    assert "<mark>Zeppelin</mark> flight" in page.source
    assert "at &lt;b&gt;<mark>dawn</mark>&lt;/b&gt;" in page.source
    assert page.link("Zeppelin").endswith(made["display_id"])
    page = browser.send(form, q="sextant")
    assert page.link("Kick-off").endswith(world.engagement["display_id"])
    assert "Comment by admin" in page.text
    for name, way in {
        "Acme": f"/accounts/{world.account['display_id']}",
        "Rita": f"/people/{world.rev_user['display_id']}",
        "Deal": f"/opportunities/{world.opportunity['display_id']}",
    }.items():
        page = browser.send(form, q=name)
        assert any(one.text == name and way in one.way for one in page.links)


def test_kinds_and_more_stand_in_the_address(alice: Client) -> None:
    for number in range(25):
        alice.engagement(title=f"Zeppelin {number}.")
    alice.ok("accounts.create", {"display_name": "Zeppelin Works"})
    browser = signed_in(alice)
    page = browser.open("/search?q=zeppelin&among=touches")
    titles = re.findall(r"</mark> (\d+)\.", page.source)
    page = browser.open(page.link("More"))
    titles += re.findall(r"</mark> (\d+)\.", page.source)
    assert sorted(map(int, titles)) == list(range(25))
    page = browser.open("/search?q=zeppelin&among=accounts")
    assert "Works" in page.text
    assert not re.findall(r"</mark> (\d+)\.", page.source)


def test_a_query_that_cannot_be_is_kept_and_said(alice: Client) -> None:
    page = signed_in(alice).open("/search?q=-only")
    assert page.status == 400
    assert page.error("q")
    assert 'value="-only"' in page.source
    assert "Nothing has these words" in signed_in(alice).open("/search?q=nowhere").text


def test_another_orgs_and_what_may_not_be_read_is_not_found(alice: Client, charlie: Client) -> None:
    alice.engagement(title="Zeppelin flight")
    assert "Nothing has these words" in signed_in(charlie).open("/search?q=zeppelin").text
    reader = alice.server.make_user(alice, scope="engagement:read")
    browser = signed_in(reader)
    assert browser.open("/search?q=zeppelin").status == 403
    assert not any(one.text == "Search" for one in browser.open("/").links)


def test_the_palette_offers_places_deeds_and_what_is_called_so(alice: Client) -> None:
    world = make_world(alice)
    browser = signed_in(alice)

    def offered(asked: str) -> dict[str, str]:
        source = browser.open(f"/suggest/everything?q={asked}").source
        return dict(re.findall(r'data-value="([^"]*)"[^>]*data-way="([^"]*)"', source))

    found = offered("ac")
    assert found["Accounts"] == "../accounts"
    assert found["Acme"].endswith(world.account["display_id"])
    assert "q=ac" in found["ac"]
    assert offered("web")["Webhooks"] == "../settings/webhooks"
    assert offered("log")["Log an engagement"] == "../log"
    viewer = signed_in(alice.server.make_user(alice, role="viewer"))
    source = viewer.open("/suggest/everything?q=log").source
    assert "Log an engagement" not in source
