"""HTTP itself, byte by byte where a client library would not let us."""

import json
from collections.abc import Iterator

import pytest

from tests.support.server import Client, Server
from tests.support.wire import Wire, talk

pytestmark = pytest.mark.engines("sqlite")

BODY = b'{"members":["DEVU-1"],"scheduled_date":"2023-01-01T12:00:00Z","title":"A call"}'


def head(client: Client, *more: str, path: str = "/engagements.create") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {client.token}", *more]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"POST /engagements.create HTTP/9.9\r\nHost: x\r\n\r\n",
        b"POST /engagements.create HTTP/1.1\r\nHost: x\r\nbad header\r\n\r\n",
        b"POST /engagements.create HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
        b"POST /engagements.create HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /engagements.create HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /engagements.create HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_what_is_not_http_gets_a_400_in_json_and_a_close(sent: bytes, server: Server) -> None:
    answer = talk(server, sent)
    assert answer.startswith(b"HTTP/1.1 400 ")
    first, _, body = answer.partition(b"\r\n\r\n")
    assert b"connection: close" in first.lower()
    assert json.loads(body)["type"] == "bad_request"


def test_a_chunked_body_is_read(alice: Client) -> None:
    chunks = (
        b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (BODY[:10], BODY[10:]))
        + b"0\r\n\r\n"
    )
    answer = talk(
        alice.server, head(alice, "Transfer-Encoding: chunked", "Connection: close"), chunks
    )
    assert answer.startswith(b"HTTP/1.1 201 ")


def test_a_body_that_goes_wrong_behind_its_answer_gets_no_second_one(server: Server) -> None:
    with Wire(server.port) as wire:
        wire.send(
            b"POST /engagements.create HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        assert wire.answer()[0] == 401
        wire.send(b"nonsense\r\n")
        with pytest.raises(ConnectionError):
            wire.until(b"HTTP/1.1")


def test_a_body_is_read_also_where_another_protocol_is_offered(alice: Client) -> None:
    # As Java's HttpClient does, and curl --http2.
    offer = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk")
    one = head(alice, *offer, f"Content-Length: {len(BODY)}") + BODY
    last = head(alice, f"Content-Length: {len(BODY)}", "Connection: close") + BODY
    answers = talk(alice.server, one + one + last), talk(alice.server, one[:-30], one[-30:] + last)
    assert [answer.count(b"HTTP/1.1 201 ") for answer in answers] == [3, 2]
    assert alice.ok("engagements.count") == {"count": 5}
    assert talk(alice.server, b"CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n").startswith(
        b"HTTP/1.1 405 "
    )


def test_requests_in_one_line_are_answered_in_order(alice: Client) -> None:
    one = head(alice, f"Content-Length: {len(BODY)}") + BODY
    last = head(alice, f"Content-Length: {len(BODY)}", "Connection: close") + BODY
    answer = talk(alice.server, one + one + last)
    assert [answer.count(b'"display_id":"ENGAGEMENT-%d"' % number) for number in (1, 2, 3)] == [
        1,
        1,
        1,
    ]
    assert (
        answer.index(b"ENGAGEMENT-1")
        < answer.index(b"ENGAGEMENT-2")
        < answer.index(b"ENGAGEMENT-3")
    )


def test_a_body_that_breaks_off_writes_nothing(alice: Client) -> None:
    for kept in (0, 1, len(BODY) - 1):
        talk(
            alice.server, head(alice, f"Content-Length: {len(BODY)}"), BODY[:kept], half_close=True
        )
    assert alice.ok("engagements.count") == {"count": 0}


@pytest.mark.parametrize(
    "path", ["/", "/nothing", "/engagements", "/engagements.fly", "/engagements.create/", "/../x"]
)
def test_an_unknown_route_is_not_found_in_json(path: str, alice: Client) -> None:
    answer = alice.server.http.post(
        f"{alice.server.url}{path}", headers={"authorization": alice.token}
    )
    if path == "/":
        assert answer.status_code == 405
        return
    assert (answer.status_code, answer.json()["type"]) == (404, "not_found")
    assert answer.json()["message"] == "route not found"
    assert answer.headers["x-request-id"]


def test_health_readiness_and_the_documents_want_no_token(server: Server) -> None:
    for path, kind in (
        ("/healthz", "application/json"),
        ("/readyz", "application/json"),
        ("/openapi.json", "application/json"),
        ("/docs", "text/html; charset=utf-8"),
    ):
        answer = server.http.get(f"{server.url}{path}")
        assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
    home = server.http.get(f"{server.url}/")
    assert (home.status_code, home.headers["location"]) == (307, "docs")


def test_api_answers_have_no_etag_and_no_304(alice: Client) -> None:
    made = alice.engagement()
    answer = alice.get(
        "engagements.get",
        {"id": made["id"]},
        if_none_match="*",
        if_modified_since="Sun, 01 Jan 2040 00:00:00 GMT",
    )
    assert answer.status == 200
    assert "etag" not in answer.headers


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(
        tmp_path_factory.mktemp("shared") / "data", RAPPORT_CORS_ORIGINS="https://app.example.com"
    )
    yield running
    assert running.stop() == 0


def test_pages_of_other_origins_may_call_only_where_they_are_named(
    shared: Server, alice: Client
) -> None:
    preflight = {
        "origin": "https://app.example.com",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type,idempotency-key",
    }
    answer = shared.http.options(f"{shared.url}/engagements.create", headers=preflight)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "https://app.example.com"
    evil = shared.http.options(
        f"{shared.url}/engagements.create", headers={**preflight, "origin": "https://evil.example"}
    )
    assert "access-control-allow-origin" not in evil.headers
    off = alice.server.http.options(f"{alice.server.url}/engagements.create", headers=preflight)
    assert off.status_code == 405
    assert "access-control-allow-origin" not in off.headers


def test_every_answer_has_a_request_id_even_where_there_is_no_method(shared: Server) -> None:
    for verb in ("GET", "POST", "HEAD", "OPTIONS"):
        for path in (
            "/",
            "/nothing",
            "/healthz",
            "/readyz",
            "/openapi.json",
            "/docs",
            "/engagements.create",
        ):
            url = f"{shared.url}{path}"
            assert shared.http.request(verb, url).headers["x-request-id"].startswith("req_")
            assert (
                shared.http.request(verb, url, headers={"x-request-id": "mine-1"}).headers[
                    "x-request-id"
                ]
                == "mine-1"
            )
    preflight = {"origin": "https://app.example.com", "access-control-request-method": "POST"}
    assert shared.http.options(f"{shared.url}/engagements.create", headers=preflight).headers[
        "x-request-id"
    ]
    assert b"\r\nx-request-id: req_" in talk(shared, b"nonsense\r\n\r\n")
