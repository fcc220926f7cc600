"""What a request's bytes become, and what every wrong one is told."""

import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, quote_plus

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rapport.contract.accounts import AccountsCreateRequest
from rapport.contract.dev_users import DevUsersCreateRequest
from rapport.contract.engagements import (
    EngagementsCountRequest,
    EngagementsCreateRequest,
    EngagementsListRequest,
    EngagementsUpdateRequest,
)
from rapport.contract.kit.errors import ApiError, BadRequest, ParseError
from rapport.contract.kit.fields import UNSET, CustomFields, Request, Short, UnsetType
from rapport.contract.rev_users import RevUsersListRequest
from rapport.contract.table import METHODS
from rapport.wire.decode import RequestDecoder
from rapport.wire.errors import render
from rapport.wire.json_text import read_json
from rapport.wire.places import place_of
from rapport.wire.violations import violations

CREATE = RequestDecoder(EngagementsCreateRequest, strict=False)
CREATE_STRICT = RequestDecoder(EngagementsCreateRequest, strict=True)
UPDATE = RequestDecoder(EngagementsUpdateRequest, strict=False)
LIST = RequestDecoder(EngagementsListRequest, strict=False)
LIST_STRICT = RequestDecoder(EngagementsListRequest, strict=True)
ACCOUNT = RequestDecoder(AccountsCreateRequest, strict=False)
DEV_USER = RequestDecoder(DevUsersCreateRequest, strict=False)

GOOD = {"members": ["DEVU-1"], "scheduled_date": "2023-01-01T12:00:00Z", "title": "Kick-off"}
Told = list[tuple[str, str]]


def refused(decoder: RequestDecoder, body: object) -> ApiError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(ApiError) as caught:
        decoder.from_body(raw)
    render(caught.value)
    return caught.value


def refused_query(decoder: RequestDecoder, query: str | bytes) -> ApiError:
    with pytest.raises(ApiError) as caught:
        decoder.from_query(query if isinstance(query, bytes) else query.encode())
    render(caught.value)
    return caught.value


def told(error: ApiError) -> Told:
    assert error.violations[0] is error
    return [(one.type, one.field_name) for one in error.violations]


# The body as a whole


def test_a_good_body_becomes_its_struct() -> None:
    request: Any = CREATE.from_body(json.dumps(GOOD).encode())
    assert isinstance(request, EngagementsCreateRequest)
    assert (request.title, request.members[0].display_id, request.expand) == (
        "Kick-off",
        "DEVU-1",
        UNSET,
    )


@pytest.mark.parametrize("body", [b"", b" \r\n\t", b"{}", b" {} "])
def test_an_empty_body_is_an_empty_object(body: bytes) -> None:
    assert LIST.from_body(body) == EngagementsListRequest()
    assert told(refused(CREATE, body)) == [
        ("missing_required_field", name) for name in ("members", "scheduled_date", "title")
    ]


@pytest.mark.parametrize(
    "body",
    [
        b"x", b"{", b"{} x", b"{}{}", b"[]", b"null", b'"x"', b"5", b"true", b"{'limit': 5}", b'{"limit": 5,}', b"{limit: 5}",
        b'{"limit": NaN}', b'{"limit": Infinity}', b'{"limit": 05}', b'{"limit": +5}', b'{"limit": 5} // five',
        b'{/* five */"limit": 5}', b"\xef\xbb\xbf{}", b'{"cursor": "\xff"}', b'{"cursor": "\xed\xa0\x80"}', b'{"\xff": 1}',
        "{}".encode("utf-16"), b'{"cursor": "\t"}', b'{"cursor": "\x00"}', b"\x00", b"{}\x00", b"\x0b{}", b'{"limit": 1e999}',
        b'{"limit": -1e999}', b'{"nope": 1e999}', b'{"limit": ' + b"9" * 5000 + b"}", b'{"cursor": "\\x"}', b"\\", b'"', b'"\\',
    ],
)  # fmt: skip
def test_what_is_no_json_object_is_a_parse_error(body: bytes) -> None:
    assert isinstance(refused(LIST, body), ParseError)


@pytest.mark.parametrize(
    "text",
    [
        r"\ud800",
        r"\udc00",
        r"\udfff",
        r"\udc00\ud800",
        r"\ud800\ud800",
        r"\ud800A",
        r"\ud83d\u0041",
        r"a\uDBFF",
    ],
)
def test_lone_surrogates_are_parse_errors_wherever_they_stand(text: str) -> None:
    for body in (
        f'{{"cursor": "{text}"}}',
        f'{{"{text}": 1}}',
        f'{{"created_date": {{"after": "{text}"}}}}',
    ):
        assert isinstance(refused(LIST, body.encode()), ParseError)
    for body in (f'{{"a": "{text}"}}', f'{{"{text}": 1}}', f'{{"a": ["{text}"]}}'):
        assert isinstance(
            refused(ACCOUNT, f'{{"display_name": "x", "custom_fields": {body}}}'.encode()),
            ParseError,
        )


