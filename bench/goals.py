"""The goals, as data: what is measured against what, and how much is wanted."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.believable import World
from bench.questions import questions

if TYPE_CHECKING:
    from bench.report import Found

Value = float | None
MILLION = 1_000_000


@dataclass(frozen=True)
class Goal:
    """One goal: `wanted` at least or, with `most`, at most."""

    what: str
    value: "Callable[[Found], Value]"
    wanted: float
    most: bool = False
    unit: str = ""

    def row(self, found: "Found") -> list[str] | None:
        """What is said of it; None where it was not measured."""
        value = self.value(found)
        if value is None:
            return None
        met = value <= self.wanted if self.most else value >= self.wanted
        sign = "≤" if self.most else "≥"
        cpu = self.value.by_cpu(found) if isinstance(self.value, _Ratio) else None
        by_cpu = "" if cpu is None else f"{cpu:.3g}"
        wanted = f"{sign} {self.wanted:g}{self.unit}"
        return [self.what, f"{value:.3g}{self.unit}", by_cpu, wanted, "met" if met else "missed"]


def _get(group: str, name: str, field: str = "rate") -> "Callable[[Found], Value]":
    return lambda found: found.median(group, name, field)


@dataclass(frozen=True)
class _Ratio:
    """One measure's rate ÷ another's, by (group, name)."""

    over: tuple[str, str]
    under: tuple[str, str]

    def __call__(self, found: "Found") -> Value:
        """By what clients saw."""
        return self._of(found, "rate", self.over, self.under)

    def by_cpu(self, found: "Found") -> Value:
        """By the processor time that a request cost the server, which a busy machine hardly
        moves.
        """
        return self._of(found, "cpu", self.under, self.over)

    @staticmethod
    def _of(found: "Found", field: str, over: tuple[str, str], under: tuple[str, str]) -> Value:
        above, below = found.median(*over, field), found.median(*under, field)
        return above / below if above is not None and below else None


def _more(
    above: "Callable[[Found], Value]", below: "Callable[[Found], Value]"
) -> "Callable[[Found], Value]":
    def more(found: "Found") -> Value:
        over, under = above(found), below(found)
        return over - under if over is not None and under is not None else None

    return more


def _of_noop(group: str, name: str) -> _Ratio:
    return _Ratio((group, name), ("reference", "no-op, 64"))


def _of_peer(ours: tuple[str, str], theirs: str) -> _Ratio:
    return _Ratio(ours, ("peers", theirs))


_CREATE, _GET, _LIST = ("creates", "create, 16"), ("reads", "get, 16"), ("reads", "list of 50, 16")
_ALONE = ("feed", "creates beside 0 readers, 16")
_EVERYWHERE = (
    Goal("creates at 64 ÷ no-op", _of_noop("creates", "create, 64"), 0.30),
    Goal("gets at 64 ÷ no-op", _of_noop("reads", "get, 64"), 0.60),
    Goal("lists of 50 at 64 ÷ no-op", _of_noop("reads", "list of 50, 64"), 0.30),
    Goal("p99 of gets beside the slowest question, more than alone",
         _more(_get("slow", "gets beside the slowest question, 16", "p99"), _get("slow", "gets alone, 16", "p99")),
         5, most=True, unit=" ms"),
    Goal("creates beside 100 readers ÷ alone", _Ratio(("feed", "creates beside 100 readers, 16"), _ALONE), 0.60),
    Goal("creates beside 1,000 readers ÷ alone", _Ratio(("feed", "creates beside 1,000 readers, 16"), _ALONE),
         0.25),
    Goal("an event to 1,000 readers, p99", _get("feed", "an event to 1,000 readers", "p99"),
         100, most=True, unit=" ms"),
    Goal("written for a create, 1 connection", _get("creates", "create, 1", "written_kb"), 40, most=True, unit=" kB"),
    Goal("written for a create, 64 connections", _get("creates", "create, 64", "written_kb"),
         12, most=True, unit=" kB"),
    Goal("memory under load", _get("creates", "create, 64", "memory"), 120, most=True, unit=" MiB"),
    Goal("start to first answer", _get("start", "start", "start_s"), 0.5, most=True, unit=" s"),
    Goal("rapport --version", _get("start", "start", "version_s"), 0.15, most=True, unit=" s"),
    Goal("gets, expanded ÷ FastAPI + asyncpg by hand",
         _of_peer(("reads", "expanded get, 16"), "plain: get, 16"), 4),
    Goal("lists, expanded ÷ FastAPI + asyncpg by hand",
         _of_peer(("reads", "expanded list of 50, 16"), "plain: list of 50, 16"), 4),
)  # fmt: skip


def _embedded() -> Iterator[Goal]:
    for peer, creates in (("sqlalchemy", 20), ("drf", 35)):
        yield Goal(f"creates at 16 ÷ {peer}", _of_peer(_CREATE, f"{peer}: create, 16"), creates)
        yield Goal(f"gets at 16 ÷ {peer}", _of_peer(_GET, f"{peer}: get, 16"), 40)
        yield Goal(f"lists of 50 at 16 ÷ {peer}", _of_peer(_LIST, f"{peer}: list of 50, 16"), 30)


def _on_postgres() -> Iterator[Goal]:
    for connections, wanted in ((1, 1), (16, 3), (64, 4)):
        ratio = _of_peer(("creates", f"create, {connections}"), f"plain: create, {connections}")
        yield Goal(f"creates at {connections} ÷ FastAPI + asyncpg by hand", ratio, wanted)
    yield Goal("gets at 16 ÷ FastAPI + asyncpg by hand", _of_peer(_GET, "plain: get, 16"), 2.5)
    yield Goal(
        "lists of 50 at 16 ÷ FastAPI + asyncpg by hand", _of_peer(_LIST, "plain: list of 50, 16"), 5
    )


def _of_questions(found: "Found") -> Iterator[list[str]]:
    """Each question that takes longer than its goal at a million, and how many don't;
    PostgreSQL may take twice.
    """
    if found.rows > MILLION:
        return
    allowed = 2 if found.engine == "postgres" else 1
    asked = [
        (one, found.median(one.group, one.name, "p50")) for one in questions(World(found.rows))
    ]
    known = [(one, value, one.goal * allowed) for one, value in asked if value is not None]
    late = [(one, value, goal) for one, value, goal in known if value > goal]
    for one, value, goal in late:
        yield [one.name, f"{value:.3g} ms", "", f"≤ {goal:g} ms", "missed"]
    if known:
        yield [
            "questions within their goals",
            f"{len(known) - len(late)}",
            "",
            f"{len(known)}",
            "missed" if late else "met",
        ]


def _of_growth(found: "Found", runs: "Sequence[Found]") -> Iterator[list[str]]:
    """How much longer questions take with a hundred times as much, where both were measured."""
    small = next(
        (one for one in runs if one.engine == found.engine and one.rows * 100 == found.rows), None
    )
    if small is None:
        return
    for one in questions(World(found.rows)):
        before, now = (
            small.median(one.group, one.name, "p50"),
            found.median(one.group, one.name, "p50"),
        )
        if before and now:
            yield [
                f"{one.name}: {found.rows:,} ÷ {small.rows:,} rows",
                f"{now / before:.3g}",
                "",
                "≤ 2",
                "met" if now <= 2 * before else "missed",
            ]


def table(found: "Found", runs: "Sequence[Found]") -> list[list[str]]:
    """Every goal that the run can be held to: what, measured, wanted, met or missed."""
    engine = _embedded() if found.engine == "sqlite" else _on_postgres()
    rows = [row for goal in (*_EVERYWHERE, *engine) if (row := goal.row(found)) is not None]
    return [*rows, *_of_questions(found), *_of_growth(found, runs)]
