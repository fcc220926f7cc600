"""What only PostgreSQL has: many processes, lost connections, locks that others wait for, a
pooler between.
"""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import asyncpg
import pytest

from rapport.contract import webhooks as contract
from rapport.contract.kit import ids
from rapport.contract.kit.errors import ServiceUnavailable
from rapport.contract.webhook_values import WebhookUrl
from rapport.events.bell import Bell
from rapport.jobs.deliver import Deliveries, Rules
from rapport.operations.kit.context import NO_TOOLS
from rapport.operations.kit.invoke import Invoker
from rapport.store import accounts, engagements, events, webhooks
from rapport.store import dev_orgs as orgs
from rapport.store.engagement_links import Related
from rapport.store.kit import migrate, numbers, references
from rapport.store.kit.db import CannotOpen, LostRace, Tx, positional
from rapport.store.kit.migrate import Migration, NewerDatabase
from rapport.store.postgres.blocks import Blocks
from rapport.store.postgres.connect import Options
from rapport.store.postgres.driver import OutcomeUnknown, commit
from rapport.store.postgres.store import PostgresStore
from rapport.store.postgres.urls import check_url, hosts_of, masked
from rapport.store.sqlite.store import SqliteStore
from rapport.webhooks.post import Poster
from rapport.webhooks.reach import Reach
from tests.support.engine import DATABASE_URL, SOON, Engine, alone, row_of, settled
from tests.support.postgres import PostgresServer, eventually, new_name


@pytest.fixture
def url(postgres: PostgresServer) -> Iterator[str]:
    """An empty database."""
    with postgres.database(new_name()) as made:
        yield made


@pytest.fixture
def engine(tmp_path: Path, url: str) -> Iterator[Engine]:
    (tmp_path / DATABASE_URL).write_text(url)
    engine = Engine("postgres", tmp_path)
    yield engine
    engine.close()


@pytest.fixture
def other(engine: Engine, tmp_path: Path) -> Iterator[PostgresStore]:
    """A second store on the same database, as another process has it."""
    store = engine.run(PostgresStore.open(Options((tmp_path / DATABASE_URL).read_text())))
    yield store
    engine.run(store.close())


def _open_and_close(url: str) -> None:
    async def run() -> None:
        await (await PostgresStore.open(Options(url))).close()

    asyncio.run(run())


def _name(url: str) -> str:
    return url.rpartition("/")[2]


# Statements


def test_a_statement_is_numbered_where_it_has_names() -> None:
    sql = "SELECT ':no', a::text FROM rows(:list, n bigint, t text) r WHERE a = :a AND b = :b OR c = :a"
    statement = positional(sql)
    assert statement.text == (
        "SELECT ':no', a::text FROM unnest($1::bigint[], $2::text[]) AS r(n, t) WHERE a = $3 AND b = $4 OR c = $3"
    )
    assert statement.arguments({"list": [(1, "x"), (2, None)], "a": 5, "b": "y"}) == [
        [1, 2],
        ["x", None],
        5,
        "y",
    ]


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        (
            "postgresql://u:p@a:1,b/db?sslmode=require",
            ["postgresql://u:p@a:1/db?sslmode=require", "postgresql://u:p@b/db?sslmode=require"],
        ),
        (
            "postgresql:///db?host=a,b&port=1,2",
            ["postgresql:/db?host=a&port=1", "postgresql:/db?host=b&port=2"],
        ),
        ("postgres://a/db?connect_timeout=9&keepalives=1", ["postgres://a/db"]),
    ],
)
def test_a_url_with_several_hosts_is_one_for_each(url: str, hosts: list[str]) -> None:
    assert hosts_of(check_url(url)) == hosts


@pytest.mark.parametrize("url", ["mysql://a/b", "rapport.db", "http://a"])
def test_another_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="PostgreSQL"):
        check_url(url)


def test_no_password_is_shown() -> None:
    shown = masked(
        "postgresql://u:secret@a,b/db?sslmode=require&password=secret&sslpassword=secret"
    )
    assert shown == "postgresql://u:***@a,b/db?sslmode=require&password=***&sslpassword=***"


# Numbers


