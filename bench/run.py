"""Durable creates a second beside the same server's no-op answer, its start-up time and its memory.

The server has one core and the load the other. Figures are meant as ratios within one run: machines
differ and are noisy. Needs `wrk`; run it as `make bench`.
"""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SECONDS = int(os.environ.get("SECONDS_EACH", "8"))
CONNECTIONS = (1, 16, 64)


def main() -> None:
    """Run everything and print one table."""
    if shutil.which("wrk") is None:
        sys.exit(
            "The benchmark's load comes from wrk: install it (Debian's package is called wrk)."
        )
    with tempfile.TemporaryDirectory(prefix="rapport-bench-") as folder:
        began = time.monotonic()
        server, url, token = start(Path(folder) / "data")
        try:
            print(f"start-up until it serves, demo data included: {time.monotonic() - began:.2f} s")
            print(f"memory before the load: {memory(server.pid):.0f} MiB")
            report(url, token)
            print(f"memory after the load: {memory(server.pid):.0f} MiB")
        finally:
            server.terminate()
            server.wait()
        began = time.monotonic()
        server, _, _ = start(Path(folder) / "data")
        print(f"start-up on the store that it left: {time.monotonic() - began:.2f} s")
        print(
            f"commit flush (fdatasync of 4 KiB, median of 200): {flush(Path(folder)) * 1000:.2f} ms"
        )
        server.terminate()
        server.wait()


def start(
    data: Path, *flags: str, pinned: bool = True, **environment: str
) -> tuple[subprocess.Popen[str], str, str]:
    """A server, on the first core if it is pinned, its URL and the token that it shows at first."""
    where = on_core(0) if pinned else []
    server = subprocess.Popen(
        [
            *where,
            sys.executable,
            "-m",
            "rapport",
            "serve",
            "--demo",
            "--data",
            str(data),
            "--port",
            "0",
            *flags,
        ],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "RAPPORT_RATE_LIMIT": "off", **environment},
    )
    assert server.stdout is not None
    token = ""
    for line in server.stdout:
        token = match[0] if (match := re.search(r"rpt_\w+", line)) else token
        if url := re.search(r"http://\S+:\d+", line):
            return server, url[0], token
    raise SystemExit("the server did not start")


def on_core(core: int) -> list[str]:
    """What pins a command to a core, where there are two."""
    return (
        ["taskset", "-c", str(core)]
        if len(os.sched_getaffinity(0)) > 1 and shutil.which("taskset")
        else []
    )


def report(url: str, token: str) -> None:
    """Each load at each number of connections, the baseline next to it."""
    loads = {
        "no-op (/healthz)": ("read.lua", "/healthz"),
        "engagements.create": ("create.lua", "/engagements.create"),
        "engagements.get": ("read.lua", "/engagements.get?id=ENGAGEMENT-1"),
        "engagements.list": ("read.lua", "/engagements.list?limit=50"),
    }
    print(
        f"{'':24}{'connections':>12}{'a second':>12}{'p50 ms':>10}"
        f"{'p99 ms':>10}{'of no-op':>10}{'errors':>8}"
    )
    for connections in CONNECTIONS:
        baseline = 0.0
        for name, (script, path) in loads.items():
            ran = load(url + path, script, connections, token)
            rate = ran["requests"] / ran["seconds"]
            baseline = baseline or rate
            print(
                f"{name:24}{connections:>12}{rate:>12,.0f}{ran['p50']:>10}{ran['p99']:>10}"
                f"{rate / baseline:>10.0%}{ran['errors']:>8}"
            )


def load(
    url: str, script: str, connections: int, token: str, *, pinned: bool = True
) -> dict[str, Any]:
    """One run of wrk, on the second core if it is pinned."""
    return result(wrk(url, script, connections, token, pinned=pinned))


def wrk(
    url: str, script: str, connections: int, token: str, *, pinned: bool = True
) -> "subprocess.Popen[str]":
    """Begin a run of wrk."""
    where = on_core(1) if pinned else []
    command = [
        *where,
        "wrk",
        "-t1",
        f"-c{connections}",
        f"-d{SECONDS}s",
        "-s",
        str(HERE / script),
        url,
    ]
    return subprocess.Popen(
        command, env={**os.environ, "TOKEN": token}, stdout=subprocess.PIPE, text=True
    )


def result(run: "subprocess.Popen[str]") -> dict[str, Any]:
    """What a run of wrk says at its end."""
    said, _ = run.communicate()
    if run.returncode:
        sys.exit("wrk failed")
    found: dict[str, Any] = json.loads(said.partition("RESULT ")[2])
    return found


def memory(pid: int) -> float:
    """Resident memory in MiB."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def flush(folder: Path) -> float:
    """Seconds that the disk takes to keep 4 KiB."""
    taken = []
    with (folder / "flush").open("wb", buffering=0) as file:
        for _ in range(200):
            file.write(b"x" * 4096)
            began = time.monotonic()
            os.fdatasync(file.fileno())
            taken.append(time.monotonic() - began)
    return statistics.median(taken)


if __name__ == "__main__":
    main()
