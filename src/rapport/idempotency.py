"""Safe retries (behaviour: Retries): the first answer under an `Idempotency-Key` is kept with
the write and given again.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from rapport.clock import DAY
from rapport.contract.kit.errors import BadRequest
from rapport.contract.kit.fields import Request, wire_value
from rapport.store import idempotency as store
from rapport.store.kit.db import Tx

# How long an answer is kept where no setting says otherwise, in microseconds.
LIFE = DAY
# Kept in place of an answer that holds a secret; no JSON is empty.
SECRET = b""
# Put in place of an answer that shows what was purged.
PURGED = b"-"
_encoder = msgspec.json.Encoder(enc_hook=wire_value, order="sorted")


class RetryKey(NamedTuple):
    """One client's key for one method, with the hash of what it asked."""

    org: str
    user_id: str
    method: str
    key: str
    request_hash: str

    @property
    def row(self) -> store.KeyRow:
        """What makes the key unique."""
        return self[:4]


def derived(key: str, place: int) -> str:
    """The key of the request in one place of a batch that has a key."""
    return "batch:" + hashlib.sha256(f"{place}:{key}".encode()).hexdigest()


def hash_of(request: Request) -> str:
    """The hash of a decoded request: two spellings of the same request are the same."""
    return hashlib.sha256(_encoder.encode(request)).hexdigest()


async def find(
    tx: Tx, keys: Sequence[RetryKey], *, since: int
) -> dict[RetryKey, bytes | BadRequest]:
    """What was answered under these keys, or the refusal of a key that was used for something else.

    Requests of one batch may ask different things under one key: each has its own answer. Until the
    transaction ends, no other gets beyond this point with one of the keys, so a second request
    during the first waits for its answer.
    """
    await tx.hold(["\0".join(key.row) for key in keys])
    kept = await store.find(tx, [key.row for key in keys], since=since)
    found: dict[RetryKey, bytes | BadRequest] = {}
    for key in keys:
        if key.row in kept:
            request_hash, answer = kept[key.row]
            found[key] = _answered(key, request_hash, answer.encode())
    return found


def _answered(key: RetryKey, request_hash: str, answer: bytes) -> bytes | BadRequest:
    if answer == SECRET:
        return BadRequest(
            f"Idempotency-Key: {key.key[:80]!r} was used before, and {key.method} shows its "
            "answer only once.",
            detail="If the answer was lost, delete what was made, and ask again with a new key.",
        )
    if answer == PURGED:
        return BadRequest(
            f"Idempotency-Key: {key.key[:80]!r} was used before, and what it made is purged.",
            detail="Use a new key for a new request.",
        )
    return answer if request_hash == key.request_hash else _used(key)


def _used(key: RetryKey) -> BadRequest:
    return BadRequest(
        f"Idempotency-Key: {key.key[:80]!r} was used for another {key.method} request.",
        detail="Use a new key for a new request; a retry must send the same body.",
    )


async def keep(tx: Tx, answers: Sequence[tuple[RetryKey, bytes]], *, now: int, since: int) -> None:
    """Keep answers in the transaction of their writes; a key from before `since` may be taken
    over.
    """
    rows = [(*key.row, key.request_hash, answer.decode()) for key, answer in answers]
    await store.keep(tx, rows, now=now, since=since)


async def purge(tx: Tx, org: str, dons: Sequence[str]) -> None:
    """Let go of the answers that show objects; their keys stay used."""
    marks = [mark for don in dons for mark in (f'"{don}"', f'"{don}:')]
    await store.purge(tx, org, marks, answer=PURGED.decode())


async def rewrite(tx: Tx, org: str, don: str, made_anew: Callable[[str], str | None]) -> None:
    """Write anew the answers that show an object."""
    rows = await store.showing(tx, org, f'"{don}"')
    await store.rewrite(tx, org, [(*row[:3], made_anew(row[3]) or "") for row in rows])


async def forget(tx: Tx, *, since: int, most: int) -> int:
    """Forget some of the answers from before `since`; how many."""
    return await store.forget(tx, since=since, most=most)
