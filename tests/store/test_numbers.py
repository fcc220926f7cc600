from collections.abc import Sequence

from rapport.contract.kit import ids
from rapport.store import engagements
from rapport.store.engagement_links import Related
from rapport.store.kit import numbers
from rapport.store.kit.db import Tx
from tests.support.engine import Engine, alone, row_of, settled


def _take(store: Engine, org: str) -> int:
    return store.write(lambda tx: numbers.take_one(tx, ids.ENGAGEMENT, org))


def test_numbers_are_counted_per_org_and_kind(store: Engine) -> None:
    org, other = store.new_org(), store.new_org()
    assert [_take(store, org), _take(store, org), _take(store, other)] == [1, 2, 1]
    assert store.write(lambda tx: numbers.take_one(tx, ids.TAG, org)) == 1


def test_a_run_of_numbers_is_taken_at_once_in_each_org(store: Engine) -> None:
    org, other = store.new_org(), store.new_org()
    assert store.write(lambda tx: numbers.take(tx, ids.TAG, {org: 5, other: 2})) == {
        org: 1,
        other: 1,
    }
    assert store.write(lambda tx: numbers.take(tx, ids.TAG, {other: 1, org: 3})) == {
        org: 6,
        other: 3,
    }


def test_no_two_concurrent_writes_get_the_same_number(store: Engine) -> None:
    org = store.new_org()

    async def run() -> Sequence[int | BaseException]:
        return await settled(
            [
                alone(store.store, lambda tx: numbers.take_one(tx, ids.ENGAGEMENT, org))
                for _ in range(100)
            ]
        )

    taken = store.run(run())
    assert sorted(number for number in taken if isinstance(number, int)) == list(range(1, 101))


def test_a_number_is_not_used_again_after_a_delete_or_a_restart(store: Engine) -> None:
    org = store.new_org()
    number = _take(store, org)
    store.write(lambda tx: engagements.insert(tx, [row_of(org, number)], [Related()]))
    assert store.write(lambda tx: engagements.delete(tx, org, number, 5, "DEVU-1"))
    assert _take(store, org) > number
    store.restart()
    assert _take(store, org) > number + 1


def test_a_number_that_was_seen_by_nobody_may_come_again_but_never_twice(store: Engine) -> None:
    org = store.new_org()

    async def fails(tx: Tx) -> int:
        await numbers.take_one(tx, ids.ENGAGEMENT, org)
        raise ValueError(org)

    async def works(tx: Tx) -> int:
        return await numbers.take_one(tx, ids.ENGAGEMENT, org)

    async def run() -> Sequence[int | BaseException]:
        return await settled([alone(store.store, fails if n % 2 else works) for n in range(20)])

    kept = [number for number in store.run(run()) if isinstance(number, int)]
    assert len(kept) == len(set(kept)) == 10
    assert _take(store, org) not in kept


def test_reserved_numbers_are_not_given_out_and_reserving_never_goes_back(store: Engine) -> None:
    org = store.new_org()
    store.write(lambda tx: numbers.reserve(tx, ids.ENGAGEMENT, org, 12345))
    assert _take(store, org) == 12346
    store.write(lambda tx: numbers.reserve(tx, ids.ENGAGEMENT, org, 7))
    assert _take(store, org) == 12347