def test_a_block_grows_while_it_is_used_up_quickly_and_starts_small_again() -> None:
    now, last, asked = 0.0, 0, []

    async def advance(_kind: str, wanted: Any) -> dict[str, int]:
        nonlocal last
        asked.append(wanted["ORG"])
        last += wanted["ORG"]
        return {"ORG": last - wanted["ORG"] + 1}

    async def advance_to(_kind: str, _org: str, number: int) -> None:
        nonlocal last
        last = max(last, number)

    async def run() -> None:
        nonlocal now
        blocks = Blocks(advance, advance_to, lambda: now)
        taken = [(await blocks.take("tag", {"ORG": 1}))["ORG"] for _ in range(100)]
        assert taken == list(range(1, 101))
        assert asked == [1, 2, 4, 8, 16, 32, 64]
        now = 60.0
        assert (await blocks.take("tag", {"ORG": 50}))["ORG"] == 101
        assert asked[-1] == 50
        await blocks.reserve("tag", "ORG", 1_000)
        assert (await blocks.take("tag", {"ORG": 1}))["ORG"] == 1_001

    asyncio.run(run())


def test_two_processes_never_take_the_same_number(engine: Engine, other: PostgresStore) -> None:
    org = engine.new_org()
    works = [
        alone(store, lambda tx: numbers.take_one(tx, ids.TAG, org))
        for _ in range(60)
        for store in (engine.store, other)
    ]
    taken = engine.run(settled(works))
    assert len(set(taken)) == 120
    assert all(isinstance(number, int) for number in taken)


# Races


def _account(org: str) -> accounts.AccountRow:
    return accounts.AccountRow(org, 1, "Acme", None, "DEVU-1", 1, "DEVU-1", 1, "{}")


def test_what_a_write_refers_to_is_not_deleted_before_it_is_written(
    engine: Engine, other: PostgresStore
) -> None:
    org, seen = engine.new_org(), []
    engine.write(lambda tx: accounts.insert(tx, _account(org)))
    found, deleting = asyncio.Event(), asyncio.Event()

    async def refer(tx: Tx) -> None:
        assert await references.resolve(tx, {(org, "ACC-1")})
        found.set()
        await deleting.wait()
        await asyncio.sleep(0.1)
        await engagements.insert(tx, [row_of(org, 1)], [Related(parents=["ACC-1"])])

    async def delete(tx: Tx) -> None:
        deleting.set()
        await accounts.lock(tx, org, 1)
        seen.append(await engagements.holding(tx, org, "parent", "ACC-1"))

    async def run() -> None:
        writing = asyncio.ensure_future(alone(engine.store, refer))
        await found.wait()
        await alone(other, delete)
        await writing

    engine.run(run())
    assert seen == [1]


def test_a_reader_of_the_feed_misses_nothing_that_two_processes_write(
    engine: Engine, other: PostgresStore
) -> None:
    org = engine.new_org()
    row = events.EventRow(org, 0, "tag", "created", "TAG-1", "DEVU-1", 1, "{}", None, None)

    async def tell(tx: Tx) -> int:
        seq = (await events.append(tx, [row]))[0].seq
        await tx.all("SELECT pg_sleep(random() / 100)")
        return seq

    async def run() -> tuple[list[Any], list[int]]:
        async def write() -> list[Any]:
            return await settled(
                [alone(store, tell) for _ in range(100) for store in (engine.store, other)]
            )

        seen: list[int] = []
        async with asyncio.TaskGroup() as group:
            writes = group.create_task(write())
            is_over = False
            while not is_over:
                is_over, last = writes.done(), seen[-1] if seen else 0
                found = await engine.store.read(
                    lambda tx, last=last: events.after(tx, org, last, ["tag"], 1_000),  # type: ignore[misc]
                    deadline=time.monotonic() + SOON,
                )
                seen += [one.seq for one in found]
        return writes.result(), seen

    written, seen = engine.run(run())
    assert seen == sorted(written)
    assert len(seen) == 200


def test_a_worker_does_not_wait_for_a_webhook_that_another_process_is_at(
    engine: Engine, other: PostgresStore, unused_port: int
) -> None:
    alice, reach = engine.person(), Reach(allow_private=True)
    invoker = Invoker(engine.store, lambda: engine.now, NO_TOOLS._replace(reach=reach))
    url = WebhookUrl.parse(f"http://127.0.0.1:{unused_port}/")
    for _ in range(2):
        engine.run(invoker.invoke(alice, contract.CREATE, contract.WebhooksCreateRequest(url=url)))
    rules = Rules(timeout=0.5, retry_delays=(1.0,), verify_again=3600.0)
    worker = Deliveries(other, lambda: engine.now, Poster(reach), rules, bell=Bell())
    held, free = asyncio.Event(), asyncio.Event()

    async def hold(tx: Tx) -> None:
        assert await webhooks.lock(tx, alice.org, 1)
        held.set()
        await free.wait()

    async def tried() -> set[int]:
        """Of which webhooks a turn makes attempts."""
        before = set(worker._tasks)
        await asyncio.wait_for(worker.turn(), 2)
        if new := worker._tasks - before:
            await asyncio.wait(new)
        return {one.job.delivery.webhook for one in worker._finished}

    async def run() -> None:
        holding = asyncio.ensure_future(alone(engine.store, hold))
        await held.wait()
        assert await tried() == {2}
        free.set()
        await holding
        assert await tried() == {1}
        await worker.turn()
        worker._poster.close()

    engine.run(run())


