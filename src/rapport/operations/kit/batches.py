"""Batches: many requests in one, each with its own rights and answer.

Without `atomic` each is done as if it had come alone, in order, but for creates of engagements that
stand side by side: these are written together, in one transaction. So whatever happens, each was
done whole or not at all. With `atomic`, and to see what would be, all are one transaction.
"""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

import msgspec

from rapport import idempotency
from rapport.auth.caller import Caller
from rapport.clock import Clock
from rapport.contract.batch import (
    RUN,
    SECONDS,
    BatchedRequest,
    BatchRunRequest,
    BatchRunResponse,
)
from rapport.contract.kit.errors import ApiError, ServiceUnavailable, Undone
from rapport.contract.kit.fields import Raw, Request, UnsetType
from rapport.contract.kit.method import READ, Method
from rapport.operations.kit.batched import Item, Ready, Result, done, refused, told
from rapport.operations.kit.context import Context, Tools
from rapport.operations.kit.perform import perform
from rapport.operations.kit.writing import Answer, Writer, key_of
from rapport.store.kit.db import Batch, Store, Tx, alone, unavailable

_encode = msgspec.json.Encoder().encode


class Invoke(Protocol):
    """`Invoker.invoke`."""

    def __call__(
        self,
        caller: Caller,
        method: Method,
        request: Request,
        *,
        key: str | None,
        deadline: float,
        is_gone: Callable[[], bool],
    ) -> Awaitable[Answer]:
        """Do a method."""
        ...


class _Undo(Exception):
    """All that a transaction did is to be undone, and this is what is answered all the same."""

    def __init__(self, results: list[Result]) -> None:
        super().__init__()
        self.results = results


class Batches:
    """Does batches.

    Args:
        invoke: does one request.
        writers: do one method each, in a transaction that is given.
        store: where everything is.
        clock: the time.
        tools: what operations work with.
        key_life: how long an answer is kept under its key, in microseconds.
    """

    def __init__(
        self,
        invoke: Invoke,
        writers: Mapping[Method, Writer],
        store: Store,
        *,
        clock: Clock,
        tools: Tools,
        key_life: int,
    ) -> None:
        self._invoke = invoke
        self._writers = writers
        self._store = store
        self._clock = clock
        self._tools = tools
        self._key_life = key_life

    async def run(
        self, caller: Caller, request: Any, *, key: str | None, is_gone: Callable[[], bool]
    ) -> Answer:
        """Do a batch; see `Invoker.invoke`.

        Raises:
            ApiError: the key was used for another batch.
        """
        assert isinstance(request, BatchRunRequest)  # noqa: S101  # what the method takes
        deadline = time.monotonic() + SECONDS
        if key is not None and request.dry_run is not True:
            await self._claim(caller, request, key)
        items = [Item(place, asked, key) for place, asked in enumerate(request.requests)]
        if request.atomic is True or request.dry_run is True:
            results = await self._at_once(caller, request, items, deadline)
        else:
            results = await self._apart(caller, items, deadline, is_gone)
        body = _encode(BatchRunResponse(results=[told(result) for result in results]))
        return Answer(body, replayed=all(result.replayed for result in results))

    async def _claim(self, caller: Caller, request: BatchRunRequest, key: str) -> None:
        """Keep the key for this batch. What was done of it already answers under keys derived from
        this one.
        """
        row = key_of(caller, RUN, _plain(request), key)

        async def claim(tx: Tx) -> None:
            now = self._clock()
            since = now - self._key_life
            kept = (await idempotency.find(tx, [row], since=since)).get(row)
            if isinstance(kept, ApiError):
                raise kept
            if kept is None:
                await idempotency.keep(tx, [(row, b"{}")], now=now, since=since)

        await alone(self._store, claim)

    # Each as if it had come alone

    async def _apart(
        self,
        caller: Caller,
        items: Sequence[Item],
        deadline: float,
        is_gone: Callable[[], bool],
    ) -> list[Result]:
        results: list[Result] = []

        async def by_itself(item: Item) -> Result:
            try:
                method, request, key = item.ready(caller, results)
                answer = await self._invoke(
                    caller, method, request, key=key, deadline=deadline, is_gone=is_gone
                )
            except Exception as error:  # noqa: BLE001  # it is this request's answer
                return refused(error, item)
            return done(method, answer)

        while len(results) < len(items):
            if time.monotonic() >= deadline:
                return [*results, *(_too_late(item) for item in items[len(results) :])]
            wave = _wave(items, len(results))
            written = await self._wave(caller, wave, deadline) if len(wave) > 1 else None
            if written is None:
                results += [await by_itself(item) for item in wave]
            else:
                results += written
        return results

    async def _wave(
        self, caller: Caller, wave: Sequence[Item], deadline: float
    ) -> list[Result] | None:
        """Write a wave in one transaction; None, with nothing written, where one of them can't be,
        as when the database refuses it, so that each has to go alone.
        """
        ready = [_ready(item, caller, []) for item in wave]

        async def run(tx: Tx, calls: Sequence[None]) -> list[list[Result] | Exception]:
            return [await self._write(tx, caller, wave, ready) for _ in calls]

        try:
            return await self._store.write(Batch(run), None, deadline=deadline)
        except ServiceUnavailable as error:
            return [refused(error, item) for item in wave]
        except Exception:  # noqa: BLE001  # whatever it was, whoever is to blame gets it alone
            return None

    async def _write(
        self, tx: Tx, caller: Caller, wave: Sequence[Item], ready: Sequence[Ready | Result]
    ) -> list[Result]:
        good = [one for one in ready if isinstance(one, Ready)]
        answers = iter(await self._do(tx, caller, good) if good else ())
        return [
            one if isinstance(one, Result) else _result(next(answers), item, one.method)
            for item, one in zip(wave, ready, strict=True)
        ]

    async def _do(
        self, tx: Tx, caller: Caller, ready: Sequence[Ready]
    ) -> Sequence[Answer | Exception]:
        method = ready[0].method
        if method.effect == READ:
            ctx = Context(caller, self._clock(), tx, self._tools)
            return [Answer(_encode(await perform(ctx, method, ready[0].request)))]
        return await self._writers[method](tx, [one.write(caller) for one in ready])

    # All in one transaction

    async def _at_once(
        self, caller: Caller, request: BatchRunRequest, items: Sequence[Item], deadline: float
    ) -> list[Result]:
        async def run(tx: Tx, calls: Sequence[None]) -> list[list[Result] | Exception]:
            results = await self._within(tx, caller, items, deadline, atomic=request.atomic is True)
            if request.dry_run is True:
                raise _Undo(results)
            return [results for _ in calls]

        try:
            return await self._store.write(Batch(run), None, deadline=deadline)
        except _Undo as undone:
            return undone.results
        except ServiceUnavailable as error:
            return [refused(error, item) for item in items]

    async def _within(
        self, tx: Tx, caller: Caller, items: Sequence[Item], deadline: float, *, atomic: bool
    ) -> list[Result]:
        results: list[Result] = []
        while len(results) < len(items):
            if time.monotonic() >= deadline:
                raise unavailable("the batch took too long, and nothing of it was done")
            wave = _wave(items, len(results))
            results += await self._part(tx, caller, wave, results)
            if atomic and not all(result.is_done for result in results):
                raise _Undo(_all_undone(items, results))
        return results

    async def _part(
        self, tx: Tx, caller: Caller, wave: Sequence[Item], results: list[Result]
    ) -> list[Result]:
        """Do a wave, leaving no trace of what is refused."""
        ready = [_ready(item, caller, results) for item in wave]
        try:
            async with tx.savepoint():
                return await self._write(tx, caller, wave, ready)
        except ApiError as error:  # of one that is alone
            return [refused(error, wave[0])]


