"""PgBouncer in front of a test's PostgreSQL, with the settings that the guide shows. It is not
installed by `make`.
"""

import configparser
import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.support import guide
from tests.support.postgres import PostgresServer, free_port, give, unprivileged
from tests.support.starting import listens, wait_until_ready

# Debian keeps it where only root's PATH leads.
PROGRAM = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
_PASSWORD = "s3cret"


class PgBouncer:
    """One that runs, and that is started again on the same port.

    Args:
        folder: for its files; whoever runs it can read there.
        entries: the name of each database as clients write it, and the server's own: its server and
            name there.
    """

    def __init__(self, folder: Path, entries: Mapping[str, tuple[PostgresServer, str]]) -> None:
        self.folder = folder
        self.port = free_port()
        (shown,) = guide.examples("scale.md", "ini")
        config = configparser.ConfigParser()
        config.read_string(shown.code)
        config["databases"] = {
            entry: f"host=127.0.0.1 port={server.port} dbname={name}"
            for entry, (server, name) in entries.items()
        }
        own = {
            "listen_port": str(self.port),
            "auth_file": str(folder / "userlist.txt"),
            "unix_socket_dir": "",
        }
        config["pgbouncer"].update(own)
        with (folder / "pgbouncer.ini").open("w", encoding="utf-8") as file:
            config.write(file)
        (folder / "userlist.txt").write_text(f'"rapport" "{_PASSWORD}"\n', encoding="utf-8")
        give(folder)
        self.start()

    def start(self) -> None:
        """Start, or start again, and wait until it listens."""
        assert PROGRAM
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [PROGRAM, self.folder / "pgbouncer.ini"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                **unprivileged(),
            )
        wait_until_ready(self._process, self.folder / "log", lambda: listens(self.port), seconds=10)

    def stop(self) -> None:
        """End it at once, with whatever is under way."""
        self._process.kill()
        self._process.wait()

    def logged(self) -> str:
        """What it has logged."""
        return (self.folder / "log").read_text(encoding="utf-8")

    def url(self, entry: str) -> str:
        """A database's URL."""
        return f"postgresql://rapport:{_PASSWORD}@127.0.0.1:{self.port}/{entry}"


@contextlib.contextmanager
def pgbouncer(entries: Mapping[str, tuple[PostgresServer, str]]) -> Iterator[PgBouncer]:
    """One for as long as a block lasts; see `PgBouncer`."""
    folder = Path(tempfile.mkdtemp(prefix="rapport-pgbouncer-"))
    running = PgBouncer(folder, entries)
    try:
        yield running
    finally:
        running.stop()
        shutil.rmtree(folder)