def test_a_surrogate_pair_is_one_character() -> None:
    request: Any = LIST.from_body(rb'{"cursor": "\ud83d\ude00"}')
    assert request.cursor == "\U0001f600"


def custom(value: str) -> bytes:
    return b'{"display_name": "x", "custom_fields": %s}' % value.encode()


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_nesting_ends_at_64(opening: str) -> None:
    closing = "]" if opening == "[" else "}"
    # The body and custom_fields are two levels.
    fits = '{"a":' + opening * 62 + "1" + closing * 62 + "}"
    ACCOUNT.from_body(custom(fits))
    assert isinstance(
        refused(ACCOUNT, custom('{"a":' + opening * 63 + "1" + closing * 63 + "}")), ParseError
    )


@pytest.mark.parametrize(
    "body",
    [b"[" * 100_000, b'{"a":' * 100_000, b"[" * 100_000 + b"]" * 100_000, b'["\\"' * 100_000],
)
def test_very_deep_nesting_is_refused_quickly(body: bytes) -> None:
    start = time.perf_counter()
    assert isinstance(refused(LIST, body), ParseError)
    assert time.perf_counter() - start < 2


@pytest.mark.parametrize(
    "text", ["[" * 500, "{[" * 500, '\\"[' * 500, '"[",' * 50, "\\\\" + '","[' * 100 + '","']
)
def test_brackets_inside_strings_are_not_nesting(text: str) -> None:
    value = {"a": text}
    request: Any = ACCOUNT.from_body(custom(json.dumps(value)))
    kept = msgspec.json.encode(request.custom_fields).decode()
    assert kept == json.dumps(value, separators=(",", ":"))


def test_many_brackets_side_by_side_are_not_nesting() -> None:
    request: Any = ACCOUNT.from_body(custom(json.dumps({"a": [[], {}] * 500})))
    assert request.custom_fields == {"a": [[], {}] * 500}


# Fields


