"""The data folder: what lies in it, its lock and its modes."""

import contextlib
import fcntl
import os
import pwd
from collections.abc import Iterator
from pathlib import Path

DATABASE = "rapport.db"
BLOBS = "blobs"
KEY = "secret.key"
SOCKET = "control.sock"
IMPORTS = "imports"
_LOCK = "lock"
# What a server or its operator puts there, beside everything that begins with the database's name.
_OURS = frozenset({BLOBS, IMPORTS, KEY, SOCKET, _LOCK, "rapport.toml", "tls"})
# What systems put at the root of a volume.
OF_SYSTEMS = frozenset({"lost+found", ".snapshot", ".DS_Store"})
_RIGHTS = {os.R_OK: "read", os.R_OK | os.W_OK: "read and written"}


class CannotStart(Exception):
    """The server or a command can't start; one sentence says why."""


class DataInUse(CannotStart):
    """Another process holds the data folder."""


@contextlib.contextmanager
def locked(folder: Path, *, shared: bool) -> Iterator[None]:
    """Hold the folder, made with mode 0700 where it is missing; `shared` with others who hold it
    so.

    Raises:
        CannotStart: it can't be made, is somebody else's, or holds what this user can't use.
        DataInUse: another process holds it.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _refuse_foreign(folder)
        make_private(folder, 0o700)
        lock = (folder / _LOCK).open("a")
    except FileExistsError:
        raise CannotStart(
            f"the data folder {folder} can't be used: there is a file of that name"
        ) from None
    except OSError as error:
        raise CannotStart(f"the data folder {folder} can't be used: {error.strerror}") from None
    with lock:
        make_private(Path(lock.name), 0o600)
        try:
            fcntl.flock(lock, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataInUse(f"another process holds the data folder {folder}") from None
        yield


def make_private(path: Path, mode: int) -> None:
    """Take it from everybody else. What is not ours by owner keeps its mode, as a volume does that
    a group shares.
    """
    if path.stat().st_uid == os.geteuid():
        path.chmod(mode)


def has_store(folder: Path) -> bool:
    """Whether there is a file of a store, of whatever kind.

    Raises:
        CannotStart: the folder can't be looked into.
    """
    try:
        return (folder / DATABASE).exists()
    except OSError as error:
        raise CannotStart(f"the data folder {folder} can't be used: {error.strerror}") from None


def _refuse_foreign(folder: Path) -> None:
    """Refuse what is no data folder, and one in which this user can't work, before anything in it
    is touched.

    Raises:
        CannotStart: it is one of these.
        OSError: it can't be looked into.
    """
    _refuse_unusable(folder, folder)
    names = {path.name for path in folder.iterdir()}
    others = {name for name in names - _OURS - OF_SYSTEMS if not name.startswith(DATABASE)}
    if others and not names & {DATABASE, KEY}:
        raise CannotStart(
            f"{folder} is no data folder: it holds {min(others)!r}; name an empty or a new one"
        )
    for path in (*folder.glob(f"{DATABASE}*"), folder / _LOCK):
        _refuse_unusable(path, folder)
    _refuse_unusable(folder / KEY, folder, rights=os.R_OK)
    blobs = folder / BLOBS
    _refuse_unusable(blobs, folder)
    for path in blobs.iterdir() if blobs.exists() else ():
        _refuse_unusable(path, folder)


def _refuse_unusable(path: Path, folder: Path, *, rights: int = os.R_OK | os.W_OK) -> None:
    """Refuse what is there and can't be used; root too heeds a mode that lets nobody write.

    Raises:
        CannotStart: it can't be read, or written.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        return
    wanted = rights | (os.X_OK if path.is_dir() else 0)
    lets_nobody = bool(rights & os.W_OK) and not found.st_mode & 0o222
    if os.access(path, wanted, effective_ids=True) and not lets_nobody:
        return
    raise CannotStart(f"{path} can't be {_RIGHTS[rights]}: {_why(path, found, folder)}")


def _why(path: Path, found: os.stat_result, folder: Path) -> str:
    if os.statvfs(path).f_flag & os.ST_RDONLY:
        return "its file system is read-only"
    if found.st_uid == os.geteuid():
        return f"its mode is {found.st_mode & 0o7777:04o}; chmod u+rwX {path} lets you"
    user = _name(os.geteuid())
    return (
        f"it belongs to {_name(found.st_uid)}, and this program runs as {user}; "
        f"chown -R {user} {folder} lets it"
    )


def _name(number: int) -> str:
    """What a user is called here; many a container's has no name."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)
