"""Array fields that a filter can name: one row per value."""

from collections.abc import Mapping, Sequence

from rapport.store.db import Tx


async def put(tx: Tx, org: str, owner: str, fields: Mapping[str, Sequence[str]]) -> None:
    """Set the values of array fields of one object; a field is named '<table>.<field>'.

    Raises:
        UniqueViolation: a value of accounts.external_refs is in use.
    """
    await tx.run(
        "DELETE FROM terms WHERE org = :org AND owner = :owner AND field IN (SELECT f FROM rows(:fields, f text))",
        org=org,
        owner=owner,
        fields=[(field,) for field in fields],
    )
    rows = [(field, i, value) for field, values in sorted(fields.items()) for i, value in enumerate(dict.fromkeys(values))]
    await tx.run(
        """
        INSERT INTO terms (org, owner, field, position, value)
        SELECT :org, :owner, field, position, value FROM rows(:rows, field text, position bigint, value text)
        """,
        org=org,
        owner=owner,
        rows=rows,
    )
