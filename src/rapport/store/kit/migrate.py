"""Numbered migrations, append-only, each in one transaction.

A migration's first lines carry `-- compatible: N`: the oldest program (by the last migration that it knows) that may
still run on the migrated store. The number is kept in the store, because it is for programs that don't know the file.
"""

import functools
import re
from importlib import resources
from typing import NamedTuple

from rapport.store.kit.db import Tx


class Migration(NamedTuple):
    """One step. `sql` has the dialect's members in braces."""

    version: int
    compatible: int
    sql: str


class NewerDatabase(Exception):
    """The store was written by a newer program that this one can't follow."""


@functools.cache
def migrations() -> list[Migration]:
    """Every step that this program knows, in order; read once, so that an upgrade in place does not reach it."""
    found = []
    for file in sorted(resources.files("rapport.store").joinpath("migrations").iterdir(), key=lambda file: file.name):
        if file.name.endswith(".sql"):
            sql = file.read_text(encoding="utf-8")
            compatible = re.search(r"^-- compatible: (\d+)$", sql, re.MULTILINE)
            if compatible is None:
                raise ValueError(f"{file.name} does not say what it is compatible with")
            found.append(Migration(int(file.name.partition("_")[0]), int(compatible[1]), sql))
    return found


def newest() -> int:
    """The last step that this program knows."""
    return migrations()[-1].version


async def is_outdated(tx: Tx) -> bool:
    """Whether a newer program has migrated the store so that this one can't work on it any more."""
    row = await tx.one("SELECT max(compatible) FROM migrations")
    return row is not None and row[0] > newest()


def check(version: int, compatible: int) -> None:
    """Refuse a store that this program can't work on.

    Raises:
        NewerDatabase: its oldest compatible program is newer than this one.
    """
    if compatible > newest():
        raise NewerDatabase(
            f"the store is at version {version} and needs a program that knows version {compatible}; "
            f"this one knows {newest()}: install a newer rapport-server"
        )


def pending(version: int) -> list[Migration]:
    """The steps that a store at `version` still needs."""
    return [step for step in migrations() if step.version > version]
