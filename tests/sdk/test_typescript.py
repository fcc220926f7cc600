"""DevRev's own TypeScript client, unmodified, against a live server."""

import os
import subprocess

import pytest

from tests.sdk import install
from tests.support.server import Client, Server


@pytest.fixture(scope="session")
def typescript() -> None:
    """The client, installed as locked; `make test` has done it already."""
    if not install.STAMP.exists():
        install.main()


@pytest.mark.timeout(180)
def test_the_official_client_drives_all_six_methods(server: Server, alice: Client, typescript: None) -> None:
    bob = server.make_user(alice)
    ran = subprocess.run(
        [str(install.node()), "engagements.mjs"], cwd=install.CLIENT, capture_output=True, text=True, timeout=60, check=False,
        env={"PATH": os.environ["PATH"], "RAPPORT_URL": server.url, "RAPPORT_TOKEN": alice.token,
             "RAPPORT_USER": alice.user, "RAPPORT_OTHER": bob.user},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    lines = ran.stdout.splitlines()
    assert len(lines) == 13
    assert all(line.startswith("ok: ") for line in lines), ran.stdout
