"""Settings: profile, tokens, people and roles, tags, organisation, health."""

import re
from urllib.parse import urlsplit

import pytest

from tests.support.pages import Browser, Form, Page, signed_in
from tests.support.server import Client


def _once(page: Page, name: str) -> str:
    """The secret that a page shows once."""
    found = re.search(rf'id="{name}" readonly value="([^"]+)"', page.source)
    assert found is not None, page.text
    return found[1]


def test_a_name_a_zone_and_keys_are_kept_with_the_profile(alice: Client) -> None:
    alice.engagement(title="Late", scheduled_date="2023-01-01T23:30:00Z")
    browser = signed_in(alice)
    form = browser.open("/settings").form("/settings/profile")
    assert ("keys", "on") in form.fields
    page = browser.send(form, name="Alice Q", zone="Asia/Tokyo", keys=[])
    assert "Saved." in page.text
    assert alice.ok("dev-users.self")["dev_user"]["display_name"] == "Alice Q"
    home = browser.open("/")
    assert "Monday 2 January 2023" in home.text
    assert 'data-keys="off"' in home.source
    again = browser.send(browser.open("/settings/profile").form("/settings/profile"), zone="")
    assert ("keys", "on") not in again.form("/settings/profile").fields
    assert "Sunday 1 January 2023" in browser.open("/").text


def test_a_refused_profile_keeps_what_was_typed(alice: Client) -> None:
    browser = signed_in(alice)
    page = browser.send(browser.open("/settings/profile").form("/settings/profile"), name="x" * 257)
    assert page.status == 400
    assert "256" in page.error("name")
    assert dict(page.form("/settings/profile").fields)["name"] == "x" * 257


def test_a_new_token_is_shown_once_and_ends_when_it_is_revoked(alice: Client) -> None:
    browser = signed_in(alice)
    form = browser.open("/settings/tokens").form("/settings/tokens")
    page = browser.send(form, hint="Nightly export", scopes="engagement:read", days="30")
    token = _once(page, "made")
    reader = Client(alice.server, token)
    assert reader.ok("engagements.list")["engagements"] == []
    assert reader.call("engagements.create", {}).status == 403
    page = browser.open("/settings/tokens")
    assert token not in page.source
    assert "Nightly export" in page.text
    assert "engagement:read" in page.text
    revoke = next(one for one in page.forms if one.action.endswith("/revoke"))
    assert "revoked" in browser.send(revoke).text
    assert reader.call("engagements.list", {}).status == 401


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [("days", "soon", "Give a number of days"), ("scopes", "nothing:read", "nothing:read")],
)
def test_a_token_that_cannot_be_made_names_the_field(
    alice: Client, field: str, typed: str, said: str
) -> None:
    browser = signed_in(alice)
    form = browser.open("/settings/tokens").form("/settings/tokens")
    page = browser.send(form, **{"hint": "Kept", field: typed})
    assert said in page.error(field)
    assert dict(page.form("/settings/tokens").fields)["hint"] == "Kept"


@pytest.mark.engines("sqlite", "postgres")
def test_a_person_that_is_added_signs_in_by_the_link_that_is_handed_over(alice: Client) -> None:
    browser = signed_in(alice)
    form = browser.open("/settings/people").form("/settings/people")
    email = f"{alice.org.lower()}@new.example"
    page = browser.send(form, email=email, full_name="Nora New", role="viewer")
    link = _once(page, "link")
    assert link.startswith(f"{alice.server.url}/sign-in/")
    nora = Browser(alice.server)
    invited = nora.open(urlsplit(link).path)
    assert "Nora New" in invited.text
    assert nora.send(invited.forms[0]).way == f"{alice.server.url}/"
    assert link not in browser.open("/settings/people").source
    assert nora.open("/log").status == 403
    refused = browser.send(form, email=email, full_name="Somebody else", key="other")
    assert email in refused.error("email")


def test_an_admin_changes_a_role_and_keeps_somebody_out(alice: Client, bob: Client) -> None:
    browser, theirs = signed_in(alice), signed_in(bob)
    way = f"/settings/people/{bob.user}"
    page = browser.send(browser.open(way).form(way), role="viewer")
    assert "Saved." in page.text
    assert theirs.open("/log").status == 403
    assert "deactivated" in browser.send(page.form("/deactivate")).text
    assert "/sign-in" in theirs.open("/").way
    assert "active" in browser.send(browser.open(way).form("/activate")).text
    assert _once(browser.send(browser.open(way).form("/link")), "link")


