"""engagements.list: filters, orders and walks."""

import base64
import itertools
from typing import Any

import pytest

from tests.support.server import Client
from tests.support.world import make_world

pytestmark = pytest.mark.engines("sqlite", "postgres")


def titles(answer: Any) -> list[str]:
    return [one["title"] for one in answer["engagements"]]


def walk(client: Client, mode: str = "after", **request: Any) -> list[Any]:
    """Every engagement, page by page, in the order of the walk's own direction."""
    found: list[Any] = []
    cursor: dict[str, Any] = {}
    for _ in range(1000):
        page = client.ok("engagements.list", {**request, "mode": mode, **cursor})
        found = page["engagements"] + found if mode == "before" else found + page["engagements"]
        name = "prev_cursor" if mode == "before" else "next_cursor"
        if name not in page:
            return found
        cursor = {"cursor": page[name]}
    raise AssertionError("a walk without an end")


# Pages


def test_an_empty_org_has_an_empty_page_without_cursors(alice: Client) -> None:
    for request in ({}, {"mode": "before"}, {"limit": 1}, {"sort_by": ["title:asc"]}):
        assert alice.ok("engagements.list", request) == {"engagements": []}


def test_fifty_at_most_unless_it_is_said_otherwise(alice: Client) -> None:
    request = {"members": [alice.user], "scheduled_date": "2023-01-01T12:00:00Z", "title": "A call"}
    alice.together([("engagements.create", request)] * 101)
    assert len(alice.ok("engagements.list")["engagements"]) == 50
    assert len(alice.ok("engagements.list", {"limit": 1})["engagements"]) == 1
    full = alice.ok("engagements.list", {"limit": 100})
    assert len(full["engagements"]) == 100
    last = alice.ok("engagements.list", {"limit": 100, "cursor": full["next_cursor"]})
    assert len(last["engagements"]) == 1
    assert "next_cursor" not in last
    assert "prev_cursor" not in full


def test_newest_come_first_without_a_sort(alice: Client) -> None:
    made = [alice.engagement(title=str(number))["title"] for number in range(5)]
    assert titles(alice.ok("engagements.list")) == made[::-1]
    assert titles(alice.ok("engagements.list", {"sort_by": []})) == made[::-1]


def test_cursors_are_absent_at_the_ends(alice: Client) -> None:
    for number in range(5):
        alice.engagement(title=str(number))
    asked: dict[str, Any] = {"sort_by": ["created_date:asc"], "limit": 2}
    first = alice.ok("engagements.list", asked)
    second = alice.ok("engagements.list", {**asked, "cursor": first["next_cursor"]})
    third = alice.ok("engagements.list", {**asked, "cursor": second["next_cursor"]})
    assert [titles(page) for page in (first, second, third)] == [["0", "1"], ["2", "3"], ["4"]]
    assert [{*page} - {"engagements"} for page in (first, second, third)] == [
        {"next_cursor"},
        {"next_cursor", "prev_cursor"},
        {"prev_cursor"},
    ]
    back = alice.ok("engagements.list", {**asked, "mode": "before", "cursor": third["prev_cursor"]})
    assert titles(back) == ["2", "3"]
    start = alice.ok("engagements.list", {**asked, "mode": "before", "cursor": back["prev_cursor"]})
    assert titles(start) == ["0", "1"]
    assert "prev_cursor" not in start
    assert titles(alice.ok("engagements.list", {**asked, "cursor": start["next_cursor"]})) == [
        "2",
        "3",
    ]


def test_a_page_that_is_exactly_full_has_no_next(alice: Client) -> None:
    for _ in range(4):
        alice.engagement()
    page = alice.ok("engagements.list", {"limit": 2})
    assert "next_cursor" not in alice.ok(
        "engagements.list", {"limit": 2, "cursor": page["next_cursor"]}
    )
    assert {*alice.ok("engagements.list", {"limit": 4})} == {"engagements"}


