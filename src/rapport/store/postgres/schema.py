"""What a database has to be, and what it is brought to: checks, migrations, and the names of
unique constraints.
"""

import asyncio
from typing import Any

import asyncpg

from rapport.logs import get_logger
from rapport.store.kit import migrate as steps
from rapport.store.kit.db import BEGUN_COPY, UNFINISHED, CannotOpen, UniqueViolation
from rapport.store.postgres.driver import plain_transaction

_log = get_logger("rapport.store")

DIALECT = {"text": 'TEXT COLLATE "C"', "clustered": ""}
_OLDEST_SERVER = 15
# An arbitrary number: 'rapport' in ASCII.
_MIGRATION_LOCK = 0x726170706F7274
# For what a migration changes: milliseconds to wait, and seconds between two tries.
_LOCK_TIMEOUT = 1_000
_LOCK_PAUSE = 2.0


async def check_server(connection: Any) -> None:
    """Refuse a server that this program can't rely on.

    Raises:
        CannotOpen: it is too old, does not store Unicode, or confirms commits that it may lose.
    """
    async with plain_transaction(connection):
        rows = await connection.fetch("""
            SELECT name, setting FROM pg_settings
            WHERE name IN ('server_version_num', 'server_encoding', 'synchronous_commit', 'fsync')
        """)
    settings = dict(rows)
    version = int(settings["server_version_num"]) // 10_000
    if version < _OLDEST_SERVER:
        raise CannotOpen(
            f"the database is PostgreSQL {version}, but Rapport needs {_OLDEST_SERVER} or newer"
        )
    if settings["server_encoding"] != "UTF8":
        raise CannotOpen(
            f"the database stores text as {settings['server_encoding']}: make one with ENCODING "
            "'UTF8'"
        )
    if settings["synchronous_commit"] == "off":
        raise CannotOpen(
            "synchronous_commit is off, so what was answered could be lost: set it to on for the "
            "database"
        )
    if settings["fsync"] == "off":
        _log.warning(
            "fsync_is_off",
            warning="the database may lose what was answered when the machine loses power",
        )


async def refuse_unfinished(connection: Any) -> None:
    """Refuse a store that is not whole yet.

    Raises:
        CannotOpen: it is an unfinished copy.
    """
    async with plain_transaction(connection):
        unfinished = await connection.fetchval(
            "SELECT to_regclass($1::text) IS NOT NULL", BEGUN_COPY
        )
    if unfinished:
        raise CannotOpen(f"the database can't be opened: {UNFINISHED}")


async def unique_constraints(connection: Any) -> dict[str, UniqueViolation]:
    """Table and columns of each unique index, by its name; a partition's are its whole table's."""
    async with plain_transaction(connection):
        rows = await connection.fetch("""
            SELECT named.relname::text, own.relname::text, array_agg(col.attname::text
            ORDER BY part.place)
            FROM pg_index i
            JOIN pg_class named ON named.oid = i.indexrelid
            JOIN pg_class own ON own.oid = COALESCE(pg_partition_root(i.indrelid), i.indrelid)
            CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS part(number, place)
            JOIN pg_attribute col ON col.attrelid = i.indrelid AND col.attnum = part.number
            AND col.attname <> 'org'
            WHERE i.indisunique AND own.relnamespace = current_schema()::regnamespace
            GROUP BY 1, 2
        """)
    return {name: UniqueViolation(table, tuple(columns)) for name, table, columns in rows}


async def migrate(connection: Any, to: int | None = None) -> None:
    """Run the migrations that are missing, each in one transaction; of several processes one runs
    each.

    A step that waits for a lock holds up everybody who comes after it, so it waits a second at a
    time.
    """
    waited = False
    while True:
        try:
            if not await _migrate_once(connection, to):
                return
        except asyncpg.LockNotAvailableError:
            await connection.execute("ROLLBACK")
            if not waited:
                _log.warning("migration_waits", warning="others use what it changes")
            waited = True
            await asyncio.sleep(_LOCK_PAUSE)


async def _migrate_once(connection: Any, to: int | None) -> bool:
    """Run the first migration that is missing; False when there is none."""
    await connection.execute("BEGIN; SET LOCAL statement_timeout = 0")
    await connection.fetch("SELECT pg_advisory_xact_lock($1::bigint)", _MIGRATION_LOCK)
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS migrations (version BIGINT PRIMARY KEY, compatible BIGINT NOT "
        "NULL)"
    )
    version, compatible = await connection.fetchrow(
        "SELECT COALESCE(max(version), 0), COALESCE(max(compatible), 0) FROM migrations"
    )
    steps.check(version, compatible)
    step = next(iter(steps.pending(version, to)), None)
    if step is not None:
        await connection.execute(f"SET LOCAL lock_timeout = {_LOCK_TIMEOUT}")
        await connection.execute(step.sql_for("postgres").format(**DIALECT))
        await connection.execute(
            "INSERT INTO migrations VALUES ($1, $2)", step.version, step.compatible
        )
    await connection.execute("COMMIT")
    return step is not None
