"""The one way to a method, for the wire, the console and the command line: rights, transaction, safe retries."""

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from rapport import idempotency
from rapport.auth.caller import Caller, authorize
from rapport.blobs.links import Links
from rapport.clock import Clock
from rapport.contract.kit.errors import ValueNotPermitted
from rapport.contract.kit.fields import Request, Response
from rapport.contract.kit.method import READ, Method
from rapport.events.bell import Bell
from rapport.webhooks.reach import Reach
from rapport.operations.kit.context import (
    BATCH_OPERATIONS,
    NO_LINKS,
    OPERATIONS,
    PUBLIC,
    BatchOperation,
    Call,
    Context,
    Operation,
)
from rapport.store.kit.db import Batch, Store, Tx

# Of the 5 seconds that a request has, what waiting, connecting and statements may take (SPEC 2).
STORE_SECONDS = 4.5
_KEY_LENGTH = 255
# How often one who waits looks by itself where other processes commit unheard.
_DEAF_SECONDS = 1.0
_encode = msgspec.json.Encoder().encode


class Answer(NamedTuple):
    """A method's answer as JSON. `replayed`: it was given before, under the same idempotency key."""

    body: bytes
    replayed: bool = False


class _Write(NamedTuple):
    caller: Caller
    request: Request
    key: idempotency.Key | None


class Invoker:
    """Runs methods on a store.

    Args:
        store: where everything is.
        clock: the time.
        links: signs the URLs that bytes go to and come from.
        reach: where webhooks may lead.
        key_life: how long an answer is kept under its idempotency key, in microseconds.
        bell: wakes those who wait for events.
    """

    def __init__(self, store: Store, clock: Clock, links: Links = NO_LINKS, reach: Reach = PUBLIC,
        *, key_life: int = idempotency.LIFE, bell: Bell | None = None,
    ) -> None:  # fmt: skip
        self.links = links
        self.reach = reach
        self.store = store
        self.clock = clock
        self.bell = bell or Bell()
        store.on_commit(self.bell.ring)
        self._batches: dict[Method, Batch[_Write, Answer]] = {
            method: Batch(_Writer(method, clock, links, reach, key_life), together=method in BATCH_OPERATIONS)
            for method in [*OPERATIONS, *BATCH_OPERATIONS]
            if method.effect != READ
        }

    async def invoke(
        self, caller: Caller, method: Method, request: Request, *, key: str | None = None, deadline: float | None = None
    ) -> Answer:
        """Do a method.

        Args:
            caller: who asks; scope and role are checked here.
            method: which one.
            request: of the method's request type.
            key: the idempotency key, for methods that write; others ignore it.
            deadline: on the monotonic clock; without it, 4.5 seconds from now.

        Raises:
            ApiError: the refusal.
        """
        authorize(caller, method)
        deadline = time.monotonic() + STORE_SECONDS if deadline is None else deadline
        if method.effect == READ:
            if method.waits:
                return Answer(_encode(await self._wait(caller, method, request)))
            return Answer(_encode(await self._read(caller, method, request, deadline)))
        kept_under = None if key is None else _key(caller, method, request, key)
        return await self.store.write(self._batches[method], _Write(caller, request, kept_under), deadline=deadline)

    async def _read(self, caller: Caller, method: Method, request: Request, deadline: float) -> Any:
        operation = OPERATIONS[method]

        async def read(tx: Tx) -> Response:
            return await operation(Context(caller, self.clock(), tx, self.links, self.reach), request)

        return await self.store.read(read, deadline=deadline, heavy=method.heavy)

    async def _wait(self, caller: Caller, method: Method, request: Any) -> Response:
        """Read, again and again, until there are events or the wait is over."""
        until = time.monotonic() + (request.wait or 0)
        while True:
            heard = self.bell.listen(caller.org)
            answer: Any = await self._read(caller, method, request, time.monotonic() + STORE_SECONDS)
            left = until - time.monotonic()
            if answer.events or answer.last < answer.end or left <= 0 or self.bell.is_closed:
                return answer  # type: ignore[no-any-return]
            request.after = answer.last
            await self.bell.wait(heard, min(left, self.bell.patience(_DEAF_SECONDS)))


def _key(caller: Caller, method: Method, request: Request, key: str) -> idempotency.Key:
    if not 1 <= len(key) <= _KEY_LENGTH:
        raise ValueNotPermitted(
            f"Idempotency-Key: {len(key)} characters are not 1 to {_KEY_LENGTH}.",
            detail="Send a key such as a UUID, or none.",
            field_name="Idempotency-Key",
            reason=f"must have 1 to {_KEY_LENGTH} characters",
        )
    return idempotency.Key(caller.org, caller.user_id, method.name, key, idempotency.hash_of(request))


class _Writer:
    """A method over a list of writes: replay what was answered before, do the rest, keep their answers."""

    def __init__(self, method: Method, clock: Clock, links: Links, reach: Reach, key_life: int) -> None:
        self._run: BatchOperation = BATCH_OPERATIONS.get(method) or _one_by_one(OPERATIONS[method], links, reach)
        self._clock = clock
        self._key_life = key_life
        self._secret_answer = method.secret_answer

    async def __call__(self, tx: Tx, writes: Sequence[_Write]) -> list[Answer | Exception]:
        """Do them in one transaction; each gets its answer or its refusal."""
        now = self._clock()
        results = await self._replayed(tx, writes, now)
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
        results.update(zip(fresh, await self._do(tx, [writes[position] for position in fresh], now), strict=True))
        if later:
            # Retries that arrived together with their first: they wait for it here.
            results.update(zip(later, await self(tx, [writes[position] for position in later]), strict=True))
        return [results[position] for position in range(len(writes))]

    async def _replayed(self, tx: Tx, writes: Sequence[_Write], now: int) -> dict[int, Answer | Exception]:
        keys = [write.key for write in writes if write.key is not None]
        kept = await idempotency.find(tx, keys, since=now - self._key_life) if keys else {}
        results: dict[int, Answer | Exception] = {}
        for position, write in enumerate(writes):
            if write.key is not None and write.key in kept:
                before = kept[write.key]
                results[position] = Answer(before, replayed=True) if isinstance(before, bytes) else before
        return results

    async def _do(self, tx: Tx, writes: Sequence[_Write], now: int) -> list[Answer | Exception]:
        calls = [Call(write.caller, now, write.request) for write in writes]
        results: list[Answer | Exception] = []
        answers: list[tuple[idempotency.Key, bytes]] = []
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


def _one_by_one(operation: Operation, links: Links, reach: Reach) -> BatchOperation:
    async def run(tx: Tx, calls: Sequence[Call[Any]]) -> Sequence[Response | Exception]:
        # The store runs these batches one call at a time, under a savepoint that an exception undoes.
        return [await operation(Context(call.caller, call.now, tx, links, reach), call.request) for call in calls]

    return run
