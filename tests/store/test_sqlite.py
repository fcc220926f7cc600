"""What only SQLite has: one file, its copies and modes, statements in the event loop."""

import asyncio
import re
import shutil
import stat
import time
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from rapport.folder import DATABASE
from rapport.serving.installation import open_data
from rapport.settings import load
from rapport.store import dev_orgs as orgs
from rapport.store.kit import migrate
from rapport.store.kit.db import Tx
from rapport.store.kit.migrate import Migration, NewerDatabase
from rapport.store.sqlite.store import SqliteStore
from tests.support.engine import SOON, Engine, alone, settled


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine("sqlite", tmp_path)
    yield engine
    engine.close()


def _sqlite(engine: Engine) -> SqliteStore:
    assert isinstance(engine.store, SqliteStore)
    return engine.store


def _open_and_close(path: Path, **options: str) -> None:
    asyncio.run(SqliteStore(path, **options).close())


def _schema(path: Path) -> list[tuple[str, str]]:
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    rows = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name"
    ).fetchall()
    connection.close()
    return [(str(name), str(sql)) for name, sql in rows]


def test_a_hundred_writes_at_once_take_a_few_commits(engine: Engine) -> None:
    commits = []

    def count() -> bool:
        commits.append(1)
        return False

    _sqlite(engine)._writer.set_commit_hook(count)
    works = [
        alone(engine.store, lambda tx, n=n: orgs.insert(tx, f"ORG{n:07}", "x", n))  # type: ignore[misc]
        for n in range(100)
    ]
    assert engine.run(settled(works)) == [None] * 100
    assert len(commits) <= 5


def test_a_reader_does_not_see_what_is_not_committed(engine: Engine) -> None:
    seen = []

    async def look(tx: Tx) -> None:
        await orgs.insert(tx, "ORG0000001", "x", 1)
        seen.append(await engine.store.read(orgs.all_orgs, deadline=time.monotonic() + SOON))

    engine.write(look)
    assert seen == [[]]
    assert engine.read(orgs.all_orgs) == [("ORG0000001", "x")]


def test_work_that_waits_for_something_else_is_refused_and_undone(engine: Engine) -> None:
    async def waits(tx: Tx) -> None:
        await orgs.insert(tx, "ORG0000001", "x", 1)
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="may await nothing but the transaction"):
        engine.write(waits)
    with pytest.raises(RuntimeError, match="may await nothing but the transaction"):
        engine.read(lambda _tx: asyncio.sleep(0))
    assert engine.read(orgs.all_orgs) == []
    engine.write(lambda tx: orgs.insert(tx, "ORG0000002", "works on", 1))
    assert engine.read(orgs.all_orgs) == [("ORG0000002", "works on")]


def test_the_defaults_are_durable(engine: Engine) -> None:
    writer = _sqlite(engine)._writer
    assert writer.pragma("synchronous") == 2
    assert writer.pragma("journal_mode") == "wal"
    assert writer.pragma("foreign_keys") == 1


def test_a_log_that_has_grown_is_moved_into_the_file(engine: Engine, tmp_path: Path) -> None:
    for n in range(30):
        engine.write(lambda tx, n=n: orgs.insert(tx, f"ORG{n:07}", "x" * 1_000_000, n))  # type: ignore[misc]
    deadline = time.monotonic() + SOON
    while (tmp_path / DATABASE).stat().st_size < 10_000_000:
        assert time.monotonic() < deadline, "no checkpoint was made"
        time.sleep(0.01)
    assert len(engine.read(orgs.all_orgs)) == 30


def test_what_was_written_is_there_after_the_program_ended_without_closing(
    engine: Engine, tmp_path: Path
) -> None:
    engine.write(lambda tx: orgs.insert(tx, "ORG0000001", "x", 1))
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in tmp_path.glob(f"{DATABASE}*"):
        if not file.name.endswith("-shm"):
            shutil.copy(file, copy / file.name)
    found = Engine("sqlite", copy)
    assert found.read(orgs.all_orgs) == [("ORG0000001", "x")]
    found.close()


# Migrations


@pytest.fixture
def second_migration(monkeypatch: pytest.MonkeyPatch) -> Migration:
    """A program that knows one migration more."""
    newest = migrate.migrations()[-1].version
    added = Migration(
        newest + 1,
        newest + 1,
        "CREATE TABLE later (org {text} NOT NULL, PRIMARY KEY (org)) {clustered};",
    )
    known = [*migrate.migrations(), added]
    monkeypatch.setattr(migrate, "migrations", lambda: known)
    return added


def test_migrations_have_no_gaps_and_say_what_they_are_compatible_with() -> None:
    found = migrate.migrations()
    assert [step.version for step in found] == list(range(1, len(found) + 1))
    assert all(1 <= step.compatible <= step.version for step in found)


