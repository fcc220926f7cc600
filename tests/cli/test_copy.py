"""rapport copy: from each engine to each, and what a client sees before and after."""

import asyncio
import os
import pty
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import apsw
import pytest

from rapport.store.kit import migrate
from tests.support import older
from tests.support.command import Ran, rapport
from tests.support.hooks import QUICK, Hook, Hooks
from tests.support.postgres import PostgresServer, new_name
from tests.support.receiver import Receiver
from tests.support.server import FAMILIES, Client, Server
from tests.support.world import make_world

BYTES = b"\0\xffnotes\n" * 1000
KEY = {"idempotency_key": "early-1"}


def copy(source: Path | str, target: Path | str, **environment: str) -> Ran:
    return rapport(Path("/"), "copy", str(source), str(target), "--json", **environment)


class Filled(NamedTuple):
    """A folder with all families in it, and what a client holds of it."""

    data: Path
    token: str
    user: str
    replayed: Any
    seen: Any


def _fill(alice: Client) -> Any:
    """All families, changed and deleted too; what a keyed request was answered."""
    world = make_world(alice)
    least = {"members": [alice.user], "scheduled_date": "2023-01-01T12:00:00.000Z"}
    answer = alice.ok("engagements.create", {**least, "title": "Früh 🐌"}, **KEY)
    attached = alice.engagement(
        title="With a file", artifacts=[alice.upload(BYTES)], tags=[{"id": world.tag["id"]}]
    )
    alice.ok(
        "engagements.update",
        {"id": attached["id"], "description": "x" * 5000, "scheduled_date": None},
    )
    alice.ok("engagements.delete", {"id": alice.engagement(external_ref="gone")["id"]})
    alice.ok(
        "links.create",
        {
            "link_type": "is_related_to",
            "source": world.account["id"],
            "target": world.rev_user["id"],
        },
    )
    alice.ok(
        "accounts.update",
        {"id": world.account["id"], "external_refs": ["a", "B", "é"], "domains": ["acme.example"]},
    )
    alice.ok("service-accounts.create", {"display_name": "Import"})
    alice.ok("auth-tokens.create", {"client_id": "x", "expires_in": 3, "scope": "engagement:read"})
    comment = {
        "object": world.engagement["id"],
        "type": "timeline_comment",
        "body": "They want two years.",
    }
    alice.ok(
        "timeline-entries.create", {**comment, "visibility": "private", "private_to": [alice.user]}
    )
    alice.ok("timeline-entries.create", {**comment, "artifacts": [alice.upload(b"", "empty.txt")]})
    return answer


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Filled:
    server = Server(tmp_path_factory.mktemp("filled") / "data", **QUICK)
    alice = server.make_org("Alice's")
    make_world(server.make_org("Charlie's"))
    replayed = _fill(alice)
    seen = _seen(alice)
    assert server.stop() == 0
    return Filled(server.data, alice.token, alice.user, replayed, seen)


@pytest.fixture
def urls(postgres: PostgresServer) -> Iterator[tuple[str, str]]:
    with postgres.database(new_name()) as one, postgres.database(new_name()) as two:
        yield one, two


@pytest.fixture
def url(urls: tuple[str, str]) -> str:
    return urls[0]


