"""Overview: each number leads to the list behind it, and is how long that is."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest

from tests.support.pages import Browser, Page, signed_in
from tests.support.server import Client
from tests.support.world import make_world


def _ago(days: float) -> str:
    return (datetime.now(UTC) - timedelta(days)).isoformat()


def _numbers(page: Page, heading: str) -> list[tuple[int, str]]:
    """The numbers under a heading, each with the way behind it."""
    part = page.source.partition(f">{heading}</h2>")[2].partition("</section>")[0]
    part = part.partition("<table")[2]
    return [
        (int(said), unescape(way)) for way, said in re.findall(r'href="([^"]*)">(\d+)</a>', part)
    ]


def _check(browser: Browser, page: Page, heading: str) -> int:
    numbers = _numbers(page, heading)
    for count, way in numbers:
        assert len(browser.open(f"/{way}").rows) == count, (heading, way)
    return len(numbers)


@pytest.mark.engines("sqlite", "postgres")
def test_each_number_leads_to_as_many_touches(alice: Client, bob: Client) -> None:
    for days, kind in ((1, "call"), (1, "email"), (9, "call"), (40, "call"), (300, "offline")):
        alice.engagement(scheduled_date=_ago(days), engagement_type=kind, title=f"{kind} {days}")
    alice.engagement(scheduled_date=_ago(2), members=[alice.user, bob.user], title="Both")
    alice.engagement(scheduled_date=_ago(800), title="Long ago")
    alice.engagement(scheduled_date=_ago(-0.02), title="Planned")
    alice.meeting(scheduled_date=_ago(4), title="Met")
    browser = signed_in(alice)
    page = browser.open("/overview")
    assert _check(browser, page, "Touches by week") >= 5
    assert "6 touches in 26 weeks" in page.text
    assert _check(browser, page, "A year, by day") >= 2
    assert "7 touches on" in page.text
    assert _check(browser, page, "Team") >= 7
    team = [count for count, _ in _numbers(page, "Team")]
    assert team[-1] == 1, "Bob was there once"


def test_a_persons_numbers_stand_beside_those_of_the_period_before(alice: Client) -> None:
    for days in (1, 2, 8, 9, 10):
        alice.engagement(scheduled_date=_ago(days), engagement_type="call")
    browser = signed_in(alice)
    numbers = [count for count, _ in _numbers(browser.open("/overview?days=7"), "Team")]
    assert numbers == [2, 2, 3]
    page = browser.open(browser.open("/overview").link("90 days"))
    assert [count for count, _ in _numbers(page, "Team")] == [5, 5]


def test_accounts_stand_by_how_much_they_were_touched(alice: Client) -> None:
    world = make_world(alice)
    for number in range(9):
        account = alice.ok("accounts.create", {"display_name": f"No. {number}"})["account"]
        for _ in range(number + 2 if number > 6 else 1):
            alice.engagement(parent=account["id"], scheduled_date=_ago(1))
    alice.engagement(parents=[world.opportunity["id"]], scheduled_date=_ago(1))
    person = world.rev_user["id"]
    alice.meeting(members=[alice.user, person], scheduled_date=_ago(2))
    page = signed_in(alice).open("/overview")
    most = page.text.partition("Most touched")[2].partition("Least touched")[0]
    assert most.split()[:9] == ["No.", "8", "10", "No.", "7", "9", "Acme", "2", "No."]
    least = page.text.partition("Least touched")[2]
    assert least.split()[:3] == ["No.", "6", "1"]


def test_an_empty_org_has_an_overview_too(alice: Client) -> None:
    page = signed_in(alice).open("/overview")
    assert page.status == 200
    assert "0 touches in 26 weeks" in page.text
    assert "No touches in the last year." in page.text


def test_a_range_of_days_is_a_filter_of_the_timeline(alice: Client) -> None:
    for day in (1, 2, 3):
        alice.engagement(title=f"Day {day}", scheduled_date=f"2023-05-0{day}T22:30:00Z")
    browser = signed_in(alice)
    assert browser.open("/?from=2023-05-02&to=2023-05-02").rows == ["Day 2"]
    page = browser.open("/?from=2023-05-02")
    assert page.rows == ["Day 3", "Day 2"]
    assert "From 2 May 2023" in page.text
    assert browser.open(page.link("From 2 May")).rows == ["Day 3", "Day 2", "Day 1"]
    browser.http.cookies.set("rapport_zone", "Europe/Berlin")
    assert browser.open("/?from=2023-05-03&to=2023-05-03").rows == ["Day 2"]
    for odd in ("0001-01-01", "9999-12-31", "soon", "2023-02-30"):
        assert browser.open(f"/?from={odd}").status == 200
