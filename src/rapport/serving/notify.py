"""Telling a service manager how a server is, where one wants to know: systemd's `sd_notify`."""

import contextlib
import os
import socket
import time
from collections.abc import Iterator


def ready() -> None:
    """It serves."""
    _tell("READY=1")


@contextlib.contextmanager
def reload() -> Iterator[None]:
    """It reads anew, as long as the block lasts."""
    _tell(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")
    try:
        yield
    finally:
        ready()


def stopping() -> None:
    """It is about to end."""
    _tell("STOPPING=1")


def _tell(state: str) -> None:
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    # "@" stands for the NUL with which an abstract address begins.
    address = f"\0{address[1:]}" if address.startswith("@") else address
    # A manager that is gone is no reason to stop serving.
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.sendto(state.encode(), address)
