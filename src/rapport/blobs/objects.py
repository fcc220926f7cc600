"""Blobs as objects of S3, Google Cloud Storage or Azure: `<prefix>/<org>/<first two
characters>/<name>`.

Credentials, region and endpoint come from the variables that each cloud's own tools read (AWS_*,
GOOGLE_*, AZURE_*). Parts of an upload that a killed process left are the bucket's to drop: a
lifecycle rule for incomplete uploads.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import AzureStore, GCSStore, S3Store, from_url

from rapport.blobs import CHUNK, SAVED, BlobMissing, Served, Stored
from rapport.logs import get_logger

# What a part of a multipart upload holds, in bytes; S3 takes none smaller. An upload has at most
# `_AT_ONCE` in memory.
_PART = 5 * 1024 * 1024
_AT_ONCE = 2
# The endpoint's own scheme decides: an operator who names one with http means it.
_CLIENT: Any = {"allow_http": True, "connect_timeout": "2s", "timeout": "60s", "http1_only": True}
_RETRY: Any = {"max_retries": 3, "retry_timeout": timedelta(seconds=10)}
_log = get_logger("rapport.blobs")


class CannotUse(Exception):
    """The URL names no object store that can be used; one sentence says why."""


class ObjectBlobs:
    """Blobs in a bucket or container; its methods raise OSError where the store can't do it.

    Args:
        url: `s3://bucket/prefix`, `gs://bucket/prefix` or `az://container/prefix`.
        direct: whether downloads go to the store itself, by URLs that it signed.

    Raises:
        CannotUse: the URL or what the environment says of the store can't be used.
    """

    def __init__(self, url: str, *, direct: bool) -> None:
        try:
            store = from_url(url, client_options=_CLIENT, retry_config=_RETRY)
        except (BaseError, OSError, ValueError) as error:
            raise CannotUse(f"the object store {url} can't be used: {_first_line(error)}") from None
        if not isinstance(store, S3Store | GCSStore | AzureStore):
            raise CannotUse(f"the object store {url} is none of s3, gs and az")
        self._store = store
        self._direct = direct

    async def put(
        self, org: str, name: str, chunks: AsyncIterator[bytes], served: Served = SAVED
    ) -> Stored:
        """Store what `chunks` yields; see `Blobs.put`."""
        read = _Read(chunks)
        attributes: Any = {
            "Content-Type": served.media_type,
            "Content-Disposition": served.disposition,
        }
        head = await read.part()
        with _refusing():
            if len(head) < _PART:
                await obstore.put_async(
                    self._store, _path(org, name), head, attributes=attributes, use_multipart=False
                )
            else:
                await obstore.put_async(
                    self._store,
                    _path(org, name),
                    read.parts(head),
                    attributes=attributes,
                    chunk_size=_PART,
                    max_concurrency=_AT_ONCE,
                )
        return Stored(read.size, read.sha256.hexdigest())

    async def open(self, org: str, name: str, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        """The bytes from `start` up to `stop`; see `Blobs.open`."""
        try:
            with _refusing():
                if start == stop:
                    await obstore.head_async(self._store, _path(org, name))
                    return _nothing()
                found = await obstore.get_async(
                    self._store, _path(org, name), options={"range": (start, stop)}
                )
        except FileNotFoundError:
            raise BlobMissing(f"{org}/{name}") from None
        return _streamed(found)

    async def delete(self, org: str, name: str) -> None:
        """Remove a blob; see `Blobs.delete`."""
        with _refusing(), contextlib.suppress(FileNotFoundError):
            await obstore.delete_async(self._store, _path(org, name))

    async def sizes(self, org: str) -> dict[str, int]:
        """Every blob of an org; see `Blobs.sizes`."""
        with _refusing():
            found = await obstore.list(self._store, org).collect_async()
        return {one["path"].rpartition("/")[2]: one["size"] for one in found}

    async def tidy(self, org: str) -> None:
        """Nothing: there are no folders."""

    async def sweep(self, *, older_than: float = 0.0) -> None:  # noqa: ARG002  # the interface is what it is
        """Nothing is ours to sweep; a store that can't be reached is told to the operator here,
        not at an upload.
        """
        try:
            await obstore.head_async(self._store, "reachable")
        except FileNotFoundError:
            return
        except (BaseError, OSError) as error:
            _log.warning("object_store_unreachable", why=_first_line(error))

    async def url(self, org: str, name: str, seconds: int) -> str | None:
        """A URL of the store itself; see `Blobs.url`."""
        if not self._direct:
            return None
        with _refusing():
            return await obstore.sign_async(
                self._store, "GET", _path(org, name), timedelta(seconds=seconds)
            )

    # What is no blob: an object at the top, for whoever shares the place with others.

    async def tops(self) -> set[str]:
        """What lies at the top: orgs, and objects.

        Raises:
            OSError: it can't be listed.
        """
        with _refusing():
            found = await obstore.list_with_delimiter_async(self._store)
        return {*found["common_prefixes"], *(one["path"] for one in found["objects"])}

    async def create(self, name: str, data: bytes) -> bool:
        """Make an object at the top; False where there is one of this name.

        Raises:
            OSError: it can't be made.
        """
        with _refusing():
            try:
                await obstore.put_async(self._store, name, data, mode="create")
            except AlreadyExistsError:
                return False
        return True

    async def write(self, name: str, data: bytes) -> None:
        """Make an object at the top, or put another in its place.

        Raises:
            OSError: it can't be made.
        """
        with _refusing():
            await obstore.put_async(self._store, name, data)

    async def fetch(self, name: str) -> bytes | None:
        """An object at the top; None where there is none.

        Raises:
            OSError: it can't be read.
        """
        with _refusing():
            try:
                found = await obstore.get_async(self._store, name)
            except FileNotFoundError:
                return None
            return bytes(await found.bytes_async())

    async def drop(self, name: str) -> None:
        """Remove an object at the top; one that is not there is no error.

        Raises:
            OSError: it can't be removed.
        """
        with _refusing(), contextlib.suppress(FileNotFoundError):
            await obstore.delete_async(self._store, name)


class _Read:
    """What an upload brings, in parts of `_PART` bytes but for the last."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = bytearray()
        self.size = 0
        self.sha256 = hashlib.sha256()

    async def part(self) -> bytes:
        """The next part; a shorter one is the last."""
        while len(self._rest) < _PART:
            chunk = await anext(self._chunks, None)
            if chunk is None:
                break
            self.sha256.update(chunk)
            self.size += len(chunk)
            self._rest += chunk
        part = bytes(self._rest[:_PART])
        del self._rest[:_PART]
        return part

    async def parts(self, head: bytes) -> AsyncIterator[bytes]:
        """`head`, and all parts behind it."""
        while head:
            yield head
            head = await self.part()


def _path(org: str, name: str) -> str:
    if not (org.isalnum() and name.isalnum()):
        raise ValueError(f"{org!r}/{name!r} is no blob's name")
    return f"{org}/{name[:2]}/{name}"


async def _streamed(found: "obstore.GetResult") -> AsyncGenerator[bytes, None]:
    with _refusing():
        async for chunk in found.stream(min_chunk_size=CHUNK):
            yield bytes(chunk)


async def _nothing() -> AsyncGenerator[bytes, None]:
    for _ in ():
        yield b""
        await asyncio.sleep(0)


@contextlib.contextmanager
def _refusing() -> Iterator[None]:
    """Make the store's refusals what a disk's are."""
    try:
        yield
    except FileNotFoundError:
        raise
    except BaseError as error:
        raise OSError(f"the object store refuses: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
