"""rapport backup prune: which backups stay, and that those are whole."""

import asyncio
import datetime as dt
from functools import partial
from pathlib import Path

import pytest

from rapport.clock import DAY
from rapport.settings import load
from rapport.upkeep.backups.make import make
from rapport.upkeep.backups.prune import Keep, staying
from tests.support.backups import Source, backups, files
from tests.support.command import rapport

# A Wednesday noon.
_NOW = round(dt.datetime(2026, 4, 15, 12, tzinfo=dt.UTC).timestamp()) * 1_000_000


class _Nobody:
    def expects(self, count: int) -> None:
        pass

    def passed(self, what: str, count: int) -> None:
        pass


def _names(*days: str) -> list[str]:
    return [f"{day.replace('-', '')}T120000Z{'0' * 64}" for day in days]


@pytest.mark.parametrize(
    ("keep", "wanted"),
    [
        (Keep(last=2), ["2026-04-15", "2026-04-14"]),
        (Keep(days=3), ["2026-04-15", "2026-04-14", "2026-04-10"]),
        (Keep(weeks=2), ["2026-04-15", "2026-04-10"]),
        (Keep(months=3), ["2026-04-15", "2026-03-31", "2025-04-15"]),
        (Keep(last=1, months=2), ["2026-04-15", "2026-03-31"]),
        (Keep(last=99), ["2026-04-15", "2026-04-14", "2026-04-10", "2026-03-31", "2026-03-01", "2025-04-15"]),
    ],
)  # fmt: skip
def test_the_newest_of_each_day_week_and_month_stays(keep: Keep, wanted: list[str]) -> None:
    names = _names("2025-04-15", "2026-03-01", "2026-03-31", "2026-04-10", "2026-04-14", "2026-04-15")  # fmt: skip
    assert staying(names, keep) == set(_names(*wanted))


def test_of_one_day_the_newest_stays() -> None:
    early, late = (f"20260415T{hour}0000Z{'0' * 64}" for hour in ("08", "20"))
    assert staying([early, late], Keep(days=7)) == {late}


def _three(source: Source, target: Path) -> None:
    """Three backups, a day apart, each with something that the one before lacks."""
    settings = load({"data": str(source.server.data)})
    for day in range(3):
        source.alice.ok("tags.create", {"name": f"pruned-{target.parent.name}-{day}"})
        when = _NOW + day * DAY
        asyncio.run(make(settings, str(target), _Nobody(), clock=partial(int, when)))


def test_what_is_pruned_is_gone_and_what_stays_is_whole(source: Source, tmp_path: Path) -> None:
    target = tmp_path / "backups"
    _three(source, target)
    first, second, third = (one["name"] for one in backups(target))
    before = len(files(target))
    pruned = rapport(tmp_path, "backup", "prune", "backups", "--keep-days", "2", "--json").json()
    assert (pruned["kept"], pruned["removed"]) == ([second, third], [first])
    assert pruned["files"] == before - len(files(target)) - 1 == 3
    assert [one["name"] for one in backups(target)] == [second, third]
    for name in (second, third):
        assert rapport(tmp_path, "backup", "verify", "backups", "--backup", name).code == 0


def test_what_a_broken_off_backup_left_is_pruned_too(source: Source, tmp_path: Path) -> None:
    target = tmp_path / "backups"
    source.back_up(target).json()
    (target / "files" / "00").mkdir(exist_ok=True)
    (target / "files" / "00" / ("0" * 64)).write_bytes(b"left")
    (target / ".parts" / "left").write_bytes(b"half")
    pruned = rapport(tmp_path, "backup", "prune", "backups", "--keep-last", "1", "--json").json()
    assert (pruned["files"], pruned["bytes"]) == (1, 4)
    assert not any("left" in name for name in files(target))


def test_prune_refuses_to_remove_all_or_what_it_cannot_know(source: Source, tmp_path: Path) -> None:
    target = tmp_path / "backups"
    name = source.back_up(target).json()["name"]
    before = files(target)
    assert "say what stays" in rapport(tmp_path, "backup", "prune", "backups").sentence()
    assert (
        "none can't be used"
        in rapport(tmp_path, "backup", "prune", "none", "--keep-last", "1").sentence()
    )
    path = target / "manifests" / "20" / name
    path.write_bytes(path.read_bytes()[:-1])
    damaged = rapport(tmp_path, "backup", "prune", "backups", "--keep-last", "1").sentence()
    assert "is damaged" in damaged
    path.write_bytes(before[f"manifests/20/{name}"])
    assert files(target) == before
