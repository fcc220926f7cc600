"""A proxy that leads one public name to a server here, and refuses every other."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from socketserver import BaseRequestHandler, ThreadingTCPServer

# The address that devrev-mcp has in its code; tests lead it to a server here, and nothing ever goes
# there.
FIXED = "api.devrev.ai"


class _Proxy(ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, name: str, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Tunnel)
        self.name = name
        self.target = port


class _Tunnel(BaseRequestHandler):
    server: _Proxy

    def handle(self) -> None:
        client: socket.socket = self.request
        with client.makefile("rb") as reader:
            asked = reader.readline().decode()
            while reader.readline().strip():
                pass
        if asked.split()[:2] != ["CONNECT", f"{self.server.name}:443"]:
            client.sendall(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")
            return
        with socket.create_connection(("127.0.0.1", self.server.target)) as target:
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_pump, args=(target, client), daemon=True)
            back.start()
            _pump(client, target)
            back.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def leading(name: str, port: int) -> Iterator[dict[str, str]]:
    """Run the proxy; the variables that make a client use it for everything.

    Args:
        name: the public name, whose port 443 is led to
        port: of a server on this machine.
    """
    with _Proxy(name, port) as proxy:
        thread = threading.Thread(target=proxy.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{proxy.server_address[1]}"
        yield {"HTTPS_PROXY": url, "HTTP_PROXY": url, "ALL_PROXY": url}
        proxy.shutdown()
        thread.join()
