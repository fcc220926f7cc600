"""Change events: one row per change of an object, in the transaction of the change.

Timeline, feed and webhooks only read these rows, so that whatever was answered is also told.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec

from rapport.contract import ids
from rapport.contract.fields import Json, Raw, Response
from rapport.store import events as store
from rapport.store.db import Tx
from rapport.store.events import EventRow

# Texts up to this many bytes stand in the audit trail as they are (SPEC 5).
_LONGEST_DELTA = 4096
# What an update always changes, and nobody asks about.
_STAMPS = frozenset({"modified_by", "modified_date"})
_encode = msgspec.json.encode


def kind_of(display_id: str) -> str:
    """The kind of an object as events name it."""
    kind = ids.kind_of(display_id)
    return "work" if kind is ids.OPPORTUNITY else kind.name


def created(org: str, actor: str, now: int, answer: Raw | Response) -> EventRow:
    """An object was made.

    Args:
        org: where.
        actor: the display id of the user who did it.
        now: microseconds since 1970.
        answer: the object as the method answers it.
    """
    document = _encode(answer)
    return _row(org, actor, now, "created", _fields(document)["display_id"], document=document)


def updated(org: str, actor: str, now: int, before: Raw | Response, after: Raw | Response) -> EventRow | None:
    """An object was changed; None when it was not."""
    document = _encode(after)
    old, new = _fields(_encode(before)), _fields(document)
    changed = {name: old.get(name) for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)}
    deltas = {name: [_short(old), _short(new.get(name))] for name, old in changed.items() if name not in _STAMPS}
    if not deltas:
        return None
    return _row(org, actor, now, "updated", new["display_id"], document=document, before=changed, deltas=deltas)


def deleted(org: str, actor: str, now: int, answer: Raw | Response) -> EventRow:
    """An object was deleted. `answer` is how it was before."""
    old = _fields(_encode(answer))
    document = _encode({"display_id": old["display_id"], "id": old["id"]})
    return _row(org, actor, now, "deleted", old["display_id"], document=document, before=old)


def _row(
    org: str, actor: str, now: int, action: str, display_id: str, *,
    document: bytes, before: Json | None = None, deltas: Json | None = None,
) -> EventRow:  # fmt: skip
    return EventRow(
        org=org, seq=0, kind=kind_of(display_id), action=action, object=display_id, actor=actor, date=now,
        document=document.decode(), before=_json(before), deltas=_json(deltas),
    )  # fmt: skip


def _json(value: Json | None) -> str | None:
    return None if value is None else _encode(value).decode()


def _fields(document: bytes) -> Json:
    fields: Json = msgspec.json.decode(document)
    return fields


def _short(value: Any) -> Any:
    """A value as the audit trail shows it: long ones as hash and length in bytes of their JSON or text."""
    text = value.encode() if isinstance(value, str) else _encode(value)
    if len(text) <= _LONGEST_DELTA:
        return value
    return {"sha256": hashlib.sha256(text).hexdigest(), "length": len(text)}


async def record(tx: Tx, events: Sequence[EventRow | None]) -> None:
    """Write what happened; changes that were none are None."""
    rows = [event for event in events if event is not None]
    if rows:
        await store.append(tx, rows)
