"""What was found: kept as JSON, printed as a table, and written as `bench/report.md` with its
plots.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from bench import goals, plots

HERE = Path(__file__).parent


class Figure(msgspec.Struct, array_like=True):
    """A median of rounds, with the least and the most."""

    median: float
    least: float
    most: float

    @property
    def spread(self) -> float:
        """How far the rounds lie apart, of the median."""
        return (self.most - self.least) / self.median if self.median else 0.0


class Found(msgspec.Struct):
    """One run. `figures[group][name][field]`; rates are a second, p50, p99 and p999 milliseconds,
    memory MiB.

    `noise` is how much longer the same work took at worst than at best, on either core, between the
    rounds.
    """

    engine: str
    rows: int
    rounds: int
    seconds: float
    date: str
    commit: str
    machine: dict[str, Any]
    made_a_second: float
    flush_ms: float
    noise: float
    is_noisy: bool
    figures: dict[str, dict[str, dict[str, Figure]]]

    def median(self, group: str, name: str, field: str) -> float | None:
        """A figure's median; None where it was not measured."""
        figure = self.figures.get(group, {}).get(name, {}).get(field)
        return None if figure is None else figure.median


_COLUMNS: tuple[tuple[str, str, str], ...] = (
    ("rate", "a second", ",.0f"), ("p50", "p50 ms", ",.2f"), ("p99", "p99 ms", ",.2f"), ("p999", "p99.9 ms", ",.2f"),
    ("cpu", "CPU ms", ",.3f"),
    ("written_kb", "kB written each", ",.1f"), ("memory", "MiB", ",.0f"), ("deliveries", "deliveries a second", ",.0f"),
    ("heard_p99", "heard p99 ms", ",.0f"), ("start_s", "start s", ".2f"), ("version_s", "--version s", ".2f"),
    ("errors", "refused", ",.0f"),
)  # fmt: skip
# Of a question these alone are told.
_OF_QUESTIONS = ("p50", "p99", "cpu", "errors")
QUESTION_GROUPS = ("questions", "counts", "rollup", "peer questions")


def kept(folder: Path, engine: str, rows: int) -> Found | None:
    """The figures that were kept of such a run."""
    path = folder / "results" / f"{engine}-{rows}.json"
    return msgspec.json.decode(path.read_bytes(), type=Found) if path.exists() else None


def keep(folder: Path, found: Found) -> None:
    """Keep them, in place of those of the same engine and rows; groups that were not measured
    keep their figures.
    """
    (folder / "results").mkdir(parents=True, exist_ok=True)
    before = kept(folder, found.engine, found.rows)
    if before is not None:
        found.figures = {**before.figures, **found.figures}
    path = folder / "results" / f"{found.engine}-{found.rows}.json"
    path.write_text(_json(_rounded(found)), encoding="utf-8")


def _rounded(found: Found) -> dict[str, Any]:
    """Four digits: what a run can tell."""
    plain = msgspec.to_builtins(found)

    def walk(one: Any) -> Any:
        if isinstance(one, dict):
            return {name: walk(inner) for name, inner in one.items()}
        return float(f"{one:.4g}") if isinstance(one, float) else one

    return {name: walk(value) for name, value in plain.items()}


def _json(plain: dict[str, Any]) -> str:
    """A line for each measure, so that two runs can be compared by a diff."""
    groups = [
        f"  {json.dumps(group)}: {{\n   "
        + ",\n   ".join(f"{json.dumps(name)}: {json.dumps(one)}" for name, one in named.items())
        + "\n  }"
        for group, named in plain.pop("figures").items()
    ]
    head = [
        f" {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)},\n"
        for name, value in plain.items()
    ]
    return "{\n" + "".join(head) + ' "figures": {\n' + ",\n".join(groups) + "\n }\n}\n"


def text(folder: Path, found: Found, before: Found | None = None) -> str:
    """A run as text for a terminal, beside one that was kept."""
    lines = [_headline(found)]
    for group, named in found.figures.items():
        rows = [_row(found, before, group, name) for name in named]
        lines += ["", group, *_aligned([_titles(found, before, group), *rows])]
    return "\n".join([*lines, "", *_goal_lines(folder, found)])


def _headline(found: Found) -> str:
    noisy = (
        f" NOISY: the same work took up to {found.noise:.1f} times as long; trust ratios alone."
        if found.is_noisy
        else ""
    )
    return (
        f"{found.engine}, {found.rows:,} engagements, {found.date}, {found.commit}: "
        f"{found.machine['cores']} cores "
        f"({found.machine['model']}), Python {found.machine['python']}, {found.rounds} rounds of "
        f"{found.seconds:g} s; "
        f"made at {found.made_a_second:,.0f} a second; a flush takes {found.flush_ms:.2f} "
        f"ms.{noisy}"
    )


def _shown(found: Found, group: str) -> list[tuple[str, str, str]]:
    fields = {field for figures in found.figures[group].values() for field in figures}
    return [
        column
        for column in _COLUMNS
        if column[0] in fields and (group not in QUESTION_GROUPS or column[0] in _OF_QUESTIONS)
    ]


