"""What the clients that insist on HTTPS share."""

from collections.abc import Iterator

import pytest

from tests.support.server import Server

# The address that devrev-mcp has in its code; tests lead it to the server here, and nothing ever goes there.
FIXED = "api.devrev.ai"


@pytest.fixture(scope="session")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with `--tls dev`."""
    data = tmp_path_factory.mktemp("secure") / "data"
    running = Server(data, "--tls", "dev", "--tls-name", f"localhost,127.0.0.1,{FIXED}")
    yield running
    assert running.stop() == 0
