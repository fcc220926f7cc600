"""Alice owns, Bob is on her team, Charlie must see nothing. All of them talk to a real server."""

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from rapport.store import derived
from rapport.store.kit.counts import Counted
from tests.sdk import install
from tests.support import memory
from tests.support.command import rapport
from tests.support.postgres import PostgresServer, new_name, shared_server
from tests.support.rows import tables_of
from tests.support.server import Client, Server
from tests.support.starting import DidNotStart

# A server or store is made once per test and examples take orgs of their own; how long one takes is
# the machine's matter.
settings.register_profile(
    "rapport",
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("rapport")
memory.use()
# Where this is set, each server that a test starts would compile everything again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
ENGINES = {
    "sqlite": pytest.param("sqlite"),
    "postgres": pytest.param("postgres", marks=pytest.mark.postgres),
}


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """The session's PostgreSQL server."""
    own = tmp_path_factory.getbasetemp()
    with shared_server(own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) as running:
        yield running


def pytest_exception_interact(node: pytest.Item, call: pytest.CallInfo[Any]) -> None:
    """End the run where a server of its fixtures does not start: a thousand others would only
    say the same again.
    """
    if (
        call.when == "setup"
        and call.excinfo is not None
        and isinstance(call.excinfo.value, DidNotStart)
    ):
        node.session.shouldfail = f"a server of the tests did not start: {call.excinfo.value}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the tests of a server on the engines that `pytest.mark.engines` names, else on SQLite."""
    if "server" in metafunc.fixturenames:
        mark = metafunc.definition.get_closest_marker("engines")
        engines = [ENGINES[name] for name in (mark.args if mark else ("sqlite",))]
        metafunc.parametrize("server", engines, indirect=True, scope="session")


@pytest.fixture(scope="session")
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """One server for all tests of a worker on one engine; each test makes an org of its own."""
    with contextlib.ExitStack() as stack:
        environment = {}
        if request.param == "postgres":
            own: PostgresServer = request.getfixturevalue("postgres")
            name = new_name()
            url = environment["RAPPORT_DATABASE_URL"] = stack.enter_context(own.database(name))
            if "RAPPORT_TEST_PARTITIONS" in os.environ:
                assert (
                    rapport(tmp_path_factory.mktemp("migrate"), "migrate", "--database", url).code
                    == 0
                )
                own.divide(name)
        running = Server(tmp_path_factory.mktemp("server") / "data", **environment)
        yield running
        assert running.stop() == 0
        # Whatever the tests did, the sums are what there is.
        assert asyncio.run(_miscounted(running.data, environment.get("RAPPORT_DATABASE_URL"))) == {}


async def _miscounted(data: Path, url: str | None) -> dict[Counted, tuple[int, int]]:
    async with tables_of(data, url) as bulk:
        return await derived.miscounted(bulk)


@pytest.fixture(scope="session")
def strict_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The same with RAPPORT_STRICT=1."""
    running = Server(tmp_path_factory.mktemp("strict") / "data", RAPPORT_STRICT="1")
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="session")
def typescript() -> Path:
    """The `node_modules` of DevRev's TypeScript client, installed for the first who asks."""
    return install.node_modules()


@pytest.fixture(scope="session")
def sdk_python() -> Path:
    """The Python that has the Python SDK and its MCP server, installed for the first who asks."""
    return install.environment("python")


@pytest.fixture(scope="session")
def mcp_python() -> Path:
    """The Python that has DevRev's MCP server, installed for the first who asks."""
    return install.environment("mcp")


@pytest.fixture(autouse=True)
def _nothing_stays_behind() -> Iterator[None]:
    """A server that a test started and, having failed, did not stop is no later test's matter."""
    before = set(Server.started)
    yield
    for left in Server.started - before:
        left.kill()


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
