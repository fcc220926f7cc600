"""Array fields that a filter can name: one row per value."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from rapport.contract.kit import verbatim
from rapport.store.kit.db import Tx
from rapport.store.kit.filters import Link

# In characters; UTF-8 has up to four bytes for each.
_LONGEST = 256
_HASHED = "sha256:"
_encode = msgspec.json.Encoder(order="sorted").encode


async def put(tx: Tx, org: str, owner: str, fields: Mapping[str, Sequence[str]]) -> None:
    """Set the values of array fields of one object; a field is named '<table>.<field>'.

    Raises:
        UniqueViolation: a value of accounts.external_refs is in use.
    """
    await tx.run(
        "DELETE FROM terms WHERE org = :org AND owner = :owner AND field IN (SELECT f "
        "FROM rows(:fields, f text))",
        org=org,
        owner=owner,
        fields=[(field,) for field in fields],
    )
    await add(
        tx,
        [
            (org, owner, field, i, value)
            for field, values in sorted(fields.items())
            for i, value in enumerate(dict.fromkeys(kept(values)))
        ],
    )


async def add(tx: Tx, rows: Sequence[tuple[str, str, str, int, str]]) -> None:
    """Add (org, owner, field, position, value), as it is kept.

    Raises:
        UniqueViolation: a value of accounts.external_refs is in use.
    """
    if rows:
        await tx.run(
            """
            INSERT INTO terms (org, owner, field, position, value)
            SELECT org, owner, field, position, value
            FROM rows(:rows, org text, owner text, field text, position bigint, value text)
            """,
            rows=rows,
        )


async def remove(tx: Tx, org: str, owners: Sequence[str]) -> None:
    """Remove all values of objects, named by display ids."""
    await tx.run(
        "DELETE FROM terms WHERE org = :org AND owner IN (SELECT owner "
        "FROM rows(:owners, owner text))",
        org=org,
        owners=[(owner,) for owner in owners],
    )


async def owners(tx: Tx, org: str, fields: Sequence[str], value: str) -> list[str]:
    """The display ids of the objects with a value in any of these fields."""
    rows = await tx.all(
        """
        SELECT DISTINCT owner FROM terms
        WHERE org = :org AND field IN (SELECT field FROM rows(:fields, field text))
        AND value = :value ORDER BY owner
        """,
        org=org,
        fields=[(field,) for field in fields],
        value=value,
    )
    return [owner for (owner,) in rows]


def kept(values: Sequence[str]) -> list[str]:
    """Values as they are kept: a long one as its hash, because an entry of an index on
    PostgreSQL has 2,704 bytes.
    """
    return [
        value if _is_short(value) else _HASHED + hashlib.sha256(value.encode()).hexdigest()
        for value in values
    ]


def _is_short(value: str) -> bool:
    # A short value that looks like a hash is hashed too, so that it can't be taken for the long
    # one.
    return len(value) <= _LONGEST and not value.startswith(_HASHED)


def filters(
    table: str, alias: str, owner: str, *fields: str, summed: bool = False
) -> dict[str, Link]:
    """Filters by array fields, each by its name.

    Args:
        table: whose fields they are.
        alias: of the table in its listing.
        owner: SQL for the display id of a row.
        fields: their names.
        summed: how many live rows have a value of them is kept; see `counts`.
    """
    here = f"t.org = {alias}.org AND t.owner = {owner}"
    # An owner such as 'ACC-' || a.number has its number behind the prefix.
    prefix = re.match(r"'(\w+-)' \|\| ", owner)
    number = f"CAST(substr(t.owner, {len(prefix[1]) + 1}) AS BIGINT)" if prefix else ""
    return {
        field: Link(
            "terms t",
            f"{here} AND t.field = '{table}.{field}'",
            "t.value",
            kept,
            number=number,
            scope=f"t.org = :org AND t.field = '{table}.{field}'",
            summed=summed,
        )
        for field in fields
    }


def of_custom_fields(fields: Mapping[str, Any] | None) -> list[str]:
    """The terms of an object's custom fields, each once: one for each value, and for each entry of
    an array.
    """
    found = (term for name, value in (fields or {}).items() for term in custom_field(name, value))
    return list(dict.fromkeys(found))


def same_custom_field(name: str, value: object) -> Iterator[str]:
    """The terms of all that equals a value, or an entry of an array: 100 is also what 100.0 and
    1E2 were kept as.
    """
    plain = verbatim.by_value(value)
    for one in plain if isinstance(plain, list) else [plain]:
        yield from custom_field(name, [one, *_twins(one)])


def _twins(value: object) -> list[int | float]:
    if isinstance(value, int) and not isinstance(value, bool) and int(float(value)) == value:
        return [float(value), -0.0] if value == 0 else [float(value)]
    if isinstance(value, float) and value.is_integer() and -(2**63) <= value < 2**64:
        return [int(value), 0.0, -0.0] if value == 0 else [int(value)]
    return []


def custom_field(name: str, value: object) -> Iterator[str]:
    """The terms of one custom field: hashes, because values may be long and an index entry may
    not.
    """
    plain = verbatim.by_value(value)
    for one in plain if isinstance(plain, list) else [plain]:
        yield hashlib.sha256(_encode([name, one])).hexdigest()[:32]
