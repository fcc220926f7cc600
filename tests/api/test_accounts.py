"""accounts.create, get and list."""

import json
from typing import Any

import pytest

from tests.support.server import Client
from tests.support.world import make_world

pytestmark = pytest.mark.engines("sqlite", "postgres")

FULL: dict[str, Any] = {
    "display_name": " Acme, Inc. ", "description": "Makes everything\n", "domains": ["acme.example", "acme.test"],
    "external_refs": ["sf-1", "hs-1"], "tier": "gold", "websites": ["https://acme.example"],
    "custom_fields": {"tnt__size": 5, "tnt__nested": {"list": [1, 2.5, None, "x"], "deep": {"deeper": True}}},
}  # fmt: skip


def test_an_account_comes_with_its_default_rev_org(alice: Client) -> None:
    answer = alice.call("accounts.create", {"display_name": "Acme"})
    assert answer.status == 201
    account, rev_org = answer.body["account"], answer.body["default_rev_org"]
    org = alice.org.removeprefix("DEV-")
    assert account["id"] == f"don:identity:dvrv-us-1:devo/{org}:account/1"
    assert (account["display_id"], account["display_name"], account["owned_by"]) == (
        "ACC-1",
        "Acme",
        [],
    )
    assert account["created_by"]["display_id"] == account["modified_by"]["display_id"] == alice.user
    assert {*account} == {
        "created_by",
        "created_date",
        "display_id",
        "display_name",
        "engagements_last_30_days",
        "id",
        "modified_by",
        "modified_date",
        "owned_by",
    }
    assert rev_org["id"] == f"don:identity:dvrv-us-1:devo/{org}:revo/1"
    assert rev_org["account"] == {
        "type": "account",
        "display_id": "ACC-1",
        "id": account["id"],
        "display_name": "Acme",
    }
    assert (rev_org["display_id"], rev_org["display_name"]) == ("REV-1", "Acme")
    assert alice.ok("accounts.get", {"id": "acc-1"}) == {"account": account}


def test_all_that_is_written_comes_back(alice: Client, bob: Client) -> None:
    tag = alice.ok("tags.create", {"name": "size", "allowed_values": ["s", "m"]})["tag"]
    request = {
        **FULL,
        "owned_by": [bob.user, alice.user, bob.user],
        "tags": [{"id": tag["id"], "value": "m"}],
        "schema_fragment_ids": ["don:core:anything"],
    }
    account = alice.ok("accounts.create", request)["account"]
    assert {name: account[name] for name in FULL} == FULL
    assert [one["display_id"] for one in account["owned_by"]] == [bob.user, alice.user]
    assert account["owned_by"][0]["type"] == "dev_user"
    assert account["tags"] == [
        {
            "tag": {"type": "tag", "display_id": "TAG-1", "id": tag["id"], "name": "size"},
            "value": "m",
        }
    ]
    assert alice.ok("accounts.get", {"id": account["id"]})["account"] == account
    assert alice.ok("accounts.list")["accounts"] == [account]


def test_custom_fields_of_up_to_64_kib_are_given_back_as_sent(alice: Client) -> None:
    empty = len(json.dumps({"text": ""}, separators=(",", ":")))
    for fields in (
        {"text": "x" * (65_536 - empty)},
        {},
        {"big": 2**63 - 1, "small": -(2**63), "pi": 3.141592653589793, "no": False},
        {"\u00fc \U0001f600 key": '\u00fc\n\t"\\/', "": ""},
        {"null": None, "list": [[], {}, [[None]]]},
        {"id": "x", "type": "y", "__proto__": {"constructor": 1}},
    ):
        made = alice.ok("accounts.create", {"display_name": "Acme", "custom_fields": fields})[
            "account"
        ]
        assert made["custom_fields"] == fields
        assert alice.ok("accounts.get", {"id": made["id"]})["account"]["custom_fields"] == fields


@pytest.mark.parametrize(
    ("fields", "type_", "field"),
    [
        ({"text": "x" * 65_536}, "value_not_permitted", "custom_fields"),
        ({"text": "\u00e9" * 32_768}, "value_not_permitted", "custom_fields"),
        ({"text": ["a", "b\0"]}, "value_not_permitted", "custom_fields.text[1]"),
        ({"a\0": 1}, "value_not_permitted", "custom_fields"),
        ([], "unexpected_json_type", "custom_fields"),
        ("{}", "unexpected_json_type", "custom_fields"),
        (None, "unexpected_json_type", "custom_fields"),
        ({"big": 2**70}, "parse_error", None),
        ({"text": "\ud800"}, "parse_error", None),
    ],
)  # fmt: skip
def test_custom_fields_that_can_not_be_kept_are_refused(
    fields: Any, type_: str, field: str | None, alice: Client
) -> None:
    alice.refused(
        "accounts.create", {"display_name": "Acme", "custom_fields": fields}, type_, field
    )


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"display_name": ""}, "value_not_permitted", "display_name"),
    ({"display_name": " "}, "value_not_permitted", "display_name"),
    ({"display_name": "x" * 257}, "value_not_permitted", "display_name"),
    ({"description": "x" * 65_537}, "value_not_permitted", "description"),
    ({"tier": "x" * 2049}, "value_not_permitted", "tier"),
    ({"domains": ["x"] * 201}, "value_not_permitted", "domains"),
    ({"websites": "https://acme.example"}, "unexpected_json_type", "websites"),
    ({"websites": [1]}, "unexpected_json_type", "websites[0]"),
    ({"owned_by": ["DEVU-99"]}, "invalid_id", "owned_by[0]"),
    ({"owned_by": ["ACC-1"]}, "unexpected_id_type", "owned_by[0]"),
    ({"tags": [{"id": "TAG-99"}]}, "invalid_id", "tags[0].id"),
    ({"tags": [{"id": "TAG-1", "value": "none"}]}, "value_not_permitted", "tags[0].value"),
    ({"phone": "1"}, "invalid_field", "phone"),
]


