import asyncio
import time
from collections.abc import Sequence
from typing import Any

import pytest

from rapport.contract.kit.errors import ServiceUnavailable
from rapport.store import dev_orgs as orgs
from rapport.store import engagements
from rapport.store.engagement_links import Related
from rapport.store.kit.db import NOBODY, Batch, LostRace, Tx, unavailable
from tests.support.engine import SOON, Engine, alone, row_of, settled

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


def _numbers(store: Engine, org: str) -> list[int]:
    return [
        number
        for (number,) in store.all(
            "SELECT number FROM engagements WHERE org = :org ORDER BY 1", org=org
        )
    ]


def test_concurrent_writes_share_transactions(store: Engine) -> None:
    org, sizes = store.new_org(), []

    async def insert(tx: Tx, calls: Sequence[int]) -> Sequence[int | Exception]:
        sizes.append(len(calls))
        await engagements.insert(
            tx, [row_of(org, number) for number in calls], [Related()] * len(calls)
        )
        return calls

    batch = Batch(insert, together=True)

    async def run() -> list[int | BaseException]:
        deadline = time.monotonic() + SOON
        return await settled(
            [store.store.write(batch, number, deadline=deadline) for number in range(200)]
        )

    assert store.run(run()) == list(range(200))
    assert _numbers(store, org) == list(range(200))
    assert len(sizes) <= 20, "each write had a transaction of its own"


def test_one_call_that_fails_does_not_fail_its_neighbours(store: Engine) -> None:
    org = store.new_org()

    async def write(tx: Tx, number: int) -> int:
        await engagements.insert(tx, [row_of(org, number)], [Related()])
        if number % 3 == 0:
            raise ValueError(number)
        return number

    async def run() -> list[int | BaseException]:
        return await settled([alone(store.store, lambda tx, n=n: write(tx, n)) for n in range(30)])  # type: ignore[misc]

    results = store.run(run())
    assert [n for n, result in enumerate(results) if isinstance(result, ValueError)] == list(
        range(0, 30, 3)
    )
    assert _numbers(store, org) == [n for n in range(30) if n % 3]


def test_a_calls_exception_undoes_its_own_writes_alone(store: Engine) -> None:
    org = store.new_org()

    async def fails(tx: Tx) -> None:
        await orgs.insert(tx, org, "first", 1)
        await tx.run("UPDATE orgs SET name = 'changed' WHERE org = :org", org=org)
        raise LookupError("no such customer")

    async def run() -> list[BaseException | None]:
        return await settled(
            [
                alone(store.store, lambda tx: orgs.insert(tx, f"{org}A", "before", 1)),
                alone(store.store, fails),
                alone(store.store, lambda tx: orgs.insert(tx, f"{org}B", "after", 2)),
            ]
        )

    first, second, third = store.run(run())
    assert (first, third) == (None, None)
    assert isinstance(second, LookupError)
    assert str(second) == "no such customer"
    assert store.read(orgs.all_orgs) == [(f"{org}A", "before"), (f"{org}B", "after")]


def test_an_exception_as_a_calls_result_undoes_that_call(store: Engine) -> None:
    org = store.new_org()

    async def refuse(tx: Tx, calls: Sequence[None]) -> Sequence[Exception | None]:
        await orgs.insert(tx, org, "never", 1)
        return [PermissionError("refused") for _ in calls]

    with pytest.raises(PermissionError, match="refused"):
        store.run(store.store.write(Batch(refuse), None, deadline=time.monotonic() + SOON))
    assert store.read(orgs.all_orgs) == []


