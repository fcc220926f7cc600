"""The load: a process of its own on the second core, which runs one plan after another.

Measured before it was chosen: it spends 20 microseconds of a core on a request and its answer, so
that one core asks for three times what this program's no-op answer gives; each result says how busy
it was. `wrk` is faster still, but it is no package of every machine, can't tell one request's
answer from another's, and doesn't read a feed.
"""

import asyncio
import itertools
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

import uvloop

from bench.server import LOAD_CORE, ROOT, on_core

# In a body this stands for a number that no other request of the run has.
NUMBER = "000000000000"
_NUMBERED = re.compile(rb"bench-([0-9]{12})")
_GIVE_UP = 30.0
# So many readers of the feed come at once.
_COMING = 50
_PERCENTILES = {"p50": 0.5, "p99": 0.99, "p999": 0.999}
_KEPT = 2_000


@dataclass(frozen=True)
class Stream:
    """Requests that some connections send one after another, each when the one before is answered.

    Args:
        connections: how many.
        calls: (path, body) in the order in which they are sent; without a body it is a GET.
        name: of it in the result.
        a_second: send so many in all, whatever the answers take; 0 sends the next one at once.
        url: of another server than the plan's.
    """

    connections: int
    calls: Sequence[tuple[str, str]]
    name: str = "load"
    a_second: float = 0.0
    url: str = ""


@dataclass(frozen=True)
class Plan:
    """What to do for how many seconds, with so many readers of the feed beside it."""

    url: str
    token: str
    seconds: float
    streams: Sequence[Stream]
    readers: int = 0
    feed: str = ""


@dataclass
class Result:
    """What a stream saw. Times are in milliseconds."""

    count: int = 0
    errors: int = 0
    rate: float = 0.0
    p50: float = 0.0
    p99: float = 0.0
    p999: float = 0.0
    busy: float = 0.0
    said: str = ""


