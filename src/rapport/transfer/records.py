"""What readers of all kinds yield, and engines write."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO, NamedTuple, Protocol

# A longer row is refused, and read past.
MOST_BYTES = 1024 * 1024


class Person(NamedTuple):
    """Somebody by an address, and the name that stands beside it."""

    address: str
    name: str = ""


class File(NamedTuple):
    """Bytes that go with a record; `open` reads them from their beginning."""

    name: str
    type: str
    size: int
    open: Callable[[], BinaryIO]


class Record(NamedTuple):
    """One row of a source.

    Args:
        row: its number, from 1, over all sources.
        raw: the row as it stands there, for the file of those that are refused.
        family: of what it becomes.
        fields: of the request that makes it; ids are display ids or names.
        problem: why it can't be taken, where that is known already.
        source: the display id that it has where it comes from; empty where that has none.
        own: who made and changed it there, and when.
        people: who took part.
        account: which customers it is about: an address's domain, a ref, a name.
        files: that go with it.
        is_deleted: it was deleted where it comes from.
        more: what only its reader knows of.
    """

    row: int
    raw: Any
    family: str = "engagements"
    fields: Mapping[str, Any] = {}
    problem: str = ""
    source: str = ""
    own: Mapping[str, Any] = {}
    people: Sequence[Person] = ()
    accounts: Sequence[str] = ()
    files: Sequence[File] = ()
    is_deleted: bool = False
    more: Mapping[str, Any] = {}


class CannotRead(Exception):
    """A source can't be read at all; one sentence says why."""


class Reader(Protocol):
    """Reads sources of one kind.

    `size` is theirs in bytes, `done` how many of these are behind; `dates` says whether rows say
    themselves who made them and when; `suffix` ends the name of a file of refused rows.
    """

    size: int
    done: int
    dates: bool
    suffix: str

    def records(self) -> Iterator[Record]:
        """Every row, in order.

        Raises:
            CannotRead: the source can't be read any further.
        """
        ...

    def refused(self, file: BinaryIO, record: Record, reason: str) -> None:
        """Write a row as it stood there, with the reason."""
        ...
