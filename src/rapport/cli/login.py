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
    from rapport.serving import listener

    settings = settings_of(data, database, config)
    answer = run(settings, "login", {"user": user, "org": org})
    base = settings.public_url or listener.url(settings, settings.host, settings.port)
    answer["url"] = f"{base}/sign-in/{answer.pop('secret')}"
    person = answer["user"]
    lines = [f"{answer['url']}  ({person['email']}; good once, within ten minutes)"]
    show(answer, as_json=as_json, lines=lines)
