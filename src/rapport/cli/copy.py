"""`rapport copy`: a whole store from one place to another."""

import json
import sys
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rapport.cli.options import Config, Json
from rapport.cli.watching import watching
from rapport.folder import CannotStart

if TYPE_CHECKING:
    from rapport.upkeep.copy import Copied

_PLACE = "A data folder, or a postgresql:// URL."


def copy(
    source: Annotated[str, typer.Argument(metavar="FROM", help=_PLACE)],
    target: Annotated[
        str,
        typer.Argument(metavar="TO", help=f"{_PLACE} It has to be empty, or an unfinished copy."),
    ],
    config: Config = None,
    *,
    as_json: Json = False,
) -> None:
    """Copy a whole store, and compare both. Stop its servers first; run again, it goes on where
    it ended.
    """
    import asyncio

    from rapport.logs import configure_logs
    from rapport.upkeep import copy as upkeep

    configure_logs()
    began = time.monotonic()
    with watching(is_seen=sys.stderr.isatty() and not as_json) as watch:
        copied = asyncio.run(upkeep.copy(source, target, watch, config))
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
        {"table": table.table, "rows": table.target.rows, "sha256": table.target.sha256}
        for table in copied.tables
    ]
    return {
        "from": copied.source,
        "to": copied.target,
        "tables": tables,
        "files": copied.files,
        "seconds": seconds,
    }


def _sentences(copied: "Copied", seconds: float) -> str:
    lines = [
        f"{table.table:<24} {table.target.rows:>12,}  {table.target.sha256}"
        for table in copied.tables
        if table.target.rows
    ]
    rows = sum(table.target.rows for table in copied.tables)
    lines.append(
        f"{copied.target} holds what {copied.source} does: {rows:,} rows in {len(copied.tables)} "
        "tables, compared by "
        f"count and SHA-256, and {copied.files:,} files; {seconds} s."
    )
    return "\n".join([*lines, copied.left] if copied.left else lines)
