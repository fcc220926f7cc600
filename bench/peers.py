"""The baselines: other ways to build the same service, each in an environment of its own, on
one PostgreSQL.
"""

import asyncio
import contextlib
import hashlib
import shutil
import subprocess
import sys
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg

from bench.believable import DELETED, MEMBERS, TAGS, Engagement, World, chunks, company, person
from bench.server import SERVER_CORE, Served, free_port, pin, serving
from bench.store import POSTGRES
from tests.support.postgres import PostgresServer

HERE = Path(__file__).parent / "baselines"
TOKEN = "bench"
# What is filled once, and the copy that a run writes to.
_DATABASE, _COPY = "peers", "run"
_IN_A_COPY = 5_000
_FAR = datetime(2100, 1, 1, tzinfo=UTC)
_UVICORN = (
    "-m",
    "uvicorn",
    "app:app",
    "--no-access-log",
    "--log-level",
    "warning",
    "--port",
    "{port}",
)
# One core: as many workers as gunicorn's own rule gives for it, with threads, and connections that
# stay open.
_GUNICORN = (
    "-m", "gunicorn", "app:application", "--workers", "3", "--threads", "4", "--worker-class", "gthread",
    "--keep-alive", "60", "--log-level", "warning", "--bind", "127.0.0.1:{port}",
)  # fmt: skip


@dataclass(frozen=True)
class Peer:
    """A baseline: its folder's name, how it is served, and whether every question is asked of
    it.
    """

    name: str
    command: Sequence[str]
    has_questions: bool = False

    @contextlib.contextmanager
    def serve(self, cache: Path, database: PostgresServer) -> Iterator[Served]:
        """The service, on the first core."""
        port = free_port()
        command = [
            str(_installed(cache, self.name)),
            *(word.format(port=port) for word in self.command),
        ]
        environment = {"DATABASE_URL": database.url(_COPY), "PYTHONPATH": ""}
        with serving(
            command,
            port,
            "/healthz",
            TOKEN,
            postmaster=database.postmaster,
            environment=environment,
            cwd=HERE / self.name,
        ) as served:
            yield served


PEERS = (
    Peer("plain", _UVICORN, has_questions=True),
    Peer("sqlalchemy", _UVICORN),
    Peer("drf", _GUNICORN),
)


def _installed(cache: Path, name: str) -> Path:
    """The Python of a baseline's environment, which is made when its lock is another one."""
    lock = HERE / name / "requirements.lock"
    folder = cache / f"venv-{name}-{zlib.crc32(lock.read_bytes()):08x}"
    python = folder / "bin" / "python"
    if not (folder / ".installed").exists():
        uv = str(Path(sys.executable).with_name("uv"))
        subprocess.run(
            [uv, "--no-config", "venv", "--quiet", "--clear", "--python", sys.executable, folder],
            check=True,
        )
        command = [
            uv,
            "--no-config",
            "pip",
            "sync",
            "--quiet",
            "--require-hashes",
            "--python",
            str(python),
            str(lock),
        ]
        subprocess.run(command, check=True)
        (folder / ".installed").touch()
    return python


@contextlib.contextmanager
def filled(cache: Path, world: World) -> Iterator[PostgresServer]:
    """A PostgreSQL with the baselines' tables and the world's engagements in them, from the
    cache or made now.
    """
    made_by = (HERE / "schema.sql", Path(__file__), Path(__file__).with_name("believable.py"))
    made_of = "".join(path.read_text(encoding="utf-8") for path in made_by)
    folder = cache / f"peers-{world.rows}-{zlib.crc32(made_of.encode()):08x}"
    if not (folder / ".filled").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        folder.chmod(0o755)
        server = PostgresServer.make(durable=True, folder=folder / "server", settings=POSTGRES)
        server.run(f'CREATE DATABASE "{_DATABASE}"')
        asyncio.run(_fill(server.url(_DATABASE), world))
        (folder / ".filled").touch()
    else:
        server = PostgresServer.again(folder / "server")
    try:
        pin(server.postmaster, SERVER_CORE)
        server.run(f'DROP DATABASE IF EXISTS "{_COPY}"')
        server.run(f'CREATE DATABASE "{_COPY}" TEMPLATE "{_DATABASE}" STRATEGY file_copy')
        yield server
    finally:
        server.stop("fast")


async def _fill(url: str, world: World) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute((HERE / "schema.sql").read_text(encoding="utf-8"))
    for table, rows in _before(world).items():
        await connection.copy_records_to_table(table, records=rows)
    for chunk in chunks(world.engagements(), _IN_A_COPY):
        kept = [engagement for engagement in chunk if engagement.number % DELETED]
        await connection.copy_records_to_table("engagements", records=map(_row, kept))
        for table, columns, rows in _links(kept):
            await connection.copy_records_to_table(table, records=rows, columns=columns)
    await connection.execute(
        "SELECT setval(pg_get_serial_sequence('engagements', 'id'), (SELECT max(id) "
        "FROM engagements))"
    )
    await connection.execute("VACUUM ANALYZE")
    await connection.close()


def _before(world: World) -> dict[str, Iterable[Any]]:
    """What engagements refer to, by table."""
    customers = (
        (MEMBERS + n, f"REVU-{n}", person(n), f"revu{n}@bench.example")
        for n in range(1, world.customers + 1)
    )
    members = ((n, f"DEVU-{n}", person(n), f"devu{n}@bench.example") for n in range(1, MEMBERS + 1))
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    return {
        "users": [*members, *customers],
        "tokens": [(digest, 1, _FAR)],
        "accounts": [(n, company(n)) for n in range(1, world.accounts + 1)],
        "deals": [
            (n, f"{company(n)}: expansion", world.account_of_deal(n))
            for n in range(1, world.deals + 1)
        ],
        "tags": [(n, f"tag-{n}") for n in range(1, TAGS + 1)],
    }


def _row(one: Engagement) -> tuple[Any, ...]:
    return (one.number, one.title, one.kind, one.description, one.external_ref, one.scheduled, one.author, one.created,
            one.created)  # fmt: skip


def _links(
    engagements: Sequence[Engagement],
) -> Iterator[tuple[str, tuple[str, str], list[tuple[int, int]]]]:
    """Rows of each table of links, with its columns."""
    for table, column, ids in (
        (
            "members",
            "user_id",
            lambda one: [one.author, *(MEMBERS + customer for customer in one.customers)],
        ),
        ("accounts", "account_id", lambda one: [one.account]),
        ("deals", "deal_id", lambda one: [one.deal] if one.deal else []),
        ("tags", "tag_id", lambda one: one.tags),
    ):
        pairs = [(one.number, id_) for one in engagements for id_ in ids(one)]
        yield f"engagement_{table}", ("engagement_id", column), pairs
