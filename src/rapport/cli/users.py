"""`rapport users`: the dev users of an org."""

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

users = Commands(help="Make and manage an org's dev users.")


@users.command("list")
def users_list(
    data: Data = None,
    database: Database = None,
    config: Config = None,
    org: Org = None,
    *,
    as_json: Json = False,
) -> None:
    """An org's dev users."""
    answer = run(settings_of(data, database, config), "users list", {"org": org})
    if as_json:
        print(json.dumps(answer))
    else:
        table(
            answer["users"],
            {"USER": "display_id", "EMAIL": "email", "ROLE": "role", "STATE": "state"},
        )


@users.command("create")
def users_create(
    email: Annotated[str, typer.Argument(help="Their email, unique in the org.")],
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Their full name.")] = None,
    role: Annotated[str, typer.Option(metavar="ROLE", help="viewer, member or admin.")] = "member",
    data: Data = None,
    database: Database = None,
    config: Config = None,
    org: Org = None,
    into: TokenFile = None,
    *,
    as_json: Json = False,
) -> None:
    """Make an active dev user, with a token that is shown this once."""
    file = new_file(into)
    arguments = {"email": email, "name": name, "role": role, "org": org}
    answer = run(settings_of(data, database, config), "users create", arguments)
    user = answer["user"]
    lines = [
        f"User   {user['email']} ({user['display_id']}, {user['role']})",
        f"Token  {answer['token']}  (shown this once)",
    ]
    show(answer, as_json=as_json, lines=lines)
    keep(answer, file)


User = Annotated[str, typer.Argument(help="The dev user, by id or email.")]


@users.command("role")
def users_role(
    user: User,
    role: Annotated[str, typer.Argument(help="viewer, member or admin.")],
    data: Data = None,
    database: Database = None,
    config: Config = None,
    org: Org = None,
    *,
    as_json: Json = False,
) -> None:
    """Give a dev user another role."""
    answer = run(
        settings_of(data, database, config), "users role", {"user": user, "role": role, "org": org}
    )
    show(answer, as_json=as_json, lines=[f"{answer['user']['display_id']} is now {role}."])


@users.command("email")
def users_email(
    user: User,
    email: Annotated[str, typer.Argument(help="Their email from now on, unique in the org.")],
    data: Data = None,
    database: Database = None,
    config: Config = None,
    org: Org = None,
    *,
    as_json: Json = False,
) -> None:
    """Give a dev user another email."""
    answer = run(
        settings_of(data, database, config),
        "users email",
        {"user": user, "email": email, "org": org},
    )
    show(answer, as_json=as_json, lines=[f"{answer['user']['display_id']} is now {email}."])


@users.command("deactivate")
def users_deactivate(
    user: User,
    data: Data = None,
    database: Database = None,
    config: Config = None,
    org: Org = None,
    *,
    as_json: Json = False,
) -> None:
    """Keep a dev user out from now on; what they wrote stays."""
    answer = run(
        settings_of(data, database, config), "users deactivate", {"user": user, "org": org}
    )
    show(answer, as_json=as_json, lines=[f"{answer['user']['display_id']} is deactivated."])


@users.command("activate")
def users_activate(
    user: User,
    data: Data = None,
    database: Database = None,
    config: Config = None,
    org: Org = None,
    *,
    as_json: Json = False,
) -> None:
    """Let a dev user in, who was kept out or never let in."""
    answer = run(settings_of(data, database, config), "users activate", {"user": user, "org": org})
    show(answer, as_json=as_json, lines=[f"{answer['user']['display_id']} is active."])
