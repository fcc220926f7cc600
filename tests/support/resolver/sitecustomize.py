"""Put on a server's PYTHONPATH: names lead where a test says, and nothing but loopback is ever
reached.

`TEST_RESOLVER` names a file with `{name: [[address, …], …]}`: the answers of one look-up after the
other, the last for ever. Every connection that is asked for is noted in the file `TEST_RESOLVER` +
`.dialled`.
"""

import errno
import json
import os
import socket
import threading
from pathlib import Path
from typing import Any

_FILE = Path(os.environ.get("TEST_RESOLVER", os.devnull))
_LOCK = threading.Lock()
_ASKED: dict[str, int] = {}
_getaddrinfo, _connect = socket.getaddrinfo, socket.socket.connect


def getaddrinfo(host: Any, port: Any, *arguments: Any, **options: Any) -> Any:
    """Answer as the file says; other names, but for this machine's, don't exist."""
    if host in {"127.0.0.1", "localhost", "::1", None}:
        return _getaddrinfo(host, port, *arguments, **options)
    text = _FILE.read_text(encoding="utf-8")
    answers = (json.loads(text) if text else {}).get(host)
    if answers is None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    with _LOCK:
        turn = _ASKED[host] = _ASKED.get(host, -1) + 1
    return [
        (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (one, port, 0, 0))
        if ":" in one
        else (socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port))
        for one in answers[min(turn, len(answers) - 1)]
    ]


def connect(self: socket.socket, address: Any) -> None:
    """Note it, and refuse what is not on this machine."""
    if self.family in {socket.AF_INET, socket.AF_INET6}:
        with _LOCK, Path(f"{_FILE}.dialled").open("a", encoding="utf-8") as file:
            file.write(f"{address[0]}\n")
        if address[0] not in {"127.0.0.1", "::1"}:
            raise OSError(errno.ENETUNREACH, "Network is unreachable")
    _connect(self, address)


socket.getaddrinfo = getaddrinfo
socket.socket.connect = connect  # type: ignore[method-assign,assignment]
