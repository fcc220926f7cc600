"""Change events: one row per change of an object, in the transaction of the change.

Timeline, feed and webhooks only read these rows, so that whatever was answered is also told.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec

from rapport.clock import format_rfc3339
from rapport.contract.kit import ids, verbatim
from rapport.contract.kit.fields import Json, Raw, Response
from rapport.store import events as store
from rapport.store import indexing
from rapport.store.events import EVENT, EventRow
from rapport.store.indexed import NAMED
from rapport.store.indexing import Change
from rapport.store.kit.db import Tx

# Texts up to this many bytes stand in the audit trail as they are (behaviour: The timeline).
_LONGEST_DELTA = 4096
# What no change is about: an update always changes them, or a user whose name stands in its own
# created_by.
_STAMPS = frozenset({"created_by", "modified_by", "modified_date"})
# What objects are called in event types, where it is not what they are called in an event.
_OBJECTS = {"timeline_entry": "entry"}
# What a change of means that an object may be called otherwise.
_NAMES = frozenset({"display_name", "full_name", "name", "state", "title"})
# After these nothing is left of an object.
_FOR_GOOD = frozenset({"erased", "purged"})
_encode = msgspec.json.encode


def kind_of(display_id: str) -> str:
    """The kind of an object as events name it."""
    kind = ids.kind_of(display_id)
    return _KINDS.get(kind, kind.name)


_KINDS = {ids.OPPORTUNITY: "work", ids.COMMENT: "timeline_entry"}


def created(
    org: str,
    actor: str,
    now: int,
    answer: Raw | Response,
    display_id: str = "",
    *,
    imported: bool = False,
) -> EventRow:
    """An object was made.

    Args:
        org: where.
        actor: the display id of the user who did it.
        now: microseconds since 1970.
        answer: the object as the method answers it.
        display_id: of the object, where the caller has it at hand.
        imported: it has a history from elsewhere: its dates are older than the event.
    """
    document = bytes(answer) if isinstance(answer, Raw) else _encode(answer)
    fields = {"display_id": display_id} if display_id else _fields(document)
    event = _row(org, actor, now, "created", fields, document=document)
    return event._replace(imported=1) if imported else event


def updated(
    org: str, actor: str, now: int, before: Raw | Response, after: Raw | Response
) -> EventRow | None:
    """An object was changed; None when it was not."""
    document = _encode(after)
    old, new = _fields(_encode(before)), _fields(document)
    changed = {
        name: old.get(name)
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    }
    deltas = {
        name: [_short(old), _short(new.get(name))]
        for name, old in changed.items()
        if name not in _STAMPS
    }
    if not changed:
        return None
    return _row(org, actor, now, "updated", new, document=document, before=changed, deltas=deltas)


def restored(
    org: str, actor: str, now: int, before: Raw | Response, after: Raw | Response
) -> EventRow | None:
    """A deleted object lives again: a change from how it was while it was deleted."""
    event = updated(org, actor, now, before, after)
    return event and event._replace(action="restored")


def deleted(org: str, actor: str, now: int, answer: Raw | Response) -> EventRow:
    """An object was deleted. `answer` is how it was before."""
    old = _fields(_encode(answer))
    document = _encode({"display_id": old["display_id"], "id": old["id"]})
    return _row(org, actor, now, "deleted", old, document=document, before=old)


def gone(org: str, actor: str, now: int, action: str, display_id: str) -> EventRow:
    """An object is gone for good. Nothing is told of it but that."""
    fields = {"display_id": display_id, "id": ids.don_of(display_id, org)}
    return _row(org, actor, now, action, fields, document=_encode(fields))


def erased(org: str, actor: str, now: int, display_id: str, reason: str) -> EventRow:
    """A person was erased: who asked for it and why, and nothing of what they were."""
    fields = {"display_id": display_id, "id": ids.don_of(display_id, org)}
    document = _encode({**fields, "reason": reason})
    return _row(org, actor, now, "erased", fields, document=document)._replace(kind="user")


def body(event: EventRow) -> Json:
    """What is told of it: `{type, id, timestamp, <type>: {<object>, old_<object>?}}`. Feed and
    webhooks add to it.

    `old_<object>` is the whole object as it was before an update or a deletion. What retention took
    is left out.
    """
    type_, name = f"{event.kind}_{event.action}", _OBJECTS.get(event.kind, event.kind)
    told: Json = {}
    if event.document is not None:
        told[name] = Raw(event.document.encode())
        if event.before is not None:
            told[f"old_{name}"] = _old(event)
    return {
        "type": type_,
        "id": ids.don(EVENT, event.org, event.seq),
        "timestamp": format_rfc3339(event.date),
        **({"imported": True} if event.imported else {}),
        type_: told,
    }


def _old(event: EventRow) -> Json:
    before = _fields((event.before or "").encode())
    if event.action != "deleted":
        before = {**_fields((event.document or "").encode()), **before}
    return {name: value for name, value in before.items() if value is not None}


def _row(
    org: str,
    actor: str,
    now: int,
    action: str,
    fields: Json,
    *,
    document: bytes,
    before: Json | None = None,
    deltas: Json | None = None,
) -> EventRow:
    return EventRow(
        org=org,
        seq=0,
        kind=kind_of(fields["display_id"]),
        action=action,
        object=_path(fields),
        actor=actor,
        date=now,
        document=document.decode(),
        before=_json(before),
        deltas=_json(deltas),
    )


def _path(fields: Json) -> str:
    """The display id of an object, behind that of the object that it is on."""
    own: str = fields["display_id"]
    return f"{fields['object_display_id']}:{own}" if "object_display_id" in fields else own


def _json(value: Json | None) -> str | None:
    return None if value is None else _encode(value).decode()


def _fields(document: bytes) -> Json:
    fields: Json = verbatim.read(document)
    return fields


def _short(value: Any) -> Any:
    """A value as the audit trail shows it: long ones as hash and length in bytes of their JSON
    or text.
    """
    text = value.encode() if isinstance(value, str) else _encode(value)
    if len(text) <= _LONGEST_DELTA:
        return value
    return {"sha256": hashlib.sha256(text).hexdigest(), "length": len(text)}


async def record(tx: Tx, events: Sequence[EventRow | None]) -> None:
    """Write what happened; changes that were none are None."""
    rows = [event for event in events if event is not None]
    if not rows:
        return
    # What is told of is found by its words from then on. Before the events: they hold the org's
    # others until the commit.
    for event in rows:
        if event.action in _FOR_GOOD:
            await indexing.forget(tx, event.org, [event.object])
    await indexing.note(tx, [Change(one.org, one.object, _renames(one)) for one in rows])
    await store.append(tx, rows)


def _renames(event: EventRow) -> bool:
    """Whether an object may have another name than before."""
    if event.action == "created" or ids.kind_of(event.object.rpartition(":")[2]) not in NAMED:
        return False
    return event.deltas is None or not _NAMES.isdisjoint(msgspec.json.decode(event.deltas))
