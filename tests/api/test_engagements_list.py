"""engagements.list and count: filters, orders, pages."""

from typing import Any

import pytest

from tests.support.server import Client


def titles(client: Client, **request: Any) -> list[str]:
    page = client.ok("engagements.list", request)
    return [one["title"] for one in page["engagements"]]


def walk(client: Client, **request: Any) -> list[list[str]]:
    """All pages, from one end to the other."""
    backwards = request.get("mode") == "before"
    pages: list[list[str]] = []
    while True:
        page = client.ok("engagements.list", request)
        pages.append([one["title"] for one in page["engagements"]])
        key = "prev_cursor" if backwards else "next_cursor"
        if key not in page:
            return pages
        request["cursor"] = page[key]


@pytest.fixture
def year(alice: Client) -> Client:
    """Alice with five engagements: titles a to e, made in that order."""
    alice.engagement(title="a", scheduled_date="2023-05-01T00:00:00Z", engagement_type="call", external_ref="r-a")
    alice.engagement(title="b", scheduled_date="2023-04-01T00:00:00Z", engagement_type="email", external_ref="r-b")
    alice.engagement(title="c", scheduled_date="2023-03-01T00:00:00Z", engagement_type="call")
    alice.engagement(title="d", scheduled_date="2023-03-01T00:00:00Z")
    alice.engagement(title="e", scheduled_date="2023-01-01T00:00:00Z", engagement_type="offline")
    return alice


def test_the_newest_come_first_and_the_ends_have_no_cursor(year: Client) -> None:
    page = year.ok("engagements.list")
    assert [one["title"] for one in page["engagements"]] == ["e", "d", "c", "b", "a"]
    assert not {"next_cursor", "prev_cursor"} & set(page)
    assert year.ok("engagements.list", {"type": ["survey"]}) == {"engagements": []}


@pytest.mark.parametrize(
    ("sort_by", "expected"),
    [
        (["created_date:asc"], "abcde"),
        (["created_date:desc"], "edcba"),
        (["modified_date:asc"], "abcde"),
        (["scheduled_date:asc"], "ecdba"),
        (["scheduled_date:desc"], "abdce"),
        (["scheduled_date:asc", "title:desc"], "edcba"),
        (["scheduled_date:desc", "title:asc"], "abcde"),
        (["title:desc"], "edcba"),
    ],
)
def test_orders_and_walks_in_both_directions(sort_by: list[str], expected: str, year: Client) -> None:
    assert "".join(titles(year, sort_by=sort_by)) == expected
    for limit in (1, 2, 3):
        there = walk(year, sort_by=sort_by, limit=limit)
        assert "".join(title for page in there for title in page) == expected
        back = walk(year, sort_by=sort_by, limit=limit, mode="before")
        assert "".join(title for page in reversed(back) for title in page) == expected


def test_titles_are_ordered_by_code_point(alice: Client) -> None:
    given = ["b", "B", "a", "\u00e4", "z", "\U0001f600", "\uff21", "10", "9"]
    for title in given:
        alice.engagement(title=title)
    assert titles(alice, sort_by=["title:asc"]) == sorted(given)


def test_no_date_sorts_before_every_date(year: Client) -> None:
    c = next(one for one in year.ok("engagements.list")["engagements"] if one["title"] == "c")
    year.ok("engagements.update", {"id": c["id"], "scheduled_date": None})
    year.engagement(title="f", scheduled_date="0001-01-01T00:00:00Z")
    assert "".join(titles(year, sort_by=["scheduled_date:asc"])) == "cfedba"
    assert titles(year, scheduled_date={"before": "2023-01-01T00:00:00Z"}) == ["f"]


def test_cursors_lead_back_and_forth(year: Client) -> None:
    request = {"limit": 2, "sort_by": ["title:asc"]}
    first = year.ok("engagements.list", request)
    assert "prev_cursor" not in first
    second = year.ok("engagements.list", {**request, "cursor": first["next_cursor"]})
    assert [one["title"] for one in second["engagements"]] == ["c", "d"]
    back = year.ok("engagements.list", {**request, "cursor": second["prev_cursor"], "mode": "before"})
    assert back["engagements"] == first["engagements"]
    assert back["next_cursor"] == first["next_cursor"]
    assert "prev_cursor" not in back
    third = year.ok("engagements.list", {**request, "cursor": second["next_cursor"]})
    assert [one["title"] for one in third["engagements"]] == ["e"]
    assert "next_cursor" not in third


def test_a_walk_is_not_disturbed_by_what_comes_and_goes(year: Client) -> None:
    seen, request = [], {"limit": 1, "sort_by": ["title:asc"]}
    while True:
        page = year.ok("engagements.list", request)
        seen += [one["title"] for one in page["engagements"]]
        year.engagement(title="A" + "x" * len(seen))
        if page["engagements"][0]["title"] == "b":
            year.ok("engagements.delete", {"id": page["engagements"][0]["id"]})
        if "next_cursor" not in page:
            break
        request["cursor"] = page["next_cursor"]
    assert seen == ["a", "b", "c", "d", "e"]


