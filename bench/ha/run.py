"""High availability, tried: Rapport over a three-node Patroni cluster, under load, while nodes are
killed.

Each node is an etcd member, Patroni and PostgreSQL 15 on loopback, all in one temporary folder.
Replication is synchronous and strict: a commit is answered when two nodes have it. While 16
connections record engagements, each with its `Idempotency-Key` and again until it is answered, the
primary's postmaster is killed, and later everything of the node that is the primary then. At the
end each acknowledged engagement has to be there, once.

Needs Debian's patroni, etcd-server and postgresql-15; run it as `python bench/ha/run.py`.
"""

import asyncio
import contextlib
import itertools
import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

POSTGRES = Path("/usr/lib/postgresql/15/bin")
NEEDS = {"patroni": "patroni", "etcd": "etcd-server", str(POSTGRES / "postgres"): "postgresql-15"}
NODES = 3
CONNECTIONS = 16
# Patroni's own clock, in seconds: a node that is gone loses the lead after TTL at the latest.
TTL, LOOP, RETRY = 20, 1, 3
SECONDS_BETWEEN = float(os.environ.get("SECONDS_BETWEEN", "15"))
PASSWORD = "loopback-only"  # of a cluster that lives for a few minutes
GIVE_UP = 120


class Node:
    """An etcd member, Patroni, and the PostgreSQL that it runs."""

    def __init__(self, folder: Path, number: int, ports: list[dict[str, int]]) -> None:
        self.name = f"node{number}"
        self.folder = folder / self.name
        self.folder.mkdir(mode=0o700)
        self.ports = ports[number]
        self._all = ports
        self._processes: list[subprocess.Popen[bytes]] = []
        (self.folder / "patroni.json").write_text(json.dumps(self._patroni()), encoding="utf-8")
        _give_to_postgres(self.folder)

    def start(self) -> None:
        """Start etcd and Patroni, which starts PostgreSQL."""
        peers = ",".join(
            f"node{i}=http://127.0.0.1:{ports['peer']}" for i, ports in enumerate(self._all)
        )
        client, peer = (f"http://127.0.0.1:{self.ports[port]}" for port in ("client", "peer"))
        self._run(
            "etcd",
            [
                "etcd",
                "--name",
                self.name,
                "--data-dir",
                str(self.folder / "etcd"),
                "--listen-client-urls",
                client,
                "--advertise-client-urls",
                client,
                "--listen-peer-urls",
                peer,
                "--initial-advertise-peer-urls",
                peer,
                "--initial-cluster",
                peers,
                "--initial-cluster-state",
                "new",
                "--heartbeat-interval",
                "100",
                "--election-timeout",
                "1000",
                "--logger",
                "zap",
            ],
        )
        self._run("patroni", ["patroni", str(self.folder / "patroni.json")])

    def _run(self, what: str, command: list[str]) -> None:
        with (self.folder / f"{what}.log").open("ab") as log:
            self._processes.append(
                subprocess.Popen(
                    command,
                    stdout=log,
                    stderr=log,
                    cwd=self.folder,
                    **_as_postgres(),
                    start_new_session=True,
                )
            )

    def _patroni(self) -> dict[str, Any]:
        rest, postgres = self.ports["rest"], self.ports["postgres"]
        return {
            "scope": "rapport",
            "name": self.name,
            "restapi": {"listen": f"127.0.0.1:{rest}", "connect_address": f"127.0.0.1:{rest}"},
            "etcd3": {"hosts": [f"127.0.0.1:{ports['client']}" for ports in self._all]},
            "bootstrap": {
                "dcs": {
                    "ttl": TTL,
                    "loop_wait": LOOP,
                    "retry_timeout": RETRY,
                    "maximum_lag_on_failover": 1_048_576,
                    "synchronous_mode": True,
                    "synchronous_mode_strict": True,
                    "primary_start_timeout": 0,
                    "postgresql": {
                        "use_pg_rewind": True,
                        "parameters": {
                            # A standby of the new primary first finds no slot there,
                            # and must not wait 5 s to try again.
                            "synchronous_commit": "on",
                            "wal_retrieve_retry_interval": "500ms",
                        },
                    },
                },
                "initdb": [{"encoding": "UTF8"}, "data-checksums"],
                "pg_hba": [
                    f"host {what} all 127.0.0.1/32 scram-sha-256" for what in ("all", "replication")
                ],
            },
            "postgresql": {
                "listen": f"127.0.0.1:{postgres}",
                "connect_address": f"127.0.0.1:{postgres}",
                "data_dir": str(self.folder / "data"),
                "bin_dir": str(POSTGRES),
                "pgpass": str(self.folder / "pgpass"),
                "authentication": {
                    "superuser": {"username": "postgres", "password": PASSWORD},
                    "replication": {"username": "replicator", "password": PASSWORD},
                    "rewind": {"username": "rewinder", "password": PASSWORD},
                },
                "parameters": {"unix_socket_directories": str(self.folder)},
                "remove_data_directory_on_rewind_failure": True,
                "remove_data_directory_on_diverged_timelines": True,
            },
        }

    @property
    def role(self) -> str:
        """What Patroni says of this node, such as `primary`, `sync_standby`; empty when it says
        nothing.
        """
        with contextlib.suppress(OSError, ValueError):
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.ports['rest']}/patroni", timeout=1
            ) as answer:
                said = json.load(answer)
            if said.get("state") == "running":
                return "sync_standby" if said.get("sync_standby") else str(said["role"])
        return ""

    @property
    def postmaster(self) -> int:
        """The process id of its PostgreSQL."""
        return int((self.folder / "data" / "postmaster.pid").read_text(encoding="utf-8").split()[0])

    def kill_postmaster(self) -> None:
        """Kill PostgreSQL's first process; the others end when they see it."""
        os.kill(self.postmaster, signal.SIGKILL)

    def kill(self) -> None:
        """Kill everything of this node at once."""
        with contextlib.suppress(OSError, ValueError):
            os.kill(self.postmaster, signal.SIGKILL)
        for process in self._processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self._processes.clear()


