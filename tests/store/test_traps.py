"""Where engines differ in silence: case, order of text, width of integers, what a parameter may
hold.
"""

import random
from typing import Any

import pytest

from rapport.contract.kit.paging import Sort
from rapport.operations.admin import make_org
from rapport.store import accounts, engagement_links, engagements, tags, users
from rapport.store.engagement_links import Related
from rapport.store.kit import query, terms
from rapport.store.kit.db import Tx
from rapport.store.kit.filters import Filter
from rapport.store.kit.query import Walk
from tests.support.engine import Engine, row_of

NASTY = (
    "it's", '"quoted"', "back\\slash", "100% _sure_", ":org", "{values}", "%s ?", "tab\tand\nline\r\n", " ends ",
    "é", "e\u0301", "\U0001f469\u200d\U0001f680", "\u202eright to left", "\u0001\u001f\u007f", "null", "12", "1e3", "[1]",
)  # fmt: skip


def _insert(store: Engine, *rows: engagements.EngagementRow, links: Related | None = None) -> None:
    store.write(lambda tx: engagements.insert(tx, rows, [links or Related()] * len(rows)))


def _count(store: Engine, where: Filter[engagements.Stored]) -> int:
    return store.read(lambda tx: query.count(tx, where), heavy=True)


@pytest.mark.parametrize("text", NASTY)
def test_text_comes_back_exactly_as_written(store: Engine, text: str) -> None:
    org = store.new_org()
    _insert(store, row_of(org, 1, title=text, external_ref=text, document=text))
    row: Any = store.read(lambda tx: engagements.lock(tx, org, 1))
    assert (row.title, row.external_ref, row.document) == (text, text, text)
    assert store.read(lambda tx: engagements.by_external_refs(tx, [(org, text)])) == {
        (org, text): 1
    }


@pytest.mark.parametrize("text", NASTY)
def test_a_filter_takes_text_as_it_is(store: Engine, text: str) -> None:
    org = store.new_org()
    _insert(store, row_of(org, 1, external_ref=text), row_of(org, 2, external_ref="another"))
    where = engagements.live(org)
    where.among("external_ref", [text])
    assert _count(store, where) == 1


def test_filters_and_unique_values_tell_upper_from_lower_case(store: Engine) -> None:
    org = store.new_org()
    _insert(store, row_of(org, 1, external_ref="crm-a"), row_of(org, 2, external_ref="CRM-A"))
    where = engagements.live(org)
    where.among("external_ref", ["crm-a"])
    assert _count(store, where) == 1
    assert store.read(lambda tx: engagements.by_external_refs(tx, [(org, "Crm-A")])) == {}


def test_text_is_ordered_by_code_point(store: Engine) -> None:
    org = store.new_org()
    titles = [
        "b",
        "a",
        "B",
        "é",
        "e\u0301",
        "z",
        "_",
        "-",
        "\uffff",
        "\U00010000",
        "Å",
        "10",
        "9",
        "a b",
        "ab",
        "a-b",
    ]
    _insert(store, *(row_of(org, number, title=title) for number, title in enumerate(titles, 1)))
    ordered = store.all("SELECT title FROM engagements WHERE org = :org ORDER BY title", org=org)
    assert [title for (title,) in ordered] == sorted(titles)
    above = store.all(
        "SELECT title FROM engagements WHERE org = :org AND title > :least ORDER BY title",
        org=org,
        least="a",
    )
    assert [title for (title,) in above] == sorted(title for title in titles if title > "a")


@pytest.mark.parametrize(
    "value", [-(2**63), -(2**53) - 1, -1, 0, 2**31, 2**32, 2**53 + 1, 2**63 - 1]
)
def test_integers_keep_all_64_bits(store: Engine, value: int) -> None:
    org = store.new_org()
    _insert(store, row_of(org, 1, scheduled_date=value, created_date=value, modified_date=value))
    row: Any = store.read(lambda tx: engagements.lock(tx, org, 1))
    assert (row.scheduled_date, row.created_date, row.modified_date) == (value, value, value)
    given = store.all("SELECT v FROM rows(:values, v bigint)", values=[(value,)])
    assert given == [(value,)]


def test_a_list_parameter_holds_nothing_nulls_and_thousands(store: Engine) -> None:
    assert store.all("SELECT n, t FROM rows(:list, n bigint, t text)", list=[]) == []
    assert store.all(
        "SELECT n, t FROM rows(:list, n bigint, t text)", list=[(None, None), (1, "")]
    ) == [
        (None, None),
        (1, ""),
    ]
    many = [(n, str(n)) for n in range(5_000)]
    assert store.all("SELECT n, t FROM rows(:list, n bigint, t text) ORDER BY n", list=many) == many


