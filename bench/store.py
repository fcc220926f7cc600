"""Makes a store of any size through the program's own operations, and keeps it for the next run.

Engagements go through the batch that answers `engagements.create`, with their own dates and
authors, so that links, terms, events, sums and documents are what the program of the day writes.
What is not an engagement goes through the invoker. PostgreSQL's store is SQLite's, moved by
`rapport copy`. A made store is kept by rows, engine and migrations.
"""

import asyncio
import contextlib
import gc
import json
import shutil
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import uvloop

from bench.believable import (
    COMMENTED,
    DELETED,
    MEMBERS,
    TAGS,
    Engagement,
    World,
    chunks,
    company,
    person,
)
from bench.server import SERVER_CORE, pin
from rapport.auth.caller import Caller
from rapport.contract.engagements import CREATE, EngagementsCreateRequest
from rapport.contract.kit import ids
from rapport.contract.kit.fields import UNSET, Instant, SetTagWithValue
from rapport.contract.table import METHODS
from rapport.operations.kit.context import BATCH_OPERATIONS, Call
from rapport.serving.installation import Opened, open_data
from rapport.settings import load
from rapport.store.kit.db import Batch, Tx
from rapport.store.kit.migrate import migrations
from rapport.wire.decode import RequestDecoder
from tests.support.postgres import PostgresServer

ENGINES = ("sqlite", "postgres")
DATABASE = "bench"
# Engagements in a transaction; what is not an engagement is asked for by so many callers at once.
_IN_A_TRANSACTION = 4_000
_TOGETHER = 500
_PATIENCE = 600.0
# PostgreSQL as somebody would run it on a machine with 8 GB; the cluster is flushed as it is
# everywhere.
POSTGRES = {
    "shared_buffers": "1GB",
    "effective_cache_size": "4GB",
    "max_wal_size": "4GB",
    "autovacuum": "on",
}


@dataclass(frozen=True)
class Made:
    """A made store: its folder, what its first admin signs in with, and how long it took."""

    engine: str
    world: World
    folder: Path
    token: str
    seconds: float

    @property
    def data(self) -> Path:
        """The program's data folder."""
        return self.folder / "data"


def made(cache: Path, engine: str, rows: int) -> Made:
    """The store of so many engagements, from the cache, or made now."""
    folder = cache / f"{engine}-{rows}-{_schema()}"
    note = folder / "made.json"
    if not note.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        print(f"making {rows:,} engagements for {engine} in {folder}", flush=True)
        began = time.monotonic()
        token = (
            _fill(folder, rows)
            if engine == "sqlite"
            else _copy(made(cache, "sqlite", rows), folder)
        )
        seconds = time.monotonic() - began
        note.write_text(json.dumps({"token": token, "seconds": seconds}), encoding="utf-8")
        print(f"made in {seconds:,.0f} s: {rows / seconds:,.0f} engagements a second", flush=True)
    said = json.loads(note.read_text(encoding="utf-8"))
    return Made(engine, World(rows), folder, said["token"], said["seconds"])


def _schema() -> str:
    """What the migrations and the data are today: a store of another day is no use."""
    text = "".join(migration.sql for migration in migrations())
    data = (
        Path(__file__).with_name(name).read_text(encoding="utf-8")
        for name in ("believable.py", "store.py")
    )
    return f"{migrations()[-1].version:04}-{zlib.crc32(''.join([text, *data]).encode()):08x}"


@contextlib.contextmanager
def postgres(store: Made) -> Iterator[PostgresServer]:
    """The made store's PostgreSQL, for as long as a block lasts; it shares the server's core."""
    server = PostgresServer.again(store.folder / "server")
    try:
        pin(server.postmaster, SERVER_CORE)
        yield server
    finally:
        server.stop("fast")


def _copy(source: Made, folder: Path) -> str:
    """SQLite's made store in a cluster of its own."""
    folder.chmod(0o755)
    (folder / "data").mkdir()
    server = PostgresServer.make(durable=True, folder=folder / "server", settings=POSTGRES)
    try:
        server.run(f'CREATE DATABASE "{DATABASE}"')
        url = server.url(DATABASE)
        command = [sys.executable, "-m", "rapport", "copy", str(source.data), url, "--json"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        server.run("VACUUM ANALYZE", DATABASE)
    finally:
        server.stop("fast")
    return source.token


def _fill(folder: Path, rows: int) -> str:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_filled(folder / "data", World(rows)))


async def _filled(data: Path, world: World) -> str:
    """Make everything; the admin's token."""
    # A power cut would spoil the store, which is then made again; a collector has nothing to find
    # in so many tuples.
    gc.disable()
    async with open_data(load({"data": data}, {"RAPPORT_SYNC": "normal"}, data)) as opened:
        org = await opened.admin.orgs_create(name="Bench", email="devu1@bench.example")
        maker = _Maker(opened, org["org"]["id"].rpartition("/")[2])
        await maker.people(world)
        for chunk in chunks(world.engagements(), _IN_A_TRANSACTION):
            await maker.record(chunk)
        await maker.afterwards(world)
    gc.enable()
    return str(org["token"])