def _ask(client: Client, method: str, **request: Any) -> Any:
    """What is answered; that it fits the document is other tests' matter."""
    headers = {"authorization": f"Bearer {client.token}"}
    answer = client.server.http.post(f"{client.server.url}/{method}", json=request, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def _seen(client: Client) -> dict[str, Any]:
    """What a client can see but for deliveries, which go on."""
    named = [*(f"ENGAGEMENT-{number}" for number in (1, 2, 3)), "ACC-1", "OPP-1"]
    return {
        **{family: _ask(client, f"{family}.list", limit=100) for family in FAMILIES},
        "feed": _ask(client, "events.list", limit=100),
        "links": _ask(client, "links.list", object="ACC-1"),
        "timelines": [_ask(client, "timeline-entries.list", object=one) for one in named],
        "tokens": _ask(client, "auth-tokens.list"),
        "sorted": [
            _ask(client, "engagements.list", sort_by=[by])
            for by in ("title:asc", "scheduled_date:desc")
        ],
        "bytes": client.server.http.get(
            _ask(client, "artifacts.locate", id="ARTIFACT-2")["url"]
        ).content,
    }


def _client(server: Server, filled: Filled) -> Client:
    return Client(server, filled.token, filled.user)


def _number(made: Any) -> int:
    return int(made["display_id"].rpartition("-")[2])


def _goes_on(client: Client, filled: Filled) -> None:
    """What was begun before the copy is gone on with behind it, and numbers are new."""
    url, headers = (
        f"{client.server.url}/engagements.create",
        {"authorization": f"Bearer {client.token}"},
    )
    end = _ask(client, "events.list", limit=1)["end"]
    [newest] = _ask(client, "engagements.list", limit=1)["engagements"]
    request = {
        "members": [client.user],
        "scheduled_date": "2023-01-01T12:00:00.000Z",
        "title": "Früh 🐌",
    }
    again = client.server.http.post(
        url, json=request, headers={**headers, "idempotency-key": KEY["idempotency_key"]}
    )
    assert (again.json(), again.headers["idempotent-replayed"]) == (filled.replayed, "true")
    made = client.server.http.post(url, json=request, headers=headers).json()["engagement"]
    assert _number(made) > _number(newest)
    [event] = _ask(client, "events.list", after=end)["events"]
    assert event["object"] == made["id"]
    taken = client.server.http.post(url, json={**request, "external_ref": "crm-1"}, headers=headers)
    assert (taken.status_code, taken.json()["field_name"]) == (400, "external_ref")


def test_a_client_sees_the_same_on_postgresql_and_back_on_sqlite(
    filled: Filled, urls: tuple[str, str], tmp_path: Path
) -> None:
    data, back = tmp_path / "data", tmp_path / "back"
    shutil.copytree(filled.data, data)

    # With a database in its place, the folder still has the bytes and the key.
    there = copy(data, urls[0]).json()
    assert (there["from"], there["to"], there["files"]) == (str(data), urls[0], 0)
    server = Server(data, RAPPORT_DATABASE_URL=urls[0])
    alice = _client(server, filled)
    assert _seen(alice) == filled.seen
    _goes_on(alice, filled)
    before = _seen(alice)
    assert server.stop() == 0

    # On to another database, and into a folder.
    moved = copy(urls[0], urls[1]).json()
    came = copy(urls[1], back).json()
    assert came["tables"] == moved["tables"] != there["tables"]
    shutil.copytree(data / "blobs", back / "blobs")
    shutil.copy(data / "secret.key", back)
    server = Server(back)
    alice = _client(server, filled)
    assert _seen(alice) == before
    _goes_on(alice, filled)
    assert server.stop() == 0


def test_between_two_folders_everything_goes_along(filled: Filled, data: Path) -> None:
    copied = copy(filled.data, data).json()
    assert (
        copied["files"]
        == len([file for file in (data / "blobs").rglob("*") if file.is_file()])
        == 2
    )
    assert (data / "secret.key").read_bytes() == (filled.data / "secret.key").read_bytes()
    assert {stat.S_IMODE(file.stat().st_mode) for file in data.rglob("*") if file.is_file()} == {
        0o600
    }
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    server = Server(data)
    alice = _client(server, filled)
    assert _seen(alice) == filled.seen
    _goes_on(alice, filled)
    assert server.stop() == 0


def test_a_round_trip_comes_back_as_it_was(filled: Filled, url: str, tmp_path: Path) -> None:
    there = copy(filled.data, url).json()
    back = copy(url, tmp_path / "back").json()
    assert there["tables"] == back["tables"]
    filled_tables = {table["table"] for table in there["tables"] if table["rows"]}
    assert filled_tables >= {
        "orgs",
        "users",
        "tokens",
        "counters",
        "engagements",
        "terms",
        "links",
        "comments",
        "events",
        "idempotency_keys",
        "artifacts",
        "artifact_versions",
    }
    assert _rows(filled.data) == _rows(tmp_path / "back")


def test_a_database_in_partitions_takes_a_copy(
    filled: Filled, postgres: PostgresServer, url: str
) -> None:
    assert rapport(Path("/"), "migrate", "--database", url).code == 0
    postgres.divide(name := url.rpartition("/")[2])
    rows = {table["table"]: table["rows"] for table in copy(filled.data, url).json()["tables"]}
    assert postgres.run("SELECT count(*) FROM engagements", name)[0][0] == rows["engagements"]


def _rows(data: Path) -> dict[str, list[Any]]:
    """Every table as SQLite has it, and what it is made of."""
    connection = apsw.Connection(str(data / "rapport.db"), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        names = connection.execute(
            # Rhythms are reckoned and words are indexed behind the changes.
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'derived_rhythms' "
            "AND name NOT GLOB 'derived_search*' ORDER BY name"
        ).fetchall()
        tables = {
            str(name): sorted(connection.execute(f"SELECT * FROM {name}").fetchall(), key=str)
            for (name,) in names
        }
        return {
            **tables,
            "schema": connection.execute("SELECT sql FROM sqlite_master ORDER BY sql").fetchall(),
        }
    finally:
        connection.close()


def test_deliveries_that_were_under_way_are_gone_on_with(
    url: str, data: Path, receiver: Receiver
) -> None:
    server = Server(data, **{**QUICK, "RAPPORT_WEBHOOK_RETRY_DELAYS": "1,1,1,1,1,1,1,1"})
    alice = server.make_org()
    hook = Hooks(alice, receiver).make("500", "ok")
    made = alice.engagement()
    hook.wait(1)
    assert server.stop() == 0
    assert copy(data, url).code == 0
    server = Server(data, RAPPORT_DATABASE_URL=url, **QUICK)
    there = Hook(Client(server, alice.token, alice.user), receiver, hook.path, hook.made)
    [delivered] = there.settled(1)
    first, second = hook.wait(2)
    assert first.body == second.body
    assert second.body["engagement_created"]["engagement"]["id"] == made["id"]
    assert len(delivered["attempts"]) == 2
    assert server.stop() == 0


# What it tells


def test_it_tells_people_what_was_compared_and_what_is_left_to_them(
    filled: Filled, url: str, tmp_path: Path
) -> None:
    there = rapport(tmp_path, "copy", str(filled.data), url)
    assert (there.code, there.err) == (0, "")
    assert "engagements" in there.out
    assert "compared by count and SHA-256" in there.out
    assert f"serve the database with --data {filled.data}" in there.out
    back = rapport(tmp_path, "copy", url, "back")
    assert back.code == 0
    assert "secret.key and blobs/" in back.out


def test_a_terminal_shows_a_bar_and_nothing_else_does(filled: Filled, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "rapport", "copy", str(filled.data), "a"]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm"},
    ) as run:
        os.close(theirs)
        shown = b""
        try:
            while read := os.read(ours, 65_536):
                shown += read
        except OSError:
            pass  # its end
        finally:
            os.close(ours)
        assert run.wait(30) == 0
    assert b"copying files" in shown
    assert b"100 %" in shown
    quiet = rapport(tmp_path, "copy", str(filled.data), "b")
    assert (quiet.code, quiet.err) == (0, "")


def test_a_password_is_not_shown(filled: Filled, url: str) -> None:
    secret = url.replace("rapport@", "rapport:hush@")
    told = copy(filled.data, secret)
    assert told.json()["to"] == url.replace("rapport@", "rapport:***@")
    assert "hush" not in copy(filled.data, secret).sentence()


# What it refuses


def test_what_is_no_store_is_refused_and_nothing_is_made(
    postgres: PostgresServer, urls: tuple[str, str], tmp_path: Path, unused_port: int
) -> None:
    nobody = f"postgresql://rapport@127.0.0.1:{unused_port}/x"
    (tmp_path / "file").write_text("")
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "rapport.db").write_bytes(b"not a database" * 1000)
    before = sorted(tmp_path.rglob("*"))
    for source, words in (
        ("none", "there is no store in none"),
        ("file", "there is no store in file"),
        ("odd", "not a database"),
        (urls[0], f"there is no store in {urls[0]}"),
        (nobody, "can't be opened"),
        ("s3://bucket", "postgresql:// URL"),
    ):
        for target in ("new", urls[1]):
            assert words in rapport(tmp_path, "copy", source, target).sentence()
    (tmp_path / "odd" / "lock").unlink()
    assert sorted(tmp_path.rglob("*")) == before
    name = urls[1].rpartition("/")[2]
    assert (
        postgres.run(
            "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace", name
        )[0][0]
        == 0
    )


