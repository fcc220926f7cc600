"""engagements.create: what is written is what comes back."""

import re
import time
from typing import Any

import pytest

from rapport.clock import parse_rfc3339
from tests.support.server import Client
from tests.support.world import make_world

pytestmark = pytest.mark.engines("sqlite", "postgres")

LEAST: dict[str, Any] = {"scheduled_date": "2023-01-01T12:00:00.000Z", "title": "A call"}


def test_the_least_request_gets_the_documented_answer(alice: Client) -> None:
    answer = alice.call("engagements.create", {"members": [alice.user], **LEAST})
    assert answer.status == 201
    assert {*answer.body} == {"engagement"}
    made = answer.body["engagement"]
    org = alice.org.removeprefix("DEV-")
    me = alice.ok("dev-users.self")["dev_user"]
    summary = {
        "type": "dev_user",
        "display_id": alice.user,
        "id": me["id"],
        "display_name": me["display_name"],
        "email": me["email"],
        "state": "active",
    }
    assert made == {
        "created_by": summary,
        "created_date": made["created_date"],
        "display_id": "ENGAGEMENT-1",
        "engagement_type": "default",
        "id": f"don:core:dvrv-us-1:devo/{org}:engagement/1",
        "members": [me["id"]],
        "modified_by": summary,
        "modified_date": made["created_date"],
        "scheduled_date": "2023-01-01T12:00:00.000Z",
        "title": "A call",
    }
    assert abs(parse_rfc3339(made["created_date"]) / 1e6 - time.time()) < 60
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", made["created_date"])


def test_everything_that_is_written_comes_back_and_is_read_again(alice: Client) -> None:
    world = make_world(alice)
    made = world.engagement
    assert made["members"] == [alice.ok("dev-users.self")["dev_user"]["id"], world.rev_user["id"]]
    assert made["parent"] == world.account["id"]
    assert made["parents"] == [world.account["id"], world.opportunity["id"]]
    assert made["tags"] == [world.tag["id"]]
    assert made["tag_values"] == {world.tag["id"]: "small"}
    assert (made["title"], made["engagement_type"], made["description"]) == (
        "Kick-off",
        "call",
        "First call",
    )
    assert (made["external_ref"], made["external_url"]) == ("crm-1", "https://example.com/1")
    assert alice.ok("engagements.get", {"id": made["id"]}) == {"engagement": made}
    assert alice.ok("engagements.list") == {"engagements": [made]}


@pytest.mark.parametrize("kind", ["call", "default", "email", "linked_in", "offline"])
def test_every_documented_type_is_taken(kind: str, alice: Client) -> None:
    assert alice.engagement(engagement_type=kind)["engagement_type"] == kind


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("2023-01-01T12:00:00Z", "2023-01-01T12:00:00.000Z"),
        ("2023-01-01t12:00:00z", "2023-01-01T12:00:00.000Z"),
        ("2023-01-01T12:00:00+02:00", "2023-01-01T10:00:00.000Z"),
        ("2023-01-01T00:30:00-23:59", "2023-01-02T00:29:00.000Z"),
        ("2023-01-01T12:00:00.1Z", "2023-01-01T12:00:00.100Z"),
        ("2023-01-01T12:00:00.123Z", "2023-01-01T12:00:00.123Z"),
        ("2023-01-01T12:00:00.1234Z", "2023-01-01T12:00:00.123400Z"),
        ("2023-01-01T12:00:00.123456Z", "2023-01-01T12:00:00.123456Z"),
        ("2023-01-01T12:00:00.123000Z", "2023-01-01T12:00:00.123Z"),
        ("2023-01-01T12:00:00.123456999Z", "2023-01-01T12:00:00.123456Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z"),
        ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
        ("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"),
    ],
)
def test_a_date_comes_out_in_utc_with_three_digits_or_six(
    sent: str, shown: str, alice: Client
) -> None:
    made = alice.engagement(scheduled_date=sent)
    assert made["scheduled_date"] == shown
    assert alice.ok("engagements.get", {"id": made["id"]})["engagement"] == made


