"""DevRev's own TypeScript client, unmodified, against a live server: a script per family."""

import os
import re
from pathlib import Path

import pytest

from rapport.contract.kit.method import READ
from rapport.contract.table import METHODS
from tests.sdk import install
from tests.support.program import checks
from tests.support.server import Client, Server

SCRIPTS = sorted(path for path in install.CLIENT.glob("*.mjs") if path.stem != "checks")
pytestmark = pytest.mark.timeout(300)  # the first one installs the client
# The client's own names for methods, where they are not the method's.
NAMES = {"artifacts.versions.delete": "artifactsHardDeleteVersion"}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
@pytest.mark.usefixtures("typescript")
def test_the_official_client_drives_a_family(script: Path, server: Server, alice: Client) -> None:
    bob = server.make_user(alice)
    checks(
        [install.node(), script],
        cwd=install.CLIENT,
        PATH=os.environ["PATH"],
        RAPPORT_URL=server.url,
        RAPPORT_TOKEN=alice.token,
        RAPPORT_USER=alice.user,
        RAPPORT_OTHER=bob.user,
    )


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_family_is_driven_whole_and_reads_in_both_forms(script: Path) -> None:
    called = set(re.findall(r"\b(?:api|program)\.(\w+)", script.read_text(encoding="utf-8")))
    for method in METHODS.values():
        if method.family == script.stem and not method.ours:
            name = NAMES.get(method.name) or re.sub(
                r"[.-](\w)", lambda found: found[1].upper(), method.name
            )
            assert {name, f"{name}Post"} & called == (
                {name, f"{name}Post"} if method.effect == READ else {name}
            )
