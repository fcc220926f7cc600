"""The guide's shell blocks are run as they stand, page by page, but for the address and the token.

A page's `sh` blocks run in one shell, in order, beside the data folder of a demo server of its own.
A `text` block behind one is what that prints. `console` blocks start servers, and are not run here.
"""

import re
from pathlib import Path

import pytest

from tests.support import guide
from tests.support.server import Server

PAGES = sorted((guide.ROOT / "docs" / "guide").glob("*.md"))


@pytest.mark.timeout(240)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_shows_is_what_happens(page: Path, tmp_path: Path) -> None:
    # The page on webhooks asks its reader for this.
    demo = Server(tmp_path / "rapport-data", "--demo", RAPPORT_WEBHOOK_ALLOW_PRIVATE="1")
    plain = [example for example in guide.examples(page.name) if guide.HTTPS not in example.code]
    assert plain
    try:
        guide.run(plain, tmp_path, replace={guide.HTTP: demo.url}, TOKEN=demo.token)
    finally:
        code = demo.stop()
    assert code == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target
