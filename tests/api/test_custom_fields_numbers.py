"""The numbers of custom fields: they come back with the very text that was sent, and are found
by value.
"""

import json
from typing import Any

import pytest

from tests.support.command import rapport
from tests.support.server import Client

pytestmark = pytest.mark.engines("sqlite", "postgres")

NUMBERS = ["12345678901234567.89", "1E2", "1e+2", "100.0", "1.50", "-0", "-0.0", "0.1e-7", "9223372036854775807",
           "3.14159265358979323846264338327950288", "1e-400", "5e0"]  # fmt: skip
FIELDS = f'{{"n":[{",".join(NUMBERS)}],"deep":{{"x":[{{"y":-0}},2.50]}},"top":1E2}}'
DEAL = '"type":"opportunity","title":"Deal","applies_to_part":"PROD-1","account":"ACC-1","owned_by":["%s"]'
TALK = '"title":"Talk","scheduled_date":"2023-01-01T12:00:00Z","members":["%s"]'
CREATES = {
    "engagements": ("engagement", TALK),
    "accounts": ("account", '"display_name":"Acme"'),
    "rev-orgs": ("rev_org", '"display_name":"Site","account":"ACC-1"'),
    "rev-users": ("rev_user", '"display_name":"Rita"'),
    "dev-users": ("dev_user", '"email":"dora@example.com","full_name":"Dora","state":"shadow"'),
    "works": ("work", DEAL),
}


def said(client: Client, method: str, body: str, **headers: str) -> str:
    """The text of a good answer."""
    named = {"authorization": f"Bearer {client.token}"} | {
        key.replace("_", "-"): v for key, v in headers.items()
    }
    answer = client.server.http.post(f"{client.server.url}/{method}", content=body, headers=named)
    assert answer.status_code in {200, 201}, answer.text
    return answer.text


def make(client: Client, family: str, fields: str, **headers: str) -> str:
    """The answer to the create of one with these fields."""
    least = CREATES[family][1].replace("%s", client.user)
    return said(client, f"{family}.create", f'{{{least},"custom_fields":{fields}}}', **headers)


@pytest.fixture
def ann(alice: Client) -> Client:
    """Alice, who has an account."""
    alice.ok("accounts.create", {"display_name": "First"})
    return alice


@pytest.mark.parametrize("family", CREATES)
def test_numbers_come_back_with_their_very_text(family: str, ann: Client) -> None:
    made = make(ann, family, FIELDS)
    assert f'"custom_fields":{FIELDS}' in made
    id_ = json.loads(made)[CREATES[family][0]]["id"]
    for method, body in (("get", f'{{"id":"{id_}"}}'), ("list", "{}")):
        assert f'"custom_fields":{FIELDS}' in said(ann, f"{family}.{method}", body)
    if family != "rev-orgs":
        update = '"type":"opportunity",' if family == "works" else ""
        changed = said(
            ann,
            f"{family}.update",
            f'{{"id":"{id_}",{update}"custom_fields":{{"top":1.00E+2,"n":null}}}}',
        )
        assert '"custom_fields":{"deep":{"x":[{"y":-0},2.50]},"top":1.00E+2}' in changed


def test_another_spelling_of_a_number_is_a_change_and_the_same_is_none(ann: Client) -> None:
    made = json.loads(make(ann, "accounts", '{"a":1.50}'))["account"]
    same = json.loads(
        said(ann, "accounts.update", f'{{"id":"{made["id"]}","custom_fields":{{"a":1.50}}}}')
    )["account"]
    assert same["modified_date"] == made["modified_date"]
    said(ann, "accounts.update", f'{{"id":"{made["id"]}","custom_fields":{{"a":1.5}}}}')
    assert '"custom_fields":{"a":1.5}' in said(ann, "accounts.get", f'{{"id":"{made["id"]}"}}')


def test_spaces_between_values_are_not_kept_and_the_last_of_a_name_counts(ann: Client) -> None:
    made = make(ann, "accounts", '{ "a" : [ 1E2 ,\n-0 ], "b": 1, "b": {"c": 1, "c": 2.0} }')
    assert '"custom_fields":{"a":[1E2,-0],"b":{"c":2.0}}' in made


def test_a_replay_has_the_very_text_too(ann: Client) -> None:
    first = make(ann, "accounts", FIELDS, idempotency_key="k")
    assert f'"custom_fields":{FIELDS}' in first
    assert make(ann, "accounts", FIELDS, idempotency_key="k") == first


