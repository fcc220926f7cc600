"""rapport backup: what is in one, what a second one writes, and what is refused."""

import asyncio
import fcntl
import gzip
import hashlib
import json
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from rapport.settings import load
from rapport.upkeep.backups import make as making
from rapport.upkeep.backups.manifest import parts
from tests.support.backups import BYTES, Source, backups, files, manifest
from tests.support.command import rapport

BOTH = pytest.mark.parametrize(
    "source", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)


def manifest_of(target: Path) -> Any:
    """The newest manifest, as somebody reads it who has only the page on the format."""
    [*_, path] = sorted((target / "manifests").rglob("*Z*"))
    text = path.read_bytes()
    assert path.name.endswith(hashlib.sha256(text).hexdigest())
    return json.loads(text)


def _lines(target: Path, piece: Any) -> bytes:
    packed = (target / "files" / piece["file"][:2] / piece["file"]).read_bytes()
    assert hashlib.sha256(packed).hexdigest() == piece["file"]
    assert len(packed) == piece["bytes"]
    text = gzip.decompress(packed)
    assert hashlib.sha256(text).hexdigest() == piece["sha256"]
    assert text.count(b"\n") == piece["rows"]
    return text


@BOTH
def test_a_backup_can_be_read_without_rapport(source: Source, tmp_path: Path) -> None:
    target = tmp_path / "backups"
    made = source.back_up(target).json()
    told = manifest_of(target)
    assert (told["format"], told["form"]) == ("rapport-backup", 1)
    rows: dict[str, list[Any]] = {}
    for table in told["tables"]:
        found = [
            json.loads(line)
            for piece in table["pieces"]
            for line in _lines(target, piece).splitlines()
        ]
        arrays = "".join(
            json.dumps([row[name] for name in table["columns"]], ensure_ascii=False,
                       separators=(",", ":")) + "\n" for row in found
        )  # fmt: skip
        assert hashlib.sha256(arrays.encode()).hexdigest() == table["sha256"]
        assert len(found) == table["rows"]
        rows[table["name"]] = found
    assert "Früh 🐌" in {row["title"] for row in rows["engagements"]}
    assert {row["sha256"] for row in rows["artifact_versions"] if row["blob"]} == {
        file["file"] for file in told["files"]
    }
    assert BYTES in files(target).values()
    key = (source.server.data / "secret.key").read_bytes()
    assert files(target)[f"files/{told['key']['file'][:2]}/{told['key']['file']}"] == key
    assert made["rows"] == sum(len(table) for table in rows.values())


def test_no_table_of_the_store_is_left_out_but_those_made_from_others(
    source: Source, tmp_path: Path
) -> None:
    source.back_up(tmp_path / "backups").json()
    connection = apsw.Connection(
        str(source.server.data / "rapport.db"), flags=apsw.SQLITE_OPEN_READONLY
    )
    names = {
        str(name)
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    }
    connection.close()
    kept = {table["name"] for table in manifest_of(tmp_path / "backups")["tables"]}
    assert {name for name in names - kept if not name.startswith("derived_")} == {"migrations"}
    assert kept < names


def test_nothing_else_lies_in_a_target_and_only_its_owner_reads_it(
    source: Source, tmp_path: Path
) -> None:
    target = tmp_path / "backups"
    name = source.back_up(target).json()["name"]
    assert {path.name for path in target.iterdir()} == {"files", "manifests", ".parts"}
    assert list((target / ".parts").iterdir()) == []
    wanted = {f"files/{file[:2]}/{file}" for file in parts(manifest(target, name))}
    assert files(target).keys() == wanted | {f"manifests/20/{name}"}
    modes = {stat.S_IMODE(path.stat().st_mode) for path in target.rglob("*") if path.is_file()}
    assert (modes, stat.S_IMODE(target.stat().st_mode)) == ({0o600}, 0o700)


