"""The bytes come in: by a signed URL, once, whole, and on disk before the answer."""

import itertools
import json
import os
import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.support import fetch
from tests.support.server import FOREVER, Client, Server
from tests.support.wire import Wire

pytestmark = pytest.mark.engines("sqlite")

HOSTILE = ["../../../etc/passwd", "..\\..\\boot.ini", "C:\\nul", "/etc/shadow", "a\u202egpj.exe", 'a"; filename="b', "x" * 256, "CON",
           "nul.txt", ".", "..", "\u200f.htaccess", "a\r\nb: c", "%2e%2e%2f", "\U0001f4ce.pdf"]  # fmt: skip
MEBIBYTE = 1024 * 1024
BOUNDARY = "----a-boundary"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that takes files of up to a mebibyte."""
    running = Server(
        tmp_path_factory.mktemp("small") / "data",
        RAPPORT_ARTIFACT_MAX_BYTES=str(MEBIBYTE),
    )
    yield running
    assert running.stop() == 0


def fields(prepared: Any) -> dict[str, str]:
    return {field["key"]: field["value"] for field in prepared["form_data"]}


def form(pairs: list[tuple[str, str]], content: bytes = b"notes", file: str = "file") -> bytes:
    """A form written by hand, in just this order."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in pairs
    ]
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{file}"; filename="x"\r\n\r\n'.encode()
    return b"".join(parts) + head + content + f"\r\n--{BOUNDARY}--\r\n".encode()


def post(
    prepared: Any, body: bytes, content_type: str = f"multipart/form-data; boundary={BOUNDARY}"
) -> httpx.Response:
    return fetch.post(
        prepared["url"], content=body, headers={"content-type": content_type}, timeout=30
    )


def files_of(server: Server) -> set[Path]:
    """Every file under blobs/, finished or not."""
    return {path for path in (server.data / "blobs").rglob("*") if path.is_file()}


def refused(answer: httpx.Response, status: int, type_: str) -> None:
    assert (answer.status_code, answer.json()["type"]) == (status, type_), answer.text
    assert answer.headers["x-request-id"]


def is_not_uploaded(client: Client, prepared: Any) -> bool:
    return "version" not in client.ok("artifacts.get", {"id": prepared["id"]})


def test_a_file_goes_up_and_comes_down_as_it_was(alice: Client) -> None:
    content = os.urandom(3 * MEBIBYTE) + b"\r\n--" + BOUNDARY.encode()[:-1] + b"\r\n"
    prepared = alice.prepare("minutes.pdf")
    answer = alice.send(prepared, content)
    assert (answer.status_code, answer.content) == (204, b"")
    got = alice.ok("artifacts.get", {"id": prepared["id"]})
    assert got["artifact"]["file"] == {
        "type": "application/octet-stream",
        "name": "minutes.pdf",
        "size": len(content),
    }
    assert list(got["artifact"]["file"]) == ["type", "name", "size"]
    assert got["version"]["version"] == "1"
    assert got["version"]["modified_by"]["display_id"] == alice.user
    assert alice.download(prepared["id"]).content == content


def test_an_empty_file_is_a_file(alice: Client) -> None:
    artifact = alice.upload(b"", "empty.txt")
    got = alice.ok("artifacts.get", {"id": artifact})
    assert got["artifact"]["file"]["size"] == 0
    answer = alice.download(artifact)
    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", "0")
    assert alice.engagement(artifacts=[artifact])["artifacts"] == [artifact]


