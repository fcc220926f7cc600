"""How SQLite goes about the program's statements: what is slow with many rows shows in the
plan, without them.
"""

import asyncio
import importlib
import json
import pkgutil
import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

import apsw
import pytest

from rapport import __version__, store
from rapport.auth.caller import Caller
from rapport.blobs.local import LocalBlobs
from rapport.clock import DAY, system_clock
from rapport.contract.engagements import EXPANSIONS
from rapport.contract.kit.errors import ApiError
from rapport.contract.kit.fields import Json
from rapport.contract.table import METHODS
from rapport.jobs.clean import Cleaner
from rapport.operations import demo
from rapport.serving.installation import open_data
from rapport.settings import load
from rapport.wire import openapi
from rapport.wire.decode import RequestDecoder
from rapport.wire.examples import example, made_up

NOW = "2026-01-01T00:00:00Z"
ADMIN = Caller(demo.ORG, "DEVU-12345", "admin")
# Beside the document's examples: what loads summaries, and a tag that much has.
MORE: list[tuple[str, Json]] = [
    ("engagements.list", {"expand": [*EXPANSIONS]}),
    ("timeline-entries.list", {"object": "ACC-12345", "rollup": True}),
    ("timeline-entries.list", {"object": "ACC-12345", "rollup": True, "limit": 1}),
    ("engagements.list", {"sort_by": ["title:asc", "scheduled_date:desc"]}),
    ("engagements.list", {"sort_by": ["modified_date:desc", "title:asc"], "tags": ["TAG-12345"]}),
    ("engagements.list", {"sort_by": ["title:desc"], "type": ["call"], "members": ["DEVU-12345"]}),
    ("accounts.list", {"sort_by": ["display_name:asc", "created_date:desc"]}),
    ("works.list", {"sort_by": ["target_close_date:asc", "title:desc"]}),
    ("engagements.count", {"type": ["call"], "members": ["DEVU-12345"]}),
    ("engagements.list", {"parent": ["ACC-12345", "ACC-12346"]}),
    ("engagements.list", {"members": ["DEVU-12345", "REVU-12345"], "sort_by": ["title:asc"]}),
    ("engagements.count", {"parent": ["ACC-12345", "ACC-12346"]}),
    ("accounts.list", {"sort_by": ["engagements_last_30_days:desc"], "tier": ["growth"]}),
    ("accounts.list", {"sort_by": ["next_engagement:asc"], "last_engagement": {"before": NOW}}),
    ("meetings.list", {"members": ["DEVU-12345", "REVU-12345"], "mode": "before"}),
    ("works.list", {"stage": {"name": ["discovery"]}, "tags": ["TAG-12345"]}),
    ("tags.delete", {"id": "TAG-12345"}),
]  # fmt: skip
# What any family's lists can be put in order by.
ORDERS = sorted(
    {
        name
        for module in pkgutil.iter_modules(store.__path__)
        for name in getattr(importlib.import_module(f"{store.__name__}.{module.name}"), "SORTS", ())
    }
)
PAGING = {"cursor", "expand", "limit", "mode", "sort_by"}
# Few rows, whatever is stored: an org's one of each, or what an operator made by hand.
SMALL = {
    "orgs",
    "event_floors",
    "webhooks",
    "migrations",
    # What changed a moment ago.
    "derived_search_pending",
    "derived_search_renamed",
    "derived_search_progress",
}

