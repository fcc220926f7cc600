"""`rapport doctor`: whether a store is whole."""

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rapport.cli.ask import settings_of
from rapport.cli.options import Config, Data, Database, Json

if TYPE_CHECKING:
    from rapport.upkeep.doctor import Answered

# How many of what a check found are printed for people.
_SHOWN = 10


def doctor(
    data: Data = None,
    database: Database = None,
    config: Config = None,
    *,
    deep: Annotated[bool, typer.Option("--deep", help="Hash the bytes of all files too.")] = False,
    fix: Annotated[
        bool, typer.Option("--fix", help="Mend modes, sums and the index of words; nothing else.")
    ] = False,
    as_json: Json = False,
) -> None:
    """See whether the store is whole, served or not. Ends with 1 where it is not."""
    import asyncio

    from rapport.logs import configure_logs
    from rapport.upkeep.doctor import examine

    configure_logs()
    settings = settings_of(data, database, config)
    answers = asyncio.run(examine(settings, is_deep=deep, mends=fix))
    is_whole = all(not one.found or one.is_mended for one in answers)
    if as_json:
        print(json.dumps({"whole": is_whole, "checks": [_answer(one) for one in answers]}))
    else:
        print("\n".join(line for one in answers for line in _lines(one)))
    if not is_whole:
        sys.exit(1)


def _answer(one: "Answered") -> dict[str, Any]:
    return {
        "name": one.check.name,
        "question": one.check.question,
        "whole": not one.found,
        "found": one.found,
        "mended": one.is_mended,
        "to_do": one.check.to_do if one.found and not one.is_mended else "",
    }


def _lines(one: "Answered") -> list[str]:
    said = "mended" if one.is_mended else f"no: {one.check.to_do}"
    more = len(one.found) - _SHOWN
    return [
        f"{one.check.question} {said if one.found else 'yes'}",
        *(f"    {found}" for found in one.found[:_SHOWN]),
        *([f"    and {more:,} more"] if more > 0 else []),
    ]
