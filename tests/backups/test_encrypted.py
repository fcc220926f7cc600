"""Encrypted backups: what they show, who can open them, and what the next one writes."""

import asyncio
import gzip
import json
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pyrage
import pytest
from pyrage import x25519

from rapport.upkeep.backups.sealing import Keys, Sealed, own_recipient, own_secret, seal_for
from tests.support.backups import BYTES, Source, backups, files, names, seen
from tests.support.command import Ran, rapport
from tests.support.server import Client, Server

IDENTITY = x25519.Identity.generate()
TO = ("--encrypt-to", str(IDENTITY.to_public()))


@pytest.fixture(scope="module")
def kept(source: Source, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one encrypted backup, beside the files that open it and others."""
    folder = tmp_path_factory.mktemp("encrypted")
    (folder / "identity").write_text(f"# made for tests\n{IDENTITY}\n")
    (folder / "foreign").write_text(f"{x25519.Identity.generate()}\n")
    (folder / "no-key").write_text("AGE-SECRET-KEY-1NONSENSE\n")
    (folder / "passphrase").write_text("correct horse\n")
    (folder / "wrong").write_text("battery staple\n")
    (folder / "empty").write_text("\n")
    assert source.back_up(folder / "backups", *TO).code == 0
    return folder


@pytest.fixture
def place(kept: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    shutil.copytree(kept, tmp_path / "place")
    return tmp_path / "place"


def verify(folder: Path, *options: str) -> Ran:
    return rapport(folder, "backup", "verify", "backups", *options)


def sealed_manifest(target: Path) -> Any:
    [*_, name] = names(target)
    return json.loads((target / "manifests" / "20" / name).read_bytes())


def test_a_backup_to_a_recipient_is_restored_by_its_identity(
    source: Source, kept: Path, tmp_path: Path
) -> None:
    done = rapport(kept, "restore", "backups", "--identity-file", "identity",
                   "--data", str(tmp_path / "new"), "--json")  # fmt: skip
    assert done.json()["encrypted"] is True
    server = Server(tmp_path / "new")
    try:
        there = Client(server, source.alice.token, source.alice.user, source.alice.org)
        assert seen(there, source.file)["bytes"] == BYTES
        assert seen(there, source.file)["feed"] == seen(source.alice, source.file)["feed"]
    finally:
        assert server.stop() == 0


def test_what_lies_in_it_tells_nothing_to_who_has_no_key(source: Source, kept: Path) -> None:
    target = kept / "backups"
    there = files(target)
    key = (source.server.data / "secret.key").read_bytes()
    told = sealed_manifest(target)
    assert {path.name for path in target.iterdir()} == {"encrypted", "manifests", ".parts"}
    for path, data in there.items():
        assert path.startswith(("encrypted/", "manifests/"))
        assert not {BYTES[:64], key, b"engagements"} & {data, data[:64]}
        assert b"engagements" not in data
        assert path.startswith("manifests/") or data.startswith(b"age-encryption.org/v1\n")
    assert told.keys() == {"format", "form", "created", "program", "manifest", "identity", "parts"}
    assert told["identity"] is None


def test_an_encrypted_backup_can_be_read_without_rapport(kept: Path) -> None:
    there = files(kept / "backups")

    def opened(name: str) -> bytes:
        return bytes(pyrage.decrypt(there[f"encrypted/{name[:2]}/{name}"], [IDENTITY]))

    inner = json.loads(opened(sealed_manifest(kept / "backups")["manifest"]))
    rows = [
        json.loads(line)
        for table in inner["tables"]
        if table["name"] == "engagements"
        for piece in table["pieces"]
        for line in gzip.decompress(opened(piece["file"])).splitlines()
    ]
    assert "Früh 🐌" in {row["title"] for row in rows}
    assert BYTES in {opened(file["file"]) for file in inner["files"]}


def test_it_is_listed_and_pruned_without_a_key_and_what_stays_is_whole(
    source: Source, place: Path
) -> None:
    target = place / "backups"
    source.alice.ok("tags.create", {"name": f"tag-{os.urandom(4).hex()}"})
    second = source.back_up(target, *TO).json()
    # The tag, its event, the counters, and the manifest itself is no file that counts.
    assert second["written_files"] == 3
    assert [one["encrypted"] for one in backups(target)] == [True, True]
    pruned = rapport(place, "backup", "prune", "backups", "--keep-last", "1", "--json").json()
    # Three pieces, and the manifest of the first.
    assert pruned["files"] == 4
    assert verify(place, "--identity-file", "identity").code == 0


def test_without_the_data_folder_s_key_all_is_written_again(source: Source, place: Path) -> None:
    rapport(place, "restore", "backups", "--identity-file", "identity", "--data", "new")
    (place / "new" / "secret.key").write_bytes(os.urandom(32))
    again = rapport(place, "backup", "backups", "--data", "new", *TO, "--json").json()
    assert again["written_files"] > 10
    assert verify(place, "--identity-file", "identity").code == 0


def test_for_another_recipient_all_is_written_again(source: Source, place: Path) -> None:
    other = x25519.Identity.generate()
    (place / "other").write_text(str(other))
    made = source.back_up(place / "backups", "--encrypt-to", str(other.to_public())).json()
    assert made["written_files"] > 10
    assert verify(place, "--identity-file", "other").code == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "name --identity-file or --passphrase-file"),
        (("--identity-file", "foreign"), "can't be opened: no matching keys found"),
        (("--identity-file", "no-key"), "no identity of age"),
        (("--identity-file", "none"), "none can't be read"),
        (("--passphrase-file", "passphrase"), "encrypted to a recipient"),
    ],
)
def test_who_has_not_the_key_is_told_so(kept: Path, options: tuple[str, ...], words: str) -> None:
    assert words in verify(kept, *options).sentence()
    assert words in rapport(kept, "restore", "backups", "--data", "new", *options).sentence()
    assert not (kept / "new").exists()


def test_a_flipped_bit_in_any_file_is_found(place: Path) -> None:
    target = place / "backups"
    for path in sorted(target.rglob("*")):
        if not path.is_file():
            continue
        data = path.read_bytes()
        path.write_bytes(data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])
        assert "damaged" in verify(place, "--identity-file", "identity").sentence()
        path.write_bytes(data)
    assert verify(place, "--identity-file", "identity").code == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--encrypt-to", "age1nobody"), "is no recipient of age"),
        ((*TO, "--passphrase-file", "passphrase"), "can't go together"),
        (("--passphrase-file", "empty"), "there is no passphrase in empty"),
        (("--passphrase-file", "none"), "none can't be read"),
    ],
)
def test_who_can_t_be_encrypted_for_is_refused(
    source: Source, place: Path, options: tuple[str, ...], words: str
) -> None:
    before = files(place / "backups")
    assert words in source.back_up(place / "backups", *options).sentence()
    assert files(place / "backups") == before


def test_a_target_is_encrypted_or_not_and_never_mixed(source: Source, place: Path) -> None:
    assert "are encrypted: name --encrypt-to" in source.back_up(place / "backups").sentence()
    assert source.back_up(place / "plain").code == 0
    assert "are not encrypted" in source.back_up(place / "plain", *TO).sentence()


@pytest.mark.slow
def test_a_passphrase_opens_what_it_closed_and_another_one_nothing(
    source: Source, place: Path
) -> None:
    with_it = ("--passphrase-file", "passphrase")
    assert source.back_up(place / "secret", *with_it).json()["written_files"] > 10
    assert source.back_up(place / "secret", *with_it).json()["written_files"] == 0
    wrong = ("--passphrase-file", "wrong")
    words = "the passphrase in wrong is not that of the backup"
    assert words in source.back_up(place / "secret", *wrong).sentence()
    assert rapport(place, "backup", "verify", "secret", *with_it).code == 0
    key = sealed_manifest(place / "secret")["identity"]
    secret = pyrage.passphrase.decrypt(key.encode(), "correct horse").decode()
    assert secret.startswith("AGE-SECRET-KEY-1")


# Files that are longer than a chunk


async def _chunks(data: bytes, error: Exception | None = None) -> AsyncIterator[bytes]:
    for start in range(0, len(data), 70_000):
        yield data[start : start + 70_000]
    if error is not None:
        raise error


async def _all(chunks: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in chunks])


def test_long_files_are_closed_and_opened_chunk_by_chunk() -> None:
    data = os.urandom(3_000_000)
    seal, keys = seal_for([TO[1]]), Keys([str(IDENTITY)])

    async def there_and_back() -> bytes:
        return await _all(keys.stream(seal.stream(_chunks(data))))

    assert asyncio.run(there_and_back()) == data
    assert asyncio.run(_all(keys.stream(_chunks(seal.close(b""))))) == b""
    closed = bytearray(seal.close(data))
    closed[2_000_000] ^= 1
    with pytest.raises(Sealed):
        asyncio.run(_all(keys.stream(_chunks(bytes(closed)))))
    with pytest.raises(Sealed):
        asyncio.run(_all(keys.stream(_chunks(bytes(closed[:1_000_000])))))


def test_what_breaks_off_a_file_is_what_is_told() -> None:
    with pytest.raises(ValueError, match="half"):
        asyncio.run(_all(seal_for([TO[1]]).stream(_chunks(b"x" * 200_000, ValueError("half")))))


def test_who_leaves_a_file_early_leaves_no_thread_behind() -> None:
    async def first() -> int:
        stream = seal_for([TO[1]]).stream(_chunks(os.urandom(3_000_000)))
        async for chunk in stream:
            await stream.aclose()  # type: ignore[attr-defined]
            return len(chunk)
        return 0

    assert asyncio.run(first()) > 0


def test_a_data_folder_s_key_is_one_of_age() -> None:
    for _ in range(50):
        key = os.urandom(32)
        assert str(x25519.Identity.from_str(own_secret(key)).to_public()) == own_recipient(key)
