"""Text that only looks right is refused: names of nothing, addresses and hosts with what can't
be seen.
"""

import sys
import unicodedata
from typing import Any

import pytest

from tests.support.server import Client

pytestmark = pytest.mark.engines("sqlite", "postgres")

UNSEEN = [
    "\ufeff",
    "\u200b",
    "\u200d",
    "\u202e",
    "\u00ad",
    "\u2066",
    "\x07",
    "\x7f",
    "\x85",
    "\U000e0041",
]
BLANKS = [
    "\u200b\u200d",
    "\ufeff",
    "\u2060 \u00ad",
    "\u3164",
    "\u2800",
    "\u034f",
    "\ufe0f",
    "\U000e0100",
    "\x01",
    " \u3000",
]
ADDRESSES = [*(f"a{one}@b.example" for one in UNSEEN), *(f"a@b{one}.example" for one in UNSEEN),
             "Ann <ann@b.example>", "<ann@b.example>", "ann@b.example>"]  # fmt: skip
LABEL = "x" * 63
# What is sent, and what is kept of it.
HOSTS = [
    ("Acme.Example", "acme.example"), (f"{LABEL}.example", f"{LABEL}.example"), ("B\u00dcCHER.example", "b\u00fccher.example"),
    ("stra\u00dfe.example", "stra\u00dfe.example"), ("xn--bcher-kva.example", "xn--bcher-kva.example"),
    ("\u0939\u093f\u0928\u094d\u0926\u0940.example", "\u0939\u093f\u0928\u094d\u0926\u0940.example"), ("intranet", "intranet"),
    ("3m.example", "3m.example"),
]  # fmt: skip
NO_HOSTS = ["", " ", "acme example", "https://acme.example", "acme.example/x", "acme.example:80", "a@acme.example", ".example",
            "acme..example", "acme.example.", f"{LABEL}x.example", "-a.example", "a-.example", "a_b.example", "127.0.0.1", "[::1]",
            "\uff41cme.example", "acme\u3002example", "ac\u200bme.example", "\u00fc" * 60 + ".example",
            ".".join([LABEL] * 4), "ac\u00adme.example"]  # fmt: skip
NO_URLS = ["https://h.example\\@evil.example/", "https://h.example/<x>", 'https://h.example/"', "https://h.example/^",
           "https://h.example/`", "https://a..example/", "https://.example/", "https://h.example./", f"https://{LABEL}x.example/",
           "https://h\u200b.example/", "https://h.example/\ufeff", "https://h.example/\x85", "https:///x", "https://",
           "https://" + "\u00fc" * 60 + ".example"]  # fmt: skip
