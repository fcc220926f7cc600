"""Taking connections: nobody who comes waits for a round of answers to those who are there, nor
for a full table.
"""

import asyncio
import contextlib
import errno
import json
import resource
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import httpx
import pytest
import uvloop

from rapport.serving.accept import Acceptor
from tests.support.postgres import eventually
from tests.support.server import Server


class _Counting(asyncio.Protocol):
    """Counts the connections that are made."""

    made = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        _Counting.made += 1
        transport.close()


def _listener() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0), backlog=128)


def test_all_who_wait_are_taken_in_a_few_turns_of_the_loop() -> None:
    async def turns() -> int:
        own = _listener()
        with contextlib.ExitStack() as stack:
            for _ in range(64):
                stack.enter_context(socket.create_connection(own.getsockname()))
            _Counting.made = taken = 0
            acceptor = Acceptor(own, (), _Counting, None)
            while _Counting.made < 64:
                await asyncio.sleep(0)
                taken += 1
            acceptor.close()
            await acceptor.emptied()
        return taken

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(turns()) < 16


def test_who_was_taken_is_there_before_it_ends_and_nobody_is_after() -> None:
    async def run() -> None:
        own = _listener()
        address = own.getsockname()
        with contextlib.ExitStack() as stack:
            for _ in range(8):
                stack.enter_context(socket.create_connection(address))
            _Counting.made = 0
            acceptor = Acceptor(own, (), _Counting, None)
            for _ in range(100):
                if not acceptor._opening:
                    await asyncio.sleep(0)
            acceptor.close()
            await acceptor.emptied()
            assert _Counting.made == 8
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())


def test_a_full_table_is_met_once_in_a_rest_and_no_timer_outlives_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def run() -> int:
        tries = 0

        class Full(socket.socket):
            def accept(self) -> NoReturn:
                nonlocal tries
                tries += 1
                raise OSError(errno.EMFILE, "Too many open files")

        own, other = (Full(fileno=_listener().detach()) for _ in range(2))
        with contextlib.ExitStack() as stack:
            for listener in (own, other):
                stack.enter_context(socket.create_connection(listener.getsockname()))
            monkeypatch.setattr("rapport.serving.accept._FULL_SECONDS", 0.4)
            acceptor = Acceptor(own, (other,), _Counting, None)
            await asyncio.sleep(0.3)
            met = tries
            acceptor.close()
            await asyncio.sleep(0.3)
        return met

    problems: list[Any] = []
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.get_loop().set_exception_handler(lambda _loop, context: problems.append(context))
        assert runner.run(run()) == 1
    assert problems == []


@pytest.fixture
def crowded(data: Path) -> Iterator[Server]:
    """A server that may open a few files more than it has."""
    server = Server(data)
    fds = Path(f"/proc/{server.process.pid}/fd")
    limit = len(list(fds.iterdir())) + 8
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (limit, limit))
    yield server
    assert server.stop() == 0


@pytest.mark.skipif(sys.platform != "linux", reason="limits another process")
def test_when_no_more_files_can_be_opened_newcomers_wait(
    crowded: Server,
) -> None:
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(httpx.Client(base_url=crowded.url))
        assert first.get("/healthz").status_code == 200
        waiting = [
            stack.enter_context(socket.create_connection(("127.0.0.1", crowded.port)))
            for _ in range(30)
        ]
        eventually(5, lambda: "connections_wait" in crowded.logged())
        used = _cpu_seconds(crowded)
        for _ in range(20):
            assert first.get("/healthz").status_code == 200
            time.sleep(0.05)
        assert _cpu_seconds(crowded) - used < 0.5, "it does not try again all the time"
        for one in waiting:
            one.close()
        assert httpx.get(f"{crowded.url}/healthz", timeout=10).status_code == 200
    said = [json.loads(line) for line in crowded.logged().splitlines()]
    assert {one["why"] for one in said if one["event"] == "connections_wait"} == {
        "Too many open files"
    }


def _cpu_seconds(server: Server) -> float:
    fields = (
        Path(f"/proc/{server.process.pid}/stat")
        .read_text(encoding="utf-8")
        .rpartition(")")[2]
        .split()
    )
    return (int(fields[11]) + int(fields[12])) / 100
