"""The narrow waist between families' SQL and the engines: three methods of a transaction, and what
differs by dialect.

SQL is one text for both engines, with named `:parameters`. What differs is written as a member of
the dialect: `rows(:name, column type, ...)` stands for a table made from a list of tuples, ` FOR
UPDATE` and ` FOR KEY SHARE` for whatever holds a row against other writers and against deletion, `
SKIP LOCKED` behind them for leaving out what another writer holds, and a migration's `{text}` and
`{clustered}` for a column type and a storage clause. What is no SQL at all on one of them is a
method of the transaction.
"""

import re
import time
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Coroutine,
    Mapping,
    Sequence,
)
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from rapport.contract.kit.errors import ServiceUnavailable

Row = tuple[Any, ...]
Value = str | int | None | Sequence[Sequence[str | int | None]]
C = TypeVar("C")
R = TypeVar("R")
Committed = Callable[[Collection[str]], None]
Hear = Callable[[str], None]
Lost = Callable[[str], None]

# What a missing date is stored as, so that it sorts before every date on both engines.
NO_DATE = -(2**62)


class UniqueViolation(Exception):
    """A unique constraint refused a write.

    Args:
        table: the table's name.
        columns: the constraint's columns beside `org`.
    """

    def __init__(self, table: str, columns: tuple[str, ...]) -> None:
        super().__init__(f"{table}({', '.join(columns)})")
        self.table = table
        self.columns = columns


class CannotOpen(Exception):
    """The engine does not open: no store, a broken one, or no room. One sentence says why."""


class EngineFailed(Exception):
    """A long piece of work can't go on, because of the engine. One sentence says which engine,
    and why.
    """


class LostRace(Exception):
    """Something that was read in this transaction is no longer so: each call has to go again,
    alone.
    """


