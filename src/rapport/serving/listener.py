"""The sockets that a server takes connections from."""

import contextlib
import errno
import os
import socket
import sys
import time

from rapport.folder import CannotStart
from rapport.settings import Settings

# Where systemd puts the first socket that it hands over.
_FIRST_DESCRIPTOR = 3
_BACKLOG = 2048
_AGAIN_SECONDS = 0.05


def taken(settings: Settings) -> socket.socket:
    """The socket that was handed over, else one of our own on the port of the settings.

    Raises:
        CannotStart: neither can be had.
    """
    return inherited() or bind(settings.host, settings.port)


def inherited() -> socket.socket | None:
    """The listening socket that whoever started this process holds, and goes on holding: systemd's
    socket activation, by LISTEN_PID and LISTEN_FDS. Connections wait in it between two servers.

    Raises:
        CannotStart: what was handed over is not one socket that listens on a port.
    """
    count = os.environ.get("LISTEN_FDS", "")
    if os.environ.get("LISTEN_PID") != str(os.getpid()) or not count.isdecimal() or count == "0":
        return None
    if count != "1":
        raise CannotStart(f"LISTEN_FDS is {count}, but one socket can be served: hand over one")
    try:
        found = socket.socket(fileno=_FIRST_DESCRIPTOR)
        listens = found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError as error:
        raise CannotStart(f"the socket of LISTEN_FDS can't be used: {error.strerror}") from None
    if not listens or found.family not in {socket.AF_INET, socket.AF_INET6}:
        raise CannotStart("the socket of LISTEN_FDS can't be used: it listens on no port")
    found.set_inheritable(False)
    return found


def bind(host: str, port: int, *, patience: float = 0.0) -> socket.socket:
    """Take the port.

    Args:
        host: the address.
        port: 0 takes a free one.
        patience: how many seconds to wait for a port that is taken.

    Raises:
        CannotStart: it is taken, or not ours to take.
    """
    until = time.monotonic() + patience
    while True:
        try:
            return _bind(host, port)
        except (OSError, UnicodeError) as error:
            if getattr(error, "errno", None) != errno.EADDRINUSE or time.monotonic() >= until:
                raise CannotStart(_refused(host, port, error)) from None
        time.sleep(_AGAIN_SECONDS)


def _refused(host: str, port: int, error: OSError | UnicodeError) -> str:
    """Why there is no listening, and which setting would change that."""
    if isinstance(error, OSError) and error.errno in {errno.EADDRINUSE, errno.EACCES}:
        way = "choose another port with --port or RAPPORT_PORT"
    else:
        way = "choose another address with --host or RAPPORT_HOST"
    why = error.strerror if isinstance(error, OSError) else "that is no host's name"
    return f"{_place(host, port)} can't be listened on: {why}; {way}"


def _place(host: str, port: int) -> str:
    return f"{f'[{host}]' if ':' in host else host}:{port}"


def _bind(host: str, port: int) -> socket.socket:
    family, _, _, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        # Two may bind a port that nobody listens on yet; only one of them may listen.
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    listener.set_inheritable(False)
    return listener


def divided(listener: socket.socket, count: int) -> list[socket.socket]:
    """Sockets on the port of this one, itself included, among which the system shares out the
    connections.

    Where it does not do that, there are fewer, or this one alone.
    """
    if sys.platform != "linux":
        return [listener]
    # Only now, so that nobody else could have taken the same port.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    found = [listener]
    with contextlib.suppress(OSError):
        while len(found) < count:
            found.append(_beside(listener))
    return found


def _beside(listener: socket.socket) -> socket.socket:
    another = socket.socket(listener.family, socket.SOCK_STREAM)
    try:
        for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
            another.setsockopt(socket.SOL_SOCKET, option, 1)
        another.bind(listener.getsockname())
        another.listen(_BACKLOG)
    except OSError:
        another.close()
        raise
    return another


def url(settings: Settings, host: str, port: int) -> str:
    """What clients on this machine call a server that listens there."""
    scheme = "https" if settings.tls == "dev" or settings.tls_cert else "http"
    return f"{scheme}://{_place(host, port)}"
