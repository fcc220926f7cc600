"""`/metrics` as Prometheus reads it: who may see it, and that its figures are what happened."""

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.support import fetch
from tests.support.command import rapport
from tests.support.postgres import PostgresServer, eventually, new_name
from tests.support.server import Client, Server

ROOT = Path(__file__).parents[2]
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(text: str) -> Samples:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def figure(server: Server, name: str, **labels: str) -> float:
    answer = server.http.get(f"{server.url}/metrics")
    assert answer.status_code == 200
    return samples(answer.text).get((name, tuple(sorted(labels.items()))), 0.0)


@pytest.fixture
def alice(server: Server) -> Client:
    return server.make_org("Alice's")


@contextlib.contextmanager
def serving(folder: Path, **environment: str) -> Iterator[Server]:
    running = Server(folder / "data", **environment)
    yield running
    assert running.stop() == 0


@pytest.mark.engines("sqlite", "postgres")
def test_requests_are_counted_by_method_and_status(server: Server, alice: Client) -> None:
    def counted(status: str) -> float:
        return figure(server, "rapport_requests_total", method="accounts.get", status=status)

    found, missed = counted("200"), counted("404")
    made = alice.ok("accounts.create", {"display_name": "Acme"})["account"]["id"]
    for _ in range(3):
        alice.ok("accounts.get", {"id": made})
    assert alice.call("accounts.get", {"id": "ACC-99999"}).status == 404
    assert (counted("200"), counted("404")) == (found + 3, missed + 1)


@pytest.mark.engines("sqlite", "postgres")
def test_a_write_is_a_commit_of_a_batch(server: Server, alice: Client) -> None:
    def commits() -> tuple[float, float]:
        return (
            figure(server, "rapport_commit_seconds_count"),
            figure(server, "rapport_batch_calls_sum"),
        )

    before = commits()
    alice.ok("accounts.create", {"display_name": "Acme"})
    after = commits()
    assert after[0] > before[0]
    assert after[1] > before[1]
    # What changed is indexed behind the answers, by writes too.
    eventually(10, lambda: figure(server, "rapport_writes_waiting") == 0)


@pytest.mark.engines("sqlite", "postgres")
def test_the_store_tells_its_size(server: Server) -> None:
    assert figure(server, "rapport_store_up") == 1
    assert figure(server, "rapport_store_bytes") > 100_000
    assert figure(server, "rapport_webhook_lag_seconds") >= 0


def test_an_answer_that_is_given_again_is_counted(server: Server, alice: Client) -> None:
    before = figure(server, "rapport_idempotent_replays_total")
    for _ in range(2):
        alice.ok("accounts.create", {"display_name": "Acme"}, idempotency_key="once")
    assert figure(server, "rapport_idempotent_replays_total") == before + 1


def test_who_reads_the_feed_is_counted_while_they_do(server: Server, alice: Client) -> None:
    reading = {"authorization": f"Bearer {alice.token}"}
    before = figure(server, "rapport_feed_readers")
    with server.http.stream("GET", f"{server.url}/events", headers=reading) as answer:
        assert answer.status_code == 200
        alice.ok("accounts.create", {"display_name": "Acme"})
        lines = answer.iter_lines()
        next(lines)
        assert figure(server, "rapport_feed_readers") == before + 1


def test_no_label_names_a_person_an_org_or_an_object(server: Server, alice: Client) -> None:
    made = alice.ok("accounts.create", {"display_name": "Zebedee"})["account"]["display_id"]
    alice.call("no.such.method.as.zebedee")
    told = server.http.get(f"{server.url}/metrics").text
    for secret in (alice.user, alice.org, made, alice.token, "zebedee", "Zebedee", "@"):
        assert not re.search(rf"{re.escape(secret)}(?!\d)", told), secret


# Who may see them


def test_a_stranger_s_address_sees_nothing(tmp_path: Path) -> None:
    with serving(tmp_path, RAPPORT_METRICS_FROM="192.0.2.0/24, 2001:db8::1") as server:
        answer = server.http.get(f"{server.url}/metrics")
        assert (answer.status_code, answer.json()["type"]) == (404, "not_found")


def test_with_a_token_nobody_sees_them_without_it(tmp_path: Path) -> None:
    with serving(tmp_path, RAPPORT_METRICS_TOKEN="swordfish") as server:

        def status(**headers: str) -> int:
            return server.http.get(f"{server.url}/metrics", headers=headers).status_code

        assert status() == 404
        assert status(authorization="Bearer trout") == 404
        assert status(authorization=f"Bearer {server.token}") == 404
        assert status(authorization="Bearer swordfish") == 200
        assert status(authorization="bearer swordfish") == 200


