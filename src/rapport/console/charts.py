"""Numbers as pictures: what stands where, in units of an SVG's view box."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from rapport.console import words
from rapport.console.address import address
from rapport.console.moments import long_day
from rapport.console.sums import Counts

_HEIGHT, _STEP, _GAP = 160, 28, 8
_CELL = 14
# A day's shade, by its part of the busiest.
_SHADES = 4


class Piece(NamedTuple):
    """A part of a bar, from its top down."""

    kind: str
    y: float
    height: float


class Bar(NamedTuple):
    """A week: where it stands, how many there were of each kind, the list behind it."""

    x: int
    name: str
    short: str
    pieces: list[Piece]
    counts: dict[str, int]
    sum: int
    way: str


class Bars(NamedTuple):
    """Weeks side by side."""

    width: int
    height: int
    bars: list[Bar]
    kinds: list[str]
    sum: int
    most: int


class Square(NamedTuple):
    """A day: where it stands, its shade from 0, what it says, the list behind it."""

    x: int
    y: int
    shade: int
    said: str
    way: str


class Heat(NamedTuple):
    """A year of days, a column for each week."""

    width: int
    squares: list[Square]
    labels: list[tuple[int, str]]
    months: list[tuple[str, int, str]]
    said: str


def bars(found: Counts, mondays: Sequence[date]) -> Bars:
    """Counts by week and kind as bars of which the highest is as high as the picture."""
    kinds = [str(kind) for kind in words.KINDS if any(one == kind for _, one in found)]
    weeks = [{kind: found[str(day), kind] for kind in kinds} for day in mondays]
    most = max((sum(one.values()) for one in weeks), default=0)
    every = [
        _bar(number * _STEP, day, counts, most)
        for number, (day, counts) in enumerate(zip(mondays, weeks, strict=True))
    ]
    width = len(mondays) * _STEP - _GAP
    return Bars(width, _HEIGHT, every, kinds, sum(one.sum for one in every), most)


def _bar(x: int, day: date, counts: dict[str, int], most: int) -> Bar:
    pieces, y = list[Piece](), float(_HEIGHT)
    for kind, count in counts.items():
        height = round(count * _HEIGHT / most, 1) if most else 0
        y = round(y - height, 1)
        if count:
            pieces.append(Piece(kind, y, height))
    name = words.WEEK_OF.format(day=long_day(day))
    way = way_of(day, day + timedelta(6))
    return Bar(x, name, words.MONTHS[day.month - 1][:3], pieces, counts, sum(counts.values()), way)


def way_of(first: date, last: date, **filters: list[str]) -> str:
    """The timeline of these days."""
    return address("/", filters, **{"from": str(first), "to": str(last)})


def heat(counts: Mapping[date, int], first: date, last: date) -> Heat:
    """Counts by day as squares, from a Monday on."""
    days = [first + timedelta(number) for number in range((last - first).days + 1)]
    most = max(counts.values(), default=0)
    squares = [_square(first, day, counts.get(day, 0), most) for day in days]
    return Heat(
        ((last - first).days // 7 + 1) * _CELL,
        squares,
        [
            (one.x, words.MONTHS[day.month - 1][:3])
            for one, day in zip(squares, days, strict=True)
            if day.weekday() == 0 and day.day <= 7  # noqa: PLR2004  # the month's first Monday
        ],
        _months(counts, days),
        _said(counts, most),
    )


def _square(first: date, day: date, count: int, most: int) -> Square:
    week, weekday = divmod((day - first).days, 7)
    shade = -(-count * _SHADES // most) if most else 0
    said = words.DAY_SAID.format(day=long_day(day), count=count)
    return Square(week * _CELL, weekday * _CELL, shade, said, way_of(day, day))


def _months(counts: Mapping[date, int], days: Sequence[date]) -> list[tuple[str, int, str]]:
    """The same for who reads a table: each month with its sum and the list behind it."""
    firsts = dict.fromkeys(day.replace(day=1) for day in days)
    found = []
    for first in firsts:
        within = [day for day in days if day.replace(day=1) == first]
        name = f"{words.MONTHS[first.month - 1]} {first.year}"
        total = sum(counts.get(day, 0) for day in within)
        found.append((name, total, way_of(within[0], within[-1])))
    return found


def _said(counts: Mapping[date, int], most: int) -> str:
    if not most:
        return words.NO_DAYS_SAID
    busiest = max(counts, key=lambda day: (counts[day], day))
    return words.DAYS_SAID.format(
        sum=sum(counts.values()), days=len(counts), most=most, day=long_day(busiest)
    )
