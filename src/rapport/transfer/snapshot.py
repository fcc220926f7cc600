"""Asking a store itself, as it was at one moment."""

from collections.abc import AsyncIterator
from dataclasses import replace

import msgspec

from rapport.blobs import BlobMissing, Blobs
from rapport.contract.kit.errors import ApiError
from rapport.contract.kit.fields import Json, wire_value
from rapport.contract.kit.ids import ArtifactId
from rapport.contract.table import METHODS
from rapport.operations.kit.context import Context
from rapport.operations.kit.perform import perform
from rapport.store import artifacts, links, timeline_entries
from rapport.store.artifacts import VersionKey
from rapport.transfer.asking import Refused, Unreachable
from rapport.wire.decode import decoder_of
from rapport.wire.errors import render

_encode = msgspec.json.Encoder(enc_hook=wire_value).encode
_HOLDERS = {"links": links.sources, "timeline_entries": timeline_entries.objects}


class Snapshot:
    """Asks in a transaction that is open for as long as this is used.

    Args:
        ctx: who asks, and in which transaction.
        blobs: where artifacts' bytes are.
    """

    def __init__(self, ctx: Context, blobs: Blobs) -> None:
        self._ctx = ctx
        self._blobs = blobs

    async def ask(self, method: str, request: Json) -> bytes:
        """Do a method that reads; see `Asker.ask`."""
        asked = METHODS[method]
        try:
            answer = await perform(
                replace(self._ctx), asked, decoder_of(asked.request).from_body(_encode(request))
            )
        except ApiError as error:
            status, _, body = render(error)
            raise Refused(status, body) from None
        return _encode(answer)

    async def bytes_of(self, artifact: str) -> AsyncIterator[bytes]:
        """The bytes of an artifact; see `Asker.bytes_of`."""
        org, number = self._ctx.org, ArtifactId.parse(artifact).number
        row = await artifacts.get(self._ctx.tx, org, number)
        if row is None or row.current_version is None:
            return
        version = await artifacts.version(
            self._ctx.tx, VersionKey(org, number, row.current_version)
        )
        if version is None:
            return
        try:
            chunks = await self._blobs.open(org, version.blob, 0, version.size)
            async for chunk in chunks:
                yield chunk
        except (BlobMissing, OSError) as error:
            raise Unreachable(f"the bytes of {row.file_name!r} can't be read: {error}") from None

    async def holders(self, what: str) -> list[str] | None:
        """What has some; see `Asker.holders`."""
        return await _HOLDERS[what](self._ctx.tx, self._ctx.org)
