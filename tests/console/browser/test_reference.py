"""The API reference in a browser: it works, for everybody, on every screen, and asks no one else."""

import os

import pytest

from rapport.http.reference.page import Reference
from rapport.wire.openapi import document
from tests.console.browser.window import Window

PAGES = ["", "engagements.create", "errors", "guide/artifacts"]
if "RAPPORT_TEST_LONG" in os.environ:
    PAGES = [one for one in Reference(document(version="1")).names if one != "search.json"]
pytestmark = pytest.mark.timeout(300)  # the first one installs the browser


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_for_everybody_on_every_screen(window: Window, page: str) -> None:
    window.open(f"/docs/{page}" if page else "/docs")
    assert window.shifts() == 0
    window.fits()
    window.is_accessible()
