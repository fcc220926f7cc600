"""Servers to be measured, each on the first core, and what the kernel knows of them."""

import contextlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SERVER_CORE, LOAD_CORE = 0, 1
_START_SECONDS = 60.0
# What is measured is what is on by default, but for the limit of requests, and the feed is kept as
# the store made it.
ENVIRONMENT = {"RAPPORT_RATE_LIMIT": "off", "RAPPORT_EVENT_RETENTION_DAYS": "36500"}


@dataclass(frozen=True)
class Served:
    """A running server.

    Args:
        process: the first one of it.
        url: where it is.
        token: what to sign in with.
        start: seconds from the start of its program to its first answer.
        database: the first process of its database, if it has one.
    """

    process: "subprocess.Popen[Any]"
    url: str
    token: str
    start: float
    database: int | None = None

    @property
    def memory(self) -> float:
        """Resident memory of the server without its database, in MiB."""
        return sum(_status(pid, "VmRSS") for pid in _family(self.process.pid)) / 1024

    @property
    def worked(self) -> float:
        """Milliseconds that the server and its database have been on a core: what others do
        there hardly shows.
        """
        return sum(_worked(pid) for one in self._first for pid in _family(one))

    @property
    def written(self) -> int:
        """Bytes that the server and its database have sent towards the disk."""
        return sum(_written(pid) for one in self._first for pid in _family(one))

    @property
    def _first(self) -> list[int]:
        return [self.process.pid, *([] if self.database is None else [self.database])]


def on_core(core: int) -> list[str]:
    """What pins a command to a core, where there are two."""
    return (
        ["taskset", "-c", str(core)]
        if len(os.sched_getaffinity(0)) > 1 and shutil.which("taskset")
        else []
    )


def pin(pid: int, core: int) -> None:
    """Keep a process, all that come from it and all that will, on a core, where there are two."""
    if on_core(core):
        for one in _family(pid):
            os.sched_setaffinity(one, {core})


def free_port() -> int:
    """A port that nothing listens on right now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def rapport(
    data: Path,
    token: str,
    *,
    database: str = "",
    postmaster: int | None = None,
    module: Sequence[str] = ("rapport",),
    environment: Mapping[str, str] | None = None,
) -> Iterator[Served]:
    """The program on a store, by its module or one that runs it otherwise."""
    port = free_port()
    command = [sys.executable, "-m", *module, "serve", "--data", str(data), "--port", str(port)]
    chosen = {**ENVIRONMENT, "RAPPORT_DATABASE_URL": database, **(environment or {})}
    with serving(
        command, port, "/healthz", token, postmaster=postmaster, environment=chosen
    ) as served:
        yield served


@contextlib.contextmanager
def serving(
    command: Sequence[str],
    port: int,
    path: str,
    token: str,
    *,
    postmaster: int | None = None,
    environment: Mapping[str, str],
    cwd: Path = ROOT,
) -> Iterator[Served]:
    """Any server that answers 200 on a path when it is ready."""
    url = f"http://127.0.0.1:{port}"
    began = time.monotonic()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [*on_core(SERVER_CORE), *command],
            stdout=log,
            stderr=log,
            env={**os.environ, **environment},
            cwd=cwd,
        )
        try:
            if not _answers(process, url + path):
                log.seek(0)
                raise SystemExit(
                    f"{' '.join(command)} did not start:\n{log.read()[-4000:].decode()}"
                )
            yield Served(process, url, token, time.monotonic() - began, postmaster)
        finally:
            process.terminate()
            process.wait()


def _answers(process: "subprocess.Popen[Any]", url: str) -> bool:
    """True as soon as it answers; False when it ended, or took too long."""
    until = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < until:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return True
        time.sleep(0.005)
    return False


def call(url: str, token: str, method: str, request: Any) -> Any:
    """One call; a refusal's answer too."""
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    asked = urllib.request.Request(f"{url}/{method}", json.dumps(request).encode(), headers)
    try:
        with urllib.request.urlopen(asked, timeout=120) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refusal:
        return json.load(refusal)


def version_seconds() -> float:
    """Seconds of `rapport --version`, the median of five."""
    program = Path(sys.executable).with_name("rapport")
    taken = []
    for _ in range(5):
        began = time.monotonic()
        subprocess.run(
            [*on_core(SERVER_CORE), program, "--version"], check=True, stdout=subprocess.DEVNULL
        )
        taken.append(time.monotonic() - began)
    return statistics.median(taken)


def flush_seconds(folder: Path, times: int = 100) -> float:
    """Seconds that the disk takes to keep 4 KiB, the median."""
    taken = []
    with (folder / "flush").open("wb", buffering=0) as file:
        for _ in range(times):
            file.write(b"x" * 4096)
            began = time.monotonic()
            os.fdatasync(file.fileno())
            taken.append(time.monotonic() - began)
    (folder / "flush").unlink()
    return statistics.median(taken)


def slow_flushes(cache: Path, milliseconds: float) -> None:
    """Have every flush of the servers that are started from now on take at least so long.

    SQLite and PostgreSQL ask the kernel themselves, so this takes a library of ours before the C
    library.

    Raises:
        SystemExit: there is no C compiler.
    """
    compiler = shutil.which("cc")
    if compiler is None:
        raise SystemExit("--flush-ms needs a C compiler: install one (Debian's package is gcc)")
    library = cache / "slow_flush.so"
    source = Path(__file__).with_name("slow_flush.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", library, source, "-ldl"], check=True)
    os.environ.update(LD_PRELOAD=str(library), BENCH_FLUSH_MS=str(milliseconds))


def imposed_flush_ms() -> float:
    """What `slow_flushes` was asked for."""
    return float(os.environ.get("BENCH_FLUSH_MS", "0"))


def spin_seconds(core: int) -> float:
    """Seconds of work that never changes, on one core: longer when somebody else is on it."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core} & before or before)
    began = time.perf_counter()
    sum(range(2_000_000))
    taken = time.perf_counter() - began
    os.sched_setaffinity(0, before)
    return taken


def _family(pid: int) -> list[int]:
    """A process and all that come from it."""
    found = [pid]
    for one in found:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{one}/task").iterdir():
                found += map(int, (task / "children").read_text(encoding="ascii").split())
    return found


def _status(pid: int, name: str) -> int:
    with contextlib.suppress(OSError):
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        return int(status.partition(f"{name}:")[2].split()[0])
    return 0


def _worked(pid: int) -> float:
    found = 0
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += int((task / "schedstat").read_text(encoding="ascii").split()[0])
    return found / 1e6


def _written(pid: int) -> int:
    with contextlib.suppress(OSError):
        return int(
            Path(f"/proc/{pid}/io")
            .read_text(encoding="ascii")
            .partition("\nwrite_bytes:")[2]
            .split()[0]
        )
    return 0
