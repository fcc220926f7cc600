"""What is told of an event, to feed readers and webhooks alike."""

from typing import Any

import msgspec

from rapport.events import log as events
from rapport.store.events import EventRow


def _told(event: EventRow | None) -> Any:
    assert event is not None
    return msgspec.json.decode(msgspec.json.encode(events.body(event._replace(seq=7))))


OLD: dict[str, Any] = {"type": "opportunity", "display_id": "OPP-1", "id": "don:core:dvrv-us-1:devo/O:opportunity/1", "title": "A",
                       "body": "x", "modified_date": "2023-01-01T00:00:00.000Z"}  # fmt: skip
NEW = {**OLD, "title": "B", "priority": "p1", "modified_date": "2023-01-02T00:00:00.000Z"}
del NEW["body"]


def _raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def test_a_creation_tells_the_object() -> None:
    told = _told(events.created("O", "DEVU-1", 1_700_000_000_000_000, _raw(OLD)))
    assert told == {
        "id": "don:core:dvrv-us-1:devo/O:event/7",
        "timestamp": "2023-11-14T22:13:20.000Z",
        "type": "work_created",
        "work_created": {"work": OLD},
    }


def test_an_update_tells_the_object_and_all_of_what_it_was() -> None:
    told = _told(events.updated("O", "DEVU-1", 0, _raw(OLD), _raw(NEW)))
    assert told["work_updated"] == {"work": NEW, "old_work": OLD}


def test_a_deletion_tells_the_ids_and_what_it_was() -> None:
    told = _told(events.deleted("O", "DEVU-1", 0, _raw(OLD)))
    assert told["work_deleted"] == {
        "work": {"display_id": OLD["display_id"], "id": OLD["id"]},
        "old_work": OLD,
    }


def test_what_retention_took_is_left_out() -> None:
    event = events.created("O", "DEVU-1", 0, _raw(OLD))
    assert _told(event._replace(document=None))["work_created"] == {}
