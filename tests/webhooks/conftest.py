"""A server whose retries take tenths of a second, and a receiver in another process."""

from collections.abc import Iterator

import pytest

from tests.support.hooks import QUICK, Hook, Hooks
from tests.support.receiver import Receiver
from tests.support.server import Client, Server


@pytest.fixture(scope="session")
def receiver() -> Iterator[Receiver]:
    """One process for all tests; each takes paths of its own."""
    with Receiver() as running:
        yield running


@pytest.fixture(scope="session")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that may call private addresses, and soon gives up."""
    running = Server(tmp_path_factory.mktemp("quick") / "data", **QUICK)
    yield running
    assert running.stop() == 0
    assert "delivering_failed" not in running.logged()
    assert "attempt_failed" not in running.logged()


@pytest.fixture
def ann(quick: Server) -> Client:
    """The admin of an org on that server."""
    return quick.make_org("Ann's")


@pytest.fixture
def hooks(ann: Client, receiver: Receiver) -> Hooks:
    """Ann's webhooks at the receiver."""
    return Hooks(ann, receiver)


@pytest.fixture
def hook(hooks: Hooks) -> Hook:
    """An active webhook that is told of engagements."""
    return hooks.make()
