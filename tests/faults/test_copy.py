"""A copy that is killed, cut off or meddled with ends as one that was not, and is no store before."""

import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import apsw
import pytest

from tests.support.command import rapport
from tests.support.postgres import PostgresServer, eventually, new_name
from tests.support.server import Client, Server
from tests.support.world import World, make_world

_MANY = """
    INSERT INTO idempotency_keys (org, user_id, method, key, request_hash, answer, created_date)
    WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 60000)
    SELECT (SELECT org FROM orgs), 'DEVU-1', 'engagements.create', 'key-' || n, hex(randomblob(32)), '{}', n FROM numbers
"""


class Source:
    """A served folder that is copied."""

    def __init__(self, data: Path) -> None:
        self.server = Server(data)
        self.alice = Client(self.server, self.server.token, "DEVU-1")
        self.world: World = make_world(self.alice)
        self.data = data
        assert self.server.stop() == 0

    @contextmanager
    def served(self) -> Iterator[Client]:
        self.server.start()
        yield self.alice
        assert self.server.stop() == 0

    def tables(self) -> Any:
        """What a copy at one go says that it holds."""
        fresh = self.data.with_name("fresh")
        tables = rapport(self.data.parent, "copy", str(self.data), str(fresh), "--json").json()["tables"]
        shutil.rmtree(fresh)
        return tables


@pytest.fixture
def source(data: Path) -> Source:
    return Source(data)


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[str]:
    """The name of a migrated, empty database."""
    name = new_name()
    with postgres.database(name) as url:
        assert rapport(Path("/"), "migrate", "--database", url).code == 0
        yield name


