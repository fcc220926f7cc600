"""search.core: what has some words, for whom, and in which order."""

from typing import Any

import pytest

from tests.support.server import Client, Server
from tests.support.world import World, make_world

pytestmark = pytest.mark.engines("sqlite", "postgres")


@pytest.fixture
def world(alice: Client) -> World:
    return make_world(alice)


def found(client: Client, query: str, **fields: Any) -> list[str]:
    """The display ids of what a query finds, in order."""
    results = client.ok("search.core", {"query": query, **fields})["results"]
    return [one[one["type"]]["display_id"] for one in results]


def say(client: Client, on: str, body: str, **fields: Any) -> Any:
    request = {"type": "timeline_comment", "object": on, "body": body, **fields}
    return client.ok("timeline-entries.create", request)["timeline_entry"]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("kick", ["ENGAGEMENT-1"]),
        ("KICK-OFF", ["ENGAGEMENT-1"]),
        ('"first call"', ["ENGAGEMENT-1"]),
        ('"call first"', []),
        ("call first", ["ENGAGEMENT-1"]),
        ("crm", ["ENGAGEMENT-1"]),
        ("small", ["ENGAGEMENT-1"]),
        ("kick nothing", []),
        ("nothing OR kick", ["ENGAGEMENT-1"]),
        ("kick -call", []),
        ('kick -"call first"', ["ENGAGEMENT-1"]),
        ("kic*", ["ENGAGEMENT-1"]),
        ("kic", []),
        ("rita", ["REVU-1", "ENGAGEMENT-1"]),
        ("deal", ["OPP-1", "ENGAGEMENT-1"]),
        ("size", ["TAG-1", "ENGAGEMENT-1"]),
        ("rita@acme.example", ["REVU-1"]),
        ("kick from:rita", ["ENGAGEMENT-1"]),
        ("kick from:Rita@ACME.example", ["ENGAGEMENT-1"]),
        ("kick from:revu-1", ["ENGAGEMENT-1"]),
        ("kick from:nobody", []),
        ("kick -from:rita", []),
        ("type:call", ["ENGAGEMENT-1"]),
        ("type:email type:call", ["ENGAGEMENT-1"]),
        ("type:email", []),
        ("type:tag size", ["TAG-1"]),
        ("kick tag:SIZE", ["ENGAGEMENT-1"]),
        ("kick tag:siz", []),
        ("kick tag:siz*", ["ENGAGEMENT-1"]),
        ("kick after:2020-01-01", ["ENGAGEMENT-1"]),
        ("kick before:2020-01-01", []),
        ("unknown:kick", []),
        ("kick after:whenever", []),
    ],
)
def test_a_query_finds_what_it_says(
    world: World, alice: Client, query: str, ids: list[str]
) -> None:
    assert world
    assert found(alice, query) == ids
    assert found(alice, query, namespaces=["engagement"]) == [
        one for one in ids if one.startswith("ENGAGEMENT")
    ]


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("Ünïcode", "unicode"),
        ("straße", "STRASSE"),
        ("\uff26\uff35\uff2c\uff2c width", "full"),
        ("東京都庁", "京都"),
        ("東京都庁", "庁"),
        ("東京都庁", "都"),
        ("สวัสดีครับ", "สดี"),
        ("한국어입니다", "국어"),
        ("हिन्दी में", "हिन्दी"),
        ("Ærøskøbing", "aeroskobing"),
        ("a_b", "a"),
    ],
)
def test_case_accents_width_and_missing_spaces_don_t_matter(
    alice: Client, text: str, query: str
) -> None:
    alice.engagement(title=text)
    assert found(alice, query) == ["ENGAGEMENT-1"]


@pytest.mark.parametrize(
    "query",
    ["", " ", '"', '""""', "-", "*", "OR OR", "-kick", '-"first call"', "🎉", "-from:rita", "()"],
)
def test_a_query_that_wants_nothing_is_refused(alice: Client, query: str) -> None:
    alice.refused("search.core", {"query": query}, "value_not_permitted", "query")
    alice.refused("engagements.list", {"query": query}, "value_not_permitted", "query")
    alice.refused("engagements.count", {"query": query}, "value_not_permitted", "query")


def test_a_long_query_is_refused_and_the_longest_is_answered(alice: Client) -> None:
    alice.refused("search.core", {"query": "x" * 3_000}, "value_not_permitted", "query")
    alice.refused("search.core", {"query": "x\0"}, "value_not_permitted", "query")
    for query in ("x" * 2_048, "x " * 1_024, "x OR " * 409 + "y", '"x' * 1_024, "-x " * 600 + "y"):
        assert found(alice, query) == []
    assert found(alice, " ".join(f"w{n}" for n in range(400))) == []


