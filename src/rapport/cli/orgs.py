"""`rapport orgs`: whom this server serves."""

import json
import sys
from typing import Annotated

import typer

from rapport.cli.ask import fail, run, settings_of, show, show_org, table
from rapport.cli.options import Commands, Config, Data, Database, Json, TokenFile, new_file

orgs = Commands(help="Make and manage dev orgs.")


@orgs.command("create")
def orgs_create(
    name: Annotated[str, typer.Argument(help="The org's name.")],
    email: Annotated[str, typer.Option(metavar="EMAIL", help="The email of its first admin.")],
    data: Data = None,
    database: Database = None,
    config: Config = None,
    into: TokenFile = None,
    *,
    as_json: Json = False,
) -> None:
    """Make an org, its admin and a token for them."""
    file = new_file(into)
    answer = run(settings_of(data, database, config), "orgs create", {"name": name, "email": email})
    show_org(answer, file, as_json=as_json)


@orgs.command("list")
def orgs_list(
    data: Data = None, database: Database = None, config: Config = None, *, as_json: Json = False
) -> None:
    """Every org."""
    answer = run(settings_of(data, database, config), "orgs list", {})
    if as_json:
        print(json.dumps(answer))
    else:
        table(
            answer["orgs"], {"ORG": "display_id", "NAME": "name", "STORAGE BYTES": "storage_bytes"}
        )


ThisOrg = Annotated[str, typer.Argument(metavar="ORG", help="The org, by id or name.")]


@orgs.command("rename")
def orgs_rename(
    org: ThisOrg,
    name: Annotated[str, typer.Argument(help="Its name from now on.")],
    data: Data = None,
    database: Database = None,
    config: Config = None,
    *,
    as_json: Json = False,
) -> None:
    """Give an org another name."""
    answer = run(settings_of(data, database, config), "orgs rename", {"org": org, "name": name})
    show(answer, as_json=as_json, lines=[f"{answer['org']['display_id']} is now {name}."])


@orgs.command("delete")
def orgs_delete(
    org: ThisOrg,
    data: Data = None,
    database: Database = None,
    config: Config = None,
    *,
    yes: Annotated[
        bool, typer.Option("--yes", help="Don't ask for the org's name first; for scripts.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Delete an org with all that it has, files and tokens too, for good."""
    settings = settings_of(data, database, config)
    name = None if yes else _asked(f"All that {org} has will be gone for good. Its name, to go on:")
    answer = run(settings, "orgs delete", {"org": org, "name": name})
    gone = answer["org"]
    show(answer, as_json=as_json, lines=[f"{gone['name']} ({gone['display_id']}) is deleted."])


def _asked(question: str) -> str:
    """What the operator types; the question stays out of standard output."""
    print(question, end=" ", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not line:
        print(file=sys.stderr)
        fail("nobody answered, so nothing was done: --yes goes on without asking")
    return line.rstrip("\r\n")
