"""A reverse proxy that asks each server's `/readyz` and gives requests in turn to those that
are ready. It tries nothing twice.
"""

import contextlib
import http.client
import itertools
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_ASK_SECONDS = 0.1


class _Target:
    """A server. `life` changes when it stops being ready, and connections of another life are
    not used again.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.life = 0
        self.is_ready = False

    def ask(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/readyz")
            ready = connection.getresponse().status == 200
        except OSError:
            ready = False
        finally:
            connection.close()
        if self.is_ready and not ready:
            self.life += 1
        self.is_ready = ready


class RoundRobin(ThreadingHTTPServer):
    """The proxy, on a free port of the loopback."""

    daemon_threads = True

    def __init__(self, ports: Sequence[int]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.targets = [_Target(port) for port in ports]
        self.url = f"http://127.0.0.1:{self.server_port}"
        self._turn = itertools.count()
        self._over = threading.Event()

    def ready(self) -> list[bool]:
        """Which servers get requests."""
        return [target.is_ready for target in self.targets]

    def choose(self) -> _Target | None:
        """The server whose turn it is."""
        ready = [target for target in self.targets if target.is_ready]
        return ready[next(self._turn) % len(ready)] if ready else None

    def ask(self) -> None:
        """Ask every server whether it is ready, until `over`."""
        while not self._over.wait(_ASK_SECONDS):
            for target in self.targets:
                target.ask()

    def over(self) -> None:
        """Stop asking."""
        self._over.set()


class _Handler(BaseHTTPRequestHandler):
    """A client's connection, with a connection of its own to each server."""

    server: RoundRobin
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self._open: dict[tuple[int, int], http.client.HTTPConnection] = {}

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        target = self.server.choose()
        if target is None:
            self._answer(503, {}, b"no server is ready")
            return
        key = (target.port, target.life)
        connection = self._open.setdefault(
            key, http.client.HTTPConnection("127.0.0.1", target.port, timeout=20)
        )
        passed = {
            name: value
            for name, value in self.headers.items()
            if name.lower() not in {"host", "connection"}
        }
        try:
            connection.request(self.command, self.path, body, passed)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            self._answer(502, {}, f"{target.port} was ready: {error!r}".encode())
            return
        self._answer(answer.status, dict(answer.getheaders()), content)

    def do_GET(self) -> None:  # the standard library's name
        self._pass_on()

    def do_POST(self) -> None:  # the same
        self._pass_on()

    def _answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in {"connection", "content-length", "transfer-encoding"}:
                self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def finish(self) -> None:
        for connection in self._open.values():
            connection.close()
        super().finish()


@contextlib.contextmanager
def round_robin(ports: Sequence[int]) -> Iterator[RoundRobin]:
    """Run the proxy for as long as a block lasts."""
    with RoundRobin(ports) as proxy:
        threads = [threading.Thread(target=work) for work in (proxy.serve_forever, proxy.ask)]
        for thread in threads:
            thread.start()
        try:
            yield proxy
        finally:
            proxy.over()
            proxy.shutdown()
            for thread in threads:
                thread.join()
