"""Numbered migrations, append-only, each in one transaction.

A migration's first lines carry `-- compatible: N`: the oldest program (by the last migration that
it knows) that may still run on the migrated store. The number is kept in the store, because it is
for programs that don't know the file. A step is one text for both engines, or one for each where it
has to be.
"""

import functools
import re
from collections.abc import Mapping
from importlib import resources
from types import MappingProxyType
from typing import NamedTuple

from rapport.store.kit.db import Tx


class Migration(NamedTuple):
    """One step.

    Args:
        version: its number.
        compatible: the oldest program that works on the store after it.
        sql: for every engine, with the dialect's members in braces.
        own: by engine, where one text can't be for both.
    """

    version: int
    compatible: int
    sql: str
    own: Mapping[str, str] = MappingProxyType({})

    def sql_for(self, engine: str) -> str:
        """What the step runs on an engine, `sqlite` or `postgres`."""
        return self.own.get(engine, self.sql)


# `0007_search.sql`, or `0007_search.sqlite.sql` beside `0007_search.postgres.sql`.
_NAME = re.compile(r"(\d+)_\w+(?:\.(sqlite|postgres))?\.sql")
_ENGINES = {"sqlite", "postgres"}
_COMPATIBLE = re.compile(r"^-- compatible: (\d+)$", re.MULTILINE)


class NewerDatabase(Exception):
    """The store was written by a newer program that this one can't follow."""


@functools.cache
def migrations() -> list[Migration]:
    """Every step that this program knows, in order; read once, so that an upgrade in place does
    not reach it.
    """
    texts: dict[int, dict[str, str]] = {}
    for file in resources.files("rapport.store").joinpath("migrations").iterdir():
        if name := _NAME.fullmatch(file.name):
            texts.setdefault(int(name[1]), {})[name[2] or ""] = file.read_text(encoding="utf-8")
    return [migration_of(version, texts[version]) for version in sorted(texts)]


def migration_of(version: int, texts: Mapping[str, str]) -> Migration:
    """A step from its texts by engine; one for all of them stands under an empty name.

    Raises:
        ValueError: an engine has none, or they don't agree on what comes after them.
    """
    if set(texts) not in ({""}, _ENGINES):
        raise ValueError(f"migration {version} has neither one text nor one for each engine")
    compatible = {
        match[1] if (match := _COMPATIBLE.search(sql)) else None for sql in texts.values()
    }
    oldest = next(iter(compatible))
    if len(compatible) > 1 or oldest is None:
        raise ValueError(f"migration {version} does not say what it is compatible with")
    own = {engine: sql for engine, sql in texts.items() if engine}
    return Migration(version, int(oldest), texts.get("", ""), MappingProxyType(own))


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
            f"the store is at version {version} and needs a program that knows version "
            f"{compatible}; "
            f"this one knows {newest()}: install a newer rapport-server"
        )


def pending(version: int, to: int | None = None) -> list[Migration]:
    """The steps that a store at `version` still needs, to this program's version or to an older
    one.
    """
    last = newest() if to is None else to
    return [step for step in migrations() if version < step.version <= last]
