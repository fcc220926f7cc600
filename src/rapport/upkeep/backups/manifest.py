"""What a backup says of itself: docs/reference/backup-format.md tells people the same."""

import hashlib
import re
from typing import Final, Literal

import msgspec

from rapport.folder import CannotStart

FORMAT: Final = "rapport-backup"
SEALED: Final = "rapport-backup-encrypted"
# The form of the files, which is not the version of the program or of the store.
FORM = 1


class Part(msgspec.Struct, frozen=True):
    """A file of a target as it lies there: its name, its size in bytes and its SHA-256."""

    file: str
    bytes: int
    sha256: str


class Kept(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file of the backup: its name, its size in bytes, and the SHA-256 of what it holds, where
    that is not its name.
    """

    file: str
    bytes: int
    sha256: str = ""

    @property
    def content(self) -> str:
        """The SHA-256 of what it holds."""
        return self.sha256 or self.file


class PieceKept(msgspec.Struct, frozen=True):
    """Some rows of a table: the file that has them, and what is in it when it is unpacked.

    Args:
        file: gzip of JSON lines, which may be encrypted.
        bytes: the size of the file.
        rows: how many lines there are.
        sha256: of the lines.
    """

    file: str
    bytes: int
    rows: int
    sha256: str


class TableKept(msgspec.Struct, frozen=True):
    """A table: its pieces in order.

    Args:
        name: as the store calls it.
        columns: sorted; each line has them all.
        key: the columns that order the rows and tell them apart.
        rows: how many there are.
        sha256: of all rows in order, each a JSON array of its values in the order of the columns,
            and a line feed.
        pieces: where they are.
    """

    name: str
    columns: list[str]
    key: list[str]
    rows: int
    sha256: str
    pieces: list[PieceKept]


class Damaged(msgspec.Struct, frozen=True):
    """A file of an artifact that the store itself has lost, wholly or in part."""

    org: str
    blob: str
    sha256: str


class Manifest(msgspec.Struct, frozen=True, omit_defaults=True):
    """A whole backup.

    Args:
        format: what this is.
        form: which form of it.
        created: when the moment was that it shows; RFC 3339.
        program: the version of the program that made it.
        schema: the version of the store.
        engine: what the store was in.
        tables: all rows.
        files: the bytes of artifacts' files, each once.
        damaged: what could not be taken along.
        key: of signed URLs; null where there was none.
        recipients: whom its files are encrypted to; none where they are not.
    """

    format: Literal["rapport-backup"]
    form: int
    created: str
    program: str
    schema: int
    engine: str
    tables: list[TableKept]
    files: list[Kept]
    damaged: list[Damaged]
    key: Kept | None
    recipients: list[str] = []

    @property
    def rows(self) -> int:
        """How many there are in all."""
        return sum(table.rows for table in self.tables)

    def files_kept(self) -> list[Kept]:
        """Every file that it needs."""
        pieces = [Kept(one.file, one.bytes) for table in self.tables for one in table.pieces]
        return [*pieces, *self.files, *([self.key] if self.key else [])]


class SealedManifest(msgspec.Struct, frozen=True):
    """What everybody may know of an encrypted backup.

    Args:
        format: what this is.
        form: which form of it.
        created: when the moment was that it shows; RFC 3339.
        program: the version of the program that made it.
        manifest: the name of the part that holds the manifest, encrypted.
        identity: the key that the passphrase opens, encrypted with it; null where there is none.
        parts: all files that it needs, the manifest's too.
    """

    format: Literal["rapport-backup-encrypted"]
    form: int
    created: str
    program: str
    manifest: str
    identity: str | None
    parts: list[Part]


AnyManifest = Manifest | SealedManifest


def parts(manifest: AnyManifest) -> dict[str, Part]:
    """Every file that a backup needs, by name."""
    if isinstance(manifest, SealedManifest):
        return {part.file: part for part in manifest.parts}
    return {one.file: Part(one.file, one.bytes, one.file) for one in manifest.files_kept()}


class _Head(msgspec.Struct):
    """What every form has."""

    format: Literal["rapport-backup", "rapport-backup-encrypted"]
    form: int
    program: str


def text_of(manifest: AnyManifest) -> bytes:
    """A manifest as people and programs read it."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1)


def encode(manifest: AnyManifest) -> tuple[str, bytes]:
    """The name of a manifest and its text: the name is its moment, and the SHA-256 of the text."""
    text = text_of(manifest)
    return name_of(manifest.created, text), text


def name_of(created: str, text: bytes) -> str:
    """What a manifest is called: names sort by time, to the millisecond."""
    digits = re.sub("[-:.Z]", "", created)
    return f"{digits}Z{hashlib.sha256(text).hexdigest()}"


def short(name: str) -> str:
    """What people call a backup."""
    return name[:27]


def decode(name: str, text: bytes) -> AnyManifest:
    """Read a manifest.

    Raises:
        CannotStart: it is not what its name says, or a newer program made it.
    """
    if not name.endswith(hashlib.sha256(text).hexdigest()):
        raise CannotStart(f"the backup {short(name)} is damaged: its manifest is not what it was")
    return read(name, text)


def read(name: str, text: bytes) -> AnyManifest:
    """Read the text of a backup's manifest.

    Raises:
        CannotStart: it is none, or a newer program made it.
    """
    try:
        head = msgspec.json.decode(text, type=_Head)
        if head.form > FORM:
            raise CannotStart(
                f"the backup {short(name)} was made by Rapport {head.program} in a form that this "
                "program does not know: install a newer rapport-server"
            )
        if head.format == SEALED:
            return msgspec.json.decode(text, type=SealedManifest)
        return msgspec.json.decode(text, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CannotStart(f"the backup {short(name)} can't be read: {error}") from None