def test_calls_that_cannot_go_together_go_one_by_one(store: Engine) -> None:
    org, sizes = store.new_org(), []

    async def insert(tx: Tx, calls: Sequence[int]) -> Sequence[int | Exception]:
        sizes.append(len(calls))
        await engagements.insert(
            tx, [row_of(org, number) for number in calls], [Related()] * len(calls)
        )
        if len(calls) > 1:
            raise LostRace
        if calls[0] == 7:
            raise ValueError(7)
        return calls

    batch = Batch(insert, together=True)

    async def run() -> list[int | BaseException]:
        deadline = time.monotonic() + SOON
        return await settled(
            [store.store.write(batch, number, deadline=deadline) for number in range(20)]
        )

    results = store.run(run())
    assert isinstance(results[7], ValueError)
    assert [result for n, result in enumerate(results) if n != 7] == [
        n for n in range(20) if n != 7
    ]
    assert _numbers(store, org) == [n for n in range(20) if n != 7]
    assert sizes[0] > 1
    assert sizes.count(1) >= 19


def test_a_unique_violation_in_a_batch_fails_only_the_call_that_has_it(store: Engine) -> None:
    org = store.new_org()

    async def insert(tx: Tx, calls: Sequence[int]) -> Sequence[int | Exception]:
        rows = [row_of(org, number, external_ref=f"ref-{number % 10}") for number in calls]
        await engagements.insert(tx, rows, [Related()] * len(calls))
        return calls

    batch = Batch(insert, together=True)

    async def run() -> list[int | BaseException]:
        deadline = time.monotonic() + SOON
        return await settled(
            [store.store.write(batch, number, deadline=deadline) for number in range(13)]
        )

    results = store.run(run())
    kept = [number for number, result in enumerate(results) if not isinstance(result, Exception)]
    assert sorted(number % 10 for number in kept) == list(range(10))
    assert _numbers(store, org) == kept


def test_a_call_whose_deadline_has_passed_is_refused_and_not_written(store: Engine) -> None:
    org = store.new_org()
    late = alone(store.store, lambda tx: orgs.insert(tx, org, "late", 1), seconds=-0.001)
    with pytest.raises(ServiceUnavailable):
        store.run(late)
    assert store.read(orgs.all_orgs) == []


def test_a_call_whose_deadline_passes_behind_another_is_not_written(
    store: Engine,
) -> None:
    org = store.new_org()

    async def slow(tx: Tx) -> None:
        await orgs.insert(tx, f"{org}A", "slow", 1)
        time.sleep(0.3)  # noqa: ASYNC251  # a long statement

    async def waits() -> None:
        deadline = time.monotonic() + 0.1
        await asyncio.sleep(0.05)
        await alone(
            store.store,
            lambda tx: orgs.insert(tx, f"{org}B", "late", 1),
            seconds=deadline - time.monotonic(),
        )

    first, second = store.run(settled([alone(store.store, slow), waits()]))
    assert first is None
    assert isinstance(second, ServiceUnavailable)
    assert store.read(orgs.all_orgs) == [(f"{org}A", "slow")]


def test_a_caller_that_went_away_before_its_turn_leaves_nothing(store: Engine) -> None:
    org = store.new_org()

    async def run() -> None:
        task = asyncio.ensure_future(alone(store.store, lambda tx: orgs.insert(tx, org, "gone", 1)))
        await asyncio.sleep(0)
        task.cancel()
        await settled([alone(store.store, lambda tx: orgs.insert(tx, f"{org}B", "stays", 1))])

    store.run(run())
    assert store.read(orgs.all_orgs) in (
        [(f"{org}B", "stays")],
        [(org, "gone"), (f"{org}B", "stays")],
    )


def test_a_reader_sees_all_of_a_write_or_nothing_of_it(store: Engine) -> None:
    org = store.new_org()

    async def pair(tx: Tx, number: int) -> None:
        await engagements.insert(tx, [row_of(org, number)], [Related(members=["DEVU-1", "DEVU-2"])])

    async def seen(tx: Tx) -> tuple[int, int]:
        rows = await tx.all("SELECT count(*) FROM engagements WHERE org = :org", org=org)
        links = await tx.all("SELECT count(*) FROM engagement_members WHERE org = :org", org=org)
        return rows[0][0], links[0][0]

    async def run() -> list[tuple[int, int] | BaseException]:
        deadline = time.monotonic() + SOON
        writes = asyncio.ensure_future(
            settled([alone(store.store, lambda tx, n=n: pair(tx, n)) for n in range(100)])  # type: ignore[misc]
        )
        found: list[tuple[int, int] | BaseException] = []
        while not writes.done():
            found += await settled(
                [store.store.read(seen, deadline=deadline, heavy=heavy) for heavy in (True, False)]
            )
        assert await writes == [None] * 100
        found.append(await store.store.read(seen, deadline=deadline))
        return found

    found = store.run(run())
    assert all(isinstance(one, tuple) and one[1] == 2 * one[0] for one in found), found
    assert found[-1] == (100, 200)


