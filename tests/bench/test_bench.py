"""The benchmark runs: a small store, one round, a moment each."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("bench")
    ran = subprocess.run(
        [
            sys.executable,
            "-m",
            "bench.run",
            "--rows",
            "2000",
            "--rounds",
            "1",
            "--seconds",
            "0.1",
            "--keep",
            "--only",
            "questions,counts,rollup,mixed",
            "--cache",
            folder / "cache",
            "--report",
            folder,
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return (
        folder,
        ran.stdout,
        msgspec.json.decode((folder / "results" / "sqlite-2000.json").read_bytes()),
    )


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_question_is_measured_and_none_is_refused(run: Any) -> None:
    _, said, found = run
    figures = {name: one for group in found["figures"].values() for name, one in group.items()}
    assert {
        "an account with 3",
        "count: a common tag",
        "roll-up: a common account",
        "mixed, 16",
    } <= figures.keys()
    for name, one in figures.items():
        assert one["rate"][0] > 0, name
        assert one["errors"][0] == 0, (name, said)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_report_has_its_goals_and_its_plots(run: Any) -> None:
    folder, _, _ = run
    report = (folder / "report.md").read_text(encoding="utf-8")
    assert "| questions within their goals |" in report
    for plot in folder.glob("*.svg"):
        assert f"({plot.name})" in report
    assert (folder / "sqlite-2000-questions.svg").read_text(encoding="utf-8").startswith("<svg")