# Questions that still read as much as an org has, not as much as they answer: indexes and sums are
# to come for each. What is mended leaves this list, and nothing new comes in.
KNOWN_WALKS = {
    "accounts by nothing",
    "artifacts by comments, created_by, holder_deleted, parent, terms",
    "comments by created_by, object, terms, visibility",
    "comments by object",
    "engagements by scheduled_date",
    "links by link_type, source, target",
    "links by source, source_kind, target, target_kind",
    "links by source, target",
    "meetings by ended_date",
    "meetings by scheduled_date",
    "opportunities by nothing",
    "opportunities by target_close_date",
    "rev_orgs by nothing",
    "webhook_deliveries by state",
    "webhook_deliveries by state, webhook",
    "webhook_deliveries by type",
    "webhook_deliveries by webhook",
}
# Walks that are chosen by kept sums, where they fill a page soon.
CHOSEN = {
    # Of the indexes that deleted ones alone have.
    "engagements by created_date, deleted_date",
    "engagements by deleted_date",
    "meetings by deleted_date",
    "comments by created_by, engagement_parents, meetings, object, terms, visibility",
    "events by comments, engagement_parents, kind, meetings, object, terms",
}
# Of accounts by touches: in the order of an index; those for which time has passed, which are few;
# and ranges that few are in, as was counted.
_RECKONED = "account, derived_touches, due_date, last_date, next_date, recent"
_RECKONED_BY = f"account, accounts, {_RECKONED.partition(' ')[2]}"
BY_TOUCH = {
    f"derived_rhythms by {columns}"
    for columns in (
        "due_date",
        _RECKONED,
        _RECKONED_BY,
        f"{_RECKONED_BY}, tags, terms",
        f"{_RECKONED_BY}, terms",
        "account, due_date, last_date",
        "account, due_date, last_date, next_date",
        "account, due_date, last_date, recent",
        "account, due_date, next_date",
        "account, due_date, next_date, recent",
        "account, due_date, recent",
    )
}
# Erasing a person reads every text and event of their org: any of them may show who they were.
ERASING = {
    "accounts by display_name, document",
    "artifacts by file_name",
    "comments by document",
    "deleted_comments by document",
    "engagements by document",
    "events by before, deltas, document, object",
    "meetings by document, external_ref, title",
    "opportunities by document, external_ref, title",
    "rev_orgs by display_name, document, external_ref",
    "tags by document, name",
    "users by display_name, document, email, external_ref, full_name",
}
# A sum of all that matches reads all that matches.
SUMMED = {
    "engagement_members by engagement, engagement_parents, member",
    "engagement_parents by engagement, engagement_members, parent",
    "engagements by engagement_members, engagement_parents",
}
# A walk that ends at its first row, inside of a condition.
ENDED = {"events by date"}


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


def _filtered(schemas: Json) -> Iterator[tuple[str, Json]]:
    """Each list and count by each of its filters alone, lists in each order too; a list refuses
    an order that it does not have.
    """
    for method in METHODS.values():
        if method.name.endswith((".list", ".count")):
            schema = schemas[method.request.__name__]
            asked = {name: example(method, schemas)[name] for name in schema.get("required", [])}
            fields = schema["properties"]
            orders: list[Json] = [{"sort_by": [f"{name}:desc"]} for name in ORDERS]
            for name in fields.keys() - asked.keys() - PAGING:
                for order in [{}, *(orders if "sort_by" in fields else ())]:
                    yield method.name, {**asked, name: made_up(fields[name], schemas), **order}


async def _run_everything(folder: Path, seen: set[str]) -> set[str]:
    """Call every method, the ones that delete last; the names of those that did something."""
    async with open_data(load({"data": folder})) as opened:
        seen.clear()  # A migration may take its time.
        await demo.fill(opened.store, opened.blobs, system_clock)
        schemas = openapi.document(version=__version__)["components"]["schemas"]
        calls = (
            [(method.name, example(method, schemas)) for method in METHODS.values()]
            + MORE
            + [*_filtered(schemas)]
        )
        done = set()
        for name, request in sorted(
            calls, key=lambda call: ("delete" in call[0], call[0] != "tags.delete")
        ):
            decoder = RequestDecoder(METHODS[name].request, strict=False)
            try:
                await opened.invoker.invoke(
                    ADMIN, METHODS[name], decoder.from_body(json.dumps(request).encode())
                )
            except ApiError:
                continue
            done.add(name)
        blobs = LocalBlobs(folder / "blobs")
        cleaner = Cleaner(opened.store, blobs, lambda: system_clock() + 400 * DAY, orphan_seconds=1)
        for clean in (
            cleaner.remove_orphans,
            cleaner.forget_keys,
            cleaner.forget_deliveries,
            cleaner.forget_events,
            cleaner.settle_touches,
        ):
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


