"""An old and a new version on one database: side by side while the migration only adds, and not at
all when it takes away.

The new version is a copy of this one with one migration more.
"""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

import rapport
from rapport.store.kit import migrate
from tests.support.load import Load
from tests.support.postgres import PostgresServer, eventually, new_name
from tests.support.server import Server

NEXT = migrate.newest() + 1
ADDING = f"""-- compatible: {NEXT - 1}
ALTER TABLE engagements ADD COLUMN mood {{text}};
CREATE INDEX ix_engagements_mood ON engagements (org, mood) WHERE mood IS NOT NULL;
CREATE TABLE moods (org {{text}} NOT NULL, mood {{text}} NOT NULL, PRIMARY KEY (org, mood)) {{clustered}};
"""
TAKING_AWAY = f"""-- compatible: {NEXT + 1}
ALTER TABLE tags RENAME TO labels;
"""


def newer(folder: Path, *migrations: str) -> Path:
    """What PYTHONPATH is for a version that knows these migrations as well."""
    shutil.copytree(Path(rapport.__file__).parent, folder / "rapport")
    for number, sql in enumerate(migrations, NEXT):
        file = folder / "rapport" / "store" / "migrations" / f"{number:04}_newer.sql"
        file.write_text(sql, encoding="utf-8")
    return folder


def point(link: Path, folder: Path) -> None:
    """Install another version where a link leads."""
    link.with_suffix(".new").symlink_to(folder)
    link.with_suffix(".new").replace(link)


@pytest.mark.long
@pytest.mark.timeout(240)
@pytest.mark.slow
def test_versions_work_side_by_side_until_a_migration_takes_something_away(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    installed = tmp_path / "installed"
    point(installed, newer(tmp_path / "old"))
    with postgres.database(new_name()) as url:
        old = Server(tmp_path / "data", RAPPORT_DATABASE_URL=url)
        workers = Server(
            tmp_path / "data", "--workers", "2", RAPPORT_DATABASE_URL=url, PYTHONPATH=str(installed)
        )
        alice = old.make_org("Alice's")

        point(installed, newer(tmp_path / "next", ADDING))
        with (
            Load(alice, connections=4) as beside,
            Load(alice, url=workers.url, connections=4) as upgraded,
        ):
            workers.process.send_signal(signal.SIGHUP)
            eventually(90, lambda: '"event": "renewed"' in workers.logged())
            beside.goes_on()
            upgraded.goes_on()
        beside.never_failed()
        upgraded.never_failed()
        assert _version(postgres, url) == NEXT

        old.restart()
        assert {one["id"] for one in alice.everything()["engagements"]} == {
            *beside.kept,
            *upgraded.kept,
        }
        alice.engagement()

        last = newer(tmp_path / "last", ADDING, TAKING_AWAY)
        subprocess.run(
            [sys.executable, "-m", "rapport", "migrate", "--database", url],
            env={"PYTHONPATH": str(last)},
            cwd=tmp_path,
            check=True,
            capture_output=True,
        )
        refusal = httpx.get(f"{old.url}/readyz")
        assert (refusal.status_code, refusal.json()["message"]) == (
            503,
            "The store needs a newer program.",
        )
        asked = {"authorization": f"Bearer {alice.token}"}
        assert httpx.get(f"{old.url}/tags.list", headers=asked).status_code == 500
        assert httpx.get(f"{old.url}/engagements.list", headers=asked).status_code == 200
        assert old.stop() == workers.stop() == 0
        sentence = f"rapport: the store is at version {NEXT + 1} and needs a program that knows version {NEXT + 1}; "
        with pytest.raises(RuntimeError, match=sentence):
            old.start()


def test_on_sqlite_the_version_before_opens_the_store_again(data: Path, tmp_path: Path) -> None:
    server = Server(data)
    alice = server.make_org("Alice's")
    made = alice.engagement()
    assert server.stop() == 0
    new = Server(data, PYTHONPATH=str(newer(tmp_path / "next", ADDING)))
    assert (data / f"rapport.db.before-{NEXT}").exists()
    assert new.stop() == 0
    server.start()
    assert alice.ok("engagements.get", {"id": made["id"]})["engagement"] == made
    alice.engagement()
    assert server.stop() == 0


def _version(postgres: PostgresServer, url: str) -> int:
    (row,) = postgres.run("SELECT max(version) FROM migrations", url.rpartition("/")[2])
    return int(row[0])
