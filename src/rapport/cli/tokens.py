"""`rapport tokens`: what callers show."""

import json
from typing import Annotated

import typer

from rapport.cli.ask import run, settings_of, show, table
from rapport.cli.options import (
    Commands,
    Config,
    Data,
    Database,
    Json,
    Org,
    TokenFile,
    keep,
    new_file,
)

tokens = Commands(help="Make, list and revoke tokens.")


@tokens.command("create")
def tokens_create(
    user: Annotated[
        str,
        typer.Option(
            metavar="USER", help="Whose token: a dev user by id or email, a service account by id."
        ),
    ],
    name: Annotated[str, typer.Option(metavar="NAME", help="What it is for.")] = "token",
    scope: Annotated[
        str | None,
        typer.Option(
            metavar="SCOPE",
            help="Such as 'engagement:read tag:write'; without it, all of the role.",
        ),
    ] = None,
    days: Annotated[
        int, typer.Option(metavar="DAYS", help="How long it lives.", min=1, max=36500)
    ] = 1825,
    data: Data = None,
    database: Database = None,
    config: Config = None,
    org: Org = None,
    into: TokenFile = None,
    *,
    as_json: Json = False,
) -> None:
    """Make a token, which is shown this once."""
    file = new_file(into)
    arguments = {"user": user, "name": name, "scope": scope, "days": days, "org": org}
    answer = run(settings_of(data, database, config), "tokens create", arguments)
    show(
        answer,
        as_json=as_json,
        lines=[f"{answer['token']}  ({answer['display_id']}, shown this once)"],
    )
    keep(answer, file)


@tokens.command("list")
def tokens_list(
    user: Annotated[
        str | None, typer.Option(metavar="USER", help="Only this user's, by id or email.")
    ] = None,
    data: Data = None,
    database: Database = None,
    config: Config = None,
    org: Org = None,
    *,
    as_json: Json = False,
) -> None:
    """Tokens, without their secrets."""
    answer = run(settings_of(data, database, config), "tokens list", {"user": user, "org": org})
    if as_json:
        print(json.dumps(answer))
    else:
        columns = {
            "TOKEN": "display_id",
            "USER": "user",
            "NAME": "name",
            "SCOPE": "scope",
            "EXPIRES": "expires_at",
            "REVOKED": "revoked",
        }
        table(answer["tokens"], columns)


@tokens.command("revoke")
def tokens_revoke(
    token: Annotated[str, typer.Argument(help="The token's id, such as TOKEN-1.")],
    data: Data = None,
    database: Database = None,
    config: Config = None,
    org: Org = None,
    *,
    as_json: Json = False,
) -> None:
    """Revoke a token; it is refused from now on."""
    answer = run(settings_of(data, database, config), "tokens revoke", {"token": token, "org": org})
    show(answer, as_json=as_json, lines=[f"{answer['display_id']} is revoked."])
