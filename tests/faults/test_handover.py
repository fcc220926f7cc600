"""A server that goes on: SIGHUP, a socket that somebody else holds, a store that takes no writes
for a while, a manager that wants to know.
"""

import os
import shutil
import signal
import socket
import ssl
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from rapport.serving import local_ca
from tests.support.postgres import PostgresServer, eventually, new_name
from tests.support.server import Server

NAMES = ["localhost", "127.0.0.1"]


@pytest.fixture
def held() -> Iterator[socket.socket]:
    """A socket that listens, as a service manager holds it."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield listener


@pytest.fixture
def activated(tmp_path: Path) -> Path:
    """Stands for Python, and hands over the socket whose descriptor is in HELD."""
    program = tmp_path / "activated"
    program.write_text(
        f"#!{sys.executable}\n"
        "import os, sys\n"
        "os.dup2(int(os.environ['HELD']), 3)\n"
        "os.environ |= {'LISTEN_PID': str(os.getpid()), 'LISTEN_FDS': '1'}\n"
        f"os.execv({sys.executable!r}, [{sys.executable!r}, *sys.argv[1:]])\n"
    )
    program.chmod(0o755)
    return program


def shown(server: Server) -> bytes:
    """The certificate that a new connection is shown."""
    blind = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", server.port), timeout=20) as plain,
        blind.wrap_socket(plain) as secured,
    ):
        return secured.getpeercert(binary_form=True) or b""


def test_sighup_shows_the_new_certificate_and_ends_nothing(tmp_path: Path) -> None:
    mine, new = (local_ca.ensure(tmp_path / name, NAMES) for name in ("mine", "new"))
    server = Server(tmp_path / "data", "--tls-cert", str(mine.cert), "--tls-key", str(mine.key))
    before = shown(server)
    with httpx.Client(verify=ssl.create_default_context(cafile=mine.ca), timeout=20) as client:
        assert client.get(f"{server.url}/healthz").status_code == 200
        shutil.copy(new.cert, mine.cert)
        server.process.send_signal(signal.SIGHUP)
        eventually(20, lambda: "renewal_failed" in server.logged())
        assert shown(server) == before, "the key is not there yet"
        shutil.copy(new.key, mine.key)
        server.process.send_signal(signal.SIGHUP)
        eventually(20, lambda: '"renewed"' in server.logged())
        assert shown(server) != before
        assert client.get(f"{server.url}/healthz").status_code == 200, "its connection goes on"
    assert server.stop() == 0


def test_sighup_without_tls_ends_nothing(tmp_path: Path) -> None:
    server = Server(tmp_path / "data")
    server.process.send_signal(signal.SIGHUP)
    eventually(20, lambda: '"renewed"' in server.logged())
    assert server.http.get(f"{server.url}/readyz").status_code == 200
    assert server.stop() == 0


def goes_on_through_a_restart(server: Server, held: socket.socket) -> None:
    """Clients that come while nobody serves are answered by the next server."""
    port = held.getsockname()[1]
    assert server.port == port
    assert server.stop() == 0
    with ThreadPoolExecutor(8) as clients:
        asked = [
            clients.submit(httpx.get, f"http://127.0.0.1:{port}/healthz", timeout=50)
            for _ in range(8)
        ]
        server.start()
        assert [one.result().status_code for one in asked] == [200] * 8
    assert server.stop() == 0


def test_a_socket_that_is_handed_over_refuses_nobody_during_a_restart(
    tmp_path: Path, held: socket.socket, activated: Path
) -> None:
    descriptor = held.fileno()
    server = Server(
        tmp_path / "data", "--host", "192.0.2.1",
        python=activated, keeps=str(descriptor), HELD=str(descriptor),
    )  # fmt: skip
    goes_on_through_a_restart(server, held)


@pytest.mark.postgres
@pytest.mark.timeout(150)
def test_workers_share_a_socket_that_is_handed_over(
    tmp_path: Path, held: socket.socket, activated: Path, postgres: PostgresServer
) -> None:
    descriptor = held.fileno()
    with postgres.database(new_name()) as url:
        server = Server(
            tmp_path / "data", "--workers", "2", python=activated, keeps=str(descriptor),
            HELD=str(descriptor), RAPPORT_DATABASE_URL=url,
        )  # fmt: skip
        goes_on_through_a_restart(server, held)


def test_a_socket_for_another_process_is_left_alone(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
    assert server.http.get(f"{server.url}/healthz").status_code == 200
    assert server.stop() == 0


def test_a_manager_is_told_of_start_reload_and_stop(tmp_path: Path) -> None:
    address = f"\0rapport-notify-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        manager.settimeout(20)
        server = Server(tmp_path / "data", NOTIFY_SOCKET=f"@{address[1:]}")
        assert manager.recv(1000) == b"READY=1"
        server.process.send_signal(signal.SIGHUP)
        assert manager.recv(1000).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
        assert manager.recv(1000) == b"READY=1"
        assert server.stop() == 0
        assert manager.recv(1000) == b"STOPPING=1"


@pytest.mark.postgres
def test_readyz_fails_while_the_database_takes_no_writes_and_comes_back(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    name = new_name()
    with postgres.database(name) as url:
        server = Server(tmp_path / "data", RAPPORT_DATABASE_URL=url)

        def ready() -> tuple[int, str]:
            answer = server.http.get(f"{server.url}/readyz")
            return answer.status_code, answer.json().get("message", "")

        assert ready()[0] == 200
        postgres.run(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        end = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        postgres.run(end)
        eventually(20, lambda: ready()[0] == 503 and "read-only" in ready()[1])
        postgres.run(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
        eventually(20, lambda: ready()[0] == 200)
        assert server.stop() == 0