@pytest.mark.slow
def test_no_token_is_wanted_and_no_limit_counts(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", RAPPORT_RATE_LIMIT=f"3/{FOREVER}")
    client = server.make_org()
    prepared, located = client.prepare(), None
    for _ in range(5):
        assert fetch.post(prepared["url"], data=fields(prepared)).status_code == 400
    assert client.send(prepared, b"notes").status_code == 204
    located = client.ok("artifacts.locate", {"id": prepared["id"]})["url"]
    for _ in range(5):
        assert fetch.get(located).content == b"notes"
    assert client.call("artifacts.list").status == 200
    assert client.call("artifacts.list").status == 429
    assert server.stop() == 0


@pytest.mark.parametrize(
    ("declared", "part", "content", "stored"),
    [
        ("application/pdf", "text/html", b"<html>", "application/pdf"),
        (None, "text/csv", b"%PDF-1.7", "text/csv"),
        (None, "application/octet-stream", b"%PDF-1.7", "application/pdf"),
        (None, "no type", b"\x89PNG\r\n\x1a\n", "image/png"),
        (None, "application/octet-stream", b"plain words", "text/plain"),
        (None, "application/octet-stream", b"\x00\x01", "application/octet-stream"),
        (None, "application/octet-stream", b"", "application/octet-stream"),
        ("whatever\r\nx-evil: 1", "text/plain", b"", "whatever\r\nx-evil: 1"),
    ],
)
def test_the_type_is_the_declared_one_the_parts_or_what_it_looks_like(
    alice: Client, declared: str | None, part: str, content: bytes, stored: str
) -> None:
    prepared = alice.prepare("file", **({"file_type": declared} if declared else {}))
    assert alice.send(prepared, content, type=part).status_code == 204
    assert alice.ok("artifacts.get", {"id": prepared["id"]})["artifact"]["file"]["type"] == stored


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_name_names_nothing_on_disk_and_comes_back_as_written(
    alice: Client, name: str
) -> None:
    before = files_of(alice.server)
    prepared = alice.prepare(name)
    assert alice.send(prepared, b"x", name=name.replace("\r\n", "")).status_code == 204
    (made,) = files_of(alice.server) - before
    assert made.parent.parent == alice.server.data / "blobs" / alice.org.removeprefix("DEV-")
    assert made.name.isalnum()
    assert len(made.name) == 32
    assert alice.ok("artifacts.get", {"id": prepared["id"]})["artifact"]["file"]["name"] == name


@pytest.mark.parametrize(
    ("name", "type_"),
    [("a\0b", "value_not_permitted"), ("x" * 4096, "value_not_permitted"), ("", "value_not_permitted"), (" \t", "value_not_permitted"),
     (None, "unexpected_json_type"), (7, "unexpected_json_type")],
)  # fmt: skip
def test_a_name_that_is_none_is_not_prepared(alice: Client, name: Any, type_: str) -> None:
    alice.refused("artifacts.prepare", {"file_name": name}, type_, "file_name")


def test_the_parts_own_file_name_is_never_looked_at(alice: Client) -> None:
    for name in (b"../x", b"a\0b", b"x" * 4096, "\u202e".encode() * 1000, b'a\\"b', b""):
        prepared = alice.prepare()
        body = form(list(fields(prepared).items())).replace(
            b'filename="x"', b'filename="%b"' % name
        )
        assert post(prepared, body).status_code == 204
        assert alice.download(prepared["id"]).content == b"notes"


def test_the_files_modes_let_nobody_else_in(alice: Client) -> None:
    alice.upload()
    blobs = alice.server.data / "blobs"
    for path in (blobs, *blobs.rglob("*")):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path
    assert (alice.server.data / "secret.key").stat().st_mode & 0o777 == 0o600


# The form


def test_a_removed_field_is_403(alice: Client) -> None:
    prepared = alice.prepare()
    whole = fields(prepared)
    for left_out in whole:
        rest = [(name, value) for name, value in whole.items() if name != left_out]
        refused(post(prepared, form(rest)), 403, "forbidden")
    refused(post(prepared, form([])), 403, "forbidden")
    assert is_not_uploaded(alice, prepared)
    assert post(prepared, form(list(whole.items()))).status_code == 204


def test_a_changed_field_is_403(alice: Client) -> None:
    prepared, other = alice.prepare(), alice.prepare()
    whole = fields(prepared)
    for name, value in whole.items():
        for changed in (
            "",
            value + "0",
            "0" + value,
            value[:-1],
            value.upper() + " ",
            fields(other)[name],
            "x" * 5000,
        ):
            if changed != value:
                refused(
                    post(prepared, form(list({**whole, name: changed}.items()))), 403, "forbidden"
                )
    later = str(int(whole["expires"]) + 1)
    refused(post(prepared, form(list({**whole, "expires": later}.items()))), 403, "forbidden")
    assert is_not_uploaded(alice, prepared)
    assert alice.send(prepared).status_code == 204


def test_a_repeated_or_added_field_is_403_wherever_it_stands(alice: Client) -> None:
    prepared = alice.prepare()
    whole = list(fields(prepared).items())
    for extra in [*whole, ("more", "1"), ("file2", "1"), ("", "1")]:
        refused(post(prepared, form([*whole, extra])), 403, "forbidden")
        behind = form(whole)[: -len(f"--{BOUNDARY}--\r\n")] + form([extra]).partition(
            b"--" + BOUNDARY.encode() + b"\r\n"
        )[2].join((f"--{BOUNDARY}\r\n".encode(), b""))
        refused(post(prepared, behind), 403, "forbidden")
    twice = form(whole, file="file").replace(
        f"\r\n--{BOUNDARY}--".encode(), b"\r\n" + form([])[: -len("\r\n")]
    )
    refused(post(prepared, twice), 403, "forbidden")
    refused(post(prepared, form([("file", "notes"), *whole])), 403, "forbidden")
    refused(post(prepared, form([(f"f{number}", "") for number in range(100)])), 403, "forbidden")
    assert is_not_uploaded(alice, prepared)
    assert alice.send(prepared).status_code == 204


def test_another_uploads_url_or_fields_are_403(alice: Client, charlie: Client) -> None:
    prepared, foreign = alice.prepare(), charlie.prepare()
    for mixed in (
        {**prepared, "form_data": foreign["form_data"]},
        {**foreign, "form_data": prepared["form_data"]},
        {**prepared, "url": prepared["url"] + "0"},
        {**prepared, "url": prepared["url"][:-1] + "2"},
        {**prepared, "url": f"{alice.server.url}/artifacts/upload/x/1/1"},
        {**prepared, "url": f"{alice.server.url}/artifacts/upload/"},
    ):
        refused(alice.send(mixed), 403, "forbidden")
    assert is_not_uploaded(alice, prepared)
    assert is_not_uploaded(charlie, foreign)


def test_a_download_urls_signature_is_no_uploads(alice: Client) -> None:
    artifact = alice.upload()
    url = urlsplit(alice.ok("artifacts.locate", {"id": artifact})["url"])
    query = dict(pair.split("=") for pair in url.query.split("&"))
    place = url.path.removeprefix("/artifacts/download/")
    form_data = [{"key": key, "value": value} for key, value in {"key": place, **query}.items()]
    refused(
        alice.send({"url": f"{alice.server.url}/artifacts/upload/{place}", "form_data": form_data}),
        403,
        "forbidden",
    )


def test_used_is_403_and_the_first_bytes_stay(alice: Client) -> None:
    prepared = alice.prepare()
    assert alice.send(prepared, b"first").status_code == 204
    before = files_of(alice.server)
    refused(alice.send(prepared, b"second"), 403, "forbidden")
    assert alice.download(prepared["id"]).content == b"first"
    assert files_of(alice.server) == before


def test_of_many_at_once_one_is_taken(alice: Client) -> None:
    prepared = alice.prepare()
    with ThreadPoolExecutor(16) as threads:
        answers = list(
            threads.map(
                lambda number: (number, alice.send(prepared, b"%d" % number * 100_000)), range(16)
            )
        )
    assert sorted(answer.status_code for _, answer in answers) == [204] + [403] * 15
    (winner,) = [number for number, answer in answers if answer.status_code == 204]
    assert alice.download(prepared["id"]).content == b"%d" % winner * 100_000


@pytest.mark.slow
def test_late_is_403(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", RAPPORT_ARTIFACT_URL_TTL="2")
    client = server.make_org()
    prepared = client.prepare()
    time.sleep(2.05)
    refused(client.send(prepared), 403, "forbidden")
    assert client.send(client.prepare()).status_code == 204
    assert server.stop() == 0


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", f"multipart/form-data; boundary={BOUNDARY}"),
        (b"no form", f"multipart/form-data; boundary={BOUNDARY}"),
        (b"--", f"multipart/form-data; boundary={BOUNDARY}"),
        (form([("a", "b")]), "multipart/form-data; boundary=another"),
        (form([("a", "b")]), "multipart/form-data"),
        (form([("a", "b")]), f"multipart/form-data; boundary={'x' * 5000}"),
        (form([("a", "b")]), "multipart/form-data; boundary="),
        (form([("a", "b")]), f"multipart/mixed; boundary={BOUNDARY}"),
        (b"{}", "application/json"),
        (b"key=1&expires=2", "application/x-www-form-urlencoded"),
        (form([("a", "b")]), ""),
        (f"--{BOUNDARY}--\r\n".encode(), f"multipart/form-data; boundary={BOUNDARY}"),
        (
            f"--{BOUNDARY}\r\nbad header\r\n\r\n".encode(),
            f"multipart/form-data; boundary={BOUNDARY}",
        ),
        (
            f"--{BOUNDARY}\r\n{'X-A: b' * 9000}\r\n\r\n".encode(),
            f"multipart/form-data; boundary={BOUNDARY}",
        ),
        (b"\r\n" * 40_000, f"multipart/form-data; boundary={BOUNDARY}"),
    ],
    ids=itertools.count(),
)
def test_what_is_no_form_is_400(alice: Client, body: bytes, content_type: str) -> None:
    prepared = alice.prepare()
    answer = post(prepared, body, content_type)
    assert (
        answer.status_code,
        answer.json()["type"] in {"bad_request", "invalid_content_type"},
    ) == (400, True), answer.text
    assert alice.send(prepared).status_code == 204


