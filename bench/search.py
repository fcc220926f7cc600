"""Searching, by the program's own code: `python -m bench.search --rows 100000`.

Prints milliseconds of the processor for a first page for pairs of words that the data has, common and rare, of
suggestions, what the index takes beside the texts (SQLite), and what it takes of a create.
"""

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apsw
import msgspec
import uvloop

from bench.believable import World, create_bodies
from bench.store import Made, made
from rapport.auth.caller import Caller
from rapport.contract.table import METHODS
from rapport.jobs.index import Indexer
from rapport.serving.installation import Opened, open_data
from rapport.settings import load
from rapport.store import indexing
from rapport.store.kit.words import words
from rapport.wire.decode import RequestDecoder

_PAIRS, _CREATES = 60, 2_000
# How many callers create at the same time.
_TOGETHER = 16


async def _ask(opened: Opened, caller: Caller, method: str, request: dict[str, Any]) -> float:
    found = METHODS[method]
    decoded = RequestDecoder(found.request, strict=False).from_body(msgspec.json.encode(request))
    began = time.process_time()
    await opened.invoker.invoke(caller, found, decoded)
    return (time.process_time() - began) * 1_000


def _told(what: str, taken: Sequence[float]) -> None:
    ordered = sorted(taken)
    print(
        f"{what}: median {statistics.median(ordered):.1f} ms, "
        f"95 % {ordered[int(len(ordered) * 0.95)]:.1f} ms, longest {ordered[-1]:.1f} ms"
    )


async def _questions(store: Made) -> None:
    dice = random.Random(1)
    bodies = create_bodies(World(store.world.rows), 200)
    known = sorted(
        {
            word
            for body in bodies
            for word in words(f"{body['title']} {body.get('description', '')}")
        }
    )
    async with open_data(load({"data": store.data}, {}, store.data)) as opened:
        await Indexer(opened.store, bell=opened.bell).drain()
        (org,) = (await opened.admin.orgs_list())["orgs"]
        caller = Caller(org["id"].rpartition("/")[2], "DEVU-1", "admin")
        for namespaces in ([], ["engagement"]):
            pairs = [" ".join(dice.sample(known, 2)) for _ in range(_PAIRS)]
            taken = [
                await _ask(opened, caller, "search.core", {"query": pair, "namespaces": namespaces})
                for pair in pairs
            ]
            _told(f"two words, {namespaces or 'everything'}", taken)
        begun = [dice.choice(known)[:3] for _ in range(_PAIRS)]
        taken = [await _ask(opened, caller, "search.suggest", {"query": one}) for one in begun]
        _told("suggestions", taken)


async def _create(folder: Path) -> float:
    async with open_data(load({"data": folder}, {"RAPPORT_SYNC": "normal"}, folder)) as opened:
        org = await opened.admin.orgs_create(name="Bench", email="a@bench.example")
        caller = Caller(org["org"]["id"].rpartition("/")[2], "DEVU-1", "admin")
        method = METHODS["engagements.create"]
        decoder = RequestDecoder(method.request, strict=False)
        requests = [
            decoder.from_body(
                msgspec.json.encode(
                    {
                        "title": body["title"],
                        "description": body.get("description", ""),
                        "members": ["DEVU-1"],
                        "scheduled_date": body["scheduled_date"],
                    }
                )
            )
            for body in create_bodies(World(10_000), _CREATES)
        ]
        began = time.process_time()
        late = time.monotonic() + 600
        invoke = opened.invoker.invoke
        for start in range(0, len(requests), _TOGETHER):
            some = requests[start : start + _TOGETHER]
            await asyncio.gather(*(invoke(caller, method, one, deadline=late) for one in some))
        await Indexer(opened.store, bell=opened.bell).drain()
        return _CREATES / (time.process_time() - began)


async def _without(*_args: object) -> None:
    """Index nothing."""


def _creates() -> None:
    note = indexing.note
    rates: dict[str, list[float]] = {"with": [], "without": []}
    for _ in range(3):
        for name, how in (("with", note), ("without", _without)):
            indexing.note = how  # type: ignore[assignment]
            with tempfile.TemporaryDirectory() as folder:
                rates[name].append(_run(_create(Path(folder))))
    indexing.note = note
    with_, without = max(rates["with"]), max(rates["without"])
    print(
        f"creates a second: {with_:,.0f}, without the index {without:,.0f}: -{1 - with_ / without:.0%}"
    )


def _sizes(store: Made) -> None:
    connection = apsw.Connection(str(store.data / "rapport.db"))
    [(index,)] = connection.execute(
        "SELECT sum(pgsize) FROM dbstat WHERE name LIKE 'derived_search%'"
    )
    [(texts,)] = connection.execute(
        "SELECT sum(length(CAST(title AS BLOB)) + "
        "length(CAST(COALESCE(document ->> 'description', '') AS BLOB))) FROM engagements"
    )
    [(whole,)] = connection.execute("SELECT sum(pgsize) FROM dbstat")
    print(
        f"index {index:,} bytes, titles and descriptions {texts:,}: {index / texts:.0%}; "
        f"of the whole file {index / whole:.0%}"
    )
    connection.close()


def _run(work: Any) -> Any:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "rapport-bench")
    chosen = parser.parse_args()
    store = made(chosen.cache, "sqlite", chosen.rows)
    _run(_questions(store))
    _sizes(store)
    _creates()


if __name__ == "__main__":
    main()
