"""`rapport`: every command. Each imports what it alone needs, so that the others start at once."""

import io
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from rapport import __version__
from rapport.cli.copy import copy
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
    path,
    refuse_bytes,
    refuse_texts,
)
from rapport.cli.webhooks import webhooks
from rapport.control import client
from rapport.folder import SOCKET, CannotStart
from rapport.settings import SETTINGS, SettingError, Settings, load, read_path

if TYPE_CHECKING:
    from rapport.serving.installation import First

cli = Commands(
    name="rapport",
    pretty_exceptions_enable=False,
    help="A self-hosted system of record for customer engagements that speaks DevRev's API.",
)
orgs = Commands(help="Make and manage dev orgs.")
users = Commands(help="Make and manage an org's dev users.")
tokens = Commands(help="Make, list and revoke tokens.")
cli.add_typer(orgs, name="orgs")
cli.add_typer(users, name="users")
cli.add_typer(tokens, name="tokens")
cli.add_typer(webhooks, name="webhooks")
cli.command()(copy)

CommandAnswer = dict[str, Any]


def main() -> None:
    """Run the command line."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal without Unicode shows names as well as it can.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        refuse_bytes()
        cli(prog_name="rapport")
    except (SettingError, CannotStart) as error:
        _fail(str(error))


def _fail(sentence: str) -> NoReturn:
    print(f"rapport: {sentence}", file=sys.stderr)
    sys.exit(1)


def _settings(data: str | None, database: str | None, config: str | None) -> Settings:
    settings = load({"data": data, "database_url": database, "config": config})
    for warning in settings.warnings:
        print(f"rapport: warning: {warning}", file=sys.stderr)
    return settings


def _run(settings: Settings, command: str, arguments: Mapping[str, Any]) -> CommandAnswer:
    """Run an operator's command, through the running server or on the store itself, or end with
    its refusal.
    """
    given = {name: value for name, value in arguments.items() if value is not None}
    # On PostgreSQL a command needs no server: it writes to the database itself.
    socket = settings.data / SOCKET
    answer = None if settings.database_url else client.ask(socket, command, given)
    if answer is None:
        import asyncio

        from rapport.serving import installation

        answer = asyncio.run(installation.run_command(settings, command, given))
    # A method's own refusal is what `rapport call` prints; every other command has nothing more to
    # say.
    if "error" in answer and not (command == "call" and "body" in answer):
        _fail(answer["error"])
    return answer


def _print(answer: CommandAnswer, *, as_json: bool, lines: list[str]) -> None:
    print(json.dumps(answer) if as_json else "\n".join(lines))


def _table(rows: list[CommandAnswer], columns: Mapping[str, str]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for title in columns:
        table.add_column(title, no_wrap=True)
    for row in rows:
        table.add_row(
            *(str(row[name] if row[name] is not None else "") for name in columns.values())
        )
    # What people wrote is no markup.
    Console(width=None if sys.stdout.isatty() else 200, markup=False, emoji=False).print(table)


@cli.callback(invoke_without_command=True)
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


@cli.command()
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

    from rapport.serving import installation

    settings = _settings(data, database, config)
    given = {"org": org, "email": email}
    refuse_texts("init", given)
    file = new_file(into)

    async def make() -> CommandAnswer:
        installation.configure_logs()
        async with installation.open_data(settings) as opened:
            return await opened.commands.run("init", given)

    answer = asyncio.run(make())
    if "error" in answer:
        _fail(answer["error"])
    _print_org(answer, file, as_json=as_json)


def _print_org(answer: CommandAnswer, file: Path | None, *, as_json: bool) -> None:
    lines = [
        f"Org    {answer['org']['name']} ({answer['org']['display_id']})",
        f"Admin  {answer['user']['email']} ({answer['user']['display_id']})",
        f"Token  {answer['token']}  (shown this once)",
    ]
    _print(answer, as_json=as_json, lines=lines)
    keep(answer, file)


@cli.command()
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
        _fail("--demo brings an org and its admin: leave out --org and --email, or --demo")
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


@cli.command()
def migrate(data: Data = None, database: Database = None, config: Config = None) -> None:
    """Bring the store to this program's version; of SQLite a copy is kept first."""
    import asyncio

    from rapport.serving import installation

    settings = _settings(data, database, config)

    print(f"The store in {asyncio.run(installation.migrate(settings))} is up to date.")


@cli.command()
def settings(
    data: Data = None, database: Database = None, config: Config = None, *, as_json: Json = False
) -> None:
    """Every setting, its value and where it comes from."""
    found = _settings(data, database, config).found
    if as_json:
        print(json.dumps({name: one._asdict() for name, one in found.items()}))
        return
    for name, one in found.items():
        setting = SETTINGS[name]
        print(f"{setting.variable} = {one.value}  ({one.source})")
        print(f"    {setting.sentence} Takes {setting.rule.words}.")