def test_what_is_wrong_with_a_form_is_told_in_words(alice: Client) -> None:
    for body in (b"no form", f"--{BOUNDARY}\r\nbad header\r\n\r\n".encode()):
        message = post(alice.prepare(), body).json()["message"]
        assert message.startswith("The form can't be read: ")
        assert not re.search(r"(?i)index|Did not|expected|0x|\(\d+\)", message), message


@pytest.mark.parametrize(
    "preamble",
    [b"\r\n", b"\r\n\r\n", b"This is a message in MIME format.\r\n", b"--\r\n", f"--{BOUNDARY}x\r\n".encode(),
     f"x--{BOUNDARY}\r\n\r\n".encode(), b"\x00\xff" * 10_000 + b"\r\n"],
)  # fmt: skip
def test_what_stands_before_the_first_boundary_is_ignored(alice: Client, preamble: bytes) -> None:
    prepared = alice.prepare()
    body = preamble + form(list(fields(prepared).items()), b"the bytes")
    assert post(prepared, body).status_code == 204
    assert alice.download(prepared["id"]).content == b"the bytes"


def test_a_preamble_without_an_end_is_400(alice: Client) -> None:
    prepared = alice.prepare()
    refused(
        post(prepared, b"x" * 200_000 + b"\r\n" + form(list(fields(prepared).items()))),
        400,
        "bad_request",
    )
    assert is_not_uploaded(alice, prepared)


