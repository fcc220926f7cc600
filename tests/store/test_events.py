"""Change events: one row per change, in the transaction of the change, in the order in which
they were committed.
"""

import json
from typing import Any

from rapport.contract.accounts import CREATE as ACCOUNTS_CREATE
from rapport.contract.accounts import AccountsCreateRequest
from rapport.contract.engagements import (
    DELETE,
    UPDATE,
    EngagementsDeleteRequest,
    EngagementsUpdateRequest,
)
from rapport.contract.kit.ids import EngagementId
from rapport.store.events import EventRow, after
from tests.support.engine import Engine

KINDS = ["engagement", "account", "rev_org"]


def _told(store: Engine, org: str, seq: int = 0) -> list[EventRow]:
    return store.read(lambda tx: after(tx, org, seq, KINDS, 100))


def test_an_engagement_s_life_is_told_in_order(store: Engine) -> None:
    alice = store.person()
    made = store.run(store.create(alice, title="First"))
    id_ = EngagementId.parse(made["display_id"])
    store.now += 5_000
    store.run(store.invoker.invoke(alice, UPDATE, EngagementsUpdateRequest(id=id_, title="Second")))
    store.run(store.invoker.invoke(alice, UPDATE, EngagementsUpdateRequest(id=id_, title="Second")))
    store.run(store.invoker.invoke(alice, DELETE, EngagementsDeleteRequest(id=id_)))
    created, updated, deleted = _told(store, alice.org)
    assert [created.action, updated.action, deleted.action] == ["created", "updated", "deleted"]
    assert created.seq < updated.seq < deleted.seq
    assert {event.object for event in (created, updated, deleted)} == {made["display_id"]}
    assert {event.actor for event in (created, updated, deleted)} == {alice.user_id}
    assert json.loads(created.document or "") == made
    assert json.loads(updated.deltas or "") == {"title": ["First", "Second"]}
    assert json.loads(updated.before or "")["title"] == "First"
    assert json.loads(updated.document or "")["title"] == "Second"
    assert json.loads(deleted.document or "") == {
        "display_id": made["display_id"],
        "id": made["id"],
    }
    assert json.loads(deleted.before or "") == json.loads(updated.document or "")


def test_long_texts_are_hash_and_length_in_the_trail_and_whole_beside_it(
    store: Engine,
) -> None:
    alice = store.person()
    made = store.run(store.create(alice, description="x" * 4096))
    request = EngagementsUpdateRequest(
        id=EngagementId.parse(made["display_id"]), description="y" * 4097
    )
    store.run(store.invoker.invoke(alice, UPDATE, request))
    updated = _told(store, alice.org)[1]
    before, now = json.loads(updated.deltas or "")["description"]
    assert before == "x" * 4096
    assert now["length"] == 4097
    assert len(now["sha256"]) == 64
    assert json.loads(updated.document or "")["description"] == "y" * 4097


def test_an_account_brings_its_rev_org_and_another_org_hears_nothing(store: Engine) -> None:
    alice, charlie = store.person(), store.person("Charlie")
    store.run(
        store.invoker.invoke(alice, ACCOUNTS_CREATE, AccountsCreateRequest(display_name="Acme"))
    )
    assert [(event.kind, event.object) for event in _told(store, alice.org)] == [
        ("account", "ACC-1"),
        ("rev_org", "REV-1"),
    ]
    assert _told(store, charlie.org) == []


def test_a_batch_s_creates_are_each_told_once(store: Engine) -> None:
    alice = store.person()

    async def many() -> list[Any]:
        return [await store.create(alice, title=f"Call {n}") for n in range(20)]

    made = store.run(many())
    told = _told(store, alice.org)
    assert [event.object for event in told] == [one["display_id"] for one in made]
    assert [event.seq for event in told] == sorted({event.seq for event in told})
