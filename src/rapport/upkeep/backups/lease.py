"""One command at a time in a bucket, which knows no locks: an object that is made only where there
is none, and says until when it counts.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import msgspec

from rapport.folder import CannotStart

if TYPE_CHECKING:
    from rapport.blobs.objects import ObjectBlobs

NAME = "lease"
# How long a command that is no longer heard of counts, and how often one is heard of, in seconds.
# Clocks of machines that share a bucket may differ by less than the first.
_LASTS = 600.0
_HEARTBEAT = 60.0


class _Lease(msgspec.Struct):
    """Until when somebody has the bucket, in seconds since 1970."""

    until: float


@contextlib.asynccontextmanager
async def leased(blobs: "ObjectBlobs", place: str) -> AsyncIterator[None]:
    """Have the bucket alone.

    Raises:
        CannotStart: another command works in it, or it can't be used.
    """
    try:
        await _take(blobs, place)
    except OSError as error:
        raise CannotStart(f"{place} can't be used: {error}") from None
    beating = asyncio.create_task(_beat(blobs))
    try:
        yield
    finally:
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)
        # It runs out by itself where the bucket is away.
        with contextlib.suppress(OSError):
            await blobs.drop(NAME)


async def _take(blobs: "ObjectBlobs", place: str) -> None:
    if await blobs.create(NAME, _text()):
        return
    until = _until(await blobs.fetch(NAME))
    if until > time.time():
        seconds = round(until - time.time())
        raise CannotStart(
            f"another command works in {place}, or was broken off: then try again in {seconds} "
            "seconds"
        )
    await blobs.drop(NAME)
    if not await blobs.create(NAME, _text()):
        raise CannotStart(f"another command works in {place}")


async def _beat(blobs: "ObjectBlobs") -> None:
    while True:
        await asyncio.sleep(_HEARTBEAT)
        with contextlib.suppress(OSError):
            await blobs.write(NAME, _text())


def _text() -> bytes:
    return msgspec.json.encode(_Lease(time.time() + _LASTS))


def _until(text: bytes | None) -> float:
    with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
        return msgspec.json.decode(text or b"", type=_Lease).until
    return 0.0