TEXTS = ["  spaces  ", "tab\there", "line\nbreak\r\n", "e\u0301 is not \u00e9", "\U0001f9d1\u200d\U0001f680 \U0001f1e9\U0001f1ea", "\u202eltr\u202c",
         "\ufeffbom", "\ufffd", "\U0010ffff", "\u0001x\u001f\u007f", "'; DROP TABLE engagements; --", '"quoted" \\ %s {0} $1 :name ?',
         "</script><b>x", "a\u2028b\u2029", "x" * 256, "\U0001f600" * 256, "\u0130\u0131\u00df", "0", "null", "\\ud800"]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_text_comes_back_exactly_as_written(text: str, alice: Client) -> None:
    made = alice.engagement(title=text, description=text, external_ref=text)
    for shown in (made, alice.ok("engagements.get", {"id": made["id"]})["engagement"]):
        assert [shown[name] for name in ("title", "description", "external_ref")] == [text] * 3
    assert alice.ok("engagements.list", {"external_ref": [text]})["engagements"] == [made]
    assert alice.get("engagements.list", {"external_ref": [f'"{text}"']}).body["engagements"] == [
        made
    ]


def test_the_longest_values_are_taken(alice: Client) -> None:
    url = "https://example.com/" + "x" * 2028
    made = alice.engagement(
        title="\u00e9" * 256,
        description="\u00e9" * 65_536,
        external_ref="\u00e9" * 512,
        external_url=url,
    )
    assert made["description"] == "\u00e9" * 65_536
    assert (len(made["title"]), len(made["external_ref"]), len(made["external_url"])) == (
        256,
        512,
        2048,
    )
    assert alice.engagement(description="")["description"] == ""


@pytest.mark.parametrize(
    "url",
    [
        "http://a",
        "HTTPS://Example.COM/%20?q=1#f",
        "https://user@example.com:8443/",
        "https://[::1]/",
        "https://m\u00fcnchen.example/\u00fc",
    ],
)
def test_a_url_comes_back_as_written(url: str, alice: Client) -> None:
    assert alice.engagement(external_url=url)["external_url"] == url


@pytest.mark.parametrize(
    "url", ["", " https://example.com", "//example.com", "/path", "https:example.com", "javascript:alert(1)", "mailto:a@example.com", "https://example.com:99999/",
            "https://example.com:x/", "https://[::1", "https://a\tb", "http://\u3000"]
)  # fmt: skip
def test_what_is_no_absolute_http_url_is_refused(url: str, alice: Client) -> None:
    alice.refused(
        "engagements.create",
        {"members": [alice.user], **LEAST, "external_url": url},
        "value_not_permitted",
        "external_url",
    )


def test_fifty_members_of_every_kind_are_taken_in_their_order(alice: Client) -> None:
    users = [
        alice.ok("rev-users.create", {"display_name": f"R{n}"})["rev_user"]["id"] for n in range(48)
    ]
    users = [*users[24:], alice.ok("dev-users.self")["dev_user"]["id"], *users[:24]]
    made = alice.engagement(members=[*users, "SYSU-1"])
    assert made["members"][:49] == users
    assert made["members"][49].endswith(":sysu/1")
    assert alice.ok("engagements.list", {"members": [users[-1]]})["engagements"] == [made]


def test_duplicate_ids_count_once_at_their_first_place(alice: Client) -> None:
    world = make_world(alice)
    me, rita, acme, deal = (
        world.engagement["members"][0],
        world.rev_user,
        world.account,
        world.opportunity,
    )
    made = alice.engagement(
        members=[alice.user, rita["id"], alice.user.lower(), rita["display_id"], me],
        parents=[deal["display_id"], acme["id"], deal["id"]],
        tags=[
            {"id": world.tag["id"], "value": "large"},
            {"id": world.tag["display_id"], "value": "small"},
        ],
    )
    assert made["members"] == [me, rita["id"]]
    assert made["parents"] == [deal["id"], acme["id"]]
    assert made["parent"] == deal["id"]
    assert (made["tags"], made["tag_values"]) == ([world.tag["id"]], {world.tag["id"]: "large"})
    assert alice.ok(
        "engagements.list", {"members": [me], "parent": [deal["id"]], "type": ["default"]}
    )["engagements"] == [made]


