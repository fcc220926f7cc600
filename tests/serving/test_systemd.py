"""What lies in deploy/: held by systemd's own programs, where they are there, and by a server that
is watched.
"""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rapport.settings import SETTINGS, load
from tests.support.server import Server

DEPLOY = Path(__file__).parents[2] / "deploy"
SYSTEMD = DEPLOY / "systemd"
needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze"
)


def _said(*command: str) -> str:
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


@needs_systemd
def test_the_units_are_whole(tmp_path: Path) -> None:
    """The program alone is put where there is one on this machine."""
    for unit in ("rapport.service", "rapport.socket"):
        text = (SYSTEMD / unit).read_text("utf-8")
        (tmp_path / unit).write_text(text.replace("/usr/local/bin/rapport", sys.executable))
    units = [str(tmp_path / unit) for unit in ("rapport.service", "rapport.socket")]
    assert _said("systemd-analyze", "verify", "--man=no", *units) == ""


@needs_systemd
def test_the_unit_exposes_no_more_than_it_has_to() -> None:
    unit = str(SYSTEMD / "rapport.service")
    said = _said("systemd-analyze", "security", "--offline=true", "--threshold=30", unit)
    (exposure,) = re.findall(r"exposure level for rapport.service: ([\d.]+)", said)
    assert float(exposure) <= 3.0


@pytest.mark.skipif(shutil.which("systemd-sysusers") is None, reason="there is no systemd-sysusers")
def test_the_user_and_its_folders_are_made(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    root = f"--root={tmp_path}"
    _said("systemd-sysusers", root, str(SYSTEMD / "rapport.sysusers.conf"))
    users = (tmp_path / "etc" / "passwd").read_text("utf-8")
    assert re.search(r"^rapport:x:\d+:\d+:Rapport:/var/lib/rapport:", users, re.MULTILINE)
    with contextlib.suppress(AssertionError):  # without root it can't give them away
        _said("systemd-tmpfiles", root, "--create", str(SYSTEMD / "rapport.tmpfiles.conf"))
    assert (tmp_path / "etc" / "rapport").is_dir()


def test_every_setting_that_deploy_names_is_one() -> None:
    names = {setting.variable for setting in SETTINGS.values()}
    for path in DEPLOY.rglob("*"):
        if path.is_file():
            named = set(re.findall(r"RAPPORT_[A-Z_]+[A-Z]", path.read_text("utf-8")))
            assert named <= names, path


def test_proxies_let_through_what_rapport_takes(tmp_path: Path) -> None:
    nginx = (DEPLOY / "nginx.conf").read_text("utf-8")
    (mebibytes,) = re.findall(r"client_max_body_size (\d+)m;", nginx)
    assert int(mebibytes) * 1024 * 1024 > load({}, {}, tmp_path).artifact_max_bytes


@pytest.fixture
def manager() -> Iterator[socket.socket]:
    """A service manager that wants to be told."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(f"\0rapport-watchdog-{os.getpid()}")
        told.settimeout(30)
        yield told


def _environment(manager: socket.socket, **more: str) -> dict[str, str]:
    return {"NOTIFY_SOCKET": f"@{manager.getsockname()[1:].decode()}", **more}


def _hear_all(manager: socket.socket) -> None:
    """Take what it is told.

    Raises:
        TimeoutError: it is told nothing more.
    """
    while True:
        manager.recv(1000)


def test_a_watchdog_hears_of_a_server_and_not_of_one_that_hangs(
    tmp_path: Path, manager: socket.socket
) -> None:
    server = Server(tmp_path / "data", **_environment(manager, WATCHDOG_USEC="300000"))
    assert {*iter(lambda: manager.recv(1000), b"READY=1")} <= {b"WATCHDOG=1"}
    assert manager.recv(1000) == b"WATCHDOG=1"
    server.process.send_signal(signal.SIGSTOP)
    manager.settimeout(0.5)
    with pytest.raises(TimeoutError):
        _hear_all(manager)
    server.process.send_signal(signal.SIGCONT)
    manager.settimeout(30)
    assert manager.recv(1000) == b"WATCHDOG=1"
    assert server.stop() == 0


def test_a_watchdog_of_another_process_is_left_alone(
    tmp_path: Path, manager: socket.socket
) -> None:
    environment = _environment(manager, WATCHDOG_USEC="1000", WATCHDOG_PID=str(os.getpid()))
    server = Server(tmp_path / "data", **environment)
    assert server.stop() == 0
    assert [manager.recv(1000), manager.recv(1000)] == [b"READY=1", b"STOPPING=1"]
