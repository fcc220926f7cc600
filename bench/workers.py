"""Creates and gets a second with one process, with two processes, and with `--workers 2`, on one PostgreSQL.

The three take turns on one database, and the medians of their turns are printed as ratios to the first. Servers, load
and database share the machine's cores, and all creates are of one org, which commits them one after the other: with two
cores there is little to win, and what to look at is whether anything is lost. Needs `wrk`; run it as
`.venv/bin/python bench/workers.py`, with SECONDS_EACH (4) and ROUNDS (3).
"""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from tests.support.postgres import PostgresServer  # noqa: E402  # the repository is no installed package

SECONDS = int(os.environ.get("SECONDS_EACH", "4"))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
CONNECTIONS = (1, 16, 64)
LOADS = {
    "engagements.create": ("create.lua", "/engagements.create"),
    "engagements.get": ("read.lua", "/engagements.get?id=ENGAGEMENT-1"),
}


def main() -> None:
    """Run everything and print one table."""
    if shutil.which("wrk") is None:
        sys.exit("The benchmark's load comes from wrk: install it (Debian's package is called wrk).")
    database = PostgresServer.make()
    servers: list[subprocess.Popen[str]] = []
    try:
        # The tests' server does without what survives a power cut; Rapport does not.
        for setting in ("fsync", "full_page_writes"):
            database.run(f"ALTER SYSTEM SET {setting} = on")
        database.run("SELECT pg_reload_conf()")
        with tempfile.TemporaryDirectory(prefix="rapport-bench-") as folder:
            urls, token = [], ""
            for flags in ([], [], ["--workers", "2"]):
                server, url, shown = start(database.url("postgres"), Path(folder), flags)
                servers.append(server)
                urls.append(url)
                token = token or shown
            report({"one process": urls[:1], "two processes": urls[:2], "--workers 2": urls[2:]}, token)
            end(servers)
    finally:
        end(servers)
        database.remove()


def start(database: str, folder: Path, flags: list[str]) -> tuple[subprocess.Popen[str], str, str]:
    """A server, its URL, and the token that the first one shows."""
    server = subprocess.Popen(
        [sys.executable, "-m", "rapport", "serve", "--demo", "--data", str(folder / "data"), "--port", "0", *flags],
        stdout=subprocess.PIPE, text=True,
        env={**os.environ, "RAPPORT_RATE_LIMIT": "off", "RAPPORT_DATABASE_URL": database},
    )  # fmt: skip
    assert server.stdout is not None
    token = ""
    for line in server.stdout:
        token = match[0] if (match := re.search(r"rpt_\w+", line)) else token
        if url := re.search(r"http://\S+:\d+", line):
            return server, url[0], token
    raise SystemExit("the server did not start")


def end(servers: list[subprocess.Popen[str]]) -> None:
    """Stop them all."""
    while servers:
        server = servers.pop()
        server.terminate()
        server.wait()


def report(set_ups: dict[str, list[str]], token: str) -> None:
    """Each load at each number of connections, the set-ups in turn."""
    print(f"{'':20}{'connections':>12}  {'':14}{'a second':>10}{'p99 ms':>10}{'of one':>8}{'errors':>8}")
    for name, (script, path) in LOADS.items():
        for connections in CONNECTIONS:
            turns: dict[str, list[tuple[float, float, int]]] = {set_up: [] for set_up in set_ups}
            for _ in range(ROUNDS):
                for set_up, urls in set_ups.items():
                    turns[set_up].append(load([url + path for url in urls], script, connections, token))
            one = 0.0
            for set_up, results in turns.items():
                rate, p99 = (statistics.median(result[place] for result in results) for place in (0, 1))
                one = one or rate
                errors = sum(result[2] for result in results)
                print(f"{name:20}{connections:>12}  {set_up:14}{rate:>10,.0f}{p99:>10.1f}{rate / one:>8.0%}{errors:>8}")


def load(urls: list[str], script: str, connections: int, token: str) -> tuple[float, float, int]:
    """The connections shared out among the addresses: requests a second, the worst p99 in ms, errors."""
    shares = [connections // len(urls) + (place < connections % len(urls)) for place in range(len(urls))]
    runs = [
        subprocess.Popen(
            ["wrk", "-t1", f"-c{share}", f"-d{SECONDS}s", "-s", str(HERE / script), url],
            env={**os.environ, "TOKEN": token}, stdout=subprocess.PIPE, text=True,
        )
        for url, share in zip(urls, shares, strict=True)
        if share
    ]  # fmt: skip
    results = [json.loads(run.communicate()[0].partition("RESULT ")[2]) for run in runs]
    return (
        sum(result["requests"] / result["seconds"] for result in results),
        max(result["p99"] for result in results),
        sum(result["errors"] for result in results),
    )


if __name__ == "__main__":
    main()
