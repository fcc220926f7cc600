"""iCalendar (RFC 5545): an event for each meeting and each engagement that has a date."""

import re
from typing import Any, BinaryIO

import msgspec

from rapport import __version__
from rapport.clock import SECOND, format_rfc3339, parse_rfc3339

_LINE = 75
_STATUS = {"canceled": "CANCELLED", "rejected": "CANCELLED"}
_ESCAPED = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n", "\r": ""})
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class Calendar:
    """Writes a calendar."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._lines(
            "BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:-//Rapport//Rapport {__version__}//EN"
        )

    def write(self, line: bytes) -> bool:
        """Write an event; False for what has no date."""
        fields: Any = msgspec.json.decode(line)
        if "scheduled_date" not in fields or "title" not in fields:
            return False
        self._lines("BEGIN:VEVENT", *_event(fields), "END:VEVENT")
        return True

    def end(self) -> None:
        """End the calendar."""
        self._lines("END:VCALENDAR")

    def _lines(self, *lines: str) -> None:
        self._file.write(b"".join(_folded(line) for line in lines))


def _event(fields: Any) -> list[str]:
    begins = parse_rfc3339(fields["scheduled_date"])
    ends = parse_rfc3339(fields["ended_date"]) if "ended_date" in fields else None
    status = "CANCELLED" if "deleted_date" in fields else _STATUS.get(fields.get("state"))
    lines = [
        f"UID:{_text(fields.get('external_ref') or fields['id'])}",
        f"DTSTAMP:{_moment(parse_rfc3339(fields['modified_date']))}",
        f"CREATED:{_moment(parse_rfc3339(fields['created_date']))}",
        f"DTSTART:{_moment(begins)}",
        f"DTEND:{_moment(ends)}" if ends is not None else "",
        f"SUMMARY:{_text(fields['title'])}",
        f"DESCRIPTION:{_text(fields['description'])}" if fields.get("description") else "",
        f"URL:{fields['external_url']}" if "external_url" in fields else "",
        f"STATUS:{status}" if status else "",
        *(_person("ATTENDEE", one) for one in fields.get("members", ())),
        _person("ORGANIZER", fields.get("organizer")),
    ]
    return [line for line in lines if line]


def _person(what: str, person: Any) -> str:
    """Somebody whose address is known, which an engagement's plain ids tell of nobody."""
    if not isinstance(person, dict) or "email" not in person:
        return ""
    name = _CONTROLS.sub(" ", person.get("full_name") or person.get("display_name") or "")
    return f'{what};CN="{name.replace(chr(34), chr(39))}":mailto:{person["email"]}'


def _moment(micros: int) -> str:
    return re.sub(r"[-:]|\.\d+", "", format_rfc3339(micros // SECOND * SECOND))


def _text(text: str) -> str:
    return _CONTROLS.sub("", text.translate(_ESCAPED))


def _folded(line: str) -> bytes:
    """A line in pieces of at most 75 octets, none of which ends within a character."""
    data, pieces = line.encode(), []
    while len(data) > _LINE:
        cut = _LINE
        while data[cut] & 0xC0 == 0x80:  # noqa: PLR2004  # within a character of UTF-8
            cut -= 1
        pieces.append(data[:cut])
        data = b" " + data[cut:]
    return b"\r\n".join([*pieces, data, b""])
