"""A receiver of webhooks in a process of its own, whose every path is a receiver that does what its
plan says.

Run as a program it serves; `Receiver` starts it, tells it what to do and asks it what came.
"""

import contextlib
import json
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from collections import defaultdict
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, Self

import httpx


class Received(NamedTuple):
    """One request that came: `at` in seconds since 1970."""

    body: Any
    raw: str
    headers: dict[str, str]
    at: float


class Receiver:
    """The process, from outside."""

    def __init__(self, tls: tuple[str, str] | None = None) -> None:
        command = [sys.executable, __file__, *(tls or ())]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        assert said, f"the receiver ended with {self._process.wait()}"
        self.port = int(said)
        scheme = "https" if tls else "http"
        self._http = httpx.Client(
            base_url=f"{scheme}://127.0.0.1:{self.port}", timeout=20, trust_env=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._http.close()

    def url(self, path: str) -> str:
        """Where a path is."""
        return f"http://127.0.0.1:{self.port}/{path}"

    def plan(self, path: str, *modes: str, verify: str = "ok") -> None:
        """What a path does with events, one after the other, the last for ever; and with
        challenges.
        """
        self._http.put(f"/{path}", json={"modes": list(modes), "verify": verify}).raise_for_status()

    def got(self, path: str, *, challenges: bool = False) -> list[Received]:
        """What came to a path, in the order in which it came."""
        found = [Received(*one) for one in self._http.get(f"/{path}").json()]
        return [one for one in found if challenges == (one.body["type"] == "verify")]

    def wait(
        self, path: str, count: int, *, seconds: float = 15, challenges: bool = False
    ) -> list[Received]:
        """The same, once it is so much."""
        until = time.monotonic() + seconds
        while len(found := self.got(path, challenges=challenges)) < count:
            assert time.monotonic() < until, [one.body["type"] for one in found]
            time.sleep(0.02)
        return found


class _Path:
    def __init__(self) -> None:
        self.modes = ["ok"]
        self.verify = "ok"
        self.got: list[tuple[Any, str, dict[str, str], float]] = []


_PATHS: dict[str, _Path] = defaultdict(_Path)
_LOCK = threading.Lock()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_PUT(self) -> None:
        plan = json.loads(self._body())
        with _LOCK:
            _PATHS[self.path].modes, _PATHS[self.path].verify = (
                plan["modes"] or ["ok"],
                plan["verify"],
            )
        self._answer(200, {})

    def do_GET(self) -> None:
        with _LOCK:
            got = list(_PATHS[self.path].got)
        self._answer(200, got)

    def do_POST(self) -> None:
        at, raw = time.time(), self._body()
        body = json.loads(raw)
        headers = {name.lower(): value for name, value in self.headers.items()}
        with _LOCK:
            path = _PATHS[self.path]
            path.got.append((body, raw.decode(), headers, at))
            if body["type"] == "verify":
                mode = path.verify
            else:
                mode = path.modes[0] if len(path.modes) == 1 else path.modes.pop(0)
        getattr(self, f"_{mode}", lambda _: self._answer(int(mode), {}))(body)

    def _ok(self, body: Any) -> None:
        self._answer(
            200, {"challenge": body["challenge"]} if body["type"] == "verify" else {"thanks": True}
        )

    def _echo(self, body: Any) -> None:
        # Of an answer only the beginning is kept, and titles stand at the end.
        self._answer(200, json.dumps(body)[-900:])

    def _wrong(self, _: Any) -> None:
        self._answer(200, {"challenge": "something else"})

    def _bom(self, body: Any) -> None:
        self._answer_bytes(
            200, b"\xef\xbb\xbf" + json.dumps({"challenge": body["challenge"]}).encode()
        )

    def _large(self, body: Any) -> None:
        self._answer(200, {"about": "x" * 40_000, "challenge": body["challenge"]})

    def _binary(self, _: Any) -> None:
        self._answer_bytes(200, b'"\xff"')

    def _deep(self, _: Any) -> None:
        self._answer_bytes(200, b"[" * 60_000)

    def _later(self, _: Any) -> None:
        self._answer(429, {}, **{"Retry-After": "2"})

    def _dated(self, _: Any) -> None:
        self._answer(503, {}, **{"retry-after": formatdate(time.time() + 3, usegmt=True)})

    def _hang(self, _: Any) -> None:
        time.sleep(60)

    def _picky(self, body: Any) -> None:
        self._answer(500 if body[body["type"]]["engagement"]["title"] == "bad" else 200, {})

    def _slow(self, body: Any) -> None:
        time.sleep(0.2)
        self._ok(body)

    def _reset(self, _: Any) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def _redirect(self, _: Any) -> None:
        self._answer(307, {}, location="/stolen")

    def _garbage(self, _: Any) -> None:
        self.wfile.write(b"220 this is another protocol\r\n")
        self.close_connection = True

    def _drip(self, _: Any) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        with contextlib.suppress(OSError):
            for _ in range(100):
                self.wfile.write(b"x")
                time.sleep(0.05)
        self.close_connection = True

    def _endless(self, _: Any) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        with contextlib.suppress(OSError):
            while True:
                self.wfile.write(b"y" * 65_536)
        self.close_connection = True

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("content-length") or 0))

    def _answer(self, status: int, body: Any, **headers: str) -> None:
        self._answer_bytes(status, json.dumps(body).encode(), **headers)

    def _answer_bytes(self, status: int, content: bytes, **headers: str) -> None:
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.wfile.write(
            f"HTTP/1.1 {status} X\r\ncontent-length: {len(content)}\r\n{head}\r\n".encode()
            + content
        )

    def log_message(self, *_: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    request_queue_size = 512
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # the sender went away, as some tests want it to


if __name__ == "__main__":
    serving = _Server(("127.0.0.1", 0), _Handler)
    if sys.argv[1:]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[1], sys.argv[2])
        serving.socket = context.wrap_socket(serving.socket, server_side=True)
    print(serving.server_port, flush=True)  # noqa: T201  # to whoever started it
    serving.serve_forever()
