"""How a command reaches the store: through the running server, or by itself; and what it prints."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from rapport.cli.options import keep
from rapport.control import client
from rapport.folder import SOCKET
from rapport.settings import Settings, load

CommandAnswer = dict[str, Any]


def fail(sentence: str) -> NoReturn:
    """Tell the operator why nothing was done, and end."""
    print(f"rapport: {sentence}", file=sys.stderr)
    sys.exit(1)


def settings_of(data: str | None, database: str | None, config: str | None) -> Settings:
    """The settings of a command, whose warnings are told.

    Raises:
        SettingError: one of them is not right.
    """
    settings = load({"data": data, "database_url": database, "config": config})
    for warning in settings.warnings:
        print(f"rapport: warning: {warning}", file=sys.stderr)
    return settings


def run(settings: Settings, command: str, arguments: Mapping[str, Any]) -> CommandAnswer:
    """Run an operator's command, through the running server or on the store itself, or end with
    its refusal.
    """
    given = {name: value for name, value in arguments.items() if value is not None}
    # On PostgreSQL a command needs no server: it writes to the database itself.
    socket = settings.data / SOCKET
    answer = None if settings.database_url else client.ask(socket, command, given)
    if answer is None:
        import asyncio

        from rapport.serving import installation

        answer = asyncio.run(installation.run_command(settings, command, given))
    # A method's own refusal is what `rapport call` prints; every other command has nothing more to
    # say.
    if "error" in answer and not (command == "call" and "body" in answer):
        fail(answer["error"])
    return answer


def show(answer: CommandAnswer, *, as_json: bool, lines: list[str]) -> None:
    """Print an answer: as one JSON object, or for people."""
    print(json.dumps(answer) if as_json else "\n".join(lines))


def table(rows: list[CommandAnswer], columns: Mapping[str, str]) -> None:
    """Print rows under titles; `columns` says which name of a row stands under each."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for title in columns:
        table.add_column(title, no_wrap=True)
    for row in rows:
        table.add_row(
            *(str(row[name] if row[name] is not None else "") for name in columns.values())
        )
    # What people wrote is no markup.
    Console(width=None if sys.stdout.isatty() else 200, markup=False, emoji=False).print(table)


def show_org(answer: CommandAnswer, file: Path | None, *, as_json: bool) -> None:
    """Print an org that has been made, with its admin and their token, which goes to `file` too."""
    lines = [
        f"Org    {answer['org']['name']} ({answer['org']['display_id']})",
        f"Admin  {answer['user']['email']} ({answer['user']['display_id']})",
        f"Token  {answer['token']}  (shown this once)",
    ]
    show(answer, as_json=as_json, lines=lines)
    keep(answer, file)
