"""Which objects' texts may mention somebody."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rapport.store.kit.db import Row, Tx


class Text(NamedTuple):
    """An object and the texts that it has: by column, and all others as JSON.

    Args:
        object: its display id, behind that of what it is on.
        columns: texts by their names on the wire.
        document: the JSON of its row.
    """

    object: str
    columns: dict[str, str]
    document: str


# Each table with texts: its rows' display ids, its texts beside the document by their wire names,
# and the document. A number in an id is cast where engines would not do it alike.
_TABLES: tuple[tuple[str, str, dict[str, str], str], ...] = (
    ("accounts", "'ACC-' || x.number", {"display_name": "x.display_name"}, "x.document"),
    (
        "artifacts",
        "'ARTIFACT-' || x.number",
        {"file.name": "x.file_name"},
        "CAST(NULL AS TEXT)",
    ),
    ("comments", "x.object || ':COMMENT-' || x.number", {}, "x.document"),
    ("deleted_comments", "x.object || ':COMMENT-' || x.number", {}, "x.document"),
    ("engagements", "'ENGAGEMENT-' || x.number", {}, "x.document"),
    (
        "meetings",
        "'MEETING-' || x.number",
        {"external_ref": "x.external_ref", "title": "x.title"},
        "x.document",
    ),
    (
        "opportunities",
        "'OPP-' || x.number",
        {"external_ref": "x.external_ref", "title": "x.title"},
        "x.document",
    ),
    (
        "rev_orgs",
        "'REV-' || x.number",
        {"display_name": "x.display_name", "external_ref": "x.external_ref"},
        "x.document",
    ),
    ("tags", "'TAG-' || x.number", {"name": "x.name"}, "x.document"),
    (
        "users",
        "x.display_id",
        {
            "display_name": "x.display_name",
            "email": "x.email",
            "external_ref": "x.external_ref",
            "full_name": "x.full_name",
        },
        "x.document",
    ),
)


async def candidates(tx: Tx, org: str, needles: Sequence[str]) -> list[Text]:
    """The objects, live and deleted, in which one of these texts may stand, whatever its case.

    It reads every text that the org has.
    """
    marks = [(f"%{_escaped(needle.lower())}%",) for needle in needles]
    found: list[Text] = []
    for table, object_, columns, document in _TABLES:
        texts = " || ' ' || ".join(f"COALESCE({one}, '')" for one in (*columns.values(), document))
        rows = await tx.all(
            f"""
            SELECT {object_}, {", ".join((document, *columns.values()))} FROM {table} x
            WHERE x.org = :org AND EXISTS (
                SELECT 1 FROM rows(:marks, mark text) r
                WHERE LOWER({texts}) LIKE r.mark ESCAPE '!')
            ORDER BY 1
            """,  # noqa: S608  # our own names
            org=org,
            marks=marks,
        )
        found += _texts(rows, tuple(columns))
    return found


def _escaped(text: str) -> str:
    for sign in "!%_":
        text = text.replace(sign, f"!{sign}")
    return text


def _texts(rows: Sequence[Row], names: Sequence[str]) -> Iterator[Text]:
    for object_, document, *values in rows:
        pairs = zip(names, values, strict=True)
        columns = {name: value for name, value in pairs if value is not None}
        yield Text(object_, columns, document or "{}")
