"""Asking and writing to a store that is open in this process."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec

from rapport.auth.caller import Caller
from rapport.blobs.signed_urls import VersionPlace
from rapport.contract.kit.errors import ApiError, ServiceUnavailable
from rapport.contract.kit.fields import Json
from rapport.contract.kit.ids import ArtifactId
from rapport.contract.table import METHODS
from rapport.operations.kit.invoke import Invoker
from rapport.operations.uploads import Uploads
from rapport.transfer.asking import Refused, Unreachable
from rapport.transfer.records import File
from rapport.wire.decode import decoder_of
from rapport.wire.errors import render

_CHUNK = 256 * 1024


class InStore:
    """Asks by an invoker; see `Asker` and `Taker`.

    Args:
        invoker: does the methods.
        uploads: takes files.
        caller: who asks.
    """

    def __init__(self, invoker: Invoker, uploads: Uploads, caller: Caller) -> None:
        self._invoker = invoker
        self._uploads = uploads
        self._caller = caller

    async def ask(self, method: str, request: Json) -> bytes:
        """Do a method; see `Asker.ask`."""
        found, body = METHODS[method], msgspec.json.encode(request)
        try:
            asked = decoder_of(found.request).from_body(body)
            return (await self._invoker.invoke(self._caller, found, asked)).body
        except ServiceUnavailable as error:
            raise Unreachable(error.message) from None
        except ApiError as error:
            status, _, told = render(error)
            raise Refused(status, told) from None

    async def upload(self, file: File) -> str:
        """Keep a file; see `Taker.upload`."""
        asked = {"file_name": file.name, **({"file_type": file.type} if file.type else {})}
        prepared: Any = msgspec.json.decode(await self.ask("artifacts.prepare", asked))
        place = VersionPlace(self._caller.org, ArtifactId.parse(prepared["id"]).number, 1)
        await self._uploads.take(place, file.type, _chunks(file))
        return str(prepared["id"])


async def _chunks(file: File) -> AsyncIterator[bytes]:
    with file.open() as opened:
        while chunk := opened.read(_CHUNK):
            yield chunk
