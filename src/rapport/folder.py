"""The data folder: what lies in it, its lock and its modes."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

DATABASE = "rapport.db"
BLOBS = "blobs"
KEY = "secret.key"
SOCKET = "control.sock"


class CannotStart(Exception):
    """The server or a command can't start; one sentence says why."""


class DataInUse(CannotStart):
    """Another process holds the data folder."""


@contextlib.contextmanager
def locked(folder: Path, *, shared: bool) -> Iterator[None]:
    """Hold the folder, made with mode 0700 where it is missing; `shared` with others who hold it
    so.

    Raises:
        CannotStart: it can't be made.
        DataInUse: another process holds it.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        lock = (folder / "lock").open("a")
    except FileExistsError:
        raise CannotStart(
            f"the data folder {folder} can't be used: there is a file of that name"
        ) from None
    except OSError as error:
        raise CannotStart(f"the data folder {folder} can't be used: {error.strerror}") from None
    with lock:
        Path(lock.name).chmod(0o600)
        try:
            fcntl.flock(lock, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataInUse(f"another process holds the data folder {folder}") from None
        yield
