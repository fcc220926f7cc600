"""What docs/guide/clients.md shows of each client, over HTTPS, each in its own environment."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sdk import install
from tests.support import guide, proxy
from tests.support.program import checks
from tests.support.server import Server

PAGE = "clients.md"
pytestmark = pytest.mark.timeout(300)  # the first one installs the client
ONE_TOOL = guide.ROOT / "tests" / "sdk" / "scripts" / "one_tool.py"
CONFIGURED = [
    json.loads(example.code)["mcpServers"]["rapport"] for example in guide.examples(PAGE, "json")
]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server that the page's own command starts."""
    (command,) = [
        example.code for example in guide.examples(PAGE, "console") if "--tls dev" in example.code
    ]
    program, verb, *flags = shlex.split(command)
    assert (program, verb) == ("rapport", "serve")
    running = Server(tmp_path_factory.mktemp("clients") / "rapport-data", *flags)
    yield running
    assert running.stop() == 0


def here(server: Server) -> dict[str, str]:
    """What a reader would change."""
    return {
        guide.HTTPS: f"https://localhost:{server.port}",
        "rpt_…": server.token,
        "/srv/rapport-data": str(server.data),
    }


def run(program: Path, example: guide.Example, file: Path, server: Server) -> None:
    assert guide.HTTPS in example.code
    file.write_text(guide.changed(example.code, here(server)), encoding="utf-8")
    environment = {"PATH": os.environ["PATH"], "TOKEN": server.token, **server.trust}
    ended = subprocess.run(
        [program, file],
        env=environment,
        cwd=file.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
    )
    assert ended.returncode == 0, ended.stderr
    guide.compare(example, ended.stdout, here(server))


def test_the_shell_examples_trust_the_server(demo: Server) -> None:
    (example,) = [example for example in guide.examples(PAGE) if guide.HTTPS in example.code]
    guide.run([example], demo.data.parent, replace=here(demo))


def test_the_typescript_example(demo: Server, typescript: Path, tmp_path: Path) -> None:
    (example,) = guide.examples(PAGE, "js")
    (tmp_path / "node_modules").symlink_to(typescript)
    run(install.node(), example, tmp_path / "example.mjs", demo)


@pytest.mark.parametrize("example", guide.examples(PAGE, "python"), ids=["httpx", "sync", "async"])
def test_a_python_example(
    example: guide.Example, demo: Server, sdk_python: Path, tmp_path: Path
) -> None:
    python = sdk_python if "from devrev" in example.code else Path(sys.executable)
    run(python, example, tmp_path / "example.py", demo)


def test_the_sdks_mcp_server_as_it_is_configured(
    demo: Server, sdk_python: Path, tmp_path: Path
) -> None:
    configured = next(one for one in CONFIGURED if one["command"] == "devrev-mcp-server")
    variables = {
        name: guide.changed(value, here(demo)) for name, value in configured["env"].items()
    }
    asked = ["devrev_dev_users_get", '{"id": "DEVU-12345"}', "alex@demo.example"]
    checks([sdk_python, ONE_TOOL, configured["command"], *asked], cwd=tmp_path, **variables)


def test_devrevs_mcp_server_as_it_is_configured(
    demo: Server, mcp_python: Path, tmp_path: Path
) -> None:
    configured = next(one for one in CONFIGURED if one["command"] == "devrev-mcp")
    asked = ["get_current_user", "{}", "alex@demo.example"]
    with proxy.leading(proxy.FIXED, demo.port) as through:
        replaced = {**here(demo), "http://127.0.0.1:3128": through["HTTPS_PROXY"]}
        variables = {
            name: guide.changed(value, replaced) for name, value in configured["env"].items()
        }
        assert variables["HTTPS_PROXY"] == through["HTTPS_PROXY"]
        checks([mcp_python, ONE_TOOL, configured["command"], *asked], cwd=tmp_path, **variables)