def test_before_without_a_cursor_is_the_last_page_in_the_order_asked_for(alice: Client) -> None:
    for number in range(5):
        alice.engagement(title=str(number))
    page = alice.ok("engagements.list", {"mode": "before", "limit": 2, "sort_by": ["title:asc"]})
    assert titles(page) == ["3", "4"]
    assert {*page} == {"engagements", "prev_cursor"}
    page = alice.ok(
        "engagements.list",
        {"mode": "before", "limit": 2, "sort_by": ["title:asc"], "cursor": page["prev_cursor"]},
    )
    assert titles(page) == ["1", "2"]
    assert titles(alice.ok("engagements.list", {"mode": "before", "limit": 2})) == ["1", "0"]


ODD = [
    "",
    "b",
    "B",
    "a",
    "é",
    "e\u0301",
    "ß",
    "Z",
    "z",
    "\U0001f600",
    "\uffff",
    " a",
    "aa",
    "1",
    "10",
    "2",
]


@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_titles_are_sorted_by_code_point(direction: str, alice: Client) -> None:
    made = [alice.engagement(title=title)["title"] for title in ODD if title]
    wanted = sorted(made, reverse=direction == "desc")
    for mode, limit in itertools.product(("after", "before"), (1, 3, 100)):
        found = walk(alice, mode, sort_by=[f"title:{direction}"], limit=limit)
        assert [one["title"] for one in found] == wanted


@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_no_date_sorts_before_every_date(direction: str, alice: Client) -> None:
    dates = [
        "0001-01-01T00:00:00Z",
        "1969-12-31T23:59:59.999999Z",
        "1970-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
    ]
    made = [alice.engagement(scheduled_date=date) for date in [*dates[2:], *dates[:2]]]
    cleared = alice.engagement()
    alice.ok("engagements.update", {"id": cleared["id"], "scheduled_date": None})
    wanted = [
        cleared["id"],
        *(one["id"] for one in sorted(made, key=lambda one: str(one["scheduled_date"]))),
    ]
    if direction == "desc":
        wanted.reverse()
    for mode, limit in itertools.product(("after", "before"), (1, 2, 100)):
        assert [
            one["id"]
            for one in walk(alice, mode, sort_by=[f"scheduled_date:{direction}"], limit=limit)
        ] == wanted


SORTS = [
    f"{name}:{way}"
    for name in ("created_date", "modified_date", "scheduled_date", "title")
    for way in ("asc", "desc")
]


def test_ties_go_by_the_number_in_the_last_sort_s_direction(alice: Client) -> None:
    made = [alice.engagement(title="same")["id"] for _ in range(6)]
    for sort in ("title:asc", "scheduled_date:asc", "title:desc", "scheduled_date:desc"):
        wanted = made if sort.endswith("asc") else made[::-1]
        for mode, limit in itertools.product(("after", "before"), (1, 4, 100)):
            assert [one["id"] for one in walk(alice, mode, sort_by=[sort], limit=limit)] == wanted


def test_several_sorts_hold_in_their_order(alice: Client) -> None:
    made = [
        alice.engagement(title=title, scheduled_date=f"2023-01-0{day}T00:00:00Z")
        for title, day in itertools.product("bac", (2, 1, 3, 2))
    ]
    for first, second in itertools.product(
        ("title:asc", "title:desc"), ("scheduled_date:asc", "scheduled_date:desc")
    ):
        ordered = sorted(
            made,
            key=lambda one: int(one["display_id"].rpartition("-")[2]),
            reverse=second.endswith("desc"),
        )
        ordered.sort(key=lambda one: str(one["scheduled_date"]), reverse=second.endswith("desc"))
        ordered.sort(key=lambda one: str(one["title"]), reverse=first.endswith("desc"))
        for mode, limit in itertools.product(("after", "before"), (1, 5, 100)):
            assert walk(alice, mode, sort_by=[first, second], limit=limit) == ordered, (
                first,
                second,
                mode,
                limit,
            )


