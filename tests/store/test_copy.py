"""A copy takes whatever the schema can hold, in one order on both engines, and tables that it
never heard of.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rapport.store import derived
from rapport.store.kit import contents, copy, migrate
from rapport.store.kit.db import Bulk, Row
from rapport.store.kit.migrate import Migration
from rapport.store.postgres.bulk import PostgresBulk
from rapport.store.postgres.connect import Options
from rapport.store.sqlite.bulk import SqliteBulk
from tests.support.postgres import PostgresServer, new_name

_ODD = ["", " ", "a", "A", "B", "b", "é", "e\u0301", "ß", "Z", "z", "ä", "\uffff", "\U0001f40c", "'", '"', "\\", "\x7f",
        "\x01", "\t", "a\nb", "\r\n", "\u2028", "%", "_", "NULL", "\\N", "{}", "1e3", "01", "-1", "0x1"]  # fmt: skip
_TEXTS = st.sampled_from(_ODD) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12
)
_NUMBERS = st.sampled_from(
    [0, -1, 1, 2**31, 2**53 + 1, -(2**62), 2**63 - 1, -(2**63)]
) | st.integers(-(2**63), 2**63 - 1)
_ROWS = st.lists(
    st.tuples(_TEXTS, _NUMBERS, st.none() | _TEXTS, st.none() | _NUMBERS, st.none() | st.binary(max_size=12),
              st.none() | st.floats(allow_nan=False)), unique_by=lambda row: row[:2], max_size=25,
)  # fmt: skip


_WORDS = "CREATE TABLE derived_words (id {key} PRIMARY KEY, word TEXT);"


async def _rebuild_words(bulk: Bulk) -> None:
    await bulk.run("DELETE FROM derived_words")
    await bulk.run("INSERT INTO derived_words (id, word) SELECT DISTINCT \"order\", 'w' FROM later")


class Nobody:
    """Watches nothing."""

    def expects(self, count: int) -> None:
        pass

    def passed(self, what: str, count: int) -> None:
        pass


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that knows a table more, with types that no table has yet; pages of three rows,
    two to a commit.
    """
    sql = """CREATE TABLE later ("Key" {text} NOT NULL, "order" BIGINT NOT NULL, word {text}, number BIGINT, bytes BYTEA,
             amount DOUBLE PRECISION, PRIMARY KEY ("Key", "order")) {clustered};"""
    steps = migrate.migrations()
    own = {"sqlite": _WORDS.format(key="INTEGER"), "postgres": _WORDS.format(key="BIGINT")}
    known = [
        *steps,
        Migration(steps[-1].version + 1, 1, sql),
        Migration(steps[-1].version + 2, 1, "", own),
    ]
    monkeypatch.setattr(migrate, "migrations", lambda: known)
    monkeypatch.setattr(derived, "REBUILDS", [*derived.REBUILDS, _rebuild_words])
    monkeypatch.setattr(contents, "PAGE", 3)
    monkeypatch.setattr(copy, "_PAGES", 2)


class Places:
    """Two files and a database, kept open: what each test begins with is an empty one."""

    def __init__(self, folder: Path, url: str) -> None:
        self._runner = asyncio.Runner()
        self.first = SqliteBulk(folder / "first.db", writes=True)
        self.second = SqliteBulk(folder / "second.db", writes=True)
        self.database = self._runner.run(PostgresBulk.open(Options(url), writes=True))
        for place in (self.first, self.second, self.database):
            self._runner.run(place.migrate())

    def empty(self) -> None:
        for place in (self.first, self.second, self.database):
            self.run(
                place, "DROP TABLE IF EXISTS copy_progress", "DELETE FROM later", "DELETE FROM orgs"
            )

    def run(self, place: Bulk, *statements: str) -> list[Row]:
        async def run() -> list[Row]:
            async with place.transaction():
                return [await place.all(sql) for sql in statements][-1]

        return self._runner.run(run())

    def fill(self, rows: list[Any]) -> None:
        async def pages() -> Any:
            yield rows

        async def run() -> None:
            async with self.first.transaction():
                await self.first.run(
                    "INSERT INTO orgs (org, name, created_date) VALUES ('O', 'x', 1)"
                )
                [table] = [table for table in await self.first.tables() if table.name == "later"]
                order = ["Key", "order", "word", "number", "bytes", "amount"]
                await self.first.add(table._replace(columns=tuple(order)), pages())

        self._runner.run(run())

    def copy(self, source: Bulk, target: Bulk, *, finish: bool = True) -> list[copy.Compared]:
        async def run() -> list[copy.Compared]:
            compared = await copy.copy(source, target, Nobody())
            if finish:
                await derived.rebuild(target)
                await copy.finish(target)
            return compared

        return self._runner.run(run())

    def close(self) -> None:
        for place in (self.first, self.second, self.database):
            self._runner.run(place.close())
        self._runner.close()