def test_writers_that_wait_for_each_other_are_both_done(
    engine: Engine, other: PostgresStore
) -> None:
    org = engine.new_org()
    engine.write(
        lambda tx: engagements.insert(tx, [row_of(org, 1), row_of(org, 2)], [Related()] * 2)
    )

    async def both(tx: Tx, first: int, second: int) -> None:
        await engagements.lock(tx, org, first)
        await asyncio.sleep(0.2)
        await engagements.lock(tx, org, second)

    works = [
        alone(engine.store, lambda tx: both(tx, 1, 2)),
        alone(other, lambda tx: both(tx, 2, 1)),
    ]
    assert engine.run(settled(works)) == [None, None]


def test_a_call_that_lost_a_race_starts_again_and_sees_who_won(engine: Engine) -> None:
    tries = []

    async def work(_tx: Tx) -> int:
        tries.append(1)
        if len(tries) < 3:
            raise LostRace
        return len(tries)

    assert engine.write(work) == 3


def test_a_held_name_is_waited_for(engine: Engine, other: PostgresStore) -> None:
    order, held = [], asyncio.Event()

    async def first(tx: Tx) -> None:
        await tx.hold(["b", "a"])
        held.set()
        await asyncio.sleep(0.2)
        order.append(1)

    async def second(tx: Tx) -> None:
        await held.wait()
        await tx.hold(["a"])
        order.append(2)

    engine.run(settled([alone(engine.store, first), alone(other, second)]))
    assert order == [1, 2]


# Lost connections


def test_connections_that_the_server_ended_are_made_anew(
    engine: Engine, postgres: PostgresServer, url: str
) -> None:
    engine.write(lambda tx: orgs.insert(tx, "ORG0000001", "x", 1))
    ending = (
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{_name(url)}'"
    )
    postgres.run(ending)
    assert engine.read(orgs.all_orgs) == [("ORG0000001", "x")]
    postgres.run(ending)
    engine.write(lambda tx: orgs.insert(tx, "ORG0000002", "y", 2))
    assert len(engine.read(orgs.all_orgs)) == 2


def test_a_connection_lost_in_a_transaction_is_another_try(
    engine: Engine, postgres: PostgresServer, url: str
) -> None:
    tries = []

    async def work(tx: Tx) -> None:
        tries.append(1)
        await orgs.insert(tx, f"ORG000000{len(tries)}", "x", 1)
        if len(tries) == 1:
            (pid,) = await tx.one("SELECT pg_backend_pid()") or (0,)
            await asyncio.to_thread(postgres.run, f"SELECT pg_terminate_backend({pid})")
            await tx.one("SELECT 1")

    engine.write(work)
    assert engine.read(orgs.all_orgs) == [("ORG0000002", "x")]


