"""The store suite's ground: each engine behind one interface, on a loop of its own, with a
clock that tests set.
"""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import uvloop

from rapport.auth.caller import Caller
from rapport.contract.engagements import (
    CREATE,
    DELETE,
    EngagementsCreateRequest,
    EngagementsDeleteRequest,
)
from rapport.contract.kit.fields import Instant
from rapport.contract.kit.ids import EngagementId, UserId
from rapport.operations import families as families  # each family registers what it does
from rapport.operations.admin import make_org
from rapport.operations.kit.invoke import Invoker
from rapport.store.engagements import EngagementRow
from rapport.store.kit import db
from rapport.store.kit.db import Store, Tx
from rapport.store.postgres.connect import Options
from rapport.store.postgres.store import PostgresStore
from rapport.store.sqlite.store import SqliteStore

R = TypeVar("R")


async def _sqlite(folder: Path) -> Store:
    return SqliteStore(folder / "rapport.db")


async def _postgres(folder: Path) -> Store:
    return await PostgresStore.open(Options((folder / DATABASE_URL).read_text(encoding="utf-8")))


# Another engine joins the whole suite with one entry here. Opening the same folder again finds what
# was written.
ENGINES: dict[str, Callable[[Path], Awaitable[Store]]] = {"sqlite": _sqlite, "postgres": _postgres}
# The file in an engine's folder that says where its database is.
DATABASE_URL = "database.url"
SOON = 30.0


class Engine:
    """An open store of one engine."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.now = 1_700_000_000_000_000
        self._folder = folder
        self._orgs = itertools.count(1)
        self._runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        self._open()

    def _open(self) -> None:
        self.store = self.run(_opened(self.name, self._folder))
        self.invoker = Invoker(self.store, lambda: self.now)

    def run(self, work: Coroutine[Any, Any, R]) -> R:
        """Run a coroutine on the engine's loop."""
        return self._runner.run(work)

    def restart(self) -> None:
        """Close the store and open it again."""
        self.run(self.store.close())
        self._open()

    def close(self) -> None:
        """Let go of everything."""
        self.run(self.store.close())
        self._runner.close()

    def new_org(self) -> str:
        """A name that no other org of this store has; no row is written."""
        return f"ORG{next(self._orgs):07}"

    def write(self, work: Callable[[Tx], Awaitable[R]]) -> R:
        """One write, by itself."""
        return self.run(alone(self.store, work))

    def read(self, work: Callable[[Tx], Coroutine[Any, Any, R]], *, heavy: bool = False) -> R:
        """One read."""
        return self.run(self.store.read(work, deadline=time.monotonic() + SOON, heavy=heavy))

    def all(self, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """Rows of a statement."""
        return self.read(lambda tx: tx.all(sql, **parameters))

    def person(self, name: str = "Alice") -> Caller:
        """The admin of a new org."""
        org = self.new_org()
        made = self.write(
            lambda tx: make_org(
                tx, self.now, name=f"{name}'s", email=f"{name}@example.com", org=org
            )
        )
        return Caller(org, made["user"]["display_id"], "admin")

    async def create(self, caller: Caller, **fields: Any) -> Any:
        """Record an engagement; fields add to or replace the least."""
        least = {
            "members": [UserId.parse(caller.user_id)],
            "scheduled_date": Instant(0),
            "title": "A call",
        }
        key = fields.pop("key", None)
        answer = await self.invoker.invoke(
            caller, CREATE, EngagementsCreateRequest(**{**least, **fields}), key=key
        )
        return msgspec.json.decode(answer.body)["engagement"]

    async def delete(self, caller: Caller, number: int) -> None:
        """Delete an engagement."""
        request = EngagementsDeleteRequest(id=EngagementId.parse(f"ENGAGEMENT-{number}"))
        await self.invoker.invoke(caller, DELETE, request)


async def _opened(name: str, folder: Path) -> Store:
    return await ENGINES[name](folder)


async def alone(store: Store, work: Callable[[Tx], Awaitable[R]], *, seconds: float = SOON) -> R:
    """Run `work` as a write whose calls never run together."""
    return await db.alone(store, work, seconds=seconds)


async def settled(works: Sequence[Coroutine[Any, Any, R]]) -> list[R | BaseException]:
    """Run all at once; each gives its result or its exception."""
    return await asyncio.gather(*works, return_exceptions=True)


def row_of(org: str, number: int, **fields: Any) -> EngagementRow:
    """An engagement's row."""
    least: dict[str, Any] = {
        "title": "A call", "engagement_type": "call", "external_ref": None, "scheduled_date": 0, "created_by": "DEVU-1",
        "created_date": number, "modified_by": "DEVU-1", "modified_date": number, "document": f'{{"n":{number}}}',
    }  # fmt: skip
    return EngagementRow(org=org, number=number, **{**least, **fields})
