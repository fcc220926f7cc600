"""What holds for every place that blobs can be in: a folder, and real servers of the object
stores' APIs.
"""

import asyncio
import contextlib
import hashlib
import itertools
import os
from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import Any

import pytest

from rapport.blobs import BlobMissing, Blobs, Served, Stored, new_name
from rapport.blobs.local import LocalBlobs
from rapport.blobs.objects import ObjectBlobs
from tests.support import fetch, object_stores
from tests.support.object_stores import AZURITE, ObjectStore, objects_in_s3, uploads_in_s3

ORG = "ORG2345678"
MIB = 1024 * 1024
PLACES = ["local", "s3", *(["azure"] if AZURITE.exists() else [])]


@pytest.fixture(scope="module", params=PLACES)
def blobs(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Blobs]:
    """An empty place for blobs."""
    if request.param == "local":
        yield LocalBlobs(tmp_path_factory.mktemp("blobs") / "blobs")
        return
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(
            object_stores.s3() if request.param == "s3" else object_stores.azure()
        )
        stack.enter_context(object_stores.environment(store))
        yield ObjectBlobs(store.url, direct=True)


@pytest.fixture(scope="module")
def s3() -> Iterator[ObjectStore]:
    """An S3 server of this module's own."""
    with object_stores.s3() as store, object_stores.environment(store):
        yield store


async def chunks(*parts: bytes | Exception) -> AsyncIterator[bytes]:
    for part in parts:
        if isinstance(part, Exception):
            raise part
        yield part


async def read(blobs: Blobs, name: str, start: int, stop: int) -> bytes:
    return b"".join([chunk async for chunk in await blobs.open(ORG, name, start, stop)])


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


@pytest.mark.parametrize("size", [1, 256 * 1024, 5 * MIB - 1, 5 * MIB, 5 * MIB + 1, 17 * MIB])
def test_what_was_put_is_read_in_any_range(blobs: Blobs, size: int) -> None:
    content, name = os.urandom(size), new_name()
    cut = sorted({0, size // 3, size // 2, size})
    stored = run(blobs.put(ORG, name, chunks(*(content[a:b] for a, b in itertools.pairwise(cut)))))
    assert stored == Stored(size, hashlib.sha256(content).hexdigest())
    for start, stop in (
        (0, size),
        (0, 0),
        (size // 3, size // 3 + 1),
        (size // 2 - 1, size),
        (size, size),
    ):
        if start >= 0:
            assert run(read(blobs, name, start, stop)) == content[start:stop]


def test_nothing_is_a_blob_too(blobs: Blobs) -> None:
    name = new_name()
    assert run(blobs.put(ORG, name, chunks())) == Stored(0, hashlib.sha256(b"").hexdigest())
    assert run(read(blobs, name, 0, 0)) == b""


@pytest.mark.parametrize("size", [1, 12 * MIB])
def test_what_breaks_off_leaves_nothing(blobs: Blobs, size: int) -> None:
    name = new_name()
    with pytest.raises(ConnectionResetError):
        run(blobs.put(ORG, name, chunks(b"x" * size, ConnectionResetError())))
    for stop in (0, 1):
        with pytest.raises(BlobMissing):
            run(read(blobs, name, 0, stop))


def test_deleting_twice_is_no_error(blobs: Blobs) -> None:
    name = new_name()
    run(blobs.put(ORG, name, chunks(b"x")))
    for _ in range(2):
        run(blobs.delete(ORG, name))
    with pytest.raises(BlobMissing):
        run(read(blobs, name, 0, 1))


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".", "a\0b", "é/"])
def test_only_generated_names_are_names(blobs: Blobs, name: str) -> None:
    with pytest.raises(ValueError, match="no blob's name"):
        run(blobs.put(ORG, name, chunks(b"x")))
    with pytest.raises(ValueError, match="no blob's name"):
        run(read(blobs, name, 0, 1))


def test_a_url_of_the_store_s_own_serves_the_file_as_was_said(blobs: Blobs) -> None:
    name = new_name()
    run(
        blobs.put(ORG, name, chunks(b"hello"), Served("text/html", 'attachment; filename="a.html"'))
    )
    url = run(blobs.url(ORG, name, 60))
    if isinstance(blobs, LocalBlobs):
        assert url is None
        return
    answer = fetch.get(url, headers={"range": "bytes=1-3"})
    assert (answer.status_code, answer.content) == (206, b"ell")
    assert answer.headers["content-type"] == "text/html"
    assert answer.headers["content-disposition"] == 'attachment; filename="a.html"'


def test_in_s3_a_broken_upload_leaves_no_part_and_no_object(s3: ObjectStore) -> None:
    blobs = ObjectBlobs(s3.url, direct=False)
    with pytest.raises(ConnectionResetError):
        run(blobs.put(ORG, new_name(), chunks(b"x" * 12 * MIB, ConnectionResetError())))
    assert (objects_in_s3(s3), uploads_in_s3(s3)) == ([], 0)
    name = new_name()
    run(blobs.put(ORG, name, chunks(b"x" * 12 * MIB)))
    assert (objects_in_s3(s3), uploads_in_s3(s3)) == ([f"{ORG}/{name[:2]}/{name}"], 0)
    assert run(blobs.url(ORG, name, 60)) is None  # not direct


def test_a_store_that_is_away_is_an_os_error_soon(
    unused_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "AWS_ENDPOINT": f"http://127.0.0.1:{unused_port}",
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
    }.items():
        monkeypatch.setenv(name, value)
    blobs = ObjectBlobs("s3://bucket", direct=False)
    with pytest.raises(OSError, match="object store"):
        run(blobs.put(ORG, new_name(), chunks(b"x")))
    with pytest.raises(OSError, match="object store"):
        run(read(blobs, new_name(), 0, 1))
    run(blobs.sweep())  # says so in the log, and starts
