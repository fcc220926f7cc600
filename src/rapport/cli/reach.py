"""How `rapport export` and `rapport import` reach a Rapport: by its URL, or where its store is."""

import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from rapport.cli.ask import fail
from rapport.control import client
from rapport.folder import SOCKET, CannotStart
from rapport.setting_rules import read_path
from rapport.settings import Settings

if TYPE_CHECKING:
    from rapport.contract.kit.fields import Json
    from rapport.serving.installation import Opened
    from rapport.transfer.asking import Asker, Taker
    from rapport.transfer.records import File

Url = Annotated[
    str | None,
    typer.Option(envvar="RAPPORT_URL", metavar="URL", help="A server to reach over HTTP."),
]
Token = Annotated[
    str | None,
    typer.Option(
        envvar="RAPPORT_TOKEN", metavar="TOKEN", help="The token for it, or RAPPORT_TOKEN_FILE."
    ),
]
User = Annotated[
    str | None,
    typer.Option(metavar="USER", help="Without a URL: act as this user, else the first admin."),
]


class As(NamedTuple):
    """In whose name a store is used that no token opens."""

    user: str | None
    org: str | None


def token_of(token: str | None) -> str:
    """The token, or the one in the file that RAPPORT_TOKEN_FILE names."""
    if token:
        return token
    name = os.environ.get("RAPPORT_TOKEN_FILE")
    if name is None:
        fail("a server at a URL wants a token: give --token, RAPPORT_TOKEN or RAPPORT_TOKEN_FILE")
    try:
        return read_path(name).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        fail(f"RAPPORT_TOKEN_FILE: {name} can't be read as a token")


@contextlib.asynccontextmanager
async def of_one_moment(settings: Settings, who: As) -> "AsyncIterator[Asker]":
    """A store as it is now, served or not, and as it stays for whoever asks here.

    Raises:
        CannotStart: there is none, or it can't be read.
    """
    from rapport.clock import system_clock
    from rapport.operations import families
    from rapport.operations.admin import AdminError, acting
    from rapport.operations.kit.context import Context
    from rapport.store.kit import copy
    from rapport.store.kit.db import CannotOpen, EngineFailed
    from rapport.transfer.snapshot import Snapshot
    from rapport.upkeep import places

    families.load()
    try:
        async with places.reading(settings) as bulk:
            await copy.check(bulk)
            await bulk.keep_blobs()
            async with bulk.transaction():
                caller = await acting(bulk.tx, who.user, who.org)
                yield Snapshot(Context(caller, system_clock(), bulk.tx), places.blobs_of(settings))
    except (AdminError, CannotOpen, copy.CannotCopy, EngineFailed) as error:
        raise CannotStart(str(error)) from None


class OverSocket:
    """Asks the server that listens in a data folder; see `Taker`."""

    def __init__(self, path: Path, who: As) -> None:
        self._path = path
        self._who = {name: value for name, value in who._asdict().items() if value is not None}

    async def ask(self, method: str, request: "Json") -> bytes:
        """Do a method; see `Asker.ask`."""
        import asyncio

        import msgspec

        body = msgspec.json.encode(request).decode()
        return await asyncio.to_thread(self._ask, method, body)

    def _ask(self, method: str, body: str) -> bytes:
        from rapport.transfer.asking import Refused, Unreachable

        arguments = {"method": method, "body": body, **self._who}
        try:
            answer = client.ask(self._path, "call", arguments)
        except CannotStart as error:
            raise Unreachable(str(error)) from None
        if answer is None:
            raise Unreachable("the server is gone")
        if "body" not in answer:
            raise CannotStart(answer["error"])
        told: bytes = answer["body"].encode()
        if answer["status"] == 503:  # noqa: PLR2004  # it has no time now
            raise Unreachable(answer["error"])
        if answer["status"] >= 400:  # noqa: PLR2004  # where refusals begin
            raise Refused(answer["status"], told)
        return told

    async def upload(self, file: "File") -> str:
        """Send a file over HTTP, to where the server says; see `Taker.upload`."""
        import asyncio
        from typing import Any

        import msgspec

        from rapport.transfer import uploading

        asked = {"file_name": file.name, **({"file_type": file.type} if file.type else {})}
        prepared: Any = msgspec.json.decode(await self.ask("artifacts.prepare", asked))
        await asyncio.to_thread(uploading.send, prepared, file)
        return str(prepared["id"])


@contextlib.asynccontextmanager
async def to_write(settings: Settings, who: As) -> "AsyncIterator[Taker]":
    """A store to write to: through the running server, or by itself.

    Raises:
        CannotStart: there is none, or it is not clear whose.
    """
    from rapport.folder import has_store
    from rapport.serving import installation

    socket = settings.data / SOCKET
    if not settings.database_url and client.ask(socket, "orgs list", {}) is not None:
        yield OverSocket(socket, who)
        return
    if not settings.database_url and not has_store(settings.data):
        raise CannotStart(f"there is no store in {settings.data}: run rapport init")
    async with (
        installation.open_data(settings) as opened,
        installation.telling(opened, settings),
    ):
        yield await in_store(opened, who)


async def in_store(opened: "Opened", who: As) -> "Taker":
    """An open store, in somebody's name.

    Raises:
        CannotStart: it is not clear in whose.
    """
    from rapport.operations.admin import AdminError
    from rapport.operations.uploads import Uploads
    from rapport.transfer.in_store import InStore

    try:
        caller = await opened.admin.caller(user=who.user, org=who.org)
    except AdminError as error:
        raise CannotStart(str(error)) from None
    return InStore(opened.invoker, Uploads(opened.store, opened.blobs, opened.clock), caller)
