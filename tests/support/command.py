"""The `rapport` command as an operator runs it: a process, a folder, an environment."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple


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


def rapport(folder: Path, *arguments: str, **environment: str) -> Ran:
    """Run `rapport` in a folder."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RAPPORT_")}
    done = subprocess.run(
        [sys.executable, "-m", "rapport", *arguments], capture_output=True, text=True, timeout=50, check=False,
        cwd=folder, env={**clean, "COLUMNS": "200", **environment},
    )  # fmt: skip
    return Ran(done.returncode, done.stdout, done.stderr)
