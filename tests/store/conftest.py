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


def _empty_database(request: pytest.FixtureRequest, folder: Path) -> Engine:
    """PostgreSQL on the worker's database; emptying it is faster than a database for each test."""
    server: PostgresServer = request.getfixturevalue("postgres")
    name: str = request.getfixturevalue("database")
    (folder / DATABASE_URL).write_text(server.url(name))
    engine = Engine("postgres", folder)
    server.run(_EMPTY, name)
    return engine


@pytest.fixture(params=list(ENGINES))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty store."""
    engine = (
        _empty_database(request, tmp_path)
        if request.param == "postgres"
        else Engine(request.param, tmp_path)
    )
    yield engine
    engine.close()
