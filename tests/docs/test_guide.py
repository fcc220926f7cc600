"""The guide's shell blocks are run as they stand, page by page, but for the address and the token.

A page's blocks run in one shell and one empty folder, in order. A `text` block behind a `sh` block is what that says.
"""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.server import Server

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "guide").glob("*.md"))
BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
MARK = "-- end of block --"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("demo") / "data", "--demo")
    yield running
    running.stop()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_shows_is_what_happens(page: Path, demo: Server, tmp_path: Path) -> None:
    blocks = BLOCK.findall(page.read_text(encoding="utf-8").replace("http://127.0.0.1:8080", demo.url))
    scripts: list[str] = []
    shown: dict[int, str] = {}
    for language, text in blocks:
        if language == "sh":
            scripts.append(text)
        else:
            shown[len(scripts) - 1] = text
    script = f"\necho; echo '{MARK}'\n".join(scripts)
    environment = {**os.environ, "TOKEN": demo.token}
    ended = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    said = ended.stdout.split(MARK)
    for position, text in shown.items():
        assert said[position].strip() == text.strip(), scripts[position]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target
