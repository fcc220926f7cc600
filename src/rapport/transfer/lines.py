"""Lines of a file of whatever encoding, none of which is ever held beyond a bound."""

import codecs
from pathlib import Path
from typing import BinaryIO, TextIO

from rapport.transfer.records import MOST_BYTES, CannotRead

_HEAD = 4096
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LATIN = "rapport-latin"


def _as_latin(error: UnicodeError) -> tuple[str, int]:
    """Bytes that are no UTF-8 were written by a program that knew nothing but Windows-1252."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    data = error.object[error.start : error.end]
    text = "".join(
        bytes([one]).decode("cp1252", errors="ignore") or bytes([one]).decode("latin-1")
        for one in data
    )
    return text, error.end


codecs.register_error(_LATIN, _as_latin)


def encoding_of(head: bytes) -> str:
    """The encoding that a file's first bytes show; `utf-8` where they don't."""
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) * 4 > len(head) > 1:
        return "utf-16-be" if even > odd else "utf-16-le"
    return "utf-8"


def open_text(path: Path, encoding: str = "") -> tuple[TextIO, str]:
    """Open a text file, and say by which encoding.

    Raises:
        CannotRead: it is not there, is empty, or there is no such encoding.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
        if not head:
            raise CannotRead(f"{path} is empty")
        found = encoding or encoding_of(head)
        errors = _LATIN if found.startswith("utf-8") and not encoding else "strict"
        return path.open(encoding=found, errors=errors, newline=""), found
    except LookupError:
        raise CannotRead(f"there is no encoding {encoding!r}") from None
    except OSError as error:
        raise CannotRead(f"{path} can't be read: {error.strerror or error}") from None


class TooLong(Exception):
    """A row is longer than rows may be; it was read past."""


class Lines:
    """The lines of a text, for a parser that takes several for one row.

    `taken` are the pieces of the row so far; the parser's caller empties it before each.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self.taken: list[str] = []
        self._length = 0

    def next_row(self) -> None:
        """Begin another row."""
        self.taken = []
        self._length = 0

    def __iter__(self) -> "Lines":
        return self

    def __next__(self) -> str:
        line = self._file.readline(MOST_BYTES)
        if not line:
            raise StopIteration
        self._length += len(line)
        if self._length >= MOST_BYTES:
            while line and not line.endswith(("\n", "\r")):
                line = self._file.readline(MOST_BYTES)
            raise TooLong
        self.taken.append(line)
        return line


def byte_lines(file: BinaryIO) -> "ByteLines":
    """The lines of a file of bytes; None stands for one that is too long."""
    return ByteLines(file)


class ByteLines:
    """See `byte_lines`."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def __iter__(self) -> "ByteLines":
        return self

    def __next__(self) -> bytes | None:
        line = self._file.readline(MOST_BYTES + 1)
        if not line:
            raise StopIteration
        if len(line) <= MOST_BYTES:
            return line
        while line and not line.endswith(b"\n"):
            line = self._file.readline(MOST_BYTES)
        return None
