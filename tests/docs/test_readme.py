"""The README's examples are run as they stand, but for the address and the token."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sdk.install import node
from tests.support.server import Server

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("demo") / "data", "--demo")
    yield running
    running.stop()


def example(language: str, containing: str, server: Server) -> str:
    blocks = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    found = [block for block in blocks if containing in block]
    assert len(found) == 1, f"the README has {len(found)} blocks of {language} with {containing}"
    return str(found[0]).replace("http://127.0.0.1:8080", server.url)


def run(command: list[str], server: Server, folder: Path) -> str:
    environment = {**os.environ, "TOKEN": server.token}
    ended = subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_the_curl_line_records_an_engagement(demo: Server, tmp_path: Path) -> None:
    said = run(["bash", "-c", example("sh", "curl", demo)], demo, tmp_path)
    assert '"title":"Renewal call"' in said


def test_the_typescript_example_finds_what_it_recorded(
    demo: Server, typescript: Path, tmp_path: Path
) -> None:
    (tmp_path / "node_modules").symlink_to(typescript)
    (tmp_path / "example.mjs").write_text(
        example("js", "engagementsCreate", demo), encoding="utf-8"
    )
    assert run([str(node()), "example.mjs"], demo, tmp_path) == "Renewal call\n"


def test_the_python_example_finds_what_it_recorded(demo: Server, tmp_path: Path) -> None:
    assert (
        run([sys.executable, "-c", example("python", "httpx", demo)], demo, tmp_path)
        == "Renewal call\n"
    )


def test_what_the_pages_call_a_command_is_one() -> None:
    targets = re.findall(
        r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE
    )
    for page in (ROOT / "README.md", *(ROOT / "docs" / "guide").glob("*.md")):
        assert set(
            re.findall(r"(?:^|`)make ([a-z]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
        ) <= set(targets)


def test_every_link_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