def test_an_empty_batch_of_links_is_nothing(store: Engine) -> None:
    org = store.new_org()

    async def add(tx: Tx) -> None:
        for add in (
            engagement_links.add_members,
            engagement_links.add_parents,
            engagement_links.add_tags,
            engagement_links.add_artifacts,
        ):
            await add(tx, [])

    store.write(add)
    assert store.all("SELECT count(*) FROM engagement_members WHERE org = :org", org=org) == [(0,)]


def test_links_of_one_kind_are_removed_alone_and_of_one_engagement_alone(store: Engine) -> None:
    org = store.new_org()
    links = Related(members=["DEVU-1"], parents=["ACC-1"], tags=[("TAG-1", None), ("TAG-2", "v")])
    _insert(store, row_of(org, 1), row_of(org, 2), links=links)
    store.write(lambda tx: engagement_links.set_links(tx, row_of(org, 1).carried, "tags", []))
    assert store.all(
        "SELECT engagement, tag, value FROM engagement_tags WHERE org = :org ORDER BY 1, 2", org=org
    ) == [(2, "TAG-1", None), (2, "TAG-2", "v")]
    assert store.all("SELECT count(*) FROM engagement_parents WHERE org = :org", org=org) == [(2,)]


def test_an_engagement_with_two_of_the_links_asked_for_counts_once(store: Engine) -> None:
    org = store.new_org()
    _insert(
        store,
        row_of(org, 1),
        links=Related(members=["DEVU-1", "DEVU-2"], parents=["ACC-1", "OPP-1"]),
    )
    where = engagements.live(org)
    where.among("members", ["DEVU-1", "DEVU-2"])
    where.among("parent", ["ACC-1", "OPP-1"])
    assert _count(store, where) == 1
    where.among("tags", ["TAG-1"])
    assert _count(store, where) == 0


def test_bounds_of_a_range_are_exclusive(store: Engine) -> None:
    org = store.new_org()
    _insert(store, *(row_of(org, number, scheduled_date=number) for number in range(1, 6)))
    for after, before, expected in (
        (1, 5, 3),
        (2, None, 3),
        (None, 2, 1),
        (3, 4, 0),
        (None, None, 5),
    ):
        where = engagements.live(org)
        where.between("scheduled_date", after, before)
        assert _count(store, where) == expected


def test_only_the_first_of_two_deletes_finds_something(store: Engine) -> None:
    org = store.new_org()
    _insert(store, row_of(org, 1))
    assert store.write(lambda tx: engagements.delete(tx, org, 1, 5, "DEVU-1"))
    assert not store.write(lambda tx: engagements.delete(tx, org, 1, 6, "DEVU-1"))
    assert store.read(lambda tx: engagements.get(tx, org, 1)) is None
    assert store.write(lambda tx: engagements.lock(tx, org, 1)) is None


def test_another_orgs_rows_are_not_found_by_number(store: Engine) -> None:
    org, other = store.new_org(), store.new_org()
    _insert(store, row_of(org, 1))
    assert store.read(lambda tx: engagements.get(tx, other, 1)) is None
    assert not store.write(lambda tx: engagements.delete(tx, other, 1, 5, "DEVU-1"))
    assert store.read(lambda tx: tags.get(tx, other, 1)) is None
    assert store.read(lambda tx: accounts.get(tx, other, 1)) is None


def test_the_longest_text_that_is_accepted_fits_its_indexes(store: Engine) -> None:
    org, dice = store.new_org(), random.Random(1)

    def text(length: int) -> str:
        """What no compression makes shorter, four bytes a character."""
        return "".join(chr(dice.randrange(0x10000, 0x110000)) for _ in range(length))

    title, external_ref, term, email = (
        text(256),
        text(512),
        text(2_048),
        "\ufb03" * 250 + "@" + text(5),
    )
    _insert(store, row_of(org, 1, title=title, external_ref=external_ref))
    assert store.read(lambda tx: engagements.by_external_refs(tx, [(org, external_ref)])) == {
        (org, external_ref): 1
    }

    async def put(tx: Tx) -> None:
        await make_org(tx, 1, name="x", email=email, org=org)
        await terms.put(
            tx,
            org,
            "ACC-1",
            {"accounts.domains": [term], "accounts.external_refs": [term, term[1:]]},
        )
        await accounts.insert(
            tx, accounts.AccountRow(org, 1, "Acme", None, "DEVU-1", 1, "DEVU-1", 1, "{}")
        )

    store.write(put)
    found = store.read(lambda tx: users.by_email(tx, org, email))
    assert found is not None
    for values, expected in (([term], 1), ([term[:-1]], 0), (["sha256:" + "0" * 64], 0)):
        where = accounts.of_org(org)
        where.among("domains", values)
        walk = Walk([Sort("created_date", descending=False)], None, backwards=False, limit=10)
        page = store.read(lambda tx, where=where, walk=walk: query.page(tx, where, walk))  # type: ignore[misc]
        assert len(page.rows) == expected
