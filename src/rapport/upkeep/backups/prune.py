"""Which backups stay, and removing the others."""

from collections.abc import Callable, Iterable
from datetime import date
from typing import NamedTuple

from rapport.folder import CannotStart
from rapport.upkeep.backups import target as targets
from rapport.upkeep.backups.manifest import AnyManifest, parts
from rapport.upkeep.backups.target import Target


class Keep(NamedTuple):
    """What stays: so many of the newest, and of as many days, weeks and months that have any, the
    newest of each.
    """

    last: int = 0
    days: int = 0
    weeks: int = 0
    months: int = 0


class Pruned(NamedTuple):
    """What was done.

    Args:
        kept: the backups that stay, the oldest first.
        removed: those that are gone.
        files: how many files that no backup needed are gone.
        bytes: their size.
    """

    kept: list[str]
    removed: list[str]
    files: int
    bytes: int


class Listed(NamedTuple):
    """A backup in a list; `manifest` is None where it is damaged."""

    name: str
    manifest: AnyManifest | None


async def listed(place: str) -> list[Listed]:
    """Every finished backup, the oldest first.

    Raises:
        CannotStart: the place can't be used.
    """
    try:
        async with targets.reading(place) as target:
            return [await _listed(target, name) for name in await target.names()]
    except OSError as error:
        raise CannotStart(f"{place} can't be used: {error.strerror or error}") from None


async def _listed(target: Target, name: str) -> Listed:
    try:
        return Listed(name, await target.manifest(name))
    except CannotStart:
        return Listed(name, None)


async def prune(place: str, keep: Keep) -> Pruned:
    """Remove the backups that need not stay, and every file that none of the others needs.

    Raises:
        CannotStart: nothing would stay; what stays can't be read, so that nobody knows what it
            needs; or something can't be removed. What stays is whole.
    """
    if not any(keep):
        raise CannotStart("say what stays: --keep-last, --keep-days, --keep-weeks, --keep-months")
    try:
        async with targets.changing(place) as target:
            await target.settle(sealed=None)
            return await _prune(target, keep)
    except OSError as error:
        raise CannotStart(f"{place} can't be pruned: {error.strerror or error}") from None


async def _prune(target: Target, keep: Keep) -> Pruned:
    names = await target.names()
    stay = staying(names, keep)
    needed = {file for name in stay for file in parts(await target.manifest(name))}
    removed = [name for name in names if name not in stay]
    # First they are no backups any more: one that lacks files must not look whole.
    for name in removed:
        await target.forget(name)
    await target.sweep()
    loose = {file: size for file, size in (await target.sizes()).items() if file not in needed}
    for file in loose:
        await target.remove(file)
    return Pruned(sorted(stay), removed, len(loose), sum(loose.values()))


def staying(names: Iterable[str], keep: Keep) -> set[str]:
    """Which of these backups stay."""
    newest = sorted(names, reverse=True)
    by: dict[Callable[[date], object], int] = {
        lambda day: day: keep.days,
        lambda day: day.isocalendar()[:2]: keep.weeks,
        lambda day: (day.year, day.month): keep.months,
    }
    stay = set(newest[: keep.last])
    for period, many in by.items():
        first: dict[object, str] = {}
        for name in newest:
            first.setdefault(period(date.fromisoformat(name[:8])), name)
        stay |= set(list(first.values())[:many])
    return stay
