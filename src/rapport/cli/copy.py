"""`rapport copy`: a whole store from one place to another."""

import json
import sys
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rapport.running import CannotStart

if TYPE_CHECKING:
    from rapport.moving import Copied
    from rapport.store.copy import Watch

_PLACE = "A data folder, or a postgresql:// URL."


def copy(
    source: Annotated[str, typer.Argument(metavar="FROM", help=_PLACE)],
    target: Annotated[str, typer.Argument(metavar="TO", help=f"{_PLACE} It has to be empty, or an unfinished copy.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Copy a whole store, and compare both. Stop its servers first; run again, it goes on where it ended."""
    import asyncio

    from rapport import app, moving

    app.configure_logs()
    began = time.monotonic()
    with _watching(quiet=as_json or not sys.stderr.isatty()) as watch:
        copied = asyncio.run(moving.copy(source, target, watch))
    seconds = round(time.monotonic() - began, 1)
    if not copied.is_same:
        raise CannotStart(_difference(copied))
    print(json.dumps(_answer(copied, seconds)) if as_json else _sentences(copied, seconds))


def _difference(copied: "Copied") -> str:
    different = [
        f"{table.table} ({table.source.rows} rows, {table.target.rows} in the copy)"
        for table in copied.tables
        if not table.is_same
    ]
    return (
        f"{copied.target} is not what {copied.source} is, in {', '.join(different)}: "
        "see to it that nobody writes to it, and run the same rapport copy again"
    )


def _answer(copied: "Copied", seconds: float) -> dict[str, Any]:
    tables = [
        {"table": table.table, "rows": table.target.rows, "sha256": table.target.sha256} for table in copied.tables
    ]
    return {"from": copied.source, "to": copied.target, "tables": tables, "files": copied.files, "seconds": seconds}


def _sentences(copied: "Copied", seconds: float) -> str:
    lines = [
        f"{table.table:<24} {table.target.rows:>12,}  {table.target.sha256[:16]}"
        for table in copied.tables
        if table.target.rows
    ]
    rows = sum(table.target.rows for table in copied.tables)
    lines.append(
        f"{copied.target} holds what {copied.source} does: {rows:,} rows in {len(copied.tables)} tables, compared by "
        f"count and SHA-256, and {copied.files:,} files; {seconds} s."
    )
    return "\n".join(lines)


class _Quiet:
    """Nobody watches."""

    def __enter__(self) -> "Watch":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def expects(self, rows: int) -> None:
        """Say nothing."""

    def passed(self, table: str, rows: int) -> None:
        """Say nothing."""


def _watching(*, quiet: bool) -> Any:
    """Who is told how far it is: a bar on the terminal, or nobody."""
    if quiet:
        return _Quiet()
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    class Bar:
        def __enter__(self) -> "Watch":
            columns = TextColumn("{task.description:<24}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %")
            self._progress = Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True)
            self._progress.start()
            self._task = self._progress.add_task("counting", total=None)
            return self

        def __exit__(self, *_: object) -> None:
            self._progress.stop()

        def expects(self, rows: int) -> None:
            self._progress.update(self._task, total=rows)

        def passed(self, table: str, rows: int) -> None:
            self._progress.update(self._task, description=table, advance=rows)

    return Bar()
