"""The reference pages say what the code does."""

import re
from pathlib import Path

import pytest

from tests.docs.make import AGAIN, REFERENCE, pages

PAGES = pages()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_is_what_the_code_says(page: Path) -> None:
    assert page.exists(), AGAIN
    assert page.read_text(encoding="utf-8") == PAGES[page], AGAIN


def test_every_option_that_takes_something_says_what() -> None:
    commands = PAGES[REFERENCE / "commands.md"]
    flags = set(re.findall(r"^\| `(--[a-z-]+)` \|", commands, re.MULTILINE))
    own = {"--demo", "--any-age", "--yes", "--keep-webhooks", "--deep", "--fix"}
    moving = {"--deleted", "--events", "--no-files", "--bom", "--create-people", "--dry-run"}
    assert flags == {"--json"} | own | moving
    assert "| `--port PORT` | The port to listen on" in commands


def test_the_hidden_ways_of_workers_are_on_no_page() -> None:
    assert "--worker " not in "".join(PAGES.values())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", PAGES[page]):
        assert (page.parent / target).exists(), target
