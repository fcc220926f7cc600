"""`rapport backup` and `rapport restore`: a store among backups, and back."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rapport.cli.ask import fail, settings_of, table
from rapport.cli.options import Commands, Config, Data, Database, Group, Json, path
from rapport.cli.watching import watching
from rapport.folder import CannotStart

if TYPE_CHECKING:
    from rapport.upkeep.backups.manifest import AnyManifest, Manifest
    from rapport.upkeep.backups.prune import Pruned
    from rapport.upkeep.backups.restore import Restored
    from rapport.upkeep.backups.sealing import Opening


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
    str,
    typer.Argument(
        metavar="TARGET",
        help="The folder of backups, made where it is missing; or s3://bucket/prefix.",
    ),
]
_Place = Annotated[str, typer.Argument(metavar="TARGET", help="The folder or bucket of backups.")]
_Wanted = Annotated[
    str | None,
    typer.Option(
        "--backup", metavar="NAME", help="How the backup's name begins; else it is the newest."
    ),
]

_EncryptTo = Annotated[
    list[str] | None,
    typer.Option(
        "--encrypt-to",
        metavar="RECIPIENT",
        help="Encrypt to this recipient of age (age1…); several times for several.",
    ),
]
_PassphraseFile = Annotated[
    str | None,
    typer.Option("--passphrase-file", metavar="FILE", help="A file that holds a passphrase."),
]
_IdentityFile = Annotated[
    str | None,
    typer.Option(
        "--identity-file",
        metavar="FILE",
        help="A file that holds an identity of age (AGE-SECRET-KEY-1…).",
    ),
]
_KeepLast = Annotated[
    int, typer.Option("--keep-last", metavar="N", min=0, help="Keep so many of the newest.")
]
_KeepDays = Annotated[
    int,
    typer.Option(
        "--keep-days", metavar="N", min=0, help="Keep the newest of each of so many days."
    ),
]
_KeepWeeks = Annotated[
    int,
    typer.Option(
        "--keep-weeks", metavar="N", min=0, help="Keep the newest of each of so many weeks."
    ),
]
_KeepMonths = Annotated[
    int,
    typer.Option(
        "--keep-months", metavar="N", min=0, help="Keep the newest of each of so many months."
    ),
]


@backup.command("make")
def backup_make(
    target: _Target,
    data: Data = None,
    database: Database = None,
    config: Config = None,
    keep_last: _KeepLast = 0,
    keep_days: _KeepDays = 0,
    keep_weeks: _KeepWeeks = 0,
    keep_months: _KeepMonths = 0,
    encrypt_to: _EncryptTo = None,
    passphrase_file: _PassphraseFile = None,
    *,
    as_json: Json = False,
) -> None:
    """Back up all rows and files as of one moment; `rapport backup TARGET` for short. What a backup
    in the folder has already is not written again. With a `--keep` option it is pruned afterwards.
    """
    import asyncio

    from rapport.logs import configure_logs
    from rapport.upkeep.backups.make import make
    from rapport.upkeep.backups.manifest import short
    from rapport.upkeep.backups.prune import Keep, prune
    from rapport.upkeep.backups.sealing import Wanted

    configure_logs()
    settings = settings_of(data, database, config)
    keep = Keep(keep_last, keep_days, keep_weeks, keep_months)
    with watching(is_seen=sys.stderr.isatty() and not as_json) as watch:
        wanted = Wanted(encrypt_to or (), _file(passphrase_file, "--passphrase-file"))
        made = asyncio.run(make(settings, _place(target), watch, encryption=wanted))
    pruned = asyncio.run(prune(_place(target), keep)) if any(keep) else None
    answer = {
        **_answer(made.name, made.manifest),
        "written_files": made.written,
        "written_bytes": made.written_bytes,
        **({"pruned": pruned._asdict()} if pruned else {}),
    }
    sentences = (
        f"Backed up to {target} as {short(made.name)}: {_contents(made.manifest)}; "
        f"{made.written:,} files were new, {made.written_bytes:,} bytes."
    )
    if not wanted:
        sentences += "\nIt is not encrypted, and holds secrets: secret.key and webhooks' own."
    print(json.dumps(answer) if as_json else sentences)
    if pruned and not as_json:
        print(_pruned(pruned))
    if lost := len(made.manifest.damaged):
        fail(
            f"the store has lost the bytes of {lost} files of artifacts, which the backup lacks "
            "too: its manifest names them"
        )


@backup.command("verify")
def backup_verify(
    target: _Place,
    wanted: _Wanted = None,
    identity_file: _IdentityFile = None,
    passphrase_file: _PassphraseFile = None,
    *,
    as_json: Json = False,
) -> None:
    """Restore a backup into a folder that is thrown away, and compare counts and hashes."""
    import asyncio

    from rapport.logs import configure_logs
    from rapport.upkeep.backups.restore import verify

    configure_logs()
    with watching(is_seen=sys.stderr.isatty() and not as_json) as watch:
        opening = _opening(identity_file, passphrase_file)
        whole = asyncio.run(verify(_place(target), wanted, watch, opening))
    _show_restored(whole, "Restored and compared", as_json=as_json)


@backup.command("list")
def backup_list(target: _Place, *, as_json: Json = False) -> None:
    """Every finished backup, the oldest first."""
    import asyncio

    from rapport.upkeep.backups.manifest import short
    from rapport.upkeep.backups.prune import listed

    answers = [
        {"name": one.name, "damaged": True}
        if one.manifest is None
        else {**_answer(one.name, one.manifest), "damaged": False}
        for one in asyncio.run(listed(_place(target)))
    ]
    if as_json:
        print(json.dumps({"backups": answers}))
    else:
        columns = {"BACKUP": "name", "MADE": "created", "ROWS": "rows", "FILES": "files"}
        rows: list[dict[str, Any]] = [
            {
                "created": "damaged",
                "rows": "encrypted" if one.get("encrypted") else None,
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
    keep_last: _KeepLast = 0,
    keep_days: _KeepDays = 0,
    keep_weeks: _KeepWeeks = 0,
    keep_months: _KeepMonths = 0,
    *,
    as_json: Json = False,
) -> None:
    """Remove the backups that no option keeps, and every file that no other one needs."""
    import asyncio

    from rapport.upkeep.backups.prune import Keep, prune

    keep = Keep(keep_last, keep_days, keep_weeks, keep_months)
    pruned = asyncio.run(prune(_place(target), keep))
    print(json.dumps(pruned._asdict()) if as_json else _pruned(pruned))


def restore(
    target: _Place,
    wanted: _Wanted = None,
    data: Data = None,
    database: Database = None,
    config: Config = None,
    identity_file: _IdentityFile = None,
    passphrase_file: _PassphraseFile = None,
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
            backups.restore(
                settings,
                _place(target),
                wanted,
                watch,
                _opening(identity_file, passphrase_file),
                keeps_webhooks=keep_webhooks,
            )
        )
    _show_restored(restored, f"{restored.place} holds", as_json=as_json)


def _place(target: str) -> str:
    """A bucket, or a folder's path.

    Raises:
        CannotStart: it is neither.
    """
    from rapport.setting_rules import BACKUP_TARGET

    try:
        return BACKUP_TARGET.read(target) or str(path(target, "TARGET"))
    except ValueError:
        raise CannotStart(f"TARGET is {target!r}, but must be {BACKUP_TARGET.words}") from None


def _file(name: str | None, option: str) -> Path | None:
    return None if name is None else path(name, option)


def _opening(identity_file: str | None, passphrase_file: str | None) -> "Opening":
    from rapport.upkeep.backups.sealing import Opening

    return Opening(
        _file(identity_file, "--identity-file"), _file(passphrase_file, "--passphrase-file")
    )


def _show_restored(restored: "Restored", begin: str, *, as_json: bool) -> None:
    from rapport.upkeep.backups.manifest import short

    if as_json:
        print(json.dumps({**_answer(restored.name, restored.manifest), "place": restored.place}))
    else:
        print(f"{begin} the backup {short(restored.name)}: {_contents(restored.manifest)}.")


def _answer(name: str, manifest: "AnyManifest") -> dict[str, Any]:
    """What is known of a backup: of an encrypted one, what needs no key."""
    from rapport.upkeep.backups.manifest import SealedManifest, parts

    told: dict[str, Any] = {
        "name": name,
        "created": manifest.created,
        "program": manifest.program,
        "bytes": sum(part.bytes for part in parts(manifest).values()),
    }
    if isinstance(manifest, SealedManifest):
        return {**told, "encrypted": True}
    return {
        **told,
        "schema": manifest.schema,
        "rows": manifest.rows,
        "files": len(manifest.files),
        "damaged_files": len(manifest.damaged),
        "encrypted": bool(manifest.recipients),
    }


def _pruned(pruned: "Pruned") -> str:
    return (
        f"{len(pruned.removed):,} backups removed, {len(pruned.kept):,} kept; "
        f"{pruned.files:,} files removed, {pruned.bytes:,} bytes."
    )


def _contents(manifest: "Manifest") -> str:
    return f"{manifest.rows:,} rows and {len(manifest.files):,} files of {manifest.created}"
