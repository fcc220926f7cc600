"""A transaction on one connection. Nothing in it ever waits, so it may run in the event loop."""

import os
import re
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import apsw
import msgspec

from rapport.store.kit import numbers
from rapport.store.kit.db import (
    Row,
    UniqueViolation,
    Value,
    expand_rows,
    unavailable,
    without_locks,
)
from rapport.store.sqlite import keeping

R = TypeVar("R")
# With less than this the next large request has no room.
_ROOM_BYTES = 1 << 20
_UNIQUE = re.compile(r"UNIQUE constraint failed: (.+)")
_encode = msgspec.json.Encoder().encode


class SqliteTx:
    """A transaction on one connection. Nothing in it ever waits, so it may run in the event
    loop.
    """

    __slots__ = ("_connection", "_statements", "stripe", "woken")

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._statements: dict[str, tuple[str, frozenset[str]]] = {}
        self.stripe = 0  # One writer at a time.
        self.woken: set[str] = set()

    def _execute(self, sql: str, parameters: dict[str, Value]) -> apsw.Cursor:
        prepared = self._statements.get(sql)
        if prepared is None:
            # One writer at a time: nothing else can change a row that this transaction has read.
            prepared = self._statements[sql] = expand_rows(without_locks(sql), _json_table)
        text, lists = prepared
        for name in lists:
            parameters[name] = _encode(parameters[name]).decode()
        try:
            return self._connection.execute(text, parameters)
        except apsw.ConstraintError as error:
            raise _violation(error) from error

    async def all(self, sql: str, **parameters: Value) -> list[Row]:
        """Every row."""
        return self._execute(sql, parameters).fetchall()

    async def one(self, sql: str, **parameters: Value) -> Row | None:
        """The first row, or None."""
        cursor = self._execute(sql, parameters)
        row: Row | None = cursor.fetchone()
        cursor.close()
        return row

    async def run(self, sql: str, **parameters: Value) -> int:
        """Run a statement that changes rows; how many it changed."""
        self._execute(sql, parameters).fetchall()
        return self._connection.changes()

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A part that is undone alone; see `Tx.savepoint`."""
        self._connection.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK TO part")
            raise
        finally:
            self._connection.execute("RELEASE part")

    async def touch(self) -> None:
        """Write the first page, if there is room for more than that."""
        disk = os.statvfs(self._connection.filename)
        if disk.f_bavail * disk.f_frsize < _ROOM_BYTES:
            raise unavailable("the disk is full")
        self._connection.execute("PRAGMA user_version = 0")

    async def hold(self, names: Sequence[str]) -> None:
        """Nothing: there is one writer."""

    async def keeps_blobs(self) -> bool:
        """Whether a process holds the file that says so."""
        return keeping.is_held(Path(self._connection.filename))

    async def take_numbers(self, kind: str, wanted: Mapping[str, int]) -> dict[str, int]:
        """Take numbers from the counters; an undone call gives them back."""
        return await numbers.advance(self, kind, wanted)

    async def reserve_number(self, kind: str, org: str, number: int) -> None:
        """Move a counter."""
        await numbers.advance_to(self, kind, org, number)

    def wake(self, org: str) -> None:
        """Note the org for after the commit."""
        self.woken.add(org)


def _violation(error: apsw.ConstraintError) -> Exception:
    match = _UNIQUE.search(str(error))
    if match is None:
        return error
    columns = [column.strip().split(".") for column in match[1].split(",")]
    return UniqueViolation(columns[0][0], tuple(name for _, name in columns if name != "org"))


def _json_table(name: str, columns: Sequence[tuple[str, str]], alias: str) -> str:
    picked = ", ".join(
        f"value ->> {position} AS {column}" for position, (column, _) in enumerate(columns)
    )
    return f"(SELECT {picked} FROM json_each(:{name})) AS {alias}"  # noqa: S608  # names from our own SQL


def finish(work: Coroutine[Any, Any, R]) -> R:
    """Run a coroutine that never waits.

    Raises:
        RuntimeError: it waited for something that is not the transaction.
    """
    try:
        work.send(None)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
    work.close()
    raise RuntimeError("work in a transaction may await nothing but the transaction")
