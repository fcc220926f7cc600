"""A copy that is killed, cut off or meddled with ends as one that was not, and is no store
before.
"""

import json
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
from tests.support.server import Server

UNFINISHED = "it is an unfinished copy: run the same rapport copy again to finish it"
MANY = 30_000
INSERT_MANY = f"""
    INSERT INTO idempotency_keys (org, user_id, method, key, request_hash, answer, created_date)
    WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {MANY})
    SELECT (SELECT org FROM orgs), 'DEVU-1', 'engagements.create', 'key-' || n, hex(randomblob(32)), '{{}}', n FROM numbers
"""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's data folder."""
    server = Server(tmp_path_factory.mktemp("demo") / "data", "--demo")
    assert server.stop() == 0
    return server.data


@pytest.fixture
def source(demo: Path, data: Path) -> Path:
    """A folder of the test's own."""
    shutil.copytree(demo, data)
    return data


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[str]:
    """The name of a migrated, empty database."""
    name = new_name()
    with postgres.database(name) as url:
        assert rapport(Path("/"), "migrate", "--database", url).code == 0
        yield name


def _call(method: str, *place: str, **request: Any) -> Any:
    called = rapport(Path("/"), "call", method, json.dumps(request), *place)
    assert called.code == 0, called
    return json.loads(called.out)


def _tables(source: Path | str, target: Path | str) -> Any:
    """What a copy that succeeds says that both hold."""
    return rapport(Path("/"), "copy", str(source), str(target), "--json").json()["tables"]


def _refused(source: Path | str, target: Path | str) -> str:
    return rapport(Path("/"), "copy", str(source), str(target)).sentence()


