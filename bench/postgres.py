"""Grouped creates on PostgreSQL beside pgbench running the same statements, one transaction for
each create.

The statements are recorded from one create and given to pgbench with a number of its own for each
transaction. Both send them from 1, 16 and 64 connections or callers: the store's callers share two
lanes, pgbench's have a connection each. The callers are coroutines of this process; over HTTP, the
whole server is measured. All take turns on one PostgreSQL (the wheel's, with fsync) and two cores,
so figures are ratios within this run.

One org's events are counted in one row, on which pgbench's transactions wait for one another;
`apart` is pgbench with a counter for each connection, where they don't.

Needs `pgbench`; run it as `.venv/bin/python -m bench.postgres`, with SECONDS_EACH (8) and ROUNDS
(3).
"""

import asyncio
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import uvloop

from bench.demo import BODY, CONNECTIONS, ROUNDS, SECONDS, creates, start
from bench.load import Load
from rapport.auth.caller import Caller
from rapport.blobs.local import LocalBlobs
from rapport.contract import engagements
from rapport.operations import demo
from rapport.operations.kit.context import NO_TOOLS
from rapport.serving.installation import Opened, open_data
from rapport.settings import load as load_settings
from rapport.store.postgres.connect import Connector, Options
from rapport.store.postgres.connections import Connections
from rapport.store.postgres.store import PostgresStore
from rapport.wire.decode import RequestDecoder
from tests.support.postgres import PostgresServer

CALLER = Caller(org=demo.ORG, user_id="DEVU-12345", role="admin")


class Recording(PostgresStore):
    """Notes the statements of each transaction."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.said: list[tuple[str, tuple[Any, ...]]] = []
        self._connector = Connector(options)
        self._connections = Connections(self._connect, options.connections)

    async def _connect(self) -> Any:
        connection = await self._connector.connect()
        connection.add_query_logger(
            lambda query: self.said.append((query.query, tuple(query.args or ())))
        )
        return connection


def main() -> None:
    """Run everything and print one table."""
    if shutil.which("pgbench") is None:
        sys.exit(
            "This benchmark needs pgbench: install it (Debian's package is postgresql-contrib)."
        )
    server = PostgresServer.make(durable=True)
    try:
        with (
            tempfile.TemporaryDirectory(prefix="rapport-bench-") as folder,
            server.database("bench") as url,
        ):
            compare(Path(folder), url)
    finally:
        server.remove()


def compare(folder: Path, url: str) -> None:
    """Everything in turns, at each number of connections."""
    rapport, address, token = start(folder / "data", pinned=False, RAPPORT_DATABASE_URL=url)
    statements = asyncio.run(record(folder, url))
    (folder / "create.sql").write_text(script(statements), encoding="utf-8")
    (folder / "apart.sql").write_text(script(statements, apart=True), encoding="utf-8")
    print(f"statements in a transaction: {len(statements)}")
    print("connections   pgbench     apart     store      HTTP  store of pgbench  of apart")
    runs = iter(range(1, 1_000_000))
    load = Load(pinned=False)
    try:
        for connections in CONNECTIONS:
            rates: dict[str, list[float]] = {"create": [], "apart": [], "store": [], "HTTP": []}
            for _ in range(ROUNDS):
                for name in ("create", "apart"):
                    rates[name].append(
                        pgbench(folder / f"{name}.sql", url, connections, next(runs))
                    )
                with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                    rates["store"].append(runner.run(grouped(folder, url, connections)))
                rates["HTTP"].append(creates(load, address, token, connections).rate)
            found = [statistics.median(rate) for rate in rates.values()]
            print(f"{connections:>11}", *(f"{rate:>9,.0f}" for rate in found), end="")
            print(f"{found[2] / found[0]:>18.0%}{found[2] / found[1]:>10.0%}")
    finally:
        load.close()
        rapport.terminate()
        rapport.wait()


def request() -> engagements.EngagementsCreateRequest:
    """What is sent over HTTP, as the edge reads it."""
    decoder = RequestDecoder(engagements.EngagementsCreateRequest, strict=False)
    return decoder.from_body(BODY.encode())  # type: ignore[return-value]


async def grouped(folder: Path, url: str, callers: int) -> float:
    """Creates a second from so many callers of one store."""
    async with open_data(load_settings({"data": folder / "data", "database_url": url})) as opened:
        create, until = request(), time.monotonic() + SECONDS

        async def caller() -> int:
            made = 0
            while time.monotonic() < until:
                await opened.invoker.invoke(CALLER, engagements.CREATE, create)
                made += 1
            return made

        began = time.monotonic()
        made = sum(await asyncio.gather(*(caller() for _ in range(callers))))
        return made / (time.monotonic() - began)


def pgbench(script: Path, url: str, connections: int, run: int) -> float:
    """Transactions a second; each connection numbers its own from where no other one does."""
    # -D defines a variable for all connections, \\set one of each.
    ran = subprocess.run(
        [
            "pgbench",
            "-n",
            "-M",
            "prepared",
            "-c",
            str(connections),
            "-j",
            str(min(2, connections)),
            "-T",
            str(round(SECONDS)),
            "-D",
            f"first={run * 10**12}",
            "-D",
            "i=0",
            "-f",
            str(script),
            url,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"tps = ([0-9.]+)", ran.stdout)
    if ran.returncode or found is None:
        sys.exit(f"pgbench failed: {ran.stderr}")
    return float(found[1])


async def record(folder: Path, url: str) -> list[tuple[str, tuple[Any, ...]]]:
    """The statements of one create, and their arguments."""
    settings = load_settings({"data": folder / "data", "database_url": url})
    store = await Recording.open(Options(url))
    try:
        invoker = Opened(settings, store, LocalBlobs(folder), NO_TOOLS.urls).invoker
        while True:
            store.said.clear()
            await invoker.invoke(CALLER, engagements.CREATE, request())
            # Some take a block of numbers besides, in a transaction of its own.
            if sum(text.startswith("BEGIN") for text, _ in store.said) == 1:
                return [*store.said]
    finally:
        await store.close()


def script(statements: list[tuple[str, tuple[Any, ...]]], *, apart: bool = False) -> str:
    """The statements for pgbench, each transaction with a number of its own."""
    numbers = {
        next(
            argument
            for text, arguments in statements
            if f"INTO {table} " in text
            for argument in arguments[1]
        )
        for table in ("engagements", "events")
    }
    lines = ["\\set i :i + 1", "\\set n :first + :client_id * 1000000000 + :i"]
    for text, arguments in statements:
        line = " ".join(literal(text, arguments, numbers).split()) + ";"
        if apart and "INTO counters " in text:
            line = line.replace(f"E'{demo.ORG}'", f"E'{demo.ORG}' || (:client_id)::text")
        lines.append(line)
    return "\n".join(lines) + "\n"


def literal(text: str, arguments: tuple[Any, ...], numbers: set[int]) -> str:
    """A statement with its arguments written out, and `:n` for the numbers of what it makes."""

    def write(value: Any) -> str:
        if value is None:
            return "NULL"
        if isinstance(value, list):
            return f"ARRAY[{', '.join(write(one) for one in value)}]"
        if isinstance(value, int):
            return ":n" if value in numbers else str(value)
        # pgbench would take a colon and a word for a variable, in a text too.
        return (
            "E'" + str(value).replace("\\", "\\\\").replace("'", "''").replace(":", "\\x3A") + "'"
        )

    return re.sub(r"\$(\d+)", lambda found: write(arguments[int(found[1]) - 1]), text)


if __name__ == "__main__":
    main()