URLS = ["https://h.example/", f"https://{LABEL}.example/", "HTTPS://h.example:8443/a?b=c#d", "http://[::1]/", "http://127.0.0.1/",
        "https://fa.example/\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "https://b\u00fccher.example/{a}|b"]  # fmt: skip
DEAL = {
    "type": "opportunity",
    "title": "Deal",
    "account": "ACC-1",
    "applies_to_part": "PROD-1",
    "owned_by": ["DEVU-1"],
}
TALK = {"members": ["DEVU-1"], "scheduled_date": "2023-01-01T12:00:00Z", "title": "A call"}
# Every field that names something, beside the least that its method takes.
NAMES: list[tuple[str, str, dict[str, Any]]] = [
    ("engagements.create", "title", TALK), ("engagements.create", "external_ref", TALK), ("works.create", "title", DEAL),
    ("works.create", "external_ref", DEAL), ("accounts.create", "display_name", {}), ("tags.create", "name", {}),
    ("rev-orgs.create", "display_name", {"account": "ACC-1"}), ("rev-users.create", "display_name", {}),
    ("rev-orgs.create", "external_ref", {"account": "ACC-1", "display_name": "x"}), ("rev-users.create", "external_ref", {}),
    ("service-accounts.create", "display_name", {}), ("artifacts.prepare", "file_name", {}),
    ("dev-users.create", "full_name", {"email": "a@b", "state": "shadow"}), ("dev-users.update", "full_name", {"id": "DEVU-1"}),
    ("engagements.update", "title", {"id": "ENGAGEMENT-1"}), ("engagements.update", "external_ref", {"id": "ENGAGEMENT-1"}),
    ("accounts.update", "display_name", {"id": "ACC-1"}), ("rev-users.update", "display_name", {"id": "REVU-1"}),
    ("timeline-entries.create", "external_ref", {"object": "ENGAGEMENT-1", "type": "timeline_comment", "body": "x"}),
]  # fmt: skip


def refused(client: Client, method: str, request: dict[str, Any], field: str, reason: str) -> None:
    """It is refused for this field, and for this reason."""
    answer = client.call(method, request)
    assert (answer.status, answer.type) == (400, "value_not_permitted"), (request, answer.body)
    assert answer.body["field_name"] == field, answer.body
    assert answer.body["reason"].startswith(reason), answer.body


@pytest.fixture
def ann(alice: Client) -> Client:
    """Alice, who has an account."""
    alice.ok("accounts.create", {"display_name": "First"})
    return alice


def test_a_name_or_ref_of_nothing_to_see_is_blank(ann: Client) -> None:
    with ann.unchanged():
        for method, field, least in NAMES:
            for blank in BLANKS:
                refused(ann, method, {**least, field: blank}, field, "must not be blank")
        for method in ("accounts.create", "rev-users.create"):
            refs = {"display_name": "x", "external_refs": ["a", "\u200b"]}
            refused(ann, method, refs, "external_refs[1]", "must not be blank")


def test_what_can_not_be_seen_beside_what_can_is_kept_in_a_name(ann: Client) -> None:
    for title in (
        "\u200bx",
        "\U0001f469\u200d\U0001f4bb",
        "\u2764\ufe0f",
        "\ufeffTalk",
        "\u0645\u06cc\u200c\u062e",
    ):
        assert ann.engagement(title=title)["title"] == title


def test_an_address_with_brackets_or_unseen_characters_is_none(ann: Client) -> None:
    with ann.unchanged():
        for email in ADDRESSES:
            refused(
                ann,
                "dev-users.create",
                {"email": email, "state": "shadow"},
                "email",
                "must be an email",
            )
            refused(
                ann,
                "rev-users.create",
                {"display_name": "x", "email": email},
                "email",
                "must be an email",
            )


def test_addresses_are_the_same_by_case_and_composition_alone(ann: Client) -> None:
    ann.ok("dev-users.create", {"email": "Jos\u00c9@b.example", "state": "shadow"})
    refused(
        ann, "dev-users.create", {"email": "jose\u0301@B.example", "state": "shadow"}, "email", ""
    )
    for email in ("gro\u00df@b.example", "gross@b.example"):
        made = ann.ok("dev-users.create", {"email": email, "state": "shadow"})["dev_user"]
        assert made["email"] == email
        assert ann.ok("dev-users.list", {"email": [email]})["dev_users"] == [made]


def test_a_phone_number_has_digits_and_nothing_unseen(ann: Client) -> None:
    for number in (*(f"{one}+1555{one}" for one in UNSEEN), "", "call me"):
        request = {"display_name": "x", "phone_numbers": ["+1 555", number]}
        assert ann.call("rev-users.create", request).body["field_name"] == "phone_numbers[1]"
    numbers = ["+1 (555) 010-0100 ext. 5", "030 / 123", "\u0663\u0664 5"]
    made = ann.ok("rev-users.create", {"display_name": "x", "phone_numbers": numbers})["rev_user"]
    assert made["phone_numbers"] == numbers


def test_a_domain_is_a_host_name_kept_in_lower_case_once(ann: Client) -> None:
    sent, kept = zip(*HOSTS, strict=True)
    made = ann.ok("accounts.create", {"display_name": "x", "domains": [*sent, *kept]})["account"]
    assert made["domains"] == [*kept]
    for one in (*sent, *kept, kept[0].upper()):
        assert ann.ok("accounts.list", {"domains": [one]})["accounts"] == [made]
        assert ann.get("accounts.list", {"domains": one}).body["accounts"] == [made]
    changed = ann.ok("accounts.update", {"id": made["id"], "domains": ["A.example", "a.EXAMPLE"]})[
        "account"
    ]
    assert changed["domains"] == ["a.example"]
    site = {"account": "ACC-1", "display_name": "x", "domain": "West.Example"}
    west = ann.ok("rev-orgs.create", site)["rev_org"]
    assert west["domain"] == "west.example"
    assert (
        ann.ok("rev-orgs.update", {"id": west["id"], "domain": "East.Example"})["rev_org"]["domain"]
        == "east.example"
    )


def test_what_is_no_host_name_is_no_domain(ann: Client) -> None:
    with ann.unchanged():
        for host in NO_HOSTS:
            refused(
                ann,
                "accounts.create",
                {"display_name": "x", "domains": [host]},
                "domains[0]",
                "must be a host",
            )
            site = {"account": "ACC-1", "display_name": "x", "domain": host}
            refused(ann, "rev-orgs.create", site, "domain", "must be a host")
    assert ann.ok("accounts.list", {"domains": NO_HOSTS})["accounts"] == []


def test_a_url_that_two_programs_read_differently_is_none(ann: Client) -> None:
    with ann.unchanged():
        for url in NO_URLS:
            talk = {**TALK, "members": [ann.user], "external_url": url}
            refused(
                ann, "engagements.create", talk, "external_url", "must be an absolute http(s) URL"
            )
            refused(ann, "webhooks.create", {"url": url}, "url", "must be an absolute http(s) URL")
            site = {"display_name": "x", "websites": [url]}
            refused(ann, "accounts.create", site, "websites[0]", "must be an absolute http(s) URL")
    for url in URLS:
        made = ann.engagement(external_url=url)
        assert made["external_url"] == url


def test_a_website_may_lack_its_scheme(ann: Client) -> None:
    sites = ["acme.example", "www.acme.example/en?a=b", "https://Acme.example"]
    made = ann.ok("accounts.create", {"display_name": "x", "websites": sites})["account"]
    assert made["websites"] == sites
    again = ann.ok(
        "accounts.update", {"id": made["id"], "websites": {"set": ["b.example", "b.example"]}}
    )
    assert again["account"]["websites"] == ["b.example", "b.example"]
    for site in ("ftp://a.example", "a..example", "a b", "", "javascript:alert(1)"):
        refused(
            ann,
            "accounts.create",
            {"display_name": "x", "websites": [site]},
            "websites[0]",
            "must be an",
        )


def test_a_plus_that_a_query_lost_is_named_with_what_to_write(ann: Client) -> None:
    path = "engagements.list?scheduled_date.after=2023-01-01T12:00:00"
    answer = ann.raw("GET", f"{path}+05:45")
    assert (answer.type, answer.body["field_name"]) == (
        "value_not_permitted",
        "scheduled_date.after",
    )
    assert "%2B" in answer.body["detail"]
    assert ann.raw("GET", f"{path}%2B05:45").status == 200
    assert "%2B" not in ann.raw("GET", f"{path}").body["detail"]


def test_the_unseen_are_all_control_and_format_characters(ann: Client) -> None:
    unseen = [
        chr(one)
        for one in range(1, sys.maxunicode + 1)
        if unicodedata.category(chr(one)) in {"Cc", "Cf"}
    ]
    for start in range(0, len(unseen), 50):
        names = [f"5{one}" for one in unseen[start : start + 50]]
        answer = ann.call("rev-users.create", {"display_name": "x", "phone_numbers": names})
        assert len(answer.body["violations"]) == len(names), answer.body
