"""Showing how far a long piece of work is."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

    from rapport.store.kit.progress import Watch


@contextlib.contextmanager
def watching(*, is_seen: bool) -> "Iterator[Watch]":
    """Who is told how far it is: a bar on the terminal, where there is one."""
    if not is_seen:
        yield _Nobody()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description:<30}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
    )
    with Progress(
        *columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True
    ) as progress:
        yield _Bar(progress)


class _Nobody:
    """Is told, and does nothing."""

    def expects(self, count: int) -> None:
        """See `Watch.expects`."""

    def passed(self, what: str, count: int) -> None:
        """See `Watch.passed`."""


class _Bar:
    """Moves a bar."""

    def __init__(self, progress: "Progress") -> None:
        self._progress = progress
        self._task = progress.add_task("counting", total=None)
        self._total = 0

    def expects(self, count: int) -> None:
        """See `Watch.expects`."""
        self._total += count
        self._progress.update(self._task, total=self._total)

    def passed(self, what: str, count: int) -> None:
        """See `Watch.passed`."""
        self._progress.update(self._task, description=what, advance=count)
