"""What every list does: read the order and the cursor, and write the cursors of the page."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from rapport.contract.fields import DEFAULT_LIMIT, DateTimeFilter, ListMode, UnsetType
from rapport.contract.ids import Id
from rapport.contract.paging import Cursor, Sort, decode_cursor, encode_cursor, parse_sort
from rapport.store.query import Filter, Page

NEWEST_FIRST = Sort("created_date", descending=True)


class ListRequestLike(Protocol):
    """The fields that every list request has."""

    cursor: str | UnsetType
    limit: int | UnsetType
    mode: ListMode | UnsetType
    sort_by: list[str] | UnsetType


class AuditFilters(Protocol):
    """The filters by who and when."""

    created_by: Sequence[Id] | UnsetType
    created_date: DateTimeFilter | UnsetType
    modified_date: DateTimeFilter | UnsetType


class Walk(NamedTuple):
    """Which page is asked for."""

    name: str
    sorts: tuple[Sort, ...]
    cursor: Cursor | None
    backwards: bool
    limit: int

    def arguments(self) -> dict[str, Any]:
        """What a store's `listed` takes besides the filter and the order."""
        return {"cursor": self.cursor, "backwards": self.backwards, "limit": self.limit}

    def cursors(self, page: Page) -> dict[str, str]:
        """`next_cursor` and `prev_cursor`, where there is more."""
        found = {"next_cursor": page.next, "prev_cursor": page.prev}
        return {key: encode_cursor(self.name, self.sorts, cursor) for key, cursor in found.items() if cursor}


def read_walk(name: str, request: ListRequestLike, types: Mapping[str, type]) -> Walk:
    """Read order, cursor, mode and limit.

    Raises:
        ValueNotPermitted: `sort_by` names something else than `types`.
        InvalidField: the cursor is broken or of another list or order.
    """
    sorts = parse_sort(given(request.sort_by), list(types), NEWEST_FIRST)
    cursor = (
        None if isinstance(request.cursor, UnsetType) else decode_cursor(name, sorts, types, request.cursor)
    )
    limit = DEFAULT_LIMIT if isinstance(request.limit, UnsetType) else request.limit
    return Walk(name, sorts, cursor, request.mode == "before", limit)


def given(values: Sequence[Any] | UnsetType) -> Sequence[Any]:
    """The values of a filter; none when it is absent."""
    return () if isinstance(values, UnsetType) else values


def own_ids(org: str, ids: Sequence[Id] | UnsetType) -> list[str]:
    """The display ids that a filter names; for another org's, one that nothing has."""
    return [id_.display_id if id_.belongs_to(org) else "" for id_ in given(ids)]


def add_dates(where: Filter, column: str, dates: DateTimeFilter | UnsetType) -> None:
    """Narrow by a range of dates."""
    if not isinstance(dates, UnsetType):
        where.between(
            column,
            None if isinstance(dates.after, UnsetType) else int(dates.after),
            None if isinstance(dates.before, UnsetType) else int(dates.before),
        )


def add_audit(where: Filter, alias: str, org: str, request: AuditFilters) -> None:
    """Narrow by created_by, created_date and modified_date."""
    where.any_of("created_by", own_ids(org, request.created_by), f"{alias}.created_by IN ({{values}})")
    add_dates(where, f"{alias}.created_date", request.created_date)
    add_dates(where, f"{alias}.modified_date", request.modified_date)
