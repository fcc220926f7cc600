"""`rapport import`: records from files, and back."""

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rapport.cli.ask import fail, settings_of, table
from rapport.cli.options import Commands, Config, Data, Database, Group, Json, Org, path
from rapport.cli.reach import As, Token, Url, User, in_store, to_write, token_of
from rapport.cli.watching import watching
from rapport.folder import IMPORTS

if TYPE_CHECKING:
    from rapport.settings import Settings
    from rapport.store.kit.progress import Watch
    from rapport.transfer.asking import Taker
    from rapport.transfer.importing import Wanted
    from rapport.transfer.journal import Journals, Run
    from rapport.transfer.mapping import Map


class _OfSources(Group):
    """A source in the place of a command is imported."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """See `click.MultiCommand.parse_args`."""
        if args and args[0] not in {*self.commands, "--help"}:
            args = ["run", *args]
        return super().parse_args(ctx, args)


imports = Commands(
    group=_OfSources,
    help="Bring records in from files, and take a run back: rapport import SOURCE… --from csv.",
)


@imports.command("run")
def import_run(
    sources: Annotated[
        list[str], typer.Argument(metavar="SOURCE…", help="Files, or the folder of an export.")
    ],
    form: Annotated[str, typer.Option("--from", metavar="FORMAT", help="csv, jsonl, eml or mbox.")],
    family: Annotated[
        str,
        typer.Option(
            metavar="FAMILY", help="What rows of a table become where no mapping says it."
        ),
    ] = "engagements",
    mapping: Annotated[
        str | None,
        typer.Option(
            "--map",
            metavar="FILE",
            help="Which column is which field, in TOML; where there is no such file, the guess is "
            "written there and nothing is done.",
        ),
    ] = None,
    refused: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="For refused rows; else beside the first source."),
    ] = None,
    data: Data = None,
    database: Database = None,
    config: Config = None,
    url: Url = None,
    token: Token = None,
    user: User = None,
    org: Org = None,
    *,
    create_people: Annotated[
        bool,
        typer.Option(
            "--create-people", help="Make people, accounts and tags that are not there yet."
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Do it all on a copy, and say what would happen.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Bring records in; `rapport import SOURCE… --from FORMAT` for short. Broken off, the same goes
    on; done, the same again changes nothing.
    """
    import asyncio

    from rapport.logs import configure_logs
    from rapport.transfer import importing
    from rapport.transfer.engine import Options

    configure_logs()
    if form not in importing.FORMATS:
        fail(f"--from: {form!r} is none of {', '.join(importing.FORMATS)}")
    wanted = importing.Wanted(
        [path(source, "SOURCE") for source in sources],
        form,
        _map_of(mapping),
        family,
        Options(creates=create_people),
        path(refused, "--refused") if refused else None,
    )
    with _sentences():
        if mapping and wanted.map is None:
            _write_guess(wanted, path(mapping, "--map"))
            return
        settings = None if data is None and url else settings_of(data, database, config)
        who = As(user, org)
        with watching(is_seen=sys.stderr.isatty() and not as_json) as watch:
            if dry_run:
                ran = asyncio.run(_try(wanted, settings, who, watch))
            else:
                ran = asyncio.run(_run(wanted, settings, who, (url, token), watch))
    _show(ran, as_json=as_json, dry_run=dry_run)


def _map_of(name: str | None) -> "Map | None":
    from rapport.transfer import mapping

    if name is None or not path(name, "--map").exists():
        return None
    with _sentences():
        return mapping.load(path(name, "--map"))


def _write_guess(wanted: "Wanted", file: Path) -> None:
    from rapport.transfer import importing, mapping

    if wanted.format != "csv":
        fail("--map goes with --from csv alone")
    reader: Any = importing.reader_of(wanted)
    with file.open("x", encoding="utf-8") as opened:
        opened.write(mapping.toml(reader.map))
    print(f"Wrote what the columns most likely are to {file}: look at it, and run the same again.")


@contextlib.contextmanager
def _sentences() -> Any:
    """What stops an import, as the one sentence that it is."""
    from rapport.transfer import asking, engine, journal, records

    try:
        yield
    except (
        asking.Refused,
        asking.Unreachable,
        engine.NotAllowed,
        journal.InUse,
        journal.NoSuchRun,
        records.CannotRead,
    ) as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename or 'a file'} can't be used: {error.strerror or error}")


@contextlib.asynccontextmanager
async def _reached(
    settings: "Settings | None", who: As, server: tuple[str | None, str | None]
) -> AsyncIterator["Taker"]:
    if settings is None:
        from rapport.transfer.over_http import OverHttp

        with contextlib.closing(OverHttp(server[0] or "", token_of(server[1]))) as taker:
            yield taker
    else:
        async with to_write(settings, who) as taker:
            yield taker


def _journals(settings: "Settings | None", url: str | None) -> "Journals":
    """Where runs are remembered: in the data folder, or here for a server elsewhere."""
    from rapport.transfer.journal import Journals

    if settings is not None:
        return Journals(settings.data / IMPORTS)
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    place = hashlib.sha256((url or "").rstrip("/").encode()).hexdigest()[:16]
    return Journals(Path(state) / "rapport" / IMPORTS / place)


