"""Makes the pages of docs/reference/ that come from the code: `python -m tests.docs.make`, or
`make docs`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from rapport.cli.main import cli
from rapport.settings import SETTINGS, Setting

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
AGAIN = "docs/reference/ is not what the code says: run make docs"

_SETTINGS = """\
# Settings

Made from the code by `make docs`.

A flag of the command line counts for more than a variable of the environment, and that for more than `rapport.toml`.
`rapport settings` shows each value in force and where it comes from.

- **The file** is TOML, with the names of the first column: `port = 8080`, `strict = true`,
  `cors_origins = ["https://app.example"]`. There may be a `rapport.toml` in the working folder and another in the data
  folder; what the first says counts for more, and only it can say `data`. A file that `--config FILE` or
  `RAPPORT_CONFIG` names is the only one that is read. A relative path in it starts from the working folder.
- **A file for one value**: `RAPPORT_<NAME>_FILE` names a file that holds it, for each setting but those marked ¹.
- **Passwords** in settings marked ² are never shown.
- `~` at the beginning of a path is the home folder.
- A value that can't be used stops the start with one sentence; a name that is none is a warning.

| Name | Variable | Flag | Default | Takes | What for |
| --- | --- | --- | --- | --- | --- |
"""
_COMMANDS = """\
# Commands

Made from the code by `make docs`. `rapport COMMAND --help` says the same.

Texts go by the API's own rules, and what is not UTF-8 is refused. A command that can't do its work says why in one
sentence on standard error and ends with 1. With `--json` there is one JSON object on standard output and nothing else.
`rapport --install-completion` teaches your shell to complete commands and options; `rapport --version` prints the
version. What can be set by options and otherwise is in [settings](settings.md).
"""


def pages() -> dict[Path, str]:
    """Each page's text."""
    return {
        REFERENCE / "settings.md": _SETTINGS + "".join(_setting(one) for one in SETTINGS.values()),
        REFERENCE / "commands.md": _COMMANDS
        + "".join(_commands(typer.main.get_command(cli), "rapport")),
    }


def _setting(one: Setting) -> str:
    marks = f"{'' if one.twin else '¹'}{'²' if one.secret else ''}"
    cells = (
        f"`{one.name}`{marks}",
        f"`{one.variable}`",
        f"`{one.option}`" if one.option else "",
        f"`{one.default}`" if one.default else "",
        one.rule.words,
        one.sentence,
    )
    return f"| {' | '.join(map(_cell, cells))} |\n"


def _cell(text: str) -> str:
    """A text that stays one cell, and in which `<name>` stays to be seen."""
    return text.replace("|", r"\|").replace("<", r"\<").replace("_*", r"_\*").replace("-*", r"-\*")


def _commands(command: Any, name: str) -> Iterator[str]:
    if (members := getattr(command, "commands", None)) is None:
        yield _command(command, name)
        return
    for member, one in sorted(members.items()):
        yield from _commands(one, f"{name} {member}")


def _command(command: Any, name: str) -> str:
    shown = [one for one in command.params if not getattr(one, "hidden", False)]
    arguments = [one for one in shown if one.param_type_name == "argument"]
    options = [one for one in shown if one.param_type_name == "option"]
    usage = " ".join(
        [
            name,
            *(map(_argument, arguments)),
            *(f"{_option(one)}" for one in options if one.required),
        ]
    )
    more = " [options]" if any(not one.required for one in options) else ""
    rows = [f"| `{_argument(one)}` | {_told(one)} |\n" for one in arguments]
    rows += [f"| `{_option(one)}` | {_told(one)} |\n" for one in options]
    table = "\n| | |\n| --- | --- |\n" + "".join(rows) if rows else ""
    return f"\n## {name}\n\n    {usage}{more}\n\n{command.help}\n{table}"


def _argument(one: Any) -> str:
    name = one.metavar or one.name.upper()
    return name if one.required else f"[{name}]"


def _option(one: Any) -> str:
    return f"{one.opts[0]} {one.metavar}" if one.metavar else str(one.opts[0])


def _told(one: Any) -> str:
    # A flag is off, and no list is given, where nothing is said.
    default = (
        f" `{one.default}` without it."
        if isinstance(one.default, str | int) and one.default is not False
        else ""
    )
    variable = f" Else {one.envvar}." if one.envvar else ""
    return _cell(f"{one.help}{variable}{default}")


def main() -> None:
    """Write the pages."""
    for path, text in pages().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
