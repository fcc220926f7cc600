"""rapport doctor: a whole store is found whole, and each fault that is planted is named."""

import contextlib
import json
import shutil
import sqlite3
import time
from pathlib import Path
from typing import Any

import apsw
import pytest

from rapport.upkeep import doctor
from tests.support.backups import Source, files
from tests.support.command import Ran, rapport
from tests.support.postgres import PostgresServer, new_name


@pytest.fixture(scope="module")
def still(sqlite_source: Source, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that nobody serves; tests harm copies of it."""
    folder = tmp_path_factory.mktemp("still")
    sqlite_source.back_up(folder / "backups").json()
    assert rapport(folder, "restore", "backups", "--data", "data").code == 0
    return folder / "data"


@pytest.fixture
def store(still: Path, tmp_path: Path) -> Path:
    shutil.copytree(still, tmp_path / "data")
    return tmp_path / "data"


def examine(data: Path, *options: str) -> Ran:
    return rapport(data.parent, "doctor", "--data", str(data), *options)


def _found(data: Path, *options: str) -> dict[str, list[str]]:
    """What is wrong, by check; the exit code says that something is."""
    said = examine(data, "--json", *options)
    checks: list[Any] = json.loads(said.out)["checks"]
    assert [one["name"] for one in checks] == [check.name for check in doctor.CHECKS]
    wrong = {one["name"]: one["found"] for one in checks if one["found"]}
    assert said.code == (1 if wrong else 0)
    assert all(one["to_do"] for one in checks if one["found"])
    return wrong


def _run(data: Path, *statements: str) -> None:
    connection = apsw.Connection(str(data / "rapport.db"))
    for sql in statements:
        connection.execute(sql)
        assert connection.changes(), sql
    connection.close()


@pytest.mark.parametrize(
    "source", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)
def test_a_store_that_is_served_is_found_whole(source: Source, tmp_path: Path) -> None:
    said = rapport(tmp_path, "doctor", "--deep", *source.options, "--json").json()
    assert said["whole"] is True
    assert [one["whole"] for one in said["checks"]] == [True] * len(doctor.CHECKS)


_ORG = "(SELECT org FROM engagements WHERE title = 'Kick-off' ORDER BY org LIMIT 1)"
_GONE = "FROM engagements WHERE deleted_date IS NOT NULL LIMIT 1"
_LINK = (
    "link_type, custom_link_type, source, source_kind, target, target_kind, created_by, "
    "created_date, modified_by, modified_date"
)
_FAULTS: list[tuple[str, str, str]] = [
    ("orgs", "DELETE FROM orgs WHERE name = 'Charlie''s'", "engagements "),
    ("documents", "UPDATE tags SET document = '{\"color'", "tags "),
    ("documents", "UPDATE engagements SET title = 'else' WHERE number = 1", "engagements "),
    ("references", "DELETE FROM artifacts WHERE number = 1", "artifact_versions "),
    ("references", "DELETE FROM engagements WHERE number = 1", "engagement_members "),
    ("references", "DELETE FROM users WHERE kind = 'rev_user'", "engagement_members "),
    ("references", "DELETE FROM tags", "engagement_tags "),
    ("references", "DELETE FROM accounts", "opportunities "),
    ("places", "UPDATE engagements SET modified_date = 1 WHERE number = 1", "engagement_members "),
    ("places", "UPDATE engagement_tags SET title = 'else'", "engagement_tags "),
    ("links", "DELETE FROM users WHERE kind = 'rev_user'", "links "),
    ("links", "UPDATE links SET source = 'ACC-99'", "links "),
    ("links", f"UPDATE links SET target = (SELECT 'ENGAGEMENT-' || number {_GONE}) WHERE org = (SELECT org {_GONE})", "links "),
    ("links", f"INSERT INTO deleted_links SELECT org, number, 'ENGAGEMENT-1', {_LINK} FROM links", "deleted_links "),
    ("clock", "UPDATE events SET date = date + 3600000000", "the newest event is of "),
    ("counters", "UPDATE counters SET last = 1 WHERE kind = 'event'", "event "),
    ("counters", "DELETE FROM counters WHERE kind = 'engagement'", "engagement "),
    ("sums", "UPDATE derived_counts SET number = number + 1", "engagements "),
    ("touches", "UPDATE derived_touches SET date = date + 1", "lost "),
    ("touches", "DELETE FROM derived_touches", "missing "),
    ("touches", "UPDATE derived_rhythms SET recent = recent + 1", "rhythm "),
    ("touches", "DELETE FROM derived_rhythms", "rhythm "),
    ("sums", "DELETE FROM derived_counts WHERE field = 'engagements.members'", "engagements.members "),
]  # fmt: skip


@pytest.mark.parametrize(("check", "sql", "begin"), _FAULTS)
def test_rows_that_do_not_agree_are_named(store: Path, check: str, sql: str, begin: str) -> None:
    _run(store, sql)
    found = _found(store)
    assert any(one.startswith(begin) for one in found[check]), found


def test_a_blob_gone_or_too_short_is_named_and_a_changed_one_by_deep(store: Path) -> None:
    blobs = sorted(
        (path for path in (store / "blobs").rglob("*") if path.is_file() and path.stat().st_size),
        key=lambda path: path.stat().st_size,
    )
    blob = blobs[-1]
    whole = blob.read_bytes()
    blob.write_bytes(whole[:-1] + b"!")
    assert _found(store) == {}
    [named] = _found(store, "--deep")["files"]
    assert blob.name in named
    for harm in (lambda: blob.write_bytes(whole[:-1]), blob.unlink):
        harm()
        [named] = _found(store)["files"]
        assert blob.name in named


def test_open_modes_are_named_and_closed_by_fix_alone(store: Path) -> None:
    (store / "secret.key").chmod(0o644)
    store.chmod(0o755)
    assert _found(store)["modes"] == [str(store), str(store / "secret.key")]
    said = examine(store, "--fix")
    assert (said.code, "mended" in said.out) == (0, True)
    assert _found(store) == {}


@pytest.mark.postgres
def test_sums_and_touches_are_mended_by_fix_on_both_engines(
    store: Path, postgres: PostgresServer, tmp_path: Path
) -> None:
    wrong = ("UPDATE derived_counts SET number = number + 1", "DELETE FROM derived_touches")
    _run(store, *wrong)
    assert {"sums", "touches"} <= _found(store).keys()
    assert examine(store, "--fix").code == 0
    assert _found(store) == {}
    with postgres.database(name := new_name()) as url:
        assert rapport(tmp_path, "copy", str(store), url).code == 0
        for sql in wrong:
            postgres.run(sql, name)
        there = ["--database", url]
        assert {"sums", "touches"} <= _found(store, *there).keys()
        assert examine(store, *there, "--fix").code == 0
        assert _found(store, *there) == {}


def test_sums_of_a_served_folder_are_left_until_it_is_stopped(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def wrong(_place: object) -> list[str]:
        return ["a sum"]

    checks = [one._replace(find=wrong) if one.name == "sums" else one for one in doctor.CHECKS]
    monkeypatch.setattr(doctor, "CHECKS", checks)
    said = rapport(Path("/"), "doctor", *source.options, "--fix").sentence()
    assert "another process holds the data folder" in said


def test_words_that_the_index_lacks_are_named_and_mended_by_fix(store: Path) -> None:
    with contextlib.closing(sqlite3.connect(store / "rapport.db")) as connection:
        connection.execute("DELETE FROM derived_search")
        connection.execute("DELETE FROM derived_search_pending")
        connection.commit()
    assert any(one.endswith("/ENGAGEMENT-1") for one in _found(store)["search"])
    assert examine(store, "--fix").code == 0
    assert _found(store) == {}


def test_fix_changes_no_row_and_no_file(store: Path) -> None:
    _run(store, "UPDATE engagements SET title = 'else' WHERE number = 1", "DELETE FROM tags")
    next(path for path in (store / "blobs").rglob("*") if path.is_file()).unlink()
    before, rows, wrong = files(store), _rows(store), _found(store)
    del wrong["search"]  # The index is made of the rows that are there.
    assert examine(store, "--fix").code == 1
    assert _found(store) == wrong
    assert files(store).keys() - {"lock"} == before.keys()
    assert _rows(store) == rows


def _rows(store: Path) -> list[str]:
    """All that is stored, but for what is made of it."""
    with contextlib.closing(sqlite3.connect(store / "rapport.db")) as connection:
        return [line for line in connection.iterdump() if '"derived_' not in line]


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> None:
    """The room is the machine's; what is asked for is more than it has."""
    monkeypatch.setattr(doctor, "_ROOM", 2**62)


def test_a_disk_without_room_and_a_key_that_is_gone_are_named(full: None, store: Path) -> None:
    (store / "secret.key").unlink()
    found = _found(store)
    assert "bytes are free at" in found["room"][0]
    assert found["key"] == [str(store / "secret.key")]


def test_backups_that_are_not_made_are_named_where_they_should_be(store: Path) -> None:
    def found(**setting: str) -> list[str]:
        said = rapport(store.parent, "doctor", "--data", str(store), "--json", **setting)
        checks = {one["name"]: one["found"] for one in json.loads(said.out)["checks"]}
        told: list[str] = checks["backups"]
        return told

    assert found() == []
    wanted = {"RAPPORT_BACKUP_TO": "backups"}
    assert found(**wanted) == ["there is none"]
    _run(store, "INSERT INTO schedules (name, succeeded) VALUES ('backup', 1700000000000000)")
    assert found(**wanted) == ["the last one is of 2023-11-14T22:13:20.000Z"]
    now = time.time_ns() // 1000
    _run(store, f"UPDATE schedules SET succeeded = {now}")
    assert found(**wanted) == []
    _run(store, f"UPDATE schedules SET failed = {now + 1}, problem = 'the disk is full'")
    assert found(**wanted) == ["the disk is full"]


def test_people_are_told_what_to_do(store: Path) -> None:
    (store / "secret.key").chmod(0o644)
    said = examine(store).out.splitlines()
    assert said[0] == "Can nobody else read the data folder? no: rapport doctor --fix"
    assert said[1] == f"    {store / 'secret.key'}"
    assert said[2] == "Is there room on the disk? yes"


def test_a_store_of_another_version_is_refused(store: Path) -> None:
    _run(store, "DELETE FROM migrations WHERE version = (SELECT max(version) FROM migrations)")
    assert "run rapport migrate on it first" in examine(store).sentence()