async def _run(
    wanted: "Wanted",
    settings: "Settings | None",
    who: As,
    server: tuple[str | None, str | None],
    watch: "Watch",
) -> "Run":
    from rapport.clock import system_clock
    from rapport.transfer import importing

    reader = importing.reader_of(wanted)
    whose = f"{server[0] if settings is None else settings.data}\0{who}"
    async with _reached(settings, who, server) as taker:
        return await importing.run(
            taker,
            reader,
            wanted,
            _journals(settings, server[0]),
            whose=whose,
            watch=watch,
            clock=system_clock,
        )


async def _try(wanted: "Wanted", settings: "Settings | None", who: As, watch: "Watch") -> "Run":
    """Do it on a copy of the store, and keep nothing of it."""
    from rapport.clock import system_clock
    from rapport.serving import installation
    from rapport.settings import load
    from rapport.transfer import importing
    from rapport.transfer.journal import Journals
    from rapport.upkeep.scratch import scratch

    if settings is None:
        fail("a dry run is done on a copy of the store: run it where that is, without --url")
    reader = importing.reader_of(wanted)
    async with scratch(settings, watch) as folder:
        copied = load({"data": str(folder), "sync": "normal"}, {})
        own = wanted._replace(refused=folder.parent / "refused")
        async with installation.open_data(copied) as opened:
            return await importing.run(
                await in_store(opened, who),
                reader,
                own,
                Journals(folder / IMPORTS),
                whose="",
                watch=watch,
                clock=system_clock,
            )


def _show(ran: "Run", *, as_json: bool, dry_run: bool) -> None:
    from rapport.transfer.journal import shown

    told = shown(ran)
    if dry_run:
        told = {**told, "id": "", "refused_file": "", "dry_run": True}
    if as_json:
        print(json.dumps(told))
        return
    for outcome in ("new", "changed", "same", "refused"):
        print(f"{outcome:<8} {told[outcome]:>12,}{_example(told['first'].get(outcome))}")
    for name, count in told["made"].items():
        print(f"made     {count:>12,}   {name}")
    would = "would be " if dry_run else ""
    print(f"{told['read']:,} rows {would}read; {_end(told, dry_run=dry_run)}.")


def _example(first: Any) -> str:
    """The first row that something came of."""
    if first is None:
        return ""
    return f"   row {first['row']}: {first.get('reason') or first.get('title', '')}"


def _end(told: Any, *, dry_run: bool) -> str:
    if dry_run:
        return "nothing was changed"
    where = f"; refused rows are in {told['refused_file']}" if told["refused_file"] else ""
    return f"this was {told['id']}, which rapport import undo takes back{where}"


@imports.command("list")
def import_list(
    data: Data = None,
    database: Database = None,
    config: Config = None,
    url: Url = None,
    *,
    as_json: Json = False,
) -> None:
    """Every import into this store, or by a URL those from this computer, the oldest first."""
    from rapport.transfer.journal import shown

    settings = None if data is None and url else settings_of(data, database, config)
    told = [shown(run) for run in _journals(settings, url).runs()]
    if as_json:
        print(json.dumps({"imports": told}))
        return
    columns = {
        "IMPORT": "id", "STATE": "state", "STARTED": "started", "READ": "read", "NEW": "new",
        "CHANGED": "changed", "SAME": "same", "REFUSED": "refused", "SOURCES": "names",
    }  # fmt: skip
    table([{**one, "names": ", ".join(one["sources"])} for one in told], columns)


@imports.command("undo")
def import_undo(
    id_: Annotated[str, typer.Argument(metavar="ID", help="Such as IMPORT-1.")],
    data: Data = None,
    database: Database = None,
    config: Config = None,
    url: Url = None,
    token: Token = None,
    user: User = None,
    org: Org = None,
    *,
    as_json: Json = False,
) -> None:
    """Take an import back, as far as nobody has changed since what it brought."""
    import asyncio

    from rapport.logs import configure_logs
    from rapport.transfer import importing
    from rapport.transfer.undo import Undo

    configure_logs()
    settings = None if data is None and url else settings_of(data, database, config)

    async def run(watch: "Watch") -> Undo:
        async with _reached(settings, As(user, org), (url, token)) as taker:
            return await importing.undo(taker, _journals(settings, url), id_, watch=watch)

    with _sentences(), watching(is_seen=sys.stderr.isatty() and not as_json) as watch:
        undone = asyncio.run(run(watch))
    told = {"id": id_, "gone": undone.gone, "put_back": undone.put_back, "left": undone.left}
    if as_json:
        print(json.dumps(told))
        return
    for one in undone.left:
        print(f"{one['id']} stays: {one['reason']}")
    print(
        f"{undone.gone:,} are gone, {undone.put_back:,} are what they were, "
        f"{len(undone.left):,} stay."
    )
