"""A server with the demo's org and one create for it, for the benchmarks that compare servers
rather than stores.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from bench.load import Load, Plan, Result, Stream
from bench.server import ENVIRONMENT, ROOT, SERVER_CORE, on_core

SECONDS = float(os.environ.get("SECONDS_EACH", "8"))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
CONNECTIONS = (1, 16, 64)
BODY = json.dumps({
    "members": ["DEVU-12345"], "parent": "ACC-12345", "scheduled_date": "2023-01-01T12:00:00.000Z",
    "title": "Renewal call", "engagement_type": "call",
    "description": "They want single sign-on before the rollout.", "tags": [{"id": "TAG-12345"}],
})  # fmt: skip
CREATE = ("/engagements.create", BODY)
GET = ("/engagements.get?id=ENGAGEMENT-1", "")


def start(
    data: Path, *flags: str, pinned: bool = True, **environment: str
) -> tuple["subprocess.Popen[str]", str, str]:
    """A server, on the first core if it is pinned, its URL and the token that it shows at first."""
    where = on_core(SERVER_CORE) if pinned else []
    server = subprocess.Popen(
        [
            *where,
            sys.executable,
            "-m",
            "rapport",
            "serve",
            "--demo",
            "--data",
            str(data),
            "--port",
            "0",
            *flags,
        ],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **ENVIRONMENT, **environment},
        cwd=ROOT,
    )
    assert server.stdout is not None
    token = ""
    for line in server.stdout:
        token = match[0] if (match := re.search(r"rpt_\w+", line)) else token
        if url := re.search(r"http://\S+:\d+", line):
            return server, url[0], token
    raise SystemExit("the server did not start")


def creates(load: Load, url: str, token: str, connections: int) -> Result:
    """Creates from so many connections."""
    return load.run(Plan(url, token, SECONDS, [Stream(connections, [CREATE])]))["load"]
