"""Servers that tests start: one that does not get ready shows what it printed."""

import contextlib
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any


class DidNotStart(RuntimeError):
    """A server that a test needs does not run; raised in a fixture it ends the whole run (see
    `conftest.py`).
    """


@contextlib.contextmanager
def running(
    command: Sequence[str | Path], is_ready: Callable[[], bool], **options: Any
) -> Iterator["subprocess.Popen[bytes]"]:
    """A server for as long as a block lasts, once it is ready.

    Args:
        command: the program and its arguments.
        is_ready: whether it answers; asked until it does.
        options: of `subprocess.Popen`.

    Raises:
        DidNotStart: it ended, or is not ready after a minute.
    """
    with tempfile.NamedTemporaryFile(prefix="rapport-said-") as said:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT, **options
        )
        try:
            wait_until_ready(process, Path(said.name), is_ready)
            yield process
        finally:
            process.kill()
            process.wait()


def wait_until_ready(
    process: "subprocess.Popen[bytes]",
    said: Path,
    is_ready: Callable[[], bool],
    seconds: float = 50,
) -> None:
    """Wait until a server is ready.

    Args:
        process: the server's.
        said: the file of what it prints.
        is_ready: whether it answers; asked until it does.
        seconds: how long it may take.

    Raises:
        DidNotStart: it ended, or took longer and was killed.
    """
    until = time.monotonic() + seconds
    while not is_ready():
        code = process.poll()
        if code is not None or time.monotonic() > until:
            how = f"is not ready after {seconds} seconds" if code is None else f"ended with {code}"
            process.kill()
            raise DidNotStart(
                f"{process.args!r} {how}; it said: {said.read_text(errors='replace')}"
            )
        time.sleep(0.02)


def listens(port: int) -> bool:
    """Whether something takes connections on a port of this machine."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
