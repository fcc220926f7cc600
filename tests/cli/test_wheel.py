"""What is installed from the package, without the repository beside it."""

import email
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from email.message import Message
from pathlib import Path

import pytest

from tests.support.server import Server

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, built from the working tree."""
    folder = tmp_path_factory.mktemp("wheel")
    succeed(
        sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)
    )
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture
def metadata(wheel: Path) -> Message:
    """What the package says of itself."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return email.message_from_bytes(archive.read(name))


@pytest.fixture(scope="module")
def lowest(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with the package and the lowest versions that it says it
    works with.
    """
    folder = tmp_path_factory.mktemp("lowest") / "venv"
    python = folder / "bin" / "python"
    uv = (str(Path(sys.executable).with_name("uv")), "--no-config")
    install = (*uv, "pip", "install", "--quiet", "--python", str(python))
    succeed(*uv, "venv", "--quiet", "--python", sys.executable, str(folder))
    succeed(*install, "--resolution", "lowest-direct", "--requirement", "pyproject.toml")
    succeed(*install, "--no-deps", str(wheel))
    return python


@pytest.fixture(scope="module")
def serving(lowest: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The demo on those versions."""
    running = Server(tmp_path_factory.mktemp("server") / "data", "--demo", python=lowest)
    yield running
    assert running.stop() == 0


def succeed(*command: str, **environment: str) -> str:
    """Run a command at the repository's root; what it prints."""
    ended = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_type_checkers_are_told_that_it_is_typed(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        assert "rapport/py.typed" in archive.namelist()


def test_its_description_needs_no_file_beside_it(metadata: Message) -> None:
    description = str(metadata.get_payload())
    assert "pip install rapport-server" in description
    for target in re.findall(r"\]\(([^)]*)\)|<(?:img|a)\b[^>]*", description):
        assert target.startswith("https://"), target


def test_a_uvicorn_that_nobody_has_tried_is_not_installed(metadata: Message) -> None:
    (needed,) = (one for one in metadata.get_all("Requires-Dist", []) if one.startswith("uvicorn"))
    assert "<" in needed


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.parametrize("arguments", [("--version",), ("serve", "--help")])
def test_commands_run_on_the_lowest_versions(lowest: Path, arguments: tuple[str, ...]) -> None:
    assert succeed(str(lowest.with_name("rapport")), *arguments)


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_the_description_s_request_is_answered_on_the_lowest_versions(
    serving: Server, metadata: Message
) -> None:
    (example,) = re.findall(
        r"^curl .*?(?=^```)", str(metadata.get_payload()), re.MULTILINE | re.DOTALL
    )
    said = succeed(
        "bash", "-c", example.replace("http://127.0.0.1:8080", serving.url), TOKEN=serving.token
    )
    assert '"title":"Renewal call"' in said


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_refusals_files_and_pages_are_as_ever_on_the_lowest_versions(serving: Server) -> None:
    alice = serving.make_org("Alice's")
    assert alice.call("engagements.create", {"title": 7}).status == 400
    assert alice.download(alice.upload(b"kept")).content == b"kept"
    assert serving.http.get(f"{serving.url}/healthz").status_code == 200
    for page in ("docs", "docs/engagements.create", "docs/errors", "openapi.json"):
        assert serving.http.get(f"{serving.url}/{page}").status_code == 200


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_the_guides_are_in_the_package_and_served_on_the_lowest_versions(serving: Server) -> None:
    for guide in (ROOT / "docs" / "guide").glob("*.md"):
        answer = serving.http.get(f"{serving.url}/docs/guide/{guide.stem}")
        assert answer.status_code == 200
        assert "<h1 id=" in answer.text


def test_a_wheel_made_of_the_source_distribution_has_the_guides_too(tmp_path: Path) -> None:
    hatchling = (sys.executable, "-m", "hatchling", "build", "--directory")
    succeed(*hatchling, str(tmp_path), "--target", "sdist")
    (source,) = tmp_path.glob("*.tar.gz")
    succeed("tar", "--extract", "--file", str(source), "--directory", str(tmp_path))
    (folder,) = (one for one in tmp_path.iterdir() if one.is_dir())
    succeed(
        "bash",
        "-c",
        'cd "$1" && shift && "$@"',
        "-",
        str(folder),
        *hatchling,
        str(tmp_path),
        "--target",
        "wheel",
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = {Path(name).name for name in archive.namelist() if "/reference/guide/" in name}
    assert names == {guide.name for guide in (ROOT / "docs" / "guide").glob("*.md")}


@pytest.mark.long
@pytest.mark.timeout(300)
def test_pipx_installs_the_wheel_which_serves_and_completes(wheel: Path, tmp_path: Path) -> None:
    places = {"PIPX_HOME": str(tmp_path / "pipx"), "PIPX_BIN_DIR": str(tmp_path / "bin")}
    uv = (str(Path(sys.executable).with_name("uv")), "--no-config")
    succeed(*uv, "tool", "run", "pipx", "install", str(wheel), **places)
    rapport = tmp_path / "bin" / "rapport"
    words = {"_RAPPORT_COMPLETE": "complete_bash", "COMP_WORDS": "rapport back", "COMP_CWORD": "1"}
    assert succeed(str(rapport), **words).split() == ["backup"]
    installed = tmp_path / "pipx" / "venvs" / "rapport-server" / "bin" / "python"
    server = Server(tmp_path / "data", python=installed)
    assert server.make_org("Alice's").engagement()["title"] == "A call"
    assert server.stop() == 0
