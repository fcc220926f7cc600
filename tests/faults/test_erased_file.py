"""What is erased and purged stands in no file of the data folder any more."""

import gzip
import time
from pathlib import Path

import apsw
import pytest

from tests.support.command import rapport
from tests.support.server import Server

NAME, ADDRESS, SECRET = "Zelda Quirrell", "zq@quirrell.example", "Operation-Nightingale"


def _where(data: Path) -> set[str]:
    """The files in which something of it stands, once the log is in the database."""
    connection = apsw.Connection(str(data / "rapport.db"))
    connection.set_busy_timeout(5_000)
    # Until it has read something, it knows of no log.
    connection.execute("SELECT count(*) FROM sqlite_schema")
    connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    connection.close()
    return _in(data)


def _in(folder: Path) -> set[str]:
    """The files of a folder in which something of it stands, compressed or not."""
    texts = [text.encode() for text in (NAME, ADDRESS, SECRET)]
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.name for path in files if any(text in _bytes(path) for text in texts)}


def _bytes(path: Path) -> bytes:
    raw = path.read_bytes()
    return gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw


def _back_up(data: Path, name: str) -> Path:
    """A new folder of backups with one of them."""
    target = data.parent / name
    assert rapport(data.parent, "backup", str(target), "--data", str(data)).code == 0
    return target


@pytest.mark.timeout(180)
def test_no_file_and_no_fresh_backup_has_what_was_erased(data: Path) -> None:
    server = Server(data)
    alice = server.make_org()
    person = alice.ok(
        "rev-users.create",
        {
            "display_name": NAME,
            "email": ADDRESS,
            "description": f"{NAME} of {SECRET}. " * 500,
            "artifacts": [alice.upload(f"{NAME}, {ADDRESS}")],
        },
    )["rev_user"]
    made = alice.engagement(
        members=[alice.user, person["id"]],
        title=SECRET,
        description=f"About {SECRET}. " * 500,
        artifacts=[alice.upload(SECRET)],
    )
    alice.engagement(members=[person["id"]], title="Kept")
    alice.ok("rev-users.update", {"id": person["id"], "description": f"{NAME} again. " * 99})
    alice.ok("engagements.delete", {"id": made["id"]})
    assert {"rapport.db"} < _where(data)
    assert _in(_back_up(data, "before"))
    alice.ok("users.erase", {"id": person["id"], "reason": "Asked for."})
    alice.ok("engagements.purge", {"id": made["id"]})
    assert "rapport.db" not in _where(data)
    # The cleaner removes loose bytes as soon as it starts.
    assert server.stop() == 0
    server.start()
    until = time.monotonic() + 20
    while left := _where(data):
        assert time.monotonic() < until, left
        time.sleep(0.1)
    assert server.stop() == 0
    assert _where(data) == set()
    assert _in(_back_up(data, "after")) == set()
