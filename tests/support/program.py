"""Programs that tests start, and whose printed lines are their checks."""

import subprocess
from collections.abc import Sequence
from pathlib import Path


def checks(command: Sequence[str | Path], *, cwd: Path, **environment: str) -> None:
    """Run a program that prints `ok: …` for each of its checks, and nothing else when all is well.

    Args:
        command: the program and its arguments.
        cwd: to run in.
        environment: all of it.
    """
    ended = subprocess.run(
        [str(part) for part in command],
        env=environment,
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
    )
    lines = ended.stdout.splitlines()
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert lines
    assert all(line.startswith("ok: ") for line in lines), ended.stdout