def test_what_is_changed_is_found_as_it_is_now(world: World, alice: Client) -> None:
    alice.ok("accounts.update", {"id": "ACC-1", "display_name": "Globex"})
    assert found(alice, "acme", namespaces=["engagement", "account"]) == []
    assert found(alice, "globex", namespaces=["engagement", "account"]) == [
        "ACC-1",
        "ENGAGEMENT-1",
    ]
    alice.ok("rev-users.update", {"id": "REVU-1", "display_name": "Zoë"})
    assert found(alice, "zoe kick") == ["ENGAGEMENT-1"]
    assert found(alice, "rita", namespaces=["engagement"]) == []
    alice.ok("tags.update", {"id": "TAG-1", "name": "volume"})
    assert found(alice, "volume kick") == ["ENGAGEMENT-1"]
    alice.ok("tags.delete", {"id": "TAG-1"})
    assert found(alice, "volume") == []
    alice.ok("engagements.update", {"id": world.engagement["id"], "title": "Wrap-up"})
    assert found(alice, "kick") == []
    assert found(alice, "wrap") == ["ENGAGEMENT-1"]
    alice.ok("engagements.delete", {"id": world.engagement["id"]})
    assert found(alice, "wrap") == []


def test_a_service_account_is_found_by_the_name_that_it_has_now(alice: Client) -> None:
    made = alice.ok("service-accounts.create", {"display_name": "Zeppelin"})["service_account"]
    alice.engagement(title="Sync", members=[made["id"]])
    assert found(alice, "zeppelin") == ["SVCACC-1", "ENGAGEMENT-1"]
    alice.ok("service-accounts.update", {"id": made["id"], "display_name": "Dirigible"})
    assert found(alice, "zeppelin") == []
    assert found(alice, "dirigible sync") == ["ENGAGEMENT-1"]


def test_files_are_found_by_their_names(alice: Client) -> None:
    artifact = alice.upload(b"x", file_name="budget-2031.xlsx")
    alice.engagement(title="Plan", artifacts=[artifact])
    assert found(alice, "budget 2031") == ["ENGAGEMENT-1"]


def test_comments_lead_to_what_they_are_on(world: World, alice: Client) -> None:
    comment = say(alice, world.engagement["id"], "They mentioned a zeppelin.")
    (result,) = alice.ok("search.core", {"query": "zeppelin"})["results"]
    assert result["engagement"]["display_id"] == "ENGAGEMENT-1"
    assert result["snippet"] == "They mentioned a zeppelin."
    (shown,) = result["comments"]
    assert shown["comment"]["id"] == comment["id"]
    assert shown["object"] == world.engagement["id"]
    assert found(alice, "zeppelin type:email") == []
    assert found(alice, "zeppelin -rita") == []
    change = {"id": comment["id"], "type": "timeline_comment", "body": "They mentioned a kite."}
    alice.ok("timeline-entries.update", change)
    assert found(alice, "zeppelin") == []
    assert found(alice, "kite") == ["ENGAGEMENT-1"]
    alice.ok("timeline-entries.delete", {"id": comment["id"]})
    assert found(alice, "kite") == []


def test_a_private_comment_leads_only_those_who_may_read_it(world: World, alice: Client) -> None:
    bob, charlie = (alice.server.make_user(alice) for _ in range(2))
    say(alice, world.engagement["id"], "secretword", private_to=[bob.user])
    for reader, ids in ((alice, ["ENGAGEMENT-1"]), (bob, ["ENGAGEMENT-1"]), (charlie, [])):
        assert found(reader, "secretword") == ids
        assert reader.ok("engagements.count", {"query": "secretword"}) == {"count": len(ids)}
        listed = reader.ok("engagements.list", {"query": "secretword"})["engagements"]
        assert len(listed) == len(ids)


def test_another_org_s_objects_are_not_found(world: World, server: Server, alice: Client) -> None:
    assert world
    other = server.make_org("Other")
    make_world(other)
    assert len(found(other, "kick")) == len(found(alice, "kick")) == 1
    other.engagement(title="zzz")
    assert found(alice, "zzz") == []


def test_a_token_finds_what_its_scope_reads(world: World, alice: Client) -> None:
    say(alice, world.engagement["id"], "zeppelin")
    limited = alice.server.make_user(alice, scope="search:read engagement:read")
    assert found(limited, "acme") == ["ENGAGEMENT-1"]
    assert found(limited, "zeppelin") == []
    assert found(alice.server.make_user(alice, scope="search:read tag:read"), "size") == ["TAG-1"]
    alone = alice.server.make_user(alice, scope="search:read")
    assert found(alone, "acme") == []


