"""Schedules methods for the wire and the command line: each in a transaction of its own, with safe
retries.

Writes are batches, and what two writes of one batch both want is settled in three places, from the
outside in. Each loop is there for what the ones around it can't see:

1. `_Writer`, here: two writes under one idempotency key. The first is done; the others wait for its
answer within the
   batch, and get it as a retry would.
2. The operation over a list of calls (`engagements.create`): two calls that want one artifact or
one `external_ref`.
   What can be known beforehand is decided before a statement runs, in the order of arrival.
3. The engine (`store/*/store.py`): what only the database knows. Where a constraint refuses a
group, or a row that was
   read is gone (`LostRace`), the group is undone and each of its calls runs again alone, under a
   savepoint.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from rapport import idempotency, metrics
from rapport.auth.caller import Caller, authorize, unknown
from rapport.clock import Clock
from rapport.contract.kit.errors import ValueNotPermitted
from rapport.contract.kit.fields import Request, Response
from rapport.contract.kit.method import READ, Method
from rapport.events.bell import Bell
from rapport.operations import families
from rapport.operations.kit.context import (
    BATCH_OPERATIONS,
    NO_TOOLS,
    OPERATIONS,
    BatchOperation,
    Call,
    Context,
    Tools,
)
from rapport.operations.kit.perform import perform, perform_together
from rapport.store import dev_orgs
from rapport.store.kit.db import STORE_SECONDS, Batch, Store, Tx, never

_KEY_LENGTH = 255
# How often one who waits looks by itself where other processes commit unheard.
_DEAF_SECONDS = 1.0
_encode = msgspec.json.Encoder().encode


class Answer(NamedTuple):
    """A method's answer as JSON. `replayed`: it was given before, under the same idempotency
    key.
    """

    body: bytes
    replayed: bool = False


class _Write(NamedTuple):
    caller: Caller
    request: Request
    key: idempotency.RetryKey | None


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
        self._batches: dict[Method, Batch[_Write, Answer]] = {
            method: Batch(
                _Writer(method, clock, tools, key_life), together=method in BATCH_OPERATIONS
            )
            for method in [*OPERATIONS, *BATCH_OPERATIONS]
            if method.effect != READ
        }

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
        deadline = time.monotonic() + STORE_SECONDS if deadline is None else deadline
        if method.effect == READ:
            if method.waits:
                return Answer(_encode(await self._wait(caller, method, request)))
            return Answer(_encode(await self._read(caller, method, request, deadline, is_gone)))
        kept_under = None if key is None else _key(caller, method, request, key)
        answer = await self._store.write(
            self._batches[method], _Write(caller, request, kept_under), deadline=deadline
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


def _key(caller: Caller, method: Method, request: Request, key: str) -> idempotency.RetryKey:
    if not 1 <= len(key) <= _KEY_LENGTH:
        raise ValueNotPermitted(
            f"Idempotency-Key: {len(key)} characters are not 1 to {_KEY_LENGTH}.",
            detail="Send a key such as a UUID, or none.",
            field_name="Idempotency-Key",
            reason=f"must have 1 to {_KEY_LENGTH} characters",
        )
    return idempotency.RetryKey(
        caller.org, caller.user_id, method.name, key, idempotency.hash_of(request)
    )


class _Writer:
    """A method over a list of writes: replay what was answered before, do the rest, keep their
    answers.
    """

    def __init__(self, method: Method, clock: Clock, tools: Tools, key_life: int) -> None:
        one_run = _together if method in BATCH_OPERATIONS else _one_by_one
        self._run: BatchOperation = one_run(method, tools)
        self._clock = clock
        self._key_life = key_life
        self._secret_answer = method.secret_answer

    async def __call__(self, tx: Tx, writes: Sequence[_Write]) -> list[Answer | Exception]:
        """Do them in one transaction; each gets its answer or its refusal."""
        now = self._clock()
        results = {
            **await _shut_out(tx, writes),
            **await self._replayed(tx, writes, now),
        }
        fresh: list[int] = []
        later: list[int] = []
        seen: set[tuple[str, ...]] = set()
        for position, write in enumerate(writes):
            if position in results:
                continue
            if write.key is not None and write.key.row in seen:
                later.append(position)
                continue
            fresh.append(position)
            if write.key is not None:
                seen.add(write.key.row)
        results.update(
            zip(
                fresh,
                await self._do(tx, [writes[position] for position in fresh], now),
                strict=True,
            )
        )
        if later:
            # Retries that arrived together with their first: they wait for it here.
            results.update(
                zip(later, await self(tx, [writes[position] for position in later]), strict=True)
            )
        return [results[position] for position in range(len(writes))]

    async def _replayed(
        self, tx: Tx, writes: Sequence[_Write], now: int
    ) -> dict[int, Answer | Exception]:
        keys = [write.key for write in writes if write.key is not None]
        kept = await idempotency.find(tx, keys, since=now - self._key_life) if keys else {}
        results: dict[int, Answer | Exception] = {}
        for position, write in enumerate(writes):
            if write.key is not None and write.key in kept:
                before = kept[write.key]
                results[position] = (
                    Answer(before, replayed=True) if isinstance(before, bytes) else before
                )
        return results

    async def _do(self, tx: Tx, writes: Sequence[_Write], now: int) -> list[Answer | Exception]:
        calls = [Call(write.caller, now, write.request) for write in writes]
        results: list[Answer | Exception] = []
        answers: list[tuple[idempotency.RetryKey, bytes]] = []
        for write, result in zip(writes, await self._run(tx, calls) if calls else (), strict=True):
            if isinstance(result, Exception):
                results.append(result)
                continue
            body = _encode(result)
            results.append(Answer(body))
            if write.key is not None:
                answers.append((write.key, idempotency.SECRET if self._secret_answer else body))
        if answers:
            await idempotency.keep(tx, answers, now=now, since=now - self._key_life)
        return results


async def _shut_out(tx: Tx, writes: Sequence[_Write]) -> dict[int, Answer | Exception]:
    """The refusals of those whose org was deleted since they were let in."""
    living = await dev_orgs.hold(tx, {write.caller.org for write in writes})
    return {
        position: unknown()
        for position, write in enumerate(writes)
        if write.caller.org not in living
    }


def _together(method: Method, _tools: Tools) -> BatchOperation:
    async def run(tx: Tx, calls: Sequence[Call[Any]]) -> Sequence[Response | Exception]:
        return await perform_together(tx, method, calls)

    return run


def _one_by_one(method: Method, tools: Tools) -> BatchOperation:
    async def run(tx: Tx, calls: Sequence[Call[Any]]) -> Sequence[Response | Exception]:
        # The store runs these batches one call at a time, under a savepoint that an exception
        # undoes.
        return [
            await perform(Context(call.caller, call.now, tx, tools), method, call.request)
            for call in calls
        ]

    return run
