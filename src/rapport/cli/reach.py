"""How `rapport export` and `rapport import` reach a Rapport: by its URL, or where its store is."""

import contextlib
import os
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from rapport.cli.ask import fail
from rapport.setting_rules import read_path
from rapport.settings import Settings

if TYPE_CHECKING:
    from rapport.transfer.asking import Asker

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
    from rapport.folder import CannotStart
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