def test_the_last_admin_stays_one(alice: Client) -> None:
    browser, way = signed_in(alice), f"/settings/people/{alice.user}"
    page = browser.send(browser.open(way).form(way), role="viewer")
    assert page.status == 400
    assert "admin" in page.text
    assert alice.ok("dev-users.self")["dev_user"]["role"] == "admin"


def test_a_bounded_token_makes_no_link_for_anybody(alice: Client, bob: Client) -> None:
    scope = "dev_user:write auth_token:write engagement:read"
    secret = alice.ok("auth-tokens.create", {"scope": scope})["access_token"]
    browser, way = signed_in(Client(alice.server, secret)), f"/settings/people/{bob.user}"
    assert not browser.open(way).has_form("/link")
    assert browser.send(Form("post", f"{way}/link")).status == 403


def test_a_tag_gets_values_another_name_and_goes(alice: Client) -> None:
    browser = signed_in(alice)
    form = browser.open("/settings/tags").form("/settings/tags")
    page = browser.send(form, name="renewal", values="at risk\r\n\r\nsigned ")
    assert "at risk, signed" in page.text
    (made,) = alice.ok("tags.list")["tags"]
    page = browser.open(page.link("renewal"))
    way = f"/settings/tags/{made['display_id']}"
    assert dict(page.form(way).fields)["values"] == "at risk\nsigned"
    browser.send(page.form(way), name="Renewal", description="Of contracts", values="lost")
    tag = alice.ok("tags.get", {"id": made["id"]})["tag"]
    assert (tag["name"], tag["description"], tag["allowed_values"]) == (
        "Renewal",
        "Of contracts",
        ["lost"],
    )
    assert browser.send(page.form(way), name="").error("name")
    assert "Renewal" not in browser.send(page.form("/delete")).text
    assert alice.call("tags.get", {"id": made["id"]}).status == 404


def test_the_org_gets_another_name_and_says_how_much_it_keeps(alice: Client, bob: Client) -> None:
    alice.engagement()
    browser = signed_in(alice)
    page = browser.open("/settings/organisation")
    assert "Engagements 1 Meetings 0" in page.text
    page = browser.send(page.form("/settings/organisation"), name="Globex")
    assert dict(page.form("/settings/organisation").fields)["name"] == "Globex"
    assert browser.send(page.form("/settings/organisation"), name="").error("name")
    assert not signed_in(bob).open("/settings/organisation").has_form("/settings/organisation")
    assert "Globex" in signed_in(bob).open("/settings/organisation").text


def test_health_says_whether_the_store_is_well(alice: Client) -> None:
    page = signed_in(alice).open("/settings/health")
    assert "answers and takes writes" in page.text
    assert "Failed deliveries None" in page.text


def test_a_viewer_sees_no_deed_and_no_part_that_would_be_refused(alice: Client) -> None:
    viewer = alice.server.make_user(alice, role="viewer")
    tag = alice.ok("tags.create", {"name": "size"})["tag"]["display_id"]
    browser = signed_in(viewer)
    page = browser.open("/settings")
    assert not any("Webhooks" in one.text for one in page.links)
    offered = ("/sign-out", "/theme", "/settings/profile", "/search")
    for one in ("tokens", "people", "tags", "organisation", "health"):
        page = browser.open(f"/settings/{one}")
        assert page.status == 200, one
        assert all(form.action.endswith(offered) for form in page.forms), one
    refused = (f"tags/{tag}", f"people/{alice.user}", "webhooks")
    assert [browser.open(f"/settings/{one}").status for one in refused] == [403] * 3
    deeds = ("tags", f"tags/{tag}", f"tags/{tag}/delete", "people", f"people/{alice.user}/link",
             f"people/{alice.user}/deactivate", "organisation", "webhooks", "tokens",
             "tokens/revoke")  # fmt: skip
    fields = [("name", "x"), ("email", "x@x.example"), ("days", "3"), ("token", "TOKEN-1")]
    fields += [("url", "https://x.example")]
    with alice.unchanged():
        answers = [browser.post(f"/settings/{one}", [*fields]).status_code for one in deeds]
    assert answers == [403] * len(deeds)
