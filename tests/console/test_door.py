"""The door: who is let in, by what, for how long, and from where forms are taken."""

import re
from urllib.parse import urlsplit

import pytest

from tests.support import fetch
from tests.support.pages import HTML, Browser, signed_in
from tests.support.server import Client, Server

pytestmark = pytest.mark.engines("sqlite", "postgres")


def _at_the_door(browser: Browser, way: str = "/") -> bool:
    return "/sign-in" in browser.open(way).way


def test_a_token_pasted_once_signs_its_user_in(server: Server, alice: Client) -> None:
    browser = Browser(server)
    door = browser.open("/log?who=me")
    assert door.way.endswith("/sign-in?next=/log%3Fwho%3Dme")
    after = browser.send(door.form("/sign-in"), token=alice.token)
    assert after.way.endswith("/log?who=me")
    cookie = next(iter(browser.http.cookies.jar))
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert cookie.get_nonstandard_attr("SameSite") == "lax"
    assert alice.token not in after.source


def test_a_wrong_token_is_refused_and_never_shown(server: Server) -> None:
    browser = Browser(server)
    page = browser.sign_in("rpt_wrong")
    assert page.status == 401
    assert page.error("token") == "The token is malformed."
    assert "rpt_wrong" not in page.source


@pytest.mark.parametrize("way", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_the_way_back_is_a_path_of_ours(alice: Client, way: str) -> None:
    browser = Browser(alice.server)
    answer = browser.post("/sign-in", [("token", alice.token), ("next", way)])
    assert answer.status_code == 200
    assert str(answer.url) == f"{alice.server.url}/"


def test_a_one_time_link_signs_in_once_and_only_by_its_button(alice: Client) -> None:
    link = alice.server.run("login", user=alice.user, org=alice.org)["url"]
    way = urlsplit(link).path
    looked = [Browser(alice.server).open(way) for _ in range(2)]
    assert all("Alice's" in page.text for page in looked), "a GET uses nothing up"
    browser = Browser(alice.server)
    page = browser.open(way)
    assert browser.send(page.forms[0]).way == f"{alice.server.url}/"
    again = Browser(alice.server)
    assert again.open(way).status == 401
    assert "used already" in again.send(page.forms[0]).text
    assert _at_the_door(again)


def test_a_new_session_takes_the_place_of_the_one_before(alice: Client, bob: Client) -> None:
    browser = signed_in(alice)
    before = dict(browser.http.cookies)
    browser.post("/sign-in", [("token", bob.token)])
    assert dict(browser.http.cookies) != before
    old = Browser(alice.server)
    old.http.cookies.update(before)
    assert _at_the_door(old)


def test_signing_out_ends_one_session_and_everywhere_ends_all(alice: Client) -> None:
    here, there = signed_in(alice), signed_in(alice)
    kept = dict(here.http.cookies)
    form = here.open("/").form("/sign-out")
    assert "/sign-in" in here.send(form).way
    here.http.cookies.update(kept)
    assert _at_the_door(here)
    assert not _at_the_door(there)
    here.sign_in(alice.token)
    there.send(there.open("/").form("/sign-out"), everywhere="1")
    assert _at_the_door(here)
    assert not _at_the_door(signed_in(alice))


def test_a_revoked_token_ends_its_session_at_once(alice: Client, bob: Client) -> None:
    browser = signed_in(bob)
    bob.ok("auth-tokens.self.delete")
    assert _at_the_door(browser)


def test_a_deactivated_user_is_out_at_once_however_they_came_in(alice: Client, bob: Client) -> None:
    by_token, by_link = signed_in(bob), Browser(bob.server)
    link = bob.server.run("login", user=bob.user, org=bob.org)["url"]
    by_link.send(by_link.open(urlsplit(link).path).forms[0])
    assert not _at_the_door(by_link)
    alice.ok("dev-users.deactivate", {"id": bob.user})
    assert _at_the_door(by_token)
    assert _at_the_door(by_link)


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"origin": "https://evil.example", "sec_fetch_site": ""},
        {"origin": "null", "sec_fetch_site": ""},
    ],
)
def test_a_form_of_another_site_does_nothing(alice: Client, headers: dict[str, str]) -> None:
    browser = signed_in(alice)
    made = alice.engagement()
    given = {name: value for name, value in headers.items() if value}
    if len(given) < len(headers):
        browser.http.headers.pop("sec-fetch-site", None)
        sent = {"content-type": "application/x-www-form-urlencoded", "origin": headers["origin"]}
        answer = browser.http.post(f"/engagements/{made['display_id']}/delete", headers=sent)
    else:
        answer = browser.post(f"/engagements/{made['display_id']}/delete", [], **given)
    assert answer.status_code == 403
    assert alice.call("engagements.get", {"id": made["id"]}).status == 200


def test_a_fragment_whose_session_ended_leads_the_whole_page_to_the_door(alice: Client) -> None:
    browser = Browser(alice.server)
    asked = {"hx-request": "true", "x-asked": "https://here.example/base/log"}
    answer = browser.http.get("/log", headers=asked)
    assert answer.status_code == 401
    assert answer.headers["hx-redirect"] == "https://here.example/base/sign-in"


def test_pages_run_nothing_inline_and_are_kept_nowhere(alice: Client) -> None:
    browser = signed_in(alice)
    for way in ("/", "/log", "/sign-in", "/nothing-here"):
        answer = browser.http.get(way)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert not re.search(r"<style|<script(?! src)|\son[a-z]+=|\sstyle=", answer.text)


def test_files_of_pages_are_kept_for_good_and_named_by_their_content(
    alice: Client,
) -> None:
    browser = Browser(alice.server)
    sheet = re.search(r'href="(static/[0-9a-f]+)/console\.css"', browser.open("/sign-in").source)
    assert sheet is not None
    for name in ("console.css", "console.js", "htmx.js", "htmx.LICENSE.txt", "mark.svg"):
        answer = browser.http.get(f"/{sheet[1]}/{name}")
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    assert browser.open("/static/0000/console.css").status == 404


def test_an_unknown_path_is_a_page_for_people_and_json_for_programs(server: Server) -> None:
    for accept, kind in (
        (HTML, "text/html"),
        ("*/*", "application/json"),
        ("", "application/json"),
    ):
        answer = fetch.get(f"{server.url}/nothing-here", headers={"accept": accept})
        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith(kind)


def test_programs_find_the_reference_at_the_root_as_before(server: Server) -> None:
    answer = fetch.get(f"{server.url}/", headers={"accept": "application/json"})
    assert (answer.status_code, answer.headers["location"]) == (307, "docs")


def test_the_theme_is_chosen_without_script(alice: Client) -> None:
    browser = signed_in(alice)
    page = browser.send(browser.open("/log").form("/theme"), theme="dark")
    assert page.way.endswith("/log")
    assert '<html lang="en" data-theme="dark">' in page.source
