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
    from rapport.serving.welcome import First


Host = Annotated[str | None, typer.Option(metavar="ADDRESS", help="The address to listen on.")]
Port = Annotated[
    str | None, typer.Option(metavar="PORT", help="The port to listen on; 0 takes a free one.")
]
Tls = Annotated[
    str | None, typer.Option(metavar="dev", help="HTTPS, with a local CA in the data folder.")
]
TlsNames = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        help="Whom --tls dev makes its certificate for; several times, or by comma.",
    ),
]
TlsCert = Annotated[
    str | None, typer.Option(metavar="FILE", help="HTTPS with this certificate (PEM).")
]
TlsKey = Annotated[
    str | None, typer.Option(metavar="FILE", help="The private key of --tls-cert (PEM).")
]
Workers = Annotated[
    str | None,
    typer.Option(
        metavar="COUNT",
        help="Processes that serve; more than one need PostgreSQL. SIGHUP renews them.",
    ),
]
OrgName = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="What the org of an empty data folder is called."),
]
AdminEmail = Annotated[
    str | None, typer.Option(metavar="EMAIL", help="The email of that org's admin.")
]
Worker = Annotated[
    str | None, typer.Option(hidden=True, help="What a worker is told by its parent.")
]
Demo = Annotated[bool, typer.Option("--demo", help="Fill an empty data folder with a demo org.")]


def serve(
    data: Data = None,
    database: Database = None,
    config: Config = None,
    host: Host = None,
    port: Port = None,
    tls: Tls = None,
    tls_name: TlsNames = None,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    workers: Workers = None,
    org: OrgName = None,
    email: AdminEmail = None,
    into: TokenFile = None,
    worker: Worker = None,
    *,
    demo: Demo = False,
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
    if worker is None:
        _serve(flags, given, with_demo=demo)
    else:
        _work(flags, worker, given, with_demo=demo)


def _serve(flags: Mapping[str, Any], given: Mapping[str, Any], *, with_demo: bool) -> None:
    """Serve as the only process, or as the parent of several workers."""
    settings = load(flags)

    def say(line: str) -> None:
        print(line, flush=True)

    if settings.workers > 1:
        from rapport.serving.workers import serve as serve_with_workers

        serve_with_workers(settings, say=say)
    else:
        from rapport.serving import running

        running.serve(settings, _first(given, with_demo=with_demo), say=say)


def _first(given: Mapping[str, Any], *, with_demo: bool) -> "First":
    from rapport.serving.welcome import First

    return First(
        **{name: value for name, value in given.items() if value is not None}, with_demo=with_demo
    )


def _work(
    flags: Mapping[str, Any], option: str, given: Mapping[str, Any], *, with_demo: bool
) -> None:
    """Serve as one of several workers, whose parent tells the operator what is wrong."""
    from rapport.serving import running
    from rapport.serving.parent import Parent

    parent = Parent(option)
    try:
        running.serve(
            load(flags), _first(given, with_demo=with_demo), say=parent.say, parent=parent
        )
    except (SettingError, CannotStart) as error:
        parent.failed(str(error))
        sys.exit(1)