def test_an_empty_store_is_refused(url: str, tmp_path: Path) -> None:
    assert rapport(tmp_path, "migrate", "--data", "fresh").code == 0
    assert (
        rapport(tmp_path, "copy", "fresh", url).sentence() == "rapport: the store in fresh is empty"
    )


def test_a_target_that_cannot_be_used_is_refused(
    filled: Filled, tmp_path: Path, unused_port: int
) -> None:
    (tmp_path / "file").write_text("")
    data = str(filled.data)
    for target, words in (
        (data, "the same place"),
        (f"{data}/../data", "the same place"),
        ("file", "can't be used"),
        (f"postgresql://rapport@127.0.0.1:{unused_port}/x", "can't be opened"),
        ("mysql://x/y", "postgresql:// URL"),
    ):
        assert words in rapport(tmp_path, "copy", data, target).sentence()


def test_a_store_that_holds_anything_is_not_copied_over(
    filled: Filled, url: str, tmp_path: Path
) -> None:
    made = ("--org", "Bob's", "--email", "bob@example.com")
    assert rapport(tmp_path, "init", "--data", "bob", *made).code == 0
    assert rapport(tmp_path, "init", "--data", "bob", "--database", url, *made).code == 0
    before = _rows(tmp_path / "bob")
    for target in ("bob", url):
        assert (
            "holds data already" in rapport(tmp_path, "copy", str(filled.data), target).sentence()
        )
    assert "holds data already" in rapport(tmp_path, "copy", url, "bob").sentence()
    assert _rows(tmp_path / "bob") == before
    assert (
        len(
            rapport(tmp_path, "orgs", "list", "--data", "x", "--database", url, "--json").json()[
                "orgs"
            ]
        )
        == 1
    )


