"""`rapport backup` and `rapport restore`: a store in a folder of backups, and back."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rapport.cli.ask import fail, settings_of, table
from rapport.cli.options import Commands, Config, Data, Database, Group, Json, path
from rapport.cli.watching import watching

if TYPE_CHECKING:
    from rapport.upkeep.backups.manifest import Manifest
    from rapport.upkeep.backups.restore import Restored


class _ToATarget(Group):
    """A folder in the place of a command is backed up to."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """See `click.MultiCommand.parse_args`."""
        if args and args[0] not in {*self.commands, "--help"}:
            args = ["make", *args]
        return super().parse_args(ctx, args)


backup = Commands(
    group=_ToATarget,
    help="Back the store up, served or not, and look after backups: rapport backup TARGET.",
)

_Target = Annotated[
    str, typer.Argument(metavar="TARGET", help="The folder of backups, made where it is missing.")
]
_Place = Annotated[str, typer.Argument(metavar="TARGET", help="The folder of backups.")]
_Wanted = Annotated[
    str | None,
    typer.Option(
        "--backup", metavar="NAME", help="How the backup's name begins; else it is the newest."
    ),
]


@backup.command("make")
def backup_make(
    target: _Target,
    data: Data = None,
    database: Database = None,
    config: Config = None,
    *,
    as_json: Json = False,
) -> None:
    """Back up all rows and files as of one moment; `rapport backup TARGET` for short. What a backup
    in the folder has already is not written again.
    """
    import asyncio

    from rapport.logs import configure_logs
    from rapport.upkeep.backups.make import make
    from rapport.upkeep.backups.manifest import short

    configure_logs()
    settings = settings_of(data, database, config)
    with watching(is_seen=sys.stderr.isatty() and not as_json) as watch:
        made = asyncio.run(make(settings, _folder(target), watch))
    answer = {
        **_answer(made.name, made.manifest),
        "written_files": made.written,
        "written_bytes": made.written_bytes,
        "encrypted": False,
    }
    sentences = (
        f"Backed up to {target} as {short(made.name)}: {_contents(made.manifest)}; "
        f"{made.written:,} files were new, {made.written_bytes:,} bytes.\n"
        "It is not encrypted, and holds secrets: secret.key and webhooks' own."
    )
    print(json.dumps(answer) if as_json else sentences)
    if lost := len(made.manifest.damaged):
        fail(
            f"the store has lost the bytes of {lost} files of artifacts, which the backup lacks "
            "too: its manifest names them"
        )


@backup.command("verify")
def backup_verify(target: _Place, wanted: _Wanted = None, *, as_json: Json = False) -> None:
    """Restore a backup into a folder that is thrown away, and compare counts and hashes."""
    import asyncio

    from rapport.logs import configure_logs
    from rapport.upkeep.backups.restore import verify

    configure_logs()
    with watching(is_seen=sys.stderr.isatty() and not as_json) as watch:
        whole = asyncio.run(verify(_folder(target), wanted, watch))
    _show_restored(whole, "Restored and compared", as_json=as_json)


@backup.command("list")
def backup_list(target: _Place, *, as_json: Json = False) -> None:
    """Every finished backup, the oldest first."""
    from rapport.upkeep.backups.manifest import short
    from rapport.upkeep.backups.prune import listed

    answers = [
        {"name": one.name, "damaged": True}
        if one.manifest is None
        else {**_answer(one.name, one.manifest), "damaged": False}
        for one in listed(_folder(target))
    ]
    if as_json:
        print(json.dumps({"backups": answers}))
    else:
        columns = {"BACKUP": "name", "MADE": "created", "ROWS": "rows", "FILES": "files"}
        rows: list[dict[str, Any]] = [
            {
                "created": "damaged",
                "rows": None,
                "files": None,
                **one,
                "name": short(str(one["name"])),
            }
            for one in answers
        ]
        table(rows, columns)


@backup.command("prune")
def backup_prune(
    target: _Place,
    keep_last: Annotated[
        int, typer.Option(metavar="N", min=0, help="Keep so many of the newest.")
    ] = 0,
    keep_days: Annotated[
        int, typer.Option(metavar="N", min=0, help="Keep the newest of each of so many days.")
    ] = 0,
    keep_weeks: Annotated[
        int, typer.Option(metavar="N", min=0, help="Keep the newest of each of so many weeks.")
    ] = 0,
    keep_months: Annotated[
        int, typer.Option(metavar="N", min=0, help="Keep the newest of each of so many months.")
    ] = 0,
    *,
    as_json: Json = False,
) -> None:
    """Remove the backups that no option keeps, and every file that no other one needs."""
    import asyncio

    from rapport.upkeep.backups.prune import Keep, prune

    keep = Keep(keep_last, keep_days, keep_weeks, keep_months)
    pruned = asyncio.run(prune(_folder(target), keep))
    print(
        json.dumps(pruned._asdict())
        if as_json
        else f"{len(pruned.removed):,} backups removed, {len(pruned.kept):,} kept; "
        f"{pruned.files:,} files removed, {pruned.bytes:,} bytes."
    )


def restore(
    target: _Place,
    wanted: _Wanted = None,
    data: Data = None,
    database: Database = None,
    config: Config = None,
    *,
    keep_webhooks: Annotated[
        bool,
        typer.Option(
            "--keep-webhooks",
            help="Let webhooks go on as they were; else each waits for its activation.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Make a store of a backup, in a new data folder, or an empty database and a new data folder;
    compare counts and hashes.
    """
    import asyncio

    from rapport.logs import configure_logs
    from rapport.upkeep.backups import restore as backups

    configure_logs()
    settings = settings_of(data, database, config)
    with watching(is_seen=sys.stderr.isatty() and not as_json) as watch:
        restored = asyncio.run(
            backups.restore(settings, _folder(target), wanted, watch, keeps_webhooks=keep_webhooks)
        )
    _show_restored(restored, f"{restored.place} holds", as_json=as_json)


def _folder(target: str) -> Path:
    return path(target, "TARGET")


def _show_restored(restored: "Restored", begin: str, *, as_json: bool) -> None:
    from rapport.upkeep.backups.manifest import short

    if as_json:
        print(json.dumps({**_answer(restored.name, restored.manifest), "place": restored.place}))
    else:
        print(f"{begin} the backup {short(restored.name)}: {_contents(restored.manifest)}.")


def _answer(name: str, manifest: "Manifest") -> dict[str, Any]:
    return {
        "name": name,
        "created": manifest.created,
        "program": manifest.program,
        "schema": manifest.schema,
        "rows": manifest.rows,
        "files": len(manifest.files),
        "bytes": sum(manifest.parts().values()),
        "damaged_files": len(manifest.damaged),
    }


def _contents(manifest: "Manifest") -> str:
    return f"{manifest.rows:,} rows and {len(manifest.files):,} files of {manifest.created}"