def _plain(request: BatchRunRequest) -> BatchRunRequest:
    """The same batch, spelled in the one way that its key is compared by."""
    return msgspec.structs.replace(request, requests=[_plainly(one) for one in request.requests])


def _plainly(asked: BatchedRequest) -> BatchedRequest:
    if isinstance(asked.body, UnsetType):
        return asked
    with suppress(ValueError, RecursionError):  # of what its own decoder will refuse
        body = msgspec.json.encode(msgspec.json.decode(asked.body), order="sorted")
        return msgspec.structs.replace(asked, body=Raw(body))
    return asked


def _wave(items: Sequence[Item], start: int) -> Sequence[Item]:
    """The next request, with those behind it that are done together with it."""
    end = start
    while end < len(items) and items[end].goes_together:
        end += 1
    return items[start : max(end, start + 1)]


def _ready(item: Item, caller: Caller, results: list[Result]) -> Ready | Result:
    try:
        return item.ready(caller, results)
    except ApiError as error:
        return refused(error, item)


def _result(answer: Answer | Exception, item: Item, method: Method) -> Result:
    return refused(answer, item) if isinstance(answer, Exception) else done(method, answer)


def _too_late(item: Item) -> Result:
    return refused(unavailable("the batch took too long, and this was not done"), item)


def _all_undone(items: Sequence[Item], results: Sequence[Result]) -> list[Result]:
    """The answers where one refusal undid all: its own, and for the others which one it was."""
    culprit = next(place for place, result in enumerate(results) if not result.is_done)
    error = Undone(
        f"Undone, because the request in place {culprit} was refused.",
        detail="Mend that one, and send the batch again.",
    )
    return [results[culprit] if item.place == culprit else refused(error, item) for item in items]
