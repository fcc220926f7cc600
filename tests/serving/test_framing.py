"""How a request may be framed, where it says it goes, and what an HTTP/1.0 client gets."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.server import Client, Server
from tests.support.wire import Wire, talk

PATHS = (
    "GET /engagements.count", "POST /engagements.count", "GET /events", "GET /docs", "POST /artifacts/upload/x/1/1",
    "GET /artifacts/download/x/1/1",
)  # fmt: skip


def ask(server: Server, request: str, *fields: str, version: str = "1.1", body: str = "") -> bytes:
    """All that comes back."""
    lines = (f"{request} HTTP/{version}", *fields, "Connection: close", "", body)
    return talk(server, "\r\n".join(lines).encode("latin-1"))


def parts_of(answer: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body."""
    first, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = first.decode("latin-1").split("\r\n")
    return int(status.split()[1]), dict(line.lower().split(": ", 1) for line in lines), body


def refused(answer: bytes, status: int, type_: str) -> Any:
    found, headers, body = parts_of(answer)
    error = json.loads(body)
    assert (found, error["type"]) == (status, type_), answer
    assert headers["connection"] == "close"
    assert headers["x-request-id"]
    assert error["detail"]
    return error


@pytest.mark.parametrize("request_line", PATHS)
@pytest.mark.parametrize(
    "hosts",
    [
        (),
        ("x", "y"),
        ("x", "x"),
        ("a b",),
        ("",),
        ("a/b",),
        ("a@b",),
        ("x:y",),
        ("x:1:2",),
        ("[x]",),
        ("\xe9",),
    ],
)
def test_a_request_names_one_host(
    request_line: str, hosts: tuple[str, ...], server: Server
) -> None:
    answer = ask(server, request_line, *(f"Host: {host}" for host in hosts))
    assert "ost" in refused(answer, 400, "bad_request")["message"]


@pytest.mark.parametrize(
    "host", ["x", "x:8080", "127.0.0.1", "[::1]", "[::1]:8080", "a_b.example", "x:"]
)
def test_a_name_or_an_address_is_a_host(host: str, server: Server) -> None:
    assert parts_of(ask(server, "GET /healthz", f"Host: {host}"))[0] == 200


def test_http_1_0_needs_no_host_but_may_not_have_a_wrong_one(server: Server) -> None:
    assert parts_of(ask(server, "GET /healthz", version="1.0"))[0] == 200
    refused(ask(server, "GET /healthz", "Host: a b", version="1.0"), 400, "bad_request")


def test_other_versions_are_not_spoken(server: Server) -> None:
    for version in ("0.9", "2.0", "9.9"):
        refused(ask(server, "GET /healthz", "Host: x", version=version), 400, "bad_request")


def prepare(client: Client, target: str, *fields: str, version: str = "1.1") -> str:
    """The URL that is handed out to such a request."""
    body = '{"file_name": "a.txt"}'
    sent = (f"Authorization: {client.token}", f"Content-Length: {len(body)}", *fields)
    status, _, answer = parts_of(
        ask(client.server, f"POST {target}", *sent, version=version, body=body)
    )
    assert status == 200, answer
    return str(json.loads(answer)["url"]).partition("/artifacts/")[0]


def test_the_host_of_an_absolute_target_counts_for_more_than_host(alice: Client) -> None:
    method = "/artifacts.prepare"
    assert prepare(alice, method, "Host: asked.example") == "http://asked.example"
    for version in ("1.1", "1.0"):
        absolute = f"http://Target.example:81{method}"
        assert (
            prepare(alice, absolute, "Host: asked.example", version=version)
            == "http://Target.example:81"
        )
    assert prepare(alice, f"HTTP://[::1]{method}", "Host: asked.example") == "http://[::1]"
    assert prepare(alice, method, version="1.0") == alice.server.url


@pytest.fixture
def public(tmp_path: Path) -> Iterator[Server]:
    running = Server(tmp_path / "data", RAPPORT_PUBLIC_URL="https://public.example/api")
    yield running
    assert running.stop() == 0


def test_the_public_url_counts_for_more_than_both(public: Server) -> None:
    target = "http://target.example/artifacts.prepare"
    assert prepare(public.make_org(), target, "Host: asked.example") == "https://public.example/api"


def test_an_absolute_target_leads_where_its_path_does(server: Server) -> None:
    for target, status in (
        ("http://x/healthz", 200),
        ("https://x/healthz?a=b", 200),
        ("http://x", 307),
        ("http://x?a=b", 307),
        ("http://x/nothing", 404),
        ("http://x//healthz", 404),
    ):
        assert parts_of(ask(server, f"GET {target}", "Host: y"))[0] == status, target
    for target in (
        "http:///healthz",
        "http://a@b/healthz",
        "ftp://x/healthz",
        "http://x:y/healthz",
        "*",
    ):
        refused(ask(server, f"GET {target}", "Host: y"), 400, "bad_request")
    refused(ask(server, "GET http://x/healthz"), 400, "bad_request")


