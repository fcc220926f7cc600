"""devrev-Python-SDK, unmodified and in an environment of its own, against a live server over
HTTPS.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.program import checks
from tests.support.server import Client, Server

pytestmark = pytest.mark.timeout(300)  # the first one installs the client


def given(server: Server, admin: Client) -> dict[str, str]:
    """What the SDK can't make, or what other things need: made without it."""

    def call(method: str, **request: Any) -> Any:
        return json.loads(
            server.run("call", method=method, body=json.dumps(request), org=admin.org)["body"]
        )

    made = call("accounts.create", display_name="Globex")
    user, other = call("dev-users.self")["dev_user"]["id"], server.make_user(admin).user
    account = made["account"]["id"]
    deal = call(
        "works.create",
        type="opportunity",
        title="Deal",
        account=account,
        applies_to_part="PROD-1",
        owned_by=[user],
    )
    meeting = call(
        "meetings.create",
        title="Review",
        channel="zoom",
        state="scheduled",
        members=[user],
        scheduled_date="2023-06-01T12:00:00Z",
    )
    return {
        "meeting": meeting["meeting"]["id"],
        "user": user,
        "other": call("dev-users.get", id=other)["dev_user"]["id"],
        "account": account,
        "rev_org": made["default_rev_org"]["id"],
        "opportunity": deal["work"]["id"],
    }


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_the_sdk_drives_every_family_that_it_offers(
    mode: str, secure: Server, sdk_python: Path, tmp_path: Path
) -> None:
    alice = secure.make_org()
    script = Path(__file__).parent / "scripts" / "sdk.py"
    checks(
        [sdk_python, script, mode],
        cwd=tmp_path,
        RAPPORT_URL=secure.url,
        RAPPORT_TOKEN=alice.token,
        RAPPORT_GIVEN=json.dumps(given(secure, alice)),
        **secure.trust,
    )