@pytest.fixture
def places(later: None, postgres: PostgresServer, tmp_path: Path) -> Iterator[Places]:
    with postgres.database(new_name()) as url:
        made = Places(tmp_path, url)
        yield made
        made.close()


_ALL = 'SELECT "Key", "order", word, number, bytes, amount FROM later ORDER BY "Key", "order"'


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=_ROWS)
def test_every_value_is_the_same_on_both_engines_and_in_one_order(
    places: Places, rows: list[Any]
) -> None:
    places.empty()
    places.fill(rows)
    there = places.copy(places.first, places.database)
    back = places.copy(places.database, places.second)
    assert all(one.is_same for one in (*there, *back))
    assert (
        [one.target for one in there]
        == [one.source for one in back]
        == [one.target for one in back]
    )
    wanted = sorted(rows, key=lambda row: (row[0].encode(), row[1]))
    for place in (places.first, places.database, places.second):
        assert places.run(place, _ALL) == wanted


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=_ROWS, after=_ROWS, data=st.data())
def test_a_copy_ends_as_its_source_is_whatever_it_was_when_it_was_begun(
    places: Places, before: list[Any], after: list[Any], data: st.DataObject
) -> None:
    kept = (
        data.draw(st.lists(st.sampled_from(before), unique_by=lambda row: row[:2]))
        if before
        else []
    )
    new = {row[:2] for row in after}
    places.empty()
    places.fill(before)
    places.copy(places.first, places.database, finish=False)
    places.run(places.first, "DELETE FROM later", "DELETE FROM orgs")
    places.fill([*after, *(row for row in kept if row[:2] not in new)])
    assert all(one.is_same for one in places.copy(places.first, places.database))
    assert places.run(places.database, _ALL) == places.run(places.first, _ALL)


def test_what_is_derived_is_left_out_of_a_copy_and_made_anew(places: Places) -> None:
    places.empty()
    places.fill([("a", 1, None, None, None, None), ("b", 2, None, None, None, None)])
    places.run(places.first, "INSERT INTO derived_words (id, word) VALUES (99, 'stale')")
    copied = places.copy(places.first, places.database)
    assert "later" in {one.table for one in copied}
    assert "derived_words" not in {one.table for one in copied}
    words = "SELECT id, word FROM derived_words ORDER BY id"
    assert places.run(places.database, words) == [(1, "w"), (2, "w")]


def test_all_values_are_texts_or_integers(postgres: PostgresServer) -> None:
    """What else there may be has to be the same Python value on both engines: a boolean is not."""
    with postgres.database(name := new_name()) as url:

        async def make() -> None:
            bulk = await PostgresBulk.open(Options(url), writes=True)
            await bulk.migrate()
            await bulk.close()

        asyncio.run(make())
        types = postgres.run(
            "SELECT DISTINCT data_type FROM information_schema.columns WHERE table_schema = 'public'",
            name,
        )
        collations = postgres.run(
            "SELECT DISTINCT collation_name FROM information_schema.columns WHERE table_schema = 'public' AND data_type = 'text'",
            name,
        )
    assert {str(kind) for (kind,) in types} == {"text", "bigint"}
    assert {str(collation) for (collation,) in collations} == {"C"}
