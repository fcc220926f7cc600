"""The servers that tests use: on a machine of whatever kind they start, or say once why they
don't.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.postgres import programs_of_the_wheel, shared_server
from tests.support.starting import DidNotStart, listens, running

ROOT = Path(__file__).parents[2]


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """PostgreSQL's programs in a package that is its owner's alone, as an installation under
    umask 077 is.
    """
    package = programs_of_the_wheel().parents[1]
    for one in (package / "pginstall18", package.with_name(f"{package.name}.libs")):
        copied = tmp_path / "closed" / one.relative_to(package.parent)
        shutil.copytree(one, copied)
        for path in (copied, *copied.rglob("*")):
            path.chmod(path.stat().st_mode & 0o700)
    (tmp_path / "closed").chmod(0o700)
    return tmp_path / "closed" / package.name / "pginstall18" / "bin"


def test_postgresql_runs_from_a_folder_that_is_its_owners_alone(
    closed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAPPORT_TEST_POSTGRES", str(closed))
    before = os.umask(0o077)
    try:
        with shared_server(tmp_path), shared_server(tmp_path) as second:
            assert second.run("SELECT 1 + 1 AS two")[0]["two"] == 2
            assert listens(second.port)
    finally:
        os.umask(before)
    assert not listens(second.port)
    assert not second.folder.exists()


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """An initdb that fails, and says why."""
    program = tmp_path / "postgresql" / "bin" / "initdb"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho no such locale >&2\nexit 3\n", encoding="utf-8")
    program.chmod(0o755)
    return program.parent


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_postgresql_that_does_not_start_says_why_and_ends_the_run(broken: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "-n",
        "1",
        "tests/store/test_events.py",
    ]
    environment = {**os.environ, "RAPPORT_TEST_POSTGRES": str(broken)}
    ended = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    errors = [line for line in ended.stdout.splitlines() if line.startswith("ERROR ")]
    assert ended.returncode != 0
    assert len(errors) == 1, ended.stdout
    said = "a server of the tests did not start: .* ended with 3; it said: no such locale"
    assert re.search(said, ended.stdout), ended.stdout


def test_a_server_that_ends_at_once_shows_what_it_printed() -> None:
    command = ["sh", "-c", "echo the port is taken; exit 7"]
    with (
        pytest.raises(DidNotStart, match="ended with 7; it said: the port is taken"),
        running(command, lambda: False),
    ):
        pass
