"""Artifacts' bytes: one narrow interface, so that to the rest a folder and an object store are
the same.
"""

import secrets
from collections.abc import AsyncGenerator, AsyncIterator
from typing import NamedTuple, Protocol

# How much is read or written at once, in bytes: what a transfer holds in memory is a few of these.
CHUNK = 256 * 1024


class BlobMissing(Exception):
    """There is no blob of this name."""


class Stored(NamedTuple):
    """What was stored: the size in bytes and the SHA-256 in hex."""

    size: int
    sha256: str


class Served(NamedTuple):
    """How a store that answers downloads itself has to serve a blob: its media type and
    `Content-Disposition`.
    """

    media_type: str
    disposition: str


# To be saved, and nothing is known of it.
SAVED = Served("application/octet-stream", "attachment")


class Blobs(Protocol):
    """Where the bytes are. A blob is written once and never changed; its name is `new_name`'s."""

    async def put(
        self, org: str, name: str, chunks: AsyncIterator[bytes], served: Served = SAVED
    ) -> Stored:
        """Store what `chunks` yields. Once this returns it survives a power cut.

        Whatever `chunks` raises is raised here, and leaves nothing behind.

        Raises:
            OSError: the bytes can't be kept.
        """
        ...

    async def open(self, org: str, name: str, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        """The bytes from `start` up to `stop`, in chunks; close the generator when it is left
        early.

        Raises:
            BlobMissing: there is none of this name.
        """
        ...

    async def delete(self, org: str, name: str) -> None:
        """Remove a blob; one that is not there is no error."""
        ...

    async def sizes(self, org: str) -> dict[str, int]:
        """Every blob of an org, with its size in bytes.

        Raises:
            OSError: they can't be listed.
        """
        ...

    async def tidy(self, org: str) -> None:
        """Remove what an org without blobs leaves behind, such as empty folders."""
        ...

    async def sweep(self, *, older_than: float = 0.0) -> None:
        """Remove what broken-off writes of an earlier process left, and nothing has touched for so
        many seconds.

        Without them, nothing may be written meanwhile.
        """
        ...

    async def url(self, org: str, name: str, seconds: int) -> str | None:
        """A URL that answers the blob without us for so long; None where all downloads go through
        us.

        Raises:
            OSError: it can't be signed now.
        """
        ...


def new_name() -> str:
    """A name that no other blob has, and that tells nothing of what is in it."""
    return secrets.token_hex(16)