def test_names_come_before_texts_and_the_new_before_the_old(alice: Client) -> None:
    for title, description in (("x", "plan"), ("plan", "x"), ("x", "plan"), ("plan", "x")):
        alice.engagement(title=title, description=description)
    assert found(alice, "plan") == [f"ENGAGEMENT-{n}" for n in (4, 2, 3, 1)]
    assert found(alice, "plan", sort_order="asc") == [f"ENGAGEMENT-{n}" for n in (1, 3, 2, 4)]
    newest = found(alice, "plan", sort_by="created_date")
    assert newest == [f"ENGAGEMENT-{n}" for n in (4, 3, 2, 1)]
    alice.ok("engagements.update", {"id": "ENGAGEMENT-2", "external_ref": "r"})
    assert found(alice, "plan", sort_by="modified_date")[0] == "ENGAGEMENT-2"


@pytest.mark.parametrize("sort_by", ["relevance", "created_date", "modified_date"])
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_meet_everything_once_in_both_directions(
    alice: Client, sort_by: str, order: str
) -> None:
    for n in range(5):
        on = alice.engagement(title="x", description="word" if n % 2 else "y")
        alice.ok("accounts.create", {"display_name": "word"})
        alice.ok("tags.create", {"name": "z", "description": "word"})
        say(alice, on["id"], "word")
    asked = {"query": "word", "sort_by": sort_by, "sort_order": order}
    everything = found(alice, limit=100, **asked)
    assert len(everything) == len({*everything}) == 20
    for mode, way in (("after", "next_cursor"), ("before", "prev_cursor")):
        walked: list[str] = []
        page: dict[str, Any] = {}
        while page == {} or way in page:
            cursor = {"cursor": page[way]} if page else {}
            page = alice.ok("search.core", {**asked, "limit": 3, "mode": mode, **cursor})
            some = [one[one["type"]]["display_id"] for one in page["results"]]
            walked = [*walked, *some] if mode == "after" else [*some, *walked]
        assert walked == everything
    first = alice.ok("search.core", {**asked, "limit": 3})
    assert "prev_cursor" not in first
    second = alice.ok("search.core", {**asked, "limit": 3, "cursor": first["next_cursor"]})
    back = {"mode": "before", "cursor": second["prev_cursor"]}
    assert alice.ok("search.core", {**asked, "limit": 3, **back})["results"] == first["results"]
    alice.refused("search.core", {**asked, "cursor": "x"}, "invalid_field", "cursor")


def test_a_phrase_is_found_in_a_text_of_very_many_words(alice: Client) -> None:
    alice.engagement(title="Long", description="a b " * 16_000 + "needle in hay a")
    assert found(alice, '"needle in hay"') == ["ENGAGEMENT-1"]
    assert found(alice, '"b a"') == ["ENGAGEMENT-1"]
    assert found(alice, '"a a"') == []
    assert found(alice, 'long -"needle in ha*"') == ["ENGAGEMENT-1"]
    assert found(alice, '"needle in ha"*') == ["ENGAGEMENT-1"]


def test_lists_and_counts_take_a_query_beside_their_filters(world: World, alice: Client) -> None:
    alice.engagement(title="Kick again", engagement_type="email")
    assert world
    for filters, ids in (
        ({}, ["ENGAGEMENT-2", "ENGAGEMENT-1"]),
        ({"type": ["call"]}, ["ENGAGEMENT-1"]),
        ({"members": ["REVU-1"]}, ["ENGAGEMENT-1"]),
        ({"sort_by": ["created_date:asc"]}, ["ENGAGEMENT-1", "ENGAGEMENT-2"]),
    ):
        listed = alice.ok("engagements.list", {"query": "kick", **filters})["engagements"]
        assert [one["display_id"] for one in listed] == ids
        counted = {key: value for key, value in filters.items() if key != "sort_by"}
        assert alice.ok("engagements.count", {"query": "kick", **counted}) == {"count": len(ids)}


def test_namespaces_without_objects_here_find_nothing(world: World, alice: Client) -> None:
    assert world
    assert found(alice, "acme", namespaces=["ticket", "article"]) == []
    assert found(alice, "acme", namespaces=["account", "ticket"]) == ["ACC-1"]


def test_a_result_says_where_it_fits(alice: Client) -> None:
    before, after = "lorem " * 60, " ipsum" * 60
    alice.engagement(title="Note", description=f"{before}A ZEPPELIN came{after}")
    (result,) = alice.ok("search.core", {"query": "zeppelin"})["results"]
    assert "A ZEPPELIN came" in result["snippet"]
    assert len(result["snippet"]) < 200
    assert result["engagement"]["title"] == "Note"