@pytest.mark.parametrize(
    ("texts", "why"),
    [
        (
            {"sqlite": "-- compatible: 1\n"},
            "migration 7 has neither one text nor one for each engine",
        ),
        ({"": "SELECT 1"}, "migration 7 does not say what it is compatible with"),
    ],
)
def test_a_migration_is_for_every_engine_and_says_what_follows_it(
    texts: dict[str, str], why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        migrate.migration_of(7, texts)


def test_a_migration_may_have_a_text_for_each_engine() -> None:
    texts = {"sqlite": "-- compatible: 1\nA", "postgres": "-- compatible: 1\nB"}
    step = migrate.migration_of(7, texts)
    assert (step.sql_for("sqlite"), step.sql_for("postgres")) == tuple(texts.values())


def test_a_fresh_schema_is_the_migrated_schema(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = migrate.migrations()
    for known in range(1, len(steps) + 1):
        monkeypatch.setattr(migrate, "migrations", lambda known=known: steps[:known])
        _open_and_close(tmp_path / "migrated.db")
    _open_and_close(tmp_path / "fresh.db")
    assert _schema(tmp_path / "migrated.db") == _schema(tmp_path / "fresh.db")


def test_opening_an_up_to_date_store_changes_nothing_and_makes_no_backup(tmp_path: Path) -> None:
    path = tmp_path / DATABASE
    _open_and_close(path)
    before = path.read_bytes()
    _open_and_close(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == [DATABASE]


def test_a_backup_of_the_old_file_precedes_a_migration(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    engine = Engine("sqlite", tmp_path)
    engine.write(lambda tx: orgs.insert(tx, "ORG0000001", "before", 1))
    old = _schema(tmp_path / DATABASE)
    added: Migration = request.getfixturevalue("second_migration")
    engine.restart()
    assert engine.read(orgs.all_orgs) == [("ORG0000001", "before")]
    engine.close()
    backup = tmp_path / f"{DATABASE}.before-{added.version}"
    assert _schema(backup) == old
    assert "later" in dict(_schema(tmp_path / DATABASE))
    kept = apsw.Connection(str(backup), flags=apsw.SQLITE_OPEN_READONLY)
    assert kept.execute("SELECT org, name FROM orgs").fetchall() == [("ORG0000001", "before")]
    kept.close()


def test_an_older_program_refuses_a_newer_store_with_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / DATABASE
    _open_and_close(path)
    newest = migrate.migrations()[-1].version
    connection = apsw.Connection(str(path))
    connection.execute("INSERT INTO migrations VALUES (?, ?)", (newest + 5, newest + 3))
    connection.close()
    sentence = (
        f"the store is at version {newest + 5} and needs a program that knows version {newest + 3}"
    )
    with pytest.raises(NewerDatabase, match=re.escape(sentence)):
        SqliteStore(path)


def test_a_newer_store_that_says_it_is_compatible_is_opened(tmp_path: Path) -> None:
    path = tmp_path / DATABASE
    _open_and_close(path)
    connection = apsw.Connection(str(path))
    connection.execute(
        "INSERT INTO migrations VALUES (?, ?)", (migrate.migrations()[-1].version + 1, 1)
    )
    connection.close()
    _open_and_close(path)


def test_a_migration_that_fails_leaves_the_store_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / DATABASE
    _open_and_close(path)
    before = _schema(path)
    steps = migrate.migrations()
    broken = Migration(
        steps[-1].version + 1, 1, "CREATE TABLE half (org {text}); CREATE TABLE orgs (org {text});"
    )
    with monkeypatch.context() as patched:
        patched.setattr(migrate, "migrations", lambda: [*steps, broken])
        with pytest.raises(apsw.SQLError, match="already exists"):
            SqliteStore(path)
    assert _schema(path) == before
    _open_and_close(path)


# The data folder


def _modes(folder: Path) -> dict[str, int]:
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}


def _in_data(data: Path, work: Coroutine[Any, Any, None] | None = None) -> dict[str, int]:
    async def run() -> dict[str, int]:
        async with open_data(load({"data": data}, {}, data.parent)) as opened:
            await opened.admin.orgs_create(name="Acme", email="alice@example.com")
            if work:
                await work
            return _modes(data)

    return asyncio.run(run())


def test_the_data_folder_is_0700_and_its_files_0600(data: Path) -> None:
    modes = _in_data(data)
    assert {DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", "lock"} <= set(modes)
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(data.stat().st_mode) == 0o700


def test_a_folder_that_was_open_to_others_is_closed_to_them(data: Path) -> None:
    data.mkdir(mode=0o755)
    data.chmod(0o755)
    _in_data(data)
    assert stat.S_IMODE(data.stat().st_mode) == 0o700


def test_a_backup_before_a_migration_is_0600_too(
    data: Path, request: pytest.FixtureRequest
) -> None:
    _in_data(data)
    added: Migration = request.getfixturevalue("second_migration")
    modes = _in_data(data)
    assert modes[f"{DATABASE}.before-{added.version}"] == 0o600
    assert set(modes.values()) == {0o600}
