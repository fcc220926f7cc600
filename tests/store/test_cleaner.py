"""What the server's cleaner takes away by itself."""

from pathlib import Path

import pytest

from rapport.blobs.local import LocalBlobs
from rapport.clock import DAY, SECOND
from rapport.contract.kit.errors import BadRequest
from rapport.jobs.clean import Cleaner
from rapport.operations.kit.invoke import Invoker
from tests.support.engine import Engine


def test_a_key_is_forgotten_a_day_after_its_answer_and_not_before(
    store: Engine, tmp_path: Path
) -> None:
    cleaner = Cleaner(
        store.store, LocalBlobs(tmp_path / "blobs"), lambda: store.now, orphan_seconds=1
    )
    alice = store.person()
    for number in range(250):
        store.run(store.create(alice, key=f"old-{number}"))
    store.now += DAY - SECOND
    store.run(store.create(alice, key="new"))
    assert store.run(cleaner.forget_keys()) == 0
    with pytest.raises(BadRequest):
        store.run(store.create(alice, key="old-0", title="Another body"))
    store.now += SECOND
    assert store.run(cleaner.forget_keys()) == 250
    assert store.all("SELECT key FROM idempotency_keys") == [("new",)]


def test_how_long_a_key_stands_can_be_set(store: Engine, tmp_path: Path) -> None:
    store.invoker = Invoker(store.store, lambda: store.now, key_life=2 * DAY)
    cleaner = Cleaner(
        store.store,
        LocalBlobs(tmp_path / "blobs"),
        lambda: store.now,
        orphan_seconds=1,
        key_life=2 * DAY,
    )
    alice = store.person()
    made = store.run(store.create(alice, key="k"))
    store.now += 2 * DAY - SECOND
    assert store.run(store.create(alice, key="k")) == made
    assert store.run(cleaner.forget_keys()) == 0
    store.now += SECOND
    assert store.run(store.create(alice, key="k")) != made