def but(**changes: object) -> dict[str, object]:
    return {**GOOD, **changes}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (but(nope=1), ("invalid_field", "nope")),
        (but(tags=[{"id": "TAG-1", "nope": 1}]), ("invalid_field", "tags[0].nope")),
        (but(Title="x"), ("invalid_field", "Title")),
        (but(title=None), ("unexpected_json_type", "title")),
        (but(title=5), ("unexpected_json_type", "title")),
        (but(scheduled_date=5), ("unexpected_json_type", "scheduled_date")),
        (but(scheduled_date=None), ("unexpected_json_type", "scheduled_date")),
        (but(members="DEVU-1"), ("unexpected_json_type", "members")),
        (but(members=[["DEVU-1"]]), ("unexpected_json_type", "members[0]")),
        (but(members=["DEVU-1", None]), ("unexpected_json_type", "members[1]")),
        (but(tags=[5]), ("unexpected_json_type", "tags[0]")),
        (but(tags=[{"id": "TAG-1"}, {"value": "x"}]), ("missing_required_field", "tags[1].id")),
        (
            but(tags=[{"id": "TAG-1"}] * 2 + [{"id": "TAG-1", "value": 5}]),
            ("unexpected_json_type", "tags[2].value"),
        ),
        (but(tags={"id": "TAG-1"}), ("unexpected_json_type", "tags")),
        (but(engagement_type="fax"), ("invalid_enum_value", "engagement_type")),
        (but(engagement_type="CALL"), ("invalid_enum_value", "engagement_type")),
        (but(engagement_type=1), ("unexpected_json_type", "engagement_type")),
        (but(expand=["members", "nope"]), ("invalid_enum_value", "expand[1]")),
        (but(title=""), ("value_not_permitted", "title")),
        (but(title=" \n\u3000"), ("value_not_permitted", "title")),
        (but(title="x" * 257), ("value_not_permitted", "title")),
        (but(description="x" * 65_537), ("value_not_permitted", "description")),
        (but(external_ref=""), ("value_not_permitted", "external_ref")),
        (but(external_ref="x" * 513), ("value_not_permitted", "external_ref")),
        (but(external_url="ftp://example.com"), ("value_not_permitted", "external_url")),
        (but(external_url="https://" + "x" * 2048), ("value_not_permitted", "external_url")),
        (but(scheduled_date="2023-01-01"), ("value_not_permitted", "scheduled_date")),
        (but(scheduled_date="2023-01-01T12:00:00"), ("value_not_permitted", "scheduled_date")),
        (but(scheduled_date="2023-02-30T12:00:00Z"), ("value_not_permitted", "scheduled_date")),
        (but(members=[]), ("value_not_permitted", "members")),
        (but(members=["DEVU-1"] * 51), ("value_not_permitted", "members")),
        (but(parents=["ACC-1"] * 51), ("value_not_permitted", "parents")),
        (but(expand=["members"] * 201), ("value_not_permitted", "expand")),
        (but(members=["nope"]), ("invalid_id", "members[0]")),
        (but(members=["DEVU-1", "ACC-1"]), ("unexpected_id_type", "members[1]")),
        (but(parent="TAG-1"), ("unexpected_id_type", "parent")),
        (but(parent=["ACC-1"]), ("unexpected_json_type", "parent")),
        (but(tags=["nope"]), ("invalid_id", "tags[0].id")),
    ],
)
def test_a_create_with_one_fault_is_told_that_one(body: object, expected: tuple[str, str]) -> None:
    assert told(refused(CREATE, body)) == [expected]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"limit": "5"}, ("unexpected_json_type", "limit")),
        ({"limit": True}, ("unexpected_json_type", "limit")),
        ({"limit": 0}, ("value_not_permitted", "limit")),
        ({"limit": 101}, ("value_not_permitted", "limit")),
        ({"limit": -(2**63) - 1}, ("value_not_permitted", "limit")),
        ({"limit": 2**64}, ("value_not_permitted", "limit")),
        ({"limit": 10**4000}, ("value_not_permitted", "limit")),
        ({"limit": 1.5}, ("value_not_permitted", "limit")),
        ({"limit": 1.0}, ("value_not_permitted", "limit")),
        ({"mode": "sideways"}, ("invalid_enum_value", "mode")),
        ({"created_date": {"after": "x"}}, ("value_not_permitted", "created_date.after")),
        ({"created_date": {"since": "x"}}, ("invalid_field", "created_date.since")),
        ({"created_date": "2023-01-01T12:00:00Z"}, ("unexpected_json_type", "created_date")),
        ({"external_ref": ["x"] * 201}, ("value_not_permitted", "external_ref")),
        ({"members": ["DEVU-1"] * 201}, ("value_not_permitted", "members")),
        ({"type": ["call"] * 201}, ("value_not_permitted", "type")),
        ({"external_ref": ["x", "y" * 2049]}, ("value_not_permitted", "external_ref[1]")),
        ({"parent": None}, ("unexpected_json_type", "parent")),
        ({"parent": 5}, ("unexpected_json_type", "parent")),
    ],
)
def test_a_list_with_one_fault_is_told_that_one(body: object, expected: tuple[str, str]) -> None:
    assert told(refused(LIST, body)) == [expected]


@pytest.mark.parametrize(
    ("email", "taken"),
    [
        ("a@b", True),
        ("alice@example.com", True),
        ("alice", False),
        ("a b@c", False),
        ("a@b\n", False),
        ("a@@b", False),
    ],
)
def test_an_email_looks_like_one(email: str, taken: bool) -> None:
    body = {"email": email, "state": "shadow"}
    if taken:
        DEV_USER.from_body(json.dumps(body).encode())
    else:
        error = refused(DEV_USER, body)
        assert told(error) == [("value_not_permitted", "email")]
        assert error.fields["reason"] == "must be an email address"


def test_an_error_carries_its_types_own_fields() -> None:
    assert refused(CREATE, but(title=5)).fields == {
        "field_name": "title",
        "expected": "string",
        "actual": "number",
    }
    error = refused(CREATE, but(engagement_type="nope"))
    assert error.fields == {
        "field_name": "engagement_type",
        "value": "nope",
        "allowed_values": [
            "call",
            "conversation",
            "custom",
            "default",
            "email",
            "linked_in",
            "meeting",
            "offline",
            "survey",
        ],
    }
    assert refused(CREATE, but(title=" ")).fields == {
        "field_name": "title",
        "reason": "must not be blank",
    }
    assert refused(LIST, {"limit": 1.5}).fields == {
        "field_name": "limit",
        "reason": "must be a whole number",
    }


@pytest.mark.parametrize(
    ("value", "actual"),
    [([], "array"), (True, "bool"), (None, "null"), (1, "number"), (1.5, "number"), ({}, "object")],
)
def test_the_actual_json_type_is_named(value: object, actual: str) -> None:
    assert refused(CREATE, but(title=value)).fields["actual"] == actual


