"""HTTPS: with a local CA that the server makes, or with the operator's own certificate."""

import os
import socket
import ssl
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from cryptography import x509

from rapport.folder import CannotStart
from rapport.serving import local_ca, tls
from rapport.serving.tls import TlsError, context
from rapport.settings import SettingError, load
from tests.sdk.install import node
from tests.support.server import Client, Server

NAMES = ["localhost", "127.0.0.1", "::1"]
NOW = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(
        tmp_path_factory.mktemp("tls") / "data", "--tls", "dev", "--tls-name", "localhost,127.0.0.1"
    )
    yield running
    assert running.stop() == 0


def trusting(server: Server) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=server.data / "tls" / "ca.pem")


def info(server: Server, url: str | None = None) -> httpx.Response:
    with httpx.Client(verify=trusting(server)) as client:
        headers = {"authorization": server.token}
        return client.post(f"{url or server.url}/auth-tokens.info", headers=headers, json={})


def test_a_client_that_trusts_the_ca_is_answered_by_address_and_by_name(secure: Server) -> None:
    assert secure.url.startswith("https://127.0.0.1:")
    for url in (secure.url, f"https://localhost:{secure.port}"):
        answer = info(secure, url)
        assert answer.status_code == 200
        assert answer.json()["user"]["type"] == "dev_user"


def test_a_client_that_does_not_trust_the_ca_refuses(secure: Server) -> None:
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(f"{secure.url}/healthz")


def test_a_name_that_the_certificate_is_not_for_is_refused(secure: Server) -> None:
    with (
        socket.create_connection(("127.0.0.1", secure.port)) as plain,
        pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"),
    ):
        trusting(secure).wrap_socket(plain, server_hostname="api.example.com")


def test_node_trusts_it_after_the_line_that_the_server_prints(secure: Server) -> None:
    script = """
        const url = process.env.URL_HERE + "/auth-tokens.info", headers = {authorization: process.env.TOKEN};
        const answer = await fetch(url, {method: "POST", headers});
        console.log(answer.status);
    """
    ca = str(secure.data / "tls" / "ca.pem")
    plain = {name: value for name, value in os.environ.items() if name != "NODE_EXTRA_CA_CERTS"}
    plain |= {"TOKEN": secure.token, "URL_HERE": secure.url}
    command = [str(node()), "--input-type=module", "-e", script]
    for environment, code in (({**plain, "NODE_EXTRA_CA_CERTS": ca}, 0), (plain, 1)):
        ended = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False
        )
        assert (ended.returncode, ended.stdout.strip()) == (code, "200" if code == 0 else ""), (
            ended.stderr
        )


def test_plain_http_to_the_tls_port_is_closed_cleanly(secure: Server) -> None:
    before = secure.logged()
    with socket.create_connection(("127.0.0.1", secure.port), timeout=5) as plain:
        plain.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
        received = b""
        while chunk := plain.recv(1024):
            received += chunk
    assert not received.startswith(b"HTTP/1.1 200")
    assert info(secure).status_code == 200
    assert "Traceback" not in secure.logged().removeprefix(before)


def test_old_tls_is_refused(secure: Server) -> None:
    old = trusting(secure)
    old.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", secure.port)) as plain, pytest.raises(ssl.SSLError):
        old.wrap_socket(plain, server_hostname="localhost")


def test_a_restart_keeps_the_ca_and_new_names_get_a_new_certificate(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", "--tls", "dev")
    folder = server.data / "tls"
    files = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert sorted(files) == ["ca.key", "ca.pem", "cert.pem", "key.pem"]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    server.restart()
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == files
    assert info(server).status_code == 200
    server.kill()
    named = Server(
        tmp_path / "data",
        "--tls",
        "dev",
        "--tls-name",
        "api.example.com",
        "--tls-name",
        "127.0.0.1",
    )
    now = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert {name for name in now if now[name] != files[name]} == {"cert.pem", "key.pem"}
    named.token = server.token
    assert info(named).status_code == 200
    with (
        socket.create_connection(("127.0.0.1", named.port)) as plain,
        trusting(named).wrap_socket(plain, server_hostname="api.example.com") as secured,
    ):
        assert secured.version() == "TLSv1.3"
    named.kill()


def test_the_operators_own_certificate_is_served(tmp_path: Path) -> None:
    files = local_ca.ensure(tmp_path / "mine", NAMES)
    server = Server(tmp_path / "data", "--tls-cert", str(files.cert), "--tls-key", str(files.key))
    with httpx.Client(verify=ssl.create_default_context(cafile=files.ca)) as client:
        assert client.get(f"{server.url}/healthz").status_code == 200
    assert not (server.data / "tls").exists()
    server.kill()


def test_a_secure_servers_clients_and_tests_work_as_ever(secure: Server) -> None:
    with httpx.Client(verify=trusting(secure)) as client:
        document = client.get(f"{secure.url}/openapi.json").json()
    assert document["openapi"] == "3.1.0"
    made = secure.make_org()
    assert isinstance(made, Client)


# What can't be


def serve(data: Path, *flags: str, **environment: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "rapport", "serve", "--port", "0", "--data", str(data), *flags]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RAPPORT_")}
    ended = subprocess.run(
        command,
        env={**clean, **environment},
        capture_output=True,
        text=True,
        check=False,
        cwd=data.parent,
        timeout=20,
    )
    return ended.returncode, ended.stderr


@pytest.fixture
def odd_files(tmp_path: Path) -> dict[str, str]:
    one, other = (
        local_ca.ensure(tmp_path / "one", NAMES),
        local_ca.ensure(tmp_path / "other", NAMES),
    )
    (tmp_path / "junk").write_text("hello")
    return {
        "cert": str(one.cert),
        "key": str(one.key),
        "other": str(other.key),
        "junk": str(tmp_path / "junk"),
        "none": str(tmp_path / "none"),
        "folder": str(tmp_path),
    }


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        ({"cert": "none", "key": "key"}, r"tls_cert: .*none can't be read: No such file"),
        ({"cert": "cert", "key": "none"}, r"tls_key: .*none can't be read: No such file"),
        ({"cert": "folder", "key": "key"}, r"tls_cert: .* can't be read: Is a directory"),
        ({"cert": "junk", "key": "key"}, r"must be a certificate and its key in PEM"),
        ({"cert": "key", "key": "cert"}, r"must be a certificate and its key in PEM"),
        ({"cert": "cert", "key": "other"}, r"other/key.pem is not the key of the certificate"),
        ({"cert": "cert"}, r"tls_cert and tls_key go together"),
        ({"key": "key"}, r"tls_cert and tls_key go together"),
    ],
)
def test_wrong_files_are_one_sentence(
    odd_files: dict[str, str], flags: dict[str, str], why: str
) -> None:
    given = {f"tls_{name}": odd_files[file] for name, file in flags.items()}
    with pytest.raises(CannotStart, match=why) as caught:
        tls.own(load(given, {}))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        ({"tls": "yes"}, r"tls is 'yes' \(from --tls\), but must be off or dev"),
        ({"tls_name": "not a name"}, r"tls_name is 'not a name'"),
        ({"tls_name": ","}, r"tls_name is ','"),
    ],
)
def test_wrong_settings_are_one_sentence(flags: dict[str, str], why: str) -> None:
    with pytest.raises(SettingError, match=why):
        load(flags, {})


