"""Real servers of the object stores' APIs, each a process of its own with one empty bucket."""

import base64
import contextlib
import hashlib
import hmac
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import httpx

from tests.support import fetch
from tests.support.postgres import free_port
from tests.support.starting import running

BUCKET = "rapport-tests"
AZURITE = (
    Path(__file__).parents[1]
    / "blobs"
    / "azurite"
    / "node_modules"
    / "azurite"
    / "dist"
    / "src"
    / "blob"
    / "main.js"
)
# The one account that each Azurite has, and its key: both are in its documentation.
_AZURE_ACCOUNT = "devstoreaccount1"
_AZURE_KEY = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)


class ObjectStore(NamedTuple):
    """A running store: what names it to Rapport, and the environment that says where it is."""

    url: str
    environment: dict[str, str]
    process: "subprocess.Popen[bytes]"


def _answers(endpoint: str) -> bool:
    with contextlib.suppress(httpx.TransportError):
        fetch.get(endpoint)
        return True
    return False


@contextlib.contextmanager
def s3(port: int | None = None) -> Iterator[ObjectStore]:
    """S3's API, by moto's server."""
    port = port or free_port()
    endpoint = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-c", "from moto.server import main; main()", "-p", str(port)]
    environment = {
        "AWS_ENDPOINT": endpoint,
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "tests",
        "AWS_SECRET_ACCESS_KEY": "tests",
    }
    with running(command, lambda: _answers(endpoint)) as process:
        fetch.put(f"{endpoint}/{BUCKET}").raise_for_status()
        yield ObjectStore(f"s3://{BUCKET}/rapport", environment, process)


@contextlib.contextmanager
def azure() -> Iterator[ObjectStore]:
    """Azure's blob API, by Azurite; `make test-azure` installs it."""
    from tests.sdk.install import node  # noqa: PLC0415  # only here is a Node needed

    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    command = [
        str(node()),
        str(AZURITE),
        "--blobPort",
        str(port),
        "--inMemoryPersistence",
        "--silent",
        "--skipApiVersionCheck",
        "--disableTelemetry",
    ]
    environment = {
        "AZURITE_BLOB_STORAGE_URL": endpoint,
        "AZURE_STORAGE_USE_EMULATOR": "true",
        "AZURE_ALLOW_HTTP": "true",
    }
    with running(command, lambda: _answers(endpoint)) as process:
        _make_container(endpoint)
        yield ObjectStore(f"az://{BUCKET}/rapport", environment, process)


def _make_container(endpoint: str) -> None:
    date = datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    version = "2021-08-06"
    signed = (
        f"PUT{chr(10) * 12}x-ms-date:{date}\nx-ms-version:{version}\n"
        f"/{_AZURE_ACCOUNT}/{_AZURE_ACCOUNT}/{BUCKET}\nrestype:container"
    )
    digest = hmac.new(base64.b64decode(_AZURE_KEY), signed.encode(), hashlib.sha256).digest()
    headers = {
        "x-ms-date": date,
        "x-ms-version": version,
        "authorization": f"SharedKey {_AZURE_ACCOUNT}:{base64.b64encode(digest).decode()}",
    }
    fetch.put(
        f"{endpoint}/{_AZURE_ACCOUNT}/{BUCKET}?restype=container", headers=headers
    ).raise_for_status()


def objects_in_s3(store: ObjectStore) -> list[str]:
    """The names of all objects, without the prefix; moto asks for no signature."""
    listing = (
        fetch.get(f"{store.environment['AWS_ENDPOINT']}/{BUCKET}?list-type=2")
        .raise_for_status()
        .text
    )
    return [
        part.partition("</Key>")[0].removeprefix("rapport/") for part in listing.split("<Key>")[1:]
    ]


def uploads_in_s3(store: ObjectStore) -> int:
    """How many multipart uploads have begun and not ended."""
    listing = (
        fetch.get(f"{store.environment['AWS_ENDPOINT']}/{BUCKET}?uploads").raise_for_status().text
    )
    return listing.count("<UploadId>")


@contextlib.contextmanager
def environment(store: ObjectStore) -> Iterator[None]:
    """This process, with the variables that say where the store is."""
    before = dict(os.environ)
    os.environ.update(store.environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