@pytest.mark.parametrize("sort", SORTS)
def test_forwards_and_backwards_walks_agree(sort: str, alice: Client) -> None:
    made = [
        alice.engagement(
            title=f"T{number % 3}", scheduled_date=f"2023-01-0{1 + number % 4}T00:00:00Z"
        )
        for number in range(11)
    ]
    for one in made[::3]:
        alice.ok("engagements.update", {"id": one["id"], "description": "x"})
    whole = alice.ok("engagements.list", {"sort_by": [sort]})["engagements"]
    assert len(whole) == 11
    for limit in (1, 2, 4, 11):
        assert walk(alice, "after", sort_by=[sort], limit=limit) == whole
        assert walk(alice, "before", sort_by=[sort], limit=limit) == whole


@pytest.mark.parametrize("mode", ["after", "before"])
@pytest.mark.parametrize("sort", ["title:asc", "title:desc", "created_date:desc"])
def test_a_walk_sees_what_existed_all_along_exactly_once(
    mode: str, sort: str, alice: Client
) -> None:
    made = [alice.engagement(title=f"{number:02}") for number in range(12)]
    seen: list[str] = []
    asked: dict[str, Any] = {"sort_by": [sort], "mode": mode, "limit": 3}
    gone = {made[2]["id"], made[5]["id"], made[6]["id"]}
    for step in range(20):
        page = alice.ok("engagements.list", asked)
        seen += [one["id"] for one in page["engagements"]]
        if step == 0:
            for id_ in gone:
                alice.ok("engagements.delete", {"id": id_})
        alice.engagement(title=f"{step * 2:02} between")
        cursor = page.get("prev_cursor" if mode == "before" else "next_cursor")
        if cursor is None:
            break
        asked["cursor"] = cursor
    assert len(seen) == len({*seen})
    assert {one["id"] for one in made} - gone <= {*seen}


def test_a_page_whose_neighbours_are_gone_leads_back_and_on(alice: Client) -> None:
    made = [alice.engagement(title=str(number)) for number in range(6)]
    asked: dict[str, Any] = {"sort_by": ["title:asc"], "limit": 2}
    first = alice.ok("engagements.list", asked)
    for one in made[1:]:
        alice.ok("engagements.delete", {"id": one["id"]})
    nothing = alice.ok("engagements.list", {**asked, "cursor": first["next_cursor"]})
    assert nothing["engagements"] == []
    assert "next_cursor" not in nothing
    back = alice.ok(
        "engagements.list", {**asked, "mode": "before", "cursor": nothing["prev_cursor"]}
    )
    assert titles(back) == ["0"]
    assert {*back} == {"engagements"}


def test_a_cursor_of_the_longest_title_is_taken_again(alice: Client) -> None:
    for _ in range(2):
        alice.engagement(title="\U0001f600" * 256)
    asked: dict[str, Any] = {
        "sort_by": ["title:asc", "created_date:asc", "modified_date:asc", "scheduled_date:desc"],
        "limit": 1,
    }
    cursor = alice.ok("engagements.list", asked)["next_cursor"]
    assert len(alice.ok("engagements.list", {**asked, "cursor": cursor})["engagements"]) == 1
    sent = alice.get("engagements.list", {**asked, "cursor": cursor})
    assert len(sent.body["engagements"]) == 1


def test_a_cursor_that_was_tampered_with_is_refused(alice: Client) -> None:
    for _ in range(3):
        alice.engagement()
    cursor = alice.ok("engagements.list", {"limit": 1})["next_cursor"]
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    for position in range(len(raw)):
        changed = raw[:position] + bytes([raw[position] ^ 1]) + raw[position + 1 :]
        broken = base64.urlsafe_b64encode(changed).decode().rstrip("=")
        answer = alice.call("engagements.list", {"limit": 1, "cursor": broken})
        assert (answer.status, answer.type, answer.body["field_name"]) == (
            400,
            "invalid_field",
            "cursor",
        )


