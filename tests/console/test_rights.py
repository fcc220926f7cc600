"""No page does what a token may not, none offers it, and what anybody wrote stays text."""

from typing import Any

import pytest

from tests.support.pages import Browser, Form, signed_in
from tests.support.server import Client
from tests.support.world import make_world

HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}\u202e"


def _deeds(browser: Browser, way: str, **typed: str) -> list[int]:
    """How each deed is answered that somebody may try without having been offered it."""
    fields = [*typed.items()]
    ways = ("/log", f"{way}/edit", f"{way}/comments", f"{way}/delete", "/files")
    return [browser.post(one, fields).status_code for one in ways]


def _typed(client: Client, made: Any) -> dict[str, str]:
    return {
        "who": client.user,
        "kind": "call",
        "about": "Mine",
        "when": "2026-01-01T12:00",
        "body": "Comment",
        "version": made["modified_date"],
    }


@pytest.mark.parametrize("scope", [None, "engagement:read dev_user:read"])
def test_a_reader_is_offered_no_deed_and_refused_each(alice: Client, scope: str | None) -> None:
    made = alice.engagement(title="Look")
    role = "viewer" if scope is None else "member"
    reader = alice.server.make_user(alice, role=role, scope=scope)
    browser, way = signed_in(reader), f"/engagements/{made['display_id']}"
    home, page = browser.open("/"), browser.open(way)
    assert home.rows == ["Look"]
    assert "Log an engagement" not in home.text
    assert not any(page.has_form(one) for one in ("/delete", "/comments", "/edit"))
    assert not any("Edit" in one.text for one in page.links)
    with alice.unchanged():
        assert _deeds(browser, way, **_typed(reader, made)) == [403] * 5
        assert browser.open("/log").status == 403
        assert browser.open(f"{way}/edit").status == 403


def test_a_member_does_each_and_another_orgs_admin_none(
    alice: Client, bob: Client, charlie: Client
) -> None:
    made = alice.engagement(title="Alice's")
    way = f"/engagements/{made['display_id']}"
    with alice.unchanged():
        typed = {**_typed(alice, made), "who": made["members"][0]}
        refused = _deeds(signed_in(charlie), way, **typed)
    assert refused[:4] == [400, 404, 404, 404]
    assert _deeds(signed_in(bob), way, **_typed(bob, made)) == [200] * 5


def test_a_token_that_may_not_read_engagements_sees_none(alice: Client) -> None:
    made = alice.engagement(title="Secret")
    other = alice.server.make_user(alice, scope="tag:read")
    browser = Browser(other.server)
    browser.sign_in(other.token)
    for way in ("/", f"/engagements/{made['display_id']}"):
        page = browser.open(way)
        assert page.status == 403
        assert "Secret" not in page.source
        assert "engagement:read" in page.text


def test_hostile_text_in_every_field_is_text_on_every_page(alice: Client) -> None:
    world = make_world(alice)
    person = alice.ok("rev-users.create", {"display_name": HOSTILE, "email": "x@acme.example"})
    account = alice.ok("accounts.create", {"display_name": HOSTILE})["account"]
    tag = alice.ok("tags.create", {"name": HOSTILE, "allowed_values": [HOSTILE]})["tag"]
    fields = {
        "members": [alice.user, person["rev_user"]["id"]],
        "title": HOSTILE,
        "description": HOSTILE,
        "external_ref": HOSTILE,
        "parent": account["id"],
        "tags": [{"id": tag["id"], "value": HOSTILE}],
        "custom_fields": {HOSTILE: HOSTILE},
    }
    made = alice.engagement(**fields)
    alice.ok("engagements.update", {"id": made["id"], "title": HOSTILE + "!"})
    comment = {"object": made["id"], "type": "timeline_comment", "body": HOSTILE}
    alice.ok("timeline-entries.create", comment)
    alice.ok("dev-users.update", {"id": alice.user, "display_name": HOSTILE})
    browser, way = signed_in(alice), f"/engagements/{made['display_id']}"
    query = f"person={world.rev_user['display_id']}&account={account['display_id']}"
    for one in ("/", f"/?{query}&tag={tag['display_id']}", "/log", way, f"{way}/edit"):
        page = browser.open(one)
        assert page.status == 200
        _is_text(page.tags)
    for field in ("who", "about", "when", "account", "notes", "kind", "ends", "tag", "file", "key"):
        page = browser.send(Form("post", "/log"), **{field: HOSTILE})
        _is_text(page.tags)


def _is_text(tags: list[tuple[str, dict[str, str]]]) -> None:
    assert not any(name == "img" for name, _ in tags)
    assert all("src" in given for name, given in tags if name == "script")
    assert not any(name.startswith("on") for _, given in tags for name in given)