def test_all_faults_come_at_once_in_the_contracts_order() -> None:
    body = {
        "nope": 1,
        "tags": [{"id": "x", "value": 5, "nope": 1}],
        "external_url": "x",
        "engagement_type": "x",
        "title": None,
        "members": ["x", 5],
    }
    assert told(refused(CREATE, body)) == [
        ("invalid_id", "members[0]"),
        ("unexpected_json_type", "members[1]"),
        ("missing_required_field", "scheduled_date"),
        ("unexpected_json_type", "title"),
        ("invalid_enum_value", "engagement_type"),
        ("value_not_permitted", "external_url"),
        ("invalid_id", "tags[0].id"),
        ("unexpected_json_type", "tags[0].value"),
        ("invalid_field", "tags[0].nope"),
        ("invalid_field", "nope"),
    ]


def test_after_the_hundredth_fault_nothing_more_is_told() -> None:
    assert len(refused(LIST, {f"field_{number}": 1 for number in range(5000)}).violations) == 100
    assert len(refused(CREATE, but(tags=[5] * 100_000)).violations) == 51


@pytest.mark.parametrize(
    "text", ["\n\r\u2028", "\U0001f600" * 5000, "'\"%s{0}{x}", "\u202e\x7f\x1b[31m", "x" * 500_000]
)
def test_messages_stay_short_and_on_one_line_whatever_was_sent(text: str) -> None:
    error = refused(
        CREATE,
        {"title": 5, "engagement_type": text, "members": [text], text: 1, "tags": [{text: text}]},
    )
    for one in error.violations:
        assert 0 < len(one.message) < 1200
        assert "\n" not in one.message
        assert one.detail


def test_null_clears_what_may_be_cleared() -> None:
    request: Any = UPDATE.from_body(b'{"id": "ENGAGEMENT-1", "scheduled_date": null}')
    assert request.scheduled_date is None
    assert told(refused(UPDATE, {"id": "ENGAGEMENT-1", "title": None})) == [
        ("unexpected_json_type", "title")
    ]


def test_of_a_repeated_key_the_last_one_counts() -> None:
    request: Any = LIST.from_body(b'{"limit": "x", "limit": 5}')
    assert request.limit == 5


# NUL


@pytest.mark.parametrize(
    ("body", "field_name"),
    [
        (but(title="a\0b"), "title"),
        (but(external_ref="\0"), "external_ref"),
        (but(external_url="https://example.com/\0"), "external_url"),
        (but(members=["DEVU-1\0"]), "members[0]"),
        (but(tags=[{"id": "TAG-1", "value": "\0"}]), "tags[0].value"),
        (but(engagement_type="call\0"), "engagement_type"),
        (but(scheduled_date="2023-01-01T12:00:00Z\0"), "scheduled_date"),
    ],
)
def test_nul_is_refused_in_every_kind_of_text(body: object, field_name: str) -> None:
    assert told(refused(CREATE, body)) == [("value_not_permitted", field_name)]


@pytest.mark.parametrize(
    ("value", "field_name"),
    [
        ({"a": "\0"}, "custom_fields.a"),
        ({"a": ["x", {"b": "x\0"}]}, "custom_fields.a[1].b"),
        ({"\0": 1}, "custom_fields"),
        ({"a": {"b\0": 1}}, "custom_fields.a"),
    ],
)
def test_nul_is_refused_in_free_form_objects(value: object, field_name: str) -> None:
    assert told(refused(ACCOUNT, {"display_name": "x", "custom_fields": value})) == [
        ("value_not_permitted", field_name)
    ]


def test_a_backslash_before_u0000_is_no_nul() -> None:
    request: Any = CREATE.from_body(json.dumps(but(title=r"\u0000")).encode())
    assert request.title == r"\u0000"


# Free-form objects


def test_custom_fields_are_kept_as_sent() -> None:
    value = {
        "a": [1, 1.5, None, True, {"b": "x"}],
        "": "",
        "big": 2**64 - 1,
        "small": -(2**63),
        "x": "9" * 30,
    }
    request: Any = ACCOUNT.from_body(custom(json.dumps(value)))
    kept = msgspec.json.encode(request.custom_fields).decode()
    assert kept == json.dumps(value, separators=(",", ":"))


def test_custom_fields_have_64_kib_as_compact_json() -> None:
    fits = {"a": "x" * (64 * 1024 - len('{"a":""}'))}
    ACCOUNT.from_body(custom(json.dumps(fits, indent=8)))
    error = refused(ACCOUNT, {"display_name": "x", "custom_fields": {"a": fits["a"] + "x"}})
    assert told(error) == [("value_not_permitted", "custom_fields")]