@BOTH
def test_what_has_not_changed_is_not_written_again(source: Source, tmp_path: Path) -> None:
    target = tmp_path / "backups"
    first = source.back_up(target).json()
    before = {path: path.stat().st_mtime_ns for path in target.rglob("*") if path.is_file()}
    assert first["written_files"] > 10
    assert source.back_up(target).json()["written_files"] == 0
    source.alice.ok("tags.create", {"name": new_tag()})
    third = source.back_up(target).json()
    # The tag, its event, and the counters of both.
    assert third["written_files"] == 3
    assert all(path.stat().st_mtime_ns == when for path, when in before.items())
    assert len(backups(target)) == 3


def new_tag() -> str:
    return f"tag-{os.urandom(4).hex()}"


def test_a_file_that_got_lost_in_the_target_is_written_again(
    source: Source, tmp_path: Path
) -> None:
    target = tmp_path / "backups"
    source.back_up(target).json()
    before = files(target)
    lost = [path for path in (target / "files").rglob("*") if path.is_file()]
    lost[0].unlink()
    os.truncate(lost[1], 3)
    assert source.back_up(target).json()["written_files"] == 2
    assert files(target).items() >= before.items()


def test_an_unencrypted_backup_says_that_it_holds_secrets(source: Source, tmp_path: Path) -> None:
    said = rapport(tmp_path, "backup", "backups", *source.options)
    assert "Backed up to backups as 20" in said.out
    assert "not encrypted, and holds secrets" in said.out


def test_a_store_that_nobody_serves_is_backed_up(tmp_path: Path) -> None:
    made = ("--org", "Bob's", "--email", "bob@example.com")
    assert rapport(tmp_path, "init", "--data", "data", *made).code == 0
    assert rapport(tmp_path, "backup", "backups", "--data", "data", "--json").json()["rows"] > 2


# What goes wrong


class _Breaks:
    """Ends a backup after so many steps."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def expects(self, count: int) -> None:
        pass

    def passed(self, _what: str, _count: int) -> None:
        self.steps -= 1
        if not self.steps:
            raise KeyboardInterrupt


@BOTH
def test_a_backup_that_is_broken_off_is_none_and_the_next_goes_on(
    source: Source, tmp_path: Path
) -> None:
    target = tmp_path / "backups"
    url = source.server.database_url
    settings = load({"data": str(source.server.data), **({"database_url": url} if url else {})})
    for steps in (1, 5, 10, 20, 22):
        with pytest.raises(KeyboardInterrupt):
            asyncio.run(making.make(settings, str(target), _Breaks(steps)))
        assert backups(target) == []
        assert "no backup that was finished" in _refused(tmp_path, "verify", "backups")
    had = files(target)
    made = source.back_up(target).json()
    assert 0 < made["written_files"] < made["written_files"] + len(had) == len(files(target)) - 1
    assert rapport(tmp_path, "backup", "verify", "backups").code == 0


def test_a_backup_that_is_killed_leaves_none_or_a_whole_one(source: Source, tmp_path: Path) -> None:
    target = tmp_path / "backups"
    command = [sys.executable, "-m", "rapport", "backup", str(target), *source.options]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        while process.poll() is None and not list(target.glob("files/*/*")):
            time.sleep(0.002)
        process.kill()
    done = backups(target) if target.exists() else []
    assert source.back_up(target).code == 0
    assert len(backups(target)) == len(done) + 1
    for one in backups(target):
        found = rapport(tmp_path, "backup", "verify", "backups", "--backup", one["name"])
        assert found.code == 0


def _refused(folder: Path, *arguments: str) -> str:
    return rapport(folder, "backup", *arguments).sentence()


def test_of_two_at_once_one_is_refused(source: Source, tmp_path: Path) -> None:
    target = tmp_path / "backups"
    target.mkdir()
    folder = os.open(target, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    try:
        for command in (["backups", *source.options], ["list", "backups"], ["verify", "backups"],
                        ["prune", "backups", "--keep-last", "1"]):  # fmt: skip
            assert "another command works in" in _refused(tmp_path, *command)
    finally:
        os.close(folder)
    assert source.back_up(target).code == 0


def test_places_that_can_take_no_backup_are_refused(source: Source, tmp_path: Path) -> None:
    data = source.server.data
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(data)
    for target, words in (
        (data, "lie in one another"),
        (data / "backups", "lie in one another"),
        (data.parent, "lie in one another"),
        (tmp_path / "link" / "backups", "lie in one another"),
        (tmp_path / "mine", "holds 'thesis.txt'"),
        (tmp_path / "file", "file can't be made: File exists"),
        (tmp_path / "none" / "backups", "can't be made: No such file or directory"),
    ):
        assert words in _refused(tmp_path, str(target), *source.options)
    assert not (data / "backups").exists()
    assert (tmp_path / "mine" / "thesis.txt").exists()


def test_what_is_no_store_is_refused(tmp_path: Path) -> None:
    assert "there is no store in none" in _refused(tmp_path, "backups", "--data", "none")
    assert rapport(tmp_path, "migrate", "--data", "fresh").code == 0
    assert "the store in fresh is empty" in _refused(tmp_path, "backups", "--data", "fresh")
    assert backups(tmp_path / "backups") == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KiB."""
    disk = tmp_path / "small"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "rapport-test", str(disk)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"a small disk needs the right to mount one: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_target_is_told_and_holds_no_backup(source: Source, small_disk: Path) -> None:
    target = small_disk / "backups"
    assert "No space left on device" in source.back_up(target).sentence()
    assert backups(target) == []


