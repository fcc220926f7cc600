"""Sums by keys: groups of what matches, in any order, page by page."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from rapport.clock import SECOND, format_rfc3339
from rapport.contract.kit import ids
from rapport.contract.kit.errors import ValueNotPermitted
from rapport.contract.kit.fields import DEFAULT_LIMIT, UNSET, UnsetType
from rapport.contract.kit.grouping import Group, GroupsResponse, TimeZone
from rapport.contract.kit.paging import Cursor, Sort, decode_cursor, encode_cursor, parse_sort
from rapport.operations.kit.context import Context
from rapport.operations.kit.optional import chosen, given
from rapport.store.kit import grouping
from rapport.store.kit.db import NO_DATE
from rapport.store.kit.filters import Filter
from rapport.store.kit.grouping import Key, Offset, Summed, Sums

_SUMS = ("count", "first", "last", "next")
_PERIODS = ("day", "week", "month")
_IDS = ("account", "created_by", "member", "opportunity", "tag")
_MOST_FIRST = Sort("count", descending=True)
_1970 = date(1970, 1, 1).toordinal()
# No zone keeps an offset for less than this long.
_STEP = timedelta(days=7)
# Before, clocks went by the sun; after, nobody has decided yet.
_FIRST, _LAST = datetime(1850, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


class SummarizeRequest(Protocol):
    """The fields of every summary, beside its filters."""

    cursor: str | UnsetType
    limit: int | UnsetType
    sort_by: list[str] | UnsetType
    time_zone: TimeZone | UnsetType

    @property
    def group_by(self) -> Sequence[str]: ...  # noqa: D102  # the wire's own name


class _Order(NamedTuple):
    """What groups are of, how they follow each other, and by what a cursor goes."""

    name: str
    by: Sequence[str]
    sorts: Sequence[Sort]
    types: Mapping[str, type]


async def summarize(
    ctx: Context, name: str, request: SummarizeRequest, where: Filter[Any], sums: Sums
) -> GroupsResponse:
    """A page of groups.

    Args:
        ctx: of the call.
        name: of the method, which cursors are tied to.
        request: the call's.
        where: what is summed up.
        sums: what it can be grouped by, but for days.
    """
    order = _order(name, request)
    keys = dict(sums.keys)
    if any(key in _PERIODS for key in order.by):
        zone = ZoneInfo(chosen(request.time_zone, "UTC"))
        keys |= dict.fromkeys(_PERIODS, await _day(ctx, zone, where, sums.date))
    asked = Sums({key: keys[key] for key in order.by}, sums.date)
    rows = await grouping.grouped(ctx.tx, where, asked, ctx.now)
    return _page(ctx.org, _sorted(_merged(order.by, rows), order), order, request)


def _order(name: str, request: SummarizeRequest) -> _Order:
    """The order asked for, and by keys where it says no more.

    Raises:
        ValueNotPermitted: two keys are periods, or `sort_by` names something else.
    """
    by = list(dict.fromkeys(request.group_by))
    if len([key for key in by if key in _PERIODS]) > 1:
        raise ValueNotPermitted(
            "group_by: a day is in one week and one month.",
            detail="Group by one of day, week and month.",
            field_name="group_by",
            reason="must have at most one of day, week and month",
        )
    sorts = parse_sort(given(request.sort_by), (*_SUMS, *by), _MOST_FIRST)
    named = {sort.field for sort in sorts}
    ties = [Sort(key, descending=False) for key in by if key not in named]
    types = {**dict.fromkeys(_SUMS, int), **dict.fromkeys(by, str)}
    return _Order(f"{name} by {' '.join(by)}", by, (*sorts, *ties), types)


# Days


async def _day(ctx: Context, zone: ZoneInfo, where: Filter[Any], column: str) -> Key:
    """By the day in a zone, as far as there are dates."""
    span = await grouping.span(ctx.tx, where, column)
    if span is None:
        return grouping.day_key(column, (), 0)
    first, last = (_at(moment) for moment in span)
    return grouping.day_key(column, list(_offsets(zone, first, last)), _offset(zone, last))


def _at(moment: int) -> datetime:
    """A moment as a date, within those for which zones are known."""
    bounds = int(_FIRST.timestamp()), int(_LAST.timestamp())
    return datetime.fromtimestamp(min(max(moment // SECOND, bounds[0]), bounds[1]), UTC)


def _offset(zone: ZoneInfo, moment: datetime) -> int:
    return round((moment.astimezone(zone).utcoffset() or timedelta()).total_seconds()) * SECOND


def _offsets(zone: ZoneInfo, first: datetime, last: datetime) -> Iterator[Offset]:
    """The zone's offsets, each with the moment at which it ended, until the one at `last`."""
    steps = [first + n * _STEP for n in range((last - first) // _STEP + 1)]
    for start, end in pairwise([*steps, last]):
        if _offset(zone, start) != _offset(zone, end):
            ended = int(_change(zone, start, end).timestamp()) * SECOND
            yield Offset(ended, _offset(zone, start))


def _change(zone: ZoneInfo, start: datetime, end: datetime) -> datetime:
    """The second between two at which the offset changes."""
    before, second = _offset(zone, start), timedelta(seconds=1)
    while end - start > second:
        middle = start + ((end - start) // second // 2) * second
        start, end = (middle, end) if _offset(zone, middle) == before else (start, middle)
    return end


def _period(key: str, day: int) -> str:
    """The period in which a day since 1970 is."""
    local = date.fromordinal(min(max(_1970 + day, date.min.toordinal()), date.max.toordinal()))
    if key == "month":
        return local.isoformat()[:7]
    # The first day of all is a Monday.
    return (local - timedelta(days=local.weekday() if key == "week" else 0)).isoformat()


# Groups


def _merged(by: Sequence[str], rows: Sequence[Summed]) -> list[Summed]:
    """The groups, with the days of one week or month together."""
    groups: dict[tuple[str | int, ...], Summed] = {}
    for row in rows:
        keys = tuple(
            _period(name, int(key)) if name in _PERIODS else str(key)
            for name, key in zip(by, row.keys, strict=True)
        )
        groups[keys] = _sum(groups[keys], row) if keys in groups else row._replace(keys=keys)
    return list(groups.values())


def _sum(one: Summed, other: Summed) -> Summed:
    first, last, next_ = (
        [date for date in pair if date is not None] for pair in zip(one[2:], other[2:], strict=True)
    )
    return Summed(
        one.keys,
        one.number + other.number,
        min(first, default=None),
        max(last, default=None),
        min(next_, default=None),
    )


def _sorted(groups: Sequence[Summed], order: _Order) -> list[Summed]:
    found = list(groups)
    for sort in reversed(order.sorts):
        field = sort.field
        ranked = [(_rank(field, _value(group, order.by, field)), group) for group in found]
        ranked.sort(key=lambda pair: pair[0], reverse=sort.descending)
        found = [group for _, group in ranked]
    return found


def _value(group: Summed, by: Sequence[str], field: str) -> int | str:
    if field in by:
        return str(group.keys[by.index(field)])
    value = group.number if field == "count" else getattr(group, field)
    return NO_DATE if value is None else int(value)


def _rank(field: str, value: int | str) -> tuple[Any, ...]:
    """By what values of a field are put in order: ids by their numbers."""
    if field in _IDS:
        return ids.kind_of(str(value)).prefix, ids.number_of(str(value))
    return (value,)


def _page(
    org: str, groups: Sequence[Summed], order: _Order, request: SummarizeRequest
) -> GroupsResponse:
    left = list(groups)
    if not isinstance(request.cursor, UnsetType):
        passed = _read_cursor(request.cursor, order)
        left = [group for group in groups if _is_beyond(group, passed, order)]
    some = left[: chosen(request.limit, DEFAULT_LIMIT)]
    cursor: str | UnsetType = UNSET
    if len(some) < len(left):
        # A cursor ends in a number, which a group has none of.
        place = Cursor((*_place(some[-1], order), 0))
        cursor = encode_cursor(order.name, order.sorts, place)
    return GroupsResponse(groups=[_group(org, order.by, one) for one in some], next_cursor=cursor)


def _read_cursor(cursor: str, order: _Order) -> Sequence[int | str]:
    return decode_cursor(order.name, order.sorts, order.types, cursor).key[:-1]


def _place(group: Summed, order: _Order) -> list[int | str]:
    return [_value(group, order.by, sort.field) for sort in order.sorts]


def _is_beyond(group: Summed, passed: Sequence[int | str], order: _Order) -> bool:
    """Whether a group comes behind the place of a cursor."""
    for sort, value, other in zip(order.sorts, _place(group, order), passed, strict=True):
        one, two = _rank(sort.field, value), _rank(sort.field, other)
        if one != two:
            return one < two if sort.descending else one > two
    return False


def _group(org: str, by: Sequence[str], group: Summed) -> Group:
    keys = {
        name: ids.don_of(str(key), org) if name in _IDS else str(key)
        for name, key in zip(by, group.keys, strict=True)
    }
    return Group(
        # Of every object the type comes first.
        by={**({"type": keys["type"]} if "type" in keys else {}), **keys},
        count=group.number,
        first=_shown(group.first),
        last=_shown(group.last),
        next=_shown(group.next),
    )


def _shown(moment: int | None) -> str | UnsetType:
    return UNSET if moment is None else format_rfc3339(moment)
