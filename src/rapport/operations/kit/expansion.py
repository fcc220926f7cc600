"""`expand`: an engagement's ids turned into summaries, with one query per kind whatever the
page size.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from rapport.contract.engagements import Expansion
from rapport.contract.kit import ids, verbatim
from rapport.contract.tags import TagWithValue
from rapport.store import summaries
from rapport.store.kit.db import Tx

Document = dict[str, Any]


async def expanded(
    tx: Tx, org: str, documents: Sequence[bytes], expand: Sequence[Expansion]
) -> list[bytes]:
    """Engagements as JSON, with the named kinds of ids as summaries."""
    parsed: list[Document] = [verbatim.read(document) for document in documents]
    for kind in dict.fromkeys(expand):
        await _EXPAND[kind](tx, org, parsed)
    return [msgspec.json.encode(document) for document in parsed]


async def _members(tx: Tx, org: str, documents: Sequence[Document]) -> None:
    people = await summaries.users(tx, {(org, _display(don)) for don in _all(documents, "members")})
    _replace(
        documents, "members", {display_id: summary for (_, display_id), summary in people.items()}
    )


async def _parents(tx: Tx, org: str, documents: Sequence[Document]) -> None:
    wanted = {_display(don) for don in _all(documents, "parents")}
    _replace(documents, "parents", await summaries.parents(tx, org, wanted))
    for document in documents:
        if "parents" in document:
            document["parent"] = document["parents"][0]


async def _tags(tx: Tx, org: str, documents: Sequence[Document]) -> None:
    tags = await summaries.tags(tx, org, [_display(don) for don in _all(documents, "tags")])
    for document in documents:
        if "tags" in document:
            values = document.get("tag_values", {})
            document["tags"] = [_tag(tags, don, values) for don in document["tags"]]


async def _artifacts(tx: Tx, org: str, documents: Sequence[Document]) -> None:
    wanted = {_display(don) for don in _all(documents, "artifacts")}
    _replace(
        documents,
        "artifacts",
        await summaries.artifacts(tx, org, ids.numbers_of(ids.ARTIFACT, wanted)),
    )


_EXPAND = {"members": _members, "parents": _parents, "tags": _tags, "artifacts": _artifacts}


def _tag(tags: dict[str, Any], don: str, values: dict[str, str]) -> Any:
    summary = tags.get(_display(don))
    if summary is None:
        return don
    return (
        TagWithValue(tag=summary, value=values[don]) if don in values else TagWithValue(tag=summary)
    )


def _all(documents: Sequence[Document], field: str) -> Iterable[str]:
    return (don for document in documents for don in document.get(field, ()))


def _replace(documents: Sequence[Document], field: str, found: dict[str, Any]) -> None:
    for document in documents:
        if field in document:
            document[field] = [found.get(_display(don), don) for don in document[field]]


def _display(don: str) -> str:
    return ids.Id.parse(don).display_id
