"""Every page: for everybody, on every screen, in both themes, whatever the texts on it are."""

import os
from datetime import UTC, datetime
from typing import NamedTuple

import pytest

from tests.console.browser.doing import sign_in
from tests.console.browser.window import Window
from tests.support.server import Client, Server

PAGES = [
    "timeline", "filtered", "log", "engagement", "edit", "accounts", "account", "people", "team",
    "person", "trash", "tokens", "overview", "calendar", "search",
]  # fmt: skip
if "RAPPORT_TEST_LONG" in os.environ:
    PAGES += [
        "profile", "webhooks", "webhook", "members", "member", "tags", "tag", "organisation",
        "health", "opportunities", "opportunity",
    ]  # fmt: skip
pytestmark = pytest.mark.timeout(300)
# Markup, a template's braces, a link that runs, text from right to left, and no place to break.
HOSTILE = "<img src=x onerror=alert(1)>{{ 7 * 7 }}</td>'\"&amp; \u202eabc مرحبا " + "W" * 80
# Pages that show no text of anybody's but names.
WITHOUT = {"webhooks", "webhook", "organisation", "health"}
LINK = "[x](javascript:alert(1)) <script>alert(1)</script>"


class Hostile(NamedTuple):
    """An org in which every text is hostile."""

    client: Client
    paths: dict[str, str]


@pytest.fixture(scope="session")
def hostile(server: Server) -> Hostile:
    client = server.make_org("<b>Org</b> & {{ org }}")
    tag = _tag(client)
    account = client.ok(
        "accounts.create",
        {
            "display_name": HOSTILE,
            "description": LINK,
            "tier": HOSTILE[:60],
            "owned_by": [client.user],
            "tags": [{"id": tag}],
        },
    )["account"]
    person = client.ok(
        "rev-users.create", {"display_name": HOSTILE, "account": account["id"], "description": LINK}
    )["rev_user"]
    client.ok("dev-users.self.update", {"display_name": HOSTILE, "full_name": HOSTILE})
    made = client.engagement(
        title=HOSTILE,
        description=f"{HOSTILE}\n{LINK}",
        members=[client.user, person["id"]],
        parents=[account["id"]],
        external_url="https://example.com/" + "w" * 200,
        external_ref="r" * 200,
        custom_fields={"tnt__note": HOSTILE},
    )
    client.engagement(title=HOSTILE, scheduled_date="2099-01-01T12:00:00.000Z")
    comment = {"object": made["id"], "type": "timeline_comment", "body": f"{HOSTILE}\n\n{LINK}"}
    client.ok("timeline-entries.create", comment)
    client.ok("engagements.update", {"id": made["id"], "title": HOSTILE[::-1]})
    client.ok("engagements.update", {"id": made["id"], "title": HOSTILE})
    work = {
        "type": "opportunity",
        "title": HOSTILE,
        "account": account["id"],
        "applies_to_part": "PROD-1",
        "owned_by": [client.user],
        "body": LINK,
    }
    sold = client.ok("works.create", work)["work"]
    client.engagement(
        title=HOSTILE, parent=sold["id"], scheduled_date=datetime.now(UTC).isoformat()
    )
    gone = client.engagement(title=HOSTILE, parent=account["id"])
    client.ok("engagements.delete", {"id": gone["id"]})
    client.ok("auth-tokens.create", {"token_hint": HOSTILE})
    url = "https://hooks.invalid/" + "w" * 200
    types = ["engagement_created", "timeline_entry_updated"]
    hook = client.ok("webhooks.create", {"url": url, "event_types": types})["webhook"]
    engagement = f"/engagements/{made['display_id']}"
    return Hostile(
        client,
        {
            "timeline": "/",
            "filtered": f"/?kind=call&person=me&account={account['display_id']}",
            "log": "/log",
            "engagement": engagement,
            "edit": f"{engagement}/edit",
            "accounts": "/accounts",
            "account": f"/accounts/{account['display_id']}",
            "people": "/people",
            "team": "/people?who=team",
            "person": f"/people/{person['display_id']}",
            "opportunities": "/opportunities",
            "opportunity": f"/opportunities/{sold['display_id']}",
            "search": "/search?q=img",
            "calendar": "/calendar?person=",
            "overview": "/overview",
            "trash": "/trash",
            "tokens": "/settings/tokens",
            "profile": "/settings/profile",
            "webhooks": "/settings/webhooks",
            "webhook": f"/settings/webhooks/{hook['display_id']}",
            "members": "/settings/people",
            "member": f"/settings/people/{client.user}",
            "tags": "/settings/tags",
            "tag": f"/settings/tags/TAG-{tag.rpartition('/')[2]}",
            "organisation": "/settings/organisation",
            "health": "/settings/health",
        },
    )


def _tag(client: Client) -> str:
    request = {"name": HOSTILE[:100], "description": HOSTILE, "allowed_values": [HOSTILE]}
    return str(client.ok("tags.create", request)["tag"]["id"])


@pytest.mark.parametrize("page", PAGES)
def test_a_page_holds_whatever_is_written_on_it(
    window: Window, hostile: Hostile, page: str
) -> None:
    window.page.on("dialog", lambda dialog: window.complaints.append(dialog.message))
    sign_in(window, hostile.client)
    window.open(hostile.paths[page])
    assert window.shifts() == 0
    if page not in {"log", "filtered", *WITHOUT}:
        assert "<img src=x onerror=alert(1)>{{ 7 * 7 }}</td>" in window.text()
    assert window.page.locator("main img, main script, a[href^=javascript]").count() == 0
    window.fits()
    window.is_accessible()


@pytest.mark.parametrize("page", ["/", "/accounts", "/people", "/people?who=team", "/overview"])
def test_an_empty_page_says_what_to_do_next(window: Window, alice: Client, page: str) -> None:
    sign_in(window, alice)
    window.open(page)
    window.fits((320, 1440))
    window.is_accessible(("light",))


def test_the_door_and_a_refusal_are_for_everybody(window: Window, alice: Client) -> None:
    window.open("/sign-in")
    window.fits()
    window.is_accessible()
    sign_in(window, alice)
    window.page.goto(f"{window.url}/engagements/ENGAGEMENT-404")
    window.said("404")
    window.fits()
    window.is_accessible()
