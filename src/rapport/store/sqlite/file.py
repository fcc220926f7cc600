"""The file: how it is opened, and what it is brought to."""

import os
from pathlib import Path

import apsw

from rapport.store.kit import migrate as steps
from rapport.store.kit.db import BEGUN_COPY, UNFINISHED, CannotOpen

_GONE = (
    apsw.FullError, apsw.IOError, apsw.ReadOnlyError, apsw.CorruptError, apsw.NotADBError,
    apsw.CantOpenError, apsw.BusyError,
)  # fmt: skip
DIALECT = {"text": "TEXT", "clustered": "WITHOUT ROWID"}


def engine_is_gone(error: apsw.Error) -> bool:
    """The disk or the file, and not this statement, is at fault."""
    return isinstance(error, _GONE)


def open_writer(path: Path, sync: str) -> apsw.Connection:
    """Open the file to write, making or migrating it where needed.

    Raises:
        CannotOpen: it is no database, is empty, broken or read-only, or the disk is full or
            away.
        NewerDatabase: a newer program wrote it.
    """
    ensure(path)
    try:
        connection = connect(path, sync)
        if connection.readonly("main"):
            raise CannotOpen(f"{path} can't be written: it is read-only")
        refuse_unfinished(connection, path)
        migrate(connection, path)
    except apsw.Error as error:
        if not engine_is_gone(error):
            raise
        raise CannotOpen(f"{path} can't be opened: {error}") from error
    wanted = 2 if sync == "full" else 1
    if connection.pragma("synchronous") != wanted or connection.pragma("journal_mode") != "wal":
        raise RuntimeError("SQLite did not take the durability settings")
    return connection


def ensure(path: Path) -> None:
    """See to it that there is a file. A new one gets its name with its first page in it, so that
    an empty one is a store that lost what it held.

    Raises:
        CannotOpen: it is empty, or can't be made.
    """
    try:
        if path.exists():
            if not path.stat().st_size:
                raise CannotOpen(
                    f"{path} is empty, which no store ever is: put the right file in its place, "
                    "or remove it to begin a new store"
                )
            return
        _make(path.resolve())
    except (apsw.Error, OSError) as error:
        raise CannotOpen(f"{path} can't be opened: {error}") from error


def _make(path: Path) -> None:
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    connect(new, "full").close()
    new.rename(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def connect(path: Path, sync: str, *, reader: bool = False) -> apsw.Connection:
    """Open the file.

    Raises:
        apsw.Error: it can't be.
    """
    connection = apsw.Connection(str(path), statementcachesize=500)
    connection.set_busy_timeout(2_000)
    for pragma in (
        "journal_mode = WAL",
        f"synchronous = {sync}",
        "wal_autocheckpoint = 0",
        "cache_size = -32768",
        "temp_store = MEMORY",
        # What is deleted is overwritten: it may be what somebody asked to have erased.
        "secure_delete = ON",
        "foreign_keys = ON",
    ):
        connection.execute(f"PRAGMA {pragma}")
    if reader:
        connection.execute("PRAGMA query_only = ON")
    return connection


def refuse_unfinished(connection: apsw.Connection, path: Path) -> None:
    """Refuse a store that is not whole yet, and close it.

    Raises:
        CannotOpen: it is an unfinished copy.
    """
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (BEGUN_COPY,)).fetchone():
        connection.close()
        raise CannotOpen(f"{path} can't be opened: {UNFINISHED}")


def migrate(connection: apsw.Connection, path: Path, to: int | None = None) -> None:
    """Run the migrations that are missing, each in one transaction, up to one where it is named;
    what was there is kept beside the file.

    Raises:
        NewerDatabase: a newer program wrote it.
    """
    connection.execute(
        "CREATE TABLE IF NOT EXISTS migrations (version INTEGER PRIMARY KEY, compatible INTEGER "
        "NOT NULL)"
    )
    row = connection.execute("SELECT max(version), max(compatible) FROM migrations").fetchone()
    version, compatible = (row[0] or 0, row[1] or 0) if row else (0, 0)
    steps.check(version, compatible)
    pending = steps.pending(version, to)
    if version and pending:
        _back_up(connection, path.with_name(f"{path.name}.before-{pending[-1].version}"))
    for step in pending:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(step.sql_for("sqlite").format(**DIALECT))
        connection.execute("INSERT INTO migrations VALUES (?, ?)", (step.version, step.compatible))
        connection.execute("COMMIT")


def _back_up(connection: apsw.Connection, path: Path) -> None:
    target = apsw.Connection(str(path))
    with target.backup("main", connection, "main") as backup:
        backup.step(-1)
    target.close()