@pytest.mark.parametrize(
    "number", ["18446744073709551616", "-9223372036854775809", "9" * 400, "1e999"]
)
def test_a_number_in_custom_fields_that_64_bits_cant_hold_is_a_parse_error(number: str) -> None:
    assert isinstance(refused(ACCOUNT, custom(f'{{"a": [{number}]}}')), ParseError)


# What is ours, and the differences of real clients


def test_real_clients_are_met_half_way() -> None:
    request: Any = CREATE.from_body(
        json.dumps(but(tags=["TAG-1", {"id": "TAG-2", "value": "x"}])).encode()
    )
    assert [tag.id.display_id for tag in request.tags] == ["TAG-1", "TAG-2"]
    listing: Any = LIST.from_body(b'{"parent": "ACC-1", "engagement_type": ["call"]}')
    assert [parent.display_id for parent in listing.parent] == ["ACC-1"]
    assert listing.engagement_type == ["call"]


@pytest.mark.parametrize(
    ("decoder", "body", "expected"),
    [
        (CREATE_STRICT, but(expand=["tags"]), ("invalid_field", "expand")),
        (CREATE_STRICT, but(tags=["TAG-1"]), ("unexpected_json_type", "tags[0]")),
        (LIST_STRICT, {"parent": "ACC-1"}, ("unexpected_json_type", "parent")),
        (LIST_STRICT, {"engagement_type": ["call"]}, ("invalid_field", "engagement_type")),
        (
            LIST_STRICT,
            {"created_date": {"after": "2023-01-01T12:00:00Z"}},
            ("invalid_field", "created_date"),
        ),
    ],
)
def test_a_strict_server_refuses_them(
    decoder: RequestDecoder, body: object, expected: tuple[str, str]
) -> None:
    assert told(refused(decoder, body)) == [expected]


def test_a_strict_server_takes_what_devrev_takes() -> None:
    assert CREATE_STRICT.from_body(json.dumps(GOOD).encode()) == CREATE.from_body(
        json.dumps(GOOD).encode()
    )
    assert LIST_STRICT.from_body(b'{"parent": ["ACC-1"]}') == LIST.from_body(b'{"parent": "ACC-1"}')


