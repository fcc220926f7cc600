"""Nothing but public addresses is ever dialled: in whatever spelling, whatever a name leads to,
whenever.
"""

import asyncio
import ipaddress
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from rapport.serving import local_ca
from rapport.webhooks.reach import Reach, Unreachable, is_public
from tests.support.hooks import QUICK
from tests.support.receiver import Receiver
from tests.support.resolving import Names, resolving
from tests.support.server import Client

SPELLINGS = [
    # loopback, unspecified
    "127.0.0.1", "127.1", "127.0.1", "127.255.255.254", "2130706433", "0x7f000001", "0x7f.0.0.1", "0X7F.1", "0177.0.0.1",
    "017700000001", "0177.1", "00000177.0.0.1", "127.0.0.01", "0", "0.0.0.0", "0x0", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::127.0.0.1]",
    "localhost", "LOCALHOST", "a.localhost", "localhost.", "127.0.0.1.", "0x7f.1.", "4294967297",
    # mapped, compatible, translated
    "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::FFFF:10.0.0.1]", "[::ffff:0:127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]",
    "[64:ff9b::169.254.169.254]", "[2002:7f00:1::]", "[2002:a9fe:a9fe::1]", "[2001:0:7f00:1::]", "[::ffff:8.8.8.8]",
    # private, link-local, shared, multicast, reserved
    "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "100.100.100.200", "169.254.1.1", "192.0.0.192",
    "198.18.0.1", "192.0.2.1", "203.0.113.7", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "0.1.2.3", "192.88.99.1",
    "[fe80::1]", "[fe80::1%25eth0]", "[fc00::1]", "[fd12:3456::1]", "[fec0::1]", "[ff02::1]", "[2001:db8::1]", "[100::1]", "[5f00::1]",
    # clouds' own
    "169.254.169.254", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "[fd00:ec2::254]", "168.63.129.16", "metadata.google.internal",
    "metadata", "router", "printer.local", "nas.lan", "db.internal",
    # other people's tolerance
    "\uff11\uff12\uff17.\uff10.\uff10.\uff11", "127\u30020\u30020\u30021", "\u2460\u2461\u2466.\u24ea.\u24ea.\u2460", "\u24db\u24de\u24d2al\u24d7\u24de\u24e2\u24e3", "127%2e0%2e0%2e1", "%31%32%37.0.0.1",
    "user:secret@example.com", "example.com@127.0.0.1", "@127.0.0.1", "example.com\\@127.0.0.1", "127.0.0.1\\.example.com", "a b.example", "[::1",
    "1.2.3", "1.2.3.4.5", "1.2.3.256", "8.8.8.8.", "", ":80",
]  # fmt: skip
PUBLIC = [
    "8.8.8.8",
    "[2606:4700::1111]",
    "hooks.example.com",
    "a-b.example",
    "xn--bcher-kva.example",
    "1.example",
    "hooks.invalid",
]


def test_a_spelling_of_what_is_not_public_is_refused_when_it_is_written(alice: Client) -> None:
    webhook = alice.ok("webhooks.create", {"url": "https://hooks.invalid/"})["webhook"]
    for host in SPELLINGS:
        for url in (f"http://{host}/x", f"https://{host}:8080/x"):
            for method, request in (("create", {}), ("update", {"id": webhook["id"]})):
                answer = alice.call(f"webhooks.{method}", {**request, "url": url})
                assert (answer.status, answer.type) == (400, "value_not_permitted"), url
                assert answer.body["field_name"] == "url"
                assert "secret" not in answer.body["message"]
    assert alice.ok("webhooks.list")["webhooks"] == [webhook]


@pytest.mark.parametrize("host", PUBLIC)
def test_public_names_and_addresses_are_taken(host: str) -> None:
    for port in ("", ":8443"):
        assert Reach().problem(f"https://{host}{port}/x?y=1") is None


