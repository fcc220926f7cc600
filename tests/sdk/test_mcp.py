"""Both MCP servers for DevRev, unmodified, driven by a real MCP client over stdio."""

import json
from pathlib import Path

import httpx
import pytest

from tests.sdk.test_python import given
from tests.support import proxy
from tests.support.program import checks
from tests.support.server import Server

SCRIPTS = Path(__file__).parent / "scripts"
pytestmark = pytest.mark.timeout(300)  # the first one installs the client


def test_the_sdks_mcp_server_has_tools_for_most_families(
    secure: Server, sdk_python: Path, tmp_path: Path
) -> None:
    alice = secure.make_org()
    checks(
        [sdk_python, SCRIPTS / "sdk_mcp.py"],
        cwd=tmp_path,
        RAPPORT_GIVEN=json.dumps(given(secure, alice)),
        DEVREV_API_TOKEN=alice.token,
        DEVREV_BASE_URL=secure.url,
        **secure.trust,
    )


def test_devrevs_mcp_server_is_led_here_by_a_proxy(
    secure: Server, mcp_python: Path, tmp_path: Path
) -> None:
    alice = secure.make_org()
    with proxy.leading(proxy.FIXED, secure.port) as through:
        checks(
            [mcp_python, SCRIPTS / "devrevs_mcp.py"],
            cwd=tmp_path,
            DEVREV_API_KEY=alice.token,
            RAPPORT_GIVEN=json.dumps(given(secure, alice)),
            **secure.trust,
            **through,
        )


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        f"https://{proxy.FIXED}:444",
        f"http://{proxy.FIXED}",
        "http://127.0.0.1",
    ],
)
def test_the_proxy_leads_to_nowhere_else(url: str, secure: Server) -> None:
    with proxy.leading(proxy.FIXED, secure.port) as through:
        try:
            answer = httpx.get(url, proxy=through["HTTPS_PROXY"])
        except httpx.ProxyError as refusal:
            assert "403" in str(refusal)
        else:
            assert answer.status_code == 403