def encoded(prepared: Any, encoding: str, content: bytes) -> httpx.Response:
    """An upload whose file says how it is encoded."""
    head = b'name="file"; filename="x"\r\n'
    said = head + f"Content-Transfer-Encoding: {encoding}\r\n".encode()
    return post(prepared, form(list(fields(prepared).items()), content).replace(head, said))


@pytest.mark.parametrize(
    "encoding", ["base64", "BASE64", "quoted-printable", "x-uuencode", "base64;x"]
)
def test_an_encoded_part_is_refused_and_stored_nowhere(alice: Client, encoding: str) -> None:
    prepared, before = alice.prepare(), files_of(alice.server)
    answer = encoded(prepared, encoding, b"bm90ZXM=")
    refused(answer, 400, "invalid_content_type")
    assert answer.json()["value"] == encoding
    assert "Content-Transfer-Encoding" in answer.json()["message"]
    assert is_not_uploaded(alice, prepared)
    assert files_of(alice.server) == before
    assert alice.send(prepared).status_code == 204


@pytest.mark.parametrize("encoding", ["binary", "8bit", "7BIT", ""])
def test_a_part_that_says_it_is_not_encoded_is_taken(alice: Client, encoding: str) -> None:
    prepared = alice.prepare()
    assert encoded(prepared, encoding, b"\x00\xff\r\n").status_code == 204
    assert alice.download(prepared["id"]).content == b"\x00\xff\r\n"