def test_a_cursor_keeps_to_its_list_and_order_and_not_to_its_filters(alice: Client) -> None:
    world = make_world(alice)
    for number in range(3):
        alice.engagement(title=str(number))
    cursor = alice.ok("engagements.list", {"limit": 1})["next_cursor"]
    for sort in (["created_date:asc"], ["title:desc"], ["created_date:desc", "title:asc"]):
        alice.refused(
            "engagements.list", {"cursor": cursor, "sort_by": sort}, "invalid_field", "cursor"
        )
    for method in ("accounts.list", "works.list", "tags.list", "dev-users.list", "rev-users.list"):
        alice.refused(method, {"cursor": cursor}, "invalid_field", "cursor")
    assert titles(
        alice.ok("engagements.list", {"cursor": cursor, "sort_by": ["created_date:desc"]})
    ) == [
        "1",
        "0",
        "Kick-off",
    ]
    found = alice.ok("engagements.list", {"cursor": cursor, "type": ["call"]})["engagements"]
    assert found == [world.engagement]


def test_another_org_s_cursor_shows_nothing_of_it(alice: Client, charlie: Client) -> None:
    for _ in range(3):
        alice.engagement()
    cursor = alice.ok("engagements.list", {"limit": 1})["next_cursor"]
    assert charlie.ok("engagements.list", {"cursor": cursor})["engagements"] == []


# Filters


