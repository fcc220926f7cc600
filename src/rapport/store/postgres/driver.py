"""The driver's transactions: how one is ended, and what the errors in it mean."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from enum import Enum, auto
from typing import Any

import asyncpg

# A commit is not given up with its callers: it is on its way, and they are told that nobody knows.
_COMMIT_SECONDS = 10.0
DRIVER = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


class Unreachable(Exception):
    """No host takes a connection, or none that may be written to."""


class OutcomeUnknown(Exception):
    """The connection was lost during a commit."""


class Verdict(Enum):
    """What an error of the driver means."""

    AGAIN = auto()  # the server undid the transaction to resolve a conflict
    LOST = auto()  # the connection is of no use any more; another one may be
    AWAY = auto()  # there is no database to work on


def verdict_of(error: Exception) -> Verdict | None:
    """What an error of the driver means; None for an error that is somebody's mistake."""
    if isinstance(error, Unreachable):
        return Verdict.AWAY
    if isinstance(error, (OSError, OutcomeUnknown)):
        return Verdict.LOST
    state: str | None = getattr(error, "sqlstate", None)
    if state is None:
        # Of the driver itself: a connection that was closed under it, while it waited or in the
        # middle of something.
        closed = isinstance(error, asyncpg.InterfaceError) and "closed" in str(error)
        return Verdict.LOST if closed or isinstance(error, asyncpg.InternalClientError) else None
    if state in _AGAIN or isinstance(error, asyncpg.InvalidCachedStatementError):
        return Verdict.AGAIN
    if state in _LOST or state[:2] == "08":
        return Verdict.LOST
    return Verdict.AWAY if state in _AWAY or state[:2] in _AWAY_CLASSES else None


# Serialisation, deadlock; a statement that a pooler does not know.
_AGAIN = frozenset({"40001", "40P01", "26000"})
# Shut down, crashed, starting up, dropped, idle for too long; and a server that became a standby.
_LOST = frozenset({"57P01", "57P02", "57P03", "57P04", "57P05", "25P03", "25006"})
# A statement or a lock that took too long.
_AWAY = frozenset({"57014", "55P03"})
# No resources (disk, memory, connections), an error of the machine, rights that were taken away, no
# such database.
_AWAY_CLASSES = frozenset({"53", "58", "28", "3D"})


def reason(error: Exception) -> str:
    """Why the database can't do it now, for callers, who need not know where it is."""
    cause: BaseException | None = error
    while isinstance(cause, Unreachable):
        cause = cause.__cause__
    if isinstance(
        cause, (asyncpg.TargetServerAttributeNotMatched, asyncpg.ReadOnlySQLTransactionError)
    ):
        return "the database is read-only"
    if isinstance(cause, asyncpg.DiskFullError):
        return "the database's disk is full"
    return "the database can't do it now"


def sentence(error: BaseException) -> str:
    """An error in one line; a URL never stands in it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}".rstrip(".")
    if isinstance(error, FileNotFoundError) and error.filename is None:
        return "a file or a socket that the URL names does not exist"
    return (str(error).partition("\n")[0] or type(error).__name__).rstrip(".")


@contextlib.asynccontextmanager
async def plain_transaction(connection: Any) -> AsyncIterator[None]:
    """A transaction, so that a pooler leads all of it to one server. Who leases connections
    ends it after an error.
    """
    await connection.execute("BEGIN")
    yield
    await connection.execute("COMMIT")


async def roll_back(connection: Any) -> None:
    """Undo what was begun; a connection on which that fails is of no use any more."""
    try:
        await connection.execute("ROLLBACK")
    except (*DRIVER, OSError):
        connection.terminate()


async def commit(connection: Any, limit: asyncio.Timeout) -> None:
    """Commit, and know that it is.

    Raises:
        OutcomeUnknown: the server was lost before it said so.
        RuntimeError: the transaction was undone, though nobody said so before.
    """
    limit.reschedule(asyncio.get_running_loop().time() + _COMMIT_SECONDS)
    try:
        status = await connection.execute("COMMIT")
    except Exception as error:
        if verdict_of(error) is Verdict.AGAIN:
            raise
        connection.terminate()
        raise OutcomeUnknown(sentence(error)) from error
    if status != "COMMIT":
        raise RuntimeError(
            f"the transaction ended in {status}: something in it failed and was passed over"
        )
