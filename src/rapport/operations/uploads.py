"""An artifact's bytes: taking a version's, and finding them again. What was answered is on disk."""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import NamedTuple

from rapport.blobs import Blobs, Served, new_name, sniff
from rapport.blobs.headers import disposition, safe_type
from rapport.blobs.signed_urls import VersionPlace
from rapport.clock import DAY, Clock
from rapport.contract.kit.errors import Forbidden, ServiceUnavailable
from rapport.operations import artifacts
from rapport.store import artifact_cleaning
from rapport.store import artifacts as store
from rapport.store.artifacts import Uploaded, VersionKey, VersionRow
from rapport.store.kit.db import LostRace, Store, Tx, alone, look

# Its bytes are already on disk: what is left to do may take its time.
_FINISH_SECONDS = 30.0
# When a blob that an upload began, and nothing came of, may be removed; no upload may last that
# long.
_DUE = DAY
# How long a URL lives that our own answer just sent the client to.
_DIRECT_SECONDS = 60


class File(NamedTuple):
    """A version's bytes, and the name that its artifact was prepared with."""

    name: str
    version: VersionRow


class Uploads:
    """Takes and finds the bytes of versions. Who may do so is said by the signed link, which
    was checked before.
    """

    def __init__(self, engine: Store, blobs: Blobs, clock: Clock) -> None:
        self._store = engine
        self._blobs = blobs
        self._clock = clock

    async def take(self, place: VersionPlace, part_type: str, chunks: AsyncIterator[bytes]) -> None:
        """Store a version's bytes, once.

        Args:
            place: the version.
            part_type: the media type that came with the bytes, or an empty string.
            chunks: the bytes.

        Raises:
            Forbidden: the version has its bytes, or is gone.
            ServiceUnavailable: the bytes or the store can't be written.
            Exception: whatever `chunks` raises; nothing was stored then, and the link still counts.
        """
        key, blob = VersionKey(*place), new_name()
        name, declared = await alone(self._store, lambda tx: _begin(tx, key, blob, self._clock()))
        try:
            head, whole = await _peek(chunks)
            sniffed = sniff.sniff(head)
            media_type = declared or _usable(part_type) or sniffed
            served = Served(safe_type(media_type), disposition(name))
            stored = await self._blobs.put(place.org, blob, whole, served)
            uploaded = Uploaded(blob, media_type, sniffed, *stored)
            await alone(
                self._store,
                lambda tx: artifacts.finish_upload(tx, key, uploaded, self._clock()),
                seconds=_FINISH_SECONDS,
            )
        except LostRace:
            await self._drop(place.org, blob)
            raise _spent() from None
        except ServiceUnavailable:
            # Whether it was written is not known. If it was not, the blob is due by itself.
            raise
        except Exception as error:
            await self._drop(place.org, blob)
            if isinstance(error, OSError):
                raise ServiceUnavailable(
                    "The file can't be kept now.", detail="Upload it again later."
                ) from error
            raise

    async def find(self, place: VersionPlace) -> File | None:
        """A version's file, or None when it was deleted."""

        async def work(tx: Tx) -> File | None:
            version = await store.version(tx, VersionKey(*place))
            return (
                None
                if version is None
                else File(await store.file_name(tx, place.org, place.artifact), version)
            )

        return await look(self._store, work)

    async def open(self, file: File, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        """The file's bytes from `start` up to `stop`.

        Raises:
            BlobMissing: they were deleted meanwhile.
            ServiceUnavailable: the store of the bytes is away.
        """
        try:
            return await self._blobs.open(file.version.org, file.version.blob, start, stop)
        except OSError as error:
            raise _away() from error

    async def url(self, file: File) -> str | None:
        """Where the file's bytes are without us, for a minute; None where they are not.

        Raises:
            ServiceUnavailable: the store of the bytes is away.
        """
        try:
            return await self._blobs.url(file.version.org, file.version.blob, _DIRECT_SECONDS)
        except OSError as error:
            raise _away() from error

    async def _drop(self, org: str, blob: str) -> None:
        """Let the cleaner remove a blob that came to nothing, or what there is of it."""
        try:
            await alone(
                self._store, lambda tx: artifact_cleaning.loosen(tx, org, blob, self._clock())
            )
        except ServiceUnavailable:
            return  # It is due by itself, only later.


async def _begin(tx: Tx, key: VersionKey, blob: str, now: int) -> tuple[str, str | None]:
    """Note the upload; the artifact's name and declared type.

    Raises:
        Forbidden: the version has its bytes, or is gone.
    """
    if not await store.begin_upload(tx, key, blob, now + _DUE):
        raise _spent()
    name = await store.file_name(tx, key.org, key.artifact)
    return name, await store.declared_type(tx, key.org, key.artifact)


def _away() -> ServiceUnavailable:
    return ServiceUnavailable("The file can't be read now.", detail="Ask for it again later.")


def _spent() -> Forbidden:
    return Forbidden(
        "This URL was used, or its artifact was removed.",
        detail="Ask artifacts.prepare or artifacts.versions.prepare for another one.",
    )


def _usable(part_type: str) -> str | None:
    """A part's type, where it says anything."""
    return (
        part_type if sniff.is_media_type(part_type) and part_type.lower() != sniff.UNKNOWN else None
    )


async def _peek(chunks: AsyncIterator[bytes]) -> tuple[bytes, AsyncIterator[bytes]]:
    """The first bytes, and all of them."""
    head = b""
    while len(head) < sniff.HEAD and (chunk := await anext(chunks, None)) is not None:
        head += chunk

    async def whole() -> AsyncIterator[bytes]:
        yield head
        async for chunk in chunks:
            yield chunk

    return head[: sniff.HEAD], whole()