def _main_field(group: str) -> str:
    return "p50" if group in QUESTION_GROUPS else "start_s" if group == "start" else "rate"


def _titles(found: Found, before: Found | None, group: str) -> list[str]:
    compared = [f"kept {_main_field(group)}", "now ÷ kept", "CPU ÷ kept"] if before else []
    return ["", *(title for _, title, _ in _shown(found, group)), "spread", *compared]


def _row(found: Found, before: Found | None, group: str, name: str) -> list[str]:
    figures, main = found.figures[group][name], _main_field(group)
    cells = [
        format(figures[field].median, form) if field in figures else ""
        for field, _, form in _shown(found, group)
    ]
    spread = f"{figures[main].spread:.0%}" if main in figures else ""
    if before is None:
        return [name, *cells, spread]
    was = before.median(group, name, main)
    return [
        name,
        *cells,
        spread,
        "" if was is None else f"{was:,.2f}",
        *(
            f"{now / then:.2f}"
            if (then := before.median(group, name, field))
            and (now := found.median(group, name, field))
            else ""
            for field in (main, "cpu")
        ),
    ]


def _aligned(table: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[place]) for row in table) for place in range(len(table[0]))]
    return [
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in table
    ]


def _markdown(table: Sequence[Sequence[str]]) -> list[str]:
    head, *rows = table
    return [
        "| " + " | ".join(head) + " |",
        "|---" + "|--:" * (len(head) - 1) + "|",
        *("| " + " | ".join(row) + " |" for row in rows),
    ]


def _goal_lines(folder: Path, found: Found) -> list[str]:
    rows = [["goal", "measured", "by CPU", "wanted", ""], *goals.table(found, everything(folder))]
    return _aligned(rows) if len(rows) > 1 else []


def everything(folder: Path) -> list[Found]:
    """All runs that are kept."""
    paths = sorted((folder / "results").glob("*.json"))
    found = [msgspec.json.decode(path.read_bytes(), type=Found) for path in paths]
    return sorted(found, key=lambda one: (one.engine != "sqlite", one.rows))


def write(folder: Path) -> None:
    """Write the report and its plots from all runs that are kept."""
    runs = everything(folder)
    parts = [
        "# What `make bench` found",
        "",
        "Made by `make bench`; [README.md](README.md) says what each figure is.",
        "",
    ]
    growing = _growing(folder, runs)
    if growing:
        parts += ["## Growth", "", *growing]
    for found in runs:
        parts += _section(folder, found, runs)
    (folder / "report.md").write_text("\n".join(parts).rstrip() + "\n", encoding="utf-8")


def _section(folder: Path, found: Found, runs: Sequence[Found]) -> list[str]:
    parts = [f"## {found.engine}, {found.rows:,} engagements", "", _headline(found), ""]
    rows = goals.table(found, runs)
    if rows:
        parts += [
            "### Goals",
            "",
            *_markdown([["goal", "measured", "by CPU", "wanted", ""], *rows]),
            "",
        ]
    for group, named in found.figures.items():
        table = [_titles(found, None, group), *(_row(found, None, group, name) for name in named)]
        parts += [f"### {group.capitalize()}", "", *_markdown(table), ""]
    parts += _bars(folder, found)
    return parts


def _bars(folder: Path, found: Found) -> list[str]:
    """A plot of the rates, and one of the questions."""
    parts = []
    charts: tuple[tuple[str, str, Sequence[str], str], ...] = (
        ("rates", "requests a second", ("reference", "creates", "reads", "peers"), "rate"),
        ("questions", "milliseconds, p50", ("questions", "counts", "rollup"), "p50"),
    )
    for name, unit, groups, field in charts:
        values = [
            (label, figures[field].median)
            for group in groups
            for label, figures in found.figures.get(group, {}).items()
            if field in figures
        ]
        if values:
            file = f"{found.engine}-{found.rows}-{name}.svg"
            title = f"{found.engine}, {found.rows:,} engagements: {unit}"
            (folder / file).write_text(plots.bars(title, values), encoding="utf-8")
            parts += [f"![{title}]({file})", ""]
    return parts


def _growing(folder: Path, runs: Sequence[Found]) -> list[str]:
    """A plot for each engine of which several sizes are kept: each question's p50 by the number
    of engagements.
    """
    parts = []
    for engine in dict.fromkeys(found.engine for found in runs):
        sizes = [found for found in runs if found.engine == engine]
        if len(sizes) > 1:
            file, title = (
                f"{engine}-growth.svg",
                f"{engine}: p50 in milliseconds by the number of engagements",
            )
            (folder / file).write_text(plots.lines(title, _series(sizes)), encoding="utf-8")
            parts += [f"![{title}]({file})", ""]
    return parts


def _series(sizes: Sequence[Found]) -> dict[str, list[tuple[float, float]]]:
    names = [
        (group, name) for group in QUESTION_GROUPS[:3] for name in sizes[0].figures.get(group, {})
    ]
    return {
        name: [
            (float(found.rows), value)
            for found in sizes
            if (value := found.median(group, name, "p50"))
        ]
        for group, name in names
    }


if __name__ == "__main__":
    write(HERE)