def test_a_form_without_its_end_or_its_file_is_400(alice: Client) -> None:
    prepared, before = alice.prepare(), files_of(alice.server)
    whole = form(list(fields(prepared).items()), b"x" * 300_000)
    for body in (
        whole[:-8],
        whole[:-200_000],
        whole[: whole.index(b"filename")],
        form(list(fields(prepared).items()), file="upload"),
    ):
        assert post(prepared, body).status_code in {400, 403}
    compressed = fetch.post(
        prepared["url"],
        data=fields(prepared),
        files={"file": b"x"},
        headers={"content-encoding": "gzip"},
    )
    refused(compressed, 400, "invalid_content_type")
    assert is_not_uploaded(alice, prepared)
    assert files_of(alice.server) == before
    assert post(prepared, whole).status_code == 204


def test_only_a_post_uploads(alice: Client) -> None:
    prepared = alice.prepare()
    for verb in ("GET", "PUT", "DELETE", "PATCH"):
        answer = fetch.request(verb, prepared["url"])
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


# Size


def test_over_the_limit_is_413_and_leaves_nothing(small: Server) -> None:
    client = small.make_org()
    assert client.send(client.prepare(), b"x" * MEBIBYTE).status_code == 204
    before = files_of(small)
    prepared = client.prepare()
    answer = client.send(prepared, b"x" * (MEBIBYTE + 1))
    refused(answer, 413, "request_entity_too_large")
    assert answer.json()["max_bytes"] == MEBIBYTE
    refused(client.send(client.prepare(), b"x" * 5 * MEBIBYTE), 413, "request_entity_too_large")

    def chunks() -> Iterator[bytes]:
        body = form(list(fields(prepared).items()), b"x" * 3 * MEBIBYTE)
        yield from (body[start : start + 50_000] for start in range(0, len(body), 50_000))

    chunked = fetch.post(
        prepared["url"],
        content=chunks(),
        headers={"content-type": f"multipart/form-data; boundary={BOUNDARY}"},
        timeout=30,
    )
    refused(chunked, 413, "request_entity_too_large")
    assert files_of(small) == before
    assert is_not_uploaded(client, prepared)


def test_a_client_that_asks_first_sends_no_file_that_is_too_large(small: Server) -> None:
    prepared = small.make_org().prepare()
    with Wire(small.port) as wire:
        wire.send(
            f"POST {urlsplit(prepared['url']).path} HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: {9 * MEBIBYTE}\r\n"
            f"content-type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n".encode()
        )
        status, headers, body = wire.answer()
    assert (status, body["type"], headers["connection"]) == (
        413,
        "request_entity_too_large",
        "close",
    )


# Broken off


def begin(prepared: Any, length: int = 10 * MEBIBYTE, sent: int = MEBIBYTE) -> socket.socket:
    """An upload of which a part was sent."""
    body = form(list(fields(prepared).items()), b"x" * length)
    url = urlsplit(prepared["url"])
    connection = socket.create_connection((url.hostname or "", url.port or 0), timeout=30)
    connection.sendall(
        f"POST {url.path} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n"
        f"content-type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n".encode()
        + body[:sent]
    )
    return connection


def until_files(server: Server, wanted: int) -> None:
    for _ in range(200):
        if len(files_of(server)) == wanted:
            return
        time.sleep(0.05)
    assert len(files_of(server)) == wanted