def test_where_webhooks_may_go_is_less_than_what_is_global() -> None:
    for address in (
        "1.1.1.1",
        "93.184.216.34",
        "100.63.255.255",
        "100.128.0.1",
        "172.32.0.1",
        "2606:4700::1111",
        "2a00::1",
    ):
        assert is_public(ipaddress.ip_address(address)), address
    for address in (
        "127.0.0.1",
        "100.64.0.1",
        "::ffff:1.1.1.1",
        "64:ff9b::101:101",
        "2002:101:101::",
        "2001::1",
        "fe80::1",
        "ff0e::1",
    ):
        assert not is_public(ipaddress.ip_address(address)), address


def test_a_scope_or_a_strange_answer_of_the_resolver_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for answer in ("fe80::1%1", "::1", "10.1.2.3", "::ffff:127.0.0.1"):
        family = socket.AF_INET6 if ":" in answer else socket.AF_INET
        monkeypatch.setattr(
            socket,
            "getaddrinfo",
            lambda *_, a=answer, f=family, **__: [(f, 1, 6, "", (a, 443, 0, 0))],
        )
        with pytest.raises(Unreachable, match="no public address"):
            asyncio.run(Reach().targets("https://hooks.example.com/"))


@pytest.mark.timeout(90)
def test_a_name_that_turns_to_loopback_is_never_dialled_there(
    tmp_path: Path, receiver: Receiver
) -> None:
    names = Names(tmp_path)
    public = "93.184.216.34"
    names.lead(
        {
            "turning.example": [[public], ["127.0.0.1"]],
            "mixed.example": [[public, "127.0.0.1"]],
            "mapped.example": [["::ffff:127.0.0.1"]],
            "metadata.example": [["169.254.169.254"]],
        }
    )
    server = resolving(
        tmp_path,
        names,
        RAPPORT_WEBHOOK_REVERIFY_SECONDS="0.1",
        HTTP_PROXY=receiver.url(""),
        ALL_PROXY=receiver.url(""),
    )
    ann = server.make_org()
    hosts = (
        "turning.example",
        "mixed.example",
        "mapped.example",
        "metadata.example",
        "absent.example",
    )
    for host in hosts:
        ann.ok("webhooks.create", {"url": f"http://{host}:{receiver.port}/stolen"})
    until = time.monotonic() + 30
    while True:
        found = {
            one["webhook"]: one["attempts"]
            for one in ann.ok("webhook-deliveries.list")["webhook_deliveries"]
        }
        if all(len(attempts) >= 3 for attempts in found.values()):
            break
        assert time.monotonic() < until
        time.sleep(0.05)
    assert set(names.dialled) == {public}
    assert receiver.got("stolen", challenges=True) == []
    turning = next(attempts for webhook, attempts in found.items() if webhook.endswith("/1"))
    assert "unreachable" in turning[0]["error"].lower()
    assert all("resolves to 127.0.0.1" in attempt["error"] for attempt in turning[1:])
    assert {webhook["status"] for webhook in ann.ok("webhooks.list")["webhooks"]} == {"unverified"}
    assert server.stop() == 0


def test_https_is_checked_by_name(tmp_path: Path) -> None:
    files = local_ca.ensure(tmp_path / "tls", ["hooks.example"])
    names = Names(tmp_path)
    names.lead({"hooks.example": [["127.0.0.1"]], "other.example": [["127.0.0.1"]]})
    with Receiver(tls=(str(files.cert), str(files.key))) as secure:
        server = resolving(tmp_path, names, **QUICK, SSL_CERT_FILE=str(files.ca))
        ann = server.make_org()
        good, bad = (
            ann.ok("webhooks.create", {"url": f"https://{host}:{secure.port}/tls"})["webhook"]
            for host in ("hooks.example", "other.example")
        )
        until = time.monotonic() + 15
        while ann.ok("webhooks.get", {"id": good["id"]})["webhook"]["status"] != "active":
            assert time.monotonic() < until, ann.ok("webhook-deliveries.list")
            time.sleep(0.05)
        attempts: list[Any] = []
        while not attempts:
            (delivery,) = ann.ok("webhook-deliveries.list", {"webhook": [bad["id"]]})[
                "webhook_deliveries"
            ]
            attempts = delivery["attempts"]
        assert "TLS failed" in attempts[0]["error"]
        assert ann.ok("webhooks.get", {"id": bad["id"]})["webhook"]["status"] == "unverified"
        assert server.stop() == 0