def test_feed_and_timeline_tell_the_very_text(ann: Client) -> None:
    end = ann.feed_end()
    made = json.loads(make(ann, "accounts", FIELDS))["account"]
    said(ann, "accounts.update", f'{{"id":"{made["id"]}","custom_fields":{{"top":-0,"n":2.0E1}}}}')
    told = said(ann, "events.list", f'{{"after":{end},"kinds":["account"]}}')
    after = '{"n":2.0E1,"deep":{"x":[{"y":-0},2.50]},"top":-0}'
    assert (
        told.count(f'"custom_fields":{FIELDS}') == 2
    )  # as it was made, and as it was before the update
    assert told.count(f'"custom_fields":{after}') == 1
    timeline = said(ann, "timeline-entries.list", f'{{"object":"{made["id"]}"}}')
    assert '"value":12345678901234567.89' in timeline
    assert '"value":2.0E1' in timeline
    said(ann, "accounts.delete", f'{{"id":"{made["id"]}"}}')
    assert f'"custom_fields":{after}' in said(
        ann, "events.list", f'{{"after":{ann.feed_end() - 1}}}'
    )


@pytest.mark.parametrize("family", ["accounts", "engagements", "rev-orgs", "rev-users", "works"])
def test_a_tag_that_goes_leaves_the_numbers_as_they_were(family: str, ann: Client) -> None:
    tag = ann.ok("tags.create", {"name": "gone"})["tag"]["id"]
    least = CREATES[family][1].replace("%s", ann.user)
    tagged = f'{{{least},"custom_fields":{FIELDS},"tags":[{{"id":"{tag}"}}]}}'
    id_ = json.loads(said(ann, f"{family}.create", tagged))[CREATES[family][0]]["id"]
    ann.ok("tags.delete", {"id": tag})
    kept = said(ann, f"{family}.get", f'{{"id":"{id_}"}}')
    assert "tags" not in json.loads(kept)[CREATES[family][0]]
    assert f'"custom_fields":{FIELDS}' in kept


@pytest.mark.parametrize("asked", ["100", "1E2", "100.0", "1.000e+02"])
@pytest.mark.parametrize("kept", ["100", "1E2", "100.0"])
def test_a_filter_finds_equal_numbers_in_both_forms(kept: str, asked: str, ann: Client) -> None:
    make(ann, "accounts", f'{{"a":{kept}}}')
    make(ann, "accounts", '{"a":101}')
    filters = [f'{{"a":{asked}}}', f'{{"a":[7,{asked}]}}']
    for one in filters:
        found = json.loads(said(ann, "accounts.list", f'{{"custom_fields":{one}}}'))["accounts"]
        assert [account["custom_fields"]["a"] for account in found] == [100]
        assert ann.get("accounts.list", {"custom_fields": one}).body["accounts"] == found


@pytest.mark.parametrize(
    ("kept", "asked"), [("0", "-0.0"), ("-0", "0"), ("-0.0", "0"), ("0.0", "-0")]
)
def test_zero_is_zero_whatever_its_sign(kept: str, asked: str, ann: Client) -> None:
    make(ann, "accounts", f'{{"a":{kept}}}')
    assert (
        len(
            json.loads(said(ann, "accounts.list", f'{{"custom_fields":{{"a":{asked}}}}}'))[
                "accounts"
            ]
        )
        == 1
    )


def test_true_is_not_the_number_one(ann: Client) -> None:
    make(ann, "accounts", '{"a":true}')
    for asked in ("1", "1.0"):
        assert not json.loads(said(ann, "accounts.list", f'{{"custom_fields":{{"a":{asked}}}}}'))[
            "accounts"
        ]


@pytest.mark.parametrize("number", ["1e400", "-1E309", "18446744073709551616", "1" + "0" * 400])
def test_a_number_that_no_reader_can_hold_is_refused(number: str, ann: Client) -> None:
    answer = ann.raw(
        "POST",
        "accounts.create",
        content=f'{{"display_name":"A","custom_fields":{{"a":{number}}}}}',
    )
    assert (answer.status, answer.type) == (400, "parse_error")
    assert number[:80] in answer.body["message"]


def test_custom_fields_of_many_numbers_may_have_64_kib_as_sent(ann: Client) -> None:
    fields = f'{{"a":[{",".join(["1.0"] * ((65_536 - 8) // 4))}]}}'
    assert f'"custom_fields":{fields}' in make(ann, "accounts", fields)
    more = f'{{"display_name":"A","custom_fields":{fields.replace("[", "[1.000000,", 1)}}}'
    assert ann.raw("POST", "accounts.create", content=more).type == "value_not_permitted"


def test_a_call_from_the_command_line_prints_the_very_text(ann: Client) -> None:
    place = ("--url", ann.server.url)
    request = f'{{"display_name":"Acme","custom_fields":{FIELDS}}}'
    ran = rapport(
        ann.server.data.parent, "call", "accounts.create", request, *place, RAPPORT_TOKEN=ann.token
    )
    assert FIELDS in "".join(ran.out.split())
    told: Any = ann.server.run("call", method="accounts.create", body=request, org=ann.org)
    assert FIELDS in told["body"]
