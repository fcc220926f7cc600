"""One engagement: all that is known of it, comments, history, edit in place, delete with undo."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.pages import Browser, Page, signed_in
from tests.support.server import Client
from tests.support.world import make_world


def _edit(browser: Browser, way: str) -> Page:
    return browser.open(f"{way}/edit")


def test_all_fields_are_shown_with_people_and_parents_by_name(alice: Client) -> None:
    world = make_world(alice)
    page = signed_in(alice).open(f"/engagements/{world.engagement['display_id']}")
    for said in ("Kick-off", "Call", "Rita", "Acme", "Deal", "size: small", "First call", "crm-1"):
        assert said in page.text, said
    assert page.link("https://example.com/1") == "https://example.com/1"
    assert "Sunday 1 January 2023, 12:00" in page.text


@pytest.mark.engines("sqlite", "postgres")
def test_an_edit_is_in_the_history_with_before_and_after(alice: Client) -> None:
    world = make_world(alice)
    browser, way = signed_in(alice), f"/engagements/{world.engagement['display_id']}"
    form = _edit(browser, way).form("/edit")
    page = browser.send(form, about="Second call", who="rita@acme.example", kind="email")
    assert page.way.endswith(way)
    history = page.text.partition("History")[2]
    assert "About before: Kick-off → after: Second call" in history
    assert "Kind before: Call → after: Email" in history
    assert "after: Rita" in history
    now = alice.ok("engagements.get", {"id": world.engagement["id"]})["engagement"]
    assert now["tag_values"] == world.engagement["tag_values"], "the form has no room for values"
    assert now["parents"] == world.engagement["parents"]
    assert now["external_ref"] == "crm-1"


def test_saving_a_form_as_it_came_changes_nothing(alice: Client) -> None:
    world = make_world(alice)
    browser = signed_in(alice)
    met = alice.meeting(scheduled_date="2026-01-01T12:00:00Z", ended_date="2026-01-01T13:00:00Z")
    for way in (f"/engagements/{world.engagement['display_id']}", f"/meetings/{met['display_id']}"):
        end = alice.feed_end()
        page = browser.send(_edit(browser, way).form("/edit"))
        assert page.way.endswith(way), page.text
        assert alice.feed_end() == end


def test_a_save_over_a_newer_version_shows_both_and_asks(alice: Client, bob: Client) -> None:
    made = alice.engagement(title="First")
    browser, way = signed_in(alice), f"/engagements/{made['display_id']}"
    form = _edit(browser, way).form("/edit")
    bob.ok("engagements.update", {"id": made["id"], "title": "Bob's"})
    page = browser.send(form, about="Alice's")
    assert page.status == 409
    assert "Bob's" in page.text
    assert dict(page.form("/edit").fields)["about"] == "Alice's"
    assert browser.send(page.form("/edit")).status == 200
    assert alice.ok("engagements.get", {"id": made["id"]})["engagement"]["title"] == "Alice's"


def test_an_edit_that_is_refused_keeps_what_was_typed(alice: Client) -> None:
    made = alice.engagement(title="First")
    browser, way = signed_in(alice), f"/engagements/{made['display_id']}"
    page = browser.send(_edit(browser, way).form("/edit"), about="", notes="Kept")
    assert page.error("about") == "Say what it was about."
    assert dict(page.form("/edit").fields)["notes"] == "Kept"


def test_a_deletion_is_undone_by_a_button_of_the_page_after_it(alice: Client) -> None:
    made = alice.engagement(title="Oops")
    browser, way = signed_in(alice), f"/engagements/{made['display_id']}"
    after = browser.send(browser.open(way).form("/delete"))
    assert after.rows == []
    assert "Deleted." in after.text
    assert browser.open(way).status == 404
    assert browser.send(after.form("/restore")).way.endswith(way)
    assert browser.open("/").rows == ["Oops"]


def test_a_meeting_has_a_page_of_its_own_with_its_end(alice: Client) -> None:
    met = alice.meeting(
        title="Review", scheduled_date="2026-01-01T12:00:00Z", ended_date="2026-01-01T13:30:00Z"
    )
    browser, way = signed_in(alice), f"/meetings/{met['display_id']}"
    assert "13:30" in browser.open(way).text
    page = browser.send(_edit(browser, way).form("/edit"), about="Review, again")
    assert "Review, again" in page.text
    browser.send(page.form("/delete"))
    assert browser.open(way).status == 404


def test_a_comment_is_markdown_that_can_do_nothing(alice: Client) -> None:
    made = alice.engagement()
    browser, way = signed_in(alice), f"/engagements/{made['display_id']}"
    body = "**bold** <script>alert(1)</script> [x](javascript:alert(1)) ![i](https://e.example/i)"
    page = browser.send(browser.open(way).form("/comments"), body=body)
    assert "<strong>bold</strong>" in page.source
    assert "<script>alert" not in page.source
    assert not any(one.way.startswith("javascript") for one in page.links)
    assert not any(tag == "img" for tag, _ in page.tags)
    assert browser.send(page.form("/comments"), body=" ").error("body") == "Write something first."


def test_a_private_comment_is_shown_to_those_whom_it_is_for(alice: Client, bob: Client) -> None:
    made = alice.engagement()
    private = {"object": made["id"], "type": "timeline_comment", "visibility": "private"}
    alice.ok("timeline-entries.create", {**private, "body": "Between us"})
    way = f"/engagements/{made['display_id']}"
    assert "Between us" in signed_in(alice).open(way).text
    assert "Between us" not in signed_in(bob).open(way).text


def test_an_absent_engagement_and_another_orgs_are_the_same_page(
    alice: Client, charlie: Client
) -> None:
    made = alice.engagement()
    browser = signed_in(charlie)
    theirs = browser.open(f"/engagements/{made['display_id']}")
    assert theirs.status == 404
    assert theirs.text == browser.open("/engagements/ENGAGEMENT-999999").text.replace(
        "ENGAGEMENT-999999", made["display_id"]
    )


@pytest.mark.engines("sqlite", "postgres")
def test_of_saves_at_the_same_moment_one_is_kept_and_the_others_are_asked(alice: Client) -> None:
    made = alice.engagement(title="First")
    browser, way = signed_in(alice), f"/engagements/{made['display_id']}"
    form = _edit(browser, way).form("/edit")
    with ThreadPoolExecutor(6) as pool:
        pages = list(pool.map(lambda n: browser.send(form, about=f"No. {n}"), range(6)))
    assert sorted(page.status for page in pages) == [200, *[409] * 5]
    now = alice.ok("engagements.get", {"id": made["id"]})["engagement"]["title"]
    asked = [page for page in pages if page.status == 409]
    assert all(now in page.text.partition("What is saved now")[2] for page in asked)
    (kept,) = [page for page in pages if page.status == 200]
    assert now in kept.text
