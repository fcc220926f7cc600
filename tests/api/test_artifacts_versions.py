"""A file's versions: each has its own bytes; the newest is what the artifact shows."""

import time
from pathlib import Path

import pytest

from tests.support import fetch
from tests.support.server import Client, Server

pytestmark = pytest.mark.engines("sqlite", "postgres")


def add_version(
    client: Client, artifact: str, content: bytes, type_: str = "application/octet-stream"
) -> None:
    prepared = client.ok("artifacts.versions.prepare", {"id": artifact})
    assert prepared["id"] == artifact
    assert client.send(prepared, content, type=type_).status_code == 204


def blob_of(client: Client, content: bytes) -> list[Path]:
    folder = client.server.data / "blobs" / client.org.removeprefix("DEV-")
    return [path for path in folder.rglob("*") if path.is_file() and path.read_bytes() == content]


def test_the_newest_version_is_the_artifacts_and_the_older_ones_stay(
    alice: Client, bob: Client
) -> None:
    artifact = alice.upload(b"one", "notes.txt")
    before = alice.ok("artifacts.get", {"id": artifact})
    add_version(bob, artifact, b"<html>two", "text/html")
    after = alice.ok("artifacts.get", {"id": artifact})
    assert after["artifact"]["file"] == {"type": "text/html", "name": "notes.txt", "size": 9}
    assert after["version"]["version"] == "2"
    assert (
        after["version"]["modified_by"]["display_id"]
        == after["artifact"]["modified_by"]["display_id"]
        == bob.user
    )
    assert after["artifact"]["modified_date"] > before["artifact"]["modified_date"]
    assert after["artifact"]["created_by"]["display_id"] == alice.user
    first = alice.ok("artifacts.get", {"id": artifact, "version": "1"})
    assert first["artifact"]["file"] == {"type": "text/plain", "name": "notes.txt", "size": 3}
    assert first["version"] == before["version"]
    assert alice.get("artifacts.get", {"id": artifact, "version": "1"}).body == first
    assert (
        alice.download(artifact).content
        == alice.download(artifact, version="2").content
        == b"<html>two"
    )
    assert alice.download(artifact, version="1").content == b"one"


def test_a_version_without_bytes_is_none(alice: Client) -> None:
    artifact = alice.upload(b"one")
    prepared = alice.ok("artifacts.versions.prepare", {"id": artifact})
    assert alice.ok("artifacts.get", {"id": artifact})["version"]["version"] == "1"
    for version in ("2", "3", "0", "01", "-1", "one", "", "9" * 40, "1 "):
        for method in ("artifacts.get", "artifacts.locate"):
            answer = alice.call(method, {"id": artifact, "version": version})
            assert (answer.status, answer.type) == (404, "not_found"), version
    assert alice.send(prepared, b"two").status_code == 204
    assert alice.ok("artifacts.get", {"id": artifact})["version"]["version"] == "2"


def test_versions_are_numbered_as_they_were_prepared(alice: Client) -> None:
    artifact = alice.upload(b"one")
    second, third = (alice.ok("artifacts.versions.prepare", {"id": artifact}) for _ in range(2))
    assert alice.send(third, b"three").status_code == 204
    assert alice.send(second, b"two").status_code == 204
    assert alice.download(artifact).content == b"three"
    assert alice.download(artifact, version="2").content == b"two"


def test_a_deleted_version_is_gone_with_its_bytes(alice: Client) -> None:
    contents = [f"{time.monotonic_ns()}-{number}".encode() for number in range(3)]
    artifact = alice.upload(contents[0])
    add_version(alice, artifact, contents[1])
    add_version(alice, artifact, contents[2])
    url = alice.ok("artifacts.locate", {"id": artifact, "version": "2"})["url"]
    assert alice.ok("artifacts.versions.delete", {"id": artifact, "version": "2"}) == {}
    assert fetch.get(url).status_code == 404
    assert alice.call("artifacts.get", {"id": artifact, "version": "2"}).status == 404
    assert alice.ok("artifacts.get", {"id": artifact})["version"]["version"] == "3"
    assert alice.ok("artifacts.versions.delete", {"id": artifact}) == {}
    assert alice.download(artifact).content == contents[0]
    add_version(alice, artifact, b"four")
    assert alice.ok("artifacts.get", {"id": artifact})["version"]["version"] == "4"


def test_deleting_the_last_version_leaves_an_artifact_without_a_file(alice: Client) -> None:
    artifact = alice.upload(b"secret", file_type="text/plain")
    engagement = alice.engagement(artifacts=[artifact])
    alice.ok("artifacts.versions.delete", {"id": artifact})
    got = alice.ok("artifacts.get", {"id": artifact})
    assert "version" not in got
    assert got["artifact"]["file"] == {"type": "text/plain", "name": "notes.txt"}
    assert alice.call("artifacts.locate", {"id": artifact}).status == 404
    assert alice.ok("engagements.get", {"id": engagement["id"]})["engagement"]["artifacts"] == [
        artifact
    ]
    alice.ok(
        "engagements.update",
        {"id": engagement["id"], "title": "b", "artifacts": {"set": [artifact]}},
    )
    add_version(alice, artifact, b"blackened")
    assert alice.download(artifact).content == b"blackened"


def test_what_can_not_be_deleted_is_refused(alice: Client) -> None:
    artifact = alice.upload(b"one")
    for version in ("2", "x", ""):
        alice.refused(
            "artifacts.versions.delete",
            {"id": artifact, "version": version},
            "value_not_permitted",
            "version",
        )
    alice.refused(
        "artifacts.versions.delete", {"id": alice.prepare()["id"]}, "value_not_permitted", "version"
    )
    alice.refused("artifacts.versions.delete", {"id": "ARTIFACT-99999"}, "invalid_id", "id")
    alice.refused("artifacts.versions.prepare", {"id": "ARTIFACT-99999"}, "invalid_id", "id")
    assert alice.download(artifact).content == b"one"


def test_a_member_without_all_may_not_delete(alice: Client) -> None:
    artifact = alice.upload(b"one")
    writer = alice.server.make_user(alice, scope="artifact:write")
    viewer = alice.server.make_user(alice, role="viewer")
    add_version(writer, artifact, b"two")
    assert writer.call("artifacts.versions.delete", {"id": artifact}).status == 403
    assert viewer.call("artifacts.versions.prepare", {"id": artifact}).status == 403
    assert viewer.download(artifact).content == b"two"


def test_a_strict_server_answers_no_id(strict_server: Server) -> None:
    client = strict_server.make_org()
    artifact = client.upload(b"one")
    prepared = client.ok("artifacts.versions.prepare", {"id": artifact})
    assert set(prepared) == {"url", "form_data"}
    assert client.send(prepared, b"two").status_code == 204
    assert client.ok("artifacts.list") == {
        "artifacts": [client.ok("artifacts.get", {"id": artifact})["artifact"]]
    }
    assert client.call("artifacts.list", {"limit": 1}).type == "invalid_field"


def test_a_retried_prepare_answers_the_same_url(alice: Client) -> None:
    first, second = (
        alice.ok("artifacts.prepare", {"file_name": "a"}, idempotency_key=f"key-{alice.org}")
        for _ in range(2)
    )
    assert first == second
    assert alice.send(second, b"x").status_code == 204
