"""The program with one thing left out, to be measured beside the whole: `python -m bench.hollow
WHAT serve ...`.

`nothing`: a create is read, let in and answered, and nothing is looked up or written. What it costs
above the no-op answer is HTTP, rights, decoding and the batch; what a create costs above it is
storage. `alone`: each write has a commit of its own, as in a program that commits at the end of
each request; on PostgreSQL two go at a time, as many as there are lanes.
"""

import asyncio
import sys
from collections.abc import Sequence
from typing import Any

from rapport.cli import main as cli
from rapport.contract.engagements import CREATE, EngagementsCreateResponse
from rapport.contract.kit.fields import Raw
from rapport.operations import families
from rapport.operations.kit.context import BATCH_OPERATIONS, Call
from rapport.store.kit.db import Tx
from rapport.store.postgres.store import PostgresStore
from rapport.store.sqlite.store import SqliteStore

# Of the size of an answer.
_ANSWER = EngagementsCreateResponse(engagement=Raw(b'{"id":"%b"}' % (b"x" * 1_000)))


def write_nothing() -> None:
    """Have creates answered without a statement."""
    families.load()  # Each family registers what it does, which is now replaced.

    async def answered(_: Tx, calls: Sequence[Call[Any]]) -> Sequence[EngagementsCreateResponse]:
        return [_ANSWER for _ in calls]

    BATCH_OPERATIONS[CREATE] = answered


def commit_alone() -> None:
    """Have each write wait for the commits before it."""
    for store, lanes in ((SqliteStore, 1), (PostgresStore, 2)):
        _one_by_one(store, lanes)


def _one_by_one(store: Any, lanes: int) -> None:
    write, free = store.write, asyncio.Semaphore(lanes)

    async def alone(self: Any, batch: Any, call: Any, *, deadline: float) -> Any:
        async with free:
            return await write(self, batch, call, deadline=deadline)

    store.write = alone


if __name__ == "__main__":
    {"nothing": write_nothing, "alone": commit_alone}[sys.argv.pop(1)]()
    cli.main()
