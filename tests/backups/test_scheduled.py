"""Backups that a server makes of itself: when, by which of several, and how they are told of."""

import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest

from rapport.clock import SECOND
from rapport.jobs.back_up import BackupFailed, Backups
from rapport.settings import SettingError, load
from tests.http.test_metrics import samples
from tests.store.conftest import database as database
from tests.store.conftest import store as store
from tests.support.backups import backups
from tests.support.engine import Engine
from tests.support.server import Server

HOUR = 3600 * SECOND


def _until(happens: Callable[[], bool]) -> None:
    end = time.monotonic() + 50
    while not happens():
        assert time.monotonic() < end
        time.sleep(0.05)


def _figure(server: Server, name: str) -> float:
    return samples(httpx.get(f"{server.url}/metrics").text)[name, ()]


def _detail(server: Server) -> dict[str, str]:
    answer = httpx.get(f"{server.url}/readyz")
    assert answer.status_code == 200
    told: dict[str, str] = answer.json()["backup"]
    return told


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_server_tells_how_its_backups_go_and_tries_again(tmp_path: Path) -> None:
    setting = {"RAPPORT_BACKUP_TO": "disk/backups", "RAPPORT_BACKUP_EVERY": "1s"}
    server = Server(tmp_path / "data", **setting, RAPPORT_BACKUP_KEEP="1d")
    try:
        _until(lambda: _figure(server, "rapport_backup_failing") == 1)
        assert _detail(server).keys() == {"status", "last_failure"}
        assert "disk/backups can't be made" in server.logged()
        (tmp_path / "disk").mkdir()
        _until(lambda: _detail(server)["status"] == "ok")
        assert _detail(server).keys() == {"status", "last_success", "last_failure"}
        assert _figure(server, "rapport_backup_every_seconds") == 1
        assert _figure(server, "rapport_backup_success_timestamp_seconds") > _figure(
            server, "rapport_backup_failure_timestamp_seconds"
        )
    finally:
        assert server.stop() == 0
    # The one of this day; another may be finished, and not be pruned yet, while the server stops.
    assert 1 <= len(backups(tmp_path / "disk" / "backups")) <= 2


@pytest.mark.parametrize(
    ("name", "wrong"),
    [("every", "0"), ("every", "1 day"), ("every", "2y"), ("every", "-1h"), ("keep", "7"),
     ("keep", "7d,7d"), ("keep", "0d"), ("keep", "7y"), ("to", "s3://"), ("to", "s3://a?b=c")],
)  # fmt: skip
def test_what_a_schedule_can_t_be_is_refused(name: str, wrong: str, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=f"backup_{name} is"):
        load({}, {f"RAPPORT_BACKUP_{name.upper()}": wrong}, tmp_path)


def test_how_often_is_said_in_seconds_or_with_a_letter(tmp_path: Path) -> None:
    said = {"90": 90, "90s": 90, "15m": 900, "6h": 21_600, "1.5d": 129_600}
    for text, seconds in said.items():
        assert load({}, {"RAPPORT_BACKUP_EVERY": text}, tmp_path).backup_every == seconds


# When, and by which of several


class _Maker:
    """Makes what is no backup, and counts."""

    def __init__(self, store: Engine) -> None:
        self._store = store
        self.made = 0
        self.problem = ""
        self.meanwhile: Callable[[], Awaitable[None]] | None = None

    def of(self) -> Backups:
        return Backups(self._store.store, lambda: self._store.now, 24 * 3600, self._back_up)

    async def _back_up(self) -> None:
        if self.meanwhile is not None:
            await self.meanwhile()
        if self.problem:
            raise BackupFailed(self.problem)
        self.made += 1


@pytest.fixture
def maker(store: Engine) -> _Maker:
    return _Maker(store)


def test_the_next_one_is_due_when_its_time_has_come_also_after_a_restart(
    store: Engine, maker: _Maker
) -> None:
    assert store.run(maker.of().turn())
    store.now += 24 * HOUR - 1
    assert not store.run(maker.of().turn())
    store.now += 1
    assert store.run(maker.of().turn())
    assert maker.made == 2


def test_of_two_processes_one_makes_it_and_the_other_once_that_is_gone(
    store: Engine, maker: _Maker
) -> None:
    first, second = maker.of(), maker.of()
    tried = []

    async def meanwhile() -> None:
        maker.meanwhile = None
        tried.append(await second.turn())
        store.now += 61 * SECOND
        # The first has not been heard of for a minute.
        tried.append(await second.turn())

    maker.meanwhile = meanwhile
    assert store.run(first.turn())
    assert tried == [False, True]


def test_one_that_failed_is_tried_again_after_a_quarter_of_an_hour(
    store: Engine, maker: _Maker
) -> None:
    maker.problem = "the disk is full"
    assert store.run(maker.of().turn())
    assert not store.run(maker.of().turn())
    assert store.all("SELECT problem FROM schedules") == [("the disk is full",)]
    maker.problem = ""
    store.now += HOUR // 4
    assert store.run(maker.of().turn())
    assert maker.made == 1


def test_one_that_is_broken_off_is_anybody_s_at_once(store: Engine, maker: _Maker) -> None:
    async def stopped() -> None:
        maker.meanwhile = None
        raise KeyboardInterrupt

    maker.meanwhile = stopped
    with pytest.raises(KeyboardInterrupt):
        store.run(maker.of().turn())
    assert store.run(maker.of().turn())