def seeded(client: Client) -> dict[str, Any]:
    """Twelve engagements that differ in all that can be asked for, and the ids to ask with."""
    world = make_world(client)
    client.ok("engagements.delete", {"id": world.engagement["id"]})
    colleague = client.server.make_user(client)
    plain = client.ok("tags.create", {"name": "plain"})["tag"]
    members = [[client.user], [world.rev_user["id"]], [client.user, world.rev_user["id"]]]
    parents: list[list[str]] = [
        [],
        [world.account["id"]],
        [world.opportunity["id"]],
        [world.account["id"], world.opportunity["id"]],
    ]
    tags: list[list[Any]] = [
        [],
        [world.tag["id"]],
        [plain["id"], {"id": world.tag["id"], "value": "small"}],
    ]
    for number in range(12):
        (client if number % 5 else colleague).engagement(
            title=str(number),
            engagement_type=["call", "email", "default", "offline"][number % 4],
            members=members[number % 3],
            parents=parents[(number // 2) % 4],
            tags=tags[(number // 3) % 3],
            scheduled_date=f"2023-01-{number + 1:02}T00:00:00Z",
            external_ref=f"crm-{number}",
        )
    return {
        "me": client.user,
        "rita": world.rev_user["id"],
        "acme": world.account["id"],
        "deal": world.opportunity["id"],
        "size": world.tag["id"],
        "plain": plain["id"],
        "colleague": colleague.user,
    }


def holds(one: Any, name: str, values: list[str]) -> bool:
    """What a filter means, said once more in Python."""
    match name:
        case "type" | "engagement_type":
            return one["engagement_type"] in values
        case "external_ref":
            return one["external_ref"] in values
        case "created_by":
            return one["created_by"]["display_id"] in values
        case _:
            have = one.get({"parent": "parents"}.get(name, name), [])
            dons = {
                value
                for value in have
                if value in values
                or any(value.endswith(f":devu/{v[5:]}") for v in values if v[:5] == "DEVU-")
            }
            return bool(dons)


def test_values_within_a_filter_are_or_and_filters_are_and(alice: Client) -> None:
    ids = seeded(alice)
    whole = alice.ok("engagements.list")["engagements"]
    assert len(whole) == 12
    choices: dict[str, list[list[str]]] = {
        "type": [
            ["call"],
            ["call", "email"],
            ["meeting"],
            ["survey", "offline", "custom", "conversation"],
        ],
        "engagement_type": [["default"]],
        "members": [[ids["me"]], [ids["rita"]], [ids["rita"], ids["me"]], [ids["colleague"]]],
        "parent": [[ids["acme"]], [ids["deal"]], [ids["acme"], ids["deal"]]],
        "external_ref": [["crm-1"], ["crm-1", "crm-2", "nothing"], ["nothing"]],
        "created_by": [[ids["me"]], [ids["colleague"]], [ids["me"], ids["colleague"]]],
        "tags": [[ids["size"]], [ids["plain"]], [ids["plain"], ids["size"]]],
    }
    single = [{name: values} for name, several in choices.items() for values in several]
    pairs = [
        {**one, **other}
        for one, other in itertools.combinations(single, 2)
        if not {*one} & {*other}
    ]
    sizes = set()
    for asked in single + pairs:
        kinds = [*asked.get("type", []), *asked.get("engagement_type", [])]
        wanted = [
            one
            for one in whole
            if all(
                holds(one, name, values)
                for name, values in asked.items()
                if name not in {"type", "engagement_type"}
            )
            and (not kinds or one["engagement_type"] in kinds)
        ]
        assert alice.ok("engagements.list", asked)["engagements"] == wanted, asked
        assert alice.ok("engagements.count", asked) == {"count": len(wanted)}, asked
        sizes.add(len(wanted))
    assert len(sizes) > 5


def test_filters_hold_on_every_page_of_a_walk(alice: Client) -> None:
    ids = seeded(alice)
    asked: dict[str, Any] = {
        "members": [ids["rita"]],
        "tags": [ids["size"]],
        "sort_by": ["scheduled_date:asc"],
    }
    whole = alice.ok("engagements.list", asked)["engagements"]
    assert len(whole) > 3
    for mode, limit in itertools.product(("after", "before"), (1, 2, 3)):
        assert walk(alice, mode, limit=limit, **asked) == whole


def test_dates_are_open_ranges(alice: Client) -> None:
    seeded(alice)
    whole = alice.ok("engagements.list", {"sort_by": ["created_date:asc"]})["engagements"]
    for name in ("scheduled_date", "created_date", "modified_date"):
        low, high = whole[3][name], whole[8][name]
        for given in (
            {"after": low},
            {"before": high},
            {"after": low, "before": high},
            {"after": high, "before": low},
            {},
        ):
            wanted = [
                one["id"]
                for one in whole
                if ("after" not in given or one[name] > given["after"])
                and ("before" not in given or one[name] < given["before"])
            ]
            found = alice.ok("engagements.list", {name: given, "sort_by": ["created_date:asc"]})[
                "engagements"
            ]
            assert [one["id"] for one in found] == wanted, (name, given)
            assert alice.ok("engagements.count", {name: given}) == {"count": len(wanted)}
            query = {f"{name}.{end}": date for end, date in given.items()}
            assert alice.get("engagements.count", query).body == {"count": len(wanted)}


def test_one_without_a_date_is_in_no_range_of_dates(alice: Client) -> None:
    made = alice.engagement()
    alice.ok("engagements.update", {"id": made["id"], "scheduled_date": None})
    for given in ({"before": "9999-12-31T00:00:00Z"}, {"after": "0001-01-01T00:00:00Z"}):
        assert alice.ok("engagements.list", {"scheduled_date": given}) == {"engagements": []}
        assert alice.ok("engagements.count", {"scheduled_date": given}) == {"count": 0}
    assert alice.ok("engagements.count") == {"count": 1}


def test_a_single_parent_and_type_are_taken_as_real_clients_send_them(
    alice: Client,
) -> None:
    world = make_world(alice)
    alice.engagement()
    for request in (
        {"parent": world.account["id"]},
        {"parent": "acc-1"},
        {"engagement_type": ["call"]},
        {"type": ["call"]},
    ):
        assert alice.ok("engagements.list", request)["engagements"] == [world.engagement]
        assert alice.ok("engagements.count", request) == {"count": 1}
        assert alice.get("engagements.list", request).body["engagements"] == [world.engagement]
    both = {"engagement_type": ["call"], "type": ["default"]}
    assert alice.ok("engagements.count", both) == {"count": 2}


def test_empty_filters_filter_nothing(alice: Client) -> None:
    alice.engagement()
    for name in (
        "type",
        "engagement_type",
        "members",
        "parent",
        "external_ref",
        "created_by",
        "tags",
    ):
        assert alice.ok("engagements.count", {name: []}) == {"count": 1}
    assert alice.ok("engagements.count", {"created_date": {}}) == {"count": 1}


def test_a_filter_by_an_absent_or_foreign_id_finds_nothing(alice: Client, charlie: Client) -> None:
    mine, theirs = make_world(alice), make_world(charlie)
    me = charlie.ok("dev-users.self")["dev_user"]["id"]
    for request in (
        {"members": ["DEVU-99"]},
        {"members": [theirs.rev_user["id"]]},
        {"parent": ["ACC-99"]},
        {"parent": [theirs.account["id"]]},
        {"parent": theirs.opportunity["id"]},
        {"tags": ["TAG-99"]},
        {"tags": [theirs.tag["id"]]},
        {"created_by": [me]},
    ):
        assert alice.ok("engagements.list", request) == {"engagements": []}
        assert alice.ok("engagements.count", request) == {"count": 0}
    assert alice.ok("engagements.count", {"parent": ["ACC-99", mine.account["id"]]}) == {"count": 1}


def test_a_filter_of_a_bad_shape_is_refused_in_list_and_count(alice: Client) -> None:
    cases: list[tuple[dict[str, Any], str, str]] = [
        ({"type": ["fax"]}, "invalid_enum_value", "type[0]"), ({"type": "call"}, "unexpected_json_type", "type"),
        ({"members": ["nobody"]}, "invalid_id", "members[0]"), ({"members": ["TAG-1"]}, "unexpected_id_type", "members[0]"),
        ({"members": "DEVU-1"}, "unexpected_json_type", "members"), ({"parent": ["DEVU-1"]}, "unexpected_id_type", "parent[0]"),
        ({"tags": [{"id": "TAG-1"}]}, "unexpected_json_type", "tags[0]"), ({"created_by": [None]}, "unexpected_json_type", "created_by[0]"),
        ({"external_ref": ["\0"]}, "value_not_permitted", "external_ref[0]"),
        ({"created_date": "2023-01-01T00:00:00Z"}, "unexpected_json_type", "created_date"),
        ({"created_date": {"after": "2023-01-01"}}, "value_not_permitted", "created_date.after"),
        ({"scheduled_date": {"on": "2023-01-01T00:00:00Z"}}, "invalid_field", "scheduled_date.on"),
        ({"title": ["x"]}, "invalid_field", "title"),
    ]  # fmt: skip
    for request, type_, field in cases:
        alice.refused("engagements.list", request, type_, field)
        alice.refused("engagements.count", request, type_, field)


def test_expand_holds_for_every_engagement_of_the_page(alice: Client) -> None:
    seeded(alice)
    everything = ["members", "parents", "tags", "artifacts"]
    shown = alice.ok("engagements.list", {"expand": everything})["engagements"]
    assert len(shown) == 12
    for one in shown:
        assert (
            one
            == alice.ok("engagements.get", {"id": one["id"], "expand": everything})["engagement"]
        )
    assert (
        alice.ok("engagements.list", {}, x_rapport_expand="members,parents,tags,artifacts")[
            "engagements"
        ]
        == shown
    )
    assert (
        alice.get("engagements.list", {"expand": ",".join(everything)}).body["engagements"] == shown
    )


def test_a_reference_with_a_comma_is_quoted_in_a_query(alice: Client) -> None:
    alice.engagement(title="x", external_ref='a,b "c"')
    alice.engagement(title="y", external_ref="a")
    for asked, expected in (('"a,b "c""', 1), ('"a,b "c"",a', 2), ("a,b", 1), ('"a"', 1), ("z", 0)):
        assert alice.get("engagements.count", {"external_ref": asked}).body == {
            "count": expected
        }, asked
    assert alice.get("engagements.count", [("external_ref", "a"), ("external_ref", "z")]).body == {
        "count": 1
    }
