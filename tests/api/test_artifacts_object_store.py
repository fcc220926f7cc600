"""Files in an object store: to clients nothing changes, and downloads may come from the store
itself.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.api.test_artifacts_memory import Sampler
from tests.support import object_stores
from tests.support.object_stores import ObjectStore, objects_in_s3
from tests.support.server import Server

# They start an object store, and servers of their own.
pytestmark = pytest.mark.slow
MEBIBYTE = 1024 * 1024
ALPHABET = b"abcdefghijklmnopqrstuvwxyz"


@pytest.fixture(scope="module")
def s3() -> Iterator[ObjectStore]:
    """An S3 server with one bucket."""
    with object_stores.s3() as store:
        yield store


@pytest.fixture(scope="module")
def in_s3(s3: ObjectStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that keeps files there."""
    running = Server(
        tmp_path_factory.mktemp("s3") / "data", RAPPORT_ARTIFACT_STORE=s3.url, **s3.environment
    )
    yield running
    assert running.stop() == 0


def until(holds: Callable[[], bool]) -> None:
    for _ in range(200):
        if holds():
            return
        time.sleep(0.1)
    assert holds()


def test_a_file_goes_up_and_comes_down_in_any_range_with_the_same_headers(
    in_s3: Server, s3: ObjectStore
) -> None:
    alice = in_s3.make_org()
    before = len(objects_in_s3(s3))
    artifact = alice.upload(ALPHABET, "page.html", file_type="text/html")
    assert len(objects_in_s3(s3)) == before + 1
    assert not list((in_s3.data / "blobs").rglob("*"))
    whole, part = alice.download(artifact), alice.download(artifact, range="bytes=3-5")
    assert (whole.status_code, whole.content) == (200, ALPHABET)
    assert (part.status_code, part.content) == (206, b"def")
    assert part.headers["content-range"] == "bytes 3-5/26"
    assert whole.headers["content-type"] == "text/html"
    assert whole.headers["content-disposition"].startswith('attachment; filename="page.html"')
    assert whole.headers["x-content-type-options"] == "nosniff"
    assert whole.headers["content-security-policy"] == "sandbox"
    assert alice.download(alice.upload(b"")).content == b""


def test_a_large_file_is_not_held_in_memory(in_s3: Server, tmp_path: Path) -> None:
    alice = in_s3.make_org()
    alice.download(alice.upload(b"warm"))
    big = tmp_path / "big"
    with big.open("wb") as file:
        file.truncate(96 * MEBIBYTE)
    prepared = alice.prepare("big.bin")
    fields = {field["key"]: field["value"] for field in prepared["form_data"]}
    with Sampler(in_s3.process.pid) as upload, big.open("rb") as file:
        answer = in_s3.http.post(prepared["url"], data=fields, files={"file": file}, timeout=120)
        assert answer.status_code == 204, answer.text
    with Sampler(in_s3.process.pid) as download:
        assert len(alice.download(prepared["id"]).content) == 96 * MEBIBYTE
    told = f"MiB: {upload.before:.0f} before, {upload.most:.0f} at the upload, {download.most:.0f} at the download"
    assert upload.most - upload.before < 60, told
    assert download.most - upload.before < 60, told


def test_the_bytes_of_a_deleted_version_go(s3: ObjectStore, tmp_path: Path) -> None:
    # Orphans that go at once make the cleaner look each second.
    server = Server(
        tmp_path / "data",
        RAPPORT_ARTIFACT_STORE=s3.url,
        RAPPORT_ARTIFACT_ORPHAN_HOURS="0.001",
        **s3.environment,
    )
    alice = server.make_org()
    artifact = alice.upload(b"first")
    alice.engagement(artifacts=[artifact])

    def mine() -> list[str]:
        return [one for one in objects_in_s3(s3) if one.startswith(alice.org.removeprefix("DEV-"))]

    assert len(mine()) == 1
    alice.ok("artifacts.versions.delete", {"id": artifact})
    until(lambda: not mine())
    assert alice.call("artifacts.locate", {"id": artifact}).status == 404
    assert server.stop() == 0


def test_a_direct_download_is_answered_by_the_store(s3: ObjectStore, tmp_path: Path) -> None:
    server = Server(
        tmp_path / "data",
        RAPPORT_ARTIFACT_STORE=s3.url,
        RAPPORT_ARTIFACT_DIRECT="on",
        **s3.environment,
    )
    alice = server.make_org()
    artifact = alice.upload(ALPHABET, "notes.txt", file_type="text/plain")
    sent_on = alice.download(artifact, range="bytes=3-5")
    assert sent_on.status_code == 307
    assert sent_on.headers["cache-control"] == "no-store"
    url = sent_on.headers["location"]
    assert urlsplit(url).netloc == urlsplit(s3.environment["AWS_ENDPOINT"]).netloc
    got = server.http.get(url, headers={"range": "bytes=3-5"})
    assert (got.status_code, got.content) == (206, b"def")
    assert got.headers["content-type"] == "text/plain"
    assert got.headers["content-disposition"].startswith('attachment; filename="notes.txt"')
    assert alice.download(artifact, "HEAD").headers["content-length"] == "26"
    assert server.stop() == 0


def test_without_the_store_files_are_503_and_all_else_goes_on(
    tmp_path: Path, unused_port: int
) -> None:
    with object_stores.s3(unused_port) as store:
        server = Server(tmp_path / "data", RAPPORT_ARTIFACT_STORE=store.url, **store.environment)
        alice = server.make_org()
        kept, prepared = alice.upload(b"kept"), alice.prepare()
        store.process.kill()
        store.process.wait()
        for answer in (alice.send(prepared, b"now"), alice.download(kept)):
            assert (answer.status_code, answer.json()["type"]) == (503, "service_unavailable")
            assert int(answer.headers["retry-after"]) > 0
        alice.engagement(artifacts=[kept])
    with object_stores.s3(unused_port):
        assert alice.send(prepared, b"now").status_code == 204
        assert alice.download(prepared["id"]).content == b"now"
    assert server.stop() == 0


def test_a_store_that_nobody_can_use_stops_the_start(data: Path) -> None:
    with pytest.raises(RuntimeError, match="artifact_store is 'ftp://x'"):
        Server(data, RAPPORT_ARTIFACT_STORE="ftp://x")
