"""Calendar: a month by day, of me, somebody or everybody, in the reader's zone."""

import re

import pytest

from tests.support.pages import Page, signed_in
from tests.support.server import Client


def _days(page: Page) -> dict[str, str]:
    """What each day says, by its own name."""
    cells = re.findall(r"<td class=.*?</td>", page.source, re.DOTALL)
    found = {}
    for cell in cells:
        name = re.search(r'narrow-only">([^<]*)<', cell)
        assert name is not None
        found[name[1]] = " ".join(re.sub(r"<[^>]*>", " ", cell.partition("</a>")[2]).split())
    return found


@pytest.mark.engines("sqlite", "postgres")
def test_each_day_names_its_touches_and_counts_the_rest(alice: Client, bob: Client) -> None:
    for hour in range(6):
        alice.engagement(
            title=f"No. {hour}", engagement_type="call", scheduled_date=f"2024-05-15T1{hour}:00:00Z"
        )
    alice.meeting(title="Review", scheduled_date="2024-05-16T09:00:00Z")
    bob.engagement(title="Bob's own", scheduled_date="2024-05-16T10:00:00Z")
    browser = signed_in(alice)
    page = browser.open("/calendar?month=2024-05")
    days = _days(page)
    assert len(days) == 35
    assert days["Wednesday 15 May"].startswith("10:00 Call: No. 0 11:00 Call: No. 1")
    assert "2 more" in days["Wednesday 15 May"]
    assert days["Thursday 16 May"] == "09:00 Meeting: Review"
    assert browser.open(page.link("2 more")).rows == [f"No. {n}" for n in (5, 4, 3, 2, 1, 0)]
    everybody = browser.send(page.form("/calendar"), person="")
    assert "Bob" in _days(everybody)["Thursday 16 May"]
    assert _days(browser.open(page.link("Next month")))["Monday 3 June"] == ""
    browser.http.cookies.set("rapport_zone", "Pacific/Kiritimati")
    assert "00:00 Call: No. 0" in _days(browser.open("/calendar?month=2024-05"))["Thursday 16 May"]


def test_a_month_that_is_none_is_this_one(alice: Client) -> None:
    browser = signed_in(alice)
    today = browser.open("/calendar").text.partition(" · ")[0]
    for odd in ("soon", "2024-13", ""):
        assert browser.open(f"/calendar?month={odd}").text.startswith(today)
    for far in ("0001-01", "9999-12"):
        assert browser.open(f"/calendar?month={far}").status == 200