def test_a_read_only_target_is_told_and_can_still_be_restored_from(
    source: Source, small_disk: Path, tmp_path: Path
) -> None:
    subprocess.run(["mount", "-o", "remount,size=8m", str(small_disk)], check=True)
    target = small_disk / "backups"
    source.back_up(target).json()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert "Read-only file system" in source.back_up(target).sentence()
    assert rapport(tmp_path, "restore", str(target), "--data", "new").code == 0


def test_a_file_that_the_store_has_lost_is_told_and_the_rest_is_kept(
    source: Source, tmp_path: Path
) -> None:
    bob = source.server.make_org("Bob's")
    bob.engagement(artifacts=[bob.upload(b"rotten soon"), bob.upload(b"gone soon")])
    blobs = [
        path
        for path in (source.server.data / "blobs").rglob("*")
        if path.is_file() and path.read_bytes().endswith(b" soon")
    ]
    rotten, gone = sorted(blobs, key=lambda path: path.read_bytes(), reverse=True)
    bytes_before = gone.read_bytes()
    gone.unlink()
    rotten.write_bytes(b"rotten now!")
    target = tmp_path / "backups"
    try:
        said = rapport(tmp_path, "backup", "backups", *source.options)
        assert said.code == 1
        assert "lost the bytes of 2 files" in said.err
        assert {one["blob"] for one in manifest_of(target)["damaged"]} == {gone.name, rotten.name}
        assert rapport(tmp_path, "backup", "verify", "backups").code == 0
        assert rapport(tmp_path, "restore", "backups", "--data", "new").code == 0
        assert not list((tmp_path / "new" / "blobs").rglob(gone.name))
    finally:
        gone.write_bytes(bytes_before)
        rotten.write_bytes(b"rotten soon")


@BOTH
def test_writes_go_on_during_a_backup_which_shows_one_moment(
    source: Source, tmp_path: Path
) -> None:
    stop = threading.Event()
    bob = source.server.make_org("Bob's")

    def write() -> None:
        while not stop.is_set():
            bob.engagement(title="busy")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(3):
            source.back_up(tmp_path / "backups").json()
    finally:
        stop.set()
        writer.join()
    for one in backups(tmp_path / "backups"):
        data = f"restored-{one['name'][-8:]}"
        named = ("--backup", one["name"], "--data", data)
        assert rapport(tmp_path, "restore", "backups", *named).code == 0
        connection = apsw.Connection(str(tmp_path / data / "rapport.db"))
        # Each engagement is told once, and has its one member.
        [(made, told, members)] = connection.execute(
            "SELECT (SELECT count(*) FROM engagements WHERE title = 'busy'), (SELECT count(*) FROM "
            "events e JOIN engagements m ON m.org = e.org AND e.object = 'ENGAGEMENT-' || m.number "
            "WHERE m.title = 'busy'), (SELECT count(*) FROM engagement_members l JOIN engagements "
            "m ON m.org = l.org AND m.number = l.engagement WHERE m.title = 'busy')"
        ).fetchall()
        connection.close()
        assert made == told == members
