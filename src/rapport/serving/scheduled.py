"""Backups that a server makes of itself: by a process of their own, which leaves the server its
core.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import msgspec

from rapport.clock import Clock
from rapport.jobs.back_up import BackupFailed, Backups
from rapport.logs import get_logger
from rapport.settings import Settings
from rapport.store.kit.db import Store

# Behind whatever a server has to do at once.
_NICE = 10
# How long a backup may take to stop, in seconds.
_STOP_SECONDS = 5.0
_KEEPS = ("--keep-days", "--keep-weeks", "--keep-months")
_log = get_logger("rapport.backup")


@contextlib.asynccontextmanager
async def backups(store: Store, clock: Clock, settings: Settings) -> AsyncIterator[None]:
    """Back the store up from time to time while the block runs, where the settings want it."""
    if not settings.backup_to:
        yield
        return
    work = Backups(store, clock, settings.backup_every, partial(_back_up, settings))
    working = asyncio.create_task(work.run())
    try:
        yield
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


async def _back_up(settings: Settings) -> None:
    """Make a backup, and remove those that need not stay.

    Raises:
        BackupFailed: it can't be done.
    """
    options = [
        f"{option}={count}"
        for option, count in zip(_KEEPS, settings.backup_keep or (), strict=False)
        if count
    ]
    options += [f"--encrypt-to={recipient}" for recipient in settings.backup_encrypt_to]
    if settings.backup_passphrase_file is not None:
        options.append(f"--passphrase-file={settings.backup_passphrase_file}")
    made = await _command(settings, "make", settings.backup_to, *options)
    _log.info("backed_up", **{name: made[name] for name in ("name", "rows", "written_bytes")})
    if lost := made["damaged_files"]:
        _log.error("backed_up_without_lost_files", files=lost)


async def _command(settings: Settings, *arguments: str) -> dict[str, Any]:
    """Run `rapport backup`; what it answers.

    Raises:
        BackupFailed: it can't do it.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "rapport", "backup", *arguments, "--json"),
        env={**os.environ, **_environment(settings)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, process.pid, _NICE)
        out, told = await process.communicate()
    finally:
        await _end(process)
    return _answer(out, told, process.returncode)


def _answer(out: bytes, told: bytes, code: int | None) -> dict[str, Any]:
    # A backup that lacks what the store itself has lost is told, and is one.
    with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
        return msgspec.json.decode(out, type=dict[str, Any])
    lines = told.decode(errors="replace").splitlines()
    raise BackupFailed(lines[-1].removeprefix("rapport: ") if lines else f"it ended with {code}")


async def _end(process: asyncio.subprocess.Process) -> None:
    """Stop a command that nobody waits for any more."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()


def _environment(settings: Settings) -> dict[str, str]:
    """What names the same store to another process: a password is no argument, which others see."""
    return {
        "RAPPORT_DATA": str(settings.data),
        "RAPPORT_DATABASE_URL": settings.database_url,
        "RAPPORT_DATABASE_POOLER": settings.database_pooler,
        "RAPPORT_ARTIFACT_STORE": settings.artifact_store,
    }
