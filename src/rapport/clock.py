"""Time as Rapport keeps it: whole microseconds since 1970 in UTC, in an `int`."""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

MILLISECOND = 1_000
SECOND = 1_000_000
DAY = 86_400 * SECOND

Clock = Callable[[], int]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d):([0-5]\d|60)(?:\.(\d+))?([Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)",
    re.ASCII,
)


def system_clock() -> int:
    """Now, cut to whole milliseconds: the server's own times carry no more (behaviour: Text,
    dates and numbers).
    """
    return time.time_ns() // 1_000_000 * MILLISECOND


def parse_rfc3339(text: str) -> int:
    """Read an RFC 3339 date-time that has an offset.

    Digits finer than a microsecond are cut off. A leap second counts as the second that follows it.

    Raises:
        ValueError: not such a date-time, or one whose UTC year is not 1 to 9999.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError(text)
    day, minute, second, fraction, offset = match.groups()
    zone = "+00:00" if offset in "Zz" else offset
    leap = second == "60"
    moment = datetime.fromisoformat(f"{day}T{minute}:{'59' if leap else second}{zone}")
    micros = (moment - _EPOCH) // timedelta(microseconds=1)
    micros += int((fraction or "0")[:6].ljust(6, "0"))
    if leap:
        micros += SECOND
    if not _FIRST <= micros <= _LAST:
        raise ValueError(text)
    return micros


def format_rfc3339(micros: int) -> str:
    """Write a time as `2023-01-01T12:00:00.000Z`, with six digits where it has microseconds."""
    moment = _EPOCH + timedelta(microseconds=micros)
    digits = "microseconds" if micros % MILLISECOND else "milliseconds"
    return moment.replace(tzinfo=None).isoformat(timespec=digits) + "Z"


_FIRST = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
_LAST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
