"""How SQLite goes about the program's statements: what is slow with many rows shows in the plan, without them."""

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from rapport import __version__
from rapport.auth.caller import Caller
from rapport.blobs.local import LocalBlobs
from rapport.clock import DAY, system_clock
from rapport.contract.kit.errors import ApiError
from rapport.contract.kit.fields import Json
from rapport.contract.table import METHODS
from rapport.jobs.clean import Cleaner
from rapport.operations import demo
from rapport.serving.installation import open_data
from rapport.settings import load
from rapport.wire import openapi
from rapport.wire.decode import RequestDecoder
from rapport.wire.examples import example

ADMIN = Caller(demo.ORG, "DEVU-12345", "admin")
# Beside the document's examples: what loads summaries, and a tag that much has.
MORE: list[tuple[str, Json]] = [
    ("engagements.list", {"expand": ["members:get_user", "parents:get_parent", "tags:get_tag", "artifacts:get_artifact"]}),
    ("timeline-entries.list", {"object": "ACC-12345", "rollup": True}),
    ("works.list", {"stage": {"name": ["discovery"]}, "tags": ["TAG-12345"]}),
    ("tags.delete", {"id": "TAG-12345"}),
]  # fmt: skip
# Few rows, whatever is stored: an org's one of each, or what an operator made by hand.
SMALL = {"orgs", "event_floors", "webhooks", "migrations"}


@pytest.fixture
def seen() -> Iterator[set[str]]:
    """The statements of every connection that is opened from now on."""
    statements: set[str] = set()

    def note(_cursor: apsw.Cursor, sql: str, _bindings: Any) -> bool:
        statements.add(sql)
        return True

    def trace(connection: apsw.Connection) -> None:
        connection.exec_trace = note

    apsw.connection_hooks.append(trace)
    yield statements
    apsw.connection_hooks.remove(trace)


async def _run_everything(folder: Path, seen: set[str]) -> set[str]:
    """Call every method, the ones that delete last; the names of those that did something."""
    async with open_data(load({"data": folder})) as opened:
        seen.clear()  # A migration may take its time.
        await demo.fill(opened.store, opened.blobs, system_clock)
        schemas = openapi.document(version=__version__)["components"]["schemas"]
        calls = [(method.name, example(method, schemas)) for method in METHODS.values()] + MORE
        done = set()
        for name, request in sorted(calls, key=lambda call: ("delete" in call[0], call[0] != "tags.delete")):
            decoder = RequestDecoder(METHODS[name].request, strict=False)
            try:
                await opened.invoker.invoke(ADMIN, METHODS[name], decoder.from_body(json.dumps(request).encode()))
            except ApiError:
                continue
            done.add(name)
        blobs = LocalBlobs(folder / "blobs")
        cleaner = Cleaner(opened.store, blobs, lambda: system_clock() + 400 * DAY, orphan_seconds=1)
        for clean in (cleaner.remove_orphans, cleaner.forget_keys, cleaner.forget_deliveries, cleaner.forget_events):
            await clean()
        return done


def _loops(connection: apsw.Connection, sql: str) -> Iterator[list[str]]:
    """The loops of each part of a statement, from the outermost."""
    bindings = dict.fromkeys(re.findall(r":(\w+)", sql), "[]")
    parts: dict[int, list[str]] = {}
    for _, parent, _, step in connection.execute(f"EXPLAIN QUERY PLAN {sql}", bindings):
        if step.startswith(("SCAN", "SEARCH")):
            parts.setdefault(parent, []).append(step)
    yield from parts.values()


def test_no_statement_reads_a_list_again_for_each_row_or_a_whole_table(tmp_path: Path, seen: set[str]) -> None:
    done = asyncio.run(_run_everything(tmp_path / "data", seen))
    assert {"tags.delete", "engagements.list", "engagements.update", "works.list", "rev-users.list"} <= done
    statements = {sql for sql in seen if re.match(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b", sql)}
    assert len(statements) > 120
    connection = apsw.Connection(str(tmp_path / "data" / "rapport.db"))
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    slow = []
    for sql in statements:
        names = {alias: table for table, alias in re.findall(r"\b(\w+) (?:AS )?(\w+)\b", sql) if table in tables}
        for loops in _loops(connection, sql):
            again = [step for step in loops[1:] if "VIRTUAL TABLE" in step]
            scanned = [match[1] for step in loops if (match := re.match(r"SCAN (\w+)", step))]
            whole = {names.get(name, name) for name in scanned} & tables - SMALL
            if again or whole:
                slow.append((" ".join(sql.split()), loops))
    connection.close()
    assert slow == []