@pytest.mark.parametrize(
    ("change", "type_", "field"),
    REFUSED,
    ids=[f"{field}-{n}" for n, (_, _, field) in enumerate(REFUSED)],
)
def test_what_is_wrong_is_named_and_nothing_is_written(
    change: dict[str, Any], type_: str, field: str, alice: Client
) -> None:
    make_world(alice)
    alice.refused("accounts.create", {"display_name": "Second", **change}, type_, field)


def test_another_org_s_people_and_tags_are_no_references(alice: Client, charlie: Client) -> None:
    theirs = make_world(charlie)
    alice.refused(
        "accounts.create",
        {"display_name": "x", "owned_by": [theirs.rev_user["id"]]},
        "invalid_id",
        "owned_by[0]",
    )
    alice.refused(
        "accounts.create",
        {"display_name": "x", "tags": [{"id": theirs.tag["id"]}]},
        "invalid_id",
        "tags[0].id",
    )


def test_external_refs_are_unique_among_the_org_s_accounts(alice: Client, charlie: Client) -> None:
    alice.ok("accounts.create", FULL)
    answer = alice.refused(
        "accounts.create",
        {"display_name": "Other", "external_refs": ["new", "hs-1"]},
        "conflict",
        status=409,
    )
    assert (
        answer.body["message"]
        == "external_refs: one of 'new', 'hs-1' is in use by another account."
    )
    answer = alice.call("accounts.create", {"display_name": "Other", "external_refs": ["hs-1"]})
    assert answer.body["message"] == "external_refs: 'hs-1' is in use by another account."
    alice.ok("accounts.create", {"display_name": "Other", "external_refs": ["new", "HS-1"]})
    assert charlie.ok("accounts.create", FULL)["account"]["external_refs"] == FULL["external_refs"]
    twice = alice.ok(
        "accounts.create", {"display_name": "Third", "external_refs": ["a", "a", "b"]}
    )["account"]
    assert twice["external_refs"] == ["a", "b"]


def test_of_many_that_want_one_external_ref_at_once_one_gets_it(alice: Client) -> None:
    answers = alice.together(
        [("accounts.create", {"display_name": "Acme", "external_refs": ["sf-1"]})] * 12
    )
    assert sorted(answer.status for answer in answers) == [201] + [409] * 11
    assert len(alice.ok("accounts.list")["accounts"]) == 1


def test_a_list_is_filtered_by_what_accounts_have(alice: Client, bob: Client) -> None:
    tag = alice.ok("tags.create", {"name": "size"})["tag"]
    full = alice.ok(
        "accounts.create", {**FULL, "owned_by": [bob.user], "tags": [{"id": tag["id"]}]}
    )["account"]
    other = bob.ok(
        "accounts.create", {"display_name": "Other", "domains": ["other.example"], "tier": "silver"}
    )["account"]
    for request, found in (
        ({"display_name": [" Acme, Inc. "]}, [full]),
        ({"display_name": ["acme, inc."]}, []),
        ({"domains": ["acme.test"]}, [full]),
        ({"domains": ["acme.test", "other.example"]}, [other, full]),
        ({"external_refs": ["hs-1"]}, [full]),
        ({"tier": ["gold", "silver"]}, [other, full]),
        ({"tier": ["silver"]}, [other]),
        ({"websites": ["https://acme.example"]}, [full]),
        ({"owned_by": [bob.user]}, [full]),
        ({"tags": [tag["id"]]}, [full]),
        ({"created_by": [bob.user]}, [other]),
        ({"created_by": [alice.user, bob.user]}, [other, full]),
        ({"tier": ["gold"], "owned_by": [alice.user]}, []),
        ({"tier": ["gold"], "domains": ["acme.example"], "created_by": [alice.user]}, [full]),
        ({"tags": ["TAG-99"]}, []),
        ({"created_date": {"after": "2100-01-01T00:00:00Z"}}, []),
        ({"modified_date": {"before": "2100-01-01T00:00:00Z"}}, [other, full]),
    ):
        assert alice.ok("accounts.list", request) == {"accounts": found}, request


def test_a_list_is_sorted_and_paged(alice: Client) -> None:
    made = [
        alice.ok("accounts.create", {"display_name": name})["account"]
        for name in ("b", "A", "a", "b", "\u00c4")
    ]
    for sort, wanted in (
        ("created_date:asc", made),
        ("created_date:desc", made[::-1]),
        ("modified_date:asc", made),
        ("display_name:asc", [made[1], made[2], made[0], made[3], made[4]]),
        ("display_name:desc", [made[4], made[3], made[0], made[2], made[1]]),
    ):
        asked: dict[str, Any] = {"sort_by": [sort], "limit": 2}
        found = []
        while True:
            page = alice.ok("accounts.list", asked)
            found += page["accounts"]
            if "next_cursor" not in page:
                break
            asked["cursor"] = page["next_cursor"]
        assert found == wanted, sort
        last = alice.ok("accounts.list", {"sort_by": [sort], "limit": 2, "mode": "before"})
        assert last["accounts"] == wanted[-2:]
    assert alice.ok("accounts.list")["accounts"] == made[::-1]
