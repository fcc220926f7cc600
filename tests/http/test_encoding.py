"""Compressed answers: who gets them, of what, and that the site's pages are fetched once."""

import gzip
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from rapport.http.encoding import LEAST_BYTES, takes_gzip
from tests.support import fetch
from tests.support.server import Client, Server

PAGES = (
    "/docs",
    "/docs/engagements.list",
    "/docs/guide/clients",
    "/docs/search.json",
    "/openapi.json",
)


@pytest.mark.parametrize(
    ("accepted", "taken"),
    [
        (None, False), ("", False), ("gzip", True), ("GZip", True), ("x-gzip", True), ("br, gzip;q=0.5", True),
        ("*", True), ("br", False), ("gzip;q=0", False), ("gzip; q=0.000", False), ("*;q=0", False),
        ("gzip;q=0, *", False), ("identity, gzip;q=0.5", False), ("identity;q=0.5, gzip", True), ("*;q=0, gzip", True),
        ("gzip;q=1.001", False), ("gzip;q=nan", False), ("gzip;level=9", False), (", gzip ,", True),
    ],
)  # fmt: skip
def test_weights_choose_the_coding(accepted: str | None, taken: bool) -> None:
    assert takes_gzip(None if accepted is None else accepted.encode()) is taken


def plain(server: Server, path: str, **headers: str) -> httpx.Response:
    return server.http.get(
        f"{server.url}{path}", headers={"accept-encoding": "identity", **headers}
    )


def raw(answer: httpx.Response) -> int:
    return int(answer.headers["content-length"])


@pytest.mark.parametrize("path", PAGES)
def test_a_page_goes_out_compressed_and_is_the_same(path: str, server: Server) -> None:
    packed, loose = server.http.get(f"{server.url}{path}"), plain(server, path)
    assert packed.headers["content-encoding"] == "gzip"
    assert raw(packed) < 60_000
    assert "content-encoding" not in loose.headers
    assert packed.content == loose.content
    assert packed.headers["vary"] == loose.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize("path", PAGES)
def test_a_page_that_is_known_is_not_sent_again(path: str, server: Server) -> None:
    for accepted in ("gzip", "identity"):
        first = plain(server, path, **{"accept-encoding": accepted})
        assert first.headers["cache-control"] == "no-cache"
        for known in (
            first.headers["etag"],
            f"W/{first.headers['etag']}",
            f'"x", {first.headers["etag"]}',
            "*",
        ):
            again = plain(server, path, **{"accept-encoding": accepted, "if-none-match": known})
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["etag"] == first.headers["etag"]
        assert plain(server, path, **{"if-none-match": '"other"'}).status_code == 200
    assert (
        plain(server, path).headers["etag"]
        != server.http.get(f"{server.url}{path}").headers["etag"]
    )


@pytest.mark.parametrize("path", [*PAGES, "/", "/healthz", "/readyz"])
def test_the_sites_pages_are_for_get_alone(path: str, server: Server) -> None:
    for verb in ("HEAD", "OPTIONS", "POST"):
        refused = server.http.request(verb, f"{server.url}{path}")
        assert (refused.status_code, refused.headers["allow"]) == (405, "GET")


def test_a_page_that_is_not_there_is_not_found(server: Server) -> None:
    for path in (
        "/docs/nothing",
        "/docs/guide/nothing",
        "/docs/guide/",
        "/docs/errors/",
        "/docs/../docs/x",
    ):
        assert plain(server, path).status_code == 404
    assert plain(server, "/docs/").headers["location"] == "../docs"


def test_the_first_asks_for_all_pages_hold_nobody_up(server: Server) -> None:
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(fetch.get, f"{server.url}{path}", timeout=30) for path in PAGES * 4]
        while not all(one.done() for one in asked):
            assert plain(server, "/healthz").status_code == 200
    assert {one.result().status_code for one in asked} == {200}


def many(alice: Client) -> None:
    for _ in range(8):
        alice.engagement(description="They want the summary by Friday. " * 60)


def test_a_large_answer_is_compressed_for_who_asks(alice: Client) -> None:
    many(alice)
    loose = alice.call("engagements.list", {"limit": 8}, accept_encoding="identity")
    assert "content-encoding" not in loose.headers
    assert loose.headers["vary"] == "Accept-Encoding"
    for request in ({"limit": 8}, {"limit": 3}):
        loose = alice.call("engagements.list", request, accept_encoding="identity")
        packed = alice.call("engagements.list", request)
        assert packed.headers["content-encoding"] == "gzip"
        assert int(packed.headers["content-length"]) < int(loose.headers["content-length"]) / 5
        assert packed.body == loose.body
        assert "etag" not in packed.headers
    got = alice.get("engagements.list", {"limit": 8})
    assert got.headers["content-encoding"] == "gzip"


def test_a_small_answer_goes_out_as_it_is(alice: Client) -> None:
    answer = alice.call("engagements.count")
    assert not {"content-encoding", "vary"} & answer.headers.keys()


def test_a_large_refusal_is_compressed_too(alice: Client) -> None:
    refused = alice.call("engagements.list", {f"field_{number}": 1 for number in range(100)})
    assert refused.status == 400
    assert refused.headers["content-encoding"] == "gzip"


def test_answers_with_tokens_and_secrets_are_never_compressed(alice: Client) -> None:
    for number in range(30):
        alice.ok("auth-tokens.create", {"token_hint": f"{number} " + "x" * 60})
        alice.ok(
            "webhooks.create",
            {"url": f"https://hooks.invalid/{number}", "event_types": ["work_created"]},
        )
    for method in ("auth-tokens.list", "webhooks.list"):
        answer = alice.call(method)
        assert int(answer.headers["content-length"]) > LEAST_BYTES
        assert "content-encoding" not in answer.headers


def test_the_stream_is_what_it_was(alice: Client) -> None:
    alice.engagement()
    with alice.server.http.stream(
        "GET",
        f"{alice.server.url}/events",
        headers={"authorization": f"Bearer {alice.token}", "accept-encoding": "gzip"},
    ) as answer:
        assert "content-encoding" not in answer.headers


def test_the_bytes_are_a_gzip_that_others_read(server: Server) -> None:
    with server.http.stream("GET", f"{server.url}/openapi.json") as answer:
        body = b"".join(answer.iter_raw())
    assert gzip.decompress(body) == plain(server, "/openapi.json").content
