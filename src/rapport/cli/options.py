"""What commands have in common: options, texts that are refused, files for tokens, pages of
help.
"""

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from rapport import token_file
from rapport.folder import CannotStart
from rapport.setting_rules import read_path
from rapport.settings import is_unicode
from rapport.store.postgres.urls import masked

Data = Annotated[
    str | None,
    typer.Option(metavar="DIR", help="The data folder; RAPPORT_DATA, else ./rapport-data."),
]
Database = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="PostgreSQL's URL; RAPPORT_DATABASE_URL, else SQLite in the data folder.",
    ),
]
Config = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Settings; RAPPORT_CONFIG, else rapport.toml in the working folder and the data "
        "folder.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Org = Annotated[
    str | None,
    typer.Option(metavar="ORG", help="The org, by id or name; needed where there are several."),
]
TokenFile = Annotated[
    str | None,
    typer.Option(
        "--token-file",
        metavar="FILE",
        help="Write the token to this new file as well, which only you can read.",
    ),
]


def path(text: str, what: str) -> Path:
    """Read a path that an option or an argument gives.

    Raises:
        CannotStart: it is none.
    """
    try:
        return read_path(text)
    except ValueError:
        raise CannotStart(f"{text!r} is no path for {what}") from None


def refuse_bytes() -> None:
    """Refuse what is no text, before a command comes upon it.

    Raises:
        CannotStart: an argument or a variable of ours is not UTF-8.
    """
    for place, text in enumerate(sys.argv[1:], 1):
        if not is_unicode(text):
            raise CannotStart(f"argument {place} is not UTF-8: {os.fsencode(masked(text))!r}")
    for name, text in os.environ.items():
        if name.startswith("RAPPORT_") and not is_unicode(text):
            raise CannotStart(f"{name} is not UTF-8")


def refuse_texts(command: str, given: Mapping[str, Any]) -> None:
    """Refuse what the API would, before anything is made.

    Raises:
        CannotStart: a text is none that the API would take.
    """
    from rapport.contract.kit.errors import ApiError
    from rapport.control.server import check, sentence

    try:
        check(command, given)
    except ApiError as error:
        raise CannotStart(sentence(error)) from None


def new_file(name: str | None) -> Path | None:
    """The new file that a token goes into.

    Raises:
        CannotStart: it can't be made.
    """
    if name is None:
        return None
    file = path(name, "--token-file")
    token_file.check(file)
    return file


def keep(answer: Mapping[str, Any], file: Path | None) -> None:
    """Write a token, which has been printed by now, to its file.

    Raises:
        CannotStart: it can't be made.
    """
    if file is not None:
        token_file.write(file, answer["token"])


def _without_types(params: list[Any]) -> list[Any]:
    """Flags take nothing, so help names no type for them."""
    for param in params:
        if getattr(param, "is_flag", False):
            param.metavar = ""
    return params


class _Command(TyperCommand):
    def get_params(self, ctx: Any) -> list[Any]:
        """Its options; see `_without_types`."""
        return _without_types(super().get_params(ctx))


class Group(TyperGroup):
    """A group, as help shows it."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Its options; see `_without_types`."""
        return _without_types(super().get_params(ctx))


class Commands(typer.Typer):
    """A group of commands."""

    def __init__(self, group: type[TyperGroup] = Group, **options: Any) -> None:
        super().__init__(cls=group, no_args_is_help=True, **options)

    def command(self, name: str | None = None, **options: Any) -> Callable[[Any], Any]:
        """Take a function as a command; see `typer.Typer.command`."""
        return super().command(name, cls=_Command, **options)
