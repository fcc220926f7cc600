"""Clients that send a byte now and then don't hold a connection for longer than the limits,
made short here.
"""

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from rapport.http import bodies
from rapport.serving import installation, protocol, running
from rapport.serving.listener import bind
from rapport.settings import load
from tests.support.wire import Wire

SECONDS = 0.4


class InProcess:
    """A server in this process, with limits that a test can wait for."""

    def __init__(self, data: Path) -> None:
        self.port = 0
        self.token = ""
        self._data = data
        self._server: uvicorn.Server | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self._thread.start()
        assert self._ready.wait(20)

    async def _run(self) -> None:
        settings = load({"data": self._data}, {}, self._data.parent)
        async with installation.open_data(settings) as opened:
            made = await opened.admin.orgs_create(name="Alice's", email="alice@example.com")
            self.token = made["token"]
            listener = bind("127.0.0.1", 0)
            state = protocol.State()
            self.port = listener.getsockname()[1]
            config = uvicorn.Config(
                running._application(opened, settings, None, state),
                http=protocol.RapportProtocol,
                ws="none",
                lifespan="off",
                log_config=None,
            )
            self._server = uvicorn.Server(config)
            self._server.server_state = state
            self._ready.set()
            await self._server.serve(sockets=[listener])

    def stop(self) -> None:
        assert self._server is not None
        self._server.should_exit = True
        self._thread.join(20)
        assert not self._thread.is_alive()


@pytest.fixture
def impatient(data: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InProcess]:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", SECONDS)
    monkeypatch.setattr(bodies, "BODY_SECONDS", SECONDS)
    server = InProcess(data)
    yield server
    server.stop()


def _head(server: InProcess, length: int) -> bytes:
    lines = [
        "POST /engagements.count HTTP/1.1",
        "host: test",
        f"authorization: {server.token}",
        f"content-length: {length}",
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def test_a_head_that_never_ends_is_refused_and_the_connection_closed(impatient: InProcess) -> None:
    with Wire(impatient.port) as wire:
        began = time.monotonic()
        wire.send(b"POST /engagements.count HTTP/1.1\r\nhost: te")
        status, headers, body = wire.answer()
        assert (status, body["type"]) == (400, "bad_request")
        assert headers["connection"] == "close"
        wire.closed_within(1)
        assert SECONDS * 0.9 < time.monotonic() - began < SECONDS + 2


def test_a_head_that_drips_is_refused_as_well(impatient: InProcess) -> None:
    with Wire(impatient.port) as wire:
        began = time.monotonic()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for byte in _head(impatient, 2):
                wire.send(bytes([byte]))
                time.sleep(0.05)
                if time.monotonic() - began > SECONDS + 2:
                    pytest.fail("a head that drips is waited for")


def test_a_connection_that_says_nothing_is_closed(impatient: InProcess) -> None:
    with Wire(impatient.port) as wire:
        assert wire.closed_within(SECONDS + 2) > SECONDS * 0.8


def test_a_body_that_never_ends_is_refused_and_the_connection_closed(impatient: InProcess) -> None:
    with Wire(impatient.port) as wire:
        began = time.monotonic()
        wire.send(_head(impatient, 100) + b'{"type": [')
        status, headers, body = wire.answer()
        assert (status, body["type"]) == (400, "bad_request")
        assert headers["connection"] == "close"
        wire.closed_within(1)
        assert SECONDS * 0.9 < time.monotonic() - began < SECONDS + 2


def test_a_connection_that_rests_between_requests_is_not_slow(impatient: InProcess) -> None:
    with Wire(impatient.port) as wire:
        for _ in range(2):
            wire.send(_head(impatient, 2) + b"{}")
            assert wire.answer()[::2] == (200, {"count": 0})
            time.sleep(SECONDS * 1.5)


def test_a_body_in_pieces_within_the_limit_is_taken(impatient: InProcess) -> None:
    with Wire(impatient.port) as wire:
        wire.send(_head(impatient, 12))
        for piece in (b'{"type"', b":[", b"]}", b" "):
            time.sleep(SECONDS / 10)
            wire.send(piece)
        assert wire.answer()[::2] == (200, {"count": 0})
