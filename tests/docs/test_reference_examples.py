"""The programs of the reference run as they stand, and those that read find what one's own org has."""

import html
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from rapport.contract.kit.method import READ
from rapport.contract.table import METHODS
from rapport.http.reference.samples import HOST
from tests.sdk.install import node
from tests.support.server import Client, Server

READING = [method.name for method in METHODS.values() if method.effect == READ]
# Others need what the demo does not have, or hit what these make.
WRITING = [
    name for name in METHODS if name.endswith(".create") and not name.startswith("webhooks.")
]
# They ask for what only a create of ours leaves behind.
EMPTY = {"timeline-entries.get", "webhooks.get"}


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Server]:
    running = Server(tmp_path / "data", "--demo")
    yield running
    assert running.stop() == 0


class Form(HTMLParser):
    """Reads what a page's form holds."""

    ids: dict[str, Any]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "form":
            self.ids = json.loads(str(dict(attrs)["data-ids"]))


def page(server: Server, name: str) -> str:
    answer = server.http.get(f"{server.url}/docs/{name}")
    assert answer.status_code == 200
    return answer.text


def program(server: Server, name: str, language: str) -> str:
    """A program of a page, as its Copy button gives it."""
    told = page(server, name)
    (tab,) = re.findall(rf'aria-controls="(sample-\d)"[^>]*>{language}<', told)
    (code,) = re.findall(rf'id="{tab}".*?<code>(.*?)</code>', told, re.DOTALL)
    return html.unescape(code).replace(HOST, server.url)


def run(command: list[str], server: Server, folder: Path) -> str:
    environment = {**os.environ, "TOKEN": server.token}
    ended = subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture
def names(demo: Server) -> list[str]:
    client = Client(demo, demo.token)
    client.ok(
        "timeline-entries.create",
        {"object": "ENGAGEMENT-1", "type": "timeline_comment", "body": "Two years."},
    )
    return [*(name for name in READING if name not in EMPTY), *WRITING]


@pytest.mark.timeout(180)
def test_the_curl_lines_run(demo: Server, names: list[str], tmp_path: Path) -> None:
    lines = [
        program(demo, name, "curl").replace("curl ", "curl --silent --fail-with-body ", 1)
        for name in names
    ]
    said = run(["bash", "-euc", "\necho\n".join([*lines, ""])], demo, tmp_path)
    assert all(isinstance(json.loads(line), dict) for line in said.splitlines())
    assert len(said.splitlines()) == len(names)


@pytest.mark.timeout(180)
def test_the_python_programs_run(demo: Server, names: list[str], tmp_path: Path) -> None:
    programs = [program(demo, name, "Python") for name in names]
    assert len(
        run([sys.executable, "-c", "\n".join(programs)], demo, tmp_path).splitlines()
    ) == len(names)


@pytest.mark.timeout(180)
def test_the_typescript_programs_run(demo: Server, names: list[str], tmp_path: Path) -> None:
    # They name no types, so that every Node runs them as they stand.
    programs = [
        f"{{\n{program(demo, name, 'TypeScript')}\nconsole.log('end of one');\n}}" for name in names
    ]
    (tmp_path / "examples.mjs").write_text("\n".join(programs), encoding="utf-8")
    assert run([str(node()), "examples.mjs"], demo, tmp_path).count("end of one\n") == len(names)


def found(client: Client, source: dict[str, Any]) -> str | None:
    """The id that a page puts in place of the example's, as its script looks for it."""
    if not source["method"]:
        return None
    told = client.ok(source["method"], source["request"])[source["key"]]
    if source["key"] != "events":
        return str(told[0]["display_id"]) if told else None
    gone = {event["object"] for event in told if event["type"].endswith("_deleted")}
    kept = [
        event["object"]
        for event in told
        if source["pattern"] in event["object"] and event["object"] not in gone
    ]
    return kept[-1] if kept else None


@pytest.fixture(scope="module")
def own(server: Server) -> Client:
    """An org that is not the demo, with one of everything."""
    client = server.make_org()
    account = client.ok("accounts.create", {"display_name": "Globex"})["account"]["display_id"]
    work = {"type": "opportunity", "title": "Renewal", "account": account, "applies_to_part": "PROD-1",
            "owned_by": [client.user]}  # fmt: skip
    opportunity = client.ok("works.create", work)["work"]["display_id"]
    client.ok(
        "rev-users.create",
        {"display_name": "Grace", "email": "grace@example.com", "account": account},
    )
    client.ok("tags.create", {"name": "renewal"})
    client.ok(
        "webhooks.create", {"url": "https://hooks.invalid/x", "event_types": ["work_created"]}
    )
    client.upload()
    engagement = client.engagement(parent=account)["display_id"]
    meeting = {"title": "Review", "channel": "zoom", "members": [client.user], "state": "scheduled"}
    client.ok("meetings.create", meeting)
    comment = {"object": engagement, "type": "timeline_comment", "body": "Two years."}
    client.ok("timeline-entries.create", comment)
    gone = client.ok("timeline-entries.create", comment)["timeline_entry"]["id"]
    client.ok("timeline-entries.delete", {"id": gone})
    client.ok(
        "links.create", {"link_type": "is_related_to", "source": account, "target": opportunity}
    )
    return client


@pytest.mark.parametrize("name", [name for name in READING if name != "service-accounts.get"])
def test_a_reading_example_finds_something_of_ones_own(name: str, own: Client) -> None:
    form = Form()
    form.feed(page(own.server, name))
    method = METHODS[name]
    example = json.dumps(own.server.http.get(f"{own.server.url}/openapi.json").json()["paths"][method.path]["post"]
                         ["requestBody"]["content"]["application/json"]["example"])  # fmt: skip
    for old, source in form.ids.items():
        new = found(own, source)
        assert new is not None, old
        example = example.replace(f'"{old}"', f'"{new}"')
    assert own.call(name, json.loads(example)).status == 200