@cli.command()
def call(
    method: Annotated[str, typer.Argument(help="Such as engagements.list.")],
    request: Annotated[str, typer.Argument(help="The request as JSON.")] = "{}",
    data: Data = None,
    database: Database = None,
    config: Config = None,
    url: Annotated[
        str | None,
        typer.Option(envvar="RAPPORT_URL", metavar="URL", help="A server to ask over HTTP."),
    ] = None,
    token: Annotated[
        str | None, typer.Option(envvar="RAPPORT_TOKEN", metavar="TOKEN", help="The token for it.")
    ] = None,
    user: Annotated[
        str | None,
        typer.Option(metavar="USER", help="Without a URL: act as this user, else the first admin."),
    ] = None,
    org: Org = None,
) -> None:
    """Call a method: over HTTP with a token, else on the data folder, with or without a running
    server.
    """
    token = token or _read_token_file()
    if data is None and (url or token):
        status, body = _call_over_http(url or "http://127.0.0.1:8080", token or "", method, request)
    else:
        answer = _run(
            _settings(data, database, config),
            "call",
            {"method": method, "body": request, "user": user, "org": org},
        )
        status, body = answer["status"], _indented(answer["body"])
    print(body)
    sys.exit(0 if status < 400 else 1)  # noqa: PLR2004  # where HTTP's refusals begin


def _indented(text: str) -> str:
    """JSON on several lines, with the very text of its numbers.

    Raises:
        ValueError: it is none.
    """
    import msgspec

    return msgspec.json.format(text, indent=2)


def _read_token_file() -> str | None:
    """The token in the file that RAPPORT_TOKEN_FILE names."""
    name = os.environ.get("RAPPORT_TOKEN_FILE")
    try:
        return None if name is None else read_path(name).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        _fail(f"RAPPORT_TOKEN_FILE: {name} can't be read as a token")


def _call_over_http(url: str, token: str, method: str, request: str) -> tuple[int, str]:
    import urllib.error
    import urllib.request
    from http.client import HTTPException

    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    asked = urllib.request.Request(f"{url.rstrip('/')}/{method}", request.encode(), headers)  # noqa: S310  # --url
    try:
        try:
            answer = urllib.request.urlopen(asked, timeout=30)  # noqa: S310  # the operator's own URL
        except urllib.error.HTTPError as refusal:
            answer = refusal
        with answer:
            return answer.status, _indented(answer.read().decode())
    except (OSError, ValueError, HTTPException) as error:
        # What lies below says why; its wrapping says how we asked.
        why = getattr(error, "reason", error)
        _fail(f"{url} does not answer: {getattr(why, 'strerror', None) or why}")


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
    answer = _run(_settings(data, database, config), "orgs create", {"name": name, "email": email})
    _print_org(answer, file, as_json=as_json)


@orgs.command("list")
def orgs_list(
    data: Data = None, database: Database = None, config: Config = None, *, as_json: Json = False
) -> None:
    """Every org."""
    answer = _run(_settings(data, database, config), "orgs list", {})
    if as_json:
        print(json.dumps(answer))
    else:
        _table(
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
    answer = _run(_settings(data, database, config), "orgs rename", {"org": org, "name": name})
    _print(answer, as_json=as_json, lines=[f"{answer['org']['display_id']} is now {name}."])


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
    settings = _settings(data, database, config)
    name = None if yes else _asked(f"All that {org} has will be gone for good. Its name, to go on:")
    answer = _run(settings, "orgs delete", {"org": org, "name": name})
    gone = answer["org"]
    _print(answer, as_json=as_json, lines=[f"{gone['name']} ({gone['display_id']}) is deleted."])


def _asked(question: str) -> str:
    """What the operator types; the question stays out of standard output."""
    print(question, end=" ", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not line:
        print(file=sys.stderr)
        _fail("nobody answered, so nothing was done: --yes goes on without asking")
    return line.rstrip("\r\n")


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
    answer = _run(_settings(data, database, config), "users list", {"org": org})
    if as_json:
        print(json.dumps(answer))
    else:
        _table(
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
    answer = _run(_settings(data, database, config), "users create", arguments)
    user = answer["user"]
    lines = [
        f"User   {user['email']} ({user['display_id']}, {user['role']})",
        f"Token  {answer['token']}  (shown this once)",
    ]
    _print(answer, as_json=as_json, lines=lines)
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
    answer = _run(
        _settings(data, database, config), "users role", {"user": user, "role": role, "org": org}
    )
    _print(answer, as_json=as_json, lines=[f"{answer['user']['display_id']} is now {role}."])


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
    answer = _run(
        _settings(data, database, config), "users email", {"user": user, "email": email, "org": org}
    )
    _print(answer, as_json=as_json, lines=[f"{answer['user']['display_id']} is now {email}."])


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
    answer = _run(_settings(data, database, config), "users deactivate", {"user": user, "org": org})
    _print(answer, as_json=as_json, lines=[f"{answer['user']['display_id']} is deactivated."])


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
    answer = _run(_settings(data, database, config), "users activate", {"user": user, "org": org})
    _print(answer, as_json=as_json, lines=[f"{answer['user']['display_id']} is active."])


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
    answer = _run(_settings(data, database, config), "tokens create", arguments)
    _print(
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
    answer = _run(_settings(data, database, config), "tokens list", {"user": user, "org": org})
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
        _table(answer["tokens"], columns)


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
    answer = _run(_settings(data, database, config), "tokens revoke", {"token": token, "org": org})
    _print(answer, as_json=as_json, lines=[f"{answer['display_id']} is revoked."])


if __name__ == "__main__":
    main()
