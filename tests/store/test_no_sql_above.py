"""No SQL above the store.

Filters, order and counts are asked for by the wire's names, and `store/kit/` with the family's
`Listing` decides which column, table or index answers them. Whoever knows an alias elsewhere ties
that choice down, and what a column is called with it.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import rapport

ROOT = Path(rapport.__file__).parent
ABOVE = sorted(path for path in ROOT.rglob("*.py") if path.parts[len(ROOT.parts)] != "store")
# Words in capitals that only SQL puts so, a column behind a table's alias, a bound parameter.
SQL = re.compile(
    r"\b(SELECT|INSERT INTO|DELETE FROM|UPDATE \w+ SET|ORDER BY|GROUP BY|WHERE|JOIN|EXISTS ?\(|IN ?\()"
    r"|^[a-z]\.[a-z_]+$|\b[a-z]\.[a-z_]+ (=|<>|[<>]=?|IS|IN|LIKE) |(=|<>|[<>]=?) :[a-z]|\{values\}"
)
# Methods of a filter that take SQL.
TAKES_SQL = {"where"}


def _texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every text of a module, parts of f-strings too, without the docstrings."""
    prose = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.lineno, node.value


def _sql(source: str) -> list[int]:
    """The lines of a module that know SQL."""
    tree = ast.parse(source)
    lines = [line for line, text in _texts(tree) if SQL.search(text)]
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    lines += [
        call.lineno
        for call in calls
        if isinstance(call.func, ast.Attribute) and call.func.attr in TAKES_SQL
    ]
    return lines


def test_no_module_above_the_store_knows_sql() -> None:
    assert len(ABOVE) > 80
    found = {str(path.relative_to(ROOT)): _sql(path.read_text()) for path in ABOVE}
    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "source",
    [
        'where.among("x", "a.tier IN ({values})")',
        'add_audit(where, f"{alias}.created_by IN ({{values}})", "x")',
        'add_dates(where, "e.scheduled_date", dates)',
        'narrow("o.account = :account")',
        'where.where("1 = 0")',
        'await tx.all("SELECT 1")',
    ],
)  # fmt: skip
def test_the_sql_that_once_stood_in_operations_would_be_found(source: str) -> None:
    assert _sql(f"async def work():\n    {source}") != []