class Load:
    """The process that makes the load, on the second core if it is pinned."""

    def __init__(self, *, pinned: bool = True) -> None:
        where = on_core(LOAD_CORE) if pinned else []
        self._process = subprocess.Popen(
            [*where, sys.executable, "-m", "bench.load"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def run(self, plan: Plan) -> dict[str, Result]:
        """Run a plan; a result for each stream, and `feed` for the readers."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asdict(plan)) + "\n")
        self._process.stdin.flush()
        said = self._process.stdout.readline()
        if not said:
            raise SystemExit("the load ended")
        return {name: Result(**result) for name, result in json.loads(said).items()}


# From here on: the process itself.


@dataclass
class _Running:
    """A stream under way."""

    stream: Stream
    requests: Iterator[bytes]
    began: float
    until: float
    sent: dict[bytes, float] | None
    result: Result = field(default_factory=Result)
    times: list[float] = field(default_factory=list)
    last: float = 0.0
    open: int = 0

    def summary(self, busy: float) -> dict[str, Any]:
        self.result.rate = (self.result.count - self.result.errors) / max(
            self.last - self.began, 1e-9
        )
        self.result.busy = busy
        return _summed(self.result, self.times)


def _summed(result: Result, times: list[float]) -> dict[str, Any]:
    times.sort()
    for name, share in _PERCENTILES.items():
        setattr(
            result,
            name,
            times[min(len(times) - 1, int(len(times) * share))] * 1000 if times else 0.0,
        )
    return asdict(result)


class _Connection(asyncio.Protocol):
    """Sends a request, reads its answer, and so on until the time is up."""

    def __init__(self, running: _Running) -> None:
        self._running = running
        self._began = 0.0
        self._left = 0
        self._head = b""
        self._status = b""
        self._body = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self._running.open += 1
        if not self._running.stream.a_second:
            self.send()

    def connection_lost(self, _: Exception | None) -> None:
        self._running.open -= 1
        if self._began:
            self._count(b"the connection was closed", failed=True)

    @property
    def is_free(self) -> bool:
        return not self._began

    def send(self) -> None:
        request = next(self._running.requests)
        self._began = time.perf_counter()
        if self._running.sent is not None and (number := _NUMBERED.search(request)):
            self._running.sent[number[1]] = self._began
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        if not self._left:
            self._head += data
            head, end, data = self._head.partition(b"\r\n\r\n")
            if not end:
                return
            self._status = head[9:12]
            _, _, length = head.lower().partition(b"content-length: ")
            self._left, self._head = int(length.partition(b"\r")[0]), b""
            self._body = data[:_KEPT]
        self._left -= len(data)
        if self._left <= 0:
            self._count(self._body, failed=self._status[:1] != b"2")
            self._next()

    def _count(self, said: bytes, *, failed: bool) -> None:
        running = self._running
        now = running.last = time.perf_counter()
        running.result.count += 1
        running.times.append(now - self._began)
        self._began = 0.0
        if failed:
            running.result.errors += 1
            running.result.said = running.result.said or said.decode(errors="replace")

    def _next(self) -> None:
        if self._running.last >= self._running.until:
            self.transport.close()
        elif not self._running.stream.a_second:
            self.send()


class _Reader(asyncio.Protocol):
    """Reads the feed, and notes how long after its create each event came."""

    def __init__(self, request: bytes, sent: dict[bytes, float], times: list[float]) -> None:
        self._request = request
        self._sent = sent
        self._times = times
        self._rest = b""
        self.is_reading = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if not self.is_reading.done():
            self.is_reading.set_result(data.startswith(b"HTTP/1.1 200"))
        data = self._rest + data
        now = time.perf_counter()
        found = None
        for found in _NUMBERED.finditer(data):
            if (began := self._sent.get(found[1])) is not None:
                self._times.append(now - began)
        # A number may come in two pieces; one that was counted must not be counted again.
        self._rest = data[max(found.end() if found else 0, len(data) - 17) :]


async def _ran(plan: Plan) -> dict[str, Any]:
    sent: dict[bytes, float] = {}
    heard: list[float] = []
    readers: list[_Reader] = []
    for first in range(0, plan.readers, _COMING):
        count = min(_COMING, plan.readers - first)
        readers += await asyncio.gather(*(_reader(plan, sent, heard) for _ in range(count)))
    began, spent = time.perf_counter(), time.process_time()
    streams = [
        _Running(
            stream, _requests(plan, stream), began, began + plan.seconds, sent if readers else None
        )
        for stream in plan.streams
    ]
    await asyncio.gather(
        *(_stream(running, *_place(running.stream.url or plan.url)) for running in streams)
    )
    await _heard(heard, len(sent) * len(readers))
    busy = (time.process_time() - spent) / (time.perf_counter() - began)
    for reader in readers:
        reader.transport.close()
    results = {running.stream.name: running.summary(busy) for running in streams}
    if readers:
        rate = len(heard) / (time.perf_counter() - began)
        results["feed"] = _summed(Result(count=len(heard), rate=rate, busy=busy), heard)
    return results


async def _reader(plan: Plan, sent: dict[bytes, float], heard: list[float]) -> _Reader:
    """A reader that reads; one that a busy server refuses comes again.

    Raises:
        SystemExit: it is refused again and again.
    """
    request, until = _request(plan, plan.feed, ""), time.perf_counter() + _GIVE_UP
    while time.perf_counter() < until:
        _, reader = await asyncio.get_running_loop().create_connection(
            lambda: _Reader(request, sent, heard), *_place(plan.url)
        )
        if await reader.is_reading:
            return reader
        reader.transport.close()
        await asyncio.sleep(0.1)
    raise SystemExit("the feed is refused")


async def _heard(heard: list[float], wanted: int) -> None:
    """Wait until readers have heard of everything, or not for a long time."""
    until = time.perf_counter() + _GIVE_UP / 3
    while len(heard) < wanted and time.perf_counter() < until:  # noqa: ASYNC110  # which is cheaper than an event each
        await asyncio.sleep(0.01)


async def _stream(running: _Running, host: str, port: int) -> None:
    loop = asyncio.get_running_loop()
    opened = [
        (await loop.create_connection(lambda: _Connection(running), host, port))[1]
        for _ in range(running.stream.connections)
    ]
    if running.stream.a_second:
        await _paced(running, opened)
    while running.open and time.perf_counter() < running.until + _GIVE_UP:  # noqa: ASYNC110  # the same
        await asyncio.sleep(0.002)
    for connection in opened:
        connection.transport.abort()


async def _paced(running: _Running, opened: Sequence[_Connection]) -> None:
    """Send at a steady rate, each time on the connection that has rested longest; then let all
    of them go.
    """
    for connection in itertools.cycle(opened):
        await asyncio.sleep(1 / running.stream.a_second)
        if time.perf_counter() >= running.until:
            break
        if connection.is_free:
            connection.send()
    for connection in opened:
        if connection.is_free:
            connection.transport.close()


def _requests(plan: Plan, stream: Stream) -> Iterator[bytes]:
    """The stream's requests again and again, each numbered anew where it has a number."""
    raw = [_request(plan, path, body) for path, body in stream.calls]
    number = NUMBER.encode()
    # Numbers of another run of this store must not come again.
    first = time.time_ns() // 1_000_000 % 10**9 * 1_000
    for place, request in enumerate(itertools.cycle(raw), first):
        yield request.replace(number, b"%012d" % place) if number in request else request


def _request(plan: Plan, path: str, body: str) -> bytes:
    host = urlsplit(plan.url).netloc
    head = f"Host: {host}\r\nAuthorization: Bearer {plan.token}\r\nAccept: application/json, text/event-stream\r\n"
    if not body:
        return f"GET {path} HTTP/1.1\r\n{head}\r\n".encode()
    content = body.encode()
    head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + content


def _place(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 80


def _plan(line: str) -> Plan:
    said = json.loads(line)
    return Plan(**{**said, "streams": [Stream(**stream) for stream in said["streams"]]})


def main() -> None:
    """Run the plans that come, one a line."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for line in sys.stdin:
            print(json.dumps(runner.run(_ran(_plan(line)))), flush=True)


if __name__ == "__main__":
    main()
