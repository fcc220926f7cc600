"""Signatures by the command line, and a receiver to try things out with."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from standardwebhooks import Webhook as StandardWebhook

from rapport.webhooks.signatures import BadSignature, make_secret, sign, verify
from tests.support.command import Ran, rapport
from tests.support.hooks import ENGAGEMENTS
from tests.support.server import Client

SECRET = "c3VwZXItc2VjcmV0LWtleS0yNGJ5"
BODY = b'{"id":"don:x:webhook/1:event/2","type":"work_created"}'


def test_what_is_signed_is_good_until_a_byte_or_the_time_changes() -> None:
    headers = sign(BODY, event_id="e1", seconds=1_000, secrets=[SECRET, make_secret()])
    assert verify(BODY, headers, SECRET, now=1_300) == ["x-devrev-signature", "webhook-signature"]
    for now in (1_301, 699):
        with pytest.raises(BadSignature, match="301 seconds off"):
            verify(BODY, headers, SECRET, now=now)
    for changed in (BODY + b"\n", BODY.replace(b"1", b"2")):
        with pytest.raises(BadSignature):
            verify(changed, headers, SECRET, now=1_000)
    others = sign(BODY, event_id="e2", seconds=1_001, secrets=[make_secret()])
    for name, other in others.items():
        with pytest.raises(BadSignature):
            verify(BODY, {**headers, name: other}, SECRET, now=1_000)
    with pytest.raises(BadSignature):
        verify(BODY, {}, SECRET, now=1_000)
    standard = {name: value for name, value in headers.items() if name != "x-devrev-signature"}
    with pytest.raises(BadSignature):
        verify(BODY, standard, make_secret(), now=1_000)


def check(folder: Path, *arguments: str) -> Ran:
    return rapport(folder, "webhooks", "verify", "--secret", SECRET, *arguments)


def test_the_command_checks_what_a_receiver_got(tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(BODY)
    now = int(time.time())
    headers = sign(BODY, event_id="don:x:webhook/1:event/2", seconds=now, secrets=[SECRET])
    StandardWebhook(SECRET).verify(BODY, headers)
    good = check(
        tmp_path,
        "--signature",
        headers["x-devrev-signature"],
        "--timestamp",
        str(now),
        "--webhook-signature",
        headers["webhook-signature"],
        "body",
    )
    assert (good.code, good.out) == (0, "good: x-devrev-signature, webhook-signature\n")
    assert "not of this body" in check(tmp_path, "--signature", "00", "body").sentence()
    old = sign(BODY, event_id="don:x:webhook/1:event/2", seconds=5, secrets=[SECRET])[
        "webhook-signature"
    ]
    assert (
        "seconds off"
        in check(tmp_path, "--webhook-signature", old, "--timestamp", "5", "body").sentence()
    )
    assert (
        check(tmp_path, "--any-age", "--webhook-signature", old, "--timestamp", "5", "body").code
        == 0
    )
    assert "Webhook-Timestamp" in check(tmp_path, "--webhook-signature", old, "body").sentence()
    assert "can't be read" in check(tmp_path, "absent").sentence()


def test_without_a_signature_the_command_shows_those_that_belong(tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(BODY)
    shown = check(tmp_path, "--timestamp", "1700000000", "body")
    headers = dict(line.split(": ", 1) for line in shown.out.splitlines())
    assert headers == sign(
        BODY, event_id="don:x:webhook/1:event/2", seconds=1_700_000_000, secrets=[SECRET]
    )


@pytest.fixture
def listening() -> Iterator[subprocess.Popen[str]]:
    """`rapport webhooks listen` with a secret."""
    command = [sys.executable, "-m", "rapport", "webhooks", "listen", "0", "--secret", SECRET]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def test_the_receiver_for_trying_things_out_echoes_and_prints(
    ann: Client, listening: subprocess.Popen[str]
) -> None:
    assert listening.stdout is not None
    url = listening.stdout.readline().split()[-1]
    request = {"url": url, "event_types": [*ENGAGEMENTS, "account_created"], "secret": SECRET}
    made = ann.ok("webhooks.create", request)["webhook"]
    told = json.loads(listening.stdout.readline())
    assert (told["good"], told["told"]["type"]) == (True, "verify")
    while ann.ok("webhooks.get", {"id": made["id"]})["webhook"]["status"] != "active":
        time.sleep(0.02)
    ann.engagement()
    told = json.loads(listening.stdout.readline())
    assert (told["good"], told["told"]["type"]) == (True, "engagement_created")
    fields = '{"n":[12345678901234567.89,1E2,-0]}'
    account = f'{{"display_name":"Acme","custom_fields":{fields}}}'
    assert ann.raw("POST", "accounts.create", content=account).status == 201
    assert f'"custom_fields":{fields}' in listening.stdout.readline()
    other = ann.ok("webhooks.create", {**request, "secret": make_secret()})["webhook"]
    told = json.loads(listening.stdout.readline())
    assert (told["good"], told["told"]["webhook_id"]) == (False, other["id"])
    assert ann.ok("webhooks.get", {"id": other["id"]})["webhook"]["status"] == "unverified"
