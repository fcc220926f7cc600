"""Reads mail: files with one message each, and mailboxes with many."""

import html
import io
import mailbox
import re
from collections.abc import Iterator, Sequence
from email import policy
from email.message import EmailMessage, Message
from email.parser import BytesParser
from email.utils import getaddresses, parsedate_to_datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from rapport.transfer.records import CannotRead, File, Person, Record

_MOST_TEXT = 65_536
_MOST_TITLE = 256
_MOST_REF = 512
_MOST_PEOPLE = 50
# A larger message is refused: one is read as a whole.
_MOST_MESSAGE = 64 * 1024 * 1024
_TAG = re.compile(r"<(?:style|script)\b.*?</(?:style|script)>|<[^>]+>", re.DOTALL | re.IGNORECASE)
_ID = re.compile(r"<([^<>\s]+)>")


class Mail:
    """Reads messages; see `Reader`.

    Args:
        paths: of files.
        many: each is a mailbox.
    """

    dates = False
    suffix = "jsonl"

    def __init__(self, paths: Sequence[Path], *, many: bool) -> None:
        self._paths = paths
        self._many = many
        self.size = sum(path.stat().st_size for path in paths)
        self.done = 0
        if not self.size:
            raise CannotRead(f"{paths[0]} is empty")

    def records(self) -> Iterator[Record]:
        """Every message; see `Reader.records`."""
        for row, (place, data) in enumerate(self._messages(), 1):
            self.done += _MOST_MESSAGE if data is None else len(data)
            if data is None:
                yield Record(row, place, problem="The message is longer than 64 MiB.")
            else:
                yield _record(row, place, data)

    def _messages(self) -> Iterator[tuple[str, bytes | None]]:
        for path in self._paths:
            if self._many:
                yield from _of_mailbox(path)
            else:
                is_long = path.stat().st_size > _MOST_MESSAGE
                yield str(path), None if is_long else path.read_bytes()

    def refused(self, file: BinaryIO, record: Record, reason: str) -> None:
        """Write where the message is, with the reason; see `Reader.refused`."""
        file.write(msgspec.json.encode({"message": record.raw, "_reason": reason}) + b"\n")


def _of_mailbox(path: Path) -> Iterator[tuple[str, bytes | None]]:
    box = mailbox.mbox(path, create=False)
    try:
        for key in box.iterkeys():
            with box.get_file(key) as opened:
                data = opened.read(_MOST_MESSAGE + 1)
            yield f"{path}:{int(key) + 1}", data if len(data) <= _MOST_MESSAGE else None
    finally:
        box.close()


def _record(row: int, place: str, data: bytes) -> Record:
    try:
        return _read(row, place, data)
    except (ValueError, LookupError, TypeError, AttributeError, IndexError) as error:
        return Record(row, place, problem=f"The message can't be read: {error}.")


def _read(row: int, place: str, data: bytes) -> Record:
    message: Any = BytesParser(policy=policy.default).parsebytes(data)
    date = _date(message)
    if date is None:
        return Record(row, place, problem="The message has no Date that can be read.")
    own = next(iter(_ids(message, "Message-ID")), "")
    thread = next(iter([*_ids(message, "References"), *_ids(message, "In-Reply-To")]), own)
    ref = own if own and len(own) < _MOST_REF else f"import:{sha256(data).hexdigest()[:32]}"
    fields = {
        "title": _header(message, "Subject")[:_MOST_TITLE].strip() or "(no subject)",
        "scheduled_date": date,
        "engagement_type": "email",
        "external_ref": ref,
        **({"description": text} if (text := _text(message)) else {}),
        **({"custom_fields": {"thread": thread}} if thread else {}),
    }
    people = _people(message)
    return Record(
        row,
        place,
        fields=fields,
        people=people,
        accounts=[],
        files=list(_files(message)),
    )


def _header(message: Message, name: str) -> str:
    """A header's text; one that is broken as it stands there."""
    try:
        return str(message.get(name, ""))
    except (ValueError, LookupError, TypeError, AttributeError, IndexError):
        return ""


def _ids(message: Message, name: str) -> list[str]:
    return _ID.findall(_header(message, name))


def _date(message: Message) -> int | None:
    try:
        return int(parsedate_to_datetime(_header(message, "Date")).timestamp()) * 1_000_000
    except (ValueError, TypeError, OverflowError):
        return None


def _people(message: Message) -> list[Person]:
    headers = [_header(message, name) for name in ("From", "To", "Cc")]
    found = {
        address.lower(): Person(address, name)
        for name, address in getaddresses(headers)
        if "@" in address
    }
    return list(found.values())[:_MOST_PEOPLE]


def _text(message: EmailMessage) -> str:
    body: Any = message.get_body(("plain", "html"))
    if body is None:
        return ""
    text = _decoded(body)
    if body.get_content_type() == "text/html":
        text = html.unescape(_TAG.sub(" ", text))
    return text.replace("\0", "").strip()[:_MOST_TEXT]


def _decoded(part: EmailMessage) -> str:
    data: Any = part.get_payload(decode=True) or b""
    try:
        return str(data.decode(part.get_content_charset("utf-8"), "replace"))
    except LookupError:
        return str(data.decode("utf-8", "replace"))


def _files(message: EmailMessage) -> Iterator[File]:
    for part in message.iter_attachments():
        content: Any = part.get_payload(decode=True) or b""
        name = (part.get_filename() or "attachment").replace("\0", "")[:_MOST_TITLE]
        yield File(name, part.get_content_type(), len(content), _opener(content))


def _opener(content: bytes) -> Any:
    return lambda: io.BytesIO(content)
