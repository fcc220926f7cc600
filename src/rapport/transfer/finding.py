"""Which objects of a Rapport are those that rows are about, asked for many rows at once."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from rapport.clock import MILLISECOND, format_rfc3339, parse_rfc3339
from rapport.contract.kit import verbatim
from rapport.contract.kit.fields import Json
from rapport.transfer.asking import MOST_LISTED, Answered, Taker, many, pieces
from rapport.transfer.families import BY_NAME
from rapport.transfer.records import Record
from rapport.transfer.said import said, short

_BY_REF = frozenset({"accounts", "rev_orgs", "rev_users", "works", "engagements", "meetings"})
# What an object without a ref is told by: when it was made, and this.
_TITLES = {
    "accounts": "display_name", "rev_orgs": "display_name", "rev_users": "display_name",
    "works": "title", "engagements": "title", "meetings": "title",
}  # fmt: skip
Documents = dict[int, Json]


async def find(taker: Taker, family: str, records: Sequence[Record]) -> Documents:
    """By row the objects that are there, as the API answers them.

    Args:
        taker: who is asked.
        family: of all records.
        records: whose fields name what is there by its ids here.
    """
    found: Documents = {}
    for deleted in (False, True):
        some = [one for one in records if one.is_deleted is deleted]
        more: Json = {"deleted": True} if deleted else {}
        if family == "engagements" and any(one.files for one in some):
            more = {**more, "expand": ["artifacts"]}
        if some:
            found |= await _find(taker, family, some, more)
    return found


async def _find(taker: Taker, family: str, records: Sequence[Record], more: Json) -> Documents:
    if family == "links":
        return await _links(taker, records)
    if family == "timeline_entries":
        return await _comments(taker, records)
    found: Documents = {}
    for name, field in _names(family):
        left = [one for one in records if one.row not in found and _texts(one, field)]
        wanted = {text for one in left for text in _texts(one, field)}
        by_text = await _by_text(taker, family, (name, field), wanted, more) if wanted else {}
        for one in left:
            for text in _texts(one, field):
                if text in by_text:
                    found[one.row] = by_text[text]
    left = [one for one in records if one.row not in found and "created_date" in one.own]
    if family in _TITLES and (left := [one for one in left if not _texts(one, *_refs(family))]):
        found |= await _by_date(taker, family, left, more)
    return found


def _refs(family: str) -> tuple[str]:
    return ("external_refs" if family == "accounts" else "external_ref",)


def _names(family: str) -> Iterable[tuple[str, str]]:
    """Filters that name one object, and the fields that have what they take."""
    if family == "dev_users":
        return (("email", "email"),)
    if family == "tags":
        return (("name", "name"),)
    (ref,) = _refs(family)
    beside = {"rev_users": ("email", "email"), "accounts": ("domains", "domains")}
    return ((ref, ref), beside[family]) if family in beside else ((ref, ref),)


def _texts(record: Record | Json, field: str) -> list[str]:
    fields = record.fields if isinstance(record, Record) else record
    value = fields.get(field) or ()
    texts = [value] if isinstance(value, str) else list(value)
    return [text.lower() for text in texts] if field in {"email", "domains"} else texts


async def _by_text(
    taker: Taker, family: str, names: tuple[str, str], wanted: set[str], more: Json
) -> Mapping[str, Json]:
    name, field = names
    requests = [
        (f"{BY_NAME[family].methods}.list", {name: [*some], "limit": MOST_LISTED, **more})
        for some in pieces(sorted(wanted), MOST_LISTED)
    ]
    by_text: dict[str, Json] = {}
    for answer in await many(taker, requests):
        for one in _listed(answer, family):
            for text in _texts(one, field):
                by_text.setdefault(text, one)
    return by_text


def _listed(answer: Answered, family: str) -> list[Json]:
    if not answer.is_done:
        return []  # such as a ref that no object could have
    listed: list[Json] = verbatim.read(bytes(answer.body))[family]
    return listed


async def _by_date(taker: Taker, family: str, records: Sequence[Record], more: Json) -> Documents:
    """Those that were made at the moments of records, and are called as they are."""
    dates = [parse_rfc3339(one.own["created_date"]) for one in records]
    request: Json = {
        "created_date": {
            "after": format_rfc3339(min(dates) - MILLISECOND),
            "before": format_rfc3339(max(dates) + MILLISECOND),
        },
        "sort_by": ["created_date:asc"],
        "limit": MOST_LISTED,
        **more,
    }
    title = _TITLES[family]
    there: dict[tuple[int, str], Json] = {}
    while True:
        answer: Any = verbatim.read(await taker.ask(f"{BY_NAME[family].methods}.list", request))
        for one in answer[family]:
            there.setdefault((parse_rfc3339(one["created_date"]), one.get(title, "")), one)
        if "next_cursor" not in answer:
            break
        request["cursor"] = answer["next_cursor"]
    keys = {
        one.row: (date, one.fields.get(title, "")) for one, date in zip(records, dates, strict=True)
    }
    return {row: there[key] for row, key in keys.items() if key in there}


async def _held(taker: Taker, family: str, requests: Mapping[str, Json]) -> dict[str, list[Json]]:
    """What objects hold, by object, all pages of it."""
    found: dict[str, list[Json]] = {holder: [] for holder in requests}
    waiting = dict(requests)
    while waiting:
        asked = [(f"{BY_NAME[family].methods}.list", one) for one in waiting.values()]
        answers = await many(taker, asked)
        more: dict[str, Json] = {}
        for (holder, request), answer in zip(waiting.items(), answers, strict=True):
            found[holder] += _listed(answer, family)
            cursor = msgspec.json.decode(answer.body).get("next_cursor") if answer.is_done else None
            if cursor is not None:
                more[holder] = {**request, "cursor": cursor}
        waiting = more
    return found


async def _links(taker: Taker, records: Sequence[Record]) -> Documents:
    sources = {str(one.fields["source"]) for one in records}
    requests: dict[str, Json] = {
        source: {"object": source, "direction": "is_source", "limit": MOST_LISTED}
        for source in sorted(sources)
    }
    there = {
        (source, link["link_type"], short(link["target"])): link
        for source, links in (await _held(taker, "links", requests)).items()
        for link in links
    }
    keys = {
        one.row: (one.fields["source"], one.fields["link_type"], one.fields["target"])
        for one in records
    }
    return {row: there[key] for row, key in keys.items() if key in there}


async def _comments(taker: Taker, records: Sequence[Record]) -> Documents:
    objects = {str(one.fields["object"]) for one in records}
    requests: dict[str, Json] = {
        object_: {"object": object_, "collections": ["discussions"], "limit": MOST_LISTED}
        for object_ in sorted(objects)
    }
    found: Documents = {}
    by_object = await _held(taker, "timeline_entries", requests)
    for one in records:
        for entry in by_object[one.fields["object"]]:
            if _is_comment(one, entry):
                found[one.row] = entry
    return found


def _is_comment(record: Record, entry: Json) -> bool:
    if "external_ref" in record.fields:
        return bool(entry.get("external_ref") == record.fields["external_ref"])
    return entry["created_date"] == record.own.get("created_date") and said(
        "timeline_entries", entry
    ).get("body") == record.fields.get("body")