def test_behind_a_proxy_that_is_not_trusted_nobody_is_near(server: Server) -> None:
    """The address is the proxy's own, whoever asks."""
    for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"):
        answer = server.http.get(f"{server.url}/metrics", headers={name: "127.0.0.1"})
        assert answer.status_code == 404, name


def test_behind_a_trusted_proxy_the_client_s_address_counts(tmp_path: Path) -> None:
    environment = {
        "RAPPORT_TRUSTED_PROXIES": "127.0.0.1",
        "RAPPORT_METRICS_FROM": "192.0.2.7",
    }
    with serving(tmp_path, **environment) as server:

        def status(address: str) -> int:
            headers = {"X-Forwarded-For": address}
            return server.http.get(f"{server.url}/metrics", headers=headers).status_code

        assert status("192.0.2.7") == 200
        assert status("192.0.2.8") == 404


@pytest.mark.parametrize("wrong", ["nowhere", "10.0.0.0/33", "::g"])
def test_what_is_no_address_stops_the_start(tmp_path: Path, wrong: str) -> None:
    ended = rapport(tmp_path, "serve", RAPPORT_METRICS_FROM=wrong)
    assert "RAPPORT_METRICS_FROM" in ended.sentence()


# The access log


def _lines(server: Server, method: str) -> list[Any]:
    lines = [json.loads(line) for line in server.logged().splitlines()]
    return [line for line in lines if line.get("method") == method]


def test_the_access_log_says_who_asked_from_where(tmp_path: Path) -> None:
    with serving(tmp_path, RAPPORT_ACCESS_LOG="on") as server:
        alice = server.make_org("Alice's")
        trace = "0af7651916cd43dd8448eb211c80319c"
        answer = alice.call(
            "accounts.list", X_Request_Id="mine-1", traceparent=f"00-{trace}-b7ad6b7169203331-01"
        )
        server.http.get(f"{server.url}/accounts.list", headers={"traceparent": f"00-{'0' * 32}-x"})
        # A line is written behind its answer.
        eventually(10, lambda: len(_lines(server, "accounts.list")) == 2)
        told, refused = _lines(server, "accounts.list")
    assert answer.status == 200
    assert (told["user"], told["org"]) == (alice.user, alice.org.removeprefix("DEV-"))
    assert (told["address"], told["trace_id"]) == ("127.0.0.1", trace)
    assert (told["status"], told["request_id"]) == (200, "mine-1")
    assert told["bytes"] > 10
    assert refused["status"] == 401
    assert {"user", "org", "trace_id"}.isdisjoint(refused)


# Several processes


def test_workers_are_told_together(postgres: PostgresServer, tmp_path: Path) -> None:
    with postgres.database(new_name()) as url:
        server = Server(tmp_path / "data", "--workers", "2", RAPPORT_DATABASE_URL=url)
        alice = server.make_org("Alice's")
        made = alice.ok("accounts.create", {"display_name": "Acme"})["account"]["id"]
        headers = {"authorization": f"Bearer {alice.token}"}
        for _ in range(20):  # each on a connection of its own, which either worker may take
            fetch.post(
                f"{server.url}/accounts.get", content=json.dumps({"id": made}), headers=headers
            )
        for _ in range(4):
            told = samples(fetch.get(f"{server.url}/metrics").text)
            key = ("rapport_requests_total", (("method", "accounts.get"), ("status", "200")))
            assert told[key] == 20
        assert server.stop() == 0


# What is written for those who watch


def _families(server: Server) -> set[str]:
    """What is told of, whether or not anything was counted yet."""
    told = server.http.get(f"{server.url}/metrics").text
    return {line.split()[2] for line in told.splitlines() if line.startswith("# TYPE rapport_")}


def _alerts() -> list[str]:
    rules = yaml.safe_load((ROOT / "docs" / "watching" / "alerts.yml").read_text("utf-8"))
    return [rule["expr"] for group in rules["groups"] for rule in group["rules"]]


def _panels() -> list[str]:
    board = json.loads((ROOT / "docs" / "watching" / "dashboard.json").read_text("utf-8"))
    return [target["expr"] for panel in board["panels"] for target in panel["targets"]]


@pytest.mark.parametrize("expressions", [_alerts, _panels], ids=["alerts", "dashboard"])
def test_who_watches_asks_for_what_there_is(
    server: Server, expressions: Callable[[], list[str]]
) -> None:
    asked = {name for one in expressions() for name in re.findall(r"rapport_\w+", one)}
    assert len(asked) > 3
    assert {re.sub("_(bucket|sum|count)$", "", name) for name in asked} <= _families(server)


def test_the_guide_names_every_metric(server: Server) -> None:
    guide = (ROOT / "docs" / "guide" / "watch.md").read_text("utf-8")
    kept = {name for name in _families(server) if not name.endswith("_created")}
    assert kept == set(re.findall(r"^\| `(rapport_\w+)`", guide, re.MULTILINE))
