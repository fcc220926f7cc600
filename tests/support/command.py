"""The `rapport` command as an operator runs it: in a folder, with an environment."""

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from rapport.cli.main import main


class Ran(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """The one JSON object that it printed, and nothing else, having succeeded.

        Raises:
            AssertionError: it did not.
        """
        assert self.code == 0, self
        assert len(self.out.splitlines()) == 1, self.out
        printed = json.loads(self.out)
        assert isinstance(printed, dict)
        return printed

    def sentence(self) -> str:
        """The one line on standard error with which it was refused.

        Raises:
            AssertionError: it was not, or said more.
        """
        assert self.code == 1, self
        assert self.out == ""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("rapport: ")
        return lines[0]


def _own_environment() -> dict[str, str]:
    """The environment without settings, and wide."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RAPPORT_")}
    return {**clean, "COLUMNS": "200"}


def rapport(folder: Path, *arguments: str, **environment: str) -> Ran:
    """Run `rapport` in a folder, within this process: a start of Python takes longer than most
    commands.
    """
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patched, redirect_stdout(out), redirect_stderr(err):
        patched.chdir(folder)
        patched.setattr(os, "environ", {**_own_environment(), **environment})
        patched.setattr(sys, "argv", ["rapport", *arguments])
        try:
            main()
            code = 0
        except SystemExit as stopped:
            code = int(stopped.code or 0)
    return Ran(code, out.getvalue(), err.getvalue())


def rapport_process(folder: Path, *arguments: str, **environment: str) -> Ran:
    """Run `rapport` as a process."""
    done = subprocess.run(
        [sys.executable, "-m", "rapport", *arguments],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
        cwd=folder,
        env={**_own_environment(), **environment},
    )
    return Ran(done.returncode, done.stdout, done.stderr)