def test_somebodys_older_store_is_not_even_migrated(filled: Filled, tmp_path: Path) -> None:
    kept = older.read(older.FILES[-1])
    asyncio.run(older.write(kept, tmp_path / "bob"))
    before = _rows(tmp_path / "bob")
    assert "holds data already" in rapport(tmp_path, "copy", str(filled.data), "bob").sentence()
    assert _rows(tmp_path / "bob") == before
    refused = rapport(tmp_path, "copy", "bob", "new").sentence()
    assert (
        f"at version {kept.version} and this program at {migrate.newest()}: run rapport migrate"
        in refused
    )
    assert not (tmp_path / "new").exists()
    assert rapport(tmp_path, "migrate", "--data", "bob").code == 0
    assert rapport(tmp_path, "copy", "bob", "new").code == 0


def test_a_store_of_a_newer_program_is_refused(
    filled: Filled,
    postgres: PostgresServer,
    url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert copy(filled.data, url).code == 0
    steps = migrate.migrations()
    monkeypatch.setattr(migrate, "migrations", lambda: steps[:-1])
    for source in (str(filled.data), url):
        assert (
            "install a newer rapport-server" in rapport(tmp_path, "copy", source, "new").sentence()
        )


def test_a_database_with_other_tables_is_refused(
    filled: Filled, postgres: PostgresServer, url: str
) -> None:
    postgres.run("CREATE TABLE theirs (n int PRIMARY KEY)", url.rpartition("/")[2])
    assert "(theirs)" in copy(filled.data, url).sentence()


def test_a_folder_that_is_served_is_neither_source_nor_target(
    server: Server, filled: Filled, tmp_path: Path
) -> None:
    held = f"another process holds the data folder {server.data}"
    assert held in rapport(tmp_path, "copy", str(server.data), "new").sentence()
    assert held in rapport(tmp_path, "copy", str(filled.data), str(server.data)).sentence()
    assert not (tmp_path / "new").exists()
