"""Telling a service manager how a server is, where one wants to know: systemd's `sd_notify`."""

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import AsyncIterator, Iterator


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


@contextlib.asynccontextmanager
async def watched() -> AsyncIterator[None]:
    """Say again and again that the loop turns, as long as the block lasts, where the manager wants
    that of this process: it ends one that is silent.
    """
    seconds = _watchdog_seconds()
    if seconds is None:
        yield
        return
    beating = asyncio.create_task(_beat(seconds / 3))
    try:
        yield
    finally:
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)


async def _beat(every: float) -> None:
    while True:
        _tell("WATCHDOG=1")
        await asyncio.sleep(every)


def _watchdog_seconds() -> float | None:
    """How long this process may be silent; None for ever."""
    text = os.environ.get("WATCHDOG_USEC", "")
    if not text.isdecimal() or int(text) == 0:
        return None
    is_ours = os.environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    return int(text) / 1_000_000 if is_ours else None


def _tell(state: str) -> None:
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    # "@" stands for the NUL with which an abstract address begins.
    address = f"\0{address[1:]}" if address.startswith("@") else address
    # A manager that is gone is no reason to stop serving.
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.sendto(state.encode(), address)
