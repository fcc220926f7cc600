"""What an operation is given, and how it says which method it does."""

import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from rapport.auth.caller import Caller
from rapport.blobs.links import Links
from rapport.contract.kit.fields import Request, Response
from rapport.contract.kit.method import Method
from rapport.webhooks.reach import Reach
from rapport.store.kit.db import Tx

# Whose links nobody can use: for what runs without a server.
NO_LINKS = Links(secrets.token_bytes(32))
PUBLIC = Reach()
Q = TypeVar("Q", bound=Request)
A = TypeVar("A", bound=Response)


@dataclass(frozen=True, slots=True)
class Context:
    """The caller, the time and the transaction of one call.

    Args:
        caller: who calls.
        now: microseconds since 1970, in whole milliseconds.
        tx: a snapshot for methods that read, the writer's transaction for those that write.
        links: signs the URLs that bytes go to and come from.
        reach: where webhooks may go.
    """

    caller: Caller
    now: int
    tx: Tx
    links: Links = NO_LINKS
    reach: Reach = PUBLIC

    @property
    def org(self) -> str:
        """The caller's dev org."""
        return self.caller.org


@dataclass(frozen=True, slots=True)
class Call(Generic[Q]):
    """One request of a batch."""

    caller: Caller
    now: int
    request: Q


Operation = Callable[[Context, Any], Awaitable[Response]]
BatchOperation = Callable[[Tx, Sequence[Call[Any]]], Awaitable[Sequence[Response | Exception]]]
OPERATIONS: dict[Method, Operation] = {}
BATCH_OPERATIONS: dict[Method, BatchOperation] = {}


def handles(
    method: Method,
) -> Callable[[Callable[[Context, Q], Awaitable[A]]], Callable[[Context, Q], Awaitable[A]]]:
    """Register the function that does a method."""

    def register(function: Callable[[Context, Q], Awaitable[A]]) -> Callable[[Context, Q], Awaitable[A]]:
        OPERATIONS[method] = function
        return function

    return register


def handles_batch(method: Method) -> Callable[[BatchOperation], BatchOperation]:
    """Register the function that does a method over a list of calls, each getting an answer or an error."""

    def register(function: BatchOperation) -> BatchOperation:
        BATCH_OPERATIONS[method] = function
        return function

    return register
