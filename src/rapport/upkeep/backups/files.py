"""A backup's files, as they are or encrypted: how they are named, written and read."""

import hashlib
import secrets
from collections.abc import AsyncIterator
from typing import NamedTuple, Protocol

from rapport.upkeep.backups import manifest as manifests
from rapport.upkeep.backups.manifest import (
    FORM,
    SEALED,
    AnyManifest,
    Kept,
    Manifest,
    Part,
    SealedManifest,
)
from rapport.upkeep.backups.sealing import Keys, Seal, Sealed
from rapport.upkeep.backups.target import Damage, Target, checked, once


class Writer(Protocol):
    """Keeps files, and makes a backup of them."""

    async def put(self, data: bytes) -> Kept:
        """Keep bytes."""
        ...

    async def take(self, content: str, chunks: AsyncIterator[bytes]) -> Kept:
        """Keep what `chunks` yields, whose SHA-256 is `content`.

        Raises:
            Damage: it is something else, and was not kept.
        """
        ...

    async def finish(self, manifest: Manifest) -> str:
        """Make a backup of what was kept; its name."""
        ...


class PlainWriter:
    """Files under the SHA-256 of their bytes.

    Args:
        target: where.
        there: what lies there already, with its size in bytes.
    """

    def __init__(self, target: Target, there: dict[str, int]) -> None:
        self._target = target
        self._there = there

    async def put(self, data: bytes) -> Kept:
        """See `Writer.put`."""
        name = hashlib.sha256(data).hexdigest()
        if self._there.get(name) != len(data):
            await self._target.put(name, once(data))
        return Kept(name, len(data))

    async def take(self, content: str, chunks: AsyncIterator[bytes]) -> Kept:
        """See `Writer.take`."""
        written = await self._target.put(content, checked(content, content, chunks))
        return Kept(content, written.size)

    async def finish(self, manifest: Manifest) -> str:
        """See `Writer.finish`."""
        return await self._target.finish(manifest)


class SealedWriter:
    """Encrypted files under names that tell nothing.

    Args:
        target: where.
        seal: whom they are for.
        own: whom the manifest is for as well; None for nobody.
        before: the parts of the backup before, by name.
    """

    def __init__(
        self, target: Target, seal: Seal, own: str | None, before: dict[str, Part]
    ) -> None:
        self._target = target
        self._seal = seal
        self._own = own
        self._parts = dict(before)

    async def put(self, data: bytes) -> Kept:
        """See `Writer.put`."""
        part = await self._write(once(self._seal.close(data)))
        return Kept(part.file, part.bytes, hashlib.sha256(data).hexdigest())

    async def take(self, content: str, chunks: AsyncIterator[bytes]) -> Kept:
        """See `Writer.take`."""
        part = await self._write(self._seal.stream(checked(content, content, chunks)))
        return Kept(part.file, part.bytes, content)

    async def finish(self, manifest: Manifest) -> str:
        """See `Writer.finish`."""
        own = [self._own] if self._own else []
        text = self._seal.close(manifests.text_of(manifest), *own)
        part = await self._write(once(text))
        needed = [self._parts[one.file] for one in manifest.files_kept()]
        sealed = SealedManifest(
            format=SEALED,
            form=FORM,
            created=manifest.created,
            program=manifest.program,
            manifest=part.file,
            identity=self._seal.identity,
            parts=[*{one.file: one for one in needed}.values(), part],
        )
        return await self._target.finish(sealed)

    async def _write(self, chunks: AsyncIterator[bytes]) -> Part:
        name = secrets.token_hex(32)
        written = await self._target.put(name, chunks)
        self._parts[name] = Part(name, written.size, written.sha256)
        return self._parts[name]


class Opened(NamedTuple):
    """A backup that can be read.

    Args:
        target: where it is.
        manifest: what is in it.
        parts: its files as they lie there, by name.
        keys: open them; None where they are not encrypted.
    """

    target: Target
    manifest: Manifest
    parts: dict[str, Part]
    keys: Keys | None

    async def read(self, kept: Kept) -> bytes:
        """What a file holds.

        Raises:
            Damage: it is gone, or not what it was.
        """
        return b"".join([chunk async for chunk in await self.open(kept)])

    async def open(self, kept: Kept) -> AsyncIterator[bytes]:
        """What a file holds, in chunks.

        Raises:
            Damage: it is gone; while they are read: they are not what they were.
        """
        chunks = await self.target.open(self.parts[kept.file])
        return chunks if self.keys is None else _unsealed(kept, self.keys, chunks)


async def _unsealed(kept: Kept, keys: Keys, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    opened = keys.stream(chunks)
    try:
        async for chunk in checked(kept.file, kept.sha256, opened) if kept.sha256 else opened:
            yield chunk
    except Sealed as error:
        raise Damage(f"the file {kept.file} can't be opened: {error}") from None


async def opened(target: Target, name: str, manifest: AnyManifest, keys: Keys | None) -> Opened:
    """Open a backup.

    Args:
        target: where it is.
        name: which it is.
        manifest: what it says of itself to everybody.
        keys: open it, where it is encrypted.

    Raises:
        CannotStart: a newer program made it.
        Damage: it is not what it was.
        Sealed: the keys are not its own.
    """
    there = manifests.parts(manifest)
    if isinstance(manifest, Manifest):
        return Opened(target, manifest, there, None)
    assert keys is not None  # noqa: S101  # whoever opens an encrypted one has them
    text = keys.open(await target.read(there[manifest.manifest]))
    inner = manifests.read(name, text)
    if not isinstance(inner, Manifest):
        raise Damage("the manifest in it is none")
    return Opened(target, inner, there, keys)
