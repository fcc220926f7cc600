"""Timeline: what happened by its day, what is coming, filters in the address, More."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.pages import signed_in
from tests.support.server import Client
from tests.support.world import make_world


def _at(**ago: float) -> str:
    return (datetime.now(UTC) - timedelta(**ago)).isoformat()


def _titled(client: Client, title: str, *, hours: int = 1, **fields: Any) -> None:
    client.engagement(title=title, scheduled_date=_at(hours=hours), **fields)


def test_an_empty_org_is_told_what_to_do_next(alice: Client) -> None:
    page = signed_in(alice).open("/")
    assert "Nothing here yet" in page.text
    assert page.link("Log an engagement").endswith("/log")


def test_touches_stand_by_day_the_newest_first_and_what_comes_apart(alice: Client) -> None:
    alice.engagement(title="Long ago", scheduled_date="2023-01-01T12:00:00Z")
    alice.engagement(title="Just now", scheduled_date=_at(seconds=5))
    alice.meeting(title="Met", scheduled_date=_at(days=3))
    alice.meeting(title="Next week", scheduled_date=_at(days=-7))
    alice.engagement(title="Tomorrow", scheduled_date=_at(days=-1))
    page = signed_in(alice).open("/")
    assert page.rows == ["Just now", "Met", "Long ago"]
    assert "Sunday 1 January 2023" in page.text
    coming = page.text.partition("Coming up")[2]
    assert coming.index("Tomorrow") < coming.index("Next week") < coming.index("Just now")


def test_more_shows_every_touch_of_both_kinds_once(alice: Client) -> None:
    same = "2023-05-05T12:00:00Z"
    for number in range(50):
        alice.engagement(title=f"E{number}", scheduled_date=same)
    for number in range(45):
        alice.meeting(title=f"M{number}", scheduled_date=same if number % 2 else _at(days=number))
    browser = signed_in(alice)
    page, seen = browser.open("/"), list[str]()
    while True:
        seen += page.rows
        assert "Coming up" not in page.text
        if not any(one.text == "More" for one in page.links):
            break
        page = browser.open(page.link("More"))
    assert len(seen) == 95
    assert len(set(seen)) == 95


def test_filters_are_in_the_address_and_each_is_a_chip_that_goes_away(
    alice: Client, bob: Client
) -> None:
    world = make_world(alice)
    _titled(alice, "Ring", engagement_type="call", parent=world.account["id"])
    _titled(
        bob,
        "Write",
        hours=2,
        engagement_type="email",
        tags=[{"id": world.tag["id"], "value": "large"}],
    )
    alice.meeting(title="Meet", scheduled_date=_at(hours=9))
    browser = signed_in(alice)
    assert browser.open("/?kind=call").rows == ["Ring", "Kick-off"]
    assert browser.open("/?kind=meeting&kind=email").rows == ["Write", "Meet"]
    assert browser.open("/?person=me").rows == ["Ring", "Meet", "Kick-off"]
    assert browser.open(f"/?person={bob.user}").rows == ["Write"]
    assert browser.open("/?days=7").rows == ["Ring", "Write", "Meet"]
    page = browser.send(browser.open("/").form("/"), kind=["call", "email"], account="Acme")
    assert page.rows == ["Ring", "Kick-off"]
    assert "Kind: Call, Email" in page.text
    assert "Account: Acme" in page.text
    assert browser.open(page.link("Account: Acme")).rows == ["Ring", "Write", "Kick-off"]
    tagged = browser.open(f"/?tag={world.tag['display_id']}&days=7")
    assert tagged.rows == ["Write"]
    assert "Tag: size" in tagged.text


def test_filters_that_nothing_fits_say_how_to_go_on(alice: Client) -> None:
    alice.engagement()
    page = signed_in(alice).open("/?kind=survey")
    assert page.rows == []
    assert "Nothing fits these filters" in page.text


def test_an_account_that_nobody_knows_is_said_and_the_rest_is_shown(alice: Client) -> None:
    alice.engagement(title="Here")
    page = signed_in(alice).open("/?account=Nowhere")
    assert "Nobody here is called Nowhere" in page.text
    assert page.rows == ["Here"]


def test_times_are_in_the_readers_zone_with_utc_beside(alice: Client) -> None:
    alice.engagement(scheduled_date="2023-01-01T23:30:00Z")
    browser = signed_in(alice)
    browser.http.cookies.set("rapport_zone", "Asia/Tokyo")
    page = browser.open("/")
    assert "Monday 2 January 2023" in page.text
    assert ">08:30</time>" in page.source
    assert "2023-01-01 23:30 UTC" in page.source
    browser.http.cookies.set("rapport_zone", "../../etc/passwd")
    assert "Sunday 1 January 2023" in browser.open("/").text


def test_what_another_org_has_is_not_there(alice: Client, charlie: Client) -> None:
    alice.engagement(title="Alice's own")
    assert signed_in(charlie).open("/").rows == []


@pytest.mark.engines("sqlite", "postgres")
def test_what_is_added_is_told_at_once_from_where_the_page_was_made(alice: Client) -> None:
    browser = signed_in(alice)
    after = re.search(r'data-after="(\d+)"', browser.open("/").source)
    assert after is not None
    with ThreadPoolExecutor() as pool:
        told = pool.submit(browser.http.get, f"/live?after={after[1]}")
        alice.ok("tags.create", {"name": "no touch"})
        alice.engagement()
        answer = told.result(timeout=20).json()
    assert answer == {"last": answer["last"], "added": 1}
    assert answer["last"] > int(after[1])


def test_who_may_not_hear_the_feed_is_told_nothing(alice: Client) -> None:
    reader = alice.server.make_user(alice, scope="engagement:read")
    browser = signed_in(reader)
    assert "data-live" not in browser.open("/").source
    assert browser.open("/live?after=0").status == 403
