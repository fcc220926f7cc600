"""The examples of docs/guide/tokens.md, run as they stand but for the port."""

import shlex
from pathlib import Path

import pytest

from tests.support import guide
from tests.support.server import Server

PAGE = "tokens.md"
HTTPS = "https://localhost:8080"


@pytest.mark.timeout(240)
def test_the_examples_print_what_the_page_says(tmp_path: Path) -> None:
    server = Server(tmp_path / "rapport-data", "--demo")
    plain = [example for example in guide.examples(PAGE) if HTTPS not in example.code]
    assert len(plain) > 7
    guide.run(plain, tmp_path, replace={"http://127.0.0.1:8080": server.url}, TOKEN=server.token)
    assert server.stop() == 0


def test_https_for_development_works_as_the_page_says(tmp_path: Path) -> None:
    commands = [example.code for example in guide.examples(PAGE, "sh") if "--tls dev" in example.code]
    assert len(commands) == 1
    program, command, *flags = shlex.split(commands[0])
    assert (program, command) == ("rapport", "serve")
    server = Server(tmp_path / "rapport-data", *flags)
    secure = [example for example in guide.examples(PAGE) if HTTPS in example.code]
    assert len(secure) == 1
    guide.run(secure, tmp_path, replace={HTTPS: f"https://localhost:{server.port}"})
    assert server.stop() == 0