class Tx(Protocol):
    """A transaction. Parameters are text, integers, NULL, or a list of tuples for `rows()`.

    `stripe` is a number that few other transactions have at the same time, for rows that many add
    to.
    """

    stripe: int

    async def all(self, sql: str, **parameters: Value) -> list[Row]:
        """Every row."""
        ...

    async def one(self, sql: str, **parameters: Value) -> Row | None:
        """The first row, or None."""
        ...

    async def run(self, sql: str, **parameters: Value) -> int:
        """Run a statement that changes rows; how many it changed."""
        ...

    def savepoint(self) -> AbstractAsyncContextManager[None]:
        """A part of the transaction that is undone alone where the block raises."""
        ...

    async def touch(self) -> None:
        """Write something that nobody reads, so that the commit shows whether writing works.

        Raises:
            ServiceUnavailable: there is no room for anything.
        """
        ...

    async def hold(self, names: Sequence[str]) -> None:
        """Hold names against every other transaction that wants one of them, until this one
        ends.
        """
        ...

    async def keeps_blobs(self) -> bool:
        """Whether blobs have to stay for now, because a backup reads them, of rows that may be gone
        since. Where it is false, a backup that begins later knows nothing of blobs that were loose
        before this was asked.
        """
        ...

    async def take_numbers(self, kind: str, wanted: Mapping[str, int]) -> dict[str, int]:
        """Take `wanted[org]` numbers of a kind in each org; see `numbers.take`. Those of an
        undone call may be lost.
        """
        ...

    async def reserve_number(self, kind: str, org: str, number: int) -> None:
        """See to it that no number up to this one is given out; see `numbers.reserve`."""
        ...

    def wake(self, org: str) -> None:
        """Let those who wait for something to happen in the org look, once this is committed."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Batch(Generic[C, R]):
    """A write over a list of calls, each getting a result or an exception as its result.

    Args:
        run: must leave no trace of a call whose result is an exception.
        together: several calls may run as one; otherwise each runs alone under its own savepoint.
    """

    run: Callable[[Tx, Sequence[C]], Awaitable[Sequence[R | Exception]]]
    together: bool = False


class Line(Protocol):
    """A connection on which each process hears what any of them says, itself included."""

    async def send(self, text: str) -> None:
        """Say something of less than 8,000 bytes.

        Raises:
            Exception: the line is dead.
        """
        ...

    async def close(self) -> None:
        """Let go of it."""
        ...


# Opens a line, from what is called with each text that is said, and what with the reason when the
# line is lost.
Dial = Callable[[Hear, Lost], Awaitable[Line]]


def never() -> bool:
    """Whoever asks is there to the end."""
    return False


class Store(Protocol):
    """An engine.

    `dial` opens a line between the processes that have the store open; None where there is only
    one, or no way to.
    """

    dial: Dial | None

    async def read(
        self,
        work: Callable[[Tx], Coroutine[Any, Any, R]],
        *,
        deadline: float,
        heavy: bool = False,
        is_gone: Callable[[], bool] = never,
    ) -> R:
        """Run `work` in one snapshot. It must await nothing but the transaction, and may be run
        again.

        Args:
            work: what to read.
            deadline: on the loop's clock, in seconds.
            heavy: is known to take long. Any other read that does is begun again beside those that
                don't.
            is_gone: True once nobody waits for it any more; a long read then ends.

        Raises:
            ServiceUnavailable: the engine is away, or the deadline has passed.
        """
        ...

    async def write(self, batch: Batch[C, R], call: C, *, deadline: float) -> R:
        """Run one call of a batch, in one transaction with the others that wait; return when it is
        on disk.

        Raises:
            ServiceUnavailable: the engine is away, or the deadline has passed.
            Exception: what the batch answered for this call.
        """
        ...

    def on_commit(self, call: Committed) -> None:
        """Call this with the orgs that a transaction woke, after its commit. It may come in
        vain.
        """
        ...

    async def size(self) -> int:
        """What it takes on disk, in bytes.

        Raises:
            ServiceUnavailable: the engine is away.
        """
        ...

    async def close(self) -> None:
        """Finish what was taken and let go of the engine."""
        ...


# The table that a store has for as long as it is an unfinished copy of another one.
BEGUN_COPY = "copy_progress"
UNFINISHED = "it is an unfinished copy: run the same rapport copy again to finish it"


# What the names of tables begin with that are made from others; see `store.derived`.
DERIVED = "derived_"


class StoredTable(NamedTuple):
    """A table as the engine's own catalogue has it: its columns, sorted, and those of its
    primary key, in order.
    """

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]


class Bulk(Protocol):
    """One connection for work that is no request: it has no deadline, and what is committed is on
    disk once it settled.

    Every method but `close` raises EngineFailed when the engine can't do it. `place` is where the
    store is, for people.
    """

    place: str

    def transaction(self) -> AbstractAsyncContextManager[None]:
        """A transaction that sees one moment; it is committed unless the block raises.

        Raises:
            EngineFailed: it can't be begun or committed.
        """
        ...

    async def all(self, sql: str, **parameters: Value) -> list[Row]:
        """Every row; in a transaction."""
        ...

    async def run(self, sql: str, **parameters: Value) -> None:
        """Run a statement; in a transaction."""
        ...

    @property
    def tx(self) -> Tx:
        """The transaction, for what reads in one; what the engine can't do raises as it does
        there.
        """
        ...

    async def tables(self) -> list[StoredTable]:
        """Every table, by name; in a transaction."""
        ...

    async def add(self, table: StoredTable, pages: AsyncIterator[Sequence[Row]]) -> None:
        """Add rows, whose values are in the order of the table's columns; in a transaction."""
        ...

    async def migrate(self, to: int | None = None) -> None:
        """Make or migrate the store where needed, to this program's version or to an older one;
        not in a transaction.

        Raises:
            migrate.NewerDatabase: a newer program wrote it.
        """
        ...

    async def keep_blobs(self) -> None:
        """See to it that from now on, until this is closed, no process removes blobs; see
        `Tx.keeps_blobs`. Not in a transaction.
        """
        ...

    async def settle(self) -> None:
        """Do what the engine is better for after very many rows. What is committed later is on
        disk at once.
        """
        ...

    async def close(self) -> None:
        """Let go of the engine."""
        ...


