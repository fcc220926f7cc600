"""A lock beside the file that says: blobs have to stay. It goes with the process that holds it."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


def _lock(path: Path) -> Path:
    # Not the store's own file: whoever closes that drops all locks that its process has on it.
    return path.with_name(f"{path.name}.backup")


@contextlib.contextmanager
def hold(path: Path) -> Iterator[None]:
    """Let blobs of the store in this file stay.

    Raises:
        OSError: the lock can't be made.
    """
    with open(_lock(path), "ab", opener=lambda name, flags: os.open(name, flags, 0o600)) as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield


def is_held(path: Path) -> bool:
    """Whether a process holds them."""
    try:
        with _lock(path).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
