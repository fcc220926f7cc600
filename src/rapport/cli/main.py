"""`rapport`: every command. Each imports what it alone needs, so that the others start at once."""

import io
import json
import sys
from typing import Annotated

import typer

from rapport import __version__
from rapport.cli.ask import CommandAnswer, fail, settings_of, show_org
from rapport.cli.backup import backup, restore
from rapport.cli.call import call
from rapport.cli.copy import copy
from rapport.cli.doctor import doctor
from rapport.cli.export import export
from rapport.cli.imports import imports
from rapport.cli.login import login
from rapport.cli.options import (
    Commands,
    Config,
    Data,
    Database,
    Json,
    TokenFile,
    new_file,
    refuse_bytes,
    refuse_texts,
)
from rapport.cli.orgs import orgs
from rapport.cli.serve import serve
from rapport.cli.tokens import tokens
from rapport.cli.users import users
from rapport.cli.webhooks import webhooks
from rapport.folder import CannotStart
from rapport.settings import SETTINGS, SettingError


def init(
    org: Annotated[str, typer.Option(metavar="NAME", help="The name of the first org.")],
    email: Annotated[str, typer.Option(metavar="EMAIL", help="The email of its first admin.")],
    data: Data = None,
    database: Database = None,
    config: Config = None,
    into: TokenFile = None,
    *,
    as_json: Json = False,
) -> None:
    """Make a store with an org, its admin and a token for them."""
    import asyncio

    from rapport.logs import configure_logs
    from rapport.serving import installation

    settings = settings_of(data, database, config)
    given = {"org": org, "email": email}
    refuse_texts("init", given)
    file = new_file(into)

    async def make() -> CommandAnswer:
        configure_logs()
        async with installation.open_data(settings) as opened:
            return await opened.commands.run("init", given)

    answer = asyncio.run(make())
    if "error" in answer:
        fail(answer["error"])
    show_org(answer, file, as_json=as_json)


def migrate(data: Data = None, database: Database = None, config: Config = None) -> None:
    """Bring the store to this program's version; of SQLite a copy is kept first."""
    import asyncio

    from rapport.serving import installation

    settings = settings_of(data, database, config)

    print(f"The store in {asyncio.run(installation.migrate(settings))} is up to date.")


def settings(
    data: Data = None, database: Database = None, config: Config = None, *, as_json: Json = False
) -> None:
    """Every setting, its value and where it comes from."""
    found = settings_of(data, database, config).found
    if as_json:
        print(json.dumps({name: one._asdict() for name, one in found.items()}))
        return
    for name, one in found.items():
        setting = SETTINGS[name]
        print(f"{setting.variable} = {one.value}  ({one.source})")
        print(f"    {setting.sentence} Takes {setting.rule.words}.")


def version_flag(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", is_eager=True)
    ] = False,
) -> None:
    """Options of the program itself."""
    if version:
        print(f"rapport {__version__}")
        raise typer.Exit


cli = Commands(
    name="rapport",
    pretty_exceptions_enable=False,
    help="A self-hosted system of record for customer engagements that speaks DevRev's API.",
)
cli.callback(invoke_without_command=True)(version_flag)
# Help tells of them in this order.
for one in (serve, login, init, call, migrate, copy, restore, export, doctor, settings):
    cli.command()(one)
groups = {
    "orgs": orgs,
    "users": users,
    "tokens": tokens,
    "webhooks": webhooks,
    "backup": backup,
    "import": imports,
}
for name, group in groups.items():
    cli.add_typer(group, name=name)


def main() -> None:
    """Run the command line."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal without Unicode shows names as well as it can.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        refuse_bytes()
        cli(prog_name="rapport")
    except (SettingError, CannotStart) as error:
        fail(str(error))
