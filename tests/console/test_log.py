"""Log an engagement: from the form's fields to an object of the API, and what is asked back."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support import fetch
from tests.support.pages import Browser, Page, signed_in
from tests.support.server import Client
from tests.support.world import make_world

TYPED = {
    "who": "me",
    "kind": "call",
    "about": "Renewal terms",
    "when": "2026-02-03T14:20",
    "notes": "Budget is approved.",
}


def _log(browser: Browser, **typed: Any) -> Page:
    return browser.send(browser.open("/log").form("/log"), **{**TYPED, **typed})


def _only(client: Client) -> Any:
    (found,) = client.ok("engagements.list")["engagements"]
    return found


@pytest.mark.engines("sqlite", "postgres")
def test_what_was_typed_becomes_an_engagement_and_its_page_is_shown(alice: Client) -> None:
    world = make_world(alice)
    browser = signed_in(alice)
    page = _log(browser, who="me, Rita", account="acme", tag=[world.tag["id"]], kind="offline")
    assert page.error("account").startswith("Nobody here is called acme")
    page = browser.send(page.form("/log"), account="Acme")
    made = alice.ok("engagements.list", {"type": ["offline"]})["engagements"][0]
    assert page.way.endswith(f"/engagements/{made['display_id']}?saved")
    assert made["title"] == "Renewal terms"
    assert made["scheduled_date"] == "2026-02-03T14:20:00.000Z"
    assert made["members"][1:] == [world.rev_user["id"]]
    assert made["parents"] == [world.account["id"]]
    assert made["tags"] == [world.tag["id"]]
    assert made["description"] == "Budget is approved."


def test_a_form_sent_twice_makes_one(alice: Client) -> None:
    browser = signed_in(alice)
    form = browser.open("/log").form("/log")
    with ThreadPoolExecutor(4) as pool:
        pages = list(pool.map(lambda _: browser.send(form, **TYPED), range(4)))
    assert len({page.way for page in pages}) == 1
    assert _only(alice)["title"] == "Renewal terms"


def test_the_same_form_with_another_text_asks_and_then_makes_another(alice: Client) -> None:
    browser = signed_in(alice)
    form = browser.open("/log").form("/log")
    browser.send(form, **TYPED)
    page = browser.send(form, **{**TYPED, "about": "Another"})
    assert page.status == 400
    assert browser.send(page.form("/log")).status == 200
    titles = {one["title"] for one in alice.ok("engagements.list")["engagements"]}
    assert titles == {"Renewal terms", "Another"}


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("about", "", "Say what it was about."),
        ("about", "x" * 257, "must have 1 to 256 characters"),
        ("who", "", "Say who took part."),
        ("who", "Nobody Known", "Nobody here is called Nobody Known"),
        ("who", "nobody@example.com", "Nobody here is called nobody@example.com"),
        ("who", "DEVU-999999", "DEVU-999999"),
        ("when", "soon", "Say when it was"),
        ("account", "Nowhere", "Nobody here is called Nowhere"),
        ("notes", "x" * 65537, "65536"),
    ],
)
def test_an_error_names_its_field_and_keeps_what_was_typed(
    alice: Client, field: str, typed: str, said: str
) -> None:
    page = _log(signed_in(alice), **{field: typed})
    assert page.status == 400
    assert said in page.error(field)
    kept = dict(page.form("/log").fields)
    assert {name: kept[name] for name in (*TYPED, field)} == {**TYPED, field: typed}
    assert alice.ok("engagements.count")["count"] == 0


def test_a_name_that_several_have_is_asked_back_with_their_addresses(alice: Client) -> None:
    for address in ("one@acme.example", "two@acme.example"):
        alice.ok("rev-users.create", {"display_name": "Sam Lee", "email": address})
    browser = signed_in(alice)
    page = _log(browser, who="Sam Lee")
    assert "one@acme.example" in page.error("who")
    assert "two@acme.example" in page.error("who")
    assert browser.send(page.form("/log"), who="two@acme.example").status == 200


def test_a_local_time_that_clocks_were_moved_over_is_refused(alice: Client) -> None:
    browser = signed_in(alice)
    browser.http.cookies.set("rapport_zone", "Europe/Berlin")
    page = _log(browser, when="2026-03-29T02:30")
    assert page.error("when") == (
        "2026-03-29 02:30 is no time in Europe/Berlin: clocks were moved over it."
    )
    browser.send(page.form("/log"), when="2026-03-29T03:30")
    assert _only(alice)["scheduled_date"] == "2026-03-29T01:30:00.000Z"


def test_the_kind_meeting_makes_a_meeting_with_its_end(alice: Client) -> None:
    world = make_world(alice)
    browser = signed_in(alice)
    page = _log(
        browser, kind="meeting", ends="2026-02-03T13:00", account=world.account["display_id"]
    )
    assert page.error("ends")
    page = browser.send(page.form("/log"), ends="2026-02-03T15:00")
    (made,) = alice.ok("meetings.list")["meetings"]
    assert page.way.endswith(f"/meetings/{made['display_id']}?saved")
    assert made["ended_date"] == "2026-02-03T15:00:00.000Z"
    assert made["state"] == "completed"
    assert made["parent"]["id"] == world.account["id"]
    assert "Renewal terms" in browser.open("/").rows


def test_files_go_up_before_the_form_and_are_attached_by_it(alice: Client) -> None:
    browser = signed_in(alice)
    place = browser.post("/files", [("name", "photo.png"), ("type", "image/png")])
    made = place.json()
    fields = {one["key"]: one["value"] for one in made["form_data"]}
    # Relative, so that it goes to the host and the path that the page came from.
    assert not made["url"].startswith(("http", "/"))
    way = place.url.join(made["url"])
    sent = fetch.post(way, data=fields, files={"file": ("photo.png", b"\x89PNG", "image/png")})
    assert sent.status_code == 204
    page = _log(browser, file=[made["id"]], about="")
    assert ("file", made["id"]) in page.form("/log").fields
    assert "photo.png" in page.text
    page = browser.send(page.form("/log"), about="With a photo")
    assert _only(alice)["artifacts"] == [made["id"]]
    back = browser.http.get(page.link("photo.png"))
    assert back.content == b"\x89PNG"


def test_people_and_accounts_are_offered_by_name_and_address(alice: Client) -> None:
    make_world(alice)
    alice.ok("rev-users.create", {"display_name": "<b>Rita</b>", "email": "bold@acme.example"})
    browser = signed_in(alice)
    for asked in ("ri", "rita@ac", "RITA"):
        found = browser.open(f"/suggest/people?q={asked}").source
        assert "rita@acme.example" in re.findall(r'data-value="([^"]*)"', found)
        assert "<b>" not in found
    assert 'data-account="Acme"' in browser.open("/suggest/people?q=rita@").source
    assert "Acme" in browser.open("/suggest/accounts?q=ac").source
    assert browser.open("/suggest/people?q=").source.strip() == ""


def test_somebody_new_is_added_with_the_engagement_and_the_account_follows(alice: Client) -> None:
    world = make_world(alice)
    browser = signed_in(alice)
    page = _log(browser, who="me, Inés Calvo, Rita", account="Acme")
    assert "Nobody here is called Inés Calvo" in page.error("who")
    form = page.form("/log")
    assert dict(form.fields)["newcomer_name"] == "Inés Calvo"
    refused = browser.send(form, newcomer="Inés Calvo", newcomer_email="no address")
    assert "no address" in refused.error("newcomer_email")
    with alice.unchanged():
        assert browser.send(form, newcomer="Inés Calvo", newcomer_name="").error("newcomer_name")
    form = refused.form("/log")
    assert ("newcomer", "Inés Calvo") in form.fields
    with ThreadPoolExecutor(2) as pool:
        pages = list(
            pool.map(lambda _: browser.send(form, newcomer_email="ines@acme.example"), "12")
        )
    assert len({page.way for page in pages}) == 1, "a double click adds one"
    (found,) = alice.ok("rev-users.list", {"email": ["ines@acme.example"]})["rev_users"]
    assert found["display_name"] == "Inés Calvo"
    assert found["rev_org"]["id"] == world.rev_user["rev_org"]["id"]
    newest = alice.ok("engagements.list", {"created_by": [alice.user]})["engagements"][0]
    assert newest["members"][1:] == [found["id"], world.rev_user["id"]]


def test_an_unknown_address_is_filled_in_and_asks_for_a_name(alice: Client) -> None:
    browser = signed_in(alice)
    form = _log(browser, who="ada@new.example").form("/log")
    fields = dict(form.fields)
    assert (fields["newcomer_name"], fields["newcomer_email"]) == ("", "ada@new.example")
    page = browser.send(form, newcomer="ada@new.example", newcomer_name="Ada")
    assert page.status == 200
    assert "Ada" in page.text


def test_who_may_add_nobody_is_offered_nobody_new(alice: Client) -> None:
    scope = "engagement:write dev_user:read rev_user:read account:read"
    writer = alice.server.make_user(alice, scope=scope)
    page = _log(signed_in(writer), who="Inés Calvo")
    assert "Nobody here is called" in page.error("who")
    assert "New contact" not in page.text
