"""Trash: what was deleted, and the way back."""

import pytest

from tests.support.pages import Form, signed_in
from tests.support.server import Client
from tests.support.world import make_world


@pytest.mark.engines("sqlite", "postgres")
def test_what_was_deleted_waits_in_the_trash_and_comes_back(alice: Client) -> None:
    world = make_world(alice)
    met = alice.meeting(title="Review", scheduled_date="2026-01-01T12:00:00Z")
    kept = alice.engagement(title="Kept")
    alice.ok("engagements.delete", {"id": world.engagement["id"]})
    alice.ok("meetings.delete", {"id": met["id"]})
    browser = signed_in(alice)
    trash = browser.open(browser.open("/").link("Trash"))
    assert trash.text.index("Review") < trash.text.index("Kick-off"), "the newest deletion first"
    assert kept["title"] not in trash.text
    assert "deleted by admin" in trash.text
    for form in [one for one in trash.forms if one.action.endswith("/trash")]:
        trash = browser.send(form)
        assert "Restored." in trash.text
    assert "The trash is empty" in trash.text
    assert set(browser.open("/").rows) == {"Kick-off", "Kept", "Review"}
    assert browser.open(trash.link("Open")).status == 200


def test_what_is_gone_since_is_named_when_one_comes_back(alice: Client) -> None:
    world = make_world(alice)
    alice.ok("engagements.delete", {"id": world.engagement["id"]})
    alice.ok("tags.delete", {"id": world.tag["id"]})
    browser = signed_in(alice)
    after = browser.send(browser.open("/trash").form("/trash"))
    assert "Restored, without what is gone since: Tags." in after.text


def test_more_of_the_trash_shows_each_once(alice: Client) -> None:
    for number in range(25):
        for made, family in ((alice.engagement, "engagements"), (alice.meeting, "meetings")):
            one = made(title=f"{family} {number}.")
            alice.ok(f"{family}.delete", {"id": one["id"]})
    browser = signed_in(alice)
    first = browser.open("/trash")
    second = browser.open(first.link("More"))
    found = [
        field[1]
        for page in (first, second)
        for form in page.forms
        if form.action.endswith("/trash")
        for field in form.fields
    ]
    assert len(found) == len(set(found)) == 50


def test_only_those_who_may_delete_see_the_trash(alice: Client) -> None:
    made = alice.engagement(title="Gone")
    alice.ok("engagements.delete", {"id": made["id"]})
    for reader in (
        alice.server.make_user(alice, role="viewer"),
        alice.server.make_user(alice, scope="engagement:write"),
    ):
        browser = signed_in(reader)
        assert not any(one.text == "Trash" for one in browser.open("/").links)
        assert browser.open("/trash").status == 403
        form = Form("post", "/trash", [("path", f"/engagements/{made['display_id']}")])
        assert browser.send(form).status == 403
    assert alice.call("engagements.get", {"id": made["id"]}).status == 404


def test_a_member_without_meetings_sees_deleted_engagements_alone(alice: Client) -> None:
    for made, family in ((alice.engagement, "engagements"), (alice.meeting, "meetings")):
        alice.ok(f"{family}.delete", {"id": made(title=family)["id"]})
    reader = alice.server.make_user(alice, scope="engagement:all")
    page = signed_in(reader).open("/trash")
    assert "engagements" in page.text
    assert "meetings" not in page.text
    form = Form("post", "/trash", [("path", "/tags/TAG-1")])
    assert signed_in(reader).send(form).status == 404