def test_options_of_the_server_as_a_whole_is_no_method(server: Server) -> None:
    answer = ask(server, "OPTIONS *", "Host: x")
    refused(answer, 405, "method_not_allowed")
    assert parts_of(answer)[1]["allow"] == "get, post"
    assert parts_of(ask(server, "OPTIONS /engagements.count", "Host: x"))[0] == 405


@pytest.mark.parametrize("request_line", PATHS)
def test_no_transfer_coding_but_chunked_is_served(request_line: str, server: Server) -> None:
    for codings in (
        ("gzip, chunked",),
        ("gzip",),
        ("identity",),
        ("chunked, gzip",),
        ("chunked", "chunked"),
    ):
        fields = (f"Transfer-Encoding: {coding}" for coding in codings)
        refused(
            ask(server, request_line, "Host: x", *fields, body="0\r\n\r\n"), 501, "not_implemented"
        )
    answer = ask(server, request_line, "Host: x", "Transfer-Encoding: Chunked", body="0\r\n\r\n")
    assert parts_of(answer)[0] != 501


def test_http_1_0_sends_nothing_chunked(alice: Client) -> None:
    fields = ("Host: x", f"Authorization: {alice.token}", "Transfer-Encoding: chunked")
    answer = ask(alice.server, "POST /engagements.count", *fields, version="1.0", body="0\r\n\r\n")
    refused(answer, 400, "bad_request")


@pytest.mark.parametrize("request_line", PATHS)
def test_a_length_given_in_two_ways_is_refused(request_line: str, server: Server) -> None:
    pair = ("Content-Length: 5", "Transfer-Encoding: chunked")
    for fields in (pair, pair[::-1]):
        refused(ask(server, request_line, "Host: x", *fields, body="0\r\n\r\n"), 400, "bad_request")


def test_fields_of_one_value_may_not_contradict_themselves(alice: Client, bob: Client) -> None:
    for name, one, other in (
        ("Authorization", alice.token, bob.token),
        ("Content-Type", "application/json", "text/plain"),
        ("Idempotency-Key", "a", "b"),
        ("X-Devrev-Version", "2022-10-20", "2024-01-24"),
    ):
        token = () if name == "Authorization" else (f"Authorization: {alice.token}",)
        for request_line in PATHS:
            answer = ask(
                alice.server, request_line, "Host: x", *token, f"{name}: {one}", f"{name}: {other}"
            )
            assert refused(answer, 400, "bad_request")["message"].startswith(name)
        for request_line in PATHS[:2]:
            answer = ask(
                alice.server, request_line, "Host: x", *token, f"{name}: {one}", f"{name}: {one}"
            )
            assert parts_of(answer)[0] == 200


def test_a_get_takes_no_body(alice: Client) -> None:
    fields = ("Host: x", f"Authorization: {alice.token}")
    for path in ("/engagements.count", "/engagements.list", "/events"):
        for more, body in (
            ("Content-Length: 2", "{}"),
            ("Transfer-Encoding: chunked", "2\r\n{}\r\n0\r\n\r\n"),
        ):
            status, _, answer = parts_of(ask(alice.server, f"GET {path}", *fields, more, body=body))
            error = json.loads(answer)
            assert (status, error["type"], error["field_name"]) == (400, "invalid_field", "body")
    for more, body in (("Content-Length: 0", ""), ("Transfer-Encoding: chunked", "0\r\n\r\n")):
        assert (
            parts_of(ask(alice.server, "GET /engagements.count", *fields, more, body=body))[0]
            == 200
        )


def test_an_http_1_0_client_gets_nothing_in_chunks(alice: Client) -> None:
    prepared = alice.prepare("a.txt")
    alice.send(prepared, b"0123456789")
    found = alice.ok("artifacts.locate", {"id": prepared["id"]})["url"].split("/", 3)[3]
    for path in ("docs", "engagements.count", "openapi.json", found):
        answer = ask(alice.server, f"GET /{path}", f"Authorization: {alice.token}", version="1.0")
        status, headers, body = parts_of(answer)
        assert (status, headers["connection"]) == (200, "close")
        assert "transfer-encoding" not in headers
        assert len(body) == int(headers["content-length"])


def test_a_stream_to_an_http_1_0_client_ends_with_its_connection(tmp_path: Path) -> None:
    server = Server(tmp_path / "data")
    token = server.make_org().token
    with Wire(server.port) as wire:
        wire.send(f"GET /events HTTP/1.0\r\nAuthorization: {token}\r\n\r\n".encode())
        status, headers, body = parts_of(wire.until(b"\n\n"))
        assert (status, headers["connection"]) == (200, "close")
        assert not {"transfer-encoding", "content-length"} & set(headers)
        assert body.startswith(b"id: ")
        assert server.stop() == 0
        wire.closed_within(5)


def test_an_http_1_0_client_is_not_told_to_go_on(alice: Client) -> None:
    fields = (f"Authorization: {alice.token}", "Expect: 100-continue", "Content-Length: 2")
    assert (
        parts_of(ask(alice.server, "POST /engagements.count", *fields, version="1.0", body="{}"))[0]
        == 200
    )
    assert ask(alice.server, "POST /engagements.count", "Host: x", *fields, body="{}").startswith(
        b"HTTP/1.1 100 "
    )
