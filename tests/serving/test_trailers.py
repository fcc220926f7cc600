"""A trailer's fields come behind the body, unseen by who checked the head: none of them counts."""

import json
from typing import Any

from tests.support.server import Client
from tests.support.wire import Wire, talk

MADE = b'{"members":["DEVU-1"],"scheduled_date":"2023-01-01T12:00:00Z","title":"A call"}'
BOUNDARY = "a-boundary"


def chunked(start: str, body: bytes, *fields: str, trailer: tuple[str, ...]) -> bytes:
    """A whole request in one piece, whose body ends in a trailer."""
    lines = (start, "Host: x", *fields, "Transfer-Encoding: chunked", "Connection: close", "", "")
    content = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
    return "\r\n".join(lines).encode() + content + "\r\n".join(("0", *trailer, "", "")).encode()


def status_of(answer: bytes) -> int:
    return int(answer.split()[1])


def bearer(client: Client) -> str:
    return f"Authorization: Bearer {client.token}"


def test_a_token_in_the_trailer_is_none(alice: Client) -> None:
    sent = chunked("POST /engagements.create HTTP/1.1", MADE, trailer=(bearer(alice),))
    assert status_of(talk(alice.server, sent)) == 401
    assert alice.ok("engagements.count") == {"count": 0}


def test_a_write_is_of_the_heads_user_whoever_the_trailer_names(alice: Client, bob: Client) -> None:
    start = "POST /engagements.create HTTP/1.1"
    answer = talk(alice.server, chunked(start, MADE, bearer(alice), trailer=(bearer(bob),)))
    made = json.loads(answer.partition(b"\r\n\r\n")[2])["engagement"]
    assert made["created_by"]["display_id"] == alice.user


def test_no_other_field_of_a_trailer_counts(alice: Client) -> None:
    trailer = (
        "Idempotency-Key: one", "X-Request-Id: mine", "X-Devrev-Version: 1999-01-01", "Content-Encoding: gzip",
        "Content-Type: text/plain", "X-Rapport-Expand: nothing",
    )  # fmt: skip
    for _ in range(2):
        start = "POST /engagements.create HTTP/1.1"
        answer = talk(alice.server, chunked(start, MADE, bearer(alice), trailer=trailer))
        assert status_of(answer) == 201
        assert b"x-request-id: req_" in answer
    assert alice.ok("engagements.count") == {"count": 2}


def test_a_stream_and_the_get_form_take_no_token_from_a_trailer(alice: Client) -> None:
    for path in ("/events", "/engagements.list"):
        sent = chunked(f"GET {path} HTTP/1.1", b"", trailer=(bearer(alice),))
        assert status_of(talk(alice.server, sent)) == 401


def test_an_upload_takes_no_content_type_from_a_trailer(alice: Client) -> None:
    prepared = alice.prepare("a.txt")
    sent = chunked(
        f"POST {path_of(prepared)} HTTP/1.1", _form(prepared), trailer=(f"Content-Type: {_TYPE}",)
    )
    assert status_of(talk(alice.server, sent)) == 400
    sent = chunked(
        f"POST {path_of(prepared)} HTTP/1.1",
        _form(prepared),
        f"Content-Type: {_TYPE}",
        trailer=("Content-Encoding: gzip",),
    )
    assert status_of(talk(alice.server, sent)) == 204


def test_a_download_takes_no_range_from_a_trailer(alice: Client) -> None:
    prepared = alice.prepare("a.txt")
    alice.send(prepared, b"0123456789")
    found = alice.ok("artifacts.locate", {"id": prepared["id"]})
    answer = talk(
        alice.server, chunked(f"GET {path_of(found)} HTTP/1.1", b"", trailer=("Range: bytes=0-1",))
    )
    assert status_of(answer) == 200
    assert answer.endswith(b"0123456789")


def test_a_page_takes_no_request_id_from_a_trailer(alice: Client) -> None:
    sent = chunked("GET /healthz HTTP/1.1", b"", trailer=("X-Request-Id: mine",))
    assert b"x-request-id: req_" in talk(alice.server, sent)


def test_a_trailer_is_none_of_the_next_requests_head_either(alice: Client) -> None:
    first = (
        b"POST /engagements.count HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
    )
    after = b"GET /engagements.count HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    for trailer in (bearer(alice), f"X: y\r\n{bearer(alice)}"):
        answer = talk(alice.server, first + f"{trailer}\r\n\r\n".encode() + after)
        assert answer.count(b"HTTP/1.1 401 ") == 2


def test_a_trailer_without_end_is_refused_while_it_comes(alice: Client) -> None:
    for more in (b"X: " + b"y" * 140_000, b"X: y\r\n" * 30_000):
        with Wire(alice.server.port) as wire:
            wire.send(
                chunked("POST /engagements.count HTTP/1.1", b"{}", bearer(alice), trailer=())[:-2]
                + more
            )
            status, headers, body = wire.answer()
            assert (status, body["type"]) == (431, "request_header_fields_too_large")
            assert headers["connection"] == "close"


_TYPE = f"multipart/form-data; boundary={BOUNDARY}"


def path_of(link: Any) -> str:
    """What stands behind the host of a URL that was handed out."""
    return "/" + str(link["url"]).split("/", 3)[3]


def _form(prepared: Any) -> bytes:
    fields = [(f'name="{field["key"]}"', field["value"]) for field in prepared["form_data"]]
    parts = [*fields, ('name="file"; filename="x"', "notes")]
    lines = [
        f"--{BOUNDARY}\r\nContent-Disposition: form-data; {name}\r\n\r\n{value}\r\n"
        for name, value in parts
    ]
    return f"{''.join(lines)}--{BOUNDARY}--\r\n".encode()