def test_parent_and_parents_are_their_union_with_parent_first(alice: Client) -> None:
    world = make_world(alice)
    acme, deal = world.account["id"], world.opportunity["id"]
    for fields, parents in (
        ({"parent": acme}, [acme]),
        ({"parents": [deal, acme]}, [deal, acme]),
        ({"parent": acme, "parents": [deal]}, [acme, deal]),
        ({"parent": acme, "parents": [deal, acme]}, [acme, deal]),
        ({"parent": acme, "parents": []}, [acme]),
    ):
        made = alice.engagement(**fields)
        assert (made["parent"], made["parents"]) == (parents[0], parents)
    bare = alice.engagement(parents=[])
    assert not {"parent", "parents"} & {*bare}


def test_a_tag_comes_with_a_value_without_one_or_as_a_bare_string(alice: Client) -> None:
    size = alice.ok("tags.create", {"name": "size", "allowed_values": ["small", ""]})["tag"]
    plain = alice.ok("tags.create", {"name": "plain"})["tag"]
    made = alice.engagement(tags=[{"id": size["id"], "value": ""}, plain["display_id"]])
    assert made["tags"] == [size["id"], plain["id"]]
    assert made["tag_values"] == {size["id"]: ""}
    assert "tag_values" not in alice.engagement(tags=[{"id": size["id"]}])
    assert not {"tags", "tag_values"} & {*alice.engagement(tags=[])}


def test_a_value_that_the_tag_does_not_allow_is_refused_with_those_it_does(alice: Client) -> None:
    world = make_world(alice)
    request = {
        "members": [alice.user],
        **LEAST,
        "tags": [{"id": world.tag["id"], "value": "Small"}],
    }
    answer = alice.refused("engagements.create", request, "value_not_permitted", "tags[0].value")
    assert answer.body["allowed_values"] == ["small", "large"]


def test_numbers_count_up_and_are_not_used_again(alice: Client) -> None:
    first, second = alice.engagement(), alice.engagement()
    assert [first["display_id"], second["display_id"]] == ["ENGAGEMENT-1", "ENGAGEMENT-2"]
    alice.ok("engagements.delete", {"id": second["id"]})
    assert int(alice.engagement()["display_id"].rpartition("-")[2]) > 2


def test_whoever_writes_is_the_author(alice: Client, bob: Client) -> None:
    made = bob.engagement(members=[alice.user])
    assert made["created_by"]["display_id"] == made["modified_by"]["display_id"] == bob.user


def test_another_org_s_ids_are_no_references_whatever_their_spelling(
    alice: Client, charlie: Client
) -> None:
    theirs = make_world(charlie)
    request = {"members": [alice.user], **LEAST}
    for name, value, path in (
        ("members", [alice.user, theirs.rev_user["id"]], "members[1]"),
        ("parent", theirs.account["id"], "parent"),
        ("parents", [theirs.opportunity["id"]], "parents[0]"),
        ("tags", [{"id": theirs.tag["id"]}], "tags[0].id"),
        ("tags", [theirs.tag["id"]], "tags[0].id"),
        ("parent", theirs.account["display_id"], "parent"),
        ("artifacts", [theirs.tag["id"].replace("tag", "artifact")], "artifacts[0]"),
    ):
        answer = alice.refused("engagements.create", {**request, name: value}, "invalid_id", path)
        absent = (
            alice.call("engagements.create", {**request, name: "ACC-999"})
            if name == "parent"
            else None
        )
        assert absent is None or absent.type == answer.type


def test_an_external_ref_is_the_org_s_own(alice: Client, charlie: Client) -> None:
    alice.engagement(external_ref="crm-1")
    assert charlie.engagement(external_ref="crm-1")["external_ref"] == "crm-1"
    assert alice.engagement(external_ref="CRM-1")["external_ref"] == "CRM-1"
    assert alice.engagement(external_ref="crm-1 ")["external_ref"] == "crm-1 "


def test_an_external_ref_in_use_names_who_has_it_and_writes_nothing(alice: Client) -> None:
    first = alice.engagement(external_ref="crm-1")
    request = {"members": [alice.user], **LEAST, "external_ref": "crm-1"}
    answer = alice.refused("engagements.create", request, "value_not_permitted", "external_ref")
    assert answer.body["existing_id"] == first["id"]


