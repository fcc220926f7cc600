"""Ids and cursors: what goes out comes back in, and nothing else does."""

import re
import string
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapport.contract.kit import ids
from rapport.contract.kit.errors import InvalidField, InvalidId, UnexpectedIdType
from rapport.contract.kit.paging import Cursor, Sort, decode_cursor, encode_cursor

ORG = "ABCDEFGH23"
LIST = "engagements.list"
TYPES = {"created_date": int, "title": str}
SORTS = (Sort("created_date", descending=True), Sort("title", descending=False))

kinds = st.sampled_from(ids.KINDS)
numbers = st.integers(1, 10**18 - 1)
orgs = st.text(string.ascii_uppercase + "234567", min_size=10, max_size=10)
int64 = st.integers(-(2**63), 2**63 - 1)
titles = st.text(st.characters(exclude_categories=["Cs"]), max_size=256)
inside = st.builds(Cursor, st.tuples(int64, titles, int64), st.booleans())


@given(kinds, orgs, numbers)
def test_a_don_that_goes_out_is_read_back(kind: ids.Kind, org: str, number: int) -> None:
    read = ids.Id.parse(ids.don(kind, org, number))
    assert (read.kind, read.org, read.number) == (kind, org, number)
    assert ids.don_of(read.display_id, org) == read.text
    assert ids.kind_of(read.display_id) is kind


@given(kinds, numbers, st.randoms())
def test_a_display_id_is_read_in_any_case(kind: ids.Kind, number: int, random: Random) -> None:
    prefix = "".join(letter.lower() if random.random() < 0.5 else letter for letter in kind.prefix)
    read = ids.Id.parse(f"{prefix}-{number}")
    assert (read.kind, read.org, read.number, read.display_id) == (
        kind,
        None,
        number,
        f"{kind.prefix}-{number}",
    )


@given(st.text())
def test_any_other_text_is_refused_with_a_reason(text: str) -> None:
    try:
        read = ids.Id.parse(text)
    except ValueError:
        problem = ids.Id.problem(text, "members[0]")
        assert isinstance(problem, InvalidId | UnexpectedIdType)
        assert problem.field_name == "members[0]"
    else:
        assert read.text == text