@contextmanager
def _copying(source: Path | str, target: Path | str) -> Iterator["subprocess.Popen[str]"]:
    """A copy that runs in a process of its own."""
    command = [sys.executable, "-m", "rapport", "copy", str(source), str(target), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        try:
            yield run
        finally:
            run.kill()


def _wait_for_a_lock(postgres: PostgresServer, database: str) -> None:
    waiting = f"""SELECT 1 FROM pg_locks JOIN pg_database d ON d.oid = database
                  WHERE NOT granted AND d.datname = '{database}' AND locktype = 'relation'"""
    eventually(20, lambda: postgres.run(waiting))


@contextmanager
def _before_events(postgres: PostgresServer, source: Path, database: str) -> Iterator["subprocess.Popen[str]"]:
    """A copy that has copied all tables before `events`, and waits until the block ends."""
    with _copying(source, postgres.url(database)) as run, postgres.holding("LOCK TABLE events IN SHARE MODE", database):
        _wait_for_a_lock(postgres, database)
        yield run


def _is_no_store(folder: Path, *place: str) -> None:
    """No command works on an unfinished copy."""
    for command in (("migrate",), ("orgs", "list"), ("init", "--org", "x", "--email", "x@example.com")):
        sentence = rapport(folder, *command, *place).sentence()
        assert "it is an unfinished copy: run the same rapport copy again to finish it" in sentence
    served = subprocess.run(
        [sys.executable, "-m", "rapport", "serve", *place, "--port", "0"],
        capture_output=True, text=True, cwd=folder, timeout=30, check=False,
    )  # fmt: skip
    assert (served.returncode, served.stdout, len(served.stderr.splitlines())) == (1, "", 1)
    assert "unfinished copy" in served.stderr


def test_a_killed_copy_is_no_store_and_the_next_goes_on_though_its_source_has_changed(
    source: Source, postgres: PostgresServer, database: str, tmp_path: Path
) -> None:
    url = postgres.url(database)
    with _before_events(postgres, source.data, database) as run:
        run.kill()
    assert postgres.run("SELECT count(*) FROM engagements", database)[0][0] == 1
    assert postgres.run("SELECT count(*) FROM events", database)[0][0] == 0
    _is_no_store(tmp_path, "--data", "other", "--database", url)

    with source.served() as alice:
        # What is unique moves from an object that is there already to one that is not.
        alice.ok("engagements.update", {"id": source.world.engagement["id"], "external_ref": "crm-2", "title": "Later"})
        alice.engagement(external_ref="crm-1")
        alice.ok("tags.delete", {"id": source.world.tag["id"]})
        alice.ok("accounts.create", {"display_name": "New", "external_refs": ["x"]})
    copied = rapport(tmp_path, "copy", str(source.data), url, "--json").json()
    assert copied["tables"] == source.tables()
    with source.served() as alice:
        before = alice.everything()
    server = Server(source.data, RAPPORT_DATABASE_URL=url)
    assert Client(server, alice.token, alice.user).everything() == before
    assert server.stop() == 0
    assert "holds data already" in rapport(tmp_path, "copy", str(source.data), url).sentence()


def test_an_unfinished_copy_of_one_store_takes_no_other_and_is_no_source(
    source: Source, postgres: PostgresServer, database: str, tmp_path: Path
) -> None:
    url = postgres.url(database)
    with _before_events(postgres, source.data, database) as run:
        assert "another copy writes to" in rapport(tmp_path, "copy", str(source.data), url).sentence()
        run.kill()
    made = rapport(tmp_path, "init", "--data", "bob", "--org", "Bob's", "--email", "bob@example.com")
    assert made.code == 0
    assert "an unfinished copy of another store" in rapport(tmp_path, "copy", "bob", url).sentence()
    assert "is itself an unfinished copy" in rapport(tmp_path, "copy", url, "new").sentence()
    assert not (tmp_path / "new").exists()
    assert rapport(tmp_path, "copy", str(source.data), url).code == 0


def test_a_copy_that_is_killed_while_it_compares_is_unfinished(
    source: Source, postgres: PostgresServer, database: str, tmp_path: Path
) -> None:
    url = postgres.url(database)
    with _copying(source.data, url) as run, ExitStack() as later:
        with postgres.holding("LOCK TABLE events IN SHARE MODE", database):
            _wait_for_a_lock(postgres, database)
            # It is copied by now, and is compared before the others.
            later.enter_context(postgres.holding("LOCK TABLE accounts IN ACCESS EXCLUSIVE MODE", database))
        eventually(20, lambda: postgres.run("SELECT 1 FROM events LIMIT 1", database))
        _wait_for_a_lock(postgres, database)
        run.kill()
    _is_no_store(tmp_path, "--data", "other", "--database", url)
    assert rapport(tmp_path, "copy", str(source.data), url, "--json").json()["tables"] == source.tables()


def test_what_is_changed_in_the_target_meanwhile_is_found_and_mended(
    source: Source, postgres: PostgresServer, database: str, tmp_path: Path
) -> None:
    with _before_events(postgres, source.data, database) as run:
        postgres.run("UPDATE accounts SET display_name = 'Acne'", database)
        postgres.run("DELETE FROM engagement_members WHERE position = 1", database)
    assert run.wait(30) == 1
    assert run.stdout is not None
    assert run.stderr is not None
    assert run.stdout.read() == ""
    [sentence] = run.stderr.read().splitlines()
    assert "accounts (1 rows, 1 in the copy), engagement_members (2 rows, 1 in the copy): see to it" in sentence
    url = postgres.url(database)
    _is_no_store(tmp_path, "--data", "other", "--database", url)
    assert rapport(tmp_path, "copy", str(source.data), url, "--json").json()["tables"] == source.tables()


def test_a_copy_whose_database_goes_away_says_so_and_is_gone_on_with(
    source: Source, postgres: PostgresServer, database: str, tmp_path: Path
) -> None:
    url = postgres.url(database)
    with _before_events(postgres, source.data, database) as run:
        postgres.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'rapport' AND datname = '{database}'")  # fmt: skip
        run.wait(20)
    assert run.returncode == 1
    assert run.stderr is not None
    [sentence] = run.stderr.read().splitlines()
    assert sentence.startswith(f"rapport: {url}: ")
    assert rapport(tmp_path, "copy", str(source.data), url, "--json").json()["tables"] == source.tables()


def _rows(path: Path) -> int:
    """How many of the many rows a folder has."""
    with suppress(apsw.Error):
        connection = apsw.Connection(str(path / "rapport.db"), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            [(count,)] = connection.execute("SELECT count(*) FROM idempotency_keys").fetchall()
            return int(str(count))
        finally:
            connection.close()
    return 0


@pytest.mark.slow
@pytest.mark.parametrize("way", ["postgres to sqlite", "sqlite to sqlite"])
def test_a_copy_that_is_killed_again_and_again_ends_as_one_that_is_not(
    source: Source, postgres: PostgresServer, tmp_path: Path, way: str
) -> None:
    connection = apsw.Connection(str(source.data / "rapport.db"))
    connection.execute(_MANY)
    connection.close()
    wanted = source.tables()
    dice = random.Random()
    with postgres.database(new_name()) as url:
        if way == "postgres to sqlite":
            assert rapport(tmp_path, "copy", str(source.data), url, "--json").json()["tables"] == wanted
        place = url if way == "postgres to sqlite" else source.data
        target, had = tmp_path / "target", [0]
        for _ in range(3):
            with _copying(place, target) as run:
                while run.poll() is None and _rows(target) <= had[-1]:
                    time.sleep(0.01)
                time.sleep(dice.uniform(0, 0.1))
                run.kill()
            had.append(_rows(target))
            if run.wait() == -signal.SIGKILL:
                _is_no_store(tmp_path, "--data", "target")
        copied = rapport(tmp_path, "copy", str(place), str(target), "--json")
    assert had[1] > 0
    # Unless the last kill came too late.
    assert copied.code == 1 or copied.json()["tables"] == wanted
    with postgres.database(new_name()) as url:
        assert rapport(tmp_path, "copy", str(target), url, "--json").json()["tables"] == wanted