# The GET form


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("", {}),
        ("&&", {}),
        ("limit=5", {"limit": 5}),
        ("limit=%2B5", {"limit": 5}),
        ("cursor=", {"cursor": ""}),
        ("cursor", {"cursor": ""}),
        ("cursor=a+b%2Bc%20d", {"cursor": "a b+c d"}),
        ("cursor=a=b", {"cursor": "a=b"}),
        ("cursor=%zz", {"cursor": "%zz"}),
        ("cursor=caf%C3%A9", {"cursor": "caf\u00e9"}),
        ('cursor="a,b"', {"cursor": '"a,b"'}),
        ("c%75rsor=x", {"cursor": "x"}),
        (
            "created_date.after=2023-01-01T12:00:00Z",
            {"created_date": {"after": "2023-01-01T12:00:00Z"}},
        ),
        (
            "created_date%5Bafter%5D=2023-01-01T12:00:00Z",
            {"created_date": {"after": "2023-01-01T12:00:00Z"}},
        ),
        (
            "created_date.after=2023-01-01T12:00:00Z&created_date[before]=2024-01-01T12:00:00%2B01:00",
            {
                "created_date": {
                    "after": "2023-01-01T12:00:00Z",
                    "before": "2024-01-01T12:00:00+01:00",
                }
            },
        ),
        ("members=DEVU-1,DEVU-2", {"members": ["DEVU-1", "DEVU-2"]}),
        ("members=DEVU-1&members=DEVU-2", {"members": ["DEVU-1", "DEVU-2"]}),
        (
            "members=DEVU-1,DEVU-2&limit=5&members=DEVU-3",
            {"members": ["DEVU-1", "DEVU-2", "DEVU-3"], "limit": 5},
        ),
        ("members[]=DEVU-1&members%5B%5D=DEVU-2", {"members": ["DEVU-1", "DEVU-2"]}),
        ("members[0]=DEVU-1&members[1]=DEVU-2", {"members": ["DEVU-1", "DEVU-2"]}),
        ("members[1]=DEVU-2&members[0]=DEVU-1", {"members": ["DEVU-1", "DEVU-2"]}),
        ("members=%22DEVU-1%22,%22DEVU-2%22", {"members": ["DEVU-1", "DEVU-2"]}),
        ("members=", {"members": []}),
        ("members[]=", {"members": []}),
        ("members=&members=DEVU-1", {"members": ["DEVU-1"]}),
        ("parent=ACC-1", {"parent": ["ACC-1"]}),
        ('external_ref="a","b,c"', {"external_ref": ["a", "b,c"]}),
        ('external_ref="a,b",c', {"external_ref": ["a,b", "c"]}),
        ('external_ref=c,"a,b"', {"external_ref": ["c", "a,b"]}),
        ('external_ref=""', {"external_ref": [""]}),
        ('external_ref="","x"', {"external_ref": ["", "x"]}),
        ("external_ref=a,", {"external_ref": ["a", ""]}),
        ("external_ref=,", {"external_ref": ["", ""]}),
        ('external_ref=6"', {"external_ref": ['6"']}),
        ('external_ref=6",7"', {"external_ref": ['6"', '7"']}),
        ('external_ref="', {"external_ref": ['"']}),
        ('external_ref=","', {"external_ref": [","]}),
        ('external_ref="a', {"external_ref": ['"a']}),
        ('external_ref="a,b', {"external_ref": ['"a', "b"]}),
        ('external_ref="a"b,c', {"external_ref": ['"a"b', "c"]}),
        ('external_ref[]=a,b&external_ref[]="c"', {"external_ref": ["a,b", '"c"']}),
        ("sort_by=created_date:asc,title:desc", {"sort_by": ["created_date:asc", "title:desc"]}),
    ],
)
def test_a_query_means_what_the_body_says(query: str, body: object) -> None:
    assert LIST.from_query(query.encode()) == LIST.from_body(json.dumps(body).encode())


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("nope=1", ("invalid_field", "nope")),
        ("=1", ("invalid_field", "")),
        ("created_date.since=1", ("invalid_field", "created_date.since")),
        ("limit.x=1", ("invalid_field", "limit.x")),
        ("limit[]=1", ("invalid_field", "limit[]")),
        ("members.x=1", ("invalid_field", "members.x")),
        ("members[0][0]=1", ("invalid_field", "members[0][0]")),
        ("members[=1", ("invalid_field", "members[")),
        (".limit=1", ("invalid_field", ".limit")),
        ("limit=1&limit=1", ("invalid_field", "limit")),
        (
            "created_date.after=2023-01-01T12:00:00Z&created_date[after]=x",
            ("invalid_field", "created_date.after"),
        ),
        (
            "created_date.after=2023-01-01T12:00:00Z&created_date=x",
            ("invalid_field", "created_date"),
        ),
        ("created_date=x", ("unexpected_json_type", "created_date")),
        ("limit=", ("unexpected_json_type", "limit")),
        ("limit=x", ("unexpected_json_type", "limit")),
        ("limit=1.5", ("unexpected_json_type", "limit")),
        ("limit=%D9%A1", ("unexpected_json_type", "limit")),
        ("limit=" + "9" * 5000, ("unexpected_json_type", "limit")),
        ("limit=" + "9" * 50, ("value_not_permitted", "limit")),
        ("limit=0", ("value_not_permitted", "limit")),
        ("mode=", ("invalid_enum_value", "mode")),
        ("created_date.after=", ("value_not_permitted", "created_date.after")),
        ("members=DEVU-1,", ("invalid_id", "members[1]")),
        ("cursor=%00", ("value_not_permitted", "cursor")),
        ("external_ref=a,b%00", ("value_not_permitted", "external_ref[1]")),
        ("%00=1", ("invalid_field", "\0")),
    ],
)
def test_a_query_with_one_fault_is_told_that_one(query: str, expected: tuple[str, str]) -> None:
    assert told(refused_query(LIST, query)) == [expected]


@pytest.mark.parametrize(
    "query", [b"cursor=%FF", b"cursor=\xff", b"%ff=1", b"cursor=%ED%A0%80", b"cursor=%C3"]
)
def test_a_query_that_is_not_utf_8_is_a_parse_error(query: bytes) -> None:
    assert isinstance(refused_query(LIST, query), ParseError)


def test_bools_in_a_query_are_true_or_false() -> None:
    decoder = RequestDecoder(RevUsersListRequest, strict=False)
    verified: Any = decoder.from_query(b"is_verified=true")
    unverified: Any = decoder.from_query(b"is_verified=false")
    assert (verified.is_verified, unverified.is_verified) == (True, False)
    for text in ("", "1", "True"):
        assert told(refused_query(decoder, f"is_verified={text}")) == [
            ("unexpected_json_type", "is_verified")
        ]


def test_a_free_form_object_in_a_query_is_json_text() -> None:
    request: Any = ACCOUNT.from_query(
        b"display_name=x&custom_fields=" + quote('{"a": [1]}').encode()
    )
    assert request.custom_fields == {"a": [1]}
    for text in ("x", "[1]", "null", "[" * 1000):
        assert told(refused_query(ACCOUNT, f"display_name=x&custom_fields={text}")) == [
            ("unexpected_json_type", "custom_fields")
        ]