def test_of_many_that_want_one_external_ref_at_once_one_gets_it(alice: Client) -> None:
    request = {"members": [alice.user], **LEAST, "external_ref": "crm-1"}
    answers = alice.together([("engagements.create", request)] * 24)
    won = [answer for answer in answers if answer.status == 201]
    lost = [answer for answer in answers if answer.status != 201]
    assert len(won) == 1
    assert {(answer.status, answer.type, answer.body["existing_id"]) for answer in lost} == {
        (400, "value_not_permitted", won[0].body["engagement"]["id"])
    }
    assert alice.ok("engagements.count") == {"count": 1}


def test_of_many_at_once_each_gets_its_own_number_and_its_own_text(alice: Client) -> None:
    titles = [f"Call {number}" for number in range(48)]
    requests = [
        ("engagements.create", {"members": [alice.user], **LEAST, "title": title})
        for title in titles
    ]
    made = [answer.body["engagement"] for answer in alice.together(requests)]
    assert [one["title"] for one in made] == titles
    assert len({one["id"] for one in made}) == 48
    assert alice.ok("engagements.count") == {"count": 48}


def test_a_bad_request_among_good_ones_fails_alone(alice: Client) -> None:
    good: dict[str, Any] = {"members": [alice.user], **LEAST}
    requests = [
        ("engagements.create", good if number % 3 else {**good, "parent": "ACC-9"})
        for number in range(30)
    ]
    answers = alice.together(requests)
    assert [answer.status for answer in answers] == [
        201 if number % 3 else 400 for number in range(30)
    ]
    assert alice.ok("engagements.count") == {"count": 20}


def test_expand_turns_ids_into_summaries(alice: Client) -> None:
    world = make_world(alice)
    me, rita, acme, deal, tag = (
        alice.ok("dev-users.self")["dev_user"],
        world.rev_user,
        world.account,
        world.opportunity,
        world.tag,
    )
    request = {
        "members": [alice.user, rita["id"]],
        **LEAST,
        "parent": acme["id"],
        "parents": [deal["id"]],
        "tags": [{"id": tag["id"], "value": "small"}],
    }
    made = alice.ok(
        "engagements.create", {**request, "expand": ["members", "parents", "tags", "artifacts"]}
    )["engagement"]
    assert [one["type"] for one in made["members"]] == ["dev_user", "rev_user"]
    assert [one["id"] for one in made["members"]] == [me["id"], rita["id"]]
    assert made["members"][1]["rev_org"]["type"] == "rev_org"
    assert made["parent"] == made["parents"][0]
    assert made["parent"] == {
        "type": "account",
        "display_id": acme["display_id"],
        "id": acme["id"],
        "display_name": "Acme",
    }
    assert (made["parents"][1]["type"], made["parents"][1]["title"]) == ("opportunity", "Deal")
    assert made["parents"][1]["owned_by"][0]["id"] == me["id"]
    assert made["tags"] == [
        {
            "tag": {
                "type": "tag",
                "display_id": tag["display_id"],
                "id": tag["id"],
                "name": "size",
            },
            "value": "small",
        }
    ]
    assert made["tag_values"] == {tag["id"]: "small"}
    plain = alice.ok("engagements.get", {"id": made["id"]})["engagement"]
    assert plain["members"] == [me["id"], rita["id"]]
    assert plain["parents"] == [acme["id"], deal["id"]]


def test_the_header_expands_too_and_the_field_comes_before_it(alice: Client) -> None:
    request = {"members": [alice.user], **LEAST}
    made = alice.ok("engagements.create", request, x_rapport_expand="members, parents")[
        "engagement"
    ]
    assert made["members"][0]["type"] == "dev_user"
    made = alice.ok("engagements.create", {**request, "expand": []}, x_rapport_expand="members")[
        "engagement"
    ]
    assert isinstance(made["members"][0], str)
    answer = alice.refused(
        "engagements.create",
        request,
        "invalid_enum_value",
        "X-Rapport-Expand",
        x_rapport_expand="members,all",
    )
    assert answer.body["value"] == "all"
    assert answer.body["allowed_values"] == ["members", "parents", "tags", "artifacts"]


