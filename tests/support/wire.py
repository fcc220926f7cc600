"""A connection on which a test sends bytes when it likes."""

import json
import socket
import time
from types import TracebackType
from typing import Any, Self

from tests.support.server import Client, Server


def request(client: Client, method: str, body: Any, **headers: str) -> bytes:
    """A whole POST; header names may have underscores for hyphens."""
    content = json.dumps(body).encode()
    named = {
        "host": "test",
        "authorization": f"Bearer {client.token}",
        "content-length": str(len(content)),
        **headers,
    }
    lines = [f"{name.replace('_', '-')}: {value}\r\n" for name, value in named.items()]
    return f"POST /{method} HTTP/1.1\r\n{''.join(lines)}\r\n".encode() + content


def talk(server: Server, *sent: bytes, half_close: bool = False) -> bytes:
    """Everything that the server answers until it closes, or is silent for a second amid it."""
    answer = b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=40) as line:
        for part in sent:
            line.sendall(part)
        if half_close:
            line.shutdown(socket.SHUT_WR)
        try:
            while part := line.recv(65_536):
                answer += part
                line.settimeout(1)
        except TimeoutError:
            pass
    return answer


class Wire:
    """A TCP connection to a server."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=40)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        """Send some bytes."""
        self._socket.sendall(data)

    def until(self, end: bytes) -> bytes:
        """Read until some bytes have come; all that did.

        Raises:
            ConnectionError: the server closed before.
        """
        read = b""
        while end not in read:
            part = self._socket.recv(65_536)
            if not part:
                raise ConnectionError(f"closed after {read!r}")
            read += part
        return read

    def answer(self) -> tuple[int, dict[str, str], Any]:
        """Read one answer: status, headers, JSON."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = self._socket.recv(1)
            if not byte:
                raise ConnectionError(f"closed after {head!r}")
            head += byte
        status, *lines = head.decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines if line)
        }
        body = b""
        while len(body) < int(headers["content-length"]):
            body += self._socket.recv(int(headers["content-length"]) - len(body))
        return int(status.split()[1]), headers, json.loads(body)

    def closed_within(self, seconds: float) -> float:
        """Wait until the server closes; after how many seconds it did.

        Raises:
            TimeoutError: it did not.
        """
        began = time.monotonic()
        self._socket.settimeout(seconds)
        try:
            while self._socket.recv(65_536):
                pass
        except ConnectionResetError:
            pass
        return time.monotonic() - began
