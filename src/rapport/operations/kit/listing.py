"""What every list does: read the order and the cursor, and write the cursors of the page."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from rapport.clock import DAY
from rapport.contract.kit.errors import InvalidField, MissingRequiredField
from rapport.contract.kit.fields import (
    DEFAULT_LIMIT,
    DateFilter,
    DateTimeFilter,
    Instant,
    Json,
    ListMode,
    UnsetType,
)
from rapport.contract.kit.ids import Id
from rapport.contract.kit.paging import Sort, decode_cursor, encode_cursor, parse_sort
from rapport.operations.kit.optional import asks, chosen, given
from rapport.store.kit.filters import Filter
from rapport.store.kit.query import Page, Walk
from rapport.store.kit.terms import same_custom_field

NEWEST_FIRST = Sort("created_date", descending=True)
LAST_DELETED_FIRST = Sort("deleted_date", descending=True)


class ListRequestLike(Protocol):
    """The fields that every list request has."""

    cursor: str | UnsetType
    limit: int | UnsetType
    mode: ListMode | UnsetType
    sort_by: list[str] | UnsetType


class PageRequest(Protocol):
    """The fields of a list in an order of its own."""

    cursor: str | UnsetType
    limit: int | UnsetType
    mode: ListMode | UnsetType


class AuditFilters(Protocol):
    """The filters by who and when."""

    @property
    def created_by(self) -> Sequence[Id] | UnsetType: ...  # noqa: D102  # the wire's own name
    @property
    def created_date(self) -> Any: ...  # noqa: D102  # a DateTimeFilter or a DateFilter
    @property
    def modified_date(self) -> Any: ...  # noqa: D102


def read_walk(
    name: str,
    request: ListRequestLike,
    types: Mapping[str, type],
    default: Sort = NEWEST_FIRST,
) -> Walk:
    """Read order, cursor, mode and limit of the list `name`, which is in the order `default`
    where none is asked for.

    Raises:
        ValueNotPermitted: `sort_by` names something else than `types`.
        InvalidField: the cursor is broken or of another list or order.
    """
    return walk_of(name, parse_sort(given(request.sort_by), list(types), default), types, request)


def walk_of(
    name: str, sorts: Sequence[Sort], types: Mapping[str, type], request: PageRequest
) -> Walk:
    """Read cursor, mode and limit of the list `name`, which is in this order.

    Raises:
        InvalidField: the cursor is broken or of another list or order.
    """
    cursor = (
        None
        if isinstance(request.cursor, UnsetType)
        else decode_cursor(name, sorts, types, request.cursor)
    )
    limit = chosen(request.limit, DEFAULT_LIMIT)
    return Walk(sorts, cursor, request.mode == "before", limit)


def cursors(name: str, walk: Walk, page: Page[Any]) -> dict[str, str]:
    """`next_cursor` and `prev_cursor` of a page of the list `name`, where there is more."""
    found = {"next_cursor": page.next, "prev_cursor": page.prev}
    return {key: encode_cursor(name, walk.sorts, cursor) for key, cursor in found.items() if cursor}


def own_ids(org: str, ids: Sequence[Id] | UnsetType) -> list[str]:
    """The display ids that a filter names; for another org's, one that nothing has."""
    return [id_.display_id if id_.belongs_to(org) else "" for id_ in given(ids)]


def own_numbers(org: str, ids: Sequence[Id] | UnsetType) -> list[int]:
    """The numbers of the ids that a filter names; for another org's, one that nothing has."""
    return [id_.number if id_.belongs_to(org) else 0 for id_ in given(ids)]


def add_dates(where: Filter[Any], name: str, dates: DateTimeFilter | UnsetType) -> None:
    """Narrow by a range of the dates that the wire calls `name`."""
    if not isinstance(dates, UnsetType):
        where.between(
            name,
            None if isinstance(dates.after, UnsetType) else int(dates.after),
            None if isinstance(dates.before, UnsetType) else int(dates.before),
        )


def add_audit(where: Filter[Any], org: str, request: AuditFilters) -> None:
    """Narrow by created_by, created_date and modified_date."""
    where.among("created_by", own_ids(org, request.created_by))
    add_dates(where, "created_date", request.created_date)
    add_dates(where, "modified_date", request.modified_date)


# Far enough for every date, and no further than a column's numbers go.
_ALL_TIME = 2**62


def resolved(name: str, dates: DateFilter | UnsetType, now: int) -> DateTimeFilter | UnsetType:
    """A `DateFilter` as a range: days from now become dates.

    Raises:
        MissingRequiredField: a preset without its kind or its days.
        InvalidField: a range with the fields of a preset, or the other way round.
    """
    if isinstance(dates, UnsetType):
        return dates
    preset = {"preset_type": dates.preset_type, "days": dates.days}
    given_preset = [key for key, value in preset.items() if not isinstance(value, UnsetType)]
    ends = [key for key in ("after", "before") if not isinstance(getattr(dates, key), UnsetType)]
    if dates.type != "preset" and not (isinstance(dates.type, UnsetType) and given_preset):
        if given_preset:
            raise _of_the_other_type(f"{name}.{given_preset[0]}", "range")
        return dates
    if ends:
        raise _of_the_other_type(f"{name}.{ends[0]}", "preset")
    if isinstance(dates.preset_type, UnsetType) or isinstance(dates.days, UnsetType):
        field = next(f"{name}.{key}" for key in preset if key not in given_preset)
        raise MissingRequiredField(
            f"{field} is required.", detail=f"Send {field}.", field_name=field
        )
    span = min(dates.days * DAY, _ALL_TIME)
    after, before = (now - span, now) if dates.preset_type == "last_n_days" else (now, now + span)
    return DateTimeFilter(after=Instant(after - 1), before=Instant(before + 1))


def _of_the_other_type(field: str, kind: str) -> InvalidField:
    return InvalidField(
        f"{field} is not a field of a date filter of the type {kind}.",
        detail="Send after and before for a range, or preset_type and days for a preset.",
        field_name=field,
    )


def add_custom_fields(where: Filter[Any], fields: Json | UnsetType) -> None:
    """Narrow by custom fields: each must have the value, or any of an array's."""
    if isinstance(fields, UnsetType):
        return
    for name, value in fields.items():
        where.among("custom_fields", list(same_custom_field(name, value)))


def match_none(where: Filter[Any], *filters: object) -> None:
    """Let nothing through if any of these filters asks for something: they are for what nothing
    here has.
    """
    if any(asks(one) for one in filters):
        where.nothing()