def test_a_write_is_read_by_the_next_read_of_every_kind(store: Engine) -> None:
    async def count(tx: Tx) -> int:
        return len(await orgs.all_orgs(tx))

    for number in range(1, 21):
        org = store.new_org()
        store.write(lambda tx, org=org: orgs.insert(tx, org, "here", 1))  # type: ignore[misc]
        assert (store.read(count), store.read(count, heavy=True)) == (number, number)


def test_a_read_cannot_write(store: Engine) -> None:
    org = store.new_org()
    with pytest.raises(Exception, match=r"(?i)read-?only"):
        store.read(lambda tx: orgs.insert(tx, org, "sneaky", 1))
    with pytest.raises(Exception, match=r"(?i)read-?only"):
        store.read(lambda tx: orgs.insert(tx, org, "sneaky", 1), heavy=True)
    assert store.read(orgs.all_orgs) == []


def test_a_read_that_takes_too_long_is_stopped_at_its_deadline(store: Engine) -> None:
    began = time.monotonic()
    with pytest.raises(ServiceUnavailable):
        store.run(store.store.read(lambda tx: tx.all(ENDLESS), deadline=began + 0.2, heavy=True))
    assert time.monotonic() - began < 2


class Asker:
    """Who asks a long question, and goes once it is plain that the store looks after them."""

    def __init__(self) -> None:
        self.looks = 0
        self.has_gone = False

    def is_gone(self) -> bool:
        self.looks += 1
        return self.has_gone


def test_nobody_waits_for_another_s_long_read(store: Engine) -> None:
    """Both go on while others are answered, and end when their askers go."""
    askers = [Asker(), Asker()]

    async def short(tx: Tx) -> int:
        return len(await orgs.all_orgs(tx))

    async def run() -> tuple[int, bool, list[Any]]:
        deadline = time.monotonic() + SOON
        long = [
            asyncio.ensure_future(
                store.store.read(
                    lambda tx: tx.all(ENDLESS), deadline=deadline, is_gone=asker.is_gone
                )
            )
            for asker in askers
        ]
        answered = 0
        # A few looks are before it is begun; the others are at a read that runs.
        while min(asker.looks for asker in askers) < 10 and not any(one.done() for one in long):
            await store.store.read(short, deadline=deadline)
            answered += 1
            # A short read need not let go of the loop.
            await asyncio.sleep(0)
        is_done = any(one.done() for one in long)
        for asker in askers:
            asker.has_gone = True
        return answered, is_done, await settled(long)  # type: ignore[arg-type]

    answered, is_done, ends = store.run(run())
    assert answered > 0
    assert not is_done
    assert [getattr(end, "message", end) for end in ends] == [unavailable(NOBODY).message] * 2


def test_what_was_taken_is_written_before_the_store_closes(
    store: Engine,
) -> None:
    org = store.new_org()

    async def run() -> list[BaseException | None]:
        writes = [
            asyncio.ensure_future(
                alone(store.store, lambda tx, n=n: orgs.insert(tx, f"{org}{n}", "x", n))  # type: ignore[misc]
            )
            for n in range(10)
        ]
        await asyncio.sleep(0)
        await store.store.close()
        with pytest.raises(ServiceUnavailable):
            await alone(store.store, lambda tx: orgs.insert(tx, org, "late", 1))
        return await asyncio.gather(*writes, return_exceptions=True)

    assert store.run(run()) == [None] * 10
    store._open()
    assert len(store.read(orgs.all_orgs)) == 10