# An index walked from an org's first row, or from a place in it, to the end.
_WALK = re.compile(
    r"SEARCH (\w+) USING (?:COVERING )?(?:INDEX )?(\w+).*\(org=\?(?: AND \w+[<>]\?)?\)"
)
# What no row is looked at for.
_FREE = re.compile(r":\w+|\b(\w+\.)?org = |\b(\w+\.)?deleted_date IS NULL")
_PART = re.compile(r"\b(?:WHERE|ON)\b(.*?)(?=\bORDER BY\b|\bLIMIT\b|\bJOIN\b|$)")


def _named(sql: str, tables: AbstractSet[str]) -> dict[str, str]:
    """Tables by what a statement calls them."""
    return {
        alias: table
        for table, alias in re.findall(r"(?:FROM|JOIN)\s+(\w+) (?:AS )?(\w+)", sql)
        if table in tables
    }


def _walks(connection: apsw.Connection, sql: str, columns: dict[str, set[str]]) -> Iterator[str]:
    """Walks that nothing ends but the last row of the org, as `<table> by <what its rows are
    looked at for>`.
    """
    sql = " ".join(sql.split())
    bindings = dict.fromkeys(re.findall(r":(\w+)", sql), "[]")
    steps = [step for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {sql}", bindings)]
    named = _named(sql, columns.keys())
    looked_at = set(re.findall(r"\w+", _FREE.sub("", " ".join(_PART.findall(sql)))))
    # Where only the last terms are sorted, groups of equals come one after the other.
    is_sorted = any("TEMP B-TREE FOR ORDER BY" in step for step in steps)
    # The least and the most of groups are found by reading all of them.
    is_sorted |= "GROUP BY" in sql
    ends_early = bool(re.search(r"\bLIMIT\b|\b(max|min)\(", sql)) and not is_sorted
    for step in steps:
        if walk := _WALK.match(step):
            table = named.get(walk[1], walk[1])
            rows = looked_at & (columns[table] | columns.keys()) - {"org", "number", table}
            if ends_early:
                rows -= {
                    column for _, _, column in connection.execute(f"PRAGMA index_info({walk[2]})")
                }
            if table not in SMALL and (rows or not ends_early):
                yield f"{table} by {', '.join(sorted(rows)) or 'nothing'}"


def _statements(seen: set[str]) -> set[str]:
    return {sql for sql in seen if re.match(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b", sql)}


def test_no_statement_walks_an_index_without_a_bound(tmp_path: Path, seen: set[str]) -> None:
    asyncio.run(_run_everything(tmp_path / "data", seen))
    connection = apsw.Connection(str(tmp_path / "data" / "rapport.db"))
    tables = [
        name
        for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
    ]
    columns = {
        name: {row[1] for row in connection.execute(f"PRAGMA table_info({name})")}
        for name in tables
    }
    walks = {walk for sql in _statements(seen) for walk in _walks(connection, sql, columns)}
    connection.close()
    assert walks == KNOWN_WALKS | ENDED | CHOSEN | BY_TOUCH | ERASING | SUMMED


def test_no_statement_reads_a_list_again_for_each_row_or_a_whole_table(
    tmp_path: Path, seen: set[str]
) -> None:
    done = asyncio.run(_run_everything(tmp_path / "data", seen))
    assert {
        "tags.delete",
        "engagements.list",
        "engagements.update",
        "works.list",
        "rev-users.list",
    } <= done
    statements = _statements(seen)
    assert len(statements) > 120
    connection = apsw.Connection(str(tmp_path / "data" / "rapport.db"))
    tables = {
        name
        for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
    }
    slow = []
    for sql in statements:
        names = _named(sql, tables)
        for loops in _loops(connection, sql):
            again = [step for step in loops[1:] if "VIRTUAL TABLE" in step]
            scanned = [match[1] for step in loops if (match := re.match(r"SCAN (\w+)", step))]
            whole = {names.get(name, name) for name in scanned} & tables - SMALL
            if again or whole:
                slow.append((" ".join(sql.split()), loops))
    connection.close()
    assert slow == []
