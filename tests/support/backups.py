"""Two stores that are served and hold something of everything, and what is made of backups."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from rapport.upkeep.backups import manifest as manifests
from rapport.upkeep.backups.manifest import Manifest
from tests.support.command import Ran, rapport
from tests.support.hooks import QUICK
from tests.support.postgres import PostgresServer, new_name
from tests.support.server import FAMILIES, Client, Server
from tests.support.world import make_world

BYTES = b"\0\xffnotes\n" * 1000


class Source(NamedTuple):
    """A served store."""

    alice: Client
    file: str

    @property
    def server(self) -> Server:
        return self.alice.server

    @property
    def options(self) -> list[str]:
        """What names the store to a command."""
        url = self.server.database_url
        return ["--data", str(self.server.data), *(["--database", url] if url else [])]

    def back_up(self, target: Path, *more: str) -> Ran:
        return rapport(target.parent, "backup", str(target), *self.options, *more, "--json")


@pytest.fixture(scope="session")
def sqlite_source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Source]:
    """A store in SQLite."""
    made = _filled(Server(tmp_path_factory.mktemp("sources") / "sqlite", **QUICK))
    yield made
    assert made.server.stop() == 0


@pytest.fixture(scope="session")
def postgres_source(
    postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Source]:
    """A store in PostgreSQL."""
    with postgres.database(new_name()) as url:
        folder = tmp_path_factory.mktemp("sources") / "postgres"
        made = _filled(Server(folder, RAPPORT_DATABASE_URL=url, **QUICK))
        yield made
        assert made.server.stop() == 0


@pytest.fixture(scope="session")
def source(request: pytest.FixtureRequest) -> Source:
    """A store in SQLite, unless a test names another engine."""
    made: Source = request.getfixturevalue(f"{getattr(request, 'param', 'sqlite')}_source")
    return made


def _filled(server: Server) -> Source:
    alice = server.make_org("Alice's")
    make_world(server.make_org("Charlie's"))
    world = make_world(alice)
    file = alice.upload(BYTES)
    alice.engagement(title="Früh 🐌", artifacts=[file, alice.upload(b"", "empty.txt")])
    alice.engagement(artifacts=[alice.upload(BYTES, "the same again.txt")])
    alice.ok("engagements.delete", {"id": alice.engagement(external_ref="gone")["id"]})
    alice.ok(
        "timeline-entries.create",
        {"object": world.engagement["id"], "type": "timeline_comment", "body": "Two years."},
    )
    alice.ok(
        "links.create",
        {
            "link_type": "is_related_to",
            "source": world.account["id"],
            "target": world.rev_user["id"],
        },
    )
    return Source(alice, file)


def seen(client: Client, file: str) -> dict[str, Any]:
    """What a client can see."""
    return {
        **{family: _ask(client, f"{family}.list", limit=100) for family in FAMILIES},
        "feed": _ask(client, "events.list", limit=100),
        "timeline": _ask(client, "timeline-entries.list", object="ENGAGEMENT-1"),
        "links": _ask(client, "links.list", object="ACC-1"),
        "sums": _ask(client, "engagements.count"),
        "bytes": client.server.http.get(_ask(client, "artifacts.locate", id=file)["url"]).content,
    }


def _ask(client: Client, method: str, **request: Any) -> Any:
    """What is answered; that it fits the document is other tests' matter."""
    headers = {"authorization": f"Bearer {client.token}"}
    answer = client.server.http.post(f"{client.server.url}/{method}", json=request, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def files(target: Path) -> dict[str, bytes]:
    """Everything that lies in a folder, by path."""
    return {
        str(path.relative_to(target)): path.read_bytes()
        for path in sorted(target.rglob("*"))
        if path.is_file()
    }


def backups(target: Path) -> list[Any]:
    """What `rapport backup list` names."""
    listed: list[Any] = rapport(target, "backup", "list", ".", "--json").json()["backups"]
    return listed


def names(target: Path) -> list[str]:
    """The backups that were finished, the oldest first."""
    return sorted(path.name for path in (target / "manifests").glob("*/*"))


def manifest(target: Path, name: str) -> Manifest:
    """What a backup says of itself."""
    found = manifests.read(name, (target / "manifests" / name[:2] / name).read_bytes())
    assert isinstance(found, Manifest)
    return found