def test_a_broken_off_upload_leaves_nothing_and_its_url_still_counts(alice: Client) -> None:
    prepared, before = alice.prepare(), files_of(alice.server)
    connection = begin(prepared)
    until_files(alice.server, len(before) + 1)
    connection.close()
    until_files(alice.server, len(before))
    assert files_of(alice.server) == before
    assert is_not_uploaded(alice, prepared)
    assert alice.send(prepared, b"whole").status_code == 204
    assert alice.download(prepared["id"]).content == b"whole"


def test_an_upload_that_is_slow_may_be_slower_than_any_request(alice: Client) -> None:
    prepared = alice.prepare()
    connection = begin(prepared, length=1000, sent=300)
    rest = form(list(fields(prepared).items()), b"x" * 1000)[300:]
    for start in range(0, len(rest), 200):
        time.sleep(1.2)
        connection.sendall(rest[start : start + 200])
    assert connection.recv(1000).startswith(b"HTTP/1.1 204")
    connection.close()


@pytest.mark.slow
def test_after_a_kill_parts_are_swept_and_the_url_still_counts(tmp_path: Path) -> None:
    server = Server(tmp_path / "data")
    client = server.make_org()
    kept, prepared = client.upload(b"kept"), client.prepare()
    connection = begin(prepared)
    until_files(server, 2)
    server.restart()
    connection.close()
    assert len(files_of(server)) == 1
    assert client.download(kept).content == b"kept"
    assert client.send(prepared, b"again").status_code == 204
    assert client.download(prepared["id"]).content == b"again"
    assert server.stop() == 0


@pytest.mark.slow
def test_a_stop_waits_for_an_upload(tmp_path: Path) -> None:
    server = Server(tmp_path / "data")
    client = server.make_org()
    prepared = client.prepare()
    connection = begin(prepared, length=10_000, sent=2_000)
    until_files(server, 1)
    with ThreadPoolExecutor(1) as threads:
        stopping = threads.submit(server.stop)
        time.sleep(0.5)
        connection.sendall(form(list(fields(prepared).items()), b"x" * 10_000)[2_000:])
        assert connection.recv(1000).startswith(b"HTTP/1.1 204")
        connection.close()
        assert stopping.result() == 0
    server.start()
    assert client.download(prepared["id"]).content == b"x" * 10_000
    assert server.stop() == 0


# The URL


def test_the_url_begins_where_the_caller_came_in(alice: Client) -> None:
    assert alice.prepare()["url"].startswith(f"{alice.server.url}/artifacts/upload/")
    other = alice.ok("artifacts.prepare", {"file_name": "x"}, host="rapport.example:8443")
    assert other["url"].startswith("http://rapport.example:8443/artifacts/upload/")
    for host in ('x"><script>', "a/b", "a@b", "x y", "a" * 300):
        alice.refused("artifacts.prepare", {"file_name": "x"}, "bad_request", host=host)


def test_the_command_line_gets_the_servers_own_address(alice: Client) -> None:
    answer = alice.server.run(
        "call", method="artifacts.prepare", body='{"file_name": "x"}', org=alice.org
    )
    assert json.loads(answer["body"])["url"].startswith(f"{alice.server.url}/artifacts/upload/")


@pytest.mark.slow
def test_the_public_url_comes_first(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", RAPPORT_PUBLIC_URL="https://crm.example/rapport/")
    client = server.make_org()
    prepared = client.prepare()
    assert prepared["url"].startswith("https://crm.example/rapport/artifacts/upload/")
    answer = server.run(
        "call", method="artifacts.prepare", body='{"file_name": "x"}', org=client.org
    )
    assert json.loads(answer["body"])["url"].startswith(
        "https://crm.example/rapport/artifacts/upload/"
    )
    assert (
        client.send(
            {**prepared, "url": prepared["url"].replace("https://crm.example/rapport", server.url)}
        ).status_code
        == 204
    )
    assert server.stop() == 0