@pytest.mark.parametrize(
    "text",
    [
        "", "DEVU", "DEVU-", "DEVU-0", "DEVU-01", "DEVU--1", "DEVU-1 ", " DEVU-1", "DEVU-1\n", "DEVU-\u0661", "DEVU_1", "1",
        "DEVU-1234567890123456789", "NOPE-1", "DEVU-1\0", "\u017fYSU-1", f"don:identity:dvrv-us-1:devo/{ORG}",
        f"don:identity:dvrv-us-1:devo/{ORG}:devu/0", f"don:identity:dvrv-us-1:devo/{ORG}:devu/1/",
        "don:identity:dvrv-us-1:devo/:devu/1", f"don:identity:dvrv-us-1:devo/{ORG}:devu/1\n",
    ],
)  # fmt: skip
def test_a_malformed_id_is_an_invalid_id(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  the reason is in problem()
        ids.UserId.parse(text)
    assert isinstance(ids.UserId.problem(text, "id"), InvalidId)


@pytest.mark.parametrize(
    ("field", "text", "allowed"),
    [
        (ids.UserId, "ACC-1", ["dev_user", "rev_user", "service_account", "sys_user"]),
        (ids.UserId, "acc-1", ["dev_user", "rev_user", "service_account", "sys_user"]),
        (ids.ParentId, "TAG-1", ["account", "opportunity"]),
        (ids.TagId, ids.don(ids.ENGAGEMENT, ORG, 1), ["tag"]),
        (
            ids.AccountId,
            f"don:core:dvrv-us-1:devo/{ORG}:account/1",
            ["account"],
        ),  # the wrong service
    ],
)
def test_a_well_formed_id_of_another_kind_is_an_unexpected_id_type(
    field: type[ids.Id], text: str, allowed: list[str]
) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        field.parse(text)
    problem = field.problem(text, "x")
    assert isinstance(problem, UnexpectedIdType)
    assert problem.fields == {"field_name": "x", "value": text, "allowed_types": allowed}


def test_a_display_id_belongs_to_the_callers_org_and_a_don_to_its_own() -> None:
    assert ids.Id.parse("TAG-1").belongs_to(ORG)
    assert ids.Id.parse(ids.don(ids.TAG, ORG, 1)).belongs_to(ORG)
    assert not ids.Id.parse(ids.don(ids.TAG, "ZZZZZZZZZZ", 1)).belongs_to(ORG)


@given(inside)
def test_a_cursor_is_read_back_by_its_list_and_fits_into_a_request(cursor: Cursor) -> None:
    text = encode_cursor(LIST, SORTS, cursor)
    assert decode_cursor(LIST, SORTS, TYPES, text) == cursor
    assert len(text) <= 2048
    assert set(text) <= set(string.ascii_letters + string.digits + "-_")


@pytest.mark.parametrize("letter", ["\x01", "\x7f", '"', "\U0001f600"])
def test_a_cursor_of_the_longest_title_fits_into_a_request(letter: str) -> None:
    assert len(encode_cursor(LIST, SORTS, Cursor((2**62, letter * 256, 2**62)))) <= 2048


@given(inside)
def test_a_cursor_of_another_list_or_sort_is_refused(cursor: Cursor) -> None:
    text = encode_cursor(LIST, SORTS, cursor)
    other = (Sort("created_date", descending=False), SORTS[1])
    for list_name, sorts in (
        ("accounts.list", SORTS),
        (LIST, other),
        (LIST, SORTS[:1]),
        (LIST, SORTS[::-1]),
    ):
        with pytest.raises(InvalidField) as refused:
            decode_cursor(list_name, sorts, TYPES, text)
        assert refused.value.field_name == "cursor"


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: raw.decode("latin-1")))
def test_any_other_text_is_no_cursor(text: str) -> None:
    with pytest.raises(InvalidField):
        decode_cursor(LIST, SORTS, TYPES, text)


@given(inside, st.data())
def test_a_changed_cursor_is_refused_or_means_the_same(cursor: Cursor, data: st.DataObject) -> None:
    text = encode_cursor(LIST, SORTS, cursor)
    position = data.draw(st.integers(0, len(text) - 1))
    changed = (
        text[:position] + data.draw(st.sampled_from(string.ascii_letters)) + text[position + 1 :]
    )
    try:
        read = decode_cursor(LIST, SORTS, TYPES, changed)
    except InvalidField:
        return
    assert read == cursor  # the last character has bits that no byte uses


# A display id or DON that is put together or taken apart by hand, in Python. SQL is free to.
_PREFIXES = "|".join(kind.prefix for kind in (*ids.KINDS, *ids.ENTRIES))
_BY_HAND = re.compile(
    rf"""f"[^"\n]*\b(?:{_PREFIXES}|DEV)-\{{|rpartition\("-"\)|(?:removeprefix|startswith)\("[A-Z]+-"\)|"don:|\.prefix\}}-"""
)


def test_display_ids_and_dons_are_made_and_taken_apart_in_one_module() -> None:
    root = Path(ids.__file__).parents[2]
    modules = {path for path in root.rglob("*.py") if path != Path(ids.__file__)}
    assert len(modules) > 100
    assert {path.name for path in modules if _BY_HAND.search(path.read_text())} == set()
    for text in (
        'f"ACC-{number}"',
        'f"{on}:COMMENT-{n}"',
        'id_.rpartition("-")',
        'id_.startswith("DEVU-")',
        'f"{kind.prefix}-{n}"',
        'r"don:[a-z]+"',
    ):
        assert _BY_HAND.search(text)