# (what is changed in a good request, the error's type, the field that it names); test_refusals has
# the rest
DEEP: list[tuple[Any, str, str]] = [
    ({"title": "\ud800"}, "parse_error", ""),
    ({"title": ["x"]}, "unexpected_json_type", "title"),
    ({"title": {"x": 1}}, "unexpected_json_type", "title"),
    ({"members": [["DEVU-1"]]}, "unexpected_json_type", "members[0]"),
    ({"members": [{"id": "DEVU-1"}]}, "unexpected_json_type", "members[0]"),
    ({"tags": [[]]}, "unexpected_json_type", "tags[0]"),
    ({"tags": [{"id": None}]}, "unexpected_json_type", "tags[0].id"),
    ({"tags": [{"id": {"id": "TAG-1"}}]}, "unexpected_json_type", "tags[0].id"),
    ({"tags": [{"id": "TAG-1", "value": None}]}, "unexpected_json_type", "tags[0].value"),
    ({"tags": [{"id": "TAG-1", "value": "\0"}]}, "value_not_permitted", "tags[0].value"),
    ({"tags": ["ACC-1"]}, "unexpected_id_type", "tags[0].id"),
    ({"tags": [7]}, "unexpected_json_type", "tags[0]"),
    ({"tags": [{"id": f"TAG-{number}"} for number in range(1, 52)]}, "value_not_permitted", "tags"),
    ({"expand": "members"}, "unexpected_json_type", "expand"),
    ({"expand": None}, "unexpected_json_type", "expand"),
    ({"description": "a\0"}, "value_not_permitted", "description"),
    ({"external_ref": "\0"}, "value_not_permitted", "external_ref"),
    ({"external_url": 5}, "unexpected_json_type", "external_url"),
    ({"scheduled_date": "2023-01-01T24:00:00Z"}, "value_not_permitted", "scheduled_date"),
    ({"scheduled_date": "2023-01-01T12:00:00+24:00"}, "value_not_permitted", "scheduled_date"),
    ({"scheduled_date": "2023-01-01T12:00:00+0200"}, "value_not_permitted", "scheduled_date"),
    ({"scheduled_date": "9999-12-31T23:59:59-01:00"}, "value_not_permitted", "scheduled_date"),
    ({"scheduled_date": ""}, "value_not_permitted", "scheduled_date"),
    ({"scheduled_date": "now"}, "value_not_permitted", "scheduled_date"),
]


@pytest.mark.parametrize(
    ("change", "type_", "field"), DEEP, ids=[f"{field}-{n}" for n, (_, _, field) in enumerate(DEEP)]
)
def test_what_is_wrong_is_named_at_every_depth(
    change: dict[str, Any], type_: str, field: str, alice: Client
) -> None:
    alice.refused(
        "engagements.create", {"members": [alice.user], **LEAST, **change}, type_, field or None
    )


def test_an_error_of_json_type_says_what_was_wanted_and_what_came(alice: Client) -> None:
    for value, actual in (
        (None, "null"),
        (True, "bool"),
        (1, "number"),
        (1.5, "number"),
        ([], "array"),
        ({}, "object"),
    ):
        answer = alice.refused(
            "engagements.create",
            {"members": [alice.user], **LEAST, "title": value},
            "unexpected_json_type",
            "title",
        )
        assert (answer.body["expected"], answer.body["actual"]) == ("string", actual)


def test_a_wrong_kind_of_id_names_the_kinds_that_are_taken(alice: Client) -> None:
    request = {"members": ["ACC-1"], **LEAST, "parent": "DEVU-1"}
    answer = alice.refused("engagements.create", request, "unexpected_id_type", "members[0]")
    assert answer.body["value"] == "ACC-1"
    assert answer.body["allowed_types"] == ["dev_user", "rev_user", "service_account", "sys_user"]
    assert answer.problems == {
        ("unexpected_id_type", "members[0]"),
        ("unexpected_id_type", "parent"),
    }


def test_problems_of_the_shape_come_before_those_of_references(alice: Client) -> None:
    request = {"members": ["DEVU-99"], **LEAST, "title": " "}
    answer = alice.refused("engagements.create", request, "value_not_permitted", "title")
    assert answer.problems == {("value_not_permitted", "title")}
