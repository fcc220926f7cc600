"""Stores that older programs wrote are brought to today, on both engines, and answer as they did."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rapport.store import derived
from tests.support import older
from tests.support.postgres import PostgresServer, new_name
from tests.support.rows import tables_of
from tests.support.server import Client, Server


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """Of an empty database; None for a file in the data folder."""
    if request.param == "sqlite":
        yield None
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    with server.database(new_name()) as made:
        yield made


@pytest.mark.parametrize("file", older.FILES, ids=lambda file: file.name.partition(".")[0])
def test_an_old_store_answers_as_it_did(file: Path, url: str | None, data: Path) -> None:
    kept = older.read(file)
    asyncio.run(older.write(kept, data, url))
    server = Server(data, **({} if url is None else {"RAPPORT_DATABASE_URL": url}))
    client = _admin(server)
    for method, request, answer in kept.answers:
        _has(client.ok(method, request), answer, method)
    assert server.stop() == 0
    assert asyncio.run(_miscounted(data, url)) == {}


def _admin(server: Server) -> Client:
    """The demo's first admin, with a new token."""
    admin = next(one for one in server.run("users list")["users"] if one["role"] == "admin")
    token = server.run("tokens create", user=admin["display_id"], name="t", days=1)["token"]
    return Client(server, token)


def _has(now: Any, then: Any, where: str) -> None:
    """All that was answered is answered still; fields may have come."""
    if isinstance(then, dict):
        for name, value in then.items():
            _has(now[name], value, f"{where}.{name}")
    elif isinstance(then, list):
        assert len(now) == len(then), where
        for place, value in enumerate(then):
            _has(now[place], value, f"{where}[{place}]")
    else:
        assert now == then, where


async def _miscounted(data: Path, url: str | None) -> dict[Any, tuple[int, int]]:
    async with tables_of(data, url) as bulk:
        return await derived.miscounted(bulk)