# Of the 5 seconds that a request has, what waiting, connecting and statements may take.
STORE_SECONDS = 4.5


async def alone(
    store: Store, work: Callable[[Tx], Awaitable[R]], *, seconds: float = STORE_SECONDS
) -> R:
    """Do `work` as a write, under a savepoint of its own; return when it is on disk.

    Raises:
        ServiceUnavailable: the engine is away, or the time is over.
    """

    async def run(tx: Tx, calls: Sequence[None]) -> Sequence[R | Exception]:
        return [await work(tx) for _ in calls]

    return await store.write(Batch(run), None, deadline=time.monotonic() + seconds)


async def look(
    store: Store, work: Callable[[Tx], Awaitable[R]], *, seconds: float = STORE_SECONDS
) -> R:
    """Do `work` in one snapshot.

    Raises:
        ServiceUnavailable: the engine is away, or the time is over.
    """

    async def run(tx: Tx) -> R:
        return await work(tx)

    return await store.read(run, deadline=time.monotonic() + seconds)


# Why a long read ended that nobody waited for.
NOBODY = "nobody waits for it any more"


def unavailable(why: str) -> ServiceUnavailable:
    """The answer when the store can't do its work now; `why` goes to the caller."""
    return ServiceUnavailable(
        f"The store can't answer now: {why}.", detail="Send the same request again shortly."
    )


_ROWS = re.compile(r"\brows\(:(\w+), ([^)]+)\)(?: ([a-z]\w*))?")
_LOCKS = re.compile(r" FOR (?:UPDATE|KEY SHARE)(?: OF \w+)?(?: SKIP LOCKED)?")
# A text, a cast, or a parameter.
_TOKENS = re.compile(r"'(?:[^']|'')*'|::|:(\w+)")
# What writes the table for a list: from the list's name, the columns with their types, and the
# table's alias.
Table = Callable[[str, Sequence[tuple[str, str]], str], str]


def expand_rows(sql: str, table: Table) -> tuple[str, frozenset[str]]:
    """Replace each `rows(:name, column type, ...)` by what `table` writes for it.

    Returns:
        The statement, and the names of its list parameters.
    """
    names: set[str] = set()

    def replace(match: re.Match[str]) -> str:
        names.add(match[1])
        columns = [tuple(column.split()) for column in match[2].split(",")]
        return table(match[1], [(column[0], column[1]) for column in columns], match[3] or "listed")

    return _ROWS.sub(replace, sql), frozenset(names)


def without_locks(sql: str) -> str:
    """The statement for where rows need no holding, or must not be held."""
    return _LOCKS.sub("", sql)


class Positional(NamedTuple):
    """A statement with `$1`, `$2` ...: for each of them the parameter, and which of a list's
    columns it is.
    """

    text: str
    slots: tuple[tuple[str, int | None], ...]

    def arguments(self, parameters: Mapping[str, Any]) -> list[Any]:
        """The values in the order of the slots; a list goes as one array for each of its
        columns.
        """
        return [
            parameters[name] if column is None else [row[column] for row in parameters[name]]
            for name, column in self.slots
        ]


def positional(sql: str) -> Positional:
    """The statement for a driver that numbers its parameters, with arrays for lists."""
    slots: dict[tuple[str, int | None], int] = {}

    def place(name: str, column: int | None = None) -> str:
        return f"${slots.setdefault((name, column), len(slots) + 1)}"

    def table(name: str, columns: Sequence[tuple[str, str]], alias: str) -> str:
        arrays = ", ".join(
            f"{place(name, position)}::{kind}[]" for position, (_, kind) in enumerate(columns)
        )
        return f"unnest({arrays}) AS {alias}({', '.join(column for column, _ in columns)})"

    expanded, _ = expand_rows(sql, table)
    text = _TOKENS.sub(lambda token: place(token[1]) if token[1] else token[0], expanded)
    return Positional(text, tuple(slots))
