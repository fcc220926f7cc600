"""The shared store suite: every test that takes `store` runs on each engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.engine import DATABASE_URL, ENGINES, Engine
from tests.support.postgres import PostgresServer, new_name

_EMPTY = """
    DO $$ DECLARE known record; BEGIN
        FOR known IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'migrations' LOOP
            EXECUTE format('DELETE FROM %I', known.tablename);
        END LOOP;
    END $$"""


@pytest.fixture(scope="session")
def database(postgres: PostgresServer) -> Iterator[str]:
    """The name of a worker's database, for tests that find it empty one after the other."""
    name = new_name()
    with postgres.database(name):
        yield name


@pytest.fixture(params=list(ENGINES))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty store."""
    if request.param == "postgres":
        server, name = request.getfixturevalue("postgres"), request.getfixturevalue("database")
        (tmp_path / DATABASE_URL).write_text(server.url(name))
    engine = Engine(request.param, tmp_path)
    if request.param == "postgres":
        # Faster than a database for each test.
        server.run(_EMPTY, name)
    yield engine
    engine.close()
