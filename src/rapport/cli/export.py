"""`rapport export`: an org into a folder of files."""

import contextlib
import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rapport.cli.ask import fail, settings_of
from rapport.cli.options import Config, Data, Database, Json, Org, path
from rapport.cli.reach import As, Token, Url, User, of_one_moment, token_of
from rapport.cli.watching import watching
from rapport.settings import Settings

if TYPE_CHECKING:
    from rapport.store.kit.progress import Watch
    from rapport.transfer.export import Wanted


def export(
    folder: Annotated[
        str, typer.Argument(metavar="FOLDER", help="A new or empty folder to write into.")
    ],
    form: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="jsonl, csv or ics.")
    ] = "jsonl",
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="FAMILY", help="Only this family, such as engagements; repeatable."),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FAMILY=JSON",
            help='Filters of a family\'s list, such as engagements={"type": ["call"]}; repeatable.',
        ),
    ] = None,
    since: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=0,
            help="Only what changed since an export whose manifest has this sequence.",
        ),
    ] = None,
    data: Data = None,
    database: Database = None,
    config: Config = None,
    url: Url = None,
    token: Token = None,
    user: User = None,
    org: Org = None,
    *,
    deleted: Annotated[
        bool, typer.Option("--deleted", help="Deleted engagements and meetings too.")
    ] = False,
    events: Annotated[bool, typer.Option("--events", help="The change feed too.")] = False,
    without_files: Annotated[
        bool, typer.Option("--no-files", help="Leave the bytes of artifacts out.")
    ] = False,
    bom: Annotated[
        bool, typer.Option("--bom", help="Begin CSV with a byte order mark, for Excel.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write an org's records into files, as of one moment; by a URL as they are met."""
    import asyncio

    from rapport.clock import system_clock
    from rapport.logs import configure_logs
    from rapport.transfer import out
    from rapport.transfer.asking import Refused, Unreachable

    configure_logs()
    if form not in out.FORMATS:
        fail(f"--format: {form!r} is none of {', '.join(out.FORMATS)}")
    place = path(folder, "FOLDER")
    wanted = _wanted(form, only or [], where or [], since, deleted=deleted, events=events)
    asked = out.Form(form, bom=bom, files=not without_files)

    async def run(watch: "Watch") -> dict[str, Any]:
        if data is None and url:
            from rapport.transfer.over_http import OverHttp

            with contextlib.closing(OverHttp(url, token_of(token))) as server:
                return await out.export(
                    server, place, wanted, asked, watch=watch, clock=system_clock
                )
        settings = settings_of(data, database, config)
        _refuse_within(place, settings)
        async with of_one_moment(settings, As(user, org)) as asker:
            return await out.export(asker, place, wanted, asked, watch=watch, clock=system_clock)

    try:
        with watching(is_seen=sys.stderr.isatty() and not as_json) as watch:
            manifest = asyncio.run(run(watch))
    except (out.CannotExport, Refused, Unreachable) as error:
        fail(str(error))
    print(json.dumps({**manifest, "folder": folder}) if as_json else _sentences(folder, manifest))


def _refuse_within(place: Any, settings: Settings) -> None:
    """Nothing but the store belongs into the data folder."""
    if place.resolve().is_relative_to(settings.data.resolve()):
        fail(f"{place} is in the data folder: name a folder outside of it")


def _wanted(
    form: str, only: list[str], where: list[str], since: int | None, *, deleted: bool, events: bool
) -> "Wanted":
    from rapport.transfer.export import Wanted
    from rapport.transfer.families import BY_NAME

    filters = dict(_filter(one) for one in where)
    for name in [*only, *filters]:
        if name not in BY_NAME:
            fail(f"there is no family {name!r}: it is one of {', '.join(BY_NAME)}")
    if since is not None and (form != "jsonl" or filters or deleted):
        fail("--since goes with --format jsonl alone, and without --where and --deleted")
    dated = ("engagements", "meetings")
    families = only or (dated if form == "ics" else [*BY_NAME])
    if form == "ics" and not set(families) <= set(dated):
        fail("--format ics takes engagements and meetings alone")
    return Wanted(
        families, filters, deleted=deleted, events=events, since=since, expanded=form != "jsonl"
    )


def _filter(text: str) -> tuple[str, Any]:
    """A family, and what its list is asked."""
    name, _, asked = text.partition("=")
    try:
        value = json.loads(asked)
    except ValueError:
        fail(f"--where: {text!r} is not FAMILY=JSON")
    if not isinstance(value, dict) or value.keys() & {"cursor", "limit", "mode", "sort_by"}:
        fail(f"--where: {asked!r} is no object of filters")
    return name, value


def _sentences(folder: str, manifest: Any) -> str:
    lines = [f"{name:<20} {count:>12,}" for name, count in manifest["counts"].items()]
    lines.append(
        f"{folder} holds {sum(manifest['counts'].values()):,} records and {manifest['files']:,} "
        f"files; the next increment is --since {manifest['sequence']}."
    )
    return "\n".join(lines)
