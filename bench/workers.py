"""Creates and gets a second with one process, with two processes, and with `--workers 2`, on one
PostgreSQL.

The three take turns on one database, and the medians of their turns are printed as ratios to the
first. Servers, load and database share the machine's cores, and all creates are of one org, which
commits them one after the other: with two cores there is little to win, and what to look at is
whether anything is lost. Run it as `.venv/bin/python -m bench.workers`, with SECONDS_EACH (8) and
ROUNDS (3).
"""

import statistics
import subprocess
import tempfile
from pathlib import Path

from bench.demo import CONNECTIONS, CREATE, GET, ROUNDS, SECONDS, start
from bench.load import Load, Plan, Result, Stream
from tests.support.postgres import PostgresServer

LOADS = {"engagements.create": CREATE, "engagements.get": GET}


def main() -> None:
    """Run everything and print one table."""
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
    with Load(pinned=False) as load:
        for name, asked in LOADS.items():
            for connections in CONNECTIONS:
                turns: dict[str, list[list[Result]]] = {set_up: [] for set_up in set_ups}
                for _ in range(ROUNDS):
                    for set_up, urls in set_ups.items():
                        turns[set_up].append(shared(load, urls, asked, connections, token))
                show(name, connections, turns)


def show(name: str, connections: int, turns: dict[str, list[list[Result]]]) -> None:
    """A line for each set-up."""
    one = 0.0
    for set_up, results in turns.items():
        rate = statistics.median(sum(result.rate for result in turn) for turn in results)
        p99 = statistics.median(max(result.p99 for result in turn) for turn in results)
        one = one or rate
        errors = sum(result.errors for turn in results for result in turn)
        print(
            f"{name:20}{connections:>12}  "
            f"{set_up:14}{rate:>10,.0f}{p99:>10.1f}{rate / one:>8.0%}{errors:>8}"
        )


def shared(
    load: Load, urls: list[str], asked: tuple[str, str], connections: int, token: str
) -> list[Result]:
    """The connections shared out among the addresses; a result for each."""
    shares = [
        connections // len(urls) + (place < connections % len(urls)) for place in range(len(urls))
    ]
    streams = [
        Stream(share, [asked], url, url=url)
        for url, share in zip(urls, shares, strict=True)
        if share
    ]
    return list(load.run(Plan(urls[0], token, SECONDS, streams)).values())


if __name__ == "__main__":
    main()