def _heed_ctrl_c() -> None:
    """What a shell starts in the background ignores it, and so does all that this starts."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def _copying(source: Path | str, target: Path | str) -> Iterator["subprocess.Popen[str]"]:
    """A copy that runs in a process of its own; it is killed when the block ends."""
    command = [sys.executable, "-m", "rapport", "copy", str(source), str(target), "--json"]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_heed_ctrl_c,  # noqa: PLW1509  # it takes no lock
    ) as run:
        try:
            yield run
        finally:
            run.kill()


def _said(run: "subprocess.Popen[str]") -> str:
    """The one sentence with which it was refused."""
    out, err = run.communicate(timeout=30)
    assert (run.returncode, out) == (1, "")
    lines = [line for line in err.splitlines() if not line.startswith("{")]
    assert len(lines) == 1, err
    return lines[0]


def _wait_for_a_lock(postgres: PostgresServer, database: str) -> None:
    waiting = f"""SELECT 1 FROM pg_locks JOIN pg_database d ON d.oid = database
                  WHERE NOT granted AND d.datname = '{database}' AND locktype = 'relation'"""
    eventually(20, lambda: postgres.run(waiting))


@contextmanager
def _before_events(postgres: PostgresServer, database: str) -> Iterator[None]:
    """While the block lasts, a copy waits when it has copied all tables before `events`; it
    begins when that is so.
    """
    with postgres.holding("LOCK TABLE events IN SHARE MODE", database):
        _wait_for_a_lock(postgres, database)
        yield


@pytest.mark.long
def test_a_killed_copy_is_no_store_and_goes_on_from_a_changed_source(
    demo: Path, source: Path, postgres: PostgresServer, database: str, tmp_path: Path
) -> None:
    url, here = postgres.url(database), ("--data", str(source))
    _call("engagements.update", *here, id="ENGAGEMENT-9", external_ref="crm-1")
    with _copying(source, url) as run, _before_events(postgres, database):
        assert "another copy writes to" in _refused(demo, url)
        run.kill()
    assert postgres.run("SELECT count(*) FROM engagements", database)[0][0] == 420
    assert postgres.run("SELECT count(*) FROM events", database)[0][0] == 0

    place = ("--data", str(tmp_path / "other"), "--database", url)
    for command in (
        ("migrate",),
        ("orgs", "list"),
        ("init", "--org", "x", "--email", "x@example.com"),
    ):
        assert UNFINISHED in rapport(tmp_path, *command, *place).sentence()
    served = subprocess.run(
        [sys.executable, "-m", "rapport", "serve", *place, "--port", "0"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (served.returncode, served.stdout) == (1, "")
    assert UNFINISHED in served.stderr.splitlines()[-1]
    assert (
        rapport(
            tmp_path, "init", "--data", "bob", "--org", "Bob's", "--email", "bob@example.com"
        ).code
        == 0
    )
    assert "an unfinished copy of another store" in _refused(tmp_path / "bob", url)
    assert "is itself an unfinished copy" in _refused(url, tmp_path / "new")
    assert not (tmp_path / "new").exists()

    # What is unique moves to an object that comes before the one that has it in the target.
    _call("engagements.update", *here, id="ENGAGEMENT-9", external_ref="crm-2")
    _call("engagements.update", *here, id="ENGAGEMENT-7", external_ref="crm-1")
    _call("engagements.delete", *here, id="ENGAGEMENT-8")
    _call("tags.delete", *here, id="TAG-12345")
    request = {"members": ["DEVU-12345"], "title": "x", "scheduled_date": "2023-01-01T12:00:00Z"}
    made = _call("engagements.create", *here, **request)["engagement"]
    assert _tables(source, url) == _tables(source, tmp_path / "fresh")
    assert _call("engagements.get", *place, id=made["id"])["engagement"] == made
    assert _call("engagements.list", *place, limit=100) == _call(
        "engagements.list", *here, limit=100
    )
    assert "holds data already" in _refused(source, url)


def test_a_copy_that_is_killed_while_it_compares_is_unfinished(
    source: Path, postgres: PostgresServer, database: str, tmp_path: Path
) -> None:
    url = postgres.url(database)
    with _copying(source, url) as run, ExitStack() as later:
        with _before_events(postgres, database):
            # It is copied by now, and is compared before the others.
            later.enter_context(
                postgres.holding("LOCK TABLE accounts IN ACCESS EXCLUSIVE MODE", database)
            )
        eventually(
            20,
            lambda: postgres.run(
                "SELECT 1 FROM webhooks RIGHT JOIN events ON true LIMIT 1", database
            ),
        )
        _wait_for_a_lock(postgres, database)
        run.kill()
    assert UNFINISHED in rapport(tmp_path, "migrate", "--database", url).sentence()
    assert _tables(source, url) == _tables(source, tmp_path / "fresh")


def test_what_is_changed_in_the_target_meanwhile_is_found_and_mended(
    source: Path, postgres: PostgresServer, database: str, tmp_path: Path
) -> None:
    url = postgres.url(database)
    with _copying(source, url) as run:
        with _before_events(postgres, database):
            postgres.run("UPDATE accounts SET display_name = 'Acne' WHERE number = 12345", database)
            postgres.run(
                "DELETE FROM engagement_members WHERE engagement = 5 AND position = 1", database
            )
        sentence = _said(run)
    assert (
        "accounts (10 rows, 10 in the copy), engagement_members (840 rows, 839 in the copy): see to it"
        in sentence
    )
    assert UNFINISHED in rapport(tmp_path, "migrate", "--database", url).sentence()
    assert _tables(source, url) == _tables(source, tmp_path / "fresh")


def test_a_copy_whose_database_goes_away_says_so_and_is_gone_on_with(
    source: Path, postgres: PostgresServer, database: str, tmp_path: Path
) -> None:
    url = postgres.url(database)
    theirs = f"FROM pg_stat_activity WHERE application_name = 'rapport' AND datname = '{database}'"
    with _copying(source, url) as run, _before_events(postgres, database):
        postgres.run(f"SELECT pg_terminate_backend(pid) {theirs}")
        assert _said(run).startswith(f"rapport: {url}: ")
    assert _tables(source, url) == _tables(source, tmp_path / "fresh")


def test_what_a_source_fails_at_is_said_of_the_source(
    source: Path, postgres: PostgresServer, database: str, tmp_path: Path
) -> None:
    url = postgres.url(database)
    with postgres.database(name := new_name()) as first:
        wanted = _tables(source, first)
        with _copying(first, url) as run:
            with _before_events(postgres, database):
                postgres.run(
                    f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'rapport' AND datname = '{name}'"
                )
            assert _said(run).startswith(f"rapport: {first}: ")
        assert _tables(first, url) == wanted


def test_a_copy_that_is_interrupted_ends_at_once_without_a_traceback(
    source: Path, postgres: PostgresServer, database: str
) -> None:
    with _copying(source, postgres.url(database)) as run, _before_events(postgres, database):
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=10)
    assert (run.returncode, out) == (130, "")
    assert "Traceback" not in err


def _rows(folder: Path) -> int:
    """How many of the many rows a folder has."""
    with suppress(apsw.Error):
        connection = apsw.Connection(str(folder / "rapport.db"), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            [(count,)] = connection.execute("SELECT count(*) FROM idempotency_keys").fetchall()
            return int(str(count))
        finally:
            connection.close()
    return 0


@pytest.mark.long
def test_a_copy_to_a_folder_that_is_killed_often_ends_as_one_that_is_not(
    source: Path, postgres: PostgresServer, tmp_path: Path
) -> None:
    connection = apsw.Connection(str(source / "rapport.db"))
    connection.execute(INSERT_MANY)
    connection.close()
    target = tmp_path / "target"
    dice = random.Random()
    with postgres.database(new_name()) as url:
        wanted = _tables(source, url)
        for _ in range(2):
            had = _rows(target)
            with _copying(url, target) as run:
                until = time.monotonic() + 30
                # The last of them may have been committed before the kill before.
                while _rows(target) <= had < MANY:
                    assert time.monotonic() < until
                    time.sleep(0.005)
                time.sleep(dice.uniform(0, 0.1))
                run.kill()
            again = rapport(tmp_path, "migrate", "--data", "target")
            if again.code == 0:
                break  # It ended before the kill came.
            assert UNFINISHED in again.sentence()
        else:
            assert _tables(url, target) == wanted
    assert _tables(target, tmp_path / "fresh") == wanted
