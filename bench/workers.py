"""Creates and gets a second with one process, with two processes, and with `--workers 2`, on one
PostgreSQL.

The three take turns on one database, and the medians of their turns are printed as ratios to the
first. Servers, load and database share the machine's cores, and all creates are of one org, which
commits them one after the other: with two cores there is little to win, and what to look at is
whether anything is lost. Needs `wrk`; run it as `.venv/bin/python bench/workers.py`, with
SECONDS_EACH (8) and ROUNDS (3).
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from run import CONNECTIONS, result, start, wrk

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.postgres import PostgresServer  # the repository is no installed package

ROUNDS = int(os.environ.get("ROUNDS", "3"))
LOADS = {
    "engagements.create": ("create.lua", "/engagements.create"),
    "engagements.get": ("read.lua", "/engagements.get?id=ENGAGEMENT-1"),
}


def main() -> None:
    """Run everything and print one table."""
    if shutil.which("wrk") is None:
        sys.exit(
            "The benchmark's load comes from wrk: install it (Debian's package is called wrk)."
        )
    database = PostgresServer.make(durable=True)
    servers: list[subprocess.Popen[str]] = []
    try:
        with tempfile.TemporaryDirectory(prefix="rapport-bench-") as folder:
            urls, token = [], ""
            for flags in ([], [], ["--workers", "2"]):
                place = {"RAPPORT_DATABASE_URL": database.url("postgres")}
                server, url, shown = start(Path(folder) / "data", *flags, pinned=False, **place)
                servers.append(server)
                urls.append(url)
                token = token or shown
            report(
                {"one process": urls[:1], "two processes": urls[:2], "--workers 2": urls[2:]}, token
            )
            end(servers)
    finally:
        end(servers)
        database.remove()


def end(servers: list[subprocess.Popen[str]]) -> None:
    """Stop them all."""
    while servers:
        server = servers.pop()
        server.terminate()
        server.wait()


def report(set_ups: dict[str, list[str]], token: str) -> None:
    """Each load at each number of connections, the set-ups in turn."""
    print(
        f"{'':20}{'connections':>12}  "
        f"{'':14}{'a second':>10}{'p99 ms':>10}{'of one':>8}{'errors':>8}"
    )
    for name, (script, path) in LOADS.items():
        for connections in CONNECTIONS:
            turns: dict[str, list[tuple[float, float, int]]] = {set_up: [] for set_up in set_ups}
            for _ in range(ROUNDS):
                for set_up, urls in set_ups.items():
                    turns[set_up].append(
                        load([url + path for url in urls], script, connections, token)
                    )
            one = 0.0
            for set_up, results in turns.items():
                rate, p99 = (
                    statistics.median(result[place] for result in results) for place in (0, 1)
                )
                one = one or rate
                errors = sum(result[2] for result in results)
                print(
                    f"{name:20}{connections:>12}  "
                    f"{set_up:14}{rate:>10,.0f}{p99:>10.1f}{rate / one:>8.0%}{errors:>8}"
                )


def load(urls: list[str], script: str, connections: int, token: str) -> tuple[float, float, int]:
    """The connections shared out among the addresses: requests a second, the worst p99 in ms,
    errors.
    """
    shares = [
        connections // len(urls) + (place < connections % len(urls)) for place in range(len(urls))
    ]
    runs = [
        wrk(url, script, share, token, pinned=False)
        for url, share in zip(urls, shares, strict=True)
        if share
    ]
    results = [result(run) for run in runs]
    return (
        sum(ran["requests"] / ran["seconds"] for ran in results),
        max(ran["p99"] for ran in results),
        sum(ran["errors"] for ran in results),
    )


if __name__ == "__main__":
    main()
