"""Keep the demo store of the program as it is, for `test_upgrade.py`: its rows, and what it answers.

`python -m tests.upgrade.keep`, once for each schema that goes out; with PYTHONPATH, of an older
program. Writes `kept/<version>.json.gz`.
"""

import gzip
import json
import re
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx

KEPT = Path(__file__).parent / "kept"
# What stands in an answer only because of when or by whom it was asked for.
_PASSING = {"next_cursor", "prev_cursor"}


class Asker:
    """Asks a server."""

    def __init__(self, url: str, token: str) -> None:
        self._http = httpx.Client(base_url=url, headers={"authorization": f"Bearer {token}"})

    def ok(self, method: str, request: dict[str, Any]) -> dict[str, Any]:
        """An answer, without what is passing."""
        answer = self._http.post(method, json=request)
        assert answer.is_success, (method, answer.text)
        body = answer.json() if answer.content else {}
        return {name: value for name, value in body.items() if name not in _PASSING}

    def close(self) -> None:
        """Close its connections."""
        self._http.close()


def main() -> None:
    """Make a demo store, change it a little, keep it."""
    with tempfile.TemporaryDirectory() as name:
        data = Path(name, "data")
        command = [sys.executable, "-m", "rapport", "serve", "--demo", "--port", "0"]
        with subprocess.Popen(
            [*command, "--data", str(data)], stdout=subprocess.PIPE, text=True
        ) as server:
            try:
                asker = _asker(server)
                _change(asker)
                answers = [
                    (method, request, asker.ok(method, request))
                    for method, request in _questions(asker)
                ]
                asker.close()
            finally:
                server.terminate()
        version, tables = _tables(data / "rapport.db")
    # No token's hash, and no secret of a webhook, stays in the repository.
    tables["tokens"]["rows"] = []
    secret = tables["webhooks"]["columns"].index("secret")
    (webhook,) = tables["webhooks"]["rows"]
    kept = {"version": version, "tables": tables, "answers": answers}
    text = json.dumps(kept, ensure_ascii=False).replace(webhook[secret], "A" * 43 + "=")
    # Without a time in it, the same store is the same file.
    packed = gzip.compress(text.encode(), mtime=0)
    KEPT.mkdir(exist_ok=True)
    file = KEPT / f"{version:04}.json.gz"
    file.write_bytes(packed)
    print(f"{file}: {len(packed)} bytes, {len(answers)} answers")  # noqa: T201


def _asker(server: subprocess.Popen[str]) -> Asker:
    assert server.stdout is not None
    token = ""
    for line in server.stdout:
        if found := re.search(r"rpt_\w+", line):
            token = found[0]
        if found := re.search(r"http://[^ ]+:\d+", line):
            return Asker(found[0], token)
    raise AssertionError("the server ended")


def _change(asker: Asker) -> None:
    """Do what the demo does not: comment, edit, delete."""
    first, second, third = asker.ok("engagements.list", {"limit": 3})["engagements"]
    asker.ok(
        "timeline-entries.create",
        {"type": "timeline_comment", "object": first["id"], "body": "Said"},
    )
    asker.ok("engagements.update", {"id": second["id"], "title": "Ändert sich"})
    asker.ok("engagements.delete", {"id": third["id"]})
    asker.ok(
        "webhooks.create", {"url": "https://hooks.example.test/", "event_types": ["tag_created"]}
    )


def _questions(asker: Asker) -> list[tuple[str, dict[str, Any]]]:
    """Of every list the first page, and what hangs on a few objects."""
    all_: dict[str, Any] = {"limit": 100}
    families = ("accounts", "dev-users", "engagements", "rev-orgs", "rev-users", "tags", "works")
    asked = [(f"{family}.list", all_) for family in (*families, "artifacts", "webhooks")]
    asked.append(("events.list", {"limit": 20}))
    # By each order and filter that an index of its own serves.
    (account, *_) = asker.ok("accounts.list", all_)["accounts"]
    (member, *_) = asker.ok("dev-users.list", all_)["dev_users"]
    (tag, *_) = asker.ok("tags.list", all_)["tags"]
    filters: list[dict[str, Any]] = [
        {},
        {"parent": [account["id"]]},
        {"members": [member["id"]]},
        {"tags": [tag["id"]]},
        {"type": ["call"]},
    ]
    for one in filters:
        asked.append(("engagements.count", one))
        asked.append(("engagements.list", {**one, "limit": 20, "sort_by": ["scheduled_date:asc"]}))
    asked.append(("links.list", {"object": account["id"]}))
    asked.append(("timeline-entries.list", {"object": account["id"], "limit": 20}))
    asked += [
        ("timeline-entries.list", {"object": one["id"]})
        for one in asker.ok("engagements.list", {"limit": 3})["engagements"]
    ]
    return asked


def _tables(file: Path) -> tuple[int, dict[str, Any]]:
    """The last migration, and every table's columns and rows."""
    store = sqlite3.connect(file)
    names = [
        name
        for (name,) in store.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1"
        )
    ]
    tables = {}
    for name in names:
        found = store.execute(f'SELECT * FROM "{name}"')  # the schema's own names
        columns = [column[0] for column in found.description]
        tables[name] = {"columns": columns, "rows": found.fetchall()}
    (version,) = store.execute("SELECT max(version) FROM migrations").fetchone()
    store.close()
    return version, tables


if __name__ == "__main__":
    main()
