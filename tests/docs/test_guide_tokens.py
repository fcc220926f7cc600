"""HTTPS as docs/guide/tokens.md shows it: the server started by the page's own command."""

import shlex
from pathlib import Path

from tests.support import guide
from tests.support.server import Server

PAGE = "tokens.md"


def test_https_for_development_works_as_the_page_says(tmp_path: Path) -> None:
    commands = [
        example.code for example in guide.examples(PAGE, "console") if "--tls dev" in example.code
    ]
    assert len(commands) == 1
    program, command, *flags = shlex.split(commands[0])
    assert (program, command) == ("rapport", "serve")
    server = Server(tmp_path / "rapport-data", *flags)
    secure = [example for example in guide.examples(PAGE) if guide.HTTPS in example.code]
    assert len(secure) == 1
    guide.run(secure, tmp_path, replace={guide.HTTPS: f"https://localhost:{server.port}"})
    assert server.stop() == 0
