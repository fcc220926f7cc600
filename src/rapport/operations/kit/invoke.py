"""Schedules methods for the wire and the command line: each in a transaction of its own, with safe
retries.

Writes are batches, and what two writes of one batch both want is settled in three places, from the
outside in. Each loop is there for what the ones around it can't see:

1. `Writer`, in `writing`: two writes under one idempotency key. The first is done; the others wait
   for its answer within the batch, and get it as a retry would.
2. The operation over a list of calls (`engagements.create`): two calls that want one artifact or
one `external_ref`.
   What can be known beforehand is decided before a statement runs, in the order of arrival.
3. The engine (`store/*/store.py`): what only the database knows. Where a constraint refuses a
group, or a row that was
   read is gone (`LostRace`), the group is undone and each of its calls runs again alone, under a
   savepoint.
"""

import time
from collections.abc import Callable
from typing import Any

import msgspec

from rapport import idempotency, metrics
from rapport.auth.caller import Caller, authorize
from rapport.clock import Clock
from rapport.contract.batch import RUN
from rapport.contract.kit.fields import Request, Response
from rapport.contract.kit.method import READ, Method
from rapport.events.bell import Bell
from rapport.operations import families
from rapport.operations.kit.batches import Batches
from rapport.operations.kit.context import (
    BATCH_OPERATIONS,
    NO_TOOLS,
    OPERATIONS,
    Context,
    Tools,
)
from rapport.operations.kit.perform import perform
from rapport.operations.kit.writing import Answer, Write, Writer, key_of
from rapport.store.kit.db import STORE_SECONDS, Batch, Store, Tx, never

# How often one who waits looks by itself where other processes commit unheard.
_DEAF_SECONDS = 1.0
_encode = msgspec.json.Encoder().encode


class Invoker:
    """Runs methods on a store.

    Args:
        store: where everything is.
        clock: the time.
        tools: what operations work with.
        key_life: how long an answer is kept under its idempotency key, in microseconds.
        bell: wakes those who wait for events.

    Raises:
        NoOperation: a method has no operation.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        tools: Tools = NO_TOOLS,
        *,
        key_life: int = idempotency.LIFE,
        bell: Bell | None = None,
    ) -> None:
        families.load()
        self._store = store
        self._clock = clock
        self._tools = tools
        self._bell = bell or Bell()
        store.on_commit(self._bell.ring)
        writers = {
            method: Writer(method, clock, tools, key_life)
            for method in [*OPERATIONS, *BATCH_OPERATIONS]
            if method.effect != READ
        }
        self._batches: dict[Method, Batch[Write, Answer]] = {
            method: Batch(writer, together=method in BATCH_OPERATIONS)
            for method, writer in writers.items()
        }
        self._many = Batches(
            self.invoke, writers, store, clock=clock, tools=tools, key_life=key_life
        )

    async def invoke(
        self,
        caller: Caller,
        method: Method,
        request: Request,
        *,
        key: str | None = None,
        deadline: float | None = None,
        is_gone: Callable[[], bool] = never,
    ) -> Answer:
        """Do a method.

        Args:
            caller: who asks; scope and role are checked here.
            method: which one.
            request: of the method's request type.
            key: the idempotency key, for methods that write; others ignore it.
            deadline: on the monotonic clock; without it, 4.5 seconds from now.
            is_gone: True once nobody waits for the answer any more; a long read then ends.

        Raises:
            ApiError: the refusal.
        """
        authorize(caller, method)
        if method is RUN:
            return await self._many.run(caller, request, key=key, is_gone=is_gone)
        deadline = time.monotonic() + STORE_SECONDS if deadline is None else deadline
        if method.effect == READ:
            if method.waits:
                return Answer(_encode(await self._wait(caller, method, request)))
            return Answer(_encode(await self._read(caller, method, request, deadline, is_gone)))
        kept_under = None if key is None else key_of(caller, method, request, key)
        answer = await self._store.write(
            self._batches[method], Write(caller, request, kept_under), deadline=deadline
        )
        if answer.replayed:
            metrics.REPLAYS.inc()
        return answer

    async def _read(
        self,
        caller: Caller,
        method: Method,
        request: Request,
        deadline: float,
        is_gone: Callable[[], bool] = never,
    ) -> Any:
        async def read(tx: Tx) -> Response:
            return await perform(Context(caller, self._clock(), tx, self._tools), method, request)

        return await self._store.read(read, deadline=deadline, heavy=method.heavy, is_gone=is_gone)

    async def _wait(self, caller: Caller, method: Method, request: Any) -> Response:
        """Read, again and again, until there are events or the wait is over."""
        until = time.monotonic() + (request.wait or 0)
        while True:
            heard = self._bell.listen(caller.org)
            answer: Any = await self._read(
                caller, method, request, time.monotonic() + STORE_SECONDS
            )
            left = until - time.monotonic()
            if answer.events or answer.last < answer.end or left <= 0 or self._bell.is_closed:
                return answer  # type: ignore[no-any-return]
            request.after = answer.last
            await self._bell.wait(heard, min(left, self._bell.patience(_DEAF_SECONDS)))
