"""Places in an order, as SQL: what comes beyond a row, whichever way each column goes."""

from collections.abc import Sequence
from typing import NamedTuple

from rapport.contract.kit.paging import Cursor
from rapport.store.kit.db import Row, Value

# SQL of each column of an order, and whether it descends.
Columns = Sequence[tuple[str, bool]]


class Place(NamedTuple):
    """Where rows are read: the first `most` beyond `start`, or before it when `back`."""

    start: Cursor | None
    back: bool
    most: int

    def at_first(self) -> "Place":
        """Where what is equal in the first column begins."""
        start = self.start and Cursor(self.start.key[:1], inclusive=True)
        return self._replace(start=start)


def order_by(columns: Columns, *, back: bool) -> str:
    """The order of these columns."""
    return ", ".join(
        f"{column} {'DESC' if descending != back else 'ASC'}" for column, descending in columns
    )


def beyond(
    columns: Columns, at: Place, parameters: dict[str, Value], prefix: str = "key"
) -> list[str]:
    """The condition for rows beyond a place, if it has a start; its values become parameters."""
    if at.start is None:
        return []
    names = [f"{prefix}_{position}" for position in range(len(columns))]
    parameters.update(zip(names, at.start.key, strict=True))
    if len({descending for _, descending in columns}) == 1:
        sign = "<" if columns[0][1] != at.back else ">"
        left = ", ".join(column for column, _ in columns)
        right = ", ".join(f":{name}" for name in names)
        return [f"({left}) {sign}{'=' if at.start.inclusive else ''} ({right})"]
    steps = [
        " AND ".join(_step(columns[:length], names, back=at.back))
        for length in range(1, len(columns) + 1)
    ]
    if at.start.inclusive:
        steps.append(
            " AND ".join(
                f"{column} = :{name}" for (column, _), name in zip(columns, names, strict=True)
            )
        )
    column, descending = columns[0]
    # The bound on the first column repeats what the steps say, so that its index can be used.
    return [
        f"{column} {'<' if descending != at.back else '>'}= :{names[0]}",
        f"(({') OR ('.join(steps)}))",
    ]


def _step(columns: Columns, names: Sequence[str], *, back: bool) -> list[str]:
    """Equal in all columns but the last, and beyond in that one."""
    equal = [f"{column} = :{name}" for (column, _), name in zip(columns[:-1], names, strict=False)]
    column, descending = columns[-1]
    sign = "<" if descending != back else ">"
    return [*equal, f"{column} {sign} :{names[len(columns) - 1]}"]


def until(columns: Columns, end: Row | None, at: Place, parameters: dict[str, Value]) -> list[str]:
    """The condition for rows up to one that is met beyond a place, if there is an end."""
    if end is None:
        return []
    back = Place(Cursor(end, inclusive=True), not at.back, 0)
    return beyond(columns, back, parameters, "end")
