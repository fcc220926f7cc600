"""rapport restore and rapport backup verify: either engine into either, and what is refused."""

import gzip
import json
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from rapport.store import derived
from rapport.store.kit import migrate
from rapport.store.kit.migrate import Migration
from rapport.upkeep.backups import manifest as manifests
from tests.support.backups import Source, files, manifest, names, seen
from tests.support.command import Ran, rapport
from tests.support.hooks import QUICK, Hook, Hooks
from tests.support.postgres import PostgresServer, new_name
from tests.support.receiver import Receiver
from tests.support.server import Client, Server


@pytest.fixture(scope="module")
def kept(sqlite_source: Source, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a backup of the store in SQLite; tests change copies of it."""
    target = tmp_path_factory.mktemp("kept") / "backups"
    sqlite_source.back_up(target).json()
    return target


@pytest.fixture
def url(postgres: PostgresServer) -> Iterator[str]:
    with postgres.database(new_name()) as made:
        yield made


def restore(folder: Path, target: Path, *options: str) -> Ran:
    return rapport(folder, "restore", str(target), "--data", "new", *options)


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("source", "into"), [("sqlite", "postgres"), ("postgres", "sqlite")], indirect=["source"]
)
def test_a_client_sees_the_same_after_a_restore_on_the_other_engine(
    source: Source, into: str, url: str, tmp_path: Path
) -> None:
    wanted = seen(source.alice, source.file)
    made = source.back_up(tmp_path / "backups").json()
    there = ["--database", url] if into == "postgres" else []
    restored = restore(tmp_path, tmp_path / "backups", *there, "--json").json()
    assert (restored["name"], restored["rows"]) == (made["name"], made["rows"])
    environment = {"RAPPORT_DATABASE_URL": url} if into == "postgres" else {}
    server = Server(tmp_path / "new", **environment)
    alice = Client(server, source.alice.token, source.alice.user)
    assert seen(alice, source.file) == wanted
    # What is recorded next gets a new number.
    numbers = {one["display_id"] for one in wanted["engagements"]["engagements"]}
    assert alice.engagement()["display_id"] not in numbers | {"ENGAGEMENT-4"}
    assert server.stop() == 0


def test_a_restored_folder_is_whole_and_private_and_nothing_lies_beside(
    source: Source, kept: Path, tmp_path: Path
) -> None:
    (tmp_path / "new").mkdir()
    assert restore(tmp_path, kept).code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
    key = (source.server.data / "secret.key").read_bytes()
    assert (tmp_path / "new" / "secret.key").read_bytes() == key
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new").rglob("*") if path.is_file()}  # fmt: skip
    assert (modes, stat.S_IMODE((tmp_path / "new").stat().st_mode)) == ({0o600}, 0o700)


def test_an_older_backup_is_restored_by_the_beginning_of_its_name(
    source: Source, kept: Path, tmp_path: Path
) -> None:
    target = tmp_path / "backups"
    shutil.copytree(kept, target)
    [first] = names(target)
    second = source.back_up(target).json()["name"]
    assert restore(tmp_path, target, "--json").json()["name"] == second
    shutil.rmtree(tmp_path / "new")
    assert restore(tmp_path, target, "--backup", first[:40], "--json").json()["name"] == first
    shutil.rmtree(tmp_path / "new")
    assert "more than one backup named 20" in restore(tmp_path, target, "--backup", "20").sentence()
    assert "no backup named 1999" in restore(tmp_path, target, "--backup", "1999").sentence()


# Webhooks


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.mark.parametrize("keeps", [False, True])
def test_webhooks_send_nothing_after_a_restore_unless_they_are_kept(
    receiver: Receiver, tmp_path: Path, keeps: bool
) -> None:
    server = Server(tmp_path / "data", **{**QUICK, "RAPPORT_WEBHOOK_RETRY_DELAYS": "1,1,1,1,1,1"})
    alice = server.make_org()
    hook = Hooks(alice, receiver).make("500")
    waits = Hooks(alice, receiver).make(verify="500", active=False)
    alice.engagement()
    hook.wait(1)
    options = ["--data", str(server.data)]
    assert rapport(tmp_path, "backup", "backups", *options).code == 0
    assert server.stop() == 0
    flags = ["--keep-webhooks"] if keeps else []
    assert restore(tmp_path, tmp_path / "backups", *flags).code == 0
    had = len(hook.got_all()), len(waits.got_all())
    hook.plan("ok")
    server = Server(tmp_path / "new", **QUICK)
    there = Hook(Client(server, alice.token, alice.user), receiver, hook.path, hook.made)
    if keeps:
        assert there.settled(1)
    else:
        assert there.now["status"] == "unverified"
        # Another one is made and served: what was due before has not been sent.
        Hooks(there.client, receiver).make()
        assert (len(hook.got_all()), len(waits.got_all())) == had
        there.update(action="activate")
        assert there.settled(1)
    assert server.stop() == 0


# What is damaged, newer, older


def _flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place % len(data)] ^= 1
    path.write_bytes(data)


@pytest.mark.postgres
def test_a_flipped_bit_is_found_in_every_file_and_nothing_is_changed(
    kept: Path, url: str, postgres: PostgresServer, tmp_path: Path
) -> None:
    target = tmp_path / "backups"
    shutil.copytree(kept, target)
    whole = files(target)
    for number, name in enumerate(name for name in whole if whole[name]):
        # In the head, in the middle, in the last byte.
        _flip(target / name, (4, len(whole[name]) // 2, -1)[number % 3])
        for said in (
            rapport(tmp_path, "backup", "verify", "backups"),
            restore(tmp_path, target),
            *([restore(tmp_path, target, "--database", url)] if number < 3 else []),
        ):
            assert "is damaged: " in said.sentence()
        (target / name).write_bytes(whole[name])
    for name in whole:
        (target / name).unlink()
        words = rapport(tmp_path, "backup", "verify", "backups").sentence()
        assert "no backup that was finished" in words or "is gone" in words
        (target / name).write_bytes(whole[name])
    assert [path.name for path in tmp_path.iterdir()] == ["backups"]
    tables = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    assert postgres.run(tables, url.rpartition("/")[2]) == [(0,)]
    assert restore(tmp_path, target).code == 0


def test_a_damaged_manifest_is_listed_as_such(kept: Path, tmp_path: Path) -> None:
    target = tmp_path / "backups"
    shutil.copytree(kept, target)
    [name] = names(target)
    _flip(target / "manifests" / "20" / name, 100)
    listed = rapport(tmp_path, "backup", "list", "backups", "--json").json()["backups"]
    assert listed == [{"name": name, "damaged": True}]
    assert "damaged" in rapport(tmp_path, "backup", "list", "backups").out


def _rewritten(kept: Path, target: Path, **fields: object) -> None:
    """A folder with the same backup, whose manifest says something else."""
    shutil.copytree(kept, target)
    [name] = names(target)
    path = target / "manifests" / "20" / name
    told = {**json.loads(path.read_bytes()), **fields}
    path.unlink()
    text = json.dumps(told).encode()
    (path.parent / manifests.name_of(str(told["created"]), text)).write_bytes(text)


@pytest.mark.parametrize(
    "fields", [{"schema": 9999}, {"form": 2}, {"form": 2, "tables": "in another way"}]
)
def test_a_backup_of_a_newer_version_is_refused(
    kept: Path, tmp_path: Path, fields: dict[str, object]
) -> None:
    target = tmp_path / "backups"
    _rewritten(kept, target, program="9.0.0", **fields)
    for said in (restore(tmp_path, target), rapport(tmp_path, "backup", "verify", "backups")):
        assert "was made by Rapport 9.0.0" in said.sentence()
        assert "install a newer rapport-server" in said.sentence()
    assert not (tmp_path / "new").exists()


@pytest.mark.postgres
@pytest.mark.parametrize("into", ["sqlite", "postgres"])
def test_a_backup_of_an_older_version_is_brought_to_this_one(
    kept: Path, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, into: str
) -> None:
    """This program is the older one here, and the newer one has a step more, which changes rows."""
    last = migrate.newest()
    sql = "ALTER TABLE engagements ADD COLUMN later {text}; UPDATE engagements SET later = title"
    known = [*migrate.migrations(), Migration(last + 1, 1, sql)]
    monkeypatch.setattr(migrate, "migrations", lambda: known)
    there = ["--database", url] if into == "postgres" else []
    assert rapport(tmp_path, "backup", "verify", str(kept)).code == 0
    assert restore(tmp_path, kept, *there).code == 0
    copied = rapport(tmp_path, "backup", "again", "--data", "new", *there, "--json").json()
    assert copied["schema"] == last + 1
    lines = [
        json.loads(line)
        for table in manifest(tmp_path / "again", copied["name"]).tables
        if table.name == "engagements"
        for piece in table.pieces
        for line in _unpacked(tmp_path / "again", piece.file).splitlines()
    ]
    assert {line["later"] for line in lines} == {line["title"] for line in lines} != set()
    assert rapport(tmp_path, "orgs", "list", "--data", "new", *there).code == 0
    assert not list((tmp_path / "new").glob("*.before-*"))


def _unpacked(target: Path, file: str) -> bytes:
    return gzip.decompress((target / "files" / file[:2] / file).read_bytes())


# Places


@pytest.mark.postgres
def test_a_place_that_holds_anything_is_not_restored_into(
    source: Source, kept: Path, url: str, tmp_path: Path
) -> None:
    made = ("--org", "Bob's", "--email", "bob@example.com")
    assert rapport(tmp_path, "init", "--data", "x", "--database", url, *made).code == 0
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "mine").write_text("x")
    assert "is not empty" in restore(tmp_path, kept).sentence()
    assert "is not empty" in restore(tmp_path, kept, "--database", url).sentence()
    assert files(tmp_path / "new") == {"mine": b"x"}
    shutil.rmtree(tmp_path / "new")
    assert "holds data already" in restore(tmp_path, kept, "--database", url).sentence()
    assert not (tmp_path / "new").exists()
    served = rapport(tmp_path, "restore", str(kept), "--data", str(source.server.data))
    assert "is not empty" in served.sentence()
    assert {path.name for path in tmp_path.iterdir()} == {"x"}


def test_what_is_no_folder_of_backups_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("x")
    for place, words in (
        ("none", "none can't be used: No such file or directory"),
        ("empty", "no backup that was finished in empty"),
        ("other", "holds 'thesis.txt'"),
    ):
        for command in (["restore", place, "--data", "new"], ["backup", "verify", place]):
            assert words in rapport(tmp_path, *command).sentence()


@pytest.mark.postgres
def test_a_restore_that_is_broken_off_leaves_both_places_empty(
    kept: Path, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_bulk: object) -> None:
        raise KeyboardInterrupt

    for there in ([], ["--database", url]):
        with monkeypatch.context() as patched:
            patched.setattr(derived, "REBUILDS", [fail])
            assert restore(tmp_path, kept, *there).code == 130
        assert list(tmp_path.iterdir()) == []
        assert restore(tmp_path, kept, *there).code == 0
        shutil.rmtree(tmp_path / "new")
