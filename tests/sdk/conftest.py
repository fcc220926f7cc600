"""What the clients that insist on HTTPS share."""

from collections.abc import Iterator

import pytest

from tests.support.proxy import FIXED
from tests.support.server import Server


@pytest.fixture(scope="session")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with `--tls dev`."""
    data = tmp_path_factory.mktemp("secure") / "data"
    running = Server(data, "--tls", "dev", "--tls-name", f"localhost,127.0.0.1,{FIXED}")
    yield running
    assert running.stop() == 0