def _as_postgres() -> dict[str, Any]:
    """PostgreSQL does not run as root."""
    return {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}


def _give_to_postgres(path: Path) -> None:
    if os.geteuid() == 0:
        user = pwd.getpwnam("postgres")
        for each in (path, *path.rglob("*")):
            os.chown(each, user.pw_uid, user.pw_gid)


@contextlib.contextmanager
def cluster() -> Iterator[list[Node]]:
    """A running cluster with a primary and a synchronous standby."""
    folder = Path(tempfile.mkdtemp(prefix="rapport-ha-"))
    folder.chmod(0o755)
    first = int(os.environ.get("FIRST_PORT", "17400"))
    kinds = ("client", "peer", "rest", "postgres")
    ports = [{kind: first + i * 10 + j for j, kind in enumerate(kinds)} for i in range(NODES)]
    nodes = [Node(folder, i, ports) for i in range(NODES)]
    try:
        for node in nodes:
            node.start()
        await_roles(nodes, {"sync_standby"}, within=GIVE_UP)
        yield nodes
    finally:
        for node in nodes:
            node.kill()
        if os.environ.get("KEEP"):
            print(f"kept {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def await_roles(nodes: list[Node], roles: set[str], *, within: float) -> None:
    """Wait until there are nodes of all these roles."""
    until = time.monotonic() + within
    while not roles <= {node.role for node in nodes}:
        if time.monotonic() > until:
            sys.exit(f"no {roles} within {within} s: {[node.role for node in nodes]}")
        time.sleep(0.2)


def primary(nodes: list[Node]) -> Node:
    """The node that takes writes."""
    until = time.monotonic() + GIVE_UP
    while time.monotonic() < until:
        for node in nodes:
            if node.role in {"primary", "master"}:
                return node
        time.sleep(0.2)
    sys.exit("there is no primary")


@dataclass
class Load:
    """What the writers saw. Times are on the monotonic clock."""

    acknowledged: dict[str, str] = field(default_factory=dict)
    answered_at: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    running: bool = True

    def gap_after(self, moment: float) -> float:
        """The longest time without an acknowledged write that began within a second of, or
        after, this moment.
        """
        times = [when for when in self.answered_at if when >= moment - 1]
        return max((after - before for before, after in itertools.pairwise(times)), default=0.0)


async def write(load: Load, client: httpx.AsyncClient, writer: int, member: str) -> None:
    """Record engagements one after another, each again until it is answered."""
    number = 0
    while load.running:
        title = f"writer {writer} call {number}"
        request = {
            "title": title,
            "members": [member],
            "scheduled_date": "2023-01-01T12:00:00.000Z",
        }
        while True:
            try:
                answer = await client.post(
                    "/engagements.create", json=request, headers={"idempotency-key": title}
                )
            except httpx.TransportError as error:
                load.statuses[type(error).__name__] += 1
                await asyncio.sleep(0.1)
                continue
            load.statuses[str(answer.status_code)] += 1
            if answer.status_code == httpx.codes.CREATED:
                load.acknowledged[title] = answer.json()["engagement"]["id"]
                load.answered_at.append(time.monotonic())
                break
            await asyncio.sleep(0.1)
        number += 1


async def everything(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    """All engagements."""
    found: list[dict[str, Any]] = []
    query: dict[str, Any] = {"limit": 100}
    while True:
        page = (await client.get("/engagements.list", params=query)).raise_for_status().json()
        found += page["engagements"]
        if "next_cursor" not in page:
            return found
        query["cursor"] = page["next_cursor"]


async def run(nodes: list[Node], url: str, token: str) -> dict[str, Any]:
    """Load, kill, and check."""
    headers = {"authorization": f"Bearer {token}"}
    report: dict[str, Any] = {}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=10) as client:
        member = (await client.get("/dev-users.self")).raise_for_status().json()["dev_user"]["id"]
        load = Load()
        writers = [
            asyncio.create_task(write(load, client, number, member))
            for number in range(CONNECTIONS)
        ]
        await asyncio.sleep(SECONDS_BETWEEN)
        began = load.answered_at[0]
        report["creates a second before"] = round(
            len(load.answered_at) / (load.answered_at[-1] - began)
        )
        for what in ("postmaster", "node"):
            node = await asyncio.to_thread(primary, nodes)
            killed = time.monotonic()
            if what == "postmaster":
                node.kill_postmaster()
            else:
                node.kill()
            await asyncio.sleep(SECONDS_BETWEEN + (TTL + 10 if what == "node" else 0))
            report[f"seconds without writes after a killed {what}"] = round(
                load.gap_after(killed), 1
            )
            if what == "node":
                node.start()
            await asyncio.to_thread(await_roles, nodes, {"sync_standby"}, within=GIVE_UP)
        load.running = False
        await asyncio.wait_for(asyncio.gather(*writers), GIVE_UP)
        stored = await everything(client)
    titles = Counter(engagement["title"] for engagement in stored)
    ids = {engagement["title"]: engagement["id"] for engagement in stored}
    report["acknowledged"] = len(load.acknowledged)
    report["acknowledged and lost"] = sum(
        ids.get(title) != id_ for title, id_ in load.acknowledged.items()
    )
    report["duplicates under retried keys"] = sum(count - 1 for count in titles.values())
    report["answers"] = dict(load.statuses)
    report["answers other than 2xx and 503"] = sum(
        count for status, count in load.statuses.items() if status not in {"201", "503"}
    )
    return report


@contextlib.contextmanager
def rapport(nodes: list[Node], folder: Path) -> Iterator[tuple[str, str]]:
    """A server over the cluster: its URL and its first token."""
    hosts = ",".join(f"127.0.0.1:{node.ports['postgres']}" for node in nodes)
    database = f"postgresql://postgres:{PASSWORD}@{hosts}/postgres?target_session_attrs=read-write"
    environment = {**os.environ, "RAPPORT_DATABASE_URL": database, "RAPPORT_RATE_LIMIT": "off"}
    with (folder / "rapport.log").open("wb") as log:
        server = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "rapport",
                "serve",
                "--data",
                str(folder / "data"),
                "--port",
                "0",
            ],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=environment,
        )
    assert server.stdout is not None
    token = ""
    try:
        for line in server.stdout:
            token = found[0] if (found := re.search(r"rpt_\w+", line)) else token
            if url := re.search(r"http://\S+:\d+", line):
                yield url[0], token
                return
        sys.exit((folder / "rapport.log").read_text(encoding="utf-8"))
    finally:
        server.terminate()
        server.wait()


def main() -> None:
    """Run it and print the report; exit 1 when a write was lost, doubled or answered wrongly."""
    missing = [package for program, package in NEEDS.items() if shutil.which(program) is None]
    if missing:
        sys.exit(f"Install {' and '.join(missing)} (Debian's packages of these names).")
    with (
        tempfile.TemporaryDirectory(prefix="rapport-ha-server-") as folder,
        contextlib.ExitStack() as stack,
    ):
        nodes = stack.enter_context(cluster())
        url, token = stack.enter_context(rapport(nodes, Path(folder)))
        report = asyncio.run(run(nodes, url, token))
    for what, value in report.items():
        print(f"{what}: {value}")
    wrong = (
        "acknowledged and lost",
        "duplicates under retried keys",
        "answers other than 2xx and 503",
    )
    sys.exit(any(report[what] for what in wrong))


if __name__ == "__main__":
    main()
