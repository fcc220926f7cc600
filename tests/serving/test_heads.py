"""A head has bounds, and what is over them is refused while it comes, whoever sends it."""

import json
from pathlib import Path

import pytest

from tests.support.server import Client, Server
from tests.support.wire import Wire, talk

MOST = 65_536
PATHS = (
    "POST /engagements.create", "GET /engagements.list", "GET /events", "GET /docs", "GET /nothing",
    "POST /artifacts/upload/x/1/1", "GET /artifacts/download/x/1/1",
)  # fmt: skip
HUGE = [
    (b"X: " + b"y" * MOST, 431),
    (b"X: y\r\n" * (MOST // 6), 431),
    (b"X:" + b" " * MOST, 431),
    (b"X" * MOST, 431),
]


def start(request: str = "GET /healthz", *fields: str) -> bytes:
    return "\r\n".join((f"{request} HTTP/1.1", "Host: x", *fields, "")).encode()


def is_refused(wire: Wire, status: int) -> None:
    types = {414: "uri_too_long", 431: "request_header_fields_too_large"}
    found, headers, body = wire.answer()
    assert (found, body["type"]) == (status, types[status])
    assert headers["connection"] == "close"
    assert headers["x-request-id"].startswith("req_")
    assert body["message"]
    assert body["detail"]
    wire.closed_within(5)


@pytest.mark.parametrize("request_line", PATHS)
def test_a_head_is_refused_at_its_bound_without_a_byte_more(
    request_line: str, server: Server
) -> None:
    for more, status in HUGE:
        with Wire(server.port) as wire:
            begun = start(request_line)
            wire.send((begun + more)[:MOST])
            is_refused(wire, status)


def test_a_head_that_comes_in_pieces_is_refused_as_well(server: Server) -> None:
    with Wire(server.port) as wire:
        sent = (start() + b"X: " + b"y" * MOST)[:MOST]
        for place in range(0, len(sent), 1000):
            wire.send(sent[place : place + 1000])
        is_refused(wire, 431)


def test_a_head_behind_another_request_has_the_same_bounds(server: Server) -> None:
    with Wire(server.port) as wire:
        wire.send(start() + b"\r\n" + start() + b"X: " + b"y" * MOST + b"\r\n\r\n")
        assert wire.answer()[0] == 200
        is_refused(wire, 431)


def test_a_target_too_long_is_refused_while_it_comes_with_the_way_out(server: Server) -> None:
    for request_line in PATHS:
        with Wire(server.port) as wire:
            wire.send(f"{request_line}?x={'y' * MOST}".encode()[:MOST])
            found, _, body = wire.answer()
            assert (found, body["type"]) == (414, "uri_too_long")
            assert "POST" in body["detail"]


def test_a_whole_query_of_70_kb_is_told_to_send_a_post(alice: Client) -> None:
    members = ",".join(["DEVU-1"] * 10_000)
    answer = talk(
        alice.server,
        start(f"GET /engagements.list?members={members}", f"Authorization: {alice.token}"),
    )
    first, _, body = answer.partition(b"\r\n\r\n")
    assert first.startswith(b"HTTP/1.1 414 ")
    assert json.loads(body)["detail"].startswith("Send a POST")


def test_a_head_of_64_kib_is_taken_and_not_one_byte_more(server: Server) -> None:
    for more, status in ((0, 200), (1, 431)):
        begun = start() + b"X: "
        sent = begun + b"y" * (MOST + more - len(begun) - 4) + b"\r\n\r\n"
        assert len(sent) == MOST + more
        with Wire(server.port) as wire:
            wire.send(sent)
            assert wire.answer()[0] == status


def test_a_query_may_take_most_of_a_head(alice: Client) -> None:
    ids = ",".join(["DEVU-1"] * 8_000)[:65_000]
    answer = talk(
        alice.server,
        start(
            f"GET /engagements.list?members={ids}",
            f"Authorization: {alice.token}",
            "Connection: close",
        )
        + b"\r\n",
    )
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'"value_not_permitted"' in answer


def test_256_fields_are_taken_and_no_more(server: Server) -> None:
    for count, status in ((255, 200), (256, 431)):
        with Wire(server.port) as wire:
            wire.send(start() + b"X: y\r\n" * count + b"\r\n")
            assert wire.answer()[0] == status


def test_empty_lines_before_a_head_have_an_end(server: Server) -> None:
    with Wire(server.port) as wire:
        wire.send(b"\r\n" * (MOST // 2))
        is_refused(wire, 431)
    assert talk(
        server, b"\r\n\r\n" + start("GET /healthz", "Connection: close") + b"\r\n"
    ).startswith(b"HTTP/1.1 200 ")


def test_a_refusal_waits_until_those_before_it_are_answered(alice: Client) -> None:
    asked = start("GET /engagements.count", f"Authorization: {alice.token}") + b"\r\n"
    answer = talk(alice.server, asked + asked + b"nonsense\r\n\r\n")
    parts = [part.split()[0] for part in answer.split(b"HTTP/1.1 ")[1:]]
    assert parts == [b"200", b"200", b"400"]


def test_what_follows_a_refusal_is_not_kept(server: Server) -> None:
    talk(server, start() + b"\r\n")
    before = peak(server)
    with Wire(server.port) as wire:
        wire.send((start() + b"X: " + b"y" * MOST)[:MOST])
        try:
            for _ in range(384):
                wire.send(b"y" * MOST)
        except ConnectionError:
            pass
    assert peak(server) - before < 8_000


def peak(server: Server) -> int:
    """The most memory that the server ever had, in kB."""
    status = Path(f"/proc/{server.process.pid}/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0])
