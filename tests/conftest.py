"""Alice owns, Bob is on her team, Charlie must see nothing. All of them talk to a real server."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support.postgres import PostgresServer, shared_server
from tests.support.server import Client, Server

# A server or store is made once per test and examples take orgs of their own; how long one takes is the machine's matter.
settings.register_profile(
    "rapport", deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
settings.load_profile("rapport")


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """The session's PostgreSQL server."""
    own = tmp_path_factory.getbasetemp()
    with shared_server(own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) as running:
        yield running


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests of a worker; each test makes an org of its own."""
    running = Server(tmp_path_factory.mktemp("server") / "data")
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="session")
def strict_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The same with RAPPORT_STRICT=1."""
    running = Server(tmp_path_factory.mktemp("strict") / "data", RAPPORT_STRICT="1")
    yield running
    assert running.stop() == 0


@pytest.fixture
def alice(server: Server) -> Client:
    """The admin of an org."""
    return server.make_org("Alice's")


@pytest.fixture
def bob(server: Server, alice: Client) -> Client:
    """A member of Alice's org."""
    return server.make_user(alice)


@pytest.fixture
def charlie(server: Server) -> Client:
    """The admin of another org."""
    return server.make_org("Charlie's")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder that does not exist yet."""
    return tmp_path / "data"


@pytest.fixture
def unused_port() -> int:
    """A port that nothing listens on right now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
