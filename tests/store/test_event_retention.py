"""Retention: events that are too old leave the feed, and timelines keep what they show."""

import json
from pathlib import Path
from typing import Any

import pytest

from rapport.blobs.local import LocalBlobs
from rapport.clock import DAY
from rapport.contract.artifacts import PREPARE, ArtifactsPrepareRequest
from rapport.contract.engagements import UPDATE, EngagementsUpdateRequest
from rapport.contract.events import LIST, EventsListRequest
from rapport.contract.kit.errors import ValueNotPermitted
from rapport.contract.kit.ids import EngagementId, TimelineObjectId
from rapport.contract.tags import CREATE as TAGS_CREATE
from rapport.contract.tags import TagsCreateRequest
from rapport.contract.timeline_entries import LIST as TIMELINE
from rapport.contract.timeline_entries import TimelineEntriesListRequest
from rapport.jobs.clean import Cleaner
from tests.support.engine import Engine


@pytest.fixture
def cleaner(store: Engine, tmp_path: Path) -> Cleaner:
    days = 90
    return Cleaner(
        store.store,
        LocalBlobs(tmp_path / "b"),
        lambda: store.now,
        orphan_seconds=1,
        event_seconds=days * 86_400,
    )


def _feed(store: Engine, caller: Any, **request: Any) -> Any:
    return json.loads(
        store.run(store.invoker.invoke(caller, LIST, EventsListRequest(**request))).body
    )


def _change(store: Engine, caller: Any, id_: str, title: str) -> None:
    request = EngagementsUpdateRequest(id=EngagementId.parse(id_), title=title)
    store.run(store.invoker.invoke(caller, UPDATE, request))


def test_what_is_too_old_leaves_the_feed_and_stays_in_timelines(
    store: Engine, cleaner: Cleaner
) -> None:
    alice, charlie = store.person(), store.person("Charlie")
    made = store.run(store.create(alice, title="First"))
    store.run(store.invoker.invoke(alice, TAGS_CREATE, TagsCreateRequest(name="t")))
    _change(store, alice, made["display_id"], "Second")
    old = _feed(store, alice)["end"]
    store.now += 10 * DAY
    _change(store, alice, made["display_id"], "Third")
    store.now += 80 * DAY - 1
    assert store.run(cleaner.forget_events()) == 0
    store.now += 1
    assert store.run(cleaner.forget_events()) == old + 1
    assert store.run(cleaner.forget_events()) == 0
    left = _feed(store, alice)
    assert [event["engagement_updated"]["engagement"]["title"] for event in left["events"]] == [
        "Third"
    ]
    assert left == _feed(store, alice, after=old)
    with pytest.raises(ValueNotPermitted) as refused:
        _feed(store, alice, after=old - 1)
    assert refused.value.fields["reason"] == f"must be at least {old}"
    assert "walk the lists" in refused.value.detail
    request = TimelineEntriesListRequest(object=TimelineObjectId.parse(made["display_id"]))
    entries = json.loads(store.run(store.invoker.invoke(alice, TIMELINE, request)).body)[
        "timeline_entries"
    ]
    told = [entry["event"] for entry in reversed(entries)]
    assert [event["type"] for event in told] == ["created", "updated", "updated"]
    (delta,) = told[1]["updated"]["field_deltas"]
    assert (delta["old_value"]["value"], delta["new_value"]["value"]) == ("First", "Second")
    kept = store.all(
        "SELECT kind, document, before FROM events WHERE org = :org AND seq <= :seq",
        org=alice.org,
        seq=old,
    )
    assert kept == [("engagement", None, None)] * 2
    # Charlie's only event was old too: the feed is empty, and goes on from where it was.
    assert _feed(store, charlie) == {"events": [], "last": 1, "end": 1}


def test_an_old_feed_is_cleaned_in_small_bites(store: Engine, cleaner: Cleaner) -> None:
    alice = store.person()

    async def many() -> None:
        for number in range(250):
            await store.create(alice, title=str(number))

    store.run(many())
    store.now += 90 * DAY
    assert store.run(cleaner.forget_events()) == 251
    end = _feed(store, alice)["end"]
    assert _feed(store, alice) == {"events": [], "last": end, "end": end}
    store.run(store.create(alice, title="new"))
    assert [event["sequence"] for event in _feed(store, alice, after=end)["events"]] == [end + 1]


def test_an_orphan_that_the_cleaner_removes_is_told_in_the_system_s_name(
    store: Engine, cleaner: Cleaner
) -> None:
    alice, charlie = store.person(), store.person("Charlie")
    for caller in (alice, charlie):
        store.run(store.invoker.invoke(caller, PREPARE, ArtifactsPrepareRequest(file_name="a.txt")))
    store.now += DAY
    assert store.run(cleaner.remove_orphans()) == 2
    for caller in (alice, charlie):
        gone = _feed(store, caller)["events"][-1]
        assert gone["type"] == "artifact_deleted"
        assert gone["actor"].endswith("sysu/1")
        assert gone["artifact_deleted"]["old_artifact"]["file"]["name"] == "a.txt"
        assert caller.org in gone["id"]