@pytest.mark.timeout(20)
def test_a_long_query_of_open_quotes_does_not_take_for_ever() -> None:
    assert told(refused_query(LIST, "external_ref=" + '"a,' * 300_000)) == [
        ("value_not_permitted", "external_ref")
    ]


def test_a_strict_server_refuses_what_is_ours_in_a_query_too() -> None:
    assert told(refused_query(LIST_STRICT, "expand=tags&engagement_type=call")) == [
        ("invalid_field", "engagement_type"),
        ("invalid_field", "expand"),
    ]


# The contract


@pytest.mark.parametrize("method", METHODS.values(), ids=lambda method: method.name)
def test_every_method_refuses_unknown_fields_in_both_forms(method: Any) -> None:
    for strict in (False, True):
        decoder = RequestDecoder(method.request, strict=strict)
        assert ("invalid_field", "no_such_field") in told(refused(decoder, {"no_such_field": 1}))
        assert ("invalid_field", "no_such_field") in told(refused_query(decoder, "no_such_field=1"))


BOUNDED = [
    (method, field, bounds)
    for method in METHODS.values()
    for field, place in place_of(method.request).fields.items()
    if (bounds := place.arms.get("number")) is not None
]


@pytest.mark.parametrize(
    ("method", "field", "bounds"), BOUNDED, ids=lambda one: getattr(one, "name", None)
)
def test_a_number_out_of_bounds_is_told_both_of_them(method: Any, field: str, bounds: Any) -> None:
    step = 1 if isinstance(bounds.ge, int) else 1e299
    for number in (bounds.ge - step, bounds.le + step):
        error = refused(RequestDecoder(method.request, strict=False), {field: number})
        told = next(one for one in error.violations if one.field_name == field)
        assert told.fields["reason"] == f"must be {bounds.ge} to {bounds.le}"


def test_a_contract_that_leaves_a_size_open_is_no_contract() -> None:
    class Unbounded(Request):
        names: list[Short] | UnsetType = UNSET

    class Inner(Request):
        custom_fields: CustomFields

    class Nested(Request):
        inner: Inner

    for request_type in (Unbounded, Nested):
        with pytest.raises(TypeError):
            RequestDecoder(request_type, strict=False)


def test_should_the_walk_ever_overlook_something_the_answer_is_still_a_400() -> None:
    decoder = RequestDecoder(EngagementsCountRequest, strict=False)
    decoder._type = EngagementsCreateRequest
    assert type(refused_query(decoder, "")) is BadRequest


# The law that holds the two halves together: the fast decoder and the walk never disagree

texts = st.text(max_size=6)
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
ids = st.sampled_from(
    ["DEVU-1", "devu-2", "REVU-3", "ACC-1", "OPP-2", "TAG-1", "ARTIFACT-1", "ENGAGEMENT-1", "x", ""]
)
dates = st.sampled_from(
    [
        "2023-01-01T12:00:00Z",
        "2023-01-01T12:00:00.5+01:00",
        "2023-01-01",
        "9999-12-31T23:59:60Z",
        "",
    ]
)
ranges = st.dictionaries(st.sampled_from(["after", "before", "x"]), dates | anything, max_size=2)
tags = (
    st.dictionaries(st.sampled_from(["id", "value", "x"]), ids | texts | anything, max_size=2) | ids
)
CREATE_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "members": st.lists(ids, max_size=3) | st.just(["DEVU-1"]) | st.just(["DEVU-1"] * 51),
    "scheduled_date": dates,
    "title": texts | st.just("x" * 256) | st.just("x" * 257),
    "engagement_type": st.sampled_from(["call", "survey", "fax"]),
    "description": texts | st.just("x" * 65_537),
    "artifacts": st.lists(ids, max_size=2) | st.just(["ARTIFACT-1"]),
    "external_ref": texts | st.just("x" * 513),
    "external_url": st.sampled_from(
        ["https://example.com", "http://x:99999", "http://[", "HTTPS://x/\u00e9", "x"]
    ),
    "parent": ids,
    "parents": st.lists(ids, max_size=2) | st.just(["ACC-1"] * 51),
    "tags": st.lists(tags, max_size=2) | st.just([{"id": "TAG-1", "value": "x"}]),
    "expand": st.lists(st.sampled_from(["members", "tags", "x"]), max_size=2),
    "nope": anything,
}
LIST_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "type": st.lists(st.sampled_from(["call", "survey", "x"]), max_size=2),
    "engagement_type": st.lists(st.sampled_from(["call", "survey"]), max_size=2),
    "external_ref": st.lists(texts, max_size=3) | st.just(["x"] * 201),
    "members": st.lists(ids, max_size=3),
    "parent": st.lists(ids, max_size=3) | ids,
    "created_by": st.lists(ids, max_size=2),
    "created_date": ranges,
    "scheduled_date": ranges,
    "tags": st.lists(ids, max_size=2),
    "cursor": texts,
    "limit": st.integers(-1, 102) | st.floats(0, 102),
    "mode": st.sampled_from(["after", "before", "x"]),
    "sort_by": st.lists(texts, max_size=2),
    "expand": st.lists(st.sampled_from(["members", "tags"]), max_size=2),
}