def test_the_server_does_not_start_with_both_kinds_and_touches_nothing(
    tmp_path: Path, odd_files: dict[str, str]
) -> None:
    own = ("--tls-cert", odd_files["cert"], "--tls-key", odd_files["key"])
    code, said = serve(tmp_path / "data", "--tls", "dev", *own)
    assert (code, said.count("\n")) == (1, 1), said
    assert "leave out either" in said
    assert not (tmp_path / "data").exists()


def test_a_broken_ca_is_one_sentence_and_is_not_replaced_in_silence(tmp_path: Path) -> None:
    local_ca.ensure(tmp_path / "tls", NAMES)
    (tmp_path / "tls" / "ca.key").write_text("junk")
    with pytest.raises(TlsError, match="is broken: remove that folder"):
        local_ca.ensure(tmp_path / "tls", NAMES)


def test_a_keys_text_in_the_wrong_variable_is_never_said(tmp_path: Path) -> None:
    files = local_ca.ensure(tmp_path / "one", NAMES)
    code, said = serve(
        tmp_path / "data", RAPPORT_TLS_CERT=str(files.cert), RAPPORT_TLS_KEY_FILE=str(files.key)
    )
    assert code == 1
    assert "there is no setting RAPPORT_TLS_KEY_FILE" in said
    assert "PRIVATE" not in said


# Renewal


def test_a_certificate_near_its_end_is_renewed_from_the_same_ca(tmp_path: Path) -> None:
    files = local_ca.ensure(tmp_path / "tls", NAMES, NOW)
    ca, first = files.ca.read_bytes(), files.cert.read_bytes()
    end = x509.load_pem_x509_certificate(first).not_valid_after_utc
    local_ca.ensure(tmp_path / "tls", NAMES, end - timedelta(days=31))
    assert files.cert.read_bytes() == first
    local_ca.ensure(tmp_path / "tls", NAMES, end - timedelta(days=29))
    second = x509.load_pem_x509_certificate(files.cert.read_bytes())
    assert second.not_valid_after_utc > end + timedelta(days=300)
    assert files.ca.read_bytes() == ca
    context(files.cert, files.key)


def test_a_ca_that_would_end_before_its_certificate_is_replaced(tmp_path: Path) -> None:
    files = local_ca.ensure(tmp_path / "tls", NAMES, NOW)
    ca = files.ca.read_bytes()
    local_ca.ensure(tmp_path / "tls", NAMES, NOW + timedelta(days=3650 - 396))
    assert files.ca.read_bytes() != ca
    second = x509.load_pem_x509_certificate(files.cert.read_bytes())
    second.verify_directly_issued_by(x509.load_pem_x509_certificate(files.ca.read_bytes()))


@pytest.mark.parametrize("lost", ["cert.pem", "key.pem"])
def test_a_lost_or_broken_half_is_made_again(tmp_path: Path, lost: str) -> None:
    files = local_ca.ensure(tmp_path / "tls", NAMES)
    for damage in ("gone", "junk"):
        (tmp_path / "tls" / lost).unlink()
        if damage == "junk":
            (tmp_path / "tls" / lost).write_text("junk")
        local_ca.ensure(tmp_path / "tls", NAMES)
        context(files.cert, files.key)


def test_it_holds_under_the_strictest_verification(tmp_path: Path) -> None:
    files = local_ca.ensure(tmp_path / "tls", NAMES)
    server = Server(tmp_path / "data", "--tls-cert", str(files.cert), "--tls-key", str(files.key))
    strict = ssl.create_default_context(cafile=files.ca)
    strict.verify_flags |= ssl.VERIFY_X509_STRICT
    port = urlsplit(server.url).port
    with (
        socket.create_connection(("127.0.0.1", port or 0)) as plain,
        strict.wrap_socket(plain, server_hostname="127.0.0.1") as secured,
    ):
        expires = ssl.cert_time_to_seconds(str((secured.getpeercert() or {})["notAfter"]))
    assert 390 < (expires - time.time()) / 86_400 < 398
    server.kill()