class _Maker:
    def __init__(self, opened: Opened, org: str) -> None:
        self._opened = opened
        self._org = org
        self._decoders: dict[str, RequestDecoder] = {}
        self._callers = [Caller(org, f"DEVU-{number}", "admin") for number in range(MEMBERS + 1)]
        self._batch: Batch[Sequence[Engagement], None] = Batch(self._run)
        self._ids: dict[tuple[type[Any], str], Any] = {}

    async def people(self, world: World) -> None:
        """Everybody and everything that engagements refer to, numbered from 1 in the order of
        these.
        """
        members = [f"devu{number}@bench.example" for number in range(2, MEMBERS + 1)]
        await self._all(
            "dev-users.create",
            [
                {"email": email, "full_name": person(number), "state": "shadow"}
                for number, email in enumerate(members, 2)
            ],
        )
        await self._all("tags.create", [{"name": f"tag-{number}"} for number in range(1, TAGS + 1)])
        await self._all(
            "accounts.create",
            [
                {
                    "display_name": company(number),
                    "domains": [f"acc{number}.example"],
                    "tier": f"tier-{number % 4}",
                    "external_refs": [f"acc-{number}"],
                    "owned_by": [f"DEVU-{number % MEMBERS + 1}"],
                }
                for number in range(1, world.accounts + 1)
            ],
        )
        await self._all(
            "rev-users.create",
            [
                {
                    "display_name": person(number),
                    "email": f"revu{number}@acc{world.account_of(number)}.example",
                    "external_ref": f"revu-{number}",
                    "account": f"ACC-{world.account_of(number)}",
                }
                for number in range(1, world.customers + 1)
            ],
        )
        await self._all(
            "works.create",
            [
                {
                    "type": "opportunity",
                    "title": f"{company(number)}: expansion",
                    "applies_to_part": "PROD-1",
                    "account": f"ACC-{world.account_of_deal(number)}",
                    "owned_by": [f"DEVU-{number % MEMBERS + 1}"],
                }
                for number in range(1, world.deals + 1)
            ],
        )

    async def afterwards(self, world: World) -> None:
        """Some comments and some deletions."""
        numbers = range(1, world.rows + 1)
        await self._all(
            "timeline-entries.create",
            [
                {
                    "object": f"ENGAGEMENT-{number}",
                    "type": "timeline_comment",
                    "body": "See the notes.",
                }
                for number in numbers[COMMENTED - 1 :: COMMENTED]
            ],
        )
        gone = numbers[DELETED - 1 :: DELETED]
        await self._all("engagements.delete", [{"id": f"ENGAGEMENT-{number}"} for number in gone])

    async def _all(self, method: str, requests: Sequence[dict[str, Any]]) -> None:
        """Ask for all of them, in their order, so many at once."""
        decoder = self._decoders.setdefault(
            method, RequestDecoder(METHODS[method].request, strict=False)
        )
        for first in range(0, len(requests), _TOGETHER):
            some = [
                decoder.from_body(json.dumps(one).encode())
                for one in requests[first : first + _TOGETHER]
            ]
            await asyncio.gather(
                *(
                    self._opened.invoker.invoke(
                        self._callers[1],
                        METHODS[method],
                        one,
                        deadline=time.monotonic() + _PATIENCE,
                    )
                    for one in some
                )
            )

    async def record(self, engagements: Sequence[Engagement]) -> None:
        """Record engagements in one transaction."""
        await self._opened.store.write(
            self._batch, engagements, deadline=time.monotonic() + _PATIENCE
        )

    async def _run(self, tx: Tx, batches: Sequence[Sequence[Engagement]]) -> Sequence[None]:
        for engagements in batches:
            calls = [self._call(engagement) for engagement in engagements]
            for result in await BATCH_OPERATIONS[CREATE](tx, calls):
                if isinstance(result, Exception):
                    raise result
        return [None for _ in batches]

    def _call(self, engagement: Engagement) -> Call[EngagementsCreateRequest]:
        members = [
            f"DEVU-{engagement.author}",
            *(f"REVU-{number}" for number in engagement.customers),
        ]
        deals = [] if engagement.deal is None else [f"OPP-{engagement.deal}"]
        request = EngagementsCreateRequest(
            title=engagement.title,
            engagement_type=engagement.kind,  # type: ignore[arg-type]
            description=engagement.description,
            external_ref=engagement.external_ref,
            scheduled_date=Instant(_microseconds(engagement.scheduled)),
            members=[self._id(ids.UserId, member) for member in members],
            parents=[
                self._id(ids.ParentId, parent) for parent in (f"ACC-{engagement.account}", *deals)
            ],
            tags=[SetTagWithValue(id=self._id(ids.TagId, f"TAG-{n}")) for n in engagement.tags]
            or UNSET,
        )
        return Call(self._callers[engagement.author], _microseconds(engagement.created), request)

    def _id(self, kind: type[Any], text: str) -> Any:
        """A parsed id, parsed once."""
        found = self._ids.get((kind, text))
        if found is None:
            found = self._ids[kind, text] = kind.parse(text)
        return found


def _microseconds(date: datetime) -> int:
    return int(date.timestamp() * 1_000) * 1_000
