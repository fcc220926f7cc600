"""A whole store from SQLite to PostgreSQL and back to SQLite: how long it takes, and whether all
three hold the same.

The engagements are recorded as the server does it, by the invoker and without HTTP, in the demo's
org. Each has two members, two parents, a tag with its value and an external ref; one in ten has an
idempotency key. PostgreSQL is the wheel's, with fsync, on the same cores. Run it as
`.venv/bin/python bench/copy/run.py 20000`, or without a number for a million, which needs 16 GB of
disk.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import uvloop

from rapport.auth.caller import Caller
from rapport.clock import system_clock
from rapport.contract import engagements
from rapport.operations import demo
from rapport.serving.installation import open_data
from rapport.settings import load
from rapport.wire.decode import RequestDecoder

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.support.postgres import PostgresServer

MILLION = 1_000_000
# So many are recorded together.
TOGETHER = 500
CALLER = Caller(org=demo.ORG, user_id="DEVU-12345", role="admin")
NOTES = (
    "They want single sign-on before the rollout, and dates for a session with their new "
    "operations lead. "
    "Budget is approved for next quarter; legal needs the data processing terms. Asked whether "
    "the export can run "
    "nightly, and what the import of old records costs. “Grüße” to the team."
)


def main(count: int) -> None:
    """Make the store, copy it both ways and print a line for each."""
    server = PostgresServer.make(durable=True)
    try:
        with (
            tempfile.TemporaryDirectory(prefix="rapport-bench-") as name,
            server.database("bench") as url,
        ):
            folder = Path(name)
            began = time.monotonic()
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(make(folder / "first", count))
            print(f"{count:,} engagements made in {time.monotonic() - began:.0f} s", flush=True)
            there = copied(folder / "first", url)
            size = server.run("SELECT pg_database_size(current_database())", "bench")[0][0]
            print(f"{'database':12}{size / 1e6:>8,.0f} MB")
            back = copied(url, folder / "second")
            assert there == back, "a table came back as another one"
            for file in ("first", "second"):
                print(f"{file:12}{(folder / file / 'rapport.db').stat().st_size / 1e6:>8,.0f} MB")
    finally:
        server.remove()


async def make(data: Path, count: int) -> None:
    """The demo, and so many engagements more."""
    async with open_data(load({"data": data}, {"RAPPORT_SYNC": "normal"}, data)) as opened:
        await demo.fill(opened.store, opened.blobs, system_clock)
        decoder = RequestDecoder(engagements.EngagementsCreateRequest, strict=False)

        async def create(number: int) -> None:
            request: Any = decoder.from_body(body(number))
            key = f"key-{number}" if number % 10 == 0 else None
            await opened.invoker.invoke(CALLER, engagements.CREATE, request, key=key)

        for first in range(0, count, TOGETHER):
            await asyncio.gather(
                *(create(number) for number in range(first, min(first + TOGETHER, count)))
            )


def body(number: int) -> bytes:
    """A request such as an import sends."""
    kind = ("call", "email", "linked_in", "offline", "default")[number % 5]
    return json.dumps(
        {
            "members": ["DEVU-12345", f"REVU-{number % 20 + 1}"],
            "parents": [f"ACC-{12345 + number % 10}", f"OPP-{number % 5 + 1}"],
            "scheduled_date": f"2023-{number % 12 + 1:02}-{number % 28 + 1:02}T12:00:00.000Z",
            "title": f"Renewal call {number}",
            "engagement_type": kind,
            "description": NOTES[number % 100 :],
            "external_ref": f"crm-{number}",
            "tags": [{"id": "TAG-12346", "value": "neutral"}],
        }
    ).encode()


def copied(source: Path | str, target: Path | str) -> Any:
    """Copy as an operator does; the count and the hash of each table."""
    ran = subprocess.run(
        [sys.executable, "-m", "rapport", "copy", str(source), str(target), "--json"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    answer = json.loads(ran.stdout)
    rows = sum(table["rows"] for table in answer["tables"])
    way = " to ".join(
        "SQLite" if isinstance(place, Path) else "PostgreSQL" for place in (source, target)
    )
    print(
        f"{way}: {rows:,} rows in {answer['seconds']:,.0f} s, {rows / answer['seconds']:,.0f} "
        "rows/s, all compared",
        flush=True,
    )
    return answer["tables"]


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else MILLION)