def test_a_connection_lost_in_a_commit_is_no_success(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(connection: Any, limit: asyncio.Timeout) -> None:
        connection.terminate()
        await commit(connection, limit)

    monkeypatch.setattr("rapport.store.postgres.store.commit", lost)
    with pytest.raises(ServiceUnavailable) as refused:
        engine.write(lambda tx: orgs.insert(tx, "ORG0000001", "x", 1))
    assert isinstance(refused.value.__cause__, OutcomeUnknown)
    monkeypatch.undo()
    assert engine.read(orgs.all_orgs) == []


def test_a_failure_that_work_passes_over_is_not_committed_as_a_success(engine: Engine) -> None:
    async def careless(tx: Tx) -> None:
        await orgs.insert(tx, "ORG0000001", "x", 1)
        try:
            await tx.run("SELECT 1 / 0")
        except Exception:  # noqa: BLE001
            return

    with pytest.raises(RuntimeError, match="ROLLBACK"):
        engine.write(careless)
    assert engine.read(orgs.all_orgs) == []


def test_a_statement_that_nobody_waits_for_is_ended_on_the_server(
    engine: Engine, postgres: PostgresServer, url: str
) -> None:
    with pytest.raises(ServiceUnavailable):
        engine.run(
            engine.store.read(
                lambda tx: tx.all("SELECT pg_sleep(30)"), deadline=time.monotonic() + 0.2
            )
        )
    running = f"SELECT 1 FROM pg_stat_activity WHERE datname = '{_name(url)}' AND query LIKE '%pg_sleep%' AND state = 'active'"
    eventually(4, lambda: not postgres.run(running))


def test_more_calls_than_connections_wait_their_turn(engine: Engine) -> None:
    async def slow(tx: Tx) -> int:
        await tx.all("SELECT pg_sleep(0.05)")
        return 1

    async def run() -> list[Any]:
        deadline = time.monotonic() + SOON
        reads = [engine.store.read(slow, deadline=deadline, heavy=n % 2 == 0) for n in range(60)]
        return await settled([*reads, *(alone(engine.store, slow) for _ in range(20))])

    assert engine.run(run()) == [1] * 80


def test_through_a_pool_nothing_outlives_a_transaction(url: str, postgres: PostgresServer) -> None:
    async def run() -> list[Any]:
        store = await PostgresStore.open(Options(url, pooled=True))
        await alone(store, lambda tx: orgs.insert(tx, "ORG0000001", "x", 1))
        await alone(store, lambda tx: numbers.take_one(tx, ids.TAG, "ORG0000001"))
        seen = []
        for heavy in (False, True):
            seen += await store.read(
                lambda tx: tx.all("SHOW statement_timeout"),
                deadline=time.monotonic() + SOON,
                heavy=heavy,
            )
        prepared = await store.read(
            lambda tx: tx.all("SELECT name FROM pg_prepared_statements"),
            deadline=time.monotonic() + SOON,
        )
        await store.close()
        return [*seen, *prepared]

    assert asyncio.run(run()) == [("25ms",), ("3s",)]


# The server that is refused


def test_a_database_that_is_away_is_one_sentence(unused_port: int) -> None:
    with pytest.raises(CannotOpen, match="the database can't be opened: ") as refused:
        _open_and_close(f"postgresql://u:secret@127.0.0.1:{unused_port}/x")
    assert "secret" not in str(refused.value)


def test_the_host_that_is_there_is_found_whatever_stands_before_it(
    unused_port: int, url: str
) -> None:
    _open_and_close(url.replace("@", f"@127.0.0.1:{unused_port},"))


def test_a_database_that_may_forget_commits_is_refused(url: str, postgres: PostgresServer) -> None:
    postgres.run(f'ALTER DATABASE "{_name(url)}" SET synchronous_commit = off')
    with pytest.raises(CannotOpen, match="synchronous_commit is off"):
        _open_and_close(url)


# Migrations


def _schema(postgres: PostgresServer, url: str) -> list[Any]:
    columns = """SELECT table_name::text, column_name::text, data_type::text, is_nullable::text, column_default::text, collation_name::text
                 FROM information_schema.columns WHERE table_schema = 'public' ORDER BY table_name, ordinal_position"""
    indexes = (
        "SELECT indexname::text, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"
    )
    return [tuple(row) for sql in (columns, indexes) for row in postgres.run(sql, _name(url))]


def test_a_fresh_schema_is_the_migrated_schema(
    postgres: PostgresServer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = migrate.migrations()
    with postgres.database(new_name()) as migrated:
        for known in range(1, len(steps) + 1):
            monkeypatch.setattr(migrate, "migrations", lambda known=known: steps[:known])
            _open_and_close(migrated)
        _open_and_close(url)
        assert _schema(postgres, migrated) == _schema(postgres, url)


def test_both_engines_have_the_same_tables_columns_and_indexes(
    postgres: PostgresServer, url: str, tmp_path: Path
) -> None:
    _open_and_close(url)
    asyncio.run(SqliteStore(tmp_path / "rapport.db").close())
    connection = apsw.Connection(str(tmp_path / "rapport.db"), flags=apsw.SQLITE_OPEN_READONLY)
    sqlite = {
        str(table): [
            (str(row[1]), bool(row[3])) for row in connection.execute(f"PRAGMA table_info({table})")
        ]
        for (table,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table'"
        ).fetchall()
    }
    named = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    ).fetchall()
    connection.close()
    found: dict[str, list[tuple[str, bool]]] = {}
    for table, column, _, nullable, *_ in [row for row in _schema(postgres, url) if len(row) > 2]:
        found.setdefault(table, []).append((column, nullable == "NO"))
    # SQLite's own rules about a rowid's column make it look nullable.
    sqlite.pop("migrations")
    found.pop("migrations")
    assert found == sqlite
    indexes = {
        row[0] for row in _schema(postgres, url) if len(row) == 2 and not row[0].endswith("_pkey")
    }
    assert indexes == {str(name) for (name,) in named}


def test_several_processes_that_start_at_once_migrate_once(
    url: str, postgres: PostgresServer
) -> None:
    async def run() -> None:
        for store in await asyncio.gather(*(PostgresStore.open(Options(url)) for _ in range(5))):
            await store.close()

    asyncio.run(run())
    done = postgres.run("SELECT version FROM migrations ORDER BY 1", _name(url))
    assert [version for (version,) in done] == [step.version for step in migrate.migrations()]


def test_an_older_program_refuses_a_newer_database(url: str, postgres: PostgresServer) -> None:
    _open_and_close(url)
    postgres.run("INSERT INTO migrations VALUES (999, 998)", _name(url))
    with pytest.raises(NewerDatabase, match="needs a program that knows version 998"):
        _open_and_close(url)


def test_a_migration_that_fails_leaves_the_database_as_it_was(
    url: str, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    _open_and_close(url)
    before = _schema(postgres, url)
    steps = migrate.migrations()
    broken = Migration(
        len(steps) + 1, 1, "CREATE TABLE half (org {text}); CREATE TABLE orgs (org {text});"
    )
    monkeypatch.setattr(migrate, "migrations", lambda: [*steps, broken])
    with pytest.raises(CannotOpen, match="already exists"):
        _open_and_close(url)
    assert _schema(postgres, url) == before


def test_a_migration_beside_an_older_process_does_not_disturb_it(
    engine: Engine, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.write(lambda tx: orgs.insert(tx, "ORG0000001", "x", 1))
    every = "SELECT * FROM orgs"
    before = len(engine.all(every)[0])
    steps = migrate.migrations()
    added = Migration(len(steps) + 1, 1, "ALTER TABLE orgs ADD COLUMN later {text};")
    monkeypatch.setattr(migrate, "migrations", lambda: [*steps, added])
    _open_and_close(url)
    assert len(engine.all(every)[0]) == before + 1
    engine.write(lambda tx: orgs.insert(tx, "ORG0000002", "y", 2))


def test_a_migration_that_waits_for_a_lock_holds_nobody_up(
    engine: Engine, url: str, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = migrate.migrations()
    added = Migration(len(steps) + 1, 1, "ALTER TABLE orgs ADD COLUMN later {text};")
    monkeypatch.setattr(migrate, "migrations", lambda: [*steps, added])
    monkeypatch.setattr("rapport.store.postgres.schema._LOCK_TIMEOUT", 100)
    monkeypatch.setattr("rapport.store.postgres.schema._LOCK_PAUSE", 0.1)

    async def run() -> None:
        reader = await asyncpg.connect(url)
        await reader.execute("BEGIN; SELECT * FROM orgs")
        migrating = asyncio.create_task(PostgresStore.open(Options(url)))
        for _ in range(10):
            await asyncio.sleep(0.05)
            await engine.store.read(orgs.all_orgs, deadline=time.monotonic() + SOON)
        assert not migrating.done()
        await reader.close()
        await (await migrating).close()

    engine.run(run())
    (row,) = postgres.run("SELECT max(version) FROM migrations", _name(url))
    assert row[0] == added.version


def test_one_read_that_is_refused_does_not_fail_its_neighbours(engine: Engine) -> None:
    async def wrong(tx: Tx) -> Any:
        return await tx.all("SELECT 1 / 0")

    async def own(_tx: Tx) -> Any:
        raise LookupError("no such customer")

    async def run() -> list[Any]:
        works = [orgs.all_orgs, wrong, orgs.all_orgs, own, orgs.all_orgs] * 8
        return await settled(
            [engine.store.read(work, deadline=time.monotonic() + SOON) for work in works]
        )

    results = engine.run(run())
    assert [type(result).__name__ for result in results] == [
        "list",
        "DivisionByZeroError",
        "list",
        "LookupError",
        "list",
    ] * 8
