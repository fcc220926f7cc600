"""A line between processes through Redis or Valkey."""

import asyncio
import contextlib

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from rapport.store.kit.db import Dial, Hear, Lost

_CHANNEL = "rapport:commits"
_PATIENCE = 2.0
# How long to wait for a word before waiting again; the client would else take its own time-out.
_LISTEN_SECONDS = 60.0


class RedisLine:
    """Two connections: one hears, one speaks. Neither is mended: a broken line is lost."""

    def __init__(self, redis: Redis, subscription: PubSub, hear: Hear, lost: Lost) -> None:
        self._redis = redis
        self._subscription = subscription
        self._listening = asyncio.create_task(self._listen(hear, lost))

    async def _listen(self, hear: Hear, lost: Lost) -> None:
        try:
            while True:
                message = await self._subscription.get_message(
                    ignore_subscribe_messages=True, timeout=_LISTEN_SECONDS
                )
                if message is not None:
                    hear(message["data"].decode())
        except Exception as error:  # noqa: BLE001  # whatever it is, nothing more is heard
            lost(str(error) or type(error).__name__)

    async def send(self, text: str) -> None:
        """Say something."""
        await self._redis.publish(_CHANNEL, text)

    async def close(self) -> None:
        """Let go of both connections."""
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)
        await _close(self._redis, self._subscription)


async def _close(redis: Redis, subscription: PubSub) -> None:
    with contextlib.suppress(Exception):
        async with asyncio.timeout(1):
            await subscription.aclose()  # type: ignore[no-untyped-call]
            await redis.aclose()


def dial(url: str) -> Dial:
    """What opens a line through this Redis.

    Args:
        url: `redis://`, `rediss://` or `unix://`.
    """

    async def open_line(hear: Hear, lost: Lost) -> RedisLine:
        redis = Redis.from_url(
            url,
            socket_timeout=_PATIENCE,
            socket_connect_timeout=_PATIENCE,
            retry=Retry(NoBackoff(), 0),
        )
        subscription = redis.pubsub()
        try:
            await subscription.subscribe(_CHANNEL)
        except BaseException:
            await _close(redis, subscription)
            raise
        return RedisLine(redis, subscription, hear, lost)

    return open_line