def objects(
    fields: dict[str, st.SearchStrategy[Any]], required: tuple[str, ...] = ()
) -> st.SearchStrategy[dict[str, Any]]:
    likely = {name: one for name, one in fields.items() if name != "nope"}
    return (
        st.fixed_dictionaries({}, optional=likely)
        | st.fixed_dictionaries(
            {name: fields[name] for name in required},
            optional={name: one for name, one in likely.items() if name not in required},
        )
        | st.fixed_dictionaries({}, optional={name: one | anything for name, one in fields.items()})
    )


def holds_the_law(decoder: RequestDecoder, body: dict[str, Any]) -> None:
    raw = msgspec.json.encode(body)
    plain = read_json(raw)
    clean, problems = violations(decoder._root, plain, strict=False)
    try:
        fast = decoder._fast.decode(raw)
    except ValueError:
        fast = None
    if b"\\u0000" not in raw and fast is not None:
        assert not problems
        assert decoder.from_body(raw) == fast
    if problems:
        assert told(refused(decoder, raw)) == [(one.type, one.field_name) for one in problems]
    else:
        assert decoder.from_body(raw) == msgspec.convert(
            clean,
            decoder._type,
            dec_hook=decoder._fast.dec_hook,
        )


@settings(max_examples=400, deadline=None)
@given(objects(CREATE_FIELDS, ("members", "scheduled_date", "title")))
def test_of_a_create_the_fast_decoder_takes_what_the_walk_finds_clean(
    body: dict[str, Any],
) -> None:
    holds_the_law(CREATE, body)


@settings(max_examples=400, deadline=None)
@given(objects(LIST_FIELDS))
def test_of_a_list_the_fast_decoder_takes_what_the_walk_finds_clean(
    body: dict[str, Any],
) -> None:
    holds_the_law(LIST, body)


@settings(deadline=None)
@given(st.binary(max_size=40) | st.text(max_size=40).map(str.encode))
def test_any_bytes_at_all_are_read_or_refused(raw: bytes) -> None:
    for read in (LIST.from_body, LIST.from_query, CREATE.from_body, CREATE.from_query):
        try:
            assert isinstance(read(raw), Request)
        except BadRequest as error:
            render(error)


def parameters(body: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in body.items():
        match value:
            case dict():
                yield from parameters(value, f"{prefix}{name}.")
            case []:
                yield prefix + name, ""
            case list():
                yield prefix + name, ",".join(f'"{item}"' for item in value)
            case _:
                yield prefix + name, str(value)


def without_quotes(value: object) -> bool:
    """A quoted item has no escape for the two characters that end it, and an empty object can't
    be said in a query.
    """
    match value:
        case str():
            return '"' not in value
        case list():
            return all(map(without_quotes, value))
        case dict():
            return bool(value) and all(map(without_quotes, value.values()))
    return True


SAID_BY_A_QUERY = {
    **LIST_FIELDS,
    "limit": st.integers(-1, 102),
    "parent": st.lists(ids, max_size=3),
    "external_ref": st.lists(texts | st.text("a, &=+%;[].", max_size=4), max_size=3),
}
SAID_BY_A_QUERY |= dict.fromkeys(
    ("created_date", "scheduled_date"),
    st.dictionaries(st.sampled_from(["after", "before"]), dates, min_size=1),
)


@settings(deadline=None)
@given(
    st.fixed_dictionaries({}, optional=SAID_BY_A_QUERY).filter(
        lambda body: all(map(without_quotes, body.values()))
    )
)
def test_the_get_form_and_the_post_form_answer_alike(body: dict[str, Any]) -> None:
    query = "&".join(
        f"{quote_plus(name)}={quote_plus(value)}" for name, value in parameters(body)
    ).encode()
    raw = msgspec.json.encode(body)
    try:
        expected = LIST.from_body(raw)
    except ApiError as error:
        assert render(refused_query(LIST, query)) == render(error)
    else:
        assert LIST.from_query(query) == expected
