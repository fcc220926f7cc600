"""Instants as a reader sees them: in a zone, by day, near ones in words."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from rapport.clock import SECOND
from rapport.console import words


class Moment(NamedTuple):
    """One instant in one zone."""

    instant: datetime

    @property
    def clock(self) -> str:
        """Such as 14:20."""
        return f"{self.instant:%H:%M}"

    @property
    def whole(self) -> str:
        """Such as Tuesday 24 November 2026, 14:20."""
        return f"{_long(self.instant.date())} {self.instant.year}, {self.clock}"

    @property
    def short(self) -> str:
        """Such as 24 Nov 14:20."""
        return f"{short_day(self.instant.date())} {self.clock}"

    @property
    def day(self) -> str:
        """Such as 24 Nov 2026."""
        return long_day(self.instant.date())

    @property
    def utc(self) -> str:
        """Such as 2026-11-24 13:20 UTC."""
        return f"{self.instant.astimezone(UTC):%Y-%m-%d %H:%M} UTC"

    @property
    def machine(self) -> str:
        """For `<time datetime>`."""
        return self.instant.astimezone(UTC).isoformat().replace("+00:00", "Z")

    @property
    def typed(self) -> str:
        """For `<input type="datetime-local">`."""
        return f"{self.instant:%Y-%m-%dT%H:%M}"


class NoSuchTime(ValueError):
    """A local time that clocks were moved over."""


class Day(NamedTuple):
    """A day's heading, and what was on it."""

    near: str
    full: str
    rows: list[Any]


class Moments:
    """The moments of one reader.

    Args:
        zone: the reader's, by its name in the IANA database; UTC where there is none like it.
        now: microseconds since 1970.
    """

    def __init__(self, zone: str, now: int) -> None:
        self.zone, self._info = _zone(zone)
        self.now = datetime.fromtimestamp(now / SECOND, self._info)

    def of(self, text: str) -> Moment:
        """The moment that an answer of the API tells of."""
        return Moment(datetime.fromisoformat(text).astimezone(self._info))

    def at_present(self) -> Moment:
        """Now."""
        return Moment(self.now)

    def before(self, days: int) -> str:
        """The instant so many days ago, as the API takes it."""
        return Moment(self.now - timedelta(days=days)).machine

    def today(self) -> date:
        """The reader's day."""
        return self.now.date()

    def within(self, first: date, last: date) -> dict[str, str]:
        """The instants between which whole days of the reader's are, as the API takes them."""
        return {"after": self._begins(first, -1), "before": self._begins(last + timedelta(1))}

    def past_within(self, first: date, last: date) -> dict[str, str]:
        """The same without what is to come of the last day."""
        dates = self.within(first, last)
        return {**dates, "before": min(dates["before"], self.at_present().machine)}

    def week(self, back: int) -> tuple[str, str]:
        """When a week of the reader's began, so many before this one, and when the next did."""
        monday = self.today() - timedelta(self.today().weekday() + 7 * back)
        return self._begins(monday), self._begins(monday + timedelta(7))

    def _begins(self, day: date, microseconds: int = 0) -> str:
        begins = datetime(day.year, day.month, day.day, tzinfo=self._info).astimezone(UTC)
        # With all digits, so that they stand in order as texts beside the API's.
        begins += timedelta(microseconds=microseconds)
        return begins.isoformat(timespec="microseconds").replace("+00:00", "Z")

    def typed(self, text: str) -> datetime:
        """The instant that somebody typed as local time; of one that exists twice the first.

        Raises:
            NoSuchTime: clocks were moved over it.
            ValueError: it is none.
        """
        local = datetime.fromisoformat(text)
        if local.tzinfo is not None:
            return local
        here = local.replace(tzinfo=self._info)
        if here.astimezone(UTC).astimezone(self._info).replace(tzinfo=None) != local:
            raise NoSuchTime(words.NO_SUCH_TIME.format(when=text.replace("T", " "), zone=self.zone))
        return here

    def by_day(self, rows: Iterable[tuple[Moment, Any]]) -> Iterator[Day]:
        """Rows under the headings of their days, in the order in which they come."""
        for day, group in groupby(rows, key=lambda row: row[0].instant.date()):
            apart = (day - self.now.date()).days
            full = _long(day) if day.year == self.now.year else f"{_long(day)} {day.year}"
            near = words.NEAR.get(apart, "")
            yield Day(near or full, full if near else "", list(group))


def _zone(name: str) -> tuple[str, ZoneInfo]:
    try:
        return name, ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return "UTC", ZoneInfo("UTC")


def short_day(day: date) -> str:
    """Such as 24 Nov."""
    return f"{day.day} {words.MONTHS[day.month - 1][:3]}"


def long_day(day: date) -> str:
    """Such as 24 Nov 2026."""
    return f"{short_day(day)} {day.year}"


def _long(day: date) -> str:
    return f"{words.DAYS[day.weekday()]} {day.day} {words.MONTHS[day.month - 1]}"
