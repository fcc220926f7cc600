"""Backups in a bucket of S3."""

import asyncio
import contextlib
import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rapport.blobs.objects import ObjectBlobs
from tests.support import object_stores
from tests.support.backups import BYTES, Source, seen
from tests.support.command import rapport
from tests.support.object_stores import ObjectStore, objects_in_s3
from tests.support.server import Client, Server


@pytest.fixture(scope="module")
def s3() -> Iterator[ObjectStore]:
    with object_stores.s3() as store, object_stores.environment(store):
        yield store


@pytest.fixture
def bucket(s3: ObjectStore) -> str:
    """A place in it that is empty."""
    return f"{s3.url}/{os.urandom(4).hex()}"


def _objects(s3: ObjectStore, bucket: str) -> list[str]:
    prefix = bucket.rpartition("/")[2] + "/"
    return [name.removeprefix(prefix) for name in objects_in_s3(s3) if name.startswith(prefix)]


def test_a_store_goes_into_a_bucket_and_comes_back(
    source: Source, s3: ObjectStore, bucket: str, tmp_path: Path
) -> None:
    first = rapport(tmp_path, "backup", bucket, *source.options, "--json").json()
    assert first["written_files"] > 10
    source.alice.ok("tags.create", {"name": f"tag-{os.urandom(4).hex()}"})
    second = rapport(tmp_path, "backup", bucket, *source.options, "--json").json()
    assert second["written_files"] == 3
    listed = rapport(tmp_path, "backup", "list", bucket, "--json").json()["backups"]
    assert [one["name"] for one in listed] == [first["name"], second["name"]]
    pruned = rapport(tmp_path, "backup", "prune", bucket, "--keep-last", "1", "--json").json()
    assert (pruned["removed"], pruned["files"]) == ([first["name"]], 3)
    assert rapport(tmp_path, "backup", "verify", bucket).code == 0
    assert {name.split("/")[0] for name in _objects(s3, bucket)} == {"files", "manifests"}
    assert rapport(tmp_path, "restore", bucket, "--data", "new").code == 0
    server = Server(tmp_path / "new")
    try:
        there = Client(server, source.alice.token, source.alice.user, source.alice.org)
        assert seen(there, source.file)["bytes"] == BYTES
        assert seen(there, source.file)["feed"] == seen(source.alice, source.file)["feed"]
    finally:
        assert server.stop() == 0


def test_a_bucket_that_holds_something_else_is_refused(
    source: Source, s3: ObjectStore, bucket: str, tmp_path: Path
) -> None:
    asyncio.run(ObjectBlobs(bucket, direct=False).write("thesis.txt", b"x"))
    said = rapport(tmp_path, "backup", bucket, *source.options).sentence()
    assert "is no place of backups: it holds 'thesis.txt'" in said
    assert _objects(s3, bucket) == ["thesis.txt"]


def test_one_command_at_a_time_works_in_a_bucket_and_a_killed_one_runs_out(
    source: Source, s3: ObjectStore, bucket: str, tmp_path: Path
) -> None:
    blobs = ObjectBlobs(bucket, direct=False)

    def leave(until: float) -> None:
        asyncio.run(blobs.write("lease", json.dumps({"until": until}).encode()))

    leave(time.time() + 300)
    said = rapport(tmp_path, "backup", bucket, *source.options).sentence()
    assert "another command works in" in said
    leave(time.time() - 1)
    assert rapport(tmp_path, "backup", bucket, *source.options).code == 0
    assert "lease" not in _objects(s3, bucket)


@contextlib.contextmanager
def _dying(after: int) -> Iterator[tuple[ObjectStore, list[str]]]:
    """An S3 that dies once it has so many files, and what it had."""
    had: list[str] = []
    with object_stores.s3() as store, object_stores.environment(store):

        def kill() -> None:
            while len(had) < after:
                had[:] = objects_in_s3(store)
            store.process.kill()

        killer = threading.Thread(target=kill)
        killer.start()
        yield store, had
        killer.join()


@pytest.mark.slow
def test_a_bucket_that_fails_in_the_middle_is_told_and_holds_no_backup(
    source: Source, tmp_path: Path
) -> None:
    with _dying(6) as (store, had):
        said = rapport(tmp_path, "backup", store.url, *source.options).sentence()
    assert f"the backup can't be written to {store.url}: the object store refuses" in said
    assert not any(name.startswith("manifests/") for name in had)


def test_what_an_interrupted_one_left_is_none_and_not_written_again(
    source: Source, s3: ObjectStore, bucket: str, tmp_path: Path
) -> None:
    assert rapport(tmp_path, "backup", bucket, *source.options).code == 0
    [manifest] = [name for name in _objects(s3, bucket) if name.startswith("manifests/")]
    asyncio.run(ObjectBlobs(bucket, direct=False).drop(manifest))
    assert rapport(tmp_path, "backup", "list", bucket, "--json").json() == {"backups": []}
    assert "no backup that was finished" in rapport(tmp_path, "backup", "verify", bucket).sentence()
    again = rapport(tmp_path, "backup", bucket, *source.options, "--json").json()
    assert again["written_files"] == 0


def test_a_bucket_that_is_not_there_is_told(
    source: Source, s3: ObjectStore, tmp_path: Path
) -> None:
    said = rapport(tmp_path, "backup", "s3://no-such-bucket/x", *source.options).sentence()
    assert "s3://no-such-bucket/x can't be used: the object store refuses" in said


@pytest.mark.parametrize("wrong", ["s3://", "s3://user:secret@bucket", "s3://bucket?x=1"])
def test_what_names_no_bucket_is_refused(source: Source, tmp_path: Path, wrong: str) -> None:
    said = rapport(tmp_path, "backup", wrong, *source.options).sentence()
    assert "must be a folder, or a bucket such as s3://bucket/prefix" in said
