"""What an operation is given, and how it says which method it does."""

import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from rapport.auth.caller import Caller
from rapport.blobs.signed_urls import SignedUrls
from rapport.contract.kit.fields import Request, Response
from rapport.contract.kit.method import Method
from rapport.store.kit.db import Tx
from rapport.webhooks.reach import Reach

Q = TypeVar("Q", bound=Request)
A = TypeVar("A", bound=Response)


class Tools(NamedTuple):
    """What operations work with beside a transaction. An installation has one set of them.

    Args:
        urls: signs the URLs that bytes go to and come from.
        reach: where webhooks may go.
        is_strict: what is not DevRev's is left out.
    """

    urls: SignedUrls
    reach: Reach
    is_strict: bool = False


# For what runs without a server: nobody can use the URLs, and no webhook leads home.
NO_TOOLS = Tools(SignedUrls(secrets.token_bytes(32)), Reach())


class Stamps(NamedTuple):
    """Who made a new object and who changed it last, as display ids, and when."""

    created_by: str
    created_date: int
    modified_by: str
    modified_date: int


def stamps_of(by: str, now: int) -> Stamps:
    """The stamps of what a user makes now."""
    return Stamps(by, now, by, now)


@dataclass(frozen=True, slots=True)
class Context:
    """The caller, the time and the transaction of one call.

    Args:
        caller: who calls.
        now: microseconds since 1970, in whole milliseconds.
        tx: a snapshot for methods that read, the writer's transaction for those that write.
        tools: of the installation.
        own: the stamps of what is made, where the request says them itself.
    """

    caller: Caller
    now: int
    tx: Tx
    tools: Tools = NO_TOOLS
    own: Stamps | None = None

    @property
    def stamps(self) -> Stamps:
        """Of what is made."""
        return self.own or stamps_of(self.caller.user_id, self.now)

    @property
    def org(self) -> str:
        """The caller's dev org."""
        return self.caller.org


@dataclass(frozen=True, slots=True)
class Call(Generic[Q]):
    """One request of a batch; `own` is as in a context."""

    caller: Caller
    now: int
    request: Q
    own: Stamps | None = None

    @property
    def stamps(self) -> Stamps:
        """Of what is made."""
        return self.own or stamps_of(self.caller.user_id, self.now)


Operation = Callable[[Context, Any], Awaitable[Response]]
BatchOperation = Callable[[Tx, Sequence[Call[Any]]], Awaitable[Sequence[Response | Exception]]]
OPERATIONS: dict[Method, Operation] = {}
BATCH_OPERATIONS: dict[Method, BatchOperation] = {}


def handles(
    method: Method,
) -> Callable[[Callable[[Context, Q], Awaitable[A]]], Callable[[Context, Q], Awaitable[A]]]:
    """Register the function that does a method."""

    def register(
        function: Callable[[Context, Q], Awaitable[A]],
    ) -> Callable[[Context, Q], Awaitable[A]]:
        OPERATIONS[method] = function
        return function

    return register


def handles_batch(method: Method) -> Callable[[BatchOperation], BatchOperation]:
    """Register the function that does a method over a list of calls, each getting an answer or
    an error.
    """

    def register(function: BatchOperation) -> BatchOperation:
        BATCH_OPERATIONS[method] = function
        return function

    return register