def test_the_way_back_begins_where_everything_is_gone(year: Client) -> None:
    page = year.ok("engagements.list", {"limit": 4, "sort_by": ["title:asc"]})
    for one in year.ok("engagements.list")["engagements"]:
        if one["title"] in "de":
            year.ok("engagements.delete", {"id": one["id"]})
    empty = year.ok("engagements.list", {"limit": 4, "sort_by": ["title:asc"], "cursor": page["next_cursor"]})
    assert (empty["engagements"], "next_cursor" in empty) == ([], False)
    back = {"limit": 4, "sort_by": ["title:asc"], "cursor": empty["prev_cursor"], "mode": "before"}
    assert "".join(titles(year, **back)) == "abc"


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"type": ["call"]}, "ca"),
        ({"engagement_type": ["call"]}, "ca"),
        ({"type": ["call", "email"]}, "cba"),
        ({"type": ["meeting"]}, ""),
        ({"type": []}, "edcba"),
        ({"external_ref": ["r-a", "r-x"]}, "a"),
        ({"type": ["email"], "external_ref": ["r-a"]}, ""),
        ({"scheduled_date": {"after": "2023-03-01T00:00:00Z"}}, "ba"),
        ({"scheduled_date": {"before": "2023-03-01T00:00:00.000001Z"}}, "edc"),
        ({"scheduled_date": {"after": "2023-01-01T00:00:00Z", "before": "2023-04-01T00:00:00Z"}}, "dc"),
        ({"created_date": {"before": "2020-01-01T00:00:00Z"}}, ""),
        ({"modified_date": {"after": "2020-01-01T00:00:00Z"}}, "edcba"),
        ({"members": ["DEVU-1"]}, "edcba"),
        ({"members": ["DEVU-999"]}, ""),
        ({"parent": ["ACC-999"]}, ""),
        ({"tags": ["TAG-999"]}, ""),
        ({"created_by": ["DEVU-1", "DEVU-2"]}, "edcba"),
        ({"created_by": ["SYSU-1"]}, ""),
    ],
)
def test_filters_are_or_within_and_and_between_and_count_agrees(
    filters: dict[str, Any], expected: str, year: Client
) -> None:
    assert "".join(titles(year, **filters)) == expected
    assert year.ok("engagements.count", filters) == {"count": len(expected)}
    query: dict[str, str] = {}
    for name, value in filters.items():
        if isinstance(value, dict):
            query |= {f"{name}.{end}": moment for end, moment in value.items()}
        else:
            query[name] = ",".join(value)
    assert [one["title"] for one in year.get("engagements.list", query).body["engagements"]] == list(expected)
    assert year.get("engagements.count", query).body == {"count": len(expected)}


def test_links_are_filtered_by(alice: Client, bob: Client) -> None:
    first, second = (alice.ok("accounts.create", {"display_name": name})["account"]["display_id"] for name in "AB")
    hot, cold = (alice.ok("tags.create", {"name": name})["tag"]["id"] for name in ("hot", "cold"))
    alice.engagement(title="a", parent=first, tags=[hot])
    alice.engagement(title="b", parents=[second, first], members=[bob.user])
    alice.engagement(title="c", tags=[cold], members=[alice.user, bob.user])
    assert titles(alice, parent=[first]) == ["b", "a"]
    assert titles(alice, parent=second.lower()) == ["b"]
    assert titles(alice, parent=[first, second]) == ["b", "a"]
    assert titles(alice, members=[bob.user]) == ["c", "b"]
    assert titles(alice, members=[bob.user], parent=[first]) == ["b"]
    assert titles(alice, tags=[hot, cold]) == ["c", "a"]
    assert titles(bob, created_by=[bob.user]) == []


def test_a_reference_with_a_comma_is_quoted_in_a_query(alice: Client) -> None:
    alice.engagement(title="x", external_ref='a,b "c"')
    alice.engagement(title="y", external_ref="a")
    for asked, expected in (('"a,b "c""', 1), ('"a,b "c"",a', 2), ("a,b", 1), ('"a"', 1), ("z", 0)):
        assert alice.get("engagements.count", {"external_ref": asked}).body == {"count": expected}, asked
    assert alice.get("engagements.count", [("external_ref", "a"), ("external_ref", "z")]).body == {"count": 1}


def test_a_page_has_at_most_as_many_as_asked_for_and_fifty_without_asking(alice: Client) -> None:
    for _ in range(51):
        alice.engagement()
    assert len(titles(alice)) == 50
    assert len(titles(alice, limit=100)) == 51
    assert len(titles(alice, limit=1)) == 1
    assert alice.ok("engagements.count") == {"count": 51}
