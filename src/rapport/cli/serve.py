"""`rapport serve`: one process, or a parent and its workers."""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rapport.cli.ask import fail
from rapport.cli.options import Config, Data, Database, TokenFile, path
from rapport.folder import CannotStart
from rapport.settings import SettingError, load

if TYPE_CHECKING:
    from rapport.serving.installation import First


def serve(
    data: Data = None,
    database: Database = None,
    config: Config = None,
    host: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="The address to listen on.")
    ] = None,
    port: Annotated[
        str | None, typer.Option(metavar="PORT", help="The port to listen on; 0 takes a free one.")
    ] = None,
    tls: Annotated[
        str | None, typer.Option(metavar="dev", help="HTTPS, with a local CA in the data folder.")
    ] = None,
    tls_name: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Whom --tls dev makes its certificate for; several times, or by comma.",
        ),
    ] = None,
    tls_cert: Annotated[
        str | None, typer.Option(metavar="FILE", help="HTTPS with this certificate (PEM).")
    ] = None,
    tls_key: Annotated[
        str | None, typer.Option(metavar="FILE", help="The private key of --tls-cert (PEM).")
    ] = None,
    workers: Annotated[
        str | None,
        typer.Option(
            metavar="COUNT",
            help="Processes that serve; more than one need PostgreSQL. SIGHUP renews them.",
        ),
    ] = None,
    org: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="What the org of an empty data folder is called."),
    ] = None,
    email: Annotated[
        str | None, typer.Option(metavar="EMAIL", help="The email of that org's admin.")
    ] = None,
    into: TokenFile = None,
    worker: Annotated[
        str | None, typer.Option(hidden=True, help="What a worker is told by its parent.")
    ] = None,
    *,
    demo: Annotated[
        bool, typer.Option("--demo", help="Fill an empty data folder with a demo org.")
    ] = False,
) -> None:
    """Serve the API. An empty data folder is initialised, and the token is shown once."""
    flags = {
        "data": data,
        "database_url": database,
        "config": config,
        "host": host,
        "port": port,
        "tls": tls,
        "tls_cert": tls_cert,
        "tls_key": tls_key,
        "tls_name": ",".join(tls_name) if tls_name else None,
        "workers": workers,
    }
    if demo and (org or email):
        fail("--demo brings an org and its admin: leave out --org and --email, or --demo")
    given = {
        "org": org,
        "email": email,
        "token_file": None if into is None else path(into, "--token-file"),
    }
    if worker is not None:
        _work(flags, worker, given, with_demo=demo)
        return
    settings = load(flags)

    def say(line: str) -> None:
        print(line, flush=True)

    if settings.workers > 1:
        from rapport.serving.workers import serve as serve_with_workers

        serve_with_workers(settings, say=say)
    else:
        from rapport.serving import installation

        installation.serve(settings, _first(given, with_demo=demo), say=say)


def _first(given: Mapping[str, Any], *, with_demo: bool) -> "First":
    from rapport.serving.installation import First

    return First(
        **{name: value for name, value in given.items() if value is not None}, with_demo=with_demo
    )


def _work(
    flags: Mapping[str, Any], option: str, given: Mapping[str, Any], *, with_demo: bool
) -> None:
    """Serve as one of several workers, whose parent tells the operator what is wrong."""
    from rapport.serving import installation
    from rapport.serving.parent import Parent

    parent = Parent(option)
    try:
        installation.serve(
            load(flags), _first(given, with_demo=with_demo), say=parent.say, parent=parent
        )
    except (SettingError, CannotStart) as error:
        parent.failed(str(error))
        sys.exit(1)
