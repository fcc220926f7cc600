"""What a backup says of itself: docs/reference/backup-format.md tells people the same."""

import hashlib
import re
from typing import Final, Literal

import msgspec

from rapport.folder import CannotStart

FORMAT: Final = "rapport-backup"
# The form of the files, which is not the version of the program or of the store.
FORM = 1


class Kept(msgspec.Struct, frozen=True):
    """A file of the backup: its SHA-256, which is its name, and its size in bytes."""

    file: str
    bytes: int


class PieceKept(msgspec.Struct, frozen=True):
    """Some rows of a table: the file that has them, and what is in it when it is unpacked.

    Args:
        file: gzip of JSON lines.
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


class Manifest(msgspec.Struct, frozen=True):
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

    @property
    def rows(self) -> int:
        """How many there are in all."""
        return sum(table.rows for table in self.tables)

    def parts(self) -> dict[str, int]:
        """Every file that it needs, with its size in bytes."""
        pieces = [Kept(one.file, one.bytes) for table in self.tables for one in table.pieces]
        key = [self.key] if self.key else []
        return {one.file: one.bytes for one in (*pieces, *self.files, *key)}


class _Head(msgspec.Struct):
    """What every form has."""

    format: Literal["rapport-backup"]
    form: int
    program: str


def encode(manifest: Manifest) -> tuple[str, bytes]:
    """The name of a manifest and its text: the name is its moment, and the SHA-256 of the text."""
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
    return name_of(manifest.created, text), text


def name_of(created: str, text: bytes) -> str:
    """What a manifest is called: names sort by time, to the millisecond."""
    digits = re.sub("[-:.Z]", "", created)
    return f"{digits}Z{hashlib.sha256(text).hexdigest()}"


def short(name: str) -> str:
    """What people call a backup."""
    return name[:27]


def decode(name: str, text: bytes) -> Manifest:
    """Read a manifest.

    Raises:
        CannotStart: it is not what its name says, or a newer program made it.
    """
    if not name.endswith(hashlib.sha256(text).hexdigest()):
        raise CannotStart(f"the backup {short(name)} is damaged: its manifest is not what it was")
    try:
        head = msgspec.json.decode(text, type=_Head)
        if head.form > FORM:
            raise CannotStart(
                f"the backup {short(name)} was made by Rapport {head.program} in a form that this "
                "program does not know: install a newer rapport-server"
            )
        return msgspec.json.decode(text, type=Manifest)
    except msgspec.DecodeError as error:
        raise CannotStart(f"the backup {short(name)} can't be read: {error}") from None
