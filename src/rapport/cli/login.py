"""`rapport login`: a link into the console."""

from typing import Annotated

import typer

from rapport.cli.ask import run, settings_of, show
from rapport.cli.options import Config, Data, Database, Json, Org


def login(
    user: Annotated[
        str | None,
        typer.Option(
            metavar="USER", help="Whom it signs in, by id or email; else the first admin."
        ),
    ] = None,
    data: Data = None,
    database: Database = None,
    config: Config = None,
    org: Org = None,
    *,
    as_json: Json = False,
) -> None:
    """Print a link that signs a dev user in to the console, once, within ten minutes."""
    answer = run(settings_of(data, database, config), "login", {"user": user, "org": org})
    lines = [answer["url"], f"It signs {answer['user']['email']} in, once, within ten minutes."]
    show(answer, as_json=as_json, lines=lines)
