"""Limits that several processes share through a real Redis, and what happens without it."""

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from rapport.contract.kit.errors import TooManyRequests
from rapport.ratelimit import Limit, Limits, Usage
from rapport.ratelimit.shared import SharedLimiter
from tests.support.redis_server import RedisServer, redis_server
from tests.support.server import FOREVER, Server

ALICE = ("ORG", "DEVU-1")
BOB = ("ORG", "DEVU-2")
NOON = 1_700_000_000.0


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server(tmp_path) as running:
        yield running


class Clock:
    """A time that the test sets."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


async def taken(limits: Limits, caller: tuple[str, str], times: int) -> int:
    """How many of so many requests were let through."""
    let = 0
    for _ in range(times):
        try:
            await limits.take(caller)
        except TooManyRequests:
            continue
        let += 1
    return let


def test_small_limits_are_shared_to_the_last_request(redis: RedisServer) -> None:
    async def run() -> None:
        one, other = (SharedLimiter(Limit(5, 60), redis.url, Clock()) for _ in range(2))
        usages = [await (one, other)[i % 2].take(ALICE) for i in range(5)]
        assert [usage.remaining for usage in usages] == [4, 3, 2, 1, 0]
        assert {usage.limit for usage in usages} == {5}
        assert {usage.reset for usage in usages} == {int(NOON) // 60 * 60 + 60}
        for limiter in (one, other):
            with pytest.raises(TooManyRequests) as refused:
                await limiter.take(ALICE)
            assert refused.value.fields["retry_after"] == int(NOON) // 60 * 60 + 60 - NOON
            assert isinstance(await limiter.take(BOB), Usage)
            await limiter.close()

    asyncio.run(run())


def test_large_limits_go_by_the_block_and_are_never_exceeded(redis: RedisServer) -> None:
    async def run() -> None:
        limiters = [SharedLimiter(Limit(1_000, 60), redis.url, Clock()) for _ in range(4)]
        let = sum(await asyncio.gather(*(taken(limiter, ALICE, 400) for limiter in limiters)))
        assert let == 1_000
        client = Redis.from_url(redis.url)
        calls = (await client.info("commandstats"))["cmdstat_incrby"]["calls"]
        assert calls <= 1_000 / 10 + len(limiters)
        for limiter in limiters:
            await limiter.close()
        await client.aclose()

    asyncio.run(run())


def test_many_at_once_of_one_process_take_no_more_blocks_than_they_need(redis: RedisServer) -> None:
    async def run() -> None:
        limiter = SharedLimiter(Limit(1_000, 60), redis.url, Clock())
        await asyncio.gather(*(limiter.take(ALICE) for _ in range(100)))
        client = Redis.from_url(redis.url)
        assert (await client.info("commandstats"))["cmdstat_incrby"]["calls"] == 10
        await client.aclose()
        await limiter.close()

    asyncio.run(run())


def test_a_new_window_starts_anew_and_old_counts_expire(redis: RedisServer) -> None:
    async def run() -> None:
        clock = Clock()
        limiter = SharedLimiter(Limit(2, 60), redis.url, clock)
        assert await taken(limiter, ALICE, 3) == 2
        clock.now += 60
        assert await taken(limiter, ALICE, 3) == 2
        client = Redis.from_url(redis.url)
        for key in await client.keys("rapport:limit:*"):
            assert 0 < await client.ttl(key) <= 60
        await client.aclose()
        await limiter.close()

    asyncio.run(run())


def test_without_redis_each_process_counts_for_itself_until_it_is_back(
    redis: RedisServer, tmp_path: Path
) -> None:
    async def run() -> None:
        clock = Clock()
        limiter = SharedLimiter(Limit(5, 3600), redis.url, clock)
        assert await taken(limiter, ALICE, 2) == 2
        redis.process.kill()
        redis.process.wait()
        began = time.monotonic()
        assert await taken(limiter, ALICE, 7) == 5
        assert await taken(limiter, BOB, 7) == 5
        assert time.monotonic() - began < 5
        clock.now += 6  # it is tried again, and is still away
        assert await taken(limiter, ("ORG", "DEVU-3"), 2) == 2
        clock.now += 6
        with redis_server(tmp_path, int(redis.url.rpartition(":")[2].partition("/")[0])):
            assert await taken(limiter, ALICE, 7) == 5
            await limiter.close()

    asyncio.run(run())


def test_a_server_counts_in_redis_and_answers_without_it(redis: RedisServer, data: Path) -> None:
    running = Server(data, RAPPORT_RATE_LIMIT=f"5/{FOREVER}", RAPPORT_REDIS_URL=redis.url)
    alice = running.make_org()
    for left in (4, 3, 2):
        assert alice.call("dev-users.self").headers["x-ratelimit-remaining"] == str(left)
    running.restart()  # the count outlives the process
    assert alice.call("dev-users.self").headers["x-ratelimit-remaining"] == "1"
    redis.process.kill()
    redis.process.wait()
    answers = [alice.call("dev-users.self") for _ in range(7)]
    assert [answer.status for answer in answers] == [200] * 5 + [429] * 2
    assert running.stop() == 0
    lines = [json.loads(line) for line in running.logged().splitlines() if line.startswith("{")]
    assert [line["event"] for line in lines].count("limits_per_process") == 1


def test_a_url_of_something_else_stops_the_start(data: Path) -> None:
    with pytest.raises(RuntimeError, match="redis_url"):
        Server(data, RAPPORT_REDIS_URL="http://127.0.0.1")
