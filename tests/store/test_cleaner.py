"""What the server's cleaner takes away by itself."""

from pathlib import Path

import pytest

from rapport.blobs.local import LocalBlobs
from rapport.clock import DAY, SECOND
from rapport.contract.kit.errors import BadRequest, Unauthenticated
from rapport.jobs.clean import Cleaner
from rapport.operations.admin import Admin
from rapport.operations.kit.invoke import Invoker
from rapport.store import dev_orgs
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


def test_a_deletion_that_was_broken_off_goes_on_where_it_ended(
    store: Engine, tmp_path: Path
) -> None:
    blobs = LocalBlobs(tmp_path / "blobs")
    cleaner = Cleaner(store.store, blobs, lambda: store.now, orphan_seconds=1)
    alice, charlie = store.person(), store.person("Charlie")
    for caller in (alice, charlie):
        for _ in range(3):
            store.run(store.create(caller))
    # As far as a process came that was killed then.
    store.write(lambda tx: dev_orgs.shut(tx, alice.org, store.now))
    store.write(lambda tx: dev_orgs.clear(tx, alice.org, "users", now=store.now, most=1))
    admin = Admin(store.store, blobs, lambda: store.now)
    listed = store.run(admin.orgs_list())["orgs"]
    assert [one["name"] for one in listed] == ["Charlie's"]
    with pytest.raises(Unauthenticated):
        store.run(store.create(alice))
    assert store.all("SELECT count(*) FROM engagements WHERE org = :org", org=alice.org) == [(3,)]
    assert store.run(cleaner.remove_orgs()) == 1
    assert store.run(cleaner.remove_orgs()) == 0
    for table in (*dev_orgs.TABLES, "orgs"):
        assert store.all(f"SELECT count(*) FROM {table} WHERE org = :org", org=alice.org) == [(0,)]
    assert store.all("SELECT count(*) FROM engagements") == [(3,)]


def test_what_was_deleted_long_enough_ago_is_purged_and_by_default_nothing(
    store: Engine, tmp_path: Path
) -> None:
    blobs = LocalBlobs(tmp_path / "blobs")
    alice, charlie = store.person(), store.person("Charlie")
    for caller in (alice, charlie):
        for number in range(3):
            store.run(store.create(caller, title=f"Call {number}"))
    for caller, number in ((alice, 1), (alice, 2), (charlie, 1)):
        store.run(store.delete(caller, number))
        store.now += DAY
    never = Cleaner(store.store, blobs, lambda: store.now, orphan_seconds=1)
    assert store.run(never.purge_deleted()) == 0
    after_two_days = Cleaner(
        store.store, blobs, lambda: store.now, orphan_seconds=1, purge_seconds=2 * 86_400
    )
    assert store.run(after_two_days.purge_deleted()) == 2
    assert store.run(after_two_days.purge_deleted()) == 0
    left = store.all("SELECT org, number FROM engagements ORDER BY org, number")
    assert left == [(alice.org, 3), *((charlie.org, number) for number in (1, 2, 3))]
    told = store.all("SELECT object, actor FROM events WHERE action = 'purged' ORDER BY object")
    assert told == [("ENGAGEMENT-1", "SYSU-1"), ("ENGAGEMENT-2", "SYSU-1")]
    store.now += DAY
    assert store.run(after_two_days.purge_deleted()) == 1
