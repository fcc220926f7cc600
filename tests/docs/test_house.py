"""The pages about the house say what is so: its floors are those of the imports, its files
exist, pointers lead somewhere.
"""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "rapport"
HOUSE = (ROOT / "docs" / "house.md").read_text(encoding="utf-8")
BEHAVIOUR = (ROOT / "docs" / "reference" / "behaviour.md").read_text(encoding="utf-8")
_MODULES = sorted(
    [*SOURCE.rglob("*.py"), *SOURCE.rglob("*.sql"), *(ROOT / "tests").rglob("test_*.py")]
)


def _floors() -> list[str]:
    """The floors as the contract of imports has them, from the top."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers: list[str] = project["tool"]["importlinter"]["contracts"][0]["layers"]
    return layers


def test_the_picture_is_that_of_the_imports() -> None:
    picture = HOUSE.partition("```\n")[2].partition("```")[0].splitlines()
    assert [re.split(r"\s{2,}", line)[0] for line in picture] == _floors()


def test_every_room_is_in_the_picture() -> None:
    rooms = {
        path.name.removesuffix(".py")
        for path in SOURCE.iterdir()
        if path.name[0] not in "_." and path.name != "py.typed"
    }
    assert {room for floor in _floors() for room in re.split(r" [|:] ", floor)} == rooms


@pytest.mark.parametrize("page", ["docs/house.md", "CONTRIBUTING.md"])
def test_every_file_that_a_page_names_exists(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    named = re.findall(r"`([a-z_]+(?:/[a-z_0-9]+)*(?:\.py|/))`", text)
    assert named
    missing = [
        name for name in named if not (ROOT / name).exists() and not (SOURCE / name).exists()
    ]
    assert missing == []


def test_every_pointer_to_a_behaviour_leads_to_a_heading() -> None:
    headings = set(re.findall(r"^## (.+)$", BEHAVIOUR, re.MULTILINE))
    pointers = {
        (str(path.relative_to(ROOT)), heading)
        for path in _MODULES
        for heading in re.findall(r"\(behaviour: ([A-Z][^)]+)\)", _unwrapped(path))
    }
    assert pointers
    assert {(path, heading) for path, heading in pointers if heading not in headings} == set()


def _unwrapped(path: Path) -> str:
    """A module's text, with docstrings and comments on one line."""
    return re.sub(r"\s*\n\s*(?:# )?", " ", path.read_text(encoding="utf-8"))


def test_nothing_points_to_what_is_not_in_the_repository() -> None:
    elsewhere = re.compile(r"\bSPEC\b|\bthe facts\b|\.\./shared\b")
    here = Path(__file__)
    odd = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in _MODULES
        if path != here
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if elsewhere.search(line)
    ]
    assert odd == []
