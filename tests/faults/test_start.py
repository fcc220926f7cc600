"""A start that can't be says why in one sentence."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.server import Server


def _run(command: list[str], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RAPPORT_")}
    return subprocess.run(
        [sys.executable, *command],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={**clean, **environment},
        cwd=folder,
    )


def _serve(data: Path, *flags: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return _run(["-m", "rapport", "serve", "--data", str(data), *flags], data.parent, **environment)


def _refused(run: subprocess.CompletedProcess[str], *words: str) -> None:
    assert run.returncode == 1
    lines = run.stderr.splitlines()
    assert len(lines) == 1, run.stderr
    assert lines[0].startswith("rapport: ")
    for word in words:
        assert word in lines[0]


def test_a_second_server_on_the_same_folder_is_refused(server: Server) -> None:
    run = _serve(server.data, "--port", "0")
    _refused(run, "another process holds the data folder", str(server.data))
    assert run.stdout == ""
    assert server.http.get(f"{server.url}/readyz").status_code == 200


def test_a_taken_port_is_refused_and_nothing_is_initialised(server: Server, data: Path) -> None:
    run = _serve(data, "--port", str(server.port))
    _refused(run, f"127.0.0.1:{server.port}", "in use")
    assert run.stdout == ""
    assert not data.exists()


def test_of_servers_that_race_for_one_port_one_serves(tmp_path: Path, unused_port: int) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()

    def start(name: str) -> Server | None:
        try:
            return Server(tmp_path / name / "data", "--port", str(unused_port))
        except RuntimeError as error:
            assert "in use" in str(error)  # which of them loses is chance
            assert "Traceback" not in str(error)
            return None

    with ThreadPoolExecutor(2) as threads:
        servers = [server for server in threads.map(start, ["a", "b"]) if server]
    assert len(servers) == 1
    assert servers[0].stop() == 0


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host"])
def test_an_address_that_is_not_ours_is_refused(data: Path, host: str) -> None:
    _refused(_serve(data, "--host", host, "--port", "0"), host)


def test_a_data_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no folder")
    _refused(_serve(tmp_path / "data", "--port", "0"), "can't be used")


def test_a_store_that_is_no_database_is_refused(data: Path) -> None:
    data.mkdir()
    (data / "rapport.db").write_bytes(b"not a database" * 1000)
    _refused(_serve(data, "--port", "0"), "rapport.db")
    assert (data / "rapport.db").read_bytes() == b"not a database" * 1000


def test_a_wrong_setting_is_refused_before_anything_is_made(data: Path) -> None:
    _refused(_serve(data, "--port", "0", RAPPORT_RATE_LIMIT="a lot"), "rate_limit", "'a lot'")
    assert not data.exists()


def test_a_method_that_nothing_does_is_named_and_refused(data: Path) -> None:
    program = (  # what a contributor would have written who forgot the function
        "from rapport.contract import engagements, table\n"
        "from rapport.contract.kit.method import Method\n"
        "known = engagements.GET\n"
        "new = Method('engagements.recent', 'read', known.request, known.response, 'Get one', None)\n"
        "table.METHODS[new.name] = new\n"
        "from rapport.cli.main import main\n"
        "main()\n"
    )
    run = _run(["-c", program, "serve", "--data", str(data), "--port", "0"], data.parent)
    _refused(run, "no function in rapport.operations handles engagements.recent")
    assert run.stdout == ""
