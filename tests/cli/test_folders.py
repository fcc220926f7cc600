"""Folders and files of somebody else: used where that can be, else refused in a sentence and left
as they are.
"""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command import Ran, rapport

# Whoever the tests run as, `STRANGER` is another user.
STRANGER = 65534
IS_ROOT = os.geteuid() == 0
# Another user runs the program only where they can read it.
_ROOT = Path(__file__).resolve().parents[2]
_IS_READABLE = all(folder.stat().st_mode & 0o001 for folder in (_ROOT, *_ROOT.parents))
needs_root = pytest.mark.skipif(
    not (IS_ROOT and _IS_READABLE),
    reason="needs root, and a program that another user can read",
)
COMMANDS = [
    ("serve", "--port", "0"),
    ("init", "--org", "Org", "--email", "a@example.com"),
    ("orgs", "list"),
    ("orgs", "create", "Another", "--email", "b@example.com"),
    ("users", "list"),
    ("tokens", "list", "--user", "a@example.com"),
    ("migrate",),
    ("call", "engagements.count"),
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with a store, and a blob's folder, of the user who runs the tests."""
    assert rapport(tmp_path, "init", "--org", "Org", "--email", "a@example.com").code == 0
    (tmp_path / "rapport-data" / "blobs" / "ORG").mkdir(parents=True)
    return tmp_path / "rapport-data"


@pytest.fixture
def open_path() -> Iterator[Path]:
    """A folder that any user may come to, which pytest's own are not."""
    folder = Path(f"/tmp/rapport-folders-{os.getpid()}")  # it is made here, or the test fails
    folder.mkdir(mode=0o755)
    yield folder
    shutil.rmtree(folder)


def as_stranger(folder: Path, *arguments: str, group: int = STRANGER) -> Ran:
    """Run a command as another user. It has loaded all of its code as root, and then gives up
    everything.
    """
    program = (
        "import contextlib, io, os, sys, tempfile\n"
        "import rapport.cli.main as cli, rapport.serving.running\n"
        "given, here = sys.argv, os.getcwd()\n"
        "with tempfile.TemporaryDirectory() as scratch, contextlib.redirect_stdout(io.StringIO()):\n"
        "    os.chdir(scratch)\n"
        "    for line in ('init --org Org --email a@example.com', 'orgs list', 'copy rapport-data b',\n"
        "                 'call engagements.count', 'serve --host 192.0.2.1'):\n"
        "        sys.argv = ['rapport', *line.split()]\n"
        "        with contextlib.suppress(SystemExit), contextlib.redirect_stderr(io.StringIO()):\n"
        "            cli.main()\n"
        "    os.chdir(here)\n"
        "sys.argv = given\n"
        f"os.setgroups([{group}]); os.setgid({group}); os.setuid({STRANGER})\n"
        "cli.main()\n"
    )
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RAPPORT_")}
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=folder,
        env={**clean, "HOME": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def contents(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Every file and folder: mode, owner, bytes."""
    return {
        str(path): (found.st_mode, found.st_uid, path.read_bytes() if path.is_file() else b"")
        for path in (folder, *folder.rglob("*"))
        for found in [path.stat()]
    }


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_folder_with_other_things_is_refused_and_left_alone(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    folder = tmp_path / "letters"
    folder.mkdir(mode=0o755)
    (folder / "to-mother.txt").write_text("Dear mother")
    before = contents(folder)
    sentence = rapport(tmp_path, *command, "--data", "letters").sentence()
    assert "letters" in sentence
    assert contents(folder) == before


def test_a_copy_into_a_folder_with_other_things_is_refused(tmp_path: Path, data: Path) -> None:
    (tmp_path / "letters").mkdir(mode=0o755)
    (tmp_path / "letters" / "to-mother.txt").write_text("Dear mother")
    before = contents(tmp_path / "letters")
    assert "'to-mother.txt'" in rapport(tmp_path, "copy", str(data), "letters").sentence()
    assert contents(tmp_path / "letters") == before


def test_the_root_of_a_volume_and_a_folder_with_settings_are_taken(tmp_path: Path) -> None:
    folder = tmp_path / "volume"
    (folder / "lost+found").mkdir(parents=True)
    (folder / "rapport.toml").write_text("strict = true\n")
    org = ("--org", "Org", "--email", "a@example.com", "--json")
    rapport(tmp_path, "init", "--data", "volume", *org).json()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    (folder / "a note of mine").write_text("kept here since")
    assert rapport(tmp_path, "orgs", "list", "--data", "volume").code == 0


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_an_empty_database_file_is_refused_and_stays_empty(
    data: Path, command: tuple[str, ...]
) -> None:
    for file in data.glob("rapport.db*"):
        file.unlink()
    (data / "rapport.db").touch()
    assert "rapport.db is empty" in rapport(data.parent, *command).sentence()
    assert (data / "rapport.db").stat().st_size == 0
    assert "is empty" in rapport(data.parent, "copy", str(data), "new").sentence()
    (data / "rapport.db").unlink()
    assert "is empty" not in rapport(data.parent, *command[:1], "--help").err


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_read_only_database_is_refused_also_for_root(
    data: Path, command: tuple[str, ...]
) -> None:
    (data / "rapport.db").chmod(0o444)
    assert "rapport.db can't be read and written: its mode is 0444" in (
        rapport(data.parent, *command).sentence()
    )
    assert stat.S_IMODE((data / "rapport.db").stat().st_mode) == 0o444
    assert "can't be read and written" in rapport(data.parent, "copy", str(data), "new").sentence()


@needs_root
@pytest.mark.parametrize(
    "name", ["rapport.db", "rapport.db-wal", "rapport.db-shm", "lock", "secret.key", "blobs", "."]
)
def test_what_belongs_to_root_is_one_sentence_for_another_user(
    open_path: Path, data: Path, name: str
) -> None:
    folder = open_path / "data"
    shutil.copytree(data, folder)
    (folder / "rapport.db-wal").touch()
    (folder / "rapport.db-shm").touch()
    for path in (folder, *folder.rglob("*")):
        os.chown(path, STRANGER, STRANGER)
    file = folder / name
    os.chown(file, 0, 0)
    file.chmod(0o700 if file.is_dir() else 0o600)
    before = contents(folder)
    sentence = as_stranger(open_path, "serve", "--port", "0", "--data", "data").sentence()
    assert name.strip(".") in sentence, sentence
    assert contents(folder) == before


@needs_root
def test_a_volume_that_a_group_shares_is_used_and_keeps_its_owner_and_mode(open_path: Path) -> None:
    folder = open_path / "data"
    folder.mkdir()
    os.chown(folder, 0, 4711)
    folder.chmod(0o2775)
    (folder / "lost+found").mkdir(mode=0o700)
    org = ("--org", "Org", "--email", "a@example.com", "--json")
    made = as_stranger(open_path, "init", "--data", "data", *org, group=4711).json()
    assert made["token"]
    found = folder.stat()
    assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (0, 0o2775)
    for file in folder.iterdir():
        if file.name != "lost+found":
            assert file.stat().st_uid == STRANGER
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
    listed = as_stranger(open_path, "orgs", "list", "--data", "data", "--json", group=4711).json()
    assert len(listed["orgs"]) == 1


@needs_root
def test_files_of_an_earlier_user_that_the_group_may_write_are_used(
    open_path: Path, data: Path
) -> None:
    folder = open_path / "data"
    shutil.copytree(data, folder)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, 1234, 4711)
        path.chmod(0o2770 if path.is_dir() else 0o660)
    listed = as_stranger(open_path, "orgs", "list", "--data", "data", "--json", group=4711).json()
    assert [org["name"] for org in listed["orgs"]] == ["Org"]
    assert stat.S_IMODE((folder / "rapport.db").stat().st_mode) == 0o660
