"""One method over a list of writes, in a transaction that is given: what was answered before under
a key is answered again, the rest is done, and its answers are kept.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from rapport import idempotency
from rapport.auth.caller import Caller, unknown
from rapport.clock import Clock
from rapport.contract.kit.errors import ValueNotPermitted
from rapport.contract.kit.fields import Request, Response
from rapport.contract.kit.method import Method
from rapport.operations.kit.context import BATCH_OPERATIONS, BatchOperation, Call, Context, Tools
from rapport.operations.kit.perform import perform, perform_together
from rapport.store import dev_orgs
from rapport.store.kit.db import Tx

_KEY_LENGTH = 255
_encode = msgspec.json.Encoder().encode


class Answer(NamedTuple):
    """A method's answer as JSON. `replayed`: it was given before, under the same idempotency
    key.
    """

    body: bytes
    replayed: bool = False


class Write(NamedTuple):
    """Who asks for what, and under which key."""

    caller: Caller
    request: Request
    key: idempotency.RetryKey | None


def key_of(caller: Caller, method: Method, request: Request, key: str) -> idempotency.RetryKey:
    """A client's key, checked, with all that it stands for.

    Raises:
        ValueNotPermitted: it is too short or too long.
    """
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


class Writer:
    """A method over a list of writes: replay what was answered before, do the rest, keep their
    answers.
    """

    def __init__(self, method: Method, clock: Clock, tools: Tools, key_life: int) -> None:
        one_run = _together if method in BATCH_OPERATIONS else _one_by_one
        self._run: BatchOperation = one_run(method, tools)
        self._clock = clock
        self._key_life = key_life
        self._secret_answer = method.secret_answer

    async def __call__(self, tx: Tx, writes: Sequence[Write]) -> list[Answer | Exception]:
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
        self, tx: Tx, writes: Sequence[Write], now: int
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

    async def _do(self, tx: Tx, writes: Sequence[Write], now: int) -> list[Answer | Exception]:
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


async def _shut_out(tx: Tx, writes: Sequence[Write]) -> dict[int, Answer | Exception]:
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
